"""`mathmill classifier`: train, judge and use models (fastText), and grow a seed by the recall loop."""

import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from mathmill.core.errors import ConfigError
from mathmill.jobs.classifier_console import figure_lines, left_out, round_lines
from mathmill.jobs.cli_options import AS_JSON

if TYPE_CHECKING:
    from mathmill.classifiers.evaluation import Judged
    from mathmill.classifiers.text_classifier import Classifier
    from mathmill.jobs.classifier_data import Labelled
    from mathmill.jobs.classifier_train import TrainFile


@click.group()
def classifier() -> None:
    """Train, judge and use the models that choose pages and label problems.

    A MODEL is the name of one that comes with mathmill (math, …) or the path of a model folder. DATA are JSON Lines
    or Parquet files, folders, globs or URLs, read with the label in their records, or as LABEL=PATH with that label.
    """


Command = Callable[..., Any]

_TEXT = "Field of the text, or two: question,solution."


def _fields(command: Command) -> Command:
    """The options that say where things are in the records."""
    options = [
        click.option("--text", default="text", show_default=True, help=_TEXT),
        click.option("--label-field", default="label", show_default=True, help="Field of the label."),
        click.option("--group", help="Field of the site or source; else site, the host of url, source."),
        click.option("--rename", "renames", multiple=True, metavar="OLD=NEW", help="Another name for a label."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@classifier.command()
@click.argument("data", nargs=-1, required=True)
@click.option("--out", required=True, type=click.Path(), help="Folder for the model.")
@click.option("--name", help="Of the model; else of its folder.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="fastText setting; may be repeated. Defaults: dim=32 epoch=5 learning_rate=0.5 word_ngrams=1 min_count=5 "
    "bucket=0 quantise=true cutoff=20000 seed=20250102.",
)
@click.option("--folds", type=click.IntRange(2, 50), help="Parts that are held out in turn (default 5).")
@click.option("--split", type=click.Choice(["group", "text"]), help="Hold out whole sites (default), or single texts.")
@_fields
@click.option("--force", is_flag=True, help="Replace an existing model.")
@AS_JSON
def train(data: tuple[str, ...], out: str, force: bool, as_json: bool, **given: Any) -> None:
    """Train a model from labelled texts: DATA, or one CONFIG.yaml that says all of it.

    Sites are held out in turn; on them the model is judged and its probabilities are calibrated (Platt). The folder
    gets the model, card.json with the text normaliser, README.md and pictures.

    \b
    CONFIG.yaml:
      name: forum
      data:
        - {path: math.jsonl, label: math}
        - {path: pages, fields: {label: topic}, rename: {news: other}}
      fasttext: {dim: 64, word_ngrams: 2, bucket: 200000}
      normaliser: {log_counts: false}

    Example: mathmill classifier train math=math.jsonl other=pages --out models/forum

    Example: mathmill classifier train forum.yaml --out models/forum --set dim=64 --set word_ngrams=2
    """
    from mathmill.jobs.classifier_train import check_out, train_model, write_model

    folder = _local(out)
    check_out(folder, force)
    file = _train_file(data, out, **given)
    tally: Counter[str] = Counter()
    _tell(f"Training {file.name}: {file.folds} folds and the model itself, on one thread")
    built = train_model(file, tally)
    write_model(built, folder, force)
    if as_json:
        click.echo(json.dumps(built.card.model_dump(mode="json"), ensure_ascii=False))
        return
    click.echo("\n".join([*figure_lines(built.card.metrics), *left_out(tally), ""]))
    click.echo(f"Wrote {out}; next: mathmill classifier card {out}")


def _train_file(
    data: tuple[str, ...], out: str, name: str | None, settings: tuple[str, ...], **given: Any
) -> "TrainFile":
    """The training file, or what the options say in its place."""
    import yaml
    from pydantic import ValidationError

    from mathmill.classifiers.train import TrainConfig
    from mathmill.jobs.classifier_train import TrainFile, load_config
    from mathmill.jobs.yaml_file import describe_mistake

    changes = {key: given[key] for key in ("folds", "split") if given[key] is not None}
    values = {key: yaml.safe_load(value) for key, value in (_pair(setting, "--set") for setting in settings)}
    if len(data) == 1 and data[0].lower().endswith((".yaml", ".yml")):
        file = load_config(data[0], TrainFile)
        changes |= {"name": name} if name else {}
    else:
        file = TrainFile.model_validate({"name": "model", "data": _labelled(data, **given)})
        changes["name"] = name or Path(out).name
    settled = file.model_dump() | changes | {"fasttext": file.fasttext.model_dump() | values}
    try:
        return TrainFile.model_validate(settled)
    except ValidationError as error:
        mistake = describe_mistake(TrainFile, settled, error)
        known = ", ".join(TrainConfig.model_fields)
        raise ConfigError(f"--set {mistake}" if mistake.startswith("fasttext") else f"--{mistake} ({known})") from error


@classifier.command()
@click.argument("model")
@click.argument("data", nargs=-1, required=True)
@_fields
@click.option("--out", type=click.Path(), help="Folder for the pictures and figures.json.")
@AS_JSON
def evaluate(model: str, data: tuple[str, ...], out: str | None, as_json: bool, **given: Any) -> None:
    """Judge MODEL on labelled texts: by label, language and site, with confusion and calibration.

    Example: mathmill classifier evaluate math math=pages.jsonl other=news.jsonl --out judged
    """
    from mathmill.classifiers.evaluation import evaluate, pictures
    from mathmill.core.storage import Folder

    loaded, judged, tally = _judged(model, data, **given)
    figures = evaluate(judged)
    if out is not None:
        folder = Folder(out)
        for name, picture in pictures(judged, loaded.card.name).items():
            folder.write(name, picture.encode())
        folder.write("figures.json", json.dumps(figures, ensure_ascii=False, indent=1).encode())
    if as_json:
        click.echo(json.dumps(figures, ensure_ascii=False))
        return
    click.echo("\n".join([*figure_lines(figures), *left_out(tally)]))
    if out is not None:
        click.echo(f"\nWrote {out}: figures.json and pictures (.svg)")


@classifier.command()
@click.argument("model")
@click.argument("data", nargs=-1, required=True)
@click.option("--precision", type=click.FloatRange(0, 1, min_open=True), help="Reach it with the most recall.")
@click.option("--recall", type=click.FloatRange(0, 1, min_open=True), help="Reach it with the most precision.")
@click.option("--label", help="Of which label (default: the model's first).")
@_fields
@AS_JSON
def threshold(
    model: str, data: tuple[str, ...], precision: float | None, recall: float | None, label: str | None,
    as_json: bool, **given: Any,
) -> None:  # fmt: skip
    """Find the threshold that reaches a precision or a recall on labelled texts.

    The intervals are Wilson's at 95 %: what the same threshold may give on other texts of the same kind.

    Example: mathmill classifier threshold math math=pages.jsonl other=news.jsonl --precision 0.95
    """
    from mathmill.jobs.classifier_train import find_threshold

    if (precision is None) == (recall is None):
        raise ConfigError("say what to reach: --precision 0.95 or --recall 0.95, one of them")
    _, judged, tally = _judged(model, data, **given)
    label = label or judged.labels[0]
    found = find_threshold(judged, label, precision, recall)
    values = {"threshold": found.threshold, "precision": found.precision, "recall": found.recall}
    if as_json:
        counts = {"kept": found.kept, "hits": found.hits, "positives": found.positives, "texts": len(judged.truth)}
        intervals = {f"{name}_interval": list(ends) for name, ends in found.intervals().items()}
        click.echo(json.dumps({"label": label, **values, **intervals, **counts}))
        return
    lines = [f"{'threshold':<10} {found.threshold:.4f}   of {label}, on {len(judged.truth):,} texts"]
    for name, part, whole in (("precision", found.hits, found.kept), ("recall", found.hits, found.positives)):
        low, high = found.intervals()[name]
        lines.append(f"{name:<10} {values[name]:.4f}   {part:,} of {whole:,}; 95 %: {low:.4f} to {high:.4f}")
    click.echo("\n".join([*lines, *left_out(tally)]))


@classifier.command("predict")
@click.argument("model")
@click.argument("source", metavar="INPUT")
@click.option("--out", type=click.Path(), help="Folder for the scored files, local or a URL.")
@click.option("--text", default="text", show_default=True, help=_TEXT)
@click.option("--label", "labels", multiple=True, help="Only the score of this label; may be repeated.")
@click.option("--prefix", default="score_", show_default=True, help="Of the columns' names, before the label.")
@click.option(
    "--format", "format_", type=click.Choice(["auto", "jsonl", "parquet"]), default="auto", help="Of the input."
)
@AS_JSON
def predict_command(
    model: str,
    source: str,
    out: str | None,
    text: str,
    labels: tuple[str, ...],
    prefix: str,
    format_: Any,
    as_json: bool,
) -> None:
    """Add score columns to the rows of INPUT (JSON Lines or Parquet); with -, score the lines of stdin.

    Files keep their names and formats. A call that was stopped goes on with the files that are not done.

    Example: mathmill classifier predict math crawl --out scored

    Example: echo 'Let x^2 = 2.' | mathmill classifier predict math -
    """
    loaded = _load(model)
    if unknown := [label for label in labels if label not in loaded.labels]:
        raise ConfigError(f"{model} has no label {unknown[0]!r}; there are {', '.join(loaded.labels)}")
    labels = labels or loaded.labels
    if source == "-":
        _predict_lines(loaded, labels, as_json)
        return
    if out is None:
        raise ConfigError("--out says which folder the scored files go to")
    from mathmill.jobs.classifier_data import Fields, Texts
    from mathmill.jobs.classifier_predict import Scorer, predict

    tally: Counter[str] = Counter()
    files: list[dict[str, Any]] = []

    def tell(name: str, rows: int, is_new: bool) -> None:
        files.append({"file": name, "rows": rows, "scored_now": is_new})
        _tell(f"{name}: {rows:,} rows{'' if is_new else ', scored before'}")

    scorer = Scorer(loaded, Fields(text=text).text, labels, prefix)  # type: ignore[arg-type]
    total = predict(Texts(path=source, format=format_), scorer, out, tally, tell)
    if as_json:
        click.echo(json.dumps({"rows": total, "columns": scorer.columns(), "files": files}, ensure_ascii=False))
    else:
        click.echo("\n".join([f"Wrote {out}: {total:,} rows with {', '.join(scorer.columns())}", *left_out(tally)]))


def _predict_lines(loaded: "Classifier", labels: Sequence[str], as_json: bool) -> None:
    """Print the probabilities of each line of stdin before it, separated by tabs."""
    from itertools import islice

    if not as_json:
        click.echo("\t".join([*labels, "text"]))
    places = [loaded.labels.index(label) for label in labels]
    at_once = 1 if sys.stdin.isatty() else 256
    while lines := [line.rstrip("\r\n") for line in islice(sys.stdin, at_once)]:
        for line, row in zip(lines, loaded.predict_proba(lines)[:, places], strict=True):
            if as_json:
                scores = dict(zip(labels, map(float, row), strict=True))
                click.echo(json.dumps({"scores": scores, "text": line}, ensure_ascii=False))
            else:
                click.echo("\t".join([*(f"{value:.4f}" for value in row), line]))


@classifier.command()
@click.argument("model")
@AS_JSON
def card(model: str, as_json: bool) -> None:
    """Print what MODEL is, what it was made from and how good it is.

    Example: mathmill classifier card math
    """
    from mathmill.classifiers.build import card_text

    loaded = _load(model)
    readme = loaded.folder / "README.md"
    if as_json:
        click.echo(json.dumps(loaded.card.model_dump(mode="json"), ensure_ascii=False))
    else:
        click.echo(readme.read_text(encoding="utf-8").rstrip() if readme.is_file() else card_text(loaded.card).rstrip())


@classifier.command()
@click.argument("config", type=click.Path(dir_okay=False))
@click.option("--out", required=True, type=click.Path(), help="Folder for the rounds.")
@click.option("--yes", is_flag=True, help="Accept every proposal and go on to the next round.")
@AS_JSON
def recall(config: str, out: str, yes: bool, as_json: bool) -> None:
    """Find more pages like those of a seed in a crawl, round by round, as DeepSeekMath did.

    A round trains a model on the seed, scores the crawl, and proposes the URL prefixes whose pages are mostly math in
    domains that have some. Their pages that scored low join the next round's seed. Between rounds,
    rounds/NN/proposals.yaml can be edited.

    \b
    CONFIG.yaml, with the defaults of what may be left out:
      seed: [{path: seed.jsonl}]        # labelled texts with url
      crawl: [{path: runs/crawl}]       # a run without classify, or files
      positive: math                    # label to look for; negative: other
      threshold: 0.5                    # pages from this score on are collected
      random_negatives: 0               # pages of the crawl taken as negatives
      domain_share: 0.1                 # collected pages that make a domain math
      domain_pages: 10                  # of a domain, at least
      prefix_share: 0.5                 # collected pages of a proposed prefix
      prefix_pages: 5                   # of a prefix, at least
      added_score: 0.1                  # pages of less do not join the seed
      stop_below: 0.02                  # end when so few of the pages are new
      stop_worse: 0.02                  # or ROC-AUC on the seed fell by more
      rounds: 4
      fasttext: {}                      # as for train; normaliser, folds, too

    Example: mathmill classifier recall recall.yaml --out recall && less recall/rounds/01/proposals.yaml
    """
    from mathmill.jobs.classifier_recall import RecallFile, RecallLoop
    from mathmill.jobs.classifier_train import load_config

    loop = RecallLoop(load_config(config, RecallFile), _local(out), _tell)
    rounds, ended = loop.run(accept=yes)
    if as_json:
        click.echo(json.dumps({"rounds": rounds, "ended": ended}, ensure_ascii=False))
        return
    click.echo("\n".join([*round_lines(rounds), *left_out(loop.tally), "", ended]))


def _load(model: str) -> "Classifier":
    from mathmill.classifiers.text_classifier import MODELS, Classifier, model_folder

    folder = model_folder(model)
    if not folder.exists() and "/" not in model:
        names = ", ".join(sorted(path.parent.name for path in MODELS.glob("*/card.json")))
        raise ConfigError(f"there is no model {model!r}: it is neither a folder nor one of {names}")
    return Classifier(folder)


def _judged(model: str, data: tuple[str, ...], **given: Any) -> "tuple[Classifier, Judged, Counter[str]]":
    from mathmill.jobs.classifier_train import judge

    loaded, tally = _load(model), Counter[str]()
    return loaded, judge(loaded, _labelled(data, **given), tally), tally


def _labelled(
    data: Sequence[str], text: str, label_field: str, group: str | None, renames: tuple[str, ...], **_: Any
) -> "list[Labelled]":
    """The files of the command line: `PATH`, or `LABEL=PATH`."""
    from pydantic import ValidationError

    from mathmill.jobs.classifier_data import Fields, Labelled
    from mathmill.jobs.yaml_file import describe_mistake

    fields = Fields(text=text, label=label_field, group=group)  # type: ignore[arg-type]
    names = dict(_pair(item, "--rename") for item in renames)
    found = []
    for item in data:
        label, equals, path = item.partition("=")
        is_pair = bool(equals) and not set("/:?*") & set(label)
        values = {"path": path if is_pair else item, "label": label if is_pair else None, "rename": names}
        try:
            found.append(Labelled.model_validate({**values, "fields": fields}))
        except ValidationError as error:
            raise ConfigError(describe_mistake(Labelled, values, error)) from None
    return found


def _local(out: str) -> Path:
    if "://" in out:
        raise ConfigError(f"--out {out}: it has to be a folder of this machine; copy it from there")
    return Path(out)


def _pair(text: str, option: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise ConfigError(f"{option} {text}: it should be KEY=VALUE")
    return key, value


def _tell(sentence: str) -> None:
    click.echo(sentence, err=True)
