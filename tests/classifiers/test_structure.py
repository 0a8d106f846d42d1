import numpy as np

from mathmill.classifiers.features import token_hashes
from mathmill.classifiers.normalise import Normaliser
from mathmill.classifiers.structure import STRUCTURE, classes_of, count_structure, fnv, shapes_of


def read(text: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The bytes, hashes and classes of a text's tokens."""
    tokens, ends, _ = Normaliser().tokens([text])
    words = token_hashes(tokens, 0, int(ends[0]))
    return tokens[: ends[0]], words, classes_of(tokens, 0, int(ends[0]), len(words))


def shape(text: str) -> list[int]:
    _, words, classes = read(text)
    return [int(key) for key in shapes_of(words, classes, 0, len(words))]


def counted(text: str) -> dict[str, float]:
    """The structure's numbers that are not 0."""
    tokens, words, classes = read(text)
    out = np.zeros(len(STRUCTURE))
    count_structure(tokens, words, classes, 0, len(words), out)
    return {name: value for name, value in zip(STRUCTURE, out.tolist(), strict=True) if value}


def test_the_shape_of_a_formula_forgets_its_numbers_and_letters() -> None:
    assert shape("2x^2+13x") == shape("5y^{}2+104z".replace("{}", "")) == [int(fnv(sign)) for sign in "0v^0+0v"]
    assert shape(r"\frac{1}{2}") != shape(r"\sqrt{1}{2}")
    assert shape("a box") == [int(fnv("a")), int(fnv("box"))]


def test_a_drawing_has_no_shape_and_is_counted_apart() -> None:
    assert shape("x [asy] draw((0,0)--(1,1)); [/asy] y")[-1] == int(fnv("v"))
    drawn = counted("[asy] draw(3); [/asy]")
    assert drawn["drawing"] == 9
    assert "numbers" not in drawn


def test_numbers_words_and_formulas_are_counted() -> None:
    assert counted(r"Find the sum of $12x + 12y$ and $\frac{1}{2.5}$, the mean.") == {
        "numbers": 5, "distinct numbers": 4, "largest number": 12, "sum of numbers": 32, "numbers above 9": 2,
        "numbers below 3": 2, "decimals": 1, "words": 7, "letters of words": 22, "distinct words": 6, "commands": 1,
        "distinct commands": 1, "formulas": 2, "longest formula": 9, "tokens of formulas": 16, "depth": 1,
        "distinct letters": 2,
    }  # fmt: skip


def test_the_last_box_is_the_answer() -> None:
    whole = counted(r"First $\boxed{x}$, then $\boxed{42}$.")
    assert (whole["answer"], whole["whole answer"], whole["value of the answer"]) == (2, 1, 42)
    radical = counted(r"So \boxed{\frac{3\sqrt{n}}{2}}.")
    assert (radical["commands of the answer"], radical["letters of the answer"]) == (2, 1)
    assert "whole answer" not in radical
    assert "before the answer" not in counted("no box")
