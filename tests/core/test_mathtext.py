"""Formulas in plain text: literal texts, literal formulas, and money left alone."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from mathmill.core.mathtext import find_formulas

DATA = Path(__file__).parents[2].parent / "shared" / "data"


def formulas(text: str) -> list[str]:
    return [text[span.start : span.end] for span in find_formulas(text)]


FOUND = {
    r"If $x^2$ and $$y=1$$ then \(a\) or \[b\].": ["$x^2$", "$$y=1$$", r"\(a\)", r"\[b\]"],
    r"\begin{align}a&=b\\[2pt] c&=d\end{align}": [r"\begin{align}a&=b\\[2pt] c&=d\end{align}"],
    r"\begin{equation*}\begin{aligned}x\end{aligned}\end{equation*}!": [
        r"\begin{equation*}\begin{aligned}x\end{aligned}\end{equation*}"
    ],
    r"\begin{cases}\begin{cases}1\end{cases}\end{cases}": [r"\begin{cases}\begin{cases}1\end{cases}\end{cases}"],
    r"\begin{proof}Let $n$ be odd.\end{proof}": ["$n$"],
    "$ABC$ is right and $AB = 3$ cm": ["$ABC$", "$AB = 3$"],
    "$x$$y$ side by side": ["$x$", "$y$"],
    r"$x \text{ if $y>0$}$ nested": [r"$x \text{ if $y>0$}$"],
    r"\$5 is not $n$, nor is \\(x\\)": ["$n$"],
    "设$x$为实数，则$y=3$。每支笔$5元，共$100元。": ["$x$", "$y=3$"],
    "共有$7$天，$20\\%$的学生": ["$7$", "$20\\%$"],
    "$ x $, $ 5 $ and $n $": ["$ x $", "$ 5 $", "$n $"],
    "the product $2xy$ and the sum $1+2$": ["$2xy$", "$1+2$"],
    "a $2\\text{ cm}$ by $3\\text{ cm}$ box": ["$2\\text{ cm}$", "$3\\text{ cm}$"],
    "costs \\$5 and $x$ is": ["$x$"],
    "it costs $5 and $x$ is unknown": ["$x$"],
    "$$\n\\sum_i x_i\n$$": ["$$\n\\sum_i x_i\n$$"],
    "``quoted'' $x$ and ``more'' $y$": ["$x$", "$y$"],
}

NONE = [
    "$5 and then $10",
    "costs $5–$10",
    "US$ 3 million, HK$4",
    "$1,000 a month and $20",
    "She paid $5, he paid $6, they paid 11$ in total.",
    "It was $5. Then x=3 and 10$ more.",
    "Weng earned $12/60 = $<<12/60=0.2>>0.2 per minute, 5*2=$<<5*2=10>>10",
    r"unmatched \( and $ here",
    r"\[citation needed\] and \(see below here\)",
    "`$x$` and ``$y$``",
    "```\n$x$\n```",
    "~~~ python\nprint('$x$')\n~~~",
    "$$ signs are money",
    "no formula\\",
    "a blank line $x\n\ny$ ends it",
    "$" + "x" * 2_000 + "$",
    "",
]


@pytest.mark.parametrize("text", FOUND)
def test_formulas_are_found_with_their_delimiters(text: str) -> None:
    assert formulas(text) == FOUND[text]


@pytest.mark.parametrize("text", NONE, ids=lambda text: text[:30])
def test_money_code_and_unmatched_delimiters_are_no_formulas(text: str) -> None:
    assert formulas(text) == []


def test_code_ends_where_its_fence_ends() -> None:
    assert formulas("```\n$a$\n```\n$b$\n```\n$c$") == ["$b$"]


def test_display_formulas_are_marked() -> None:
    spans = find_formulas(r"$a$ \(b\) $$c$$ \[d\] \begin{align}e\end{align} \begin{math}f\end{math}")
    assert [span.display for span in spans] == [False, False, True, True, True, False]


HOSTILE = [
    "$",
    "${",
    r"\(",
    r"\[",
    "`",
    "` ",
    r"\begin{align}",
    "$ 5 ",
    "$a{",
    "```\n",
    "\\",
    "\n",
    "$$ a ",
    "``x''",
    "$ab ",
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_text_is_scanned_in_linear_time(piece: str) -> None:
    text = piece * (100_000 // len(piece)) + r"\end{align}" * 2_000 + "}$" * 5_000
    assert len(find_formulas(text)) <= len(text)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(["$", "$$", "x", " 5", "{", "}", r"\(", r"\)", r"\[", r"\]", "`", "\n\n", "\\", "和"])))
def test_spans_are_disjoint_and_in_order(pieces: list[str]) -> None:
    text = "".join(pieces)
    position = 0
    for span in find_formulas(text):
        assert position <= span.start < span.end <= len(text)
        assert re.match(r"\$|\\\(|\\\[", text[span.start :])
        position = span.end


def records(name: str) -> Iterator[dict[str, str]]:
    path = DATA / name
    if not path.exists():
        pytest.skip("the shared data is not here")
    with zstandard.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def test_word_problems_about_money_hold_almost_no_formula() -> None:
    found = sum(
        len(find_formulas(row["question"] + "\n" + row["solution"]))
        for row in records("problems/gsm8k_train.jsonl.zst")
    )
    print(f"false formulas in 5,950 GSM8K problems with 14,000 dollar signs: {found}")
    assert found <= 10


def test_dollars_of_latex_problems_are_nearly_all_formulas() -> None:
    left = found = 0
    for row in records("problems/math_train.jsonl.zst"):
        text = row["question"] + "\n\n" + row["solution"]
        spans = find_formulas(text)
        found += len(spans)
        for span in reversed(spans):
            text = text[: span.start] + text[span.end :]
        left += text.replace("\\$", "").count("$")
    print(f"MATH: {found:,} formulas, {left} dollar signs left over")
    assert found > 75_000
    assert left < 150
