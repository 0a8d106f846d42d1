"""Ask a model all problems of some benchmarks, zero-shot and few-shot, grade its answers, and count.

All requests go through one `generate`, so that a server or a batch is never left half empty between benchmarks. Every
answer is in the cache of the output folder before it is counted; the same command started again after a kill asks for
what is missing only. Answers are graded by our rules and, to see where graders disagree, by math-verify as well.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import Field

from mathmill.core.answers import extract_answer
from mathmill.core.config import Config
from mathmill.core.errors import ConfigError, OperationError
from mathmill.core.generation import Completion, ModelConfig, model_identity, open_generator
from mathmill.core.grading import Verdict, grade
from mathmill.core.request import Request
from mathmill.core.storage import Folder
from mathmill.train_hooks.evaluation.benchmarks import Benchmark, Item, load
from mathmill.train_hooks.evaluation.prompts import Style, build_request, local_style, most_shots, prompts_identity
from mathmill.train_hooks.evaluation.scores import Answer, average, best_pass, score

RESULTS, DISAGREEMENTS, ANSWERS = "results.json", "disagreements.jsonl", "answers"
"""In the output folder: the figures, where graders disagree, and a file of graded answers for each pass."""

Labeller = Callable[[Sequence[Item]], Sequence[Mapping[str, str]]]
"""Gives labels (`difficulty`, `school_stage`) to items; what the file says of an item stays."""

Progress = Callable[[int, int], None]
"""Called with the number of answers that are there, and of those that are asked for."""


class Evaluation(Config):
    """What is asked, and how.

    benchmarks: names of the registry, or files. shots: numbers of worked examples; each is a pass of its own.
    template: "chat", "raw", or "auto": chat where the model's files hold a chat template, and on every server.
    programs: ask for Python programs and run them in the sandbox. second_grader: ask math-verify about every answer.
    """

    benchmarks: tuple[str, ...] = Field(min_length=1)
    data: str | None = None
    shots: tuple[int, ...] = Field(default=(0, 4), min_length=1)
    limit: int | None = Field(default=None, ge=1)
    seed: int = 0
    max_tokens: int = Field(default=1024, ge=1)
    temperature: float = Field(default=0.0, ge=0.0)
    template: Literal["auto", "chat", "raw"] = "auto"
    programs: bool = False
    second_grader: bool = True


@dataclass(frozen=True)
class Pass:
    """One benchmark asked in one way."""

    benchmark: Benchmark
    shots: int

    @property
    def file(self) -> str:
        """Name of its graded answers in the output folder."""
        return f"{ANSWERS}/{self.benchmark.name}.{self.shots}-shot.jsonl"


class _Read(NamedTuple):
    """What was understood of an answer."""

    completion: Completion
    prediction: str | None


def evaluate(
    model: ModelConfig,
    settings: Evaluation,
    out: Path,
    labeller: Labeller | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Evaluate a model; returns what `results.json` holds.

    Raises ConfigError where a name, file or model is wrong, OperationError where the model answers nothing at all.
    """
    shots = tuple(dict.fromkeys(settings.shots))
    if wrong := [n for n in shots if not 0 <= n <= most_shots()]:
        raise ConfigError(f"--shots {wrong[0]}: there are {most_shots()} worked examples of each kind, so 0 to that")
    names = dict.fromkeys(settings.benchmarks)
    benchmarks = [load(name, settings.data, settings.limit, settings.seed) for name in names]
    if len({benchmark.name for benchmark in benchmarks}) < len(benchmarks):
        raise ConfigError("two of the benchmarks have the same name; rename a file")
    if labeller is not None:
        benchmarks = [_labelled(benchmark, labeller) for benchmark in benchmarks]
    passes = [Pass(benchmark, n) for benchmark in benchmarks for n in shots]
    style = _style(model, settings)
    completions = _ask(model, settings, style, passes, out, progress)
    folder = Folder(out)
    scored = [
        {"shots": p.shots, "file": p.file, **_grade(p, found, settings, folder)}
        for p, found in zip(passes, completions, strict=True)
    ]
    results = _results(model, settings, style, benchmarks, scored)
    _write_disagreements(folder, passes)
    folder.write(RESULTS, json.dumps(results, ensure_ascii=False, indent=1).encode())
    return results


def model_name(model: ModelConfig) -> str:
    """What to call a model: the server's name for it, else the end of its path, such as cpt/model."""
    if model.model:
        return model.model
    path = Path(model.url).resolve()
    return path.name if path.is_file() else "/".join(path.parts[-2:]).lstrip("/")


def _labelled(benchmark: Benchmark, labeller: Labeller) -> Benchmark:
    labels = labeller(benchmark.items)
    items = (replace(item, labels={**more, **item.labels}) for item, more in zip(benchmark.items, labels, strict=True))
    return replace(benchmark, items=tuple(items))


def _style(model: ModelConfig, settings: Evaluation) -> Style:
    if settings.template != "auto":
        return settings.template
    return "chat" if model.is_endpoint else local_style(Path(model.url))


