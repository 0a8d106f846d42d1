"""Drop pages and documents from addresses that are not wanted, before any work goes into them.

A rule is a domain, which blocks its subdomains too, or the beginning of an address. Lists in the usual format (one rule
a line, as the UT1 blacklists have them) can be used as they are. A host is looked up by its suffixes, so that a list of
millions of domains costs no more time than one of ten.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import ClassVar, NamedTuple
from urllib.parse import unquote

import numpy as np
import pyarrow as pa

from mathmill.core.config import DataPath, StageConfig
from mathmill.core.errors import ConfigError
from mathmill.core.stage import BatchStage, Output, StageContext, split_dropped
from mathmill.curation.readers.source import opened

_ADDRESS = re.compile(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*:)?//)?"
    r"(?:[^/?#]*@)?(?P<host>\[[^\]/]*\]|[^/?#:]*)(?::\d*)?(?P<path>/?[^#]*)",
    re.DOTALL,
)


class BlocklistConfig(StageConfig):
    """`blocklist:` in a recipe."""

    domains: tuple[str, ...] = ()  # rules: "casino.example", or an address such as "a.example/forum/"
    files: tuple[DataPath, ...] = ()  # files with a rule a line; "#" starts a comment

    def file_paths(self) -> list[str]:
        """The rule files."""
        return list(self.files)


class Address(NamedTuple):
    """What of a URL the rules look at. path: with its query, "/" at least."""

    host: str
    path: str
    has_scheme: bool


class Blocklist(BatchStage):
    """Drops rows whose `url` is under a blocked domain ("blocked_domain") or begins as a rule says ("blocked_url").

    A rule without scheme and path is a domain: casino.example blocks casino.example and www.casino.example, but not
    mycasino.example. Any other rule is the beginning of an address on exactly that host, whatever the scheme. Rows
    without URL pass.
    """

    name = "blocklist"
    version = 1
    Config: ClassVar[type[StageConfig]] = BlocklistConfig
    config: BlocklistConfig

    def output_schemas(self, input_schema: pa.Schema) -> dict[str, pa.Schema]:
        """Rows keep their schema; ConfigError where they have no `url`."""
        if "url" not in input_schema.names:
            raise ConfigError(f"blocklist needs the column url; there are {', '.join(input_schema.names)}")
        return super().output_schemas(input_schema)

    def open(self, context: StageContext) -> None:
        """Read the rules; ConfigError names the line of one that is none."""
        self._domains: set[str] = set()
        prefixes: defaultdict[str, list[str]] = defaultdict(list)
        for place, rule in _rules(self.config):
            address = parse_address(rule.removeprefix("*").removeprefix("."))
            if not address.host or any(character.isspace() for character in rule):
                raise ConfigError(f"{place}: {rule[:200]!r} is neither a domain nor the beginning of an address")
            if address.has_scheme or address.path != "/":
                prefixes[address.host].append(address.path)
            else:
                self._domains.add(address.host)
        self._prefixes = {host: tuple(sorted(paths)) for host, paths in prefixes.items()}

    def process_batch(self, batch: pa.RecordBatch) -> Iterable[Output]:
        """Look up the host of each row's URL, and the rest of it where a rule asks for more."""
        verdicts: dict[str, str | None] = {}  # of hosts
        reasons: list[str] = []
        details: list[str | None] = []
        for url in batch.column("url").to_pylist():
            reason, detail = "", None
            if url:
                address = parse_address(url)
                if address.host not in verdicts:
                    verdicts[address.host] = self._blocked_domain(address.host)
                if detail := verdicts[address.host]:
                    reason = "blocked_domain"
                elif detail := self._blocked_prefix(address):
                    reason = "blocked_url"
            reasons.append(reason)
            details.append(detail)
        keep = np.array([not reason for reason in reasons])
        return split_dropped(batch, keep, self.name, reasons, detail=details)

    def _blocked_domain(self, host: str) -> str | None:
        """The rule that blocks a host: itself, or the longest of its parent domains."""
        while host:
            if host in self._domains:
                return host
            host = host.partition(".")[2]
        return None

    def _blocked_prefix(self, address: Address) -> str | None:
        paths = self._prefixes.get(address.host, ())
        if not address.path.startswith(paths):
            return None
        return address.host + next(path for path in paths if address.path.startswith(path))


def parse_address(url: str) -> Address:
    """Take a URL, with or without scheme, apart: the host in lower case, as browsers read it, without port and user."""
    url = url.strip().replace("\\", "/")
    match = _ADDRESS.match(url)
    if match is None:
        raise AssertionError("the pattern matches every string")
    host = unquote(match["host"]).lower().rstrip(".")
    if not host.isascii():
        try:
            host = host.encode("idna").decode()
        except UnicodeError:
            host = host.casefold()  # no valid name, but still the same string every time
    path = match["path"]
    return Address(host, path if path.startswith("/") else f"/{path}", match["scheme"] is not None)


def _rules(config: BlocklistConfig) -> Iterable[tuple[str, str]]:
    """Every rule with the place where it stands."""
    for i, rule in enumerate(config.domains):
        yield f"blocklist.domains[{i}]", rule.strip()
    for path in config.files:
        with opened(path) as file:
            for number, line in enumerate(file, 1):
                rule = line.decode("utf-8", "replace").partition("#")[0].strip().removeprefix("\ufeff")
                if rule:
                    yield f"{path}:{number}", rule
