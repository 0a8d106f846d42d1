"""Whether independent solutions of a question come to one answer: how a new question without a key is checked.

The solver sees the question alone. Samples are drawn at a temperature; one that is cut off, refuses or gives no answer
agrees with nobody.
"""

from collections.abc import Generator
from typing import Any, Literal

from pydantic import Field, model_validator

from mathmill.core.answers import extract_answer, is_equivalent
from mathmill.core.config import Config
from mathmill.curation.synthesis.prompts import load_prompt
from mathmill.curation.synthesis.replies import is_refusal, read_sample
from mathmill.curation.synthesis.script import Ask, Rejected

DISAGREEMENT = "disagreement"


class AgreementConfig(Config):
    """How many samples solve a question again, and how many of them must give its answer."""

    samples: int = Field(default=3, ge=1, le=64)
    at_least: int = Field(default=2, ge=1)
    role: Literal["teacher", "student"] = "teacher"
    temperature: float = Field(default=0.7, gt=0)  # at 0 the samples would be one
    seed: int | None = 1

    @model_validator(mode="after")
    def _possible(self) -> "AgreementConfig":
        if self.at_least > self.samples:
            raise ValueError(f"at_least is {self.at_least}, but there are only {self.samples} samples")
        return self


def check_agreement(
    config: AgreementConfig, question: str, answer: str, lang: str
) -> Generator[Ask, Any, Rejected | None]:
    """Solve a question several times; None where enough samples give `answer`, else why it is refused."""
    prompt = load_prompt("agreement", "solve", lang)
    messages = prompt.render(question=question)
    reply = yield Ask(config.role, messages, n=config.samples, temperature=config.temperature, seed=config.seed)
    found: list[str] = []
    for sample in range(config.samples):
        text = read_sample(reply, sample)
        said = None if isinstance(text, Rejected) or is_refusal(text) else extract_answer(text)
        found.append(said or "none")
    agreeing = sum(said != "none" and is_equivalent(said, answer) for said in found)
    if agreeing >= config.at_least:
        return None
    detail = f"{agreeing} of {config.samples} samples give {answer!r}: {', '.join(found)}"
    return Rejected(DISAGREEMENT, detail, agreeing / config.samples)