def _ask(
    model: ModelConfig, settings: Evaluation, style: Style, passes: Sequence[Pass], out: Path, progress: Progress | None
) -> list[list[Completion]]:
    """The completions of every pass, in the order of its items."""
    total = sum(len(p.benchmark.items) for p in passes)
    found: list[list[Completion | None]] = [[None] * len(p.benchmark.items) for p in passes]

    def requests() -> Iterator[Request]:
        for number, p in enumerate(passes):
            for place, item in enumerate(p.benchmark.items):
                key = f"{number} {place}"
                yield build_request(
                    item, key, p.shots, style, settings.max_tokens, settings.programs, settings.temperature,
                    settings.seed,
                )  # fmt: skip

    n_found, failure = 0, None
    with open_generator(model, cache=out / "cache") as generator:
        for completion in generator.generate(requests()):
            number, place = map(int, completion.key.split())
            found[number][place] = completion
            failure = failure or completion.error
            n_found += 1
            if progress is not None:
                progress(n_found, total)
    complete = [[completion for completion in part if completion is not None] for part in found]
    if failure and all(completion.error for part in complete for completion in part):
        raise OperationError(f"the model answers none of {total:,} requests: {failure}")
    return complete


def _grade(p: Pass, completions: Sequence[Completion], settings: Evaluation, folder: Folder) -> dict[str, Any]:
    """Grade a pass, write its answers, and count."""
    read = _read_programs(completions) if settings.programs else [_Read(c, _stated(c)) for c in completions]
    pairs = [(r.prediction, gold) for r, item in zip(read, p.benchmark.items, strict=True) for gold in item.golds]
    verdicts = iter(grade([pair[0] for pair in pairs], [pair[1] for pair in pairs], both=settings.second_grader))
    answers = [
        _answer(item, r, [next(verdicts) for _ in item.golds])
        for r, item in zip(read, p.benchmark.items, strict=True)
    ]  # fmt: skip
    lines = (json.dumps(answer._asdict(), ensure_ascii=False) + "\n" for answer in answers)
    folder.write(p.file, "".join(lines).encode("utf-8", "backslashreplace"))
    return score(answers)


def _stated(completion: Completion) -> str | None:
    return extract_answer(completion.texts[0]) if completion.texts else None


_BLOCK = re.compile(r"```(?:python|py)?[^\S\n]*\n(.*?)(?:```|\Z)", re.DOTALL)


def _read_programs(completions: Sequence[Completion]) -> list[_Read]:
    """What the last program of each answer gives; an answer without one says it in words."""
    from mathmill.core.sandbox import run_programs

    codes = [(_BLOCK.findall(c.texts[0]) or [""])[-1] if c.texts else "" for c in completions]
    results = run_programs((code for code in codes if code.strip()), timeout_s=10.0, wants_answer=True)
    return [
        _Read(c, next(results).answer if code.strip() else _stated(c))
        for c, code in zip(completions, codes, strict=True)
    ]  # fmt: skip


def _answer(item: Item, read: _Read, verdicts: Sequence[Verdict]) -> Answer:
    """An item is right where one of its golds is met."""
    chosen = next((verdict for verdict in verdicts if verdict.equal), verdicts[0])
    completion = read.completion
    return Answer(
        item_id=item.item_id,
        correct=chosen.equal,
        prediction=read.prediction,
        golds=item.golds,
        finish_reason=completion.finish_reasons[0] if completion.finish_reasons else "",
        by=chosen.by,
        disagreement=any(verdict.disagreement for verdict in verdicts),
        note="; ".join(dict.fromkeys(verdict.note for verdict in verdicts if verdict.note)),
        labels=item.labels,
        text=completion.texts[0] if completion.texts else "",
        error=completion.error,
    )


_DISAGREEING = ("item_id", "prediction", "golds", "correct", "by", "note")


def _write_disagreements(folder: Folder, passes: Sequence[Pass]) -> None:
    """Gather what a person should look at: the two graders differ."""
    lines = []
    for p in passes:
        for answer in read_answers(folder, p.file):
            if answer.disagreement:
                kept = {name: getattr(answer, name) for name in _DISAGREEING}
                row = {"benchmark": p.benchmark.name, "shots": p.shots, **kept}
                lines.append(json.dumps(row, ensure_ascii=False) + "\n")
    folder.write(DISAGREEMENTS, "".join(lines).encode("utf-8", "backslashreplace"))


def read_answers(folder: Folder, name: str) -> list[Answer]:
    """The graded answers of a pass, in the order of its items."""
    return [Answer(**json.loads(line)) for line in folder.read(name).decode().split("\n") if line]


def _results(
    model: ModelConfig,
    settings: Evaluation,
    style: Style,
    benchmarks: Sequence[Benchmark],
    scored: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    n = len(scored) // len(benchmarks)
    parts = [scored[i * n : (i + 1) * n] for i in range(len(benchmarks))]
    best = [best_pass(part) for part in parts]
    return {
        "model": model_name(model),
        "identity": model_identity(model),
        "style": style,
        "prompts": prompts_identity(),
        "settings": settings.model_dump(mode="json", exclude={"data"}),
        "benchmarks": [
            {
                "name": benchmark.name,
                "title": benchmark.title,
                "license": benchmark.license,
                "items": len(benchmark.items),
                "unusable": benchmark.unusable,
                "best": chosen["shots"],
                "passes": part,
            }
            for benchmark, part, chosen in zip(benchmarks, parts, best, strict=True)
        ],
        "average": average(best),
    }
