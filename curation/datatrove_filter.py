"""Use datatrove's filters and formatters, and anybody's own, as stages of a recipe, on every engine.

A row becomes a datatrove `Document` and the filter's word decides; nothing else stands between the two. What would fail
for every document (a missing package, an unknown option, a word list that cannot be downloaded) is found when the
recipe is read: the filter is made and shown two short texts. A document takes 3.5 to 5.6 µs of CPU time
beside a bare loop over `filter`, about what datatrove's own `run` takes: with C4ParagraphFilter on texts of 700
characters 2.2 times the bare loop and 1.0 times `run`, with the Gopher filters (2 ms) 1.0 times either.
"""

import inspect
import json
import sys
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from datatrove.data import Document
from datatrove.pipeline.base import PipelineStep
from datatrove.pipeline.filters.base_filter import BaseFilter, get_filter_result
from datatrove.pipeline.formatters.base import BaseFormatter
from pydantic import Field, JsonValue, field_validator, model_validator

from mathmill.core.config import StageConfig
from mathmill.core.errors import ConfigError
from mathmill.core.stage import OUT, BatchStage, Output, Port, StageContext, quarantine, split_dropped
from mathmill.curation.changed_text import replace_texts

THEIR_NAMES = {"lang": "language", "lang_score": "language_score", "crawl_date": "date"}
"""Our column to the key of `Document.metadata` under which datatrove's own blocks look for it."""

_SAMPLES = {
    "en": "To solve the equation $x^2 = 4$, take square roots on both sides.\nThis gives two solutions, $2$ and $-2$.",
    "zh": "解方程 $x^2 = 4$，两边同时开平方。\n因此方程有两个解，即 $2$ 和 $-2$。",
}


class _StepConfig(StageConfig):
    """What filters and formatters have in common.

    `datatrove` is filled in with the installed version, so that a task's identity changes with it; a recipe that states
    it insists on it.
    """

    options: dict[str, JsonValue] = {}  # arguments of the class; "module:function" where it wants a function
    datatrove: str = Field(default_factory=lambda: version("datatrove"))

    @field_validator("datatrove")
    @classmethod
    def _is_installed(cls, wanted: str) -> str:
        if wanted != (installed := version("datatrove")):
            raise ValueError(f"datatrove {installed} is installed here, not {wanted}")
        return wanted

    @model_validator(mode="after")
    def _works(self) -> "_StepConfig":
        _try_out(self.step(), json.dumps(self.options))
        return self

    @abstractmethod
    def step(self) -> str:
        """Return the filter or formatter as "module:Class"."""

    def file_paths(self) -> list[str]:
        """The module of a class or function that is not datatrove's own, and the local files that the options name."""
        step_class = _import(self.step())
        code = [step_class, *filter(inspect.isfunction, _arguments(step_class, self.options, 0).values())]
        modules = {item.__module__ for item in code if not item.__module__.startswith("datatrove.")}
        own = [sys.modules[module].__file__ for module in sorted(modules)]
        named = [value for value in self.options.values() if isinstance(value, str) and Path(value).is_file()]
        return [*filter(None, own), *named]


class DatatroveFilterConfig(_StepConfig):
    """`datatrove_filter:` in a recipe."""

    filter: str  # "package.module:Class", or the bare name of one of datatrove's

    @field_validator("filter")
    @classmethod
    def _is_filter(cls, name: str) -> str:
        return _class_path(name, BaseFilter, "datatrove.pipeline.filters")

    def step(self) -> str:
        """Return the filter's class."""
        return self.filter


class DatatroveFormatterConfig(_StepConfig):
    """`datatrove_formatter:` in a recipe."""

    formatter: str  # "package.module:Class", or the bare name of one of datatrove's

    @field_validator("formatter")
    @classmethod
    def _is_formatter(cls, name: str) -> str:
        return _class_path(name, BaseFormatter, "datatrove.pipeline.formatters")

    def step(self) -> str:
        """Return the formatter's class."""
        return self.formatter


class _TextStage(BatchStage):
    """A stage over documents or problems."""

    def output_schemas(self, input_schema: pa.Schema) -> dict[Port, pa.Schema]:
        """Rows keep their schema; ConfigError if they are neither documents nor problems."""
        if not {"text", "question"} & set(input_schema.names):
            raise ConfigError(f"{self.name} needs documents (`text`) or problems (`question`); pages are not text yet")
        return {OUT: input_schema}

    def _finish(
        self, batch: pa.RecordBatch, keep: np.ndarray, reasons: list[str], changes: dict[str, dict[int, str]],
        errors: dict[int, str],
    ) -> Iterable[Output]:  # fmt: skip
        """Put changed texts in, then send each row where it belongs."""
        if any(changes.values()):
            batch, refused = replace_texts(batch, changes)
            errors |= refused
            for row, text in changes.get("text", changes.get("question", {})).items():
                if not text.strip():
                    keep[row], reasons[row] = False, "empty_text"
        for row, error in sorted(errors.items()):
            yield quarantine(batch.slice(row, 1), self.name, error)
        if errors:
            sound = np.array([row not in errors for row in range(batch.num_rows)])
            batch, keep = batch.filter(pa.array(sound)), keep[sound]
            reasons = [reason for reason, is_sound in zip(reasons, sound, strict=True) if is_sound]
        if batch.num_rows:
            yield from split_dropped(batch, keep, self.name, reasons)


