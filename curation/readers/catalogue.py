"""The catalogue of known data sets: where each lies, under which licence, and how its records become ours.

`sources: [{catalogue: gsm8k}]` takes everything from the entry; what a recipe says beside it goes first. An entry is
`checked` where its columns were seen in the data set's card, its files or a public program that reads them; the others
are by memory, and a run says so.
"""

from difflib import get_close_matches
from functools import cache
from importlib import resources
from typing import Any, Literal

import yaml

from mathmill.core.config import Config
from mathmill.curation.readers.rules import Rule


class CatalogueEntry(Config):
    """One data set. What `SourceConfig` has too means the same as there.

    card: where its licence and columns are described. path: None where it comes as an archive, to be fetched from
    `download` and unpacked. lang: None for several. license: as the card says it, "see card" where it names none or
    several. size: records, and tokens where they are known. benchmark: what models are measured on, not trained.
    gated: read with a token only.
    """

    title: str
    card: str
    path: str | None = None
    download: str | None = None
    kind: Literal["problems", "documents", "conversations"] = "problems"
    format: str = "auto"
    license: str
    lang: str | None = None
    size: str | None = None
    fields: dict[str, Rule] = {}
    where: dict[str, str | tuple[str, ...]] = {}
    records: str | None = None
    columns: tuple[str, ...] = ()
    benchmark: bool = False
    gated: bool = False
    checked: bool = False
    note: str | None = None


_SEE_CARD = "see card"

_SAID_TOGETHER = ("where", "records", "columns")
"""What says how records look, as `fields` does: who says `fields` has records that look otherwise."""

_OF_A_SOURCE = ("path", "kind", "format", "license", "lang", "fields", *_SAID_TOGETHER)


@cache
def catalogue() -> dict[str, CatalogueEntry]:
    """All entries by name."""
    text = resources.files("mathmill.curation.readers").joinpath("catalogue.yaml").read_bytes()
    return {name: CatalogueEntry.model_validate(entry) for name, entry in yaml.safe_load(text).items()}


def find_entry(name: str) -> tuple[str, CatalogueEntry]:
    """Return an entry and its name, however that is written (`NuminaMath_CoT`). ValueError names the nearest ones."""
    entries = catalogue()
    key = name.strip().lower().replace("_", "-").replace(".", "-")
    if key in entries:
        return key, entries[key]
    near = get_close_matches(key, entries, n=3, cutoff=0.4) or [known for known in entries if key and key in known][:3]
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    raise ValueError(f"there is no {name!r} in the catalogue; {hint}`mathmill catalogue` lists all {len(entries)}")


def with_entry(given: dict[str, Any]) -> dict[str, Any]:
    """Complete a source's keys with those of the entry that its `catalogue` names. ValueError says what is missing."""
    name, entry = find_entry(str(given["catalogue"]))
    if given.get("path") is None and entry.path is None:
        raise ValueError(
            f"{name} comes as an archive: fetch {entry.download}, unpack it and give `path:` with the files"
        )
    own = {key: value for key, value in entry.model_dump(include=set(_OF_A_SOURCE)).items() if value}
    if own["license"] == _SEE_CARD:
        own["license"] = f"see {entry.card}"
    if "fields" in given:
        own = {key: value for key, value in own.items() if key not in _SAID_TOGETHER}
    if "path" in given:
        own.pop("format", None)  # a copy may be another kind of file, which its name says
    return {"name": name} | own | given | {"catalogue": name}
