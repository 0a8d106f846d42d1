"""Sources of a recipe and the files that they name.

Files are known by their path relative to the source (`InputFile.relative`), which is what record ids are made from: a
crawl read from a local folder and the same crawl read from S3 give the same ids. Names starting with "." or "_" are
hidden, as Hadoop and Spark have it, so that `_SUCCESS` and `_temporary/` are no input.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from glob import has_magic
from typing import Annotated, Any, BinaryIO, Literal, cast

import pyarrow as pa
import xxhash
from fsspec.implementations.local import LocalFileSystem
from pydantic import Field, model_validator

from mathmill.core.config import Config, DataPath, file_digest
from mathmill.core.errors import DataError, MathmillError, OperationError
from mathmill.core.remote import RemoteFile, filesystem
from mathmill.core.schemas import CONVERSATION, DOCUMENT, PAGE, PROBLEM
from mathmill.core.storage import explain, operating, retry
from mathmill.curation.readers.catalogue import with_entry
from mathmill.curation.readers.hub import advice, is_refused, token_advice
from mathmill.curation.readers.rules import Rule
from mathmill.curation.readers.selection import IndexConfig

Kind = Literal["pages", "documents", "problems", "conversations"]

SCHEMAS: dict[str, pa.Schema] = {
    "pages": PAGE,
    "documents": DOCUMENT,
    "problems": PROBLEM,
    "conversations": CONVERSATION,
}

COLUMNS: dict[str, tuple[str, ...]] = {
    "pages": ("html", "url", "content_type", "license", "crawl_date"),
    "documents": ("text", "url", "lang", "license", "crawl_date"),
    "problems": (
        *("question", "solution", "answer", "url", "lang", "license", "crawl_date"),
        *("school_stage", "difficulty", "style"),
    ),
    "conversations": ("messages", "url", "lang", "license", "crawl_date", "style"),
}
"""What `fields` may map, by kind; the first is the one that every record must have."""

LABELS = {
    "problems": ("n_steps", "difficulty_score", "method", "parent_id", "critique_score", "loss_weight"),
}
"""What `fields` may map besides, and what is not taken from a field only because it is called so."""

OTHER_FIELDS = {"messages": "conversations"}
"""Where that one is found in records that lack it, unless `fields` maps it: ShareGPT calls messages conversations."""

_FORMATS = {
    "pages": ("warc", "jsonl", "parquet", "cc_index"),
    "documents": ("wet", "jsonl", "parquet", "json", "csv", "tsv"),
    "problems": ("jsonl", "parquet", "json", "csv", "tsv"),
    "conversations": ("jsonl", "parquet", "json"),
}

_DESCRIPTIONS = ("json", "csv", "tsv")
"""Formats that also describe the data which they stand beside: taken where there is no file of another one."""

_SUFFIXES = {
    ".warc.wet.gz": "wet",
    ".wet.gz": "wet",
    ".wet": "wet",
    ".warc.gz": "warc",
    ".warc": "warc",
    ".jsonl": "jsonl",
    ".jsonl.gz": "jsonl",
    ".jsonl.zst": "jsonl",
    ".json.gz": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".csv.gz": "csv",
    ".tsv": "tsv",
    ".tsv.gz": "tsv",
    ".parquet": "parquet",
}

_ALTERNATIVES = re.compile(r"\{([^{}]*,[^{}]*)\}")

_INDEX_NAME = re.compile(r"\.parquet$|\.cdxj?(?:\.gz)?$|\.jsonl?(?:\.gz|\.zst)?$|(?:^|/)cdx-\d+\.gz$", re.IGNORECASE)
"""Of the files that are taken from a folder with `format: cc_index`."""


class SourceConfig(Config):
    """One entry of `sources:` in a recipe.

    path: a file, a folder or a glob, local or any URL that fsspec knows; `{a,b}` in it stands for a and b. In a folder,
    files are taken by their suffix; with a `format`, a file or a glob is taken whatever the names are. `cc_index` is a
    crawl's index, of which `index` chooses rows; the pages are fetched from where they say. fields: our column to the
    field of the records (JSON, Parquet, tables), which may be a path into a structure, such as `message.content`, or to
    a rule. where: fields to the texts, one or several, that they must have; other records are left out. records: the
    key (or path of keys; `*` is any) under which a JSON file has its records. columns: of a table without a header.
    skip: stages of the recipe that this source does not pass. catalogue: the entry that gives what is not said here.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9_-]+$")]
    path: DataPath
    kind: Kind
    catalogue: str | None = None
    format: Literal["auto", "warc", "wet", "jsonl", "parquet", "json", "csv", "tsv", "cc_index"] = "auto"
    license: str | None = None
    lang: str | None = None  # ISO 639-1, for records that do not say
    fields: dict[str, Rule] = {}
    where: dict[str, str | tuple[str, ...]] = {}
    records: str | None = None
    columns: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    index: IndexConfig | None = None

    @model_validator(mode="before")
    @classmethod
    def _with_entry(cls, given: Any) -> Any:
        return with_entry(given) if isinstance(given, dict) and given.get("catalogue") is not None else given

    @model_validator(mode="after")
    def _fits(self) -> "SourceConfig":
        allowed = _FORMATS[self.kind]
        if self.format != "auto" and self.format not in allowed:
            raise ValueError(f"format {self.format} does not give {self.kind}; {', '.join(allowed)} do")
        if self.index is not None and self.format != "cc_index":
            raise ValueError("index: only a source with `format: cc_index` has one")
        known = (*COLUMNS[self.kind], *LABELS.get(self.kind, ()))
        if unknown := sorted(self.fields.keys() - set(known)):
            columns = ", ".join(known)
            raise ValueError(f"fields: {unknown[0]!r} is not a column of {self.kind}; there are {columns}")
        return self


