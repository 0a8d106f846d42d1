"""Exam papers: numbered questions, multiple choice, and an answer key at the end that is matched by number."""

import re
from collections.abc import Iterator
from dataclasses import replace
from random import Random

from .page import Block, Page, Problem, parse_inlines
from .sites import Site
from .templates import TEMPLATES, make

SITES = (
    Site(
        "pastpapers.example",
        "Past Papers Archive",
        "en",
        "old",
        ("Papers", "Mark schemes", "Contact"),
        encoding="tex_paren",
        tagline="Papers are reproduced for private study.",
    ),
    Site(
        "shijuan.example",
        "试卷中心",
        "zh",
        "portal",
        ("中考", "高考", "期中", "期末"),
        encoding="mathjax2_script",
        tagline="试卷版权归原作者所有",
    ),
)
_SESSIONS = ("Spring", "Summer", "Autumn", "Winter", "Mock", "Resit")
_TERMS_ZH = ("第一学期期中", "第一学期期末", "第二学期期中", "第二学期期末", "毕业班第一次模拟", "毕业班第二次模拟")
_LEVELS = {
    "elementary": ("Primary Certificate", "五年级"),
    "middle": ("Junior Certificate", "八年级"),
    "high": ("Higher Level", "高二年级"),
    "university": ("First-Year Examination", "大学一年级"),
}
_INSTRUCTIONS = (
    "Answer all questions. Calculators may not be used in section A.",
    "Candidates have ninety minutes. Write your answers in the booklet provided.",
    "The number of marks is printed beside each section. Show all necessary working in section B.",
    "Do not turn over until the invigilator tells you to do so. Rough work must be handed in too.",
    "Attempt every question; no marks are taken away for wrong choices in the first section.",
    "Use black ink. Diagrams may be drawn in pencil and need not be to scale.",
)
_INSTRUCTIONS_ZH = (
    "本试卷共三大题，满分100分，考试时间90分钟。",
    "答题前请将姓名、班级和考号填写在密封线内。",
    "选择题每小题只有一个选项是正确的，请将答案填在答题卡上。",
    "解答题应写出文字说明、证明过程或演算步骤。",
    "考试结束后，请将试卷和答题卡一并交回。",
    "本次考试不允许使用计算器，请保持卷面整洁。",
)
_LETTERS = "ABCD"
_NUMBER = re.compile(r"\$(-?\d+)\$[^$]*")


def pages(rng: Random, count: int, count_zh: int, seen: set[str]) -> Iterator[Page]:
    """`count` English papers and `count_zh` Chinese ones, turning through the school stages."""
    for site, total in ((SITES[0], count), (SITES[1], count_zh)):
        decks: dict[str, list[str]] = {}
        for i in range(total):
            yield _paper(rng, site, list(_LEVELS)[i % 4], i, decks, seen)


def _choices(rng: Random, problem: Problem) -> Problem:
    """Turn a problem with one integer as its answer into multiple choice; the answer becomes a letter."""
    value = int(_NUMBER.fullmatch(problem.answer)[1])  # type: ignore[index]
    wrong = {value + delta for delta in (1, -1, 2, -2, 10, 5, -5, value)} - {value}
    if value > 0:
        wrong = {number for number in wrong if number > 0}
    options = sorted([value, *rng.sample(sorted(wrong), 3)])
    letters = tuple(
        f"{letter}. {problem.answer.replace(str(value), str(option))}"
        for letter, option in zip(_LETTERS, options, strict=True)
    )
    return replace(problem, choices=letters, answer=_LETTERS[options.index(value)], steps=())


def _paper(rng: Random, site: Site, stage: str, number: int, decks: dict[str, list[str]], seen: set[str]) -> Page:
    english = site.lang == "en"
    choice: list[Problem] = []
    short: list[Problem] = []
    full: list[Problem] = []
    deck = decks.setdefault(stage, [])
    used: set[str] = set()
    while len(choice) < 2 or len(short) < 2 or len(full) < 2:
        if not deck:
            names = [name for name, (s, _) in TEMPLATES.items() if s == stage]
            deck += rng.sample(names, len(names))
        problem = make(deck.pop(), rng, site.lang, seen)
        if _NUMBER.fullmatch(problem.answer) and len(choice) < 2:
            choice.append(_choices(rng, problem))
        elif len(short) < 2 and problem.topic not in used:
            short.append(replace(problem, steps=()))
        elif len(full) < 2 and problem.topic not in used:
            full.append(problem)
        used.add(problem.topic)
    level = _LEVELS[stage][not english]
    if english:
        title = f"Mathematics, {level}: {_SESSIONS[number % 6]} Session {2019 + number % 7}"
        heads = ("Section A: Multiple choice", "Section B: Short answers", "Section C: Full solutions", "Answer key")
    else:
        title = f"{level}数学{_TERMS_ZH[number % 6]}考试卷（{2019 + number % 7}年）"
        heads = ("一、选择题", "二、填空题", "三、解答题", "参考答案")
    guide = rng.sample(_INSTRUCTIONS if english else _INSTRUCTIONS_ZH, 2)
    blocks = [Block("h1", ((title,),)), *(Block("p", ((text,),)) for text in guide)]
    problems: list[Problem] = []
    for head, group in zip(heads, (choice, short, full), strict=False):
        blocks.append(Block("h2", ((head,),)))
        for problem in group:
            problems.append(problem)
            blocks.append(_paragraph(f"{len(problems)}. {problem.question}"))
            if problem.choices:
                blocks.append(_paragraph("  ".join(problem.choices) if english else "　".join(problem.choices)))
    blocks.append(Block("h2", ((heads[3],),)))
    for i, problem in enumerate(problems, start=1):
        if problem.steps:
            blocks.append(_paragraph(f"{i}. {problem.steps[0] if english else '解：' + problem.steps[0]}"))
            blocks += [_paragraph(step) for step in problem.steps[1:]]
        else:
            blocks.append(_paragraph(f"{i}. {problem.answer}"))
    return Page(
        site.url(f"{stage}/{2019 + number % 7}-{number + 1}.html"),
        "exams",
        site.lang,
        tuple(blocks),
        encoding=site.encoding,
        problems=tuple(problems),
        home=site,
    )


def _paragraph(source: str) -> Block:
    return Block("p", (parse_inlines(source),))
