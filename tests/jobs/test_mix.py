"""Mixtures over packed shards: `mathmill mix`, the mixture of a run, and what they say."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import servers

from mathmill.core.errors import ConfigError
from mathmill.core.storage import Folder
from mathmill.jobs.engine import Unwatched
from mathmill.jobs.mix import picture_lines, plan_over, ratio_config, read_config, table_lines
from mathmill.jobs.recipe import parse_recipe
from mathmill.jobs.report import areas
from mathmill.jobs.run import Finished, run_recipe
from mathmill.jobs.shards import load_info
from mathmill.tokenize.mixture import Mixture, plan_mixture
from mathmill.tokenize.mixture_config import MixtureConfig
from mathmill.tokenize.row_sizes import group_sizes

Mathmill = Callable[..., "subprocess.CompletedProcess[str]"]

CURRICULUM = """\
max_repetition: 4
curriculum:
  shape: steps
  points:
    - {at: 0%, groups: {math: 3, problems: 1}}
    - {at: 50%, groups: {math: 1, problems: 2, hard: 1}}
"""


def three_groups(shape: str) -> Mixture:
    points = [{"at": 0, "groups": {"web": 1}}, {"at": "50%", "groups": {"web": 1, "math": 2, "hard": 1}}]
    config = MixtureConfig.model_validate({"total": 8000, "curriculum": {"shape": shape, "points": points}})
    return plan_mixture(config, {name: np.full(60, 100) for name in ("web", "math", "hard")})


@pytest.fixture(scope="module")
def shards(demo: Finished) -> str:
    return demo.run.path("shards")


def test_other_ratios_need_nothing_packed_again(shards: str, tmp_path: Path, mathmill: Mathmill) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in Path(shards).iterdir()}
    out = tmp_path / "plans"
    ran = mathmill("mix", shards, "--ratio", "math=3,problems=7", "--total", "8K", "--out", out)
    assert ran.returncode == 0, ran.stderr
    assert re.search(r"^math +30\.00% +2,400 +\d\d\.\d\d% +\d,\d{3} +[+-]\d+ +\d+ +0\.\d\d$", ran.stdout, re.MULTILINE)
    assert ran.stdout.endswith(f"Wrote {out}/mixture.json\n")
    mixture = Mixture.load(out / "mixture.json")
    sizes = group_sizes(Folder(shards), load_info(shards))
    for group, asked in zip(mixture.groups, (2400, 5600), strict=True):
        assert group.asked == asked
        assert abs(group.drawn - asked) < load_info(shards).seq_len
    assert len(mixture.schedule(sizes).rows(0, mixture.rows)[0]) == mixture.rows
    assert {path.name: path.stat().st_mtime_ns for path in Path(shards).iterdir()} == before


def test_a_mixture_file_is_what_a_recipe_says_under_mixture(shards: str, tmp_path: Path, mathmill: Mathmill) -> None:
    (tmp_path / "plan.yaml").write_text(CURRICULUM)
    ran = mathmill("mix", shards, tmp_path / "plan.yaml", "--json", "--seed", "7")
    found = json.loads(ran.stdout)
    assert (found["seed"], found["shape"], found["written"]) == (7, "steps", None)
    assert [point["shares"] for point in found["points"]] == [[0.75, 0.25, 0], [0.25, 0.5, 0.25]]
    assert [row["group"] for row in found["table"]] == ["math", "problems", "hard"]
    same = read_config(str(tmp_path / "plan.yaml"), seed=7)
    assert plan_over(Folder(shards), load_info(shards), same).rows == found["rows"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--ratio", "math=3,problms=7"], "no group 'problms'; there are hard, problems, math; did you mean problems?"),
        (["--ratio", "math=3,math=7"], "write each group once, such as math=3,problems=7"),
        (["--ratio", "3:7"], "write each group once, such as math=3,problems=7"),
        (["--ratio", "math=30%,problems=7"], "mixture: groups: '7' stands beside percentages; write all shares as"),
        (["--ratio", "math=30%,problems=30%"], "mixture: groups: the percentages sum to 60%, not to 100%"),
        (["--ratio", "math=x"], "mixture: groups.math: 'x' is no number of tokens"),
        (["--ratio", "math=1", "--total", "60K"], " would do; or ask for a total of at most 44,885"),
        (["--ratio", "math=1B", "--total", "1B"], "leave `total` out"),
        (["--ratio", "math=1", "--max-repetition", "0"], "lets no token be drawn"),
        (["plan.yaml", "--ratio", "math=1"], "one of them"),
        ([], "one of them"),
        (["absent.yaml"], "cannot read the mixture absent.yaml: No such file or directory"),
        (["recipe.yaml"], "recipe.yaml:1 mixture: a mixture file holds what stands under `mixture:`"),
        (["bad.yaml"], "bad.yaml:4 curriculum.points[1].at: '150%' is not between 0% and 100% of the training"),
        (
            ["odd.yaml"],
            "odd.yaml:1 grops: unknown key; there are count, curriculum, groups, max_repetition, ",
        ),
        (["late.yaml"], "late.yaml:1 the point at 100% has no effect"),
    ],
)
def test_a_mistake_is_one_sentence_and_status_2(
    shards: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    arguments: list[str], sentence: str,
) -> None:  # fmt: skip
    from mathmill.jobs import cli

    start = "curriculum:\n  points:\n    - {at: 0%, groups: {math: 1}}\n    - {at: "
    for name, text in (
        ("plan.yaml", CURRICULUM),
        ("recipe.yaml", "mixture: {groups: {math: 1}}\n"),
        ("bad.yaml", start + "150%, groups: {math: 1}}\n"),
        ("late.yaml", start + "100%, groups: {math: 1}}\n"),
        ("odd.yaml", "grops: {math: 1}\n"),
    ):
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["mathmill", "mix", shards, *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert sentence in said
    assert said.count("\n") == 1


def test_ratios_on_the_command_line_may_be_shares_or_budgets() -> None:
    assert ratio_config("math=30%, problems=70%").group_names() == ("math", "problems")
    assert ratio_config("math=7.35B,problems=7.35B").asked_total() == 14_700_000_000


def test_the_table_says_what_is_asked_and_what_comes_out() -> None:
    assert table_lines(three_groups("steps").table()) == [
        "mixture    asked  tokens  achieved  tokens  off  rows  times over",
        "web       62.50%   5,000    62.50%   5,000   +0    50        0.83",
        "math      25.00%   2,000    25.00%   2,000   +0    20        0.33",
        "hard      12.50%   1,000    12.50%   1,000   +0    10        0.17",
        "together           8,000             8,000   +0    80",
    ]


def test_the_table_of_a_large_mixture_fits_into_100_columns() -> None:
    row = {"group": "problems", "asked": 0.5, "asked_tokens": 7_350_000_000_000, "achieved": 0.5}
    row |= {"achieved_tokens": 7_350_000_000_123, "rows": 1_800_000_000, "repetitions": 4.0}
    assert max(map(len, table_lines([row, row]))) <= 100


def test_the_picture_shows_the_shares_of_each_tenth() -> None:
    assert picture_lines(three_groups("steps"))[4:8] == [
        " 30- 40%  " + "█" * 60 + "  100%   0%   0%",
        " 40- 50%  " + "█" * 60 + "  100%   0%   0%",
        " 50- 60%  " + "█" * 15 + "▒" * 30 + "░" * 15 + "   25%  50%  25%",
        " 60- 70%  " + "█" * 15 + "▒" * 30 + "░" * 15 + "   25%  50%  25%",
    ]
    assert picture_lines(three_groups("linear"))[1] == "  0- 10%  " + "█" * 56 + "▒▒▒░" + "   92%   5%   2%"
    constant = MixtureConfig.model_validate({"groups": {"a": 1}})
    assert picture_lines(plan_mixture(constant, {"a": np.array([1])})) == []


def test_the_areas_of_the_report_are_stacked() -> None:
    steps, linear = areas(three_groups("steps")), areas(three_groups("linear"))
    assert [area.group for area in steps] == ["web", "math", "hard"]
    assert [area.shares for area in steps] == [(1, 0.25), (0, 0.5), (0, 0.25)]
    corners = "0.000,0.000 50.000,0.000 50.000,75.000 100.000,75.000 "
    corners += "100.000,25.000 50.000,25.000 50.000,0.000 0.000,0.000"
    assert steps[1].corners == corners
    assert linear[1].corners == corners.replace("50.000,0.000", "50.000,75.000", 1).replace(
        "50.000,25.000 50.000,0.000", "50.000,25.000 50.000,25.000"
    )


RECIPE = """\
name: mixed
sources: [{name: asked, path: asked.jsonl, kind: problems}]
tokenize: {tokenizer: "mathmill:demo/tokenizer.json"}
shards: {seq_len: 64, groups: {fr: "problems[lang=fr]", easy: "problems[difficulty=easy]", rest: problems}}
"""


@pytest.fixture
def work(tmp_path: Path) -> Path:
    rows = [
        {"question": f"Compute ${i} + {i}$.", "solution": f"It is ${2 * i}$.", "lang": ["zh", "en", "en"][i % 3],
         "difficulty": "easy" if i % 2 else "hard"}
        for i in range(60)
    ]  # fmt: skip
    (tmp_path / "asked.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


class Listening(Unwatched):
    """Keeps the notices of a run."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def notice(self, sentence: str) -> None:
        self.heard.append(sentence)


