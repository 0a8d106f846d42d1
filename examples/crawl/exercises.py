"""Textbook exercises with solutions, on sites that mark them up differently, some of them hiding the solutions."""

from collections.abc import Iterator
from random import Random

from . import problems_calculus, problems_elementary, problems_high, problems_middle, problems_university
from .page import Block, Page, Problem, parse_inlines
from .sites import Site
from .templates import TEMPLATES, make
from .titles import STAGE_BOOKS, TITLES

MODULES = (
    problems_elementary,
    problems_middle,
    problems_high,
    problems_university,
    problems_calculus,
)  # they register the templates
STAGES = ("elementary", "middle", "high", "university")

_BOOK_SECTIONS = ("Numbers", "Equations", "Functions", "Geometry", "Chance", "Answers")
_BOOK_SECTIONS_ZH = ("数与式", "方程", "函数", "图形", "概率", "下载")
SITES = (
    Site(
        "openshelf.example",
        "OpenShelf Books",
        "en",
        "book",
        _BOOK_SECTIONS,
        "openstax",
        "mathml_annotation_xtex",
        "Free textbooks, openly licensed",
    ),
    Site(
        "activebook.example",
        "Active Book of Mathematics",
        "en",
        "book",
        _BOOK_SECTIONS,
        "pretext",
        "tex_paren",
        "An interactive text",
    ),
    Site(
        "drillsheet.example",
        "DrillSheet",
        "en",
        "course",
        ("Worksheets", "Videos", "Teachers", "Shop"),
        "details",
        "tex_dollar",
        "Practice makes progress.",
    ),
    Site(
        "tiku.example",
        "百练题库",
        "zh",
        "portal",
        ("小学", "初中", "高中", "大学", "试卷"),
        "bank_zh",
        "tex_dollar",
        "海量习题，名师解析",
    ),
    Site(
        "jiaocai.example",
        "数学教材在线",
        "zh",
        "book",
        _BOOK_SECTIONS_ZH,
        "textbook_zh",
        "tex_katex_auto",
        "配套习题与解答",
    ),
    Site(
        "xuexi.example",
        "同步学习网",
        "zh",
        "course",
        ("课程", "练习", "答疑", "家长"),
        "details",
        "tex_paren",
        "每天进步一点点",
    ),
)

_INTRO = (
    "Try each of the following exercises on paper before you open the solution.",
    "The exercises of this section repeat the ideas of the chapter in a new order.",
    "Write down every step; a bare number is worth only half of the points.",
    "A pocket calculator is allowed, but none of the problems needs one.",
    "Some of these tasks look alike at first sight, yet they ask for different methods.",
    "Draw a sketch wherever the wording lets you, and name the unknown quantities.",
    "If you get stuck, read the worked examples of the previous section once more.",
    "Estimate the result first and compare it with what you compute afterwards.",
    "The full solutions are given so that you can compare your own reasoning with ours.",
    "These problems were used in our evening classes for several years.",
    "Work in pairs: one of you explains the plan and the other one carries it out.",
    "Check every result by putting it back into the wording of the question.",
    "None of the tasks should take you longer than ten minutes.",
    "Mark the tasks that you could not solve and return to them after a week.",
)
_INTRO_ZH = (
    "请先独立完成下列各题，再对照后面的解答。",
    "本节练习按照由易到难的顺序编排，供课后巩固使用。",
    "解题时要写出必要的文字说明和演算步骤。",
    "做题之前，先回忆一下本节学过的主要概念和公式。",
    "建议同学们画出示意图，把已知条件标在图上。",
    "遇到困难时，可以重新阅读课本中的例题。",
    "每道题后面都附有详细的解析，方便家长辅导。",
    "完成以后请检查计算过程，养成验算的好习惯。",
    "下面的题目选自历年的课堂练习，具有一定的代表性。",
    "把做错的题目整理到错题本上，过一周再做一遍。",
    "有些题目看上去相似，方法却并不相同，请注意比较。",
    "本组题目限时四十分钟，满分一百分。",
)


def box(problem: Problem, number: int, answer_box: bool, kind: str = "exercise") -> Block:
    """A numbered exercise (or worked example) with its statement, its solution and perhaps its answer on its own."""
    english = problem.lang == "en"
    label = {"exercise": ("Exercise {}", "习题{}"), "example": ("Example {}", "例{}")}[kind][not english].format(number)
    children = [
        Block("box", name="statement", children=(Block("p", (parse_inlines(problem.question),)),)),
        Block(
            "box",
            name="solution",
            title=("Solution" if english else "解",),
            children=tuple(Block("p", (parse_inlines(step),)) for step in problem.steps),
        ),
    ]
    if answer_box:
        answer = Block("p", (parse_inlines(problem.answer),))
        children.append(Block("box", name="answer", title=("Answer:" if english else "答案：",), children=(answer,)))
    return Block("box", name="exercise", title=(label,), children=tuple(children))


def pages(rng: Random, per_site: int, seen: set[str]) -> Iterator[Page]:
    """`per_site` pages for each site of the family, their templates dealt so that all of them occur."""
    decks: dict[tuple[str, str], list[str]] = {}
    for site in SITES:
        for i in range(per_site):
            stage = STAGES[i % len(STAGES)]
            deck = decks.setdefault((site.lang, stage), [])
            chosen: list[str] = []
            while len(chosen) < 3:
                if not deck:
                    deck += rng.sample([name for name, (s, _) in TEMPLATES.items() if s == stage], k=_count(stage))
                name = deck.pop()
                if name not in chosen:
                    chosen.append(name)
            yield _page(rng, site, stage, i, chosen, seen)


def _count(stage: str) -> int:
    return sum(s == stage for s, _ in TEMPLATES.values())


def _page(rng: Random, site: Site, stage: str, number: int, names: list[str], seen: set[str]) -> Page:
    english = site.lang == "en"
    sections = [TITLES[name][0 if english else 2] for name in names]
    book = STAGE_BOOKS[stage][not english]
    if english:
        title = f"{book}, section {number + 2}.{rng.randint(1, 8)}: {sections[0]}; {sections[1]}"
    else:
        title = f"{book} 第{number + 2}节：{sections[0]}与{sections[1]}"
    intro = rng.sample(_INTRO if english else _INTRO_ZH, 3)
    answers = rng.random() < 0.5
    problems = tuple(make(name, rng, site.lang, seen) for name in names)
    blocks = [Block("h1", ((title,),)), Block("p", ((" ".join(intro) if english else "".join(intro),),))]
    blocks += [box(problem, i, answers) for i, problem in enumerate(problems, start=1)]
    slug = f"{stage}/{number + 2}-{names[0].replace('_', '-')}.html"
    return Page(
        site.url(slug),
        "exercises",
        site.lang,
        tuple(blocks),
        encoding=site.encoding,
        problems=problems,
        home=site,
        related=tuple(sections[2:]),
    )
