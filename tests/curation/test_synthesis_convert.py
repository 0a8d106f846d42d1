"""Conversion of exam items and translation: nothing is kept whose answer, numbers or formulas changed."""

from typing import Any

import pytest
from method_runs import Ran, by_needle, problem, run_method
from scripted_server import Status, Text

from mathmill.curation.synthesis.convert import Convert
from mathmill.curation.synthesis.exam_items import formulas, has_blank, is_item, numbers, read_item

CHOICE = (
    "3. (5 points) A shirt costs 40 dollars, reduced by 25%. What is the new price [{}]?\nA. 10  B. 30\nC. 35  D. 65"
)
CHOICE_SOLUTION = "25% of 40 is 10, so it costs 30. Choose B."
OPEN = "A shirt costs 40 dollars. Its price is reduced by 25%. How many dollars does it cost now?"
OPEN_SOLUTION = "The reduction is $40 \\times 0.25 = 10$ dollars. It costs $40 - 10 = 30$: \\boxed{30}"


def opened(question: str = OPEN, solution: str = OPEN_SOLUTION, word: str = "accept") -> str:
    return f"<check> {word} </check>\n<question>{question}</question>\n<solution>{solution}</solution>"


ITEMS: dict[str, tuple[Any, list[str]]] = {
    "letter": (opened(solution="It is 30. The answer is B."), ["wrong_answer"]),
    "wrong": (opened(solution="It costs 10: \\boxed{10}"), ["wrong_answer"]),
    "no answer": (opened(solution="Reduce the price by a quarter of it."), ["no_final_answer"]),
    "still options": (opened(OPEN + "\nA. 10\nB. 30"), ["still_an_exam_item"]),
    "still a blank": (opened(OPEN.replace("How many dollars does it cost now?", "It costs ____ dollars.")),
                      ["still_an_exam_item"]),
    "still chooses": (opened(OPEN + " Which of the following is it?"), ["still_an_exam_item"]),
    "other number": (opened(OPEN.replace("40", "50")), ["numbers_changed"]),
    "number lost": (opened(OPEN.replace(" by 25%", "")), ["numbers_changed"]),
    "answer in it": (opened(OPEN + " It is 30."), ["numbers_changed"]),
    "declined": ("<check> refuse: it asks which statement is true </check>", ["declined"]),
    "refusal": ("I cannot rewrite this.", ["refusal"]),
    "refusal inside": (opened("I can't say."), ["refusal"]),
    "cut off": (Text(opened(), "length"), ["truncated"]),
    "no tags": (OPEN, ["malformed"]),
    "no solution": (f"<check>accept</check><question>{OPEN}</question>", ["malformed"]),
    "doubled": (opened() + opened(), ["malformed"]),
    "tag left": (opened(OPEN + " </answer>"), ["malformed"]),
}  # fmt: skip


@pytest.fixture(scope="module")
def items() -> Ran:
    rows = [problem(name, CHOICE.format(name), CHOICE_SOLUTION, "B") for name in ITEMS]
    replies = {name: reply for name, (reply, _) in ITEMS.items()}
    extra: list[tuple[str, str, str | None, Any]] = [
        ("good", CHOICE.format("good"), "(B)", opened()),
        ("value", CHOICE.format("value"), "30", opened()),
        ("E", CHOICE.format("E"), "E", ""),
        ("two", CHOICE.format("two"), "A, B", ""),
        ("not there", CHOICE.format("not there"), "31", ""),
        ("unknown", CHOICE.format("unknown"), None, ""),
        ("plain", "What is 40 - 10? [plain]", "30", ""),
        ("blank", "A shirt of 40 dollars reduced by 25% costs ____ dollars. [blank]", "30", opened()),
        ("zh", "7．（5分）若 $x+3=5$，则 $x=$（　　）[zh]\nA．1  B．2\nC．3  D．8", "B",
         opened("已知 $x+3=5$，求 $x$ 的值。", "移项得 $x=5-3=2$。\\boxed{2}")),
    ]  # fmt: skip
    for name, question, answer, reply in extra:
        solution = None if answer is None else f"The answer is {answer}."
        rows.append(problem(name, question, solution, answer, lang="zh" if name == "zh" else "en"))
        replies[name] = reply
    return run_method(Convert, rows, by_needle(replies), to=["open"])


