"""Benchmarks by name: which file, which part of it, and how its columns become problems with gold answers.

`registry.yaml` says what names mean; a path or URL of a file of one's own is a benchmark as well. Files are JSON Lines,
plain or compressed with zstd or gzip, JSON or Parquet. Where a name stands for something that is not public, its title
says so, and the title goes with every result.
"""

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from mathmill.core.answers import extract_answer
from mathmill.core.config import Config
from mathmill.core.errors import ConfigError, DataError, MathmillError
from mathmill.core.storage import Folder

DATA_VARIABLE = "MATHMILL_BENCHMARKS"
"""Environment variable with the folder of benchmark files."""

SUFFIXES = (".jsonl.zst", ".jsonl.gz", ".jsonl", ".json", ".parquet")

Kind = Literal["word", "math", "choice"]

FIELDS = {
    "question": ("question", "problem", "query"),
    "answer": ("answer", "final_answer", "golden", "gold"),
    "solution": ("solution", "rationale", "analysis"),
    "options": ("options", "choices"),
    "id": ("id", "unique_id", "problem_id"),
}
"""Columns by role, the first that a row has."""

LABELS = {
    "difficulty": ("difficulty",),
    "school_stage": ("school_stage", "stage"),
    "level": ("level",),
    "grade": ("grade",),
    "subject": ("subject", "type"),
    "form": ("qtype",),
}
"""Labels that results are counted by, and their columns; `steps` comes from n_steps."""


class Entry(Config):
    """What a name stands for, see `registry.yaml`."""

    title: str
    license: str = ""
    language: Literal["en", "zh"] | None = None
    kind: Kind = "math"
    local: str = ""
    hub: str = ""
    parts: tuple[str, ...] = ()
    where: dict[str, str] = {}
    hub_where: dict[str, str] | None = None
    fields: dict[str, tuple[str, ...]] = {}
    alternatives: str = ""


@dataclass(frozen=True)
class Item:
    """A problem. golds: answers any of which is right. solution: the file's, for labels; it is shown to no model."""

    item_id: str
    question: str
    golds: tuple[str, ...]
    language: str
    kind: Kind
    labels: Mapping[str, str] = field(default_factory=dict)
    solution: str | None = None
    n_steps: int | None = None


@dataclass(frozen=True)
class Benchmark:
    """The problems of a name. unusable: rows left out because they have no question or no gold answer."""

    name: str
    title: str
    license: str
    items: tuple[Item, ...]
    unusable: int = 0


@cache
def registry() -> dict[str, Entry]:
    """All names."""
    text = resources.files(__package__).joinpath("registry.yaml").read_text("utf-8")
    return {name: Entry(**entry) for name, entry in yaml.safe_load(text).items()}


def load(name: str, data: str | None = None, limit: int | None = None, seed: int = 0) -> Benchmark:
    """Read a benchmark by its name in the registry, or a file by its path or URL.

    data: folder of benchmark files; None: what MATHMILL_BENCHMARKS says. limit: so many items, chosen by a hash of
    their ids and the seed, so that a smaller choice is part of a larger one. Raises ConfigError where there is no such
    name or file, DataError where the file holds no problems.
    """
    if name in registry():
        loaded = _named(name, data or os.environ.get(DATA_VARIABLE))
    elif name.endswith(SUFFIXES):
        title = name.rsplit("/", 1)[-1]
        loaded = _from_rows(title.split(".")[0], Entry(title=title), list(_rows(name)))
    else:
        raise ConfigError(f"there is no benchmark {name!r}; there are {', '.join(registry())}, and files ({SUFFIXES})")
    if not loaded.items:
        raise DataError(f"{name} holds no problem with a question and a gold answer")
    if limit is None or limit >= len(loaded.items):
        return loaded
    chosen = set(sorted(range(len(loaded.items)), key=lambda i: _draw(loaded.items[i].item_id, seed))[:limit])
    items = tuple(item for number, item in enumerate(loaded.items) if number in chosen)
    return Benchmark(loaded.name, loaded.title, loaded.license, items, loaded.unusable)


