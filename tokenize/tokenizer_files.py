"""What is in a tokenizer's files: the Hugging Face JSON, its special tokens and its chat template.

A path is a `tokenizer.json`, one compressed with zstd, a tiktoken vocabulary (`vocabulary.tiktoken_files`), or a folder
with one of them and with the settings files that lie beside it. Only JSON and plain text are read, nothing is executed;
sizes are bounded.
"""

import json
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import xxhash
import zstandard

from mathmill.core.errors import ConfigError
from mathmill.core.storage import Folder
from mathmill.tokenize.vocabulary import tiktoken_files

MAX_BYTES = 512 << 20  # of a decompressed file; the largest vocabularies in use (256k entries) take about 35 MB

MAX_IDS = 1 << 24

SETTINGS = ("tokenizer_config.json", "special_tokens_map.json", "tokenizer_meta.json", tiktoken_files.SETTINGS)
"""Files that may name the special tokens; the first that names one wins."""

COMMON_NAMES = {
    "eos": ("<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>", "<|im_end|>", "<｜end▁of▁sentence｜>", "[EOS]"),
    "bos": ("<|bos|>", "<|begin_of_text|>", "<s>", "<bos>", "<｜begin▁of▁sentence｜>", "[BOS]"),
    "pad": ("<|pad|>", "<pad>", "[PAD]", "<|finetune_right_pad_id|>", "<unk>", "<|unk|>", "[UNK]"),
}
"""What the special tokens are called where no settings file names them."""


@dataclass(frozen=True, eq=False)
class TokenizerFiles:
    """A tokenizer as its files describe it; equal where the content is.

    data: the `tokenizer.json`, made from a tiktoken vocabulary where `is_tiktoken`. named: special tokens that the
    settings name: "eos", "bos", "pad".
    """

    path: str
    data: bytes
    named: dict[str, str] = field(default_factory=dict)
    chat_template: str | None = None
    is_tiktoken: bool = False

    @cached_property
    def content(self) -> dict[str, Any]:
        """The `tokenizer.json`, parsed; ConfigError where it is none."""
        content = _object(self.data, self.path)
        _check(content, self.path)
        return content

    @cached_property
    def json_digest(self) -> str:
        """Identifies the `tokenizer.json`."""
        return xxhash.xxh3_128_hexdigest(self.data)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TokenizerFiles) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def _key(self) -> tuple[object, ...]:
        return self.path, self.json_digest, tuple(sorted(self.named.items())), self.chat_template

    @property
    def added_tokens(self) -> list[dict[str, Any]]:
        """The entries of `added_tokens`: at least `id` and `content` each."""
        return self.content.get("added_tokens") or []

    def vocabulary(self) -> dict[str, int]:
        """Token → id of the model and of the added tokens."""
        vocab = self.content["model"]["vocab"]
        tokens = dict(vocab) if isinstance(vocab, dict) else {entry[0]: i for i, entry in enumerate(vocab)}
        tokens.update((added["content"], added["id"]) for added in self.added_tokens)
        return tokens


def read_tokenizer_files(path: str) -> TokenizerFiles:
    """Read a tokenizer's files from a local path or URL; ConfigError says what is missing or wrong.

    The vocabulary, which is large, is parsed when it is first needed.
    """
    data, folder, name, single = _find(path)
    is_tiktoken = tiktoken_files.is_tiktoken_name(name)
    if is_tiktoken:
        data = _from_tiktoken(data, folder, name, single)
    settings = (
        [] if single else [_object(found, name) for name in SETTINGS if (found := _read(folder, name)) is not None]
    )
    template = None if single else _read(folder, "chat_template.jinja")
    return TokenizerFiles(
        path=path,
        data=data,
        named={role: token for role in COMMON_NAMES if (token := _named(settings, role)) is not None},
        chat_template=_text(template, path) if template is not None else _chat_template(settings),
        is_tiktoken=is_tiktoken,
    )


def portable_files(
    path: str, eos: str, bos: str | None, pad: str, chat_template: str | None = None
) -> dict[str, bytes]:
    """The files of a folder that loads as the same tokenizer without anything beside it.

    eos, bos, pad: the special tokens in use. chat_template: the one in use, where it is not the tokenizer's own.
    Returns the content of `tokenizer.json` (decompressed) and of `tokenizer_config.json`.
    """
    files = read_tokenizer_files(path)
    template = files.chat_template if chat_template is None else chat_template
    settings = {"eos_token": eos, "bos_token": bos, "pad_token": pad, "chat_template": template}
    text = json.dumps({key: value for key, value in settings.items() if value is not None}, ensure_ascii=False)
    return {"tokenizer.json": files.data, "tokenizer_config.json": text.encode()}