def test_an_item_becomes_an_open_question_with_the_value_of_its_option(items: Ran) -> None:
    for name in ("good", "value", "blank"):
        (row,) = items.of(name)
        assert (row["question"], row["solution"], row["answer"]) == (OPEN, OPEN_SOLUTION, "30")
    assert items.of("good")[0]["lineage"]["prompt"] == "convert/open/en/1"


def test_a_chinese_item(items: Ran) -> None:
    (row,) = items.of("zh")
    assert (row["question"], row["answer"], row["lang"]) == ("已知 $x+3=5$，求 $x$ 的值。", "2", "zh")
    assert row["lineage"]["prompt"] == "convert/open/zh/1"


@pytest.mark.parametrize("name", ITEMS)
def test_what_is_refused_has_its_reason(items: Ran, name: str) -> None:
    assert items.reasons(name) == ITEMS[name][1]
    assert not items.of(name)


def test_what_cannot_be_converted_costs_nothing(items: Ran) -> None:
    reasons = {
        "E": ["no_option"],
        "two": ["several_options"],
        "not there": ["no_option"],
        "unknown": ["no_answer"],
        "plain": ["no_exam_item"],
    }
    assert {name: items.reasons(name) for name in reasons} == reasons
    assert not any(f"[{name}]" in call.prompt for name in reasons for call in items.server.calls)


def test_open_questions_can_be_solved_again() -> None:
    rows = [problem(name, CHOICE.format(name), CHOICE_SOLUTION, "B") for name in ("agree", "doubt")]

    def script(call: Any) -> Any:
        if call.times == 1 and call.number % 2:
            return Status(429)
        if "[agree]" in call.prompt or "[doubt]" in call.prompt:
            return opened(OPEN.replace("now", "now, " + ("we" if "[agree]" in call.prompt else "you") + " ask"))
        return ["\\boxed{30}", "The answer is 30.", "\\boxed{10}"] if "we ask" in call.prompt else "\\boxed{10}"

    ran = run_method(Convert, rows, script, to=["open"], check={})
    assert [row["parent_id"] for row in ran.made] == ["agree"]
    assert ran.reasons("doubt") == ["disagreement"]


ENGLISH = "A rope is 12.5 m long. Pieces of $\\frac{{1}}{{2}}$ m are cut from it. How many are there? [{}]"
ENGLISH_SOLUTION = "$12.5 \\div \\frac{1}{2} = 25$, so there are \\boxed{25} pieces."
CHINESE = "一根绳子长 12.5 米，每段剪 $\\frac{1}{2}$ 米。一共可以剪成几段？"
CHINESE_SOLUTION = "$12.5\\div\\frac{1}{2}=25$，所以一共 \\boxed{25} 段。"


def translated(question: str = CHINESE, solution: str = CHINESE_SOLUTION, answer: str = "25") -> str:
    return f"<question>{question}</question>\n<solution>{solution}</solution>\n<answer>{answer}</answer>"


TRANSLATIONS: dict[str, tuple[Any, list[str]]] = {
    "number": (translated(CHINESE.replace("12.5", "125")), ["numbers_changed"]),
    "number lost": (translated(CHINESE.replace("长 12.5 米", "很长")), ["numbers_changed"]),
    "formula": (translated(CHINESE.replace("{1}{2}", "{1}{4}")), ["formulas_changed"]),
    "formula in the solution": (translated(solution=CHINESE_SOLUTION.replace("=25", "=52")), ["formulas_changed"]),
    "not translated": (translated(ENGLISH.format("not translated")), ["wrong_language"]),
    "half translated": (translated(solution=ENGLISH_SOLUTION), ["wrong_language"]),
    "answer": (translated(answer="24"), ["wrong_answer"]),
    "unboxed": (
        translated(solution="$12.5\\div\\frac{1}{2}=25$，这里有 25 段绳子，不多也不少，大家都看到了吧"),
        ["wrong_answer"],
    ),
    "no answer": (translated().partition("<answer>")[0], ["malformed"]),
    "out of order": (f"<answer>25</answer>{translated().partition('<answer>')[0]}", ["malformed"]),
    "refusal": ("对不起，我无法翻译。", ["refusal"]),
    "refusal inside": (translated("抱歉，我不能翻译。"), ["refusal"]),
    "cut off": (Text(translated(), "length"), ["truncated"]),
    "tag left": (translated(CHINESE + " <step>"), ["malformed"]),
}