@dataclass(frozen=True)
class InputFile:
    """A file of a source.

    path: full path or URL. relative: to the source, with "/". size: bytes. fingerprint: what changes with the content
    (XXH3-128 of it; the ETag where an object store gives one).
    """

    path: str
    relative: str
    size: int
    fingerprint: str


@dataclass(frozen=True)
class InputSlice:
    """A part of a file that one task reads.

    [start, end) counts bytes (plain JSONL: the lines that start there), row groups (Parquet), chosen rows (an index),
    or is the whole file. size: bytes, as stored; of an index those of the records. file_size, fingerprint: of the whole
    file, as listed.
    """

    path: str
    relative: str
    start: int
    end: int
    size: int
    file_size: int
    fingerprint: str = ""


def input_schema(source: SourceConfig) -> pa.Schema:
    """Schema of the records that a source gives."""
    return SCHEMAS[source.kind]


def list_files(source: SourceConfig) -> list[InputFile]:
    """List a source's files, sorted by their relative path; DataError where there are none or they do not fit."""
    with _listing(source):
        fs, root = filesystem(source.path)
        root = root.rstrip("/") or root
        fs.invalidate_cache()
        base, infos = retry(lambda: _find_all(fs, root))
        relatives = {path[len(base) :].lstrip("/"): info for path, info in infos.items()}
        relatives = {name: info for name, info in relatives.items() if not _is_hidden(name)}
        is_folder = bool(base == root and infos)
        chosen = _choose(source, relatives, by_suffix=is_folder)
        if odd := [name for name in (root, *chosen) if not _is_utf8(name)]:
            raise DataError(f"source {source.name}: the file name {min(odd)!r} is not valid UTF-8; rename the file")
        return [_input_file(fs, base, name, relatives[name]) for name in sorted(chosen)]


@contextmanager
def _listing(source: SourceConfig) -> Iterator[None]:
    try:
        yield
    except MathmillError:
        raise
    except Exception as error:  # every store raises its own SDK's types for lacking credentials, buckets, networks
        why = explain(error) if isinstance(error, OSError) else str(error) or type(error).__name__
        is_fault = isinstance(error, OSError) and not isinstance(error, (FileNotFoundError, PermissionError))
        kind = OperationError if is_fault else DataError
        hint = advice(source.path, source.catalogue is not None)
        if hint and is_refused(error):
            kind, hint = DataError, token_advice(source.path)
        why = why.rstrip(". ") if hint else why
        raise kind(f"source {source.name}: cannot read {source.path}: {why}{hint}") from error


def _find_all(fs: Any, root: str) -> tuple[str, Mapping[str, Mapping[str, Any]]]:
    """As `_find`, for each of the alternatives `{a,b}` in a path; a web server lists no files. Raises DataError."""
    match = _ALTERNATIVES.search(root)
    if match is None or (isinstance(fs, LocalFileSystem) and fs.exists(root)):
        return _find(fs, root)
    found: dict[str, Mapping[str, Any]] = {}
    for part in match[1].split(","):
        path = root[: match.start()] + part + root[match.end() :]
        infos = _find_all(fs, path)[1]
        if not infos:
            raise DataError(f"there is no file or folder {path}, or nothing in it, of the path {root}")
        found |= infos
    return root[: match.start()].rpartition("/")[0], found


