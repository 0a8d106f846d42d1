"""`mathmill catalogue`, and recipes whose sources come from it."""

import json
from pathlib import Path

import pytest

from mathmill.core.errors import ConfigError
from mathmill.curation.readers.catalogue import catalogue
from mathmill.jobs.catalogue import source_notices
from mathmill.jobs.estimate import estimate
from mathmill.jobs.plan import SourceInput
from mathmill.jobs.recipe import parse_recipe


def parse(source: str):
    return parse_recipe(f"sources:\n  - {source}\n".encode(), Path("recipes/math.yaml"))


def test_the_table_names_every_entry_and_fits_a_terminal(mathmill) -> None:
    lines = mathmill("catalogue").stdout.splitlines()
    assert {line.split()[0] for line in lines if line} >= catalogue().keys()
    assert max(map(len, lines)) <= 80
    assert "big-math            en   251 k                 Apache-2.0     gated" in lines


def test_one_entry_is_shown_with_the_lines_for_a_recipe(mathmill) -> None:
    shown = mathmill("catalogue", "Math").stdout
    assert "school" not in shown
    assert "  difficulty_score  level: Level 1 -> 1, Level 2 -> 2," in shown
    assert shown.endswith(
        "sources:\n  - {catalogue: math}\n  # or, without the net: {catalogue: math, path: data/math/}\n"
    )
    assert mathmill("catalogue", "lila").stdout.endswith(
        "{catalogue: lila, path: data/lila/}  # the archive, unpacked\n"
    )


def test_machines_get_json(mathmill) -> None:
    entries = json.loads(mathmill("catalogue", "--json").stdout)
    assert [entry["name"] for entry in entries] == list(catalogue())
    assert json.loads(mathmill("catalogue", "gsm8k-test", "--json").stdout)["benchmark"] is True


def test_an_unknown_name_is_one_sentence(mathmill) -> None:
    failed = mathmill("catalogue", "numina")
    assert failed.returncode == 2
    assert failed.stderr.startswith("mathmill: there is no 'numina' in the catalogue; did you mean numinamath-")


def test_a_recipe_takes_an_entry_and_overrides_it() -> None:
    [source] = parse("{catalogue: numinamath-cot, path: numina/, lang: zh}").sources
    assert source.path.rstrip("/") == str(Path("recipes/numina").absolute())
    assert (source.name, source.kind, source.lang, source.license) == ("numinamath-cot", "problems", "zh", "Apache-2.0")
    assert source.fields["question"] == "problem"


def test_a_mistake_in_a_recipe_names_the_line() -> None:
    with pytest.raises(ConfigError) as error:
        parse("{catalogue: gsm9k}")
    assert str(error.value).startswith(
        "recipes/math.yaml:2 sources[0]: there is no 'gsm9k' in the catalogue; did you mean gsm8k"
    )
    with pytest.raises(ConfigError, match=r"math.yaml:2 sources\[0\].fields.question.joined: unknown key"):
        parse("{catalogue: gsm8k, fields: {question: {field: a, joined: b}}}")


def test_benchmarks_and_unchecked_entries_are_told() -> None:
    [notice] = source_notices(parse("{catalogue: gsm8k-test}").sources)
    assert notice == (
        "source gsm8k-test: GSM8K, test split is a benchmark; what is trained on it cannot be measured with it"
    )
    [notice] = source_notices(parse("{catalogue: redpajama-wikipedia}").sources)
    assert notice.startswith(
        "source redpajama-wikipedia: the catalogue's path and columns of RedPajama, Wikipedia in 20 "
    )
    assert source_notices(parse("{catalogue: redpajama-wikipedia, fields: {text: text}}").sources) == []
    assert source_notices(parse("{catalogue: gsm8k}").sources) == []


def test_it_does_not_matter_to_a_task_whether_the_catalogue_said_it() -> None:
    [ours] = parse("{catalogue: gsm8k, path: a.jsonl}").sources
    [given] = parse(
        "{name: gsm8k, path: a.jsonl, kind: problems, license: MIT, lang: en, "
        "fields: {question: question, solution: answer, style: {value: cot}}}"
    ).sources
    part = {"path": "a.jsonl", "relative": "a.jsonl", "start": 0, "end": 9, "size": 9, "file_size": 9}
    inputs = [SourceInput(source=source, slice=part, fingerprint="x") for source in (ours, given)]
    assert inputs[0].identity() == inputs[1].identity()


def test_the_plan_of_a_json_file_counts_its_records(tmp_path) -> None:
    records = [{"question": f"What is {i} + {i % 7}? " + "Think. " * (i % 5)} for i in range(20_000)]
    (tmp_path / "a.json").write_text(json.dumps(records))
    (tmp_path / "a.csv").write_text("question\n" + "".join(f"{record['question']}\n" for record in records))
    for name in ("a.json", "a.csv"):
        recipe = parse_recipe(f"sources: [{{name: a, path: {name}, kind: problems}}]".encode(), tmp_path / "a.yaml")
        found = estimate(recipe, 1).sources[0].problems
        assert 18_000 <= found <= 22_000
