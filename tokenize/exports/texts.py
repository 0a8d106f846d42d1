"""The texts of problems that shards hold: from the run that made the shards, or decoded from their tokens.

A run folder has question, solution and answer as they were; they are found by record id. Without it, tokens are
decoded and divided at the first learned token, which is where a solution begins if only solutions were learned. Shards
that were learned whole, or put into a chat template, do not say where a question ends, and a cut record lies in several
rows: these need the run.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mathmill.core.answers import stated_answer
from mathmill.core.errors import DataError
from mathmill.core.schemas import MESSAGE
from mathmill.core.storage import Folder
from mathmill.tokenize.exports.rows import RowBatch
from mathmill.tokenize.render import RenderConfig, parse_template
from mathmill.tokenize.store import LABELS

Message: TypeAlias = dict[str, Any]
"""`role`, `content` and, of some, `weight`."""

_BATCH_ROWS = 1 << 14

_COLUMNS = {
    "problems": ["problem_id", "question", "solution", "answer"],
    "conversations": ["conversation_id", "messages"],
}

_TEXTS = pa.schema(
    [
        *(pa.field(name, pa.large_string()) for name in ("question", "solution", "answer")),
        pa.field("messages", pa.list_(MESSAGE)),
    ]
)

_TEMPLATES = RenderConfig().problem_template


class Decoder(Protocol):
    """What decoding needs of a tokenizer."""

    bos_id: int | None
    eos_id: int

    def decode(self, ids: Any) -> str:
        """The text of tokens."""
        ...


@dataclass(frozen=True)
class Record:
    """A problem or conversation of an export.

    labels: record_id, doc_id, the store's LABELS and the mix group. messages: of the user and, where there is a
    solution or an answer, of the assistant. answer: the final one, None where it is not known.
    """

    labels: dict[str, Any]
    messages: list[Message]
    answer: str | None

    @classmethod
    def of(cls, labels: dict[str, Any], question: str, response: str, answer: str | None) -> "Record":
        """A question and what the assistant says to it, "" where that is nothing."""
        messages = [{"role": "user", "content": question}]
        if response.strip():
            messages.append({"role": "assistant", "content": response})
        return cls(labels, messages, answer if answer and answer.strip() else None)


class Texts(Protocol):
    """Where texts come from.

    source: "run" or "tokens", for export.json. left_out: records that have no text, by reason.
    """

    source: str
    left_out: Counter[str]

    def of(self, batch: RowBatch) -> Iterator[Record]:
        """The records that begin in these rows, in order; one that recurs comes each time."""
        ...


class RunTexts:
    """Texts of the run that made the shards, from its folders of problems and conversations.

    They are copied into a file that is mapped, so that memory holds their ids only (some 200 bytes each). To a problem
    the assistant says its solution, with the answer where that does not state it; what the recipe has the system say
    is not part of it. The answer of a conversation is what its last message states.
    """

    source = "run"

    def __init__(self, run: Folder, scratch: Path) -> None:
        self.left_out: Counter[str] = Counter()
        self._run = run
        self._numbers: dict[str, int] = {}
        self._copied = self._copy(scratch)

    def of(self, batch: RowBatch) -> Iterator[Record]:
        """See `Texts`; DataError where a record is not in the run."""
        for _, labels in _begun(batch, self.left_out, ("problems", "conversations")):
            number = self._numbers.get(labels["record_id"])
            if number is None:
                raise DataError(f"{self._run} does not hold {labels['record_id']!r}; the shards are of another run")
            place, row = divmod(number, _BATCH_ROWS)
            text = self._copied[place].slice(row, 1).to_pylist()[0]
            if text["messages"] is not None:
                yield _conversation(labels, text["messages"])
            else:
                response = _response(labels["lang"], text["solution"], text["answer"])
                yield Record.of(labels, text["question"] or "", response, text["answer"])

    def _copy(self, scratch: Path) -> list[pa.RecordBatch]:
        """Copy the texts to a file; returns its batches, as views."""
        n_batches = 0
        with pa.OSFile(str(scratch), "wb") as sink, pa.ipc.new_file(sink, _TEXTS) as writer:
            for corpus, columns in _COLUMNS.items():
                folder = self._run / corpus
                for name in folder.names():
                    if name.endswith(".parquet"):
                        for batch in _batches(folder, name, columns):
                            self._numbers.update(zip(batch.column(0).to_pylist(), count(n_batches * _BATCH_ROWS)))
                            writer.write_batch(_widened(batch))
                            n_batches += 1
        copied = pa.ipc.open_file(pa.memory_map(str(scratch)))
        return [copied.get_batch(number) for number in range(n_batches)]

    @staticmethod
    def is_run(folder: Folder) -> bool:
        """Whether a folder holds problems or conversations."""
        return any(name.endswith(".parquet") for corpus in _COLUMNS for name in (folder / corpus).names())


def _batches(folder: Folder, name: str, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """Id and texts of a file's records; DataError where it has none."""
    with folder.open(name) as source:
        try:
            for batch in pq.ParquetFile(source).iter_batches(_BATCH_ROWS, columns=columns):
                batch.validate(full=True)
                types = [pa.string(), *(_TEXTS.field(column).type for column in columns[1:])]
                arrays = [batch.column(column).cast(kind) for column, kind in zip(columns, types, strict=True)]
                yield pa.RecordBatch.from_arrays(arrays, names=columns)
        except (pa.ArrowException, KeyError) as error:
            raise DataError(f"{folder.path(name)}: not the {Path(str(folder)).name} of a run ({error})") from error


