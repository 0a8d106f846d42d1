"""A synthetic crawl of any size for tests of speed and memory: small pages, written as a stream.

Two pages in three are math, a third of them Chinese; there are no copies and no broken pages, and numbers and names
differ from page to page. Memory does not grow with the number of pages.
"""

from collections.abc import Iterator
from pathlib import Path
from random import Random

from . import exercises, plain_en, plain_zh, warc
from .page import Block, Page
from .sites import render
from .templates import TEMPLATES, make


def write(path: Path, count: int, seed: int) -> None:
    """Write `count` pages into a WARC file."""
    write_part(path, range(count), seed)


def write_files(folder: Path, count: int, files: int, seed: int) -> None:
    """Write the same pages into `files` WARC files of a folder, as many to each as can be."""
    folder.mkdir(parents=True, exist_ok=True)
    for part in range(files):
        numbers = range(count * part // files, count * (part + 1) // files)
        write_part(folder / f"pages-{part:03d}.warc.gz", numbers, seed)


def write_part(path: Path, numbers: range, seed: int) -> None:
    """Write a warcinfo record and the pages with these numbers into a WARC file."""
    with path.open("wb") as file:
        file.write(warc.gzip_member(warc.warcinfo(0, f"{len(numbers)} synthetic pages, seed {seed}")))
        for number, page in zip(numbers, pages(numbers, seed), strict=True):
            html = render(page)
            http = warc.http_response(html.encode(), "text/html; charset=utf-8")
            file.write(warc.gzip_member(warc.response(number + 1, page.url, http)))


def pages(numbers: range, seed: int) -> Iterator[Page]:
    """The small pages with these numbers; the n-th one depends on the seed and n alone."""
    names = sorted(TEMPLATES)
    for number in numbers:
        rng = Random(seed * 1_000_003 + number)
        english = rng.random() < 2 / 3
        if rng.random() < 1 / 3:
            yield (plain_en if english else plain_zh).page(rng, number)
            continue
        site = exercises.SITES[rng.randrange(3) + 3 * (not english)]
        chosen = tuple(make(name, rng, site.lang) for name in rng.sample(names, 3))
        title = f"Worksheet {number}" if english else f"练习{number}"
        boxes = (exercises.box(problem, i, answer_box=True) for i, problem in enumerate(chosen, start=1))
        yield Page(
            site.url(f"sheet/{number}"),
            "scale",
            site.lang,
            (Block("h1", ((title,),)), *boxes),
            encoding=site.encoding,
            problems=chosen,
            home=site,
        )
