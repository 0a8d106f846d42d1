"""What a run does to a folder, and what identifies it, where recipes change: each test is a defect that was found."""

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mathmill.core.errors import ConfigError, DataError, OperationError
from mathmill.jobs.check import verify_run
from mathmill.jobs.estimate import estimate
from mathmill.jobs.recipe import Recipe, parse_recipe
from mathmill.jobs.run import run_recipe
from mathmill.jobs.summary import funnel_of
from mathmill.jobs.trace import trace_record
from mathmill.tokenize.manifest import load

Answers = Callable[[Path], dict[str, str]]

RECIPE = """\
name: review
sources: [{name: lines, path: lines.jsonl, kind: documents, lang: en}, {name: asked, path: asked.jsonl, kind: problems}]
stages: [dedup]
problems: [extract_problems, dedup]
tokenize: {tokenizer: "mathmill:demo/tokenizer.json"}
shards: {seq_len: 256, groups: {easy: "problems[difficulty=easy]", zh: "problems[lang=zh]", cot: "problems[style=cot]"}}
"""
MIXTURE = "mixture: {groups: {easy: 1, zh: 1}}\n"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    lines = [{"text": f"Page {i} shows that $x^{i} > {i}$ for every large number x."} for i in range(2, 30)]
    asked = [
        {
            "question": f"Compute ${i} + {i * i}$ by hand.",
            "solution": f"Add them. It is ${i + i * i}$.",
            "difficulty": "easy" if i % 2 else "hard",
            "lang": "zh" if i % 3 else "en",
            "style": "cot" if i % 5 else "pot",
        }
        for i in range(2, 60)
    ]
    for name, rows in (("lines", lines), ("asked", asked)):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def recipe(work: Path, text: str = RECIPE) -> Recipe:
    return parse_recipe(text.encode(), work / "recipe.yaml")


def reordered() -> str:
    groups = RECIPE[RECIPE.index("{easy") : RECIPE.rindex("}")]
    parts = groups[1:-1].split(", ")
    return RECIPE.replace(groups, "{" + ", ".join(reversed(parts)) + "}")


def test_mix_groups_in_another_order_are_packed_again(work: Path, answers: Answers) -> None:
    run_recipe(recipe(work), work / "out", workers=1)
    run_recipe(recipe(work, reordered()), work / "out", workers=1)
    run_recipe(recipe(work, reordered()), work / "afresh", workers=1)
    assert answers(work / "out") == answers(work / "afresh")
    assert recipe(work).digest() != recipe(work, reordered()).digest()


def test_a_run_does_not_start_in_a_folder_of_other_things(work: Path) -> None:
    (work / "mine" / "documents").mkdir(parents=True)
    (work / "mine" / "documents" / "thesis.txt").write_text("years of work")
    with pytest.raises(OperationError, match="holds something else under a name that a run writes"):
        run_recipe(recipe(work), work / "mine", workers=1)
    assert [path.name for path in (work / "mine").iterdir()] == ["documents"]


def test_what_somebody_puts_beside_the_files_of_a_run_stays(work: Path) -> None:
    run_recipe(recipe(work), work / "out", workers=1)
    (work / "out" / "documents" / "notes.txt").write_text("read them")
    run_recipe(recipe(work), work / "out", workers=1)
    assert (work / "out" / "documents" / "notes.txt").read_text() == "read them"


@pytest.mark.parametrize(
    "smaller",
    [
        RECIPE.replace("stages: [dedup]\n", ""),
        RECIPE.replace("problems: [extract_problems, dedup]\n", ""),
        RECIPE[: RECIPE.index("tokenize")],
    ],
    ids=["no-dedup", "no-problems", "no-shards"],
)
def test_nothing_is_left_of_what_a_recipe_no_longer_has(work: Path, answers: Answers, smaller: str) -> None:
    run_recipe(recipe(work, RECIPE + MIXTURE), work / "out", workers=1)
    run_recipe(recipe(work, smaller), work / "out", workers=1)
    run_recipe(recipe(work, smaller), work / "afresh", workers=1)
    assert verify_run(work / "out").problems == []
    assert answers(work / "out") == answers(work / "afresh")
    files = {path.relative_to(work / "out") for path in (work / "out").rglob("*.*") if path.is_file()}
    fresh = {path.relative_to(work / "afresh") for path in (work / "afresh").rglob("*.*") if path.is_file()}
    assert {path for path in files - fresh if path.parts[0] != ".tmp"} == set()


