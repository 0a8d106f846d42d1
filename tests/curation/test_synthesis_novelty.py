"""The novelty filter: literal pairs, and its candidates against all pairs."""

import random

import pyarrow as pa
import pytest

from mathmill.curation.synthesis.novelty import NoveltyFilter, Verdict

TRAIN = "A train covers 180 km in 2 hours. How far does it go in 40 minutes at this speed?"


@pytest.mark.parametrize(
    ("first", "second", "is_new"),
    [
        (TRAIN, TRAIN, False),
        (TRAIN, TRAIN.replace("180", "210").replace("train", "car"), False),
        (TRAIN, "a  TRAIN covers $180$ km in 2 hours; how far does it go in 40 minutes at this speed", False),
        (TRAIN, "How far does it go in 40 minutes at this speed? A train covers 180 km in 2 hours.", False),  # the set
        (TRAIN, "Find the area of a triangle with the sides 3, 4 and 5.", True),
        ("求函数 $f(x)=x^2-4x+1$ 的最小值。", "求函数 $f(x)=x^2-6x+1$ 的最小值。", False),
        ("求函数 $f(x)=x^2-4x+1$ 的最小值。", "一个圆的半径是 5，求它的周长。", True),
        ("Solve $x^2 = 4$.", "Differentiate $\\sin x$.", True),
    ],
)
def test_two_texts(first: str, second: str, is_new: bool) -> None:
    novelty = NoveltyFilter()
    verdicts = novelty.add([first, second])
    assert [verdict.is_new for verdict in verdicts] == [True, is_new]
    assert len(novelty) == 1 + is_new
    assert NoveltyFilter(exhaustive=True).add([first, second]) == verdicts


def test_verdicts_name_the_text_and_how_like_it_is() -> None:
    novelty = NoveltyFilter()
    novelty.add(["What is the derivative of a constant?", TRAIN])
    assert novelty.add(["", "one two three four five", "one two three four six"]) == [
        Verdict(-2, 0.0, 0.0),
        Verdict(-1, 0.0, 0.0),
        Verdict(3, pytest.approx(0.8), pytest.approx(4 / 6)),
    ]
    assert novelty.add(["three one four six two"])[0].like == 3


def test_the_thresholds_count() -> None:
    pair = ["one two three four five", "one two three four six"]
    assert [v.is_new for v in NoveltyFilter(max_common=0.9, max_jaccard=0.9).add(pair)] == [True, True]
    assert [v.is_new for v in NoveltyFilter(max_common=0.9, max_jaccard=0.66).add(pair)] == [True, False]
    assert [v.is_new for v in NoveltyFilter(max_common=0.8, max_jaccard=0.9).add(pair)] == [True, False]


def test_what_is_dropped_makes_nothing_else_old() -> None:
    words = "abcdefghijklmnopqrstuvwxyz"
    chain = [" ".join(letter * 3 for letter in words[start : start + 10]) for start in range(0, 8, 2)]
    assert [verdict.like for verdict in NoveltyFilter().add(chain)] == [-1, 0, -1, 2]


def test_pieces_of_a_stream_give_the_same_as_the_whole() -> None:
    texts = some_texts(3000)
    whole, pieces = NoveltyFilter(), NoveltyFilter()
    verdicts = whole.add(pa.array(texts))
    sizes = [1, 10, 500, 2489]
    assert [
        v for at, size in zip((0, 1, 11, 511), sizes, strict=True) for v in pieces.add(texts[at : at + size])
    ] == verdicts
    assert 200 < len(whole) < 2900


def test_candidates_find_what_all_pairs_find() -> None:
    texts = some_texts(3000)
    found, every = (NoveltyFilter(exhaustive=way).judge(texts)[0] != -1 for way in (False, True))
    assert (found & every).sum() >= 0.98 * every.sum()
    assert not (found & ~every).sum() > 0.01 * every.sum()


def some_texts(n: int) -> list[str]:
    """Sentences of random words, half of them with up to 5 of 12 words exchanged."""
    draw = random.Random(3)
    words = [f"{a}{b}{c}" for a in "bdgklmnprst" for b in "aeiou" for c in "bdgklmnprst"]
    texts: list[str] = []
    for _ in range(n):
        parts = draw.choice(texts).split() if texts and draw.random() < 0.5 else draw.choices(words, k=12)
        for _ in range(draw.randrange(6)):
            parts[draw.randrange(12)] = draw.choice(words)
        texts.append(" ".join(parts))
    return texts
