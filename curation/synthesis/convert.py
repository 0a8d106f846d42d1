"""Conversion: exam items to open questions, and problems to the other language, with their answers preserved.

Open questions: of a multiple-choice item the value of the right option becomes the answer, of a blank what belongs
there; the new question must hold the item's numbers, and its solution must reach that answer. Translation: numbers and
formulas of question and solution must be the same ones, the language the other, and the answer the same value.
"""

import re
from collections.abc import Generator
from typing import Any, ClassVar, Literal

from pydantic import Field

from mathmill.core.answers import extract_answer, is_equivalent
from mathmill.curation.synthesis.agreement import AgreementConfig, check_agreement
from mathmill.curation.synthesis.exam_items import (
    differences,
    formulas,
    has_blank,
    is_item,
    numbers,
    read_item,
)
from mathmill.curation.synthesis.prompts import LANGUAGES, load_prompt
from mathmill.curation.synthesis.replies import chinese_share, has_form, is_refusal, known_answer, language, read_form
from mathmill.curation.synthesis.response_diversification import check_solution
from mathmill.curation.synthesis.script import Ask, Made, Rejected, Result, Script
from mathmill.curation.synthesis.stage import Method, MethodConfig
from mathmill.curation.synthesis.tags import Malformed, read_tags, read_word

_LETTER = re.compile(r"[(（\[]?\s*([A-H])\s*[)）\]]?\.?")
_LETTERS = re.compile(r"[(（\[]?\s*[A-H](?:\s*[,，、]?\s*[A-H])+\s*[)）\]]?\.?")
_LETTER_OF_WORDS = re.compile("[A-Za-z\u3400-\u9fff]")
_LEAST_CHINESE, _MOST_CHINESE = 0.3, 0.02  # of the letters outside formulas, in Chinese and in English


class ConvertConfig(MethodConfig):
    """`convert:` in a recipe.

    to: what is made of each problem, one row each: "open" of an exam item an open question, "translation" the other one
    of English and Chinese, "en" or "zh" that language unless the problem is in it. check: solve an open question again
    with several samples, which must agree with its answer.
    """

    to: tuple[Literal["open", "translation", "en", "zh"], ...] = Field(default=("open", "translation"), min_length=1)
    check: AgreementConfig | None = None


class Convert(Method):
    """Makes rows with a converted or translated problem."""

    name = "convert"
    version = 1
    Config: ClassVar[type[MethodConfig]] = ConvertConfig
    config: ConvertConfig

    def script(self, row: dict[str, Any]) -> Script:
        """One question to the teacher for each conversion."""
        results: list[Result] = []
        lang = language(row)
        targets: dict[str, None] = {}
        for form in self.config.to:
            targets[{"en": "zh", "zh": "en"}[lang] if form == "translation" else form] = None
        for target in targets:
            if target == "open":
                results.append((yield from self._open(row, lang)))
            elif row["lang"] not in (None, *LANGUAGES):
                results.append(Rejected("other_language", row["lang"]))
            elif target != lang:
                results.append((yield from self._translate(row, lang, target)))
        return results

    def later_asks(self) -> dict[str, int]:
        """See `Method`."""
        later = {"teacher": len(self.config.to) - 1}
        if self.config.check is not None and "open" in self.config.to:
            role = self.config.check.role
            later[role] = later.get(role, 0) + self.config.check.samples
        return later

    def _open(self, row: dict[str, Any], lang: str) -> Generator[Ask, Any, Result]:
        known = known_answer(row)
        if known is None:
            return Rejected("no_answer")
        stem, options = read_item(row["question"])
        if not options and not has_blank(row["question"]):
            return Rejected("no_exam_item")
        answer = _value(known, options)
        if isinstance(answer, Rejected):
            return answer
        prompt = load_prompt(self.name, "open", lang)
        reply = yield Ask("teacher", prompt.render(question=row["question"], solution=row["solution"], answer=answer))
        found = read_form(reply, _read_open)
        if isinstance(found, Rejected):
            return found
        question, solution = found["question"], found["solution"]
        fault = _check_open(question, stem) or check_solution(solution, answer)
        if fault is None and self.config.check is not None:
            fault = yield from check_agreement(self.config.check, question, answer, lang)
        return fault or Made(question, solution, answer, prompt=prompt.name, lang=row["lang"] or lang)

    def _translate(self, row: dict[str, Any], lang: str, target: str) -> Generator[Ask, Any, Result]:
        known = known_answer(row)
        prompt = load_prompt(self.name, "translate", target)
        reply = yield Ask("teacher", prompt.render(question=row["question"], solution=row["solution"], answer=known))
        names = ["question", *(["solution"] if row["solution"] else []), *(["answer"] if known else [])]
        found = read_form(reply, lambda text: read_tags(text, names))
        if isinstance(found, Rejected):
            return found
        solution, answer = found.get("solution", ""), found.get("answer")
        fault = _check_parts(row, found, target)
        if fault is None and known is not None and answer is not None:
            fault = _check_answer(row["solution"], known, solution, answer)
        if fault is not None:
            return fault
        return Made(found["question"], solution, answer, row["style"] or "cot", prompt.name, lang=target)


