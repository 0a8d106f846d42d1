"""The classifier commands as a user types them, on small made-up sites."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from click.testing import CliRunner

from mathmill.classifiers import Classifier, bundled, join_problem
from mathmill.classifiers.train import TrainConfig
from mathmill.core.errors import ConfigError, DataError, MathmillError
from mathmill.jobs.classifier_recall import RecallFile
from mathmill.jobs.cli import cli

WORDS = {
    "math": "theorem proof lemma integral x ^ 2 + 1 = 0 prime group ring matrix let n be even",
    "other": "train market summer recipe flour village music game ticket shop hotel rain holiday",
}
SMALL = ["--set", "quantise=false", "--set", "min_count=1", "--set", "epoch=20", "--set", "dim=8", "--folds", "3"]


def rows(site: str, label: str, n: int, path: str = "", noise: float = 0.1) -> Iterator[dict[str, Any]]:
    """Pages of a site, of which some words are the other label's."""
    rng = np.random.default_rng([len(site), ord(site[0]), ord(path[0]) if path else 0])
    own, others = WORDS[label].split(), WORDS["other" if label == "math" else "math"].split()
    for number in range(n):
        words = [str(rng.choice(others if rng.random() < noise else own)) for _ in range(30)]
        yield {
            "url": f"https://{site}/{path}{number}",
            "text": " ".join(words),
            "label": label,
            "lang": "en" if number % 2 else "zh",
        }