@pytest.fixture(scope="module")
def translations() -> Ran:
    rows = [problem(name, ENGLISH.format(name), ENGLISH_SOLUTION, "25") for name in [*TRANSLATIONS, "good"]]
    replies = {name: reply for name, (reply, _) in TRANSLATIONS.items()} | {"good": translated()}
    rows.append(problem("bare", ENGLISH.format("bare"), None, None))
    replies["bare"] = f"<question>{CHINESE}</question>"
    rows.append(problem("unit", "How long are 3 pieces of 2 m? [unit]", None, "6 m"))
    replies["unit"] = "<question>3 段 2 米的绳子一共多长？</question><answer>6 米</answer>"
    rows.append(problem("zh", CHINESE + "[zh]", CHINESE_SOLUTION, "25", lang="zh"))
    replies["zh"] = translated(ENGLISH.format(""), ENGLISH_SOLUTION)
    rows.append(problem("choice", "Which is larger? [choice]\nA. $2^3$\nB. $3^2$", "$8<9$. Choose B.", "B"))
    replies["choice"] = translated("哪一个比较大？\nA. $2^3$\nB. $3^2$", "因为 $8<9$，故选 B。", "B")
    return run_method(Convert, rows, by_needle(replies), to=["translation"])


def test_a_translation_keeps_numbers_formulas_and_answer(translations: Ran) -> None:
    (row,) = translations.of("good")
    assert (row["question"], row["solution"], row["answer"], row["lang"]) == (CHINESE, CHINESE_SOLUTION, "25", "zh")
    assert row["lineage"]["prompt"] == "convert/translate/zh/1"
    (back,) = translations.of("zh")
    assert (back["question"], back["answer"], back["lang"]) == (ENGLISH.format(""), "25", "en")


@pytest.mark.parametrize("name", TRANSLATIONS)
def test_what_is_lost_in_translation_has_its_reason(translations: Ran, name: str) -> None:
    assert translations.reasons(name) == TRANSLATIONS[name][1]
    assert not translations.of(name)


def test_questions_alone_units_and_choices_are_translated(translations: Ran) -> None:
    (bare,) = translations.of("bare")
    assert (bare["question"], bare["solution"], bare["answer"]) == (CHINESE, None, None)
    assert translations.of("unit")[0]["answer"] == "6 米"
    assert translations.of("choice")[0]["answer"] == "B"


def test_a_problem_in_the_language_asked_for_is_left_alone() -> None:
    rows = [problem("en", ENGLISH.format("en"), ENGLISH_SOLUTION, "25")]
    ran = run_method(Convert, rows, by_needle({}), to=["en"])
    assert (ran.made, ran.rejected, ran.server.requests) == ([], {}, 0)


@pytest.mark.parametrize(
    ("question", "stem", "options"),
    [
        ("What?\nA. 1\nB. 2", "What?", ["1", "2"]),
        ("若 $x=1$（ ）\nA．$\\frac{1}{2}$　B．1　C．2　D．3", "若 $x=1$（ ）", ["$\\frac{1}{2}$", "1", "2", "3"]),
        ("Pick one: (A) red (B) blue (C) green", "Pick one:", ["red", "blue", "green"]),
        ("Points A. B and C are on a line.", "Points A. B and C are on a line.", []),
        ("Take A: what is it?", "Take A: what is it?", []),
        ("What?\nA. 1\nC. 2", "What?\nA. 1\nC. 2", []),
        ("Solve. A、-2 B、0 C、3 D、-1/2", "Solve.", ["-2", "0", "3", "-1/2"]),
    ],
)
def test_options_are_read_in_order(question: str, stem: str, options: list[str]) -> None:
    item = read_item(question)
    assert (item.stem, list(item.options.values())) == (stem, options)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("$x=$ ____", True),
        ("则 $A \\cap B=(\\quad$ ）", True),
        ("等于（　　）", True),
        ("$\\underline{\\qquad}$ 米", True),
        ("$a=\\_\\_\\_$", True),
        ("$f(x) = x_1$ (see below)", False),
        ("求 $x$。", False),
    ],
)
def test_blanks_are_seen(question: str, expected: bool) -> None:
    assert has_blank(question) is expected
    assert is_item(question) is expected


def test_numbers_and_formulas_are_compared_as_they_count() -> None:
    assert numbers("12. （5分）有 1,200 人，每 3.50 元，１０ 天") == numbers("1200 people, 3.5 each, 10 days")
    assert numbers("2 and 2") != numbers("2")
    assert formulas("so \\(x^2 \\text{ cm}\\) and $y$") == formulas("$x^2 \\text{厘米}$，$ y $")
    assert formulas("$x^2$") != formulas("$x^3$")