def test_an_empty_group_is_noticed_early_and_the_error_says_what_labels_there_are(work: Path) -> None:
    recipe = parse_recipe(f"{RECIPE}mixture: {{groups: {{fr: 1, easy: 1}}}}\n".encode(), work / "recipe.yaml")
    listening = Listening()
    with pytest.raises(ConfigError) as caught:
        run_recipe(recipe, work / "out", progress=listening)
    assert str(caught.value) == (
        "mixture: the group 'fr' holds no tokens: no record is problems[lang=fr] or none is left by the groups before "
        "it; records by label: corpus problems 60; lang en 40, zh 20; change `shards.groups`, or leave the group out "
        "of the mixture"
    )
    assert [sentence.partition(" (")[0] for sentence in listening.heard] == [
        "the mixture cannot be: its group fr is empty"
    ]
    planned = plan_over(Folder(work / "out/shards"), load_info(str(work / "out/shards")), ratio_config("easy=1,rest=1"))
    assert [group.name for group in planned.groups] == ["easy", "rest"]  # what was packed can be mixed all the same


def test_a_run_with_a_curriculum_shows_its_shares_in_the_report(work: Path) -> None:
    points = "[{at: 0%, groups: {easy: 1}}, {at: 100%, groups: {easy: 1, rest: 3}}]"
    mixture = f"mixture: {{count: supervised_tokens, curriculum: {{shape: linear, points: {points}}}}}\n"
    finished = run_recipe(parse_recipe((RECIPE + mixture).encode(), work / "recipe.yaml"), work / "out")
    report = (work / "out" / "report.html").read_text(encoding="utf-8")
    assert report.count("<polygon") == 2
    assert "<title>easy</title>" in report
    assert "Shares go straight from point to point." in report
    assert "supervised tokens; stacked" in report
    assert "<script" not in report
    for row in finished.summary.mixture:
        assert f"{row['asked_tokens']:,}" in report
        assert abs(row["achieved_tokens"] - row["asked_tokens"]) < 64
    assert Mixture.load(work / "out/shards/mixture.json") == finished.summary.planned


@pytest.mark.xdist_group("s3")
def test_shards_on_an_object_store_are_mixed_where_they_are(
    shards: str, s3: servers.Store, tmp_path: Path, mathmill: Mathmill
) -> None:
    store = Folder(s3.url("shards"))
    for path in Path(shards).iterdir():
        if path.suffix in (".arrow", ".json"):  # the tokens themselves are not needed
            store.publish(path, path.name)
    local = plan_over(Folder(shards), load_info(shards), ratio_config("math=1,hard=1"))
    ran = mathmill("mix", s3.url("shards"), "--ratio", "math=1,hard=1", "--out", s3.url("plans"))
    assert ran.returncode == 0, ran.stderr
    assert Mixture.parse(Folder(s3.url("plans")).read("mixture.json"), "there") == local
