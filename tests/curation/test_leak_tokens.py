import numpy as np
import pytest

from mathmill.curation.leak_tokens import leak_tokens


def spelling(text: str) -> list[int]:
    return leak_tokens([text]).hashes.tolist()


@pytest.mark.parametrize(
    "spellings",
    [
        (r"$\ln x$", r"\ln x", "ln x", "lnx"),
        (r"a\sin x\cos x", "a sin x cos x", "asinx cosx", "asinxcosx"),
        (r"\triangle A B C", r"\triangle ABC", "△ABC"),
        (r"n S_{n}", "nS_n", "nSₙ", "nSn"),
        (r"\frac{x^{2}}{4}-\frac{y^2}{2}=1", "x²/4 - y²/2 = 1", "(x^2)/4-(y^2)/2=1", r"{x^2 \over 4}-{y^2 \over 2}=1"),
        (r"\dfrac{3\sqrt{2}}{4}", "3√2/4", "3*sqrt(2)/4"),
        (r"1-\sqrt{x+1}", "1-sqrt(x+1)", "1 − √(x+1)"),
        (r"2\cdot 3\times x", "2*3*x", "2·3×x"),
        (r"x-\frac{\pi}{6}", "x-pi/6", "x − π/6"),
        (r"a\neq 1", r"a\not= 1", "a ≠ 1", "a != 1"),
        (r"\vec{a}\perp\overline{BC}", "a⊥BC"),
        ("the $y$-intercept", "the y-intercept"),
        ("the $n$th term", "the nth term"),
        ("$10,\\!000", "10{,}000", "10,000", "10000", "１０，０００"),
        ("x^2\n- 3x + 2", "x^2 - 3x\n+ 2", "x^2 - 3x + 2"),
        (r"\binom{n}{k}", r"\dbinom nk"),
        ('A [asy]draw((0,0)); label("$x$");[/asy] B', 'A\n[asy]\ndraw( (0,0) );\nlabel("x"); [/asy]\nB'),
    ],
)
def test_spellings_of_one_thing_are_equal(spellings: tuple[str, ...]) -> None:
    assert [spelling(text) for text in spellings] == [spelling(spellings[0])] * len(spellings)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2(x+3)", "2x+3"),
        ("a-b", "a+b"),
        ("x^2", "x_2"),
        ("x < 2", "x > 2"),
        ("Find x. A train leaves.", "Find xA train leaves."),
        ("23,786", "23, 786"),
        ("[asy]draw((0,1));[/asy]", "[asy]draw((0,2));[/asy]"),
    ],
)
def test_different_things_stay_apart(one: str, other: str) -> None:
    assert spelling(one) != spelling(other)


def test_tokens_of_several_texts_keep_to_their_texts() -> None:
    texts = ["a b", "", "c - sin x", "(", "x) + 1"]
    together = leak_tokens(texts)
    apart = [together.hashes[a:b].tolist() for a, b in zip(together.offsets[:-1], together.offsets[1:], strict=True)]
    assert apart == [spelling(text) for text in texts]
    assert leak_tokens([]).offsets.tolist() == [0]
    assert leak_tokens(["", "\ud800 x"]).offsets.dtype == np.int64