def _draw(item_id: str, seed: int) -> bytes:
    return hashlib.blake2b(f"{seed}\0{item_id}".encode(), digest_size=8).digest()


def _named(name: str, data: str | None) -> Benchmark:
    entry = registry()[name]
    if entry.parts:
        parts = [_named(part, data) for part in entry.parts]
        items = tuple(item for part in parts for item in part.items)
        licenses = ", ".join(dict.fromkeys(part.license for part in parts))
        return Benchmark(name, entry.title, licenses, items, sum(part.unusable for part in parts))
    local = _local_file(entry.local, data)
    if local is not None:
        return _from_rows(name, entry, [row for row in _rows(local) if _fits(row, entry.where)])
    where = entry.where if entry.hub_where is None else entry.hub_where
    return _from_rows(name, entry, [row for row in _hub_rows(name, entry, data) if _fits(row, where)])


def _local_file(stem: str, data: str | None) -> str | None:
    if data is None:
        return None
    found = set(Folder(data).names())
    name = next((stem + suffix for suffix in SUFFIXES if stem + suffix in found), None)
    return None if name is None else Folder(data).path(name)


def _hub_rows(name: str, entry: Entry, data: str | None) -> Iterator[dict[str, Any]]:
    """Rows from the hub, through huggingface_hub's file system."""
    place = f"in {data}" if data is not None else f"here: neither --data nor {DATA_VARIABLE} names a folder"
    missing = f"{name}: there is no {entry.local}.jsonl.zst (or .jsonl, .parquet) {place}"
    if not entry.hub:
        raise ConfigError(f"{missing}, and no data set on the hub has it as a file; give the path of a file instead")
    if os.environ.get("HF_HUB_OFFLINE", "0") not in ("", "0"):
        raise ConfigError(f"{missing}, and HF_HUB_OFFLINE is set; it is https://huggingface.co/datasets/{entry.hub}")
    try:
        folder = Folder("hf://datasets/" + entry.hub.split("*")[0].rsplit("/", 1)[0])
        paths = sorted(folder.fs.glob(f"datasets/{entry.hub}"))
        if not paths:
            raise ConfigError(f"there is no file datasets/{entry.hub}")
        rows = [row for path in paths for row in _rows(f"hf://{path}")]
    except (MathmillError, OSError, ValueError) as error:
        raise ConfigError(f"{missing}, and the hub does not give it: {' '.join(str(error).split())[:200]}") from None
    yield from rows


def _fits(row: Mapping[str, Any], where: Mapping[str, str]) -> bool:
    return all(re.search(pattern, str(row.get(column))) for column, pattern in where.items())


def _rows(path: str) -> Iterator[dict[str, Any]]:
    """The rows of a file. Raises DataError where it cannot be read."""
    folder, name = Folder(path.rpartition("/")[0] or "."), path.rpartition("/")[2]
    try:
        if name.endswith(".parquet"):
            with folder.open(name) as file:
                yield from pq.read_table(file).to_pylist()
            return
        text = _inflated(folder.read(name), name).decode("utf-8-sig")
        if name.endswith(".json") and text.lstrip().startswith("["):
            yield from json.loads(text)
            return
        for line in text.split("\n"):
            if line.strip():
                yield json.loads(line)
    except FileNotFoundError:
        raise ConfigError(f"there is no file {path}") from None
    except (ValueError, pa.ArrowException) as error:  # ArrowInvalid, JSONDecodeError and UnicodeDecodeError are these
        raise DataError(f"{path} cannot be read: {str(error).splitlines()[0]}") from None


def _inflated(data: bytes, name: str) -> bytes:
    codec = {".zst": "zstd", ".gz": "gzip"}.get(os.path.splitext(name)[1])
    if codec is None:
        return data
    with pa.CompressedInputStream(pa.BufferReader(data), codec) as stream:
        return bytes(stream.read())


