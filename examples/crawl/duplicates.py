"""Copies of pages: exact ones under another address, and near ones, a sentence shorter, on another site.

Also look-alikes: problem sheets printed several times from the same templates with other numbers, which must stay
apart.
"""

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from .exercises import box
from .page import Block, Page
from .sites import Site, render
from .templates import make

MIRROR = Site(
    "mirror.lectures.example",
    "Lecture Mirror",
    "en",
    "portal",
    ("Mathematics", "Physics", "Chemistry"),
    "details",
    "mathjax2_script",
    "Copies of open course material",
)
MIRROR_ZH = Site(
    "zhuanzai.example", "转载文库", "zh", "blog", ("数学", "物理", "语文"), "plain", "tex_paren", "内容来自网络"
)
SHEETS = Site(
    "sheetmaker.example",
    "SheetMaker",
    "en",
    "course",
    ("New sheet", "My sheets", "Help"),
    "plain",
    "tex_dollar",
    "Random worksheets",
)
SHEETS_ZH = Site(
    "chuti.example", "自动出题", "zh", "course", ("出题", "记录", "帮助"), "plain", "tex_dollar", "随机生成练习"
)


def exact(pages: list[Page]) -> Iterator[Page]:
    """The same bytes under another address."""
    for i, page in enumerate(pages):
        address = page.url + ("?print=1", "?utm_source=newsletter", "?share=wechat")[i % 3]
        yield replace(page, url=address, html=render(page), dup_of=page.url).dropped("dedup", "duplicate_exact")


def near(pages: list[Page]) -> Iterator[Page]:
    """The first sentence left out, another site's boilerplate, another encoding of the formulas."""
    for i, page in enumerate(pages):
        site = MIRROR if page.lang == "en" else MIRROR_ZH
        title, opening, *others = page.blocks
        _, _, rest = str(opening.lines[0][0]).partition(". " if page.lang == "en" else "。")
        if not rest:
            raise ValueError(f"{page.url} does not begin with a whole sentence")
        shorter = replace(opening, lines=((rest, *opening.lines[0][1:]),))
        slug = f"copies/{i + 1}-{page.url.rsplit('/', 1)[1]}"
        copy = replace(
            page,
            url=site.url(slug),
            blocks=(title, shorter, *others),
            encoding=site.encoding,
            dup_of=page.url,
            home=site,
            related=(),
        )
        yield copy.dropped("dedup", "duplicate_near")


_SHEETS = (
    ("en", "Equations drill", ("linear_equation", "factoring", "inequality", "powers", "discriminant")),
    ("en", "Calculus drill", ("definite_integral", "tangent", "by_parts", "determinant")),
    ("zh", "方程专项训练", ("linear_equation", "factoring", "inequality", "discriminant")),
    ("zh", "数列与函数专项训练", ("arithmetic_series", "geometric_series", "tangent", "log_equation")),
)


def lookalikes(rng: Random, prints: int, seen: set[str]) -> Iterator[Page]:
    """Some prints of each sheet; the words are the same, the numbers are not."""
    for number, (lang, title, names) in enumerate(_SHEETS):
        site = SHEETS if lang == "en" else SHEETS_ZH
        for letter in "ABCDEFGH"[:prints]:
            problems = tuple(make(name, rng, lang, seen) for name in names)
            heading = Block("h1", ((f"{title} {letter}",),))
            boxes = (box(problem, i, answer_box=False) for i, problem in enumerate(problems, start=1))
            yield Page(
                site.url(f"sheet/{number + 1}{letter.lower()}"),
                "lookalikes",
                lang,
                (heading, *boxes),
                encoding=site.encoding,
                problems=problems,
                home=site,
            )