def _widened(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The texts of a batch with all columns of _TEXTS."""
    there = batch.schema.names
    columns = [
        batch.column(field.name) if field.name in there else pa.nulls(len(batch), field.type) for field in _TEXTS
    ]
    return pa.RecordBatch.from_arrays(columns, schema=_TEXTS)


def _conversation(labels: dict[str, Any], messages: list[dict[str, Any]]) -> Record:
    """A conversation; the weight of a message stays where it is said, and is not 1."""
    kept = [
        {name: value for name, value in message.items() if name != "weight" or value not in (None, 1.0)}
        for message in messages
    ]
    said = messages[-1]["content"] if messages and messages[-1]["role"] == "assistant" else None
    return Record(labels, kept, stated_answer(said) if said else None)


def _response(lang: str | None, solution: str | None, answer: str | None) -> str:
    """Solution and answer, put together as the default templates of `tokenize:` do it."""
    if not answer or (solution and stated_answer(solution) is not None):
        return solution or ""
    template = _TEMPLATES.get(lang or "en", _TEMPLATES["en"])
    words = {name: before for before, name in parse_template(template)}["answer"]
    return ((solution or "") + words + answer).strip()


class TokenTexts:
    """Texts decoded from shards of which only solutions were learned. where: the shards' name, for errors."""

    source = "tokens"

    def __init__(self, tokenizer: Decoder, where: str) -> None:
        self.left_out: Counter[str] = Counter()
        self._tokenizer, self._where = tokenizer, where

    def of(self, batch: RowBatch) -> Iterator[Record]:
        """See `Texts`; a cut record is left out. DataError where a question was learned, too."""
        n_parts, answers = batch.numbers("n_parts"), batch.segments.column("answer")
        for number, labels in _begun(batch, self.left_out, ("problems",)):
            if n_parts[number] > 1:
                self.left_out["cut into several rows"] += 1
                continue
            here = slice(*batch.segment_starts[number : number + 2])
            yield self._record(labels, batch.tokens[here], batch.weights[here] > 0, answers[number].as_py())

    def _record(self, labels: dict[str, Any], tokens: Any, learned: Any, answer: dict[str, int] | None) -> Record:
        text = self._tokenizer.decode
        begin = int(tokens[0] == self._tokenizer.bos_id)
        end = len(tokens) - int(tokens[-1] == self._tokenizer.eos_id)
        first = int(np.argmax(learned))
        if first <= begin:
            raise DataError(
                f"{self._where}: nothing says where the question of {labels['record_id']!r} ends: it was learned, "
                "too; export from the folder of the run, or tokenize with `supervise: solution`"
            )
        return Record.of(
            labels,
            text(tokens[begin:first]).strip(),
            text(tokens[first:end]).strip(),
            None if answer is None else text(tokens[answer["start"] : answer["end"]]).strip(),
        )


def _begun(batch: RowBatch, left_out: Counter[str], corpora: tuple[str, ...]) -> list[tuple[int, dict[str, Any]]]:
    """Number and labels of the segments with which records of some corpora begin; those of others are counted."""
    row = np.repeat(np.arange(len(batch.groups)), np.diff(batch.row_segments))
    first = np.flatnonzero(batch.numbers("part") == 0)
    names = ["record_id", "doc_id", *(field.name for field in LABELS)]
    table = batch.segments.select(names).take(pa.array(first))
    table = table.append_column("group", batch.groups.take(pa.array(row[first])))
    begun = []
    for number, labels in zip(first.tolist(), table.to_pylist(), strict=True):
        if labels["corpus"] in corpora:
            begun.append((number, labels))
        else:
            left_out[f"of the corpus {labels['corpus']}"] += 1
    return begun