def _from_rows(name: str, entry: Entry, rows: Sequence[Mapping[str, Any]]) -> Benchmark:
    items: list[Item] = []
    seen: Counter[str] = Counter()
    for number, row in enumerate(rows):
        item = _item(row, entry, f"{name}-{number}") if isinstance(row, dict) else None
        if item is None:
            continue
        seen[item.item_id] += 1
        if seen[item.item_id] > 1:
            item = Item(**{**vars(item), "item_id": f"{item.item_id}#{seen[item.item_id]}"})
        items.append(item)
    return Benchmark(name, entry.title, entry.license, tuple(items), len(rows) - len(items))


def _item(row: Mapping[str, Any], entry: Entry, default_id: str) -> Item | None:
    roles = {role: _first(row, entry.fields.get(role, names)) for role, names in FIELDS.items()}
    question, solution = str(roles["question"] or "").strip(), roles["solution"]
    solution = solution[0] if isinstance(solution, list) and solution else solution
    options = _options(roles["options"])
    golds = _golds(roles["answer"], solution, options, row.get("answer_text"), entry.alternatives)
    if not question or not golds:
        return None
    is_choice = bool(options) or row.get("qtype") == "choice"
    stated = row.get("lang") or row.get("language") or entry.language
    n_steps = row.get("n_steps")
    return Item(
        item_id=str(roles["id"] or default_id),
        question=question + "".join(f"\n{letter}. {text}" for letter, text in options.items()),
        golds=golds,
        language=stated if stated in ("en", "zh") else "zh" if re.search("[\u3400-\u9fff]", question) else "en",
        kind="choice" if is_choice else entry.kind,
        labels=_labels(row),
        solution=str(solution) if solution else None,
        n_steps=n_steps if isinstance(n_steps, int) else None,
    )


def _first(row: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((row[name] for name in names if row.get(name) is not None), None)


_OPTION = re.compile(r"\s*[(（]?\s*([A-Ja-j])\s*[)）.．、:：]\s*")


def _options(value: Any) -> dict[str, str]:
    """Options by letter, from a mapping or a list, whose entries may begin with their letters."""
    if isinstance(value, dict):
        return {str(letter): str(text) for letter, text in value.items() if text is not None}
    if not isinstance(value, list):
        return {}
    return {"ABCDEFGHIJ"[i]: _OPTION.sub("", str(text), count=1) for i, text in enumerate(value[:10])}


def _golds(answer: Any, solution: Any, options: Mapping[str, str], text: Any, separator: str) -> tuple[str, ...]:
    """Gold answers: what the file states, after its last `####` or in its last box where there is one.

    Of a choice, the letter and what the option says both count.
    """
    if isinstance(answer, list):
        answer = ", ".join(map(str, answer)) if not options or len(answer) != 1 else answer[0]
    if isinstance(answer, int) and options and 0 <= answer < len(options):
        answer = list(options)[answer]  # the number of the option
    stated = "" if answer is None or isinstance(answer, bool) else str(answer).strip()
    if "####" in stated or "\\boxed" in stated:
        stated = extract_answer(stated) or ""
    if not stated and solution:
        stated = extract_answer(str(solution)) or ""
    golds = [gold.strip() for gold in (stated.split(separator) if separator else [stated])]
    golds += [options[gold] for gold in golds if gold in options]
    if isinstance(text, str):
        golds.append(_OPTION.sub("", text, count=1).strip())
    return tuple(dict.fromkeys(gold for gold in golds if gold))


def _labels(row: Mapping[str, Any]) -> dict[str, str]:
    """What the file says of a problem; a number of steps by the three ranges of the paper's difficulty."""
    found = {label: _first(row, names) for label, names in LABELS.items()}
    labels = {label: str(value).removeprefix("Level ") for label, value in found.items() if value not in (None, "")}
    if isinstance(steps := row.get("n_steps"), int) and steps > 0:
        labels["steps"] = "1 to 2" if steps <= 2 else "3 to 5" if steps <= 5 else "6 or more"
    return labels
