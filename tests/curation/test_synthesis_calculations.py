"""Calculations in solutions: what is read, what is right, and what is left alone."""

import pytest

from mathmill.curation.synthesis.calculations import equation_list, find_calculations, wrong_calculations

RIGHT = [
    ("She has 3 + 4 = 7 apples.", "3+4=7"),
    ("48/2 = <<48/2=24>>24 clips", "48/2=24"),
    ("$\\frac{3}{4} \\times 20 = 15$", "((3)/(4))*20=15"),
    ("$3\\frac{1}{2} \\times 2 = 7$", "(3+1/2)*2=7"),
    ("1 1/2 + 1/2 = 2", "(1+1/2)+1/2=2"),
    ("每箱 12 个，4×12＝48（个）。", "4*12=48"),
    ("3元×4=12元，够了。", "3*4=12"),
    ("It costs $5 + $3.50 = $8.50.", "5+3.50=8.50"),
    ("3 bags * 4 apples = 12 apples in all", "3*4=12"),
    ("60 miles/hour * 2 = 120 miles", "60*2=120"),
    ("20% of 50 = 10", "20%*50=10"),
    ("so 15/60*100 = 25%", "15/60*100=25%"),
    ("that is 100% - 20% = 80%", "100%-20%=80%"),
    ("2/3 = 0.67", "2/3=0.67"),
    ("2/3 = 0.66", "2/3=0.66"),
    ("$\\sqrt{16} + 1 = 5$", "√(16)+1=5"),
    ("2(3+4) = 14", "2(3+4)=14"),
    ("$5^{2} - 1 = 24$", "5^(2)-1=24"),
    ("4² + 3² = 25", "4^2+3^2=25"),
    ("1,200 + 34 = 1,234", "1200+34=1234"),
    ("22/7 ≈ 3.1", "22/7≈3.1"),
    ("1000/3 \\approx 333", "1000/3≈333"),
    ("x = 7 - 3 = 4", "7-3=4"),
    ("-3 + 5 = 2", "-3+5=2"),
    ("So we get 3 x 4 = 12.", "3*4=12"),
    ("$\\boxed{6 \\cdot 7 = 42}$", "6*7=42"),
]

WRONG = [
    ("She has 3 + 4 = 8 apples.", "3+4=8"),
    ("48/2 = <<48/2=25>>25", "48/2=25"),
    ("$\\frac{3}{4} \\times 20 = 16$", "((3)/(4))*20=16"),
    ("3×4＝13（个）", "3*4=13"),
    ("3 bags * 4 apples = 13 apples", "3*4=13"),
    ("100/3 = 33", "100/3=33"),
    ("5/2 = 2.4", "5/2=2.4"),
    ("1/8 = 0.12 and so on", None),  # 0.125 may be rounded down
    ("20% of 50 = 12", "20%*50=12"),
    ("22/7 ≈ 4", None),  # within one of the last digit
    ("22/7 ≈ 5", "22/7≈5"),
    ("50% * 20 = 1000", "50%*20=1000"),
]

NONE = [
    "2x + 3 = 7", "$4ac = 400 - 4ac = 0$", "f(2) = 5", "60 minutes = 1 hour", "2 hours + 30 minutes = 150 minutes",
    "half of 40 + 2 = 22", "sin 30 + 1 = 1.5", "17 = 3 mod 7", "1 + 2 + ... + 10 = 55", "17÷5=3……2", "3:4 = 6:8",
    "C(5, 2) = 10", "$5! + 1 = 121$", "a_2 + 3 = 9", "3 + 4 < 8", "3 + 4 = 2x", "5 + 3 = 2 thousand",
    "is 3 + 4 = 8?", "2 + 5 mod 3 = 1", "1/0 = 7", "9^9^9^9 = 4", "", "no equations", "= = =", "((((1+1=2",
]  # fmt: skip


@pytest.mark.parametrize(("text", "equation"), RIGHT)
def test_right_ones_are_read_and_right(text: str, equation: str) -> None:
    assert equation in equation_list(text)
    assert wrong_calculations(text) == []


@pytest.mark.parametrize(("text", "equation"), WRONG)
def test_wrong_ones_are_found(text: str, equation: str | None) -> None:
    assert set(wrong_calculations(text)) == ({equation} if equation else set())


@pytest.mark.parametrize("text", NONE)
def test_what_is_not_certain_is_not_called_wrong(text: str) -> None:
    assert wrong_calculations(text) == []


def test_chains_are_checked_side_by_side() -> None:
    found = find_calculations("(3 + 5) * 2 = 8 * 2 = 16 = 4 * 5")
    assert [(one.text, one.is_right) for one in found] == [("(3+5)*2=8*2", True), ("8*2=16", True), ("16=4*5", False)]


def test_a_rounded_step_does_not_make_the_exact_result_wrong() -> None:
    assert wrong_calculations("10/3*2 = 3.33*2 = 6.67") == []
    assert wrong_calculations("10/3*2 = 3.33*2 = 6.76") == ["3.33*2=6.76"]


def test_sentences_in_one_line_do_not_run_together() -> None:
    text = "He buys 3 + 4 = 7 apples. Then 7 * 2 = 14 pears, and 14 - 5 = 9 are left."
    assert equation_list(text) == ("3+4=7", "7*2=14", "14-5=9")


def test_hostile_texts_cost_little() -> None:
    for text in (
        "(" * 5000 + "1=1",
        "1+" * 5000 + "1=5001",
        "=" * 9000,
        "\\frac{" * 3000,
        "9" * 9000 + "+1=2",
        "2^" * 999 + "2=1",
    ):
        assert wrong_calculations(text) == []
