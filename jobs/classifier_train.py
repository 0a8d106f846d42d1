"""`mathmill classifier train` and `evaluate`: labelled texts in, a model folder or its figures out.

A model folder appears when all of it is written. The same texts, settings and seed give the same bytes, whatever the
order of files in a folder; a text that occurs twice is taken once, since a copy on both sides of a split would report
memory as skill.
"""

import shutil
import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import xxhash
from pydantic import Field, field_validator

from mathmill.classifiers.build import SINGLE, Built, build
from mathmill.classifiers.evaluation import Judged
from mathmill.classifiers.metrics import Operating, best_at_precision, best_at_recall
from mathmill.classifiers.normalise import Normaliser
from mathmill.classifiers.text_classifier import Classifier, save
from mathmill.classifiers.train import Example, TrainConfig
from mathmill.core.config import Config
from mathmill.core.errors import ConfigError, DataError
from mathmill.core.storage import writing
from mathmill.jobs.classifier_data import Labelled, read_labelled
from mathmill.jobs.yaml_file import YamlFile

_SCORED = 4_096  # texts held at a time while a model is judged


class NormaliserConfig(Config):
    """How texts become tokens; stored with the model. The defaults are those of the bundled math model."""

    max_bytes: int = Field(16_384, ge=64)
    log_counts: bool = True  # a token that goes on counts less and less; false where word_ngrams is above 1


class Training(Config):
    """What stands in a training file beside the data. split: hold out whole groups (sites), or single texts."""

    fasttext: TrainConfig = TrainConfig.model_validate({})
    normaliser: NormaliserConfig = NormaliserConfig.model_validate({})
    folds: int = Field(5, ge=2, le=50)
    split: Literal["group", "text"] = "group"


class TrainFile(Training):
    """A training file: `mathmill classifier train CONFIG.yaml`."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")
    description: str = ""
    labels: tuple[str, ...] = ()  # their order; the first is the one whose threshold matters
    data: tuple[Labelled, ...] = Field(min_length=1)

    @field_validator("labels")
    @classmethod
    def _are_labels(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        check_labels(labels)
        return labels


def check_labels(labels: Iterable[str]) -> None:
    """ValueError where fastText could not tell a label from a text."""
    for label in labels:
        if not label or any(letter.isspace() for letter in label):
            raise ValueError(f"the label {label!r} must be one word; rename: gives it another name")


def load_config(path: str, model: type[Any]) -> Any:
    """Read a YAML file of settings; relative paths in it start from its folder."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    folder = Path(path).parent

    def resolve(given: str) -> str:
        return given if "://" in given else str(folder / given)

    document = YamlFile.parse(data, Path(path))
    return document.check(model, document.value, (), {"resolve": resolve})


def read_examples(data: Sequence[Labelled], split: str, tally: Counter[str]) -> list[Example]:
    """Read labelled texts, each once; a text with two labels is left out, and counted in `tally`."""
    kept: dict[int, Example] = {}
    torn: set[int] = set()
    for example in read_labelled(data, tally):
        key = xxhash.xxh3_64_intdigest(" ".join(example.text.split()).encode())
        if key not in kept:
            group = f"{SINGLE}{key}" if split == "text" else example.group
            kept[key] = Example(**{**vars(example), "group": group})
            continue
        tally["repeated"] += 1
        if kept[key].label != example.label:
            torn.add(key)
    if torn:
        tally["with two labels"] += len(torn)
    return [example for key, example in kept.items() if key not in torn]


def train_model(file: TrainFile, tally: Counter[str]) -> Built:
    """Train and judge a model; DataError where the texts do not suffice."""
    examples = read_examples(file.data, file.split, tally)
    return build_model(file.name, file.description, examples, label_order(file, examples), file)


def build_model(
    name: str,
    description: str,
    examples: Sequence[Example],
    labels: tuple[str, ...],
    training: Training,
    sure: npt.NDArray[np.bool_] | None = None,
) -> Built:
    """Build from texts in hand. sure: which of them the model is judged on, if not on all."""
    counts = Counter(example.label for example in examples)
    if len(labels) < 2 or min(counts[label] for label in labels) < 2:
        found = ", ".join(f"{label} {counts[label]:,}" for label in labels) or "none"
        raise DataError(f"training needs two labels with at least two texts each; there are: {found}")
    normaliser = Normaliser(**training.normaliser.model_dump())
    try:
        return build(name, description, examples, labels, normaliser, training.fasttext, training.folds, sure)
    except (ValueError, RuntimeError) as error:
        if "too small" in str(error):
            raise DataError(
                "the texts have too few different tokens to quantise the model (256 are needed); give more texts, or "
                "set fasttext: {quantise: false}"
            ) from None
        raise DataError(f"fastText cannot train on these texts: {error}") from error


