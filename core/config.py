"""Configuration models and digests.

A configuration is a small frozen pydantic model beside the thing that it configures. Its digest goes into the identity
of every task that uses it, so equal settings must give equal digests on every machine: canonical JSON, hashed.
"""

import json
import re
from pathlib import Path
from typing import Annotated, Any

import xxhash
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo

Probability = Annotated[float, Field(ge=0.0, le=1.0)]


_SECRETS = re.compile(
    r"://[^/@?#]*:[^/@?#]+@|[?&][^=&#]*(?:sig|signature|token|secret|passw|credential|api_?key|access_?key)[^=&#]*=",
    re.IGNORECASE,
)


def refuse_secrets(url: str) -> str:
    """Return a path or URL; ValueError, which does not show it, where it carries a password, key or signature.

    What a run reads and writes is named in its files and messages, so there must be nothing to hide in a name.
    """
    if "://" in url and _SECRETS.search(url):
        raise ValueError(
            "this URL carries a password, key or signature, which would end up in logs and reports; give credentials "
            "by the environment, such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or FSSPEC_<PROTOCOL>_<OPTION>"
        )
    return url


def _resolve(path: str, info: ValidationInfo) -> str:
    return (info.context or {}).get("resolve", str)(refuse_secrets(path))


DataPath = Annotated[str, AfterValidator(_resolve)]
"""A path or URL in a recipe: relative ones are resolved against the recipe's folder when the recipe is loaded."""


class Config(BaseModel):
    """Base of every configuration: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class StageConfig(Config):
    """Base of a stage's configuration, the mapping under the stage's name in a recipe."""

    def file_paths(self) -> list[str]:
        """Paths or URLs of the files that this stage reads (models, benchmarks, lists).

        They are checked before a run starts, and their content is part of the identity of every task with this stage.
        """
        return []


def digest(value: Any) -> str:
    """Hash a JSON-like value or a pydantic model: 32 hex digits (XXH3-128 of its JSON).

    The order of keys counts: of mix groups, the first that fits has a record. Models give theirs in order of fields.
    """
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    canonical = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return xxhash.xxh3_128_hexdigest(canonical.encode())


def file_digest(path: str | Path) -> str:
    """Hash a local file's content: 32 hex digits (XXH3-128), read in pieces of 4 MiB."""
    hasher = xxhash.xxh3_128()
    with open(path, "rb") as file:
        while piece := file.read(4 << 20):
            hasher.update(piece)
    return hasher.hexdigest()