def test_a_mixture_that_cannot_be_leaves_the_shards_and_the_report_but_no_old_mixture(work: Path) -> None:
    run_recipe(recipe(work, RECIPE + MIXTURE), work / "out", workers=1)
    (work / "out" / "report.html").unlink()
    with pytest.raises(ConfigError, match="holds no tokens"):
        run_recipe(recipe(work, RECIPE.replace("lang=zh", "lang=fr") + MIXTURE), work / "out", workers=1)
    assert not (work / "out" / "shards" / "mixture.json").exists()
    assert (work / "out" / "report.html").exists()
    assert load(work / "out" / "shards").groups["zh"].rows == 0


def test_verify_sees_an_edited_manifest(work: Path) -> None:
    run_recipe(recipe(work), work / "out", workers=1)
    path = work / "out" / "shards" / "manifest.json"
    path.write_text(path.read_text().replace('"pad_id": ', '"pad_id": 1'))
    assert "was edited" in verify_run(work / "out").problems[0]


@pytest.mark.parametrize("name", ["a/b", "../a", "a.b", "", "-a"])
def test_a_group_is_called_what_a_file_can_be_called(work: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=r"recipe.yaml:6 shards.groups.*letters, digits"):
        recipe(work, RECIPE.replace("easy:", f'"{name}":'))


def test_a_stage_that_cannot_read_its_input_is_found_in_the_recipe(work: Path) -> None:
    text = 'stages:\n  - decontaminate: {benchmarks: ["mathmill:demo/benchmark.jsonl"]}\n  - extract\n'
    with pytest.raises(ConfigError, match=r"recipe.yaml:3 stages\[0\].decontaminate: .* \(source crawl\)"):
        recipe(work, "sources: [{name: crawl, path: x.warc.gz, kind: pages}]\n" + text)


@pytest.mark.parametrize("name", ["many.parquet", "many.jsonl", "many.jsonl.gz"])
def test_the_plan_of_a_large_file_is_about_right_in_every_format(work: Path, name: str) -> None:
    table = pa.table({"text": [f"number {i} {i * 7919} " + "and so on " * (i % 50) for i in range(20_000)]})
    if name.endswith("parquet"):
        pq.write_table(table, work / name, row_group_size=20_000)
    else:
        lines = "".join(json.dumps(row) + "\n" for row in table.to_pylist()).encode()
        with pa.output_stream(work / name, compression="detect") as file:
            file.write(lines)
    text = f"sources: [{{name: many, path: {name}, kind: documents}}]\n"
    documents = estimate(recipe(work, text), workers=1).sources[0].documents
    assert documents == pytest.approx(20_000, rel=0.25)


def test_a_record_is_traced_by_the_part_of_its_id_that_the_report_shows(work: Path) -> None:
    run_recipe(recipe(work), work / "out", workers=1)
    problem = pq.read_table(next((work / "out" / "problems").glob("*.parquet"))).column("problem_id")[0].as_py()
    folders = [name.partition("/")[0] for name, _ in trace_record(problem[:12], work / "out").places]
    assert folders == ["work", "problems", "tokens", "shards"]
    with pytest.raises(DataError, match="too short"):
        trace_record("ab", work / "out")


def test_the_funnel_has_the_order_of_the_recipe_where_sources_skip_stages(work: Path) -> None:
    text = RECIPE.replace("stages: [dedup]", "stages: [blocklist, language, dedup]")
    text = text.replace(
        "lang: en}, ", "lang: en, skip: [blocklist]}, {name: more, path: lines.jsonl, kind: documents}, "
    )
    summary = run_recipe(recipe(work, text), work / "out", workers=1).summary
    stages = [step.stage for step in funnel_of(summary, "documents")]
    assert stages == ["read", "blocklist", "language", "dedup", "extract_problems"]


def test_a_source_that_skips_dedup_takes_nothing_from_others(work: Path) -> None:
    text = RECIPE.replace(
        "kind: problems}", "kind: problems}, {name: again, path: asked.jsonl, kind: problems, skip: [dedup]}"
    )
    summary = run_recipe(recipe(work, text), work / "out", workers=1).summary
    assert summary.problems.column("source").to_pylist().count("asked") == 58
    assert summary.problems.column("source").to_pylist().count("again") == 58
