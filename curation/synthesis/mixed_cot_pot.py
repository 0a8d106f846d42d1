"""Mixed instructions: solutions that reason in words and compute in Python, with what the programs really print.

The teacher sees the question alone and writes ```python blocks, each with its ```output. All blocks of a solution run
as one program in the sandbox; what they print is compared with what the teacher claims and then stands in the text.
A solution is kept where its programs run, its outputs hold, and its final answer is the known one. `style` is "mixed",
or "pot" where there are hardly words.
"""

import hashlib
from collections.abc import Generator
from typing import Any, ClassVar, NamedTuple

from pydantic import Field

from mathmill.core.answers import extract_answer, is_equivalent
from mathmill.core.sandbox import ProgramResult
from mathmill.curation.synthesis.calculations import wrong_calculations
from mathmill.curation.synthesis.code_blocks import Block, computes, prose, read_blocks, same_output, with_outputs
from mathmill.curation.synthesis.likeness import tokens
from mathmill.curation.synthesis.prompts import load_prompt
from mathmill.curation.synthesis.replies import has_form, is_refusal, known_answer, language, read_sample
from mathmill.curation.synthesis.script import Ask, Execute, Made, Rejected, Result, Script
from mathmill.curation.synthesis.stage import Method, MethodConfig
from mathmill.curation.synthesis.tags import Malformed

_REPAIRED = ("program_error", "program_killed", "output_differs", "no_output")


class MixedCotPotConfig(MethodConfig):
    """`mixed_cot_pot:` in a recipe.

    samples: solutions asked for, in one request. repairs: how often a solution whose program fails, or prints something
    else than it claims, goes back to the teacher with the message. least_words: fewer words and signs outside the
    programs make a solution "pot"; keeps_pot: whether such ones are taken. max_output: the most characters that a block
    may print.
    """

    samples: int = Field(default=1, ge=1, le=64)
    seed: int | None = 1
    repairs: int = Field(default=0, ge=0, le=3)
    least_words: int = Field(default=8, ge=0)
    keeps_pot: bool = True
    max_output: int = Field(default=2000, ge=1)


class _Outcome(NamedTuple):
    """What came of a text. outputs: what its blocks print, where they ran."""

    result: Made | Rejected
    outputs: tuple[str, ...] = ()


