"""Rejection sampling (RFT, Yuan et al. 2023): many paths of a model to a known answer, of which the good ones are kept.

A path is kept where its final answer is right and every calculation that it writes down checks out, once for each list
of equations; of more than `per_problem` the most different ones stay. The share of paths that reach the answer, the
pass rate, says how hard a problem is for this model: `difficulty_score` becomes 1 + 4 (1 - pass rate), on the scale of
the bundled difficulty model, 1 (always solved) to 5 (never), of the problem itself and of its new solutions.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal, NamedTuple

from pydantic import Field

from mathmill.core.config import Probability
from mathmill.core.errors import ConfigError
from mathmill.core.request import Completion
from mathmill.curation.synthesis.calculations import equation_list, wrong_calculations
from mathmill.curation.synthesis.likeness import containment, jaccard, tokens
from mathmill.curation.synthesis.prompts import load_prompt
from mathmill.curation.synthesis.replies import known_answer, language, read_sample
from mathmill.curation.synthesis.response_diversification import check_solution
from mathmill.curation.synthesis.script import Ask, Changed, Made, Rejected, Result, Script
from mathmill.curation.synthesis.stage import Method, MethodConfig

EASIEST, HARDEST = 1.0, 5.0
"""`difficulty_score` of a problem that is always solved, and of one that never is."""


class RejectionSamplingConfig(MethodConfig):
    """`rejection_sampling:` in a recipe.

    paths: samples for each problem. role: who is sampled; None is the student where there is one, else the teacher.
    per_problem: the most that are kept of a problem; per_easy_problem: of one that every path solves. calculations:
    whether those of a path must check out. max_likeness: the most of the original solution's trigrams of tokens that a
    path may share. scores_difficulty: whether the pass rate becomes `difficulty_score`.
    """

    paths: int = Field(default=8, ge=1, le=1024)
    temperature: float = Field(default=0.7, gt=0)
    seed: int | None = 1
    role: Literal["teacher", "student"] | None = None
    per_problem: int = Field(default=4, ge=0)
    per_easy_problem: int | None = Field(default=None, ge=0)
    calculations: bool = True
    max_likeness: Probability = 0.9
    scores_difficulty: bool = True


class _Path(NamedTuple):
    """A solution that may be kept."""

    sample: int
    text: str
    words: tuple[str, ...]
    equations: tuple[str, ...]

    @property
    def key(self) -> tuple[str, ...]:
        """Equal for paths that are one: their equations, of paths without any their words."""
        return self.equations or self.words


class RejectionSampling(Method):
    """Makes rows with the question of a problem and a solution of the model's own."""

    name = "rejection_sampling"
    version = 1
    Config: ClassVar[type[MethodConfig]] = RejectionSamplingConfig
    roles: ClassVar[tuple[str, ...]] = ()
    config: RejectionSamplingConfig

    def __init__(self, config: MethodConfig) -> None:
        super().__init__(config)
        self.role = self.config.role or ("teacher" if self.config.student is None else "student")
        if getattr(self.config, self.role) is None:
            raise ConfigError(f"{self.name} needs a model as {self.role}: give `{self.role}: {{url: …, model: …}}`")

    def script(self, row: dict[str, Any]) -> Script:
        """One request with all samples."""
        config = self.config
        known = known_answer(row)
        if known is None:
            return [Rejected("no_answer")]
        lang = language(row)
        prompt = load_prompt(self.name, "solve", lang)
        messages = prompt.render(question=row["question"])
        reply = yield Ask(self.role, messages, n=config.paths, temperature=config.temperature, seed=config.seed)
        results, right, n_solved = self._judge(reply, known)
        different, doubles = _distinct(right, row["solution"], config.max_likeness)
        results += doubles
        is_easy = n_solved == config.paths and config.per_easy_problem is not None
        limit = config.per_problem if not is_easy else min(config.per_problem, config.per_easy_problem or 0)
        kept = _most_different(different, limit, row["solution"])
        surplus = "easy" if is_easy and limit < config.per_problem else "surplus"
        results += [Rejected(surplus, f"sample {path.sample}") for path in different if path not in kept]
        score = HARDEST - (HARDEST - EASIEST) * n_solved / config.paths
        columns = {"difficulty_score": score} if config.scores_difficulty else {}
        self.count("solved_by_all" if n_solved == config.paths else "solved_by_some" if n_solved else "solved_by_none")
        made = [
            Made(row["question"], path.text, known, "cot", prompt.name, path.sample, lang=lang, columns=columns)
            for path in kept
        ]
        return [*([Changed(columns)] if columns else []), *made, *results]

    def _judge(self, reply: Completion, known: str) -> tuple[list[Result], list[_Path], int]:
        """What is refused, the paths that are right in all, and how many reach the answer."""
        refused: list[Result] = []
        right = []
        n_solved = 0
        for sample in range(len(reply.texts)):
            text = read_sample(reply, sample)
            fault = text if isinstance(text, Rejected) else check_solution(text, known)
            if isinstance(text, Rejected) or fault is not None:
                refused.append(fault or Rejected("malformed"))
                continue
            n_solved += 1
            if self.config.calculations and (wrong := wrong_calculations(text)):
                refused.append(Rejected("wrong_calculation", "; ".join(wrong)))
                continue
            right.append(_Path(sample, text, tuple(tokens(text)), equation_list(text)))
        return refused, right, n_solved


def _distinct(paths: Sequence[_Path], solution: str | None, max_likeness: float) -> tuple[list[_Path], list[Rejected]]:
    """The first path of each list of equations that is no copy of the original solution, and why others go."""
    original = tuple(tokens(solution or ""))
    known = {equation_list(solution or "")} - {()}
    seen: set[tuple[str, ...]] = set()
    different, refused = [], []
    for path in paths:
        if path.equations in known or (original and containment(path.words, original) > max_likeness):
            refused.append(Rejected("copy", f"sample {path.sample}"))
        elif path.key in seen:
            refused.append(Rejected("same_equations", "; ".join(path.equations) or f"sample {path.sample}"))
        else:
            seen.add(path.key)
            different.append(path)
    return different, refused


def _most_different(paths: Sequence[_Path], limit: int, solution: str | None) -> list[_Path]:
    """Up to `limit` paths, each the farthest from the original and those taken before; in the order of the samples."""
    if len(paths) <= limit:
        return list(paths)
    taken: list[_Path] = []
    original = _Path(-1, "", tuple(tokens(solution or "")), equation_list(solution or ""))
    nearest = [_likeness(path, original) if original.words else 0.0 for path in paths]
    while len(taken) < limit:
        place = min((i for i, path in enumerate(paths) if path not in taken), key=lambda i: (nearest[i], i))
        taken.append(paths[place])
        nearest = [max(known, _likeness(path, paths[place])) for known, path in zip(nearest, paths, strict=True)]
    return sorted(taken)


def _likeness(a: _Path, b: _Path) -> float:
    """0 to 1: how many equations and pairs of tokens two paths share."""
    return (jaccard(a.equations, b.equations) + jaccard(a.words, b.words, 2)) / 2
