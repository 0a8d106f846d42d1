"""Puts the families together: order, records, ground truth and the data card."""

import zlib
from collections import Counter
from dataclasses import dataclass, replace
from random import Random
from typing import cast

from . import articles, blog, duplicates, exams, exercises, forum, leaks, plain_en, plain_zh, special, warc
from .page import Page
from .sites import render
from .special import Raw
from .templates import TEMPLATES

UTF8 = "text/html; charset=utf-8"


@dataclass(frozen=True)
class Counts:
    """How many pages of each family are drawn."""

    exercises_per_site: int
    threads: int
    threads_zh: int
    papers: int
    papers_zh: int
    prints_per_sheet: int
    plain_per_kind: int
    plain_per_kind_zh: int


@dataclass(frozen=True)
class Record:
    """One member of the WARC file and its line of the truth."""

    data: bytes
    truth: dict[str, object]


def pages(seed: int, counts: Counts) -> tuple[list[Page], list[Raw]]:
    """All pages and odd responses, before they are put in order."""
    notes = list(articles.lecture_notes())
    deck = sorted(TEMPLATES)
    rng = Random(seed)
    seen: set[str] = set()
    topics = rng.sample(deck, counts.threads)
    topics_zh = rng.sample(deck, counts.threads_zh)
    made = [
        *notes,
        *articles.encodings(),
        *blog.pages(),
        *exercises.pages(Random(seed + 1), counts.exercises_per_site, seen),
        *forum.pages(Random(seed + 2), topics, topics_zh, seen),
        *exams.pages(Random(seed + 3), counts.papers, counts.papers_zh, seen),
        *duplicates.lookalikes(Random(seed + 4), counts.prints_per_sheet, seen),
        *leaks.pages(),
        *(page.dropped("classify", "not_math") for page in plain_en.pages(Random(seed + 5), counts.plain_per_kind)),
        *(page.dropped("classify", "not_math") for page in plain_zh.pages(Random(seed + 6), counts.plain_per_kind_zh)),
        *special.blocked(),
        *special.foreign(),
    ]
    english = [page for page in notes if page.lang == "en"]
    chinese = [page for page in notes if page.lang == "zh"]
    made += duplicates.near([*english[:3], *chinese[:3]])
    drawn = [page for page in made if page.family in ("exercises", "exams", "forum")]
    made += duplicates.exact([english[-1], chinese[-1], *rng.sample(drawn, 5)])
    sheets = list(duplicates.lookalikes(Random(seed + 7), 1, seen))[:3]
    to_damage = [
        replace(sheet, url=f"https://broken.example/sheet-{i}", family="broken")
        for i, sheet in enumerate(sheets, start=1)
    ]
    return made, [*special.charsets(), *special.broken(to_damage)]


def ordered(made: list[Page], raws: list[Raw], seed: int) -> list[Page | Raw]:
    """Shuffle, but keep a copy after its original and put the corrupt member into the middle."""
    rng = Random(seed + 9)
    items: list[Page | Raw] = [*made, *raws]
    place = {item.url: rng.random() for item in items}
    for page in made:
        if page.dup_of:
            place[page.url] = place[page.dup_of] + (1 - place[page.dup_of]) * rng.random()
    for raw in raws:
        if raw.corrupt:
            place[raw.url] = 0.5
    if len(place) < len(items):
        raise ValueError("two records have the same URL")
    return sorted(items, key=lambda item: place[item.url])


def records(seed: int, counts: Counts) -> list[Record]:
    """The file's records in order, with the warcinfo first and some request and metadata records between."""
    made, raws = pages(seed, counts)
    written: list[Record] = []
    offset = 0

    def add(data: bytes, truth: dict[str, object]) -> None:
        nonlocal offset
        written.append(Record(data, {"record": len(written), "offset": offset, **truth}))
        offset += len(data)

    info = warc.warcinfo(0, "example crawl of mathmill, written for its tests and demo")
    add(warc.gzip_member(info), _beside("warcinfo", None))
    for item in ordered(made, raws, seed):
        number = len(written)
        if number % 80 == 7:
            add(warc.gzip_member(warc.request(number, item.url)), _beside("request", item.url))
        if number % 80 == 23:
            add(warc.gzip_member(warc.metadata(len(written), item.url)), _beside("metadata", item.url))
        if isinstance(item, Raw):
            add(_raw_member(len(written), item), _raw_truth(item))
        else:
            http = warc.http_response(render(item).encode(), UTF8)
            add(warc.gzip_member(warc.response(len(written), item.url, http)), _truth(item))
    return written


