"""Which rows of a crawl's index are wanted, and where in an index sorted by SURT they can stand.

An index says of each page where its record lies: Common Crawl's has three billion rows for a crawl, of which a recipe
wants the pages of some sites or languages. SURT keys (`com,example)/a` for `http://www.example.com/a`) keep a domain
together, so that most of an index needs no reading.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import Field

from mathmill.core.config import Config, DataPath

_Host = Annotated[str, Field(pattern=r"^[a-z0-9_-]+(\.[a-z0-9_-]+)*$")]
"""As indexes have it: lower case, international names as `xn--…`."""


class IndexConfig(Config):
    """`index:` of a source with `format: cc_index`.

    Pages of any of `hosts` (these alone), `domains` (with all hosts under them) and `url_prefixes` (with or without the
    scheme) are taken; of all hosts where none is given. Of crawls, languages (ISO 639-3, as the index has them: one of
    the page's is enough), types and statuses, those named are; none named: all. A page of which the index says no type
    or status is taken, one of which it says no language is not.
    """

    warc_root: DataPath = "https://data.commoncrawl.org/"  # or s3://commoncrawl, or a folder; what file names start at
    crawls: tuple[Annotated[str, Field(pattern=r"^[\w-]+$")], ...] = ()  # such as CC-MAIN-2024-10
    hosts: tuple[_Host, ...] = ()
    domains: tuple[_Host, ...] = ()
    url_prefixes: tuple[str, ...] = ()
    languages: tuple[Annotated[str, Field(pattern=r"^[a-z]{3}$")], ...] = ()
    mime: tuple[str, ...] = ("text/html", "application/xhtml+xml")
    status: tuple[int, ...] = (200,)
    requests: Annotated[int, Field(ge=1, le=64)] = 8  # at the same time, of one task
    merge_gap: Annotated[int, Field(ge=0)] = 64 << 10  # bytes between two records that are read rather than skipped
    merge_bytes: Annotated[int, Field(ge=1)] = 8 << 20  # of a request for several records, at most


HOW_ONLY = {"warc_root", "requests", "merge_gap", "merge_bytes"}
"""Settings that say how records are fetched, not which: they are no part of a task's identity."""

_HOST = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?//(?:[^/?#@]*@)?([^/?#:]*)")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_WWW = re.compile(r"^www\d*\.")


def describe_selection(config: IndexConfig) -> str:
    """What is asked for, as a recipe says it: `hosts: a.example; status: 200`."""
    asked = ((name, values) for name, values in config.model_dump(exclude=HOW_ONLY).items() if values)
    return "; ".join(f"{name}: {', '.join(map(str, values))}" for name, values in asked)


class Selection:
    """Decides over rows of an index."""

    def __init__(self, config: IndexConfig) -> None:
        self._hosts, self._domains = frozenset(config.hosts), frozenset(config.domains)
        self._prefixes = tuple(_SCHEME.sub("", prefix) for prefix in config.url_prefixes)
        self._crawls = tuple(f"crawl-data/{crawl}/" for crawl in config.crawls)
        self._languages = frozenset(config.languages)
        self._mime, self._status = frozenset(config.mime), frozenset(map(str, config.status))
        self.has_places = bool(config.hosts or config.domains or config.url_prefixes)

    def takes(self, row: Mapping[str, Any]) -> bool:
        """Whether a row is wanted. row: `url`, `mime`, `status`, `languages` and `filename`, as text where known."""
        if self._status and row.get("status") and str(row["status"]) not in self._status:
            return False
        if self._mime and row.get("mime") and _media_type(row["mime"]) not in self._mime:
            return False
        if self._languages and self._languages.isdisjoint(str(row.get("languages") or "").split(",")):
            return False
        if self._crawls and not str(row.get("filename") or "").startswith(self._crawls):
            return False
        return not self.has_places or self._is_place(str(row.get("url") or ""))

    def _is_place(self, url: str) -> bool:
        match = _HOST.match(url)
        host = match[1].lower() if match else ""
        if host in self._hosts or _SCHEME.sub("", url, count=1).startswith(self._prefixes or ("\n",)):
            return True
        return bool(self._domains) and any(domain in self._domains for domain in _with_parents(host))


def surt_ranges(config: IndexConfig) -> list[tuple[str, str]] | None:
    """Ranges [low, high) of SURT keys outside of which no wanted row stands; None: they may stand anywhere."""
    hosts = {*config.hosts, *config.domains}
    for prefix in config.url_prefixes:
        host, slash, _ = _SCHEME.sub("", prefix).lower().partition("/")
        if not slash or not re.fullmatch(r"[a-z0-9_.-]+(?::\d+)?", host):
            return None  # a prefix that ends inside of a host name
        hosts.add(host.partition(":")[0])
    if not hosts:
        return None
    keys = {_surt_host(name) for host in hosts for name in (host, _WWW.sub("", host, count=1))}
    # behind the host stands ")", a port ":" or, for the hosts of a domain, ","
    ranges = [(key + low, key + high) for key in sorted(keys) for low, high in ((")", "-"), (":", ";"))]
    return sorted(ranges)


def in_ranges(first: str, last: str, ranges: Iterable[tuple[str, str]]) -> bool:
    """Whether keys from `first` to `last` can fall into one of the ranges."""
    return any(first < high and last >= low for low, high in ranges)


def _surt_host(host: str) -> str:
    return host if re.fullmatch(r"[\d.]+", host) else ",".join(reversed(host.split(".")))


def _with_parents(host: str) -> Iterable[str]:
    while host:
        yield host
        host = host.partition(".")[2]


def _media_type(value: Any) -> str:
    return str(value).partition(";")[0].strip().lower()