class DatatroveFilter(_TextStage):
    """Drops what a datatrove filter drops, with the filter's reason, or its class's name where it gives none.

    `Document.id` is the row's id, `text` its text (of problems question, newline, solution), `metadata` all other
    columns of plain values that are not null, three of them also under datatrove's names (THEIR_NAMES). A text that the
    filter changes goes on as changed, with the formula spans moved; where a formula was cut the row goes to quarantine,
    and so does a problem whose text was changed. Metadata that the filter adds is not kept: rows have their columns.
    """

    name = "datatrove_filter"
    version = 1
    Config: ClassVar[type[StageConfig]] = DatatroveFilterConfig
    config: DatatroveFilterConfig

    def open(self, context: StageContext) -> None:
        """Make the filter anew, so that each task begins with the same state."""
        self._filter = _make(self.config.step(), self.config.options, context.task_index)
        self._default_reason = type(self._filter).__name__

    def process_batch(self, batch: pa.RecordBatch) -> Iterable[Output]:
        """Ask the filter in batches of its own size; where one raises, its documents are asked about alone."""
        documents = _Documents(batch)
        keep = np.ones(batch.num_rows, np.bool_)
        reasons = [""] * batch.num_rows
        changes: dict[int, str] = {}
        errors: dict[int, str] = {}
        for row, (document, verdict) in enumerate(self._judge(documents)):
            if isinstance(verdict, Exception):
                errors[row] = f"{type(verdict).__name__}: {verdict}"
                continue
            result, reason = get_filter_result(verdict)
            if not result:
                keep[row], reasons[row] = False, str(reason or self._default_reason)
            elif document.text != documents.texts[row]:
                changes[row] = document.text
        if changes and "question" in batch.schema.names:
            errors |= dict.fromkeys(changes, f"{self._default_reason} changes texts, which problems do not allow")
            changes = {}
        return self._finish(batch, keep, reasons, {"text": changes}, errors)

    def _judge(self, documents: "_Documents") -> Iterator[tuple[Document, Any]]:
        """Each document, as the filter left it, with its verdict, or with what the filter raised."""
        size = self._filter.batch_size
        for start in range(0, len(documents.texts), size):
            rows = range(start, min(start + size, len(documents.texts)))
            try:
                part = [documents[row] for row in rows]
                judged = list(zip(part, self._filter.filter_batch(part), strict=True))
            except Exception as error:
                if len(rows) == 1:
                    judged = [(documents[start], error)]
                else:
                    judged = [self._judge_alone(documents[row]) for row in rows]
            yield from judged

    def _judge_alone(self, document: Document) -> tuple[Document, Any]:
        try:
            return document, self._filter.filter_batch([document])[0]
        except Exception as error:
            return document, error


class DatatroveFormatter(_TextStage):
    """Rewrites texts with a datatrove formatter (of problems question, solution and answer, each alone).

    Formula spans move with the text; where a formula was cut, the row goes to quarantine.
    """

    name = "datatrove_formatter"
    version = 1
    Config: ClassVar[type[StageConfig]] = DatatroveFormatterConfig
    config: DatatroveFormatterConfig

    def open(self, context: StageContext) -> None:
        """Make the formatter anew, so that each task begins with the same state."""
        self._formatter = _make(self.config.step(), self.config.options, context.task_index)

    def process_batch(self, batch: pa.RecordBatch) -> Iterable[Output]:
        """Format each text of each row."""
        changes: dict[str, dict[int, str]] = {}
        errors: dict[int, str] = {}
        names = ("question", "solution", "answer") if "question" in batch.schema.names else ("text",)
        for name in names:
            changes[name] = {}
            for row, text in enumerate(batch.column(name).to_pylist()):
                try:
                    formatted = text and self._formatter.format(text)
                except Exception as error:
                    errors[row] = f"{type(error).__name__}: {error}"
                    continue
                if formatted != text:
                    changes[name][row] = formatted
        return self._finish(batch, np.ones(batch.num_rows, np.bool_), [""] * batch.num_rows, changes, errors)