def _find(fs: Any, root: str) -> tuple[str, Mapping[str, Mapping[str, Any]]]:
    """Return the folder that relative paths start from, and the files with what the store says about them."""
    try:
        info = fs.info(root)  # not isfile and isdir, which call it no file when a connection breaks
    except (FileNotFoundError, NotADirectoryError):
        info = {"type": "nothing"}
    if info["type"] == "file":
        return root.rpartition("/")[0], {root: info}
    if info["type"] == "directory":
        return root, fs.find(root, detail=True)
    if not has_magic(root):
        return root, {}
    fixed = []
    for part in root.split("/"):
        if has_magic(part):
            break
        fixed.append(part)
    try:
        found = fs.glob(root, detail=True)
    except FileNotFoundError:  # the hub's, where others find nothing
        found = {}
    return "/".join(fixed), {path: info for path, info in found.items() if info["type"] == "file"}


def _is_utf8(name: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in name)


def _is_hidden(relative: str) -> bool:
    return any(part.startswith((".", "_")) for part in relative.split("/"))


def _choose(source: SourceConfig, names: Mapping[str, Any], by_suffix: bool) -> list[str]:
    """Keep the files of the source's format; complain where there is none, or one that does not give this kind."""
    if not names:
        hint = token_advice(source.path)
        raise DataError(f"source {source.name}: there is no file or folder {source.path}, or nothing in it{hint}")
    if source.format != "auto":
        chosen = [name for name in names if not by_suffix or _is_named_as(name, source.format)]
    else:
        known = [name for name in names if _format_by_name(name)]
        chosen = [name for name in known if _format_by_name(name) not in _DESCRIPTIONS] or known
    if not chosen:
        wanted = source.format if source.format != "auto" else "any known format"
        suffixes = ", ".join(suffix for suffix, name in _SUFFIXES.items() if source.format in ("auto", name))
        suffixes = suffixes or ".parquet, .cdxj, .jsonl, cdx-00000.gz"
        raise DataError(
            f"source {source.name}: no file of {source.path} has a suffix of {wanted} ({suffixes}); "
            "set format, and name the files with a glob, if they are called otherwise"
        )
    for name in sorted(chosen):
        if file_format(source, name) not in _FORMATS[source.kind]:
            raise DataError(
                f"source {source.name}: {name} is a {file_format(source, name)} file, which does not give "
                f"{source.kind}; change kind, or set format to one of {', '.join(_FORMATS[source.kind])}"
            )
    return chosen


def _input_file(fs: Any, base: str, relative: str, info: Mapping[str, Any]) -> InputFile:
    path = f"{base}/{relative}"
    tag = next((str(info[key]) for key in ("ETag", "etag", "blob_id", "md5Hash") if info.get(key)), None)
    if isinstance(fs, LocalFileSystem):
        return InputFile(path, relative, int(info["size"]), file_digest(path))
    if tag is None:  # a store without content tags: the content itself has to say
        tag = _stream_digest(fs, path)
    return InputFile(fs.unstrip_protocol(path), relative, int(info["size"]), tag.strip('"'))


def _stream_digest(fs: Any, path: str) -> str:
    hasher = xxhash.xxh3_128()
    with RemoteFile(fs, path) as file:
        while piece := file.read(4 << 20):
            hasher.update(piece)
    return hasher.hexdigest()


def file_format(source: SourceConfig, relative: str) -> str | None:
    """The format of a file: what the recipe says, else what its name says."""
    return source.format if source.format != "auto" else _format_by_name(relative)


def _is_named_as(name: str, format_: str) -> bool:
    return bool(_INDEX_NAME.search(name)) if format_ == "cc_index" else _format_by_name(name) == format_


def _format_by_name(name: str) -> str | None:
    return next((format_ for suffix, format_ in _SUFFIXES.items() if name.lower().endswith(suffix)), None)


@contextmanager
def opened(path: str, size: int | None = None) -> Iterator[BinaryIO]:
    """Open a file of any file system for reading; DataError where it is gone, OperationError where reading fails.

    size: bytes that a remote file had when it was listed, where it was.
    """
    try:
        with operating(f"cannot read {path}"):
            fs, root = filesystem(path)
            file = fs.open(root, "rb") if isinstance(fs, LocalFileSystem) else RemoteFile(fs, root)
            with file:
                if isinstance(file, RemoteFile) and size not in (None, file.size):
                    raise OperationError(
                        f"{path} has {file.size:,} bytes and had {size:,} when the run was planned; run again"
                    )
                yield cast(BinaryIO, file)
    except FileNotFoundError:
        raise DataError(f"{path} was there when the run was planned and is gone now") from None
    except OperationError as error:
        if (hint := token_advice(path)) and is_refused(error):
            raise DataError(f"{error}{hint}") from error
        raise