def _value(known: str, options: dict[str, str]) -> str | Rejected:
    """The answer of an open question: of a letter what stands behind it."""
    if not options:
        return Rejected("no_option", known) if _LETTER.fullmatch(known) else known
    if letter := _LETTER.fullmatch(known):
        return options.get(letter[1]) or Rejected("no_option", known)
    if _LETTERS.fullmatch(known):
        return Rejected("several_options", known)
    return known if any(is_equivalent(known, option) for option in options.values()) else Rejected("no_option", known)


def _read_open(text: str) -> dict[str, str] | Rejected:
    names = ("question", "solution")
    found = read_tags(text, ["check", *names], optional=names)
    if read_word(found["check"], ("accept", "refuse")) == "refuse":
        return Rejected("declined", found["check"])
    if missing := [name for name in names if name not in found]:
        raise Malformed(f"<{missing[0]}> is missing")
    return found


def _check_open(question: str, stem: str) -> Rejected | None:
    """Whether a new question is open, and asks with the numbers of the item."""
    if is_refusal(question):
        return Rejected("refusal", question)
    if has_form(question):
        return Rejected("malformed", "a tag is left in the question")
    if is_item(question):
        return Rejected("still_an_exam_item", question)
    if difference := differences(numbers(stem), numbers(question)):
        return Rejected("numbers_changed", difference)
    return None


def _check_parts(row: dict[str, Any], found: dict[str, str], target: str) -> Rejected | None:
    """Whether question and solution are in the language asked for, with all numbers and formulas."""
    for name in ("question", "solution"):
        if name not in found:
            continue
        before, after = row[name], found[name]
        if is_refusal(after) and not is_refusal(before):
            return Rejected("refusal", after)
        if has_form(after):
            return Rejected("malformed", f"a tag is left in the {name}")
        if (share := _wrong_share(_prose(before), _prose(after), target)) is not None:
            return Rejected("wrong_language", after, share)
        if difference := differences(formulas(before), formulas(after)):
            return Rejected("formulas_changed", difference)
        if difference := differences(numbers(before), numbers(after)):
            return Rejected("numbers_changed", difference)
    return None


def _check_answer(solution: str | None, known: str, translated: str, answer: str) -> Rejected | None:
    """Whether the answer is still the same value, and the one that the solution states where it did before."""
    is_same = is_equivalent(answer, known)
    if not is_same and (formulas(known) != formulas(answer) or numbers(known) != numbers(answer) or not numbers(known)):
        return Rejected("wrong_answer", f"{answer} is not {known}")
    before = extract_answer(solution or "")
    if before is not None and is_equivalent(before, known):
        after = extract_answer(translated)
        if after is None or not (is_equivalent(after, answer) or is_equivalent(after, known)):
            return Rejected("wrong_answer", f"the solution gives {after}, not {answer}")
    return None


def _wrong_share(before: str, after: str, target: str) -> float | None:
    """The share of Chinese characters of a text that is in the wrong language; None where it is in the right one."""
    share = chinese_share(after)
    is_wrong = share < _LEAST_CHINESE if target == "zh" else share > _MOST_CHINESE
    has_words = len(_LETTER_OF_WORDS.findall(before)) > 3  # else there is nothing to translate
    return share if is_wrong and has_words else None


def _prose(text: str) -> str:
    """A text without its formulas."""
    return re.sub(r"\$\$.*?\$\$|\$[^$]*\$|\\\(.*?\\\)|\\\[.*?\\\]|\\[a-zA-Z]+", " ", text, flags=re.DOTALL)