class _Documents:
    """The rows of a batch as datatrove's documents, made when asked for: a filter may change what it is given."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        columns = [(field.name, batch.column(i)) for i, field in enumerate(batch.schema)]
        if "question" in batch.schema.names:
            pairs = zip(batch.column("question").to_pylist(), batch.column("solution").to_pylist(), strict=True)
            self.texts = ["\n".join(filter(None, pair)) for pair in pairs]
        else:
            self.texts = batch.column("text").to_pylist()
        plain = [
            (name, column) for name, column in columns[1:] if name != "text" and not pa.types.is_nested(column.type)
        ]
        values = [column.to_pylist() for _, column in plain]
        names = [name for name, _ in plain]
        for ours, theirs in THEIR_NAMES.items():
            if ours in names and theirs not in names:
                values.append(values[names.index(ours)])
                names.append(theirs)
        self._names = [name for name, column in zip(names, values, strict=True) if any(v is not None for v in column)]
        self._rows = list(zip(*(column for column in values if any(v is not None for v in column)), strict=True))
        self._ids = columns[0][1].to_pylist()

    def __getitem__(self, row: int) -> Document:
        values = zip(self._names, self._rows[row], strict=True) if self._rows else ()
        metadata = {name: value for name, value in values if value is not None}
        return Document(text=self.texts[row], id=self._ids[row], metadata=metadata)


def _class_path(name: str, base: type[PipelineStep], package: str) -> str:
    """Return "module:Class" for it, or for the bare name of a class of `package`; ValueError says what is wrong."""
    path = name if ":" in name else f"{package}:{name}"
    try:
        found = _import(path)
    except (ImportError, AttributeError) as error:
        ours = vars(import_module(package)).values()
        known = sorted(c.__name__ for c in ours if inspect.isclass(c) and issubclass(c, base))
        raise ValueError(
            f"{name} cannot be imported ({error}); write package.module:Class, or one of {', '.join(known)}"
        ) from error
    if not (inspect.isclass(found) and issubclass(found, base)) or inspect.isabstract(found):
        raise ValueError(f"{name} is no {base.__name__} of datatrove")
    if getattr(found, "run") is not base.run:  # noqa: B009 (mypy sees no more than a class)
        raise ValueError(f"{name} has a `run` of its own, for a whole stream; here documents come one by one")
    return f"{found.__module__}:{found.__qualname__}"


def _import(path: str) -> Any:
    """Import what "module:name" names; ImportError or AttributeError."""
    module, _, name = path.partition(":")
    found = import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def _make(path: str, options: dict[str, Any], task_index: int) -> Any:
    step_class = _import(path)
    return step_class(**_arguments(step_class, options, task_index))


def _arguments(step_class: type, options: dict[str, Any], task_index: int) -> dict[str, Any]:
    """Turn options into arguments: lists into tuples and names into functions, where those are wanted.

    A `seed` is 0 if the recipe says nothing, since a run must repeat itself, and grows with the task's number, since
    every task would draw the same numbers else. ValueError for an option that is missing or that there is not.
    """
    parameters = dict(inspect.signature(step_class.__init__).parameters)  # type: ignore[misc]
    for name in ("self", "exclusion_writer"):  # the run collects what is dropped
        parameters.pop(name, None)
    is_open = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    parameters = {name: p for name, p in parameters.items() if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}
    known = ", ".join(parameters) or "none"
    if (unknown := sorted(options.keys() - parameters.keys())) and not is_open:
        raise ValueError(f"{step_class.__name__} has no option {unknown[0]!r}; there are {known}")
    required = [name for name, parameter in parameters.items() if parameter.default is parameter.empty]
    if missing := [name for name in required if name not in options]:
        raise ValueError(f"{step_class.__name__} needs the option {missing[0]!r}; there are {known}")
    arguments = {name: _argument(value, parameters.get(name)) for name, value in options.items()}
    if "seed" in parameters:
        seed = options.get("seed")
        arguments["seed"] = (seed if isinstance(seed, int) else 0) + task_index
    return arguments


def _argument(value: Any, parameter: inspect.Parameter | None) -> Any:
    wanted = str(parameter.annotation) if parameter is not None else ""
    if "Callable" in wanted and isinstance(value, str):
        try:
            return _import(value)
        except (ImportError, AttributeError, ValueError) as error:
            raise ValueError(f"there is no function {value!r} (module:function): {error}") from error
    if "tuple" in wanted and isinstance(value, list):
        return tuple(tuple(item) if isinstance(item, list) else item for item in value)
    return value


@lru_cache(maxsize=64)
def _try_out(path: str, options: str) -> None:
    """Make a filter or formatter and show it the samples, once in a process; ValueError says why it does not work."""
    name = path.rpartition(":")[2]
    try:
        step = _make(path, json.loads(options), 0)
        for lang, text in _SAMPLES.items():
            metadata = {"url": "https://example.org/algebra", "lang": lang, "source": "sample", "lang_score": 1.0}
            metadata |= {theirs: metadata[ours] for ours, theirs in THEIR_NAMES.items() if ours in metadata}
            document = Document(text=text, id=lang, metadata=metadata)
            step.format(text) if isinstance(step, BaseFormatter) else step.filter_batch([document])
    except Exception as error:
        said = str(error) or type(error).__name__
        if name not in said:
            said = f"{name} fails: {said if isinstance(error, ImportError | ValueError) else repr(error)}"
        if isinstance(error, OSError):
            said += "; datatrove downloads what it needs once, so begin where the network can be reached"
        if "fasttext-numpy2-wheel" in said:  # 0.10.1 asks for this distribution by name
            said += " That package and mathmill's fasttext-community are two builds of one module, `fasttext`, and"
            said += " cannot stand side by side; the stages `classify` and `language` do the same without it."
        raise ValueError(" ".join(said.split())) from error
