"""Sources of a recipe and the files that they name.

Files are known by their path relative to the source (`InputFile.relative`), which is what record ids are made from: a
crawl read from a local folder and the same crawl read from S3 give the same ids. Names starting with "." or "_" are
hidden, as Hadoop and Spark have it, so that `_SUCCESS` and `_temporary/` are no input.
"""

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

OTHER_FIELDS = {"messages": "conversations"}
"""Where that one is found in records that lack it, unless `fields` maps it: ShareGPT calls messages conversations."""

_FORMATS = {
    "pages": ("warc", "jsonl", "parquet"),
    "documents": ("wet", "jsonl", "parquet"),
    "problems": ("jsonl", "parquet"),
    "conversations": ("jsonl", "parquet"),
}

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
    ".parquet": "parquet",
}


class SourceConfig(Config):
    """One entry of `sources:` in a recipe.

    path: a file, a folder or a glob, local or any URL that fsspec knows. In a folder, files are taken by their suffix;
    with a `format`, a file or a glob is taken whatever the names are. fields: our column to the field of the records
    (JSONL, Parquet), which may be a path into a structure, such as `message.content`. skip: stages of the recipe that
    this source does not pass.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9_-]+$")]
    path: DataPath
    kind: Kind
    format: Literal["auto", "warc", "wet", "jsonl", "parquet"] = "auto"
    license: str | None = None
    lang: str | None = None  # ISO 639-1, for records that do not say
    fields: dict[str, str] = {}
    skip: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _fits(self) -> "SourceConfig":
        allowed = _FORMATS[self.kind]
        if self.format != "auto" and self.format not in allowed:
            raise ValueError(f"format {self.format} does not give {self.kind}; {', '.join(allowed)} do")
        if unknown := sorted(self.fields.keys() - set(COLUMNS[self.kind])):
            columns = ", ".join(COLUMNS[self.kind])
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

    [start, end) counts bytes (plain JSONL: the lines that start there), row groups (Parquet), or is the whole file.
    size: bytes, as stored; file_size: of the whole file, as listed.
    """

    path: str
    relative: str
    start: int
    end: int
    size: int
    file_size: int


def input_schema(source: SourceConfig) -> pa.Schema:
    """Schema of the records that a source gives."""
    return SCHEMAS[source.kind]


def list_files(source: SourceConfig) -> list[InputFile]:
    """List a source's files, sorted by their relative path; DataError where there are none or they do not fit."""
    with _listing(source):
        fs, root = filesystem(source.path)
        root = root.rstrip("/") or root
        fs.invalidate_cache()
        base, infos = retry(lambda: _find(fs, root))
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
        raise kind(f"source {source.name}: cannot read {source.path}: {why}") from error


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
    found = fs.glob(root, detail=True)
    return "/".join(fixed), {path: info for path, info in found.items() if info["type"] == "file"}


def _is_utf8(name: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in name)


def _is_hidden(relative: str) -> bool:
    return any(part.startswith((".", "_")) for part in relative.split("/"))


def _choose(source: SourceConfig, names: Mapping[str, Any], by_suffix: bool) -> list[str]:
    """Keep the files of the source's format; complain where there is none, or one that does not give this kind."""
    if not names:
        raise DataError(f"source {source.name}: there is no file or folder {source.path}, or nothing in it")
    if source.format != "auto":
        chosen = [name for name in names if not by_suffix or _format_by_name(name) == source.format]
    else:
        chosen = [name for name in names if _format_by_name(name)]
    if not chosen:
        wanted = source.format if source.format != "auto" else "any known format"
        suffixes = ", ".join(suffix for suffix, name in _SUFFIXES.items() if source.format in ("auto", name))
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
