"""Whether a program that a model writes for a question computes the answer claimed for it.

The model sees the question alone. The last ```python block of its reply is run in the sandbox; what counts is the value
of its variable `answer`, else the last line that it prints.
"""

import re
from collections.abc import Generator
from typing import Any

from mathmill.core.answers import is_equivalent
from mathmill.curation.synthesis.prompts import load_prompt
from mathmill.curation.synthesis.replies import is_refusal, read_sample
from mathmill.curation.synthesis.script import Ask, Execute, Rejected

_BLOCK = re.compile(r"```(?:python|py)?[ \t]*\n(.*?)```", re.DOTALL | re.IGNORECASE)


def check_program(question: str, answer: str, lang: str) -> Generator[Ask | Execute, Any, Rejected | None]:
    """Have the teacher write a program and run it; None where it gives `answer`, else why not."""
    reply = yield Ask("teacher", load_prompt("agreement", "program", lang).render(question=question))
    text = read_sample(reply, 0)
    if isinstance(text, Rejected):
        return text
    blocks = _BLOCK.findall(text)
    if not blocks:
        return Rejected("refusal" if is_refusal(text) else "no_program", text)
    (result,) = yield Execute([blocks[-1]])
    if result.killed_by is not None:
        return Rejected("program_killed", result.killed_by)
    if result.error is not None:
        return Rejected("program_error", result.error)
    if result.answer is None or not is_equivalent(result.answer, answer):
        return Rejected("program_disagrees", f"the program gives {result.answer!r}, the solution {answer!r}")
    return None