def label_order(file: TrainFile, examples: Sequence[Example]) -> tuple[str, ...]:
    """The labels in their order: as stated, else as the data entries name them, else sorted."""
    found = {example.label for example in examples}
    if file.labels:
        if unknown := sorted(found - set(file.labels)):
            raise DataError(f"the data has the label {unknown[0]!r}, which is not one of {', '.join(file.labels)}")
        return file.labels
    named = [source.rename.get(source.label, source.label) for source in file.data if source.label is not None]
    labels = tuple(dict.fromkeys([*(label for label in named if label in found), *sorted(found)]))
    try:
        check_labels(labels)
    except ValueError as error:
        raise DataError(str(error)) from None
    return labels


def write_model(built: Built, out: Path, force: bool) -> None:
    """Make the model folder appear in one step; ConfigError where there is something and `force` is not set."""
    check_out(out, force)
    temporary = out.with_name(f".{out.name}.{uuid.uuid4().hex}")
    with writing(f"cannot write {out}"):
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            save(temporary, built.model, built.card)
            for name, text in built.files().items():
                (temporary / name).write_text(text, encoding="utf-8")
            if out.exists():
                old = out.with_name(f".{out.name}.{uuid.uuid4().hex}")
                out.replace(old)
                temporary.replace(out)
                shutil.rmtree(old)
            else:
                temporary.replace(out)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def check_out(out: Path, force: bool) -> None:
    """ConfigError where a model must not be written."""
    if out.exists():
        if not (out / "card.json").is_file():
            raise ConfigError(f"{out} is there already and holds no model; choose another --out")
        if not force:
            raise ConfigError(f"{out} is there already; --force replaces it")


def judge(classifier: Classifier, data: Sequence[Labelled], tally: Counter[str]) -> Judged:
    """Score labelled texts; DataError where there are none, or one has a label that the model does not know."""
    labels = classifier.labels
    scores, truth, langs, groups = [], [], [], []
    batch: list[str] = []
    for example in read_labelled(data, tally):
        if example.label not in labels:
            raise DataError(
                f"{example.source} has the label {example.label!r}, which is not one of the model's "
                f"({', '.join(labels)}); --rename {example.label}={labels[0]} gives it another name"
            )
        batch.append(example.text)
        truth.append(labels.index(example.label))
        langs.append(example.lang)
        groups.append("" if example.group.startswith(SINGLE) else example.group)
        if len(batch) == _SCORED:
            scores.append(classifier.predict_proba(batch))
            batch = []
    if not truth:
        raise DataError(f"there are no labelled texts in {', '.join(source.path for source in data)}")
    scores.append(classifier.predict_proba(batch))
    return Judged(labels, np.concatenate(scores).astype(np.float64), np.array(truth), langs, groups)


def find_threshold(judged: Judged, label: str, precision: float | None, recall: float | None) -> Operating:
    """The threshold that reaches a precision with the most recall, or a recall with the most precision.

    ConfigError where the model has no such label, DataError where no threshold reaches it on this data.
    """
    if label not in judged.labels:
        raise ConfigError(f"the model has no label {label!r}; there are {', '.join(judged.labels)}")
    points = judged.points(judged.labels.index(label))
    if not points[0].positives:
        raise DataError(f"no text of this data is {label}, so that there is no threshold to find")
    if recall is not None:
        found = best_at_recall(points, recall)
        assert found is not None  # the lowest threshold keeps everything
        return found
    assert precision is not None
    found = best_at_precision(points, precision)
    if found is None:
        best = max((point for point in points if point.hits), key=lambda point: (point.precision, point.hits))
        raise DataError(
            f"no threshold reaches a precision of {precision:g} for {label} on this data; the most is "
            f"{best.precision:.4f}, at {best.threshold:.4f}, with a recall of {best.recall:.4f}"
        )
    return found