def _raw_member(number: int, raw: Raw) -> bytes:
    http = warc.http_response(raw.payload, raw.content_type, raw.status, raw.headers)
    member = warc.gzip_member(warc.response(number, raw.url, http[: len(http) - raw.cut]))
    return member[: len(member) * 3 // 5] if raw.corrupt else member


def _truth(page: Page) -> dict[str, object]:
    told = page.stage in (None, "decontaminate")
    return {
        "url": page.url,
        "site": page.site,
        "family": page.family,
        "lang": page.lang,
        "encoding": page.encoding,
        "outcome": "dropped" if page.stage else "kept",
        "stage": page.stage,
        "reason": page.reason,
        "dup_of": page.dup_of,
        "contaminated_by": page.contaminated_by,
        "formulas": [{"latex": formula.latex, "display": formula.display} for formula in page.formulas] if told else [],
        "problems": [problem.truth for problem in page.problems] if told else [],
        "body": page.body if told else "",
    }


def _raw_truth(raw: Raw) -> dict[str, object]:
    page = raw.page or Page(raw.url, raw.family, raw.lang, ())
    read = raw.outcome == "kept"
    return {
        **_truth(page if read else replace(page, blocks=(), problems=())),
        "url": raw.url,
        "family": raw.family,
        "outcome": raw.outcome,
        "stage": raw.stage,
        "reason": raw.reason,
    }


def _beside(kind: str, url: str | None) -> dict[str, object]:
    """The truth of a record that is no response."""
    truth = _truth(Page(url or "https://none.example/", kind, "en", ()))
    absent = {"url": None, "site": None} if url is None else {}
    return {**truth, **absent, "lang": None, "outcome": "skipped", "stage": "read", "reason": "not_response"}


def data_card(records: list[Record], items: list[dict[str, object]]) -> str:
    """README.md of the data."""
    rows = [record.truth for record in records]
    families = Counter((str(row["family"]), str(row["outcome"])) for row in rows)
    reasons = Counter(f"{row['stage']} / {row['reason']}" for row in rows if row["stage"])
    languages = Counter(str(row["lang"]) for row in rows if row["lang"])
    outcomes = ("kept", "dropped", "quarantined", "skipped")
    table = "\n".join(
        f"| {family} | " + " | ".join(str(families.get((family, outcome), 0)) for outcome in outcomes) + " |"
        for family in sorted({family for family, _ in families})
    )
    size = sum(len(record.data) for record in records)
    problems, formulas = (sum(len(cast(list[object], row[key])) for row in rows) for key in ("problems", "formulas"))
    return f"""# The example crawl

A small web crawl with known ground truth, for the demo and the tests. Every page was written by us or drawn from
our own templates by `examples/build_crawl.py`; nothing comes from the web, all hosts end in `.example`. Licence:
CC0-1.0. The texts are correct mathematics, but they are made to be processed, not to be studied from.

- `crawl.warc.gz`: {len(rows):,} records, {size:,} bytes, WARC/1.0, one gzip member for each record; one member is cut
  on purpose (zlib {zlib.ZLIB_RUNTIME_VERSION} wrote it; another zlib may write other bytes of the same content).
- `truth.jsonl`: one object for each record in file order, see below. {formulas:,} formulas, {problems:,} problems.
- `benchmark.jsonl`: {len(items)} problems (`id`, `lang`, `question`, `solution`, `answer`) that some pages leak.

Languages: {", ".join(f"{lang} {count}" for lang, count in sorted(languages.items()))}.

| family | {" | ".join(outcomes)} |
|---|{"---:|" * len(outcomes)}
{table}

| dropped or set aside: stage / reason | records |
|---|---:|
{chr(10).join(f"| {reason} | {count} |" for reason, count in sorted(reasons.items()))}

## truth.jsonl

- `record`: number in the file from 0, counting every member; `offset`: the member's byte offset in the file.
- `url`, `site`, `family`, `lang`; `encoding`: how the page writes formulas (null: none).
- `outcome`: kept, dropped, quarantined or skipped (no response); `stage`, `reason`: where and why it leaves.
- `dup_of`: the page that it copies, which always stands earlier in the file; `contaminated_by`: the benchmark's id.
- `formulas`: `latex` and `display` in reading order, as the author wrote them. Encodings without LaTeX (AsciiMath,
  Presentation MathML, `<sup>`, Unicode) carry the same formula in another spelling.
- `problems`: `question`, `solution` (a line for each step), `answer`, `n_steps`, `school_stage`, `lang`. In forum posts
  the question stands among other sentences. Exam questions that only the key answers have no solution and 0 steps.
- Pages that leave before decontamination have no `formulas`, `problems` and `body` here (of copies see `dup_of`).
- `body`: the main text, paragraphs apart by a blank line, formulas between `$` or `$$`; other dollar signs are money.
"""