class MixedCotPot(Method):
    """Makes rows with the question of a problem and a solution with programs."""

    name = "mixed_cot_pot"
    version = 1
    Config: ClassVar[type[MethodConfig]] = MixedCotPotConfig
    config: MixedCotPotConfig

    def script(self, row: dict[str, Any]) -> Script:
        """One request, then for each sample its programs, and perhaps its repairs."""
        known = known_answer(row)
        if known is None:
            return [Rejected("no_answer")]
        lang = language(row)
        prompt = load_prompt(self.name, "teacher", lang)
        messages = prompt.render(question=row["question"])
        reply = yield Ask("teacher", messages, n=self.config.samples, seed=self.config.seed)
        results: list[Result] = []
        seen: set[tuple[str, ...]] = set()
        for sample in range(self.config.samples):
            text = read_sample(reply, sample)
            if isinstance(text, Rejected):
                results.append(text)
                continue
            if tuple(tokens(text)) in seen:
                results.append(Rejected("same_solution", f"sample {sample}"))
                continue
            seen.add(tuple(tokens(text)))
            made = Made(row["question"], text, known, prompt=prompt.name, sample=sample, lang=lang)
            results.append((yield from self._mended(made, messages)))
        return results

    def later_asks(self) -> dict[str, int]:
        """See `Method`."""
        return {"teacher": self.config.samples * self.config.repairs}

    def _mended(self, made: Made, messages: tuple[dict[str, str], ...]) -> Generator[Ask | Execute, Any, Result]:
        """The row of a sample, after as many repairs as there may be."""
        outcome = yield from self._checked(made)
        for _ in range(self.config.repairs):
            if not isinstance(outcome.result, Rejected) or outcome.result.reason not in _REPAIRED:
                break
            prompt = load_prompt(self.name, "repair", made.lang)
            output = "\n".join(f"```output\n{text}\n```" for text in outcome.outputs)
            said = ({"role": "assistant", "content": made.solution},)
            messages = (*messages, *said, *prompt.render(detail=outcome.result.detail, output=output))
            reply = yield Ask("teacher", messages)
            text = read_sample(reply, 0)
            if isinstance(text, Rejected):
                return text
            made = made._replace(solution=text, prompt=prompt.name)
            outcome = yield from self._checked(made)
        return outcome.result

    def _checked(self, made: Made) -> Generator[Ask | Execute, Any, _Outcome]:
        """Run the programs of a solution and check all that it says."""
        text = made.solution
        try:
            blocks = read_blocks(text)
        except Malformed as error:
            return _Outcome(Rejected("malformed", str(error)))
        if not blocks:
            return _Outcome(Rejected("refusal" if is_refusal(text) else "no_program", text))
        if has_form(prose(text, blocks)):
            return _Outcome(Rejected("malformed", "a tag is left in the solution"))
        if not computes(blocks):
            return _Outcome(Rejected("nothing_computed", blocks[-1].code))
        mark = f"\x1e{hashlib.blake2b(text.encode('utf-8', 'replace'), digest_size=8).hexdigest()}\x1e"
        (result,) = yield Execute(["\n".join(f"{block.code}\nprint({mark!r})" for block in blocks)])
        *ended, _ = (output.strip("\n") for output in result.stdout.split(f"{mark}\n"))
        outputs = tuple(ended)
        fault = _fault_of_run(result, len(outputs), len(blocks)) or self._fault_of_outputs(blocks, outputs)
        if fault is not None:
            return _Outcome(fault, outputs if fault.reason == "output_differs" else ())
        return _Outcome(self._judged(made, blocks, outputs), outputs)

    def _fault_of_outputs(self, blocks: list[Block], outputs: tuple[str, ...]) -> Rejected | None:
        if not any(output.strip() for output in outputs):
            return Rejected("no_output", "the programs print nothing: print what you compute")
        if any(len(output) > self.config.max_output for output in outputs):
            return Rejected("output_too_long", f"more than {self.config.max_output} characters")
        for number, (block, output) in enumerate(zip(blocks, outputs, strict=True), start=1):
            if block.claim is not None and not same_output(block.claim, output):
                return Rejected("output_differs", f"block {number} prints {output!r}, not {block.claim!r}")
        return None

    def _judged(self, made: Made, blocks: list[Block], outputs: tuple[str, ...]) -> Made | Rejected:
        """The row, where words and answer are right."""
        words = prose(made.solution, blocks)
        style = "mixed" if len(tokens(words)) >= self.config.least_words else "pot"
        if style == "pot" and not self.config.keeps_pot:
            return Rejected("no_words", words)
        answer = extract_answer(words) or (_last_line(outputs) if style == "pot" else None) or None
        if answer is None:
            return Rejected("no_final_answer", words[-200:])
        known = made.answer or ""
        if not is_equivalent(answer, known):
            return Rejected("wrong_answer", f"{answer} is not {known}")
        if wrong := wrong_calculations(words):
            return Rejected("wrong_calculation", "; ".join(wrong))
        return made._replace(solution=with_outputs(made.solution, blocks, outputs), style=style)


def _fault_of_run(result: ProgramResult, ended: int, blocks: int) -> Rejected | None:
    """Why a program did not come to its end. ended: how many of its blocks did."""
    if result.killed_by is not None:
        return Rejected("program_killed", f"block {ended + 1}: {result.killed_by}: {result.error}")
    if result.error is not None:
        return Rejected("program_error", f"block {ended + 1}: {result.error}")
    if ended != blocks:  # it called exit(), or ends in an open `if`
        return Rejected("program_error", f"block {min(ended, blocks - 1) + 1} does not come to its end")
    return None


def _last_line(outputs: tuple[str, ...]) -> str:
    return "\n".join(outputs).strip().rpartition("\n")[2]