def write(path: Path, records: Iterator[dict[str, Any]] | list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return str(path)


@pytest.fixture(scope="module")
def seed(tmp_path_factory: pytest.TempPathFactory) -> str:
    sites = {"a.org": "math", "b.org": "math", "c.org": "math", "d.com": "other", "e.com": "other", "f.com": "other"}
    records = [record for site, label in sites.items() for record in rows(site, label, 20)]
    return write(tmp_path_factory.mktemp("seed") / "seed.jsonl", records)


def call(*arguments: str | Path, text: str | None = None) -> str:
    result = CliRunner().invoke(cli, ["classifier", *map(str, arguments)], input=text, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def fails(kind: type[MathmillError], words: str, *arguments: str | Path) -> None:
    with pytest.raises(kind, match=words):
        CliRunner().invoke(cli, ["classifier", *map(str, arguments)], catch_exceptions=False)


@pytest.fixture(scope="module")
def model(seed: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("models") / "small"
    call("train", seed, "--out", out, *SMALL)
    return out


def test_train_writes_a_whole_folder_the_same_each_time(model: Path, seed: str, tmp_path: Path) -> None:
    assert {path.name for path in model.iterdir()} == {
        *("card.json", "model.ftz", "README.md", "confusion.svg", "precision-recall.svg", "reliability.svg")
    }
    call("train", seed, "--out", tmp_path / "small", *SMALL)
    for path in model.iterdir():
        assert path.read_bytes() == (tmp_path / "small" / path.name).read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["small"]


def test_the_card_has_figures_by_language_and_site_of_held_out_sites(model: Path) -> None:
    card = Classifier(model).card
    assert card.labels == ("math", "other")
    assert card.metrics["texts"] == 120
    assert card.metrics["accuracy"] > 0.95
    assert set(card.metrics["site"]) == {"a.org", "b.org", "c.org", "d.com", "e.com", "f.com"}
    assert set(card.metrics["lang"]) == {"en", "zh"}
    shown = call("card", model)
    assert "| a.org | 20 | 0 |" in shown
    assert "seed.jsonl | 60 | 60 |" in shown


def test_a_model_is_not_replaced_by_accident(model: Path, seed: str, tmp_path: Path) -> None:
    before = (model / "model.ftz").read_bytes()
    fails(ConfigError, "is there already; --force replaces it", "train", seed, "--out", model, *SMALL)
    assert (model / "model.ftz").read_bytes() == before
    (tmp_path / "mine").mkdir()
    fails(ConfigError, "holds no model", "train", seed, "--out", tmp_path / "mine", "--force", *SMALL)
    call("train", seed, "--out", tmp_path / "new", *SMALL)
    call("train", seed, "--out", tmp_path / "new", "--force", *SMALL, "--set", "seed=5")
    assert Classifier(tmp_path / "new").card.training["seed"] == 5


def test_the_help_states_the_defaults_that_hold() -> None:
    shown = " ".join(call("train", "--help").replace("│", " ").split())
    for name, value in TrainConfig.model_validate({}).model_dump().items():
        assert f"{name}={str(value).lower() if isinstance(value, bool) else value}" in shown

    shown = " ".join(call("recall", "--help").split())
    defaults = RecallFile.model_validate({"seed": [{"path": "a"}], "crawl": [{"path": "b"}]}).model_dump()
    stated = (
        "positive",
        "negative",
        "threshold",
        "random_negatives",
        "rounds",
        "stop_below",
        "stop_worse",
        "added_score",
    )
    for name in (*stated, "domain_share", "domain_pages", "prefix_share", "prefix_pages"):
        assert f"{name}: {defaults[name]}" in shown


def test_the_help_shows_configurations_line_by_line() -> None:
    assert "data:\n     - {path: math.jsonl, label: math}" in "\n".join(
        map(str.rstrip, call("train", "--help").splitlines())
    )
    assert "   rounds: 4\n" in "\n".join(map(str.rstrip, call("recall", "--help").splitlines()))


def test_a_training_file_says_all_of_it(seed: str, tmp_path: Path) -> None:
    Path(tmp_path / "more.jsonl").write_text(Path(seed).read_text().replace("https://", "https://more."))
    pages = [{"q": row["text"], "page": {"url": row["url"]}} for row in rows("g.com", "other", 9)]
    pq.write_table(pa.Table.from_pylist(pages), tmp_path / "g.parquet")
    config = {
        "name": "forum",
        "labels": ["other", "yes"],
        "data": [
            {"path": "more.jsonl", "rename": {"math": "yes"}},
            {"path": "g.parquet", "label": "other", "fields": {"text": "q", "url": "page.url"}, "license": "CC0-1.0"},
        ],
        "fasttext": {"quantise": False, "min_count": 1},
        "folds": 2,
    }
    (tmp_path / "forum.yaml").write_text(yaml.safe_dump(config))
    call("train", tmp_path / "forum.yaml", "--out", tmp_path / "out", "--set", "dim=4")
    card = Classifier(tmp_path / "out").card
    assert card.labels == ("other", "yes")
    assert (card.training["dim"], card.training["folds"]) == (4, 2)
    assert card.metrics["site"]["g.com"]["labels"] == {"other": 9, "yes": 0}
    assert card.data[0]["source"].endswith("g.parquet")
    assert card.data[0]["license"] == ["CC0-1.0"]


def test_texts_that_cannot_train_are_counted_or_refused(seed: str, tmp_path: Path) -> None:
    lines = Path(seed).read_text().splitlines()
    torn = {**json.loads(lines[0]), "label": "other"}
    broken = tmp_path / "broken.jsonl"
    extra = [lines[1], json.dumps(torn), "{", '{"text": "x"}', '{"text": " ", "label": "math"}']
    broken.write_text("\n".join([*lines, *extra]))
    shown = call("train", broken, "--out", tmp_path / "out", *SMALL)
    assert "left out: no JSON object 1, repeated 2, with two labels 1, without label 1, without text 1" in shown
    one = write(tmp_path / "one.jsonl", [*rows("a.org", "math", 5), *rows("d.com", "other", 5)])
    fails(DataError, "label 'math' come from 1 site, .* split: text", "train", one, "--out", tmp_path / "x", *SMALL)
    call("train", one, "--out", tmp_path / "by-text", "--split", "text", *SMALL)
    assert "site" not in Classifier(tmp_path / "by-text").card.metrics
    fails(DataError, "two labels", "train", f"math={one}", "--out", tmp_path / "y", *SMALL)
    fails(DataError, "256 are needed", "train", seed, "--out", tmp_path / "z", "--set", "min_count=1")
    fails(ConfigError, "dim: 'x' does not fit", "train", seed, "--out", tmp_path / "z", "--set", "dim=x")


def test_evaluate_tells_people_and_machines_and_draws(model: Path, seed: str, tmp_path: Path) -> None:
    figures = json.loads(call("evaluate", model, seed, "--json", "--out", tmp_path / "judged"))
    assert figures == json.loads((tmp_path / "judged" / "figures.json").read_text())
    assert figures["confusion"] == [[60, 0], [0, 60]]
    assert {path.suffix for path in (tmp_path / "judged").iterdir()} == {".json", ".svg"}
    shown = call("evaluate", model, seed)
    assert max(map(len, shown.splitlines())) <= 80
    assert "a.org" in shown
    fails(DataError, "label 'yes', which is not one of the model's", "evaluate", model, f"yes={seed}")
    assert "60" in call("evaluate", model, seed, "--rename", "math=other")


def test_a_threshold_comes_with_what_it_gives_and_how_sure_that_is(model: Path, seed: str) -> None:
    found = json.loads(call("threshold", model, seed, "--recall", "0.9", "--json"))
    scores = Classifier(model).predict_proba([json.loads(line)["text"] for line in Path(seed).read_text().splitlines()])
    kept = scores[:, 0] >= found["threshold"]
    assert (found["kept"], found["hits"], found["positives"]) == (kept.sum(), kept[:60].sum(), 60)
    assert found["recall"] >= 0.9
    low, high = found["recall_interval"]
    assert low < found["recall"] < high
    assert "95 %" in call("threshold", model, seed, "--precision", "0.9", "--label", "other")
    fails(ConfigError, "one of them", "threshold", model, seed)
    fails(ConfigError, "no label 'x'", "threshold", model, seed, "--recall", "0.9", "--label", "x")


def test_a_precision_that_no_threshold_reaches_is_an_error(model: Path, tmp_path: Path) -> None:
    wrong = [*rows("a.org", "math", 5), *({**row, "label": "other"} for row in rows("a.org", "math", 5))]
    path = write(tmp_path / "wrong.jsonl", wrong)
    fails(
        DataError,
        r"no threshold reaches a precision of 0.9 .* the most is 0\.5",
        "threshold",
        model,
        path,
        "--precision",
        "0.9",
    )


def test_predict_adds_columns_and_goes_on_where_it_stopped(model: Path, tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    records = list(rows("x.org", "math", 7))
    pq.write_table(pa.Table.from_pylist(records), source / "a.parquet")
    write(source / "b.jsonl", [*records, {"other": 1}])
    told = json.loads(call("predict", model, source, "--out", out, "--json"))
    assert told["rows"] == 15
    expected = Classifier(model).predict_proba([record["text"] for record in records])
    table = pq.read_table(out / "a.parquet")
    assert table.column_names == ["url", "text", "label", "lang", "score_math", "score_other"]
    np.testing.assert_array_equal(table["score_math"].to_numpy(), expected[:, 0])
    lines = [json.loads(line) for line in (out / "b.jsonl").read_text().splitlines()]
    assert [line["score_math"] for line in lines[:7]] == expected[:, 0].tolist()
    assert lines[7]["other"] == 1
    stamp = (out / "a.parquet").stat().st_mtime_ns
    write(source / "b.jsonl", records)
    told = json.loads(call("predict", model, source, "--out", out, "--json"))
    assert [file["scored_now"] for file in told["files"]] == [False, True]
    assert (out / "a.parquet").stat().st_mtime_ns == stamp
    fails(
        ConfigError, "has a column 'score_math' already", "predict", model, out / "a.parquet", "--out", tmp_path / "p"
    )
    fails(ConfigError, "holds the input", "predict", model, source, "--out", source)
    fails(
        DataError, "no column 'txt'", "predict", model, source / "a.parquet", "--out", tmp_path / "q", "--text", "txt"
    )


def test_a_question_and_its_solution_are_joined_as_the_models_know_them(tmp_path: Path) -> None:
    problems = [("What is 2 + 3?", "2 + 3 = 5"), ("Let n be prime.", None)]
    records = [{"question": question, "solution": solution} for question, solution in problems]
    write(tmp_path / "p.jsonl", records)
    pq.write_table(pa.Table.from_pylist(records), tmp_path / "p.parquet")
    expected = bundled("difficulty").predict_proba([join_problem(*problem) for problem in problems])[:, 0]
    for name in ("p.jsonl", "p.parquet"):
        call("predict", "difficulty", tmp_path / name, "--out", tmp_path / "out", "--text", "question,solution")
    label = bundled("difficulty").labels[0]
    lines = [json.loads(line) for line in (tmp_path / "out" / "p.jsonl").read_text().splitlines()]
    assert [line[f"score_{label}"] for line in lines] == expected.tolist()
    assert pq.read_table(tmp_path / "out" / "p.parquet")[f"score_{label}"].to_pylist() == expected.tolist()


def test_lines_of_stdin_are_scored(model: Path) -> None:
    shown = call("predict", model, "-", text="theorem proof lemma\nhotel rain\n").splitlines()
    assert shown[0] == "math\tother\ttext"
    assert float(shown[1].split("\t")[0]) > 0.5 > float(shown[2].split("\t")[0])
    assert json.loads(call("predict", model, "-", "--json", "--label", "math", text="x\n"))["text"] == "x"


CRAWL = [
    *rows("a.org", "math", 20),
    *rows("forum.net", "math", 20, "questions/", noise=0.4),  # half of it looks like something else
    *rows("forum.net", "other", 30, "shop/"),
    *rows("news.com", "other", 40),
    *rows("d.com", "other", 20),
]


def recall_file(tmp_path: Path, seed: str, **more: Any) -> Path:
    write(tmp_path / "crawl.jsonl", CRAWL)
    fasttext = {"quantise": False, "min_count": 1, "epoch": 20, "dim": 8}
    config = {"seed": [{"path": seed}], "crawl": [{"path": "crawl.jsonl"}], "folds": 2, "fasttext": fasttext, **more}
    path = tmp_path / "recall.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def test_the_recall_loop_waits_for_a_person_and_follows_their_edits(seed: str, tmp_path: Path) -> None:
    config, out = recall_file(tmp_path, seed, added_score=0.0, stop_worse=1.0), tmp_path / "out"
    shown = call("recall", config, "--out", out)
    proposals = out / "rounds/01/proposals.yaml"
    assert shown.splitlines()[-1] == f"Look through {proposals}, then run the same command again."
    proposed = yaml.safe_load(proposals.read_text())["proposals"]
    assert [row["prefix"] for row in proposed] == ["a.org/", "forum.net/questions/"]
    first = json.loads((out / "rounds/01.json").read_text())
    assert first["seed"] == {"math": 60, "other": 60}
    assert (first["pages"], first["math_domains"], first["new"]) == (130, 2, None)
    proposals.write_text(yaml.safe_dump({"proposals": [{"prefix": "https://forum.net/questions"}]}))
    call("recall", config, "--out", out)
    added = pq.read_table(out / "rounds/01/added.parquet")
    low = [row["url"] for row in pq.read_table(out / "rounds/01/scores.parquet").to_pylist() if row["score"] < 0.5]
    assert sorted(added["url"].to_pylist()) == sorted(url for url in low if "/questions/" in url)
    assert added.num_rows
    second = json.loads((out / "rounds/02.json").read_text())
    assert second["seed"] == {"math": 60 + added.num_rows, "other": 60}
    assert second["collected"] == first["collected"] + second["new"]
    assert second["recall_of_domains"]["forum.net"] > first["recall_of_domains"]["forum.net"]


def test_accepted_rounds_are_the_same_each_time_and_end_when_little_is_new(seed: str, tmp_path: Path) -> None:
    config = recall_file(tmp_path, seed, added_score=0.0, stop_worse=1.0)
    results = [json.loads(call("recall", config, "--out", tmp_path / name, "--yes", "--json")) for name in ("a", "b")]
    assert results[0]["rounds"] == results[1]["rounds"]
    assert results[0]["ended"].startswith("Done: no page under the accepted prefixes of ")
    first, second = results[0]["rounds"]
    assert (second["collected"], second["new"]) == (40, 40 - first["collected"])  # every math page of the crawl
    sooner = recall_file(tmp_path, seed, added_score=0.0, stop_worse=1.0, stop_below=0.5)
    again = json.loads(call("recall", sooner, "--out", tmp_path / "a", "--yes", "--json"))
    assert again["rounds"] == results[0]["rounds"]
    assert again["ended"] == f"Done: {first['collected'] / 40:.1%} of what round 2 collects was collected before."
    other = recall_file(tmp_path, seed, threshold=0.7)
    fails(ConfigError, "rounds with other settings or data", "recall", other, "--out", tmp_path / "a")


def test_a_seed_that_proposals_have_spoilt_ends_the_loop(seed: str, tmp_path: Path) -> None:
    config, out = recall_file(tmp_path, seed, added_score=0.0), tmp_path / "out"
    call("recall", config, "--out", out)
    (out / "rounds/01/proposals.yaml").write_text("proposals: [{prefix: news.com}, {prefix: d.com}]")
    ended = json.loads(call("recall", config, "--out", out, "--json"))["ended"]
    assert ended.startswith("Stopped: ROC-AUC on the seed's held-out sites fell from 1.0000 to 0.")
    (out / "rounds/01/proposals.yaml").write_text("proposals: [{prefix: ' '}]")
    (out / "rounds/01/added.parquet").unlink()
    (out / "rounds/02.json").unlink()
    fails(ConfigError, r"proposals\.yaml:1 proposals\[0\]\.prefix: is empty", "recall", config, "--out", out)


def test_pages_of_the_crawl_at_random_can_be_the_negatives(tmp_path: Path) -> None:
    positives = [row for site in ("a.org", "b.org", "c.org") for row in rows(site, "math", 20)]
    path = write(tmp_path / "positives.jsonl", positives)
    config = recall_file(tmp_path, path, random_negatives=30)
    found = json.loads(call("recall", config, "--out", tmp_path / "out", "--json"))["rounds"][0]
    assert found["seed"]["math"] == 60
    assert 20 <= found["seed"]["other"] <= 30  # less those that are in the seed already
    assert found["recall_of_domains"]["a.org"] == 1.0


def test_missing_files_are_told_by_name(tmp_path: Path) -> None:
    fails(DataError, r"there is no file or folder x\.jsonl", "evaluate", "math", "x.jsonl")
    fails(ConfigError, "a folder of this machine", "train", "math", "--out", "s3://bucket/model")
    fails(ConfigError, r"cannot read none\.yaml: No such file", "recall", "none.yaml", "--out", tmp_path / "m")


def test_given_scores_stand_for_the_first_model(seed: str, tmp_path: Path) -> None:
    path = recall_file(tmp_path, seed, crawl=[{"path": "scored.jsonl", "score": "s"}])
    write(tmp_path / "scored.jsonl", [{**row, "s": 0.9 if "forum" in row["url"] else 0.1} for row in CRAWL])
    found = json.loads(call("recall", path, "--out", tmp_path / "out", "--json"))["rounds"][0]
    assert (found["seed"], found["collected"], found["recall_of_domains"]) == (None, 50, {"forum.net": 1.0})


def test_mistakes_are_one_sentence(mathmill: Callable[..., "subprocess.CompletedProcess[str]"], tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("name: x\ndata:\n  - path: a.jsonl\nfolds: 1\n")
    for arguments, status, words in (
        (
            ("evaluate", "mth", "x.jsonl"),
            2,
            "there is no model 'mth': it is neither a folder nor one of difficulty, math",
        ),
        (("train", "bad.yaml", "--out", "m"), 2, "bad.yaml:4 folds: 1 is below 2"),
    ):
        done = mathmill("classifier", *arguments, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (status, "")
        assert words in done.stderr
        assert len([line for line in done.stderr.splitlines() if line.startswith("mathmill: ")]) == 1