def _find(path: str) -> tuple[bytes, Folder, str, bool]:
    """Content of the vocabulary's file, the folder that it lies in, its name, and whether `path` names it itself."""
    single = path.endswith((".json", ".json.zst")) or tiktoken_files.is_tiktoken_name(path.rpartition("/")[2])
    parent, _, name = path.rpartition("/") if single else (path, "", "")
    folder = Folder(parent or ("/" if path.startswith("/") else "."))
    names = [name] if single else ["tokenizer.json", "tokenizer.json.zst"]
    found = next(((name, data) for name in names if (data := _read(folder, name)) is not None), None)
    if found is None and not single:
        vocabularies = [name for name in folder.names() if tiktoken_files.is_tiktoken_name(name)]
        if len(vocabularies) == 1 and (data := _read(folder, vocabularies[0])) is not None:
            found = vocabularies[0], data
    if found is None:
        raise ConfigError(
            f"there is no file {path}" if single else f"there is no tokenizer.json in {path}, nor one .tiktoken file"
        )
    return found[1], folder, found[0], single


def _from_tiktoken(data: bytes, folder: Folder, name: str, single: bool) -> bytes:
    settings = None if single else _read(folder, tiktoken_files.SETTINGS)
    return _converted(data, folder.path(name), settings)


@lru_cache(maxsize=2)
def _converted(data: bytes, path: str, settings: bytes | None) -> bytes:
    stated = None if settings is None else _object(settings, f"{tiktoken_files.SETTINGS} beside {path}")
    return tiktoken_files.tokenizer_json(data, path, stated)


def _read(folder: Folder, name: str) -> bytes | None:
    limit = tiktoken_files.MAX_BYTES if tiktoken_files.is_tiktoken_name(name) else MAX_BYTES
    try:
        with folder.open(name) as file:
            data = bytes(file.read(limit + 1))
    except FileNotFoundError:
        return None
    if name.endswith(".zst"):
        try:
            with zstandard.ZstdDecompressor().stream_reader(data) as reader:
                data = reader.read(limit + 1)
        except zstandard.ZstdError as error:
            raise ConfigError(f"{folder.path(name)} is not a zstd file: {error}") from error
    if len(data) > limit:
        raise ConfigError(f"{folder.path(name)} holds more than {limit >> 20} MiB; that is no tokenizer")
    return data


def _text(data: bytes, path: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text: {error.reason} at byte {error.start}") from error


def _object(data: bytes, path: str) -> dict[str, Any]:
    try:
        value = json.loads(_text(data, path))
    except (json.JSONDecodeError, RecursionError) as error:
        raise ConfigError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise ConfigError(f"{path} holds no JSON object")
    return value


def _check(content: dict[str, Any], path: str) -> None:
    model = content.get("model")
    if not isinstance(model, dict) or not isinstance(model.get("vocab"), dict | list):
        raise ConfigError(f"{path} is no Hugging Face tokenizer: it has no model with a vocabulary")
    if isinstance(model["vocab"], list) and not all(
        isinstance(entry, list) and len(entry) == 2 and isinstance(entry[0], str) for entry in model["vocab"]
    ):
        raise ConfigError(f"{path}: a vocabulary that is a list must hold pairs of a token and its score")
    added = content.get("added_tokens") or []
    if not isinstance(added, list) or not all(
        isinstance(token, dict) and isinstance(token.get("id"), int) and isinstance(token.get("content"), str)
        for token in added
    ):
        raise ConfigError(f"{path}: added_tokens must be a list of objects with `id` and `content`")
    ids = [*(model["vocab"].values() if isinstance(model["vocab"], dict) else ()), *(token["id"] for token in added)]
    if not all(isinstance(number, int) and 0 <= number < MAX_IDS for number in ids):
        raise ConfigError(f"{path}: the ids of tokens must be integers from 0 to {MAX_IDS - 1:,}")


def _named(settings: list[dict[str, Any]], role: str) -> str | None:
    for values in settings:
        for key in (f"{role}_token", role):
            value = values.get(key)
            if isinstance(value, dict):
                value = value.get("content")
            if isinstance(value, str):
                return value
    return None


def _chat_template(settings: list[dict[str, Any]]) -> str | None:
    for values in settings:
        template = values.get("chat_template")
        if isinstance(template, list):  # several by name: the default one is meant
            named = {item.get("name"): item.get("template") for item in template if isinstance(item, dict)}
            template = named.get("default")
        if isinstance(template, str):
            return template
    return None
