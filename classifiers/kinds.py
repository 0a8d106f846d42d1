"""Kinds of tokens that models count: signs of a formula's structure, and topics of the school curriculum.

A topic tells the stage of a problem from a source that no training text is like; how many fractions, sums and letters a
problem has, and how long it is, tells its difficulty where n-grams, which are scaled to a text's length, cannot.
"""

from collections.abc import Mapping, Sequence
from functools import cache

from mathmill.classifiers.features import Phrases
from mathmill.classifiers.school_lexicon import topic_phrases

SIGNS: Mapping[str, Sequence[str]] = {
    "fraction": [r"\frac", r"\dfrac", r"\tfrac", r"\cfrac"],
    "indexed root": [r"\sqrt ["],
    "root": [r"\sqrt", "√"],
    "power": ["^"],
    "index": ["_"],
    "sum": [r"\sum", r"\prod", "∑", "∏", r"\bigcup", r"\bigcap"],
    "analysis": [r"\int", r"\iint", r"\oint", r"\partial", r"\nabla", r"\lim", "∫", "∂", "dx", "dt", "dy"],
    "trigonometry": [*(f"{mark}{name}" for name in ("sin", "cos", "tan", "cot", "sec", "csc") for mark in ("\\", ""))],
    "logarithm": [*(f"{mark}{name}" for name in ("log", "ln", "lg") for mark in ("\\", "")), r"\exp"],
    "function": [*(f"{name}{bracket}" for name in "fghFG" for bracket in ("(", r"\left(", "'", "^{-1}", "^{"))],
    "set": [r"\in", r"\cap", r"\cup", r"\subset", r"\subseteq", r"\complement", r"\emptyset", "∈", "∪", "∩", "⊆"],
    "structure": [
        r"\mathbb", r"\mathcal", r"\mathfrak", r"\otimes", r"\oplus", r"\forall", r"\exists", r"\epsilon",
        r"\varepsilon", r"\rightarrow", r"\to", r"\hookrightarrow", r"\mapsto", r"\cong", r"\simeq",
    ],
    "vector": [r"\vec", r"\overrightarrow", r"\mathbf", r"\boldsymbol"],
    "matrix": [*(rf"\begin{{{name}" for name in ("pmatrix", "bmatrix", "vmatrix", "matrix")), r"\det"],
    "cases": [r"\begin{cases", r"\begin{array"],
    "environment": [r"\begin"],
    "binomial": [r"\binom", r"\choose", r"\dbinom"],
    "congruence": [r"\equiv", r"\pmod", r"\bmod", r"\mod", "mod"],
    "angle": [r"\angle", r"\triangle", r"\circ", "°", "∠", "△", r"\perp", r"\parallel", "⊥"],
    "greek": [
        *"αβγδεζηθλμπρστφχψω", r"\alpha", r"\beta", r"\gamma", r"\delta", r"\theta", r"\lambda", r"\mu", r"\pi",
        r"\rho", r"\sigma", r"\phi",
    ],
    "ellipsis": [r"\cdots", r"\ldots", r"\dots", "…", "..."],
    "equality": ["="],
    "inequality": [
        *"<>≤≥≠", r"\le", r"\ge", r"\leq", r"\geq", r"\leqslant", r"\geqslant", r"\lt", r"\gt", r"\ne", r"\neq",
    ],
    "plus": ["+"],
    "minus": ["-"],
    "times": [r"\cdot", r"\times", "×", "*"],
    "absolute value": ["|", r"\lvert", r"\left|"],
    "bracket": ["("],
    "brace": ["{"],
    "dollar": ["$", r"\(", r"\["],
    "percent": ["%", r"\%"],
    "unknown": [*"xyz"],
    "parameter": [*"abcdkmnpqrstuv"],
    "full stop": [".", "。"],
    "comma": [",", "，", "、"],
    "question mark": ["?", "？"],
    "drawing": ["[asy]"],
    "box": [r"\boxed"],
    "so": ["so", "thus", "hence", "therefore", "then", "因此", "所以", "故", "则", "∴"],
    "solution heading": [
        *(f"{word}{mark}" for word in ("solution", "answer", "solutions", "answers", "explanation") for mark in ":."),
        "solution", "answer", "solutions", "answers", "hint", "解:", "答案", "解析", "解答", "答:", "参考答案", "分析:",
    ],
    "problem heading": [
        "problem", "problems", "exercise", "exercises", "question", "questions", "try it", "quiz", "例", "例题", "习题",
        "练习", "题目", "选择题", "填空题",
    ],
    "task": ["find the", "determine", "prove that", "show that", "what is", "compute", "求", "求证", "已知", "计算"],
}  # fmt: skip
"""Signs by what they stand for; a sign counts for the first kind that names it."""


@cache
def phrases() -> Phrases:
    """All kinds: basic counts, signs, topics of each school stage."""
    return Phrases({**SIGNS, **topic_phrases()})
