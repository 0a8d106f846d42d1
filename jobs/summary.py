"""What happened in a run, in numbers: the funnel by stage, and what came out by label. The console, the report and the
dataset card all show this one object.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mathmill.core.formula_counts import FormulaCounts
from mathmill.core.ledger import FileEntry, StageCounts
from mathmill.core.stage import CONTAMINATION_PORT, DROPPED_PORT, OUT, QUARANTINE_PORT, SKIPPED
from mathmill.jobs.contamination import BenchmarkHits, gather_hits
from mathmill.jobs.formulas import Formulas, gather_formulas
from mathmill.jobs.pipeline import CONVERSATIONS, PROBLEMS, MainJob
from mathmill.jobs.segments import Finished
from mathmill.tokenize.manifest import Manifest
from mathmill.tokenize.mixture import Mixture

SAMPLES = 8


@dataclass
class Step:
    """One stage of a segment over all its tasks."""

    segment: str
    corpus: str  # "documents", "problems" or "conversations": what its rows are
    stage: str
    reads_again: bool = False  # a reader of what an earlier segment wrote
    rows_in: int = 0
    rows_out: int = 0
    further: Counter[str] = field(default_factory=Counter)  # rows by port of the stage's own
    reasons: Counter[str] = field(default_factory=Counter)
    unlisted: Counter[str] = field(default_factory=Counter)  # of `reasons`, rows of which `dropped` has only a sample
    facts: Counter[str] = field(default_factory=Counter)  # what the stage has counted besides
    quarantined: int = 0
    seconds: float = 0.0
    bytes_in: int = 0
    bytes_out: int = 0

    def add(self, counts: StageCounts) -> None:
        """Add one task's counts."""
        self.rows_in += counts.rows_in
        self.rows_out += counts.rows_out.get(OUT, 0)
        self.quarantined += counts.rows_out.get(QUARANTINE_PORT, 0)
        known = (OUT, DROPPED_PORT, QUARANTINE_PORT, CONTAMINATION_PORT)
        self.further.update({port: rows for port, rows in counts.rows_out.items() if port not in known})
        self.reasons.update(counts.reasons)
        self.seconds += counts.seconds
        self.bytes_in += counts.bytes_in
        self.bytes_out += counts.bytes_out
        skipped = {key.removeprefix(SKIPPED): rows for key, rows in counts.facts.items() if key.startswith(SKIPPED)}
        self.reasons.update(skipped)
        self.facts.update({key: count for key, count in counts.facts.items() if not key.startswith(SKIPPED)})
        self.unlisted.update(skipped)

    def left_out(self) -> list[tuple[str, int]]:
        """Rows that left, by reason, the most frequent first; where `dropped` holds a sample of them, it says so."""
        listed = {reason: self.reasons[reason] - rows for reason, rows in self.unlisted.items()}
        notes = {reason: f"{reason} (a sample of {rows:,} listed)" for reason, rows in listed.items()}
        return [(notes.get(reason, reason), count) for reason, count in self.reasons.most_common()]


@dataclass
class Summary:
    """A finished run in numbers."""

    name: str
    digest: str
    sources: list[dict[str, str | None]]
    steps: list[Step]
    documents: pa.Table  # light columns only: source, license, lang, math_score
    problems: pa.Table
    conversations: pa.Table
    dropped_samples: list[dict[str, object]]
    quarantine_samples: list[dict[str, object]]
    kept_samples: list[dict[str, object]]
    problem_samples: list[dict[str, object]]
    conversation_samples: list[dict[str, object]]
    contamination: list[BenchmarkHits]
    formulas: Formulas
    shards: Manifest | None = None
    mixture: list[dict[str, Any]] = field(default_factory=list)  # asked against achieved, by group
    planned: Mixture | None = None
    ungrouped_tokens: int = 0

    @property
    def has_conversations(self) -> bool:
        """Whether the recipe reads conversations."""
        return any(source["kind"] == CONVERSATIONS for source in self.sources)

    def of_stage(self, stage: str) -> list[Step]:
        """The steps of one stage, in the order of the run."""
        return [step for step in self.steps if step.stage == stage]


def funnel(job: MainJob) -> list[Step]:
    """Stages in the order in which data met them, over all tasks and sources."""
    steps: dict[tuple[str, str, str, int], Step] = {}
    for finished in job.finished.values():
        for task in finished.segment.tasks:
            chain = finished.segment.chains[task.chain]
            seen: Counter[str] = Counter()
            for place, counts in enumerate(finished.entries[task.identity].stages):
                are_problems = chain.out == PROBLEMS or place > len(chain.stages)  # in a fork; the reader comes first
                corpus = PROBLEMS if are_problems else _CORPORA.get(finished.segment.name, "documents")
                key = (finished.segment.name, corpus, counts.stage, seen[counts.stage])
                seen[counts.stage] += 1
                if key not in steps:
                    again = counts.stage == "read" and task.inputs[0].kind != "source"
                    steps[key] = Step(finished.segment.name, corpus, counts.stage, again)
                steps[key].add(counts)
    # sources skip stages, so the order in which tasks show them is not the recipe's
    segments = list(job.finished)
    recipe = job.recipe
    uses = {"documents": (*recipe.stages, *recipe.problems), PROBLEMS: recipe.problems}
    uses[CONVERSATIONS] = recipe.conversations
    orders = {corpus: ["read", *(use.name for use in stages)] for corpus, stages in uses.items()}

    def position(step: Step) -> tuple[int, str, int]:
        order = orders[step.corpus]
        within = order.index(step.stage) if step.stage in order else len(order)
        return segments.index(step.segment), step.corpus, within

    return sorted(steps.values(), key=position)


_CORPORA = {"problems": PROBLEMS, "chats": CONVERSATIONS, "conversations": CONVERSATIONS}
"""What the rows of a segment are, where they are not documents."""


def funnel_of(summary: "Summary", corpus: str) -> list[Step]:
    """The steps that decide what becomes of the records of a corpus; reading again what the run wrote is left out."""
    curation = ("pages", "documents", "problems", "chats", "conversations")
    return [s for s in summary.steps if s.segment in curation and s.corpus == corpus and not s.reads_again]


_LIGHT_DOCUMENT = ["source", "license", "lang", "math_score"]
_LIGHT_PROBLEM = ["source", "license", "lang", "school_stage", "difficulty", "n_steps", "method"]
_LIGHT_CONVERSATION = ["source", "license", "lang", "style"]


def summarise(job: MainJob, shards: Manifest | None, mixture: Mixture | None) -> Summary:
    """Gather the numbers of a finished run from its ledger and its files."""
    documents = job.finished["documents"]
    problems = job.finished.get("problems", documents)
    problem_files = problems.files(OUT if problems is not documents else "problems")
    talks = job.finished.get(CONVERSATIONS)
    conversation_files = talks.files(OUT) if talks is not None else []
    everything = list(job.finished.values())
    return Summary(
        name=job.recipe.name,
        digest=job.recipe.digest(),
        sources=[{"name": s.name, "kind": s.kind, "license": s.license, "lang": s.lang} for s in job.recipe.sources],
        steps=funnel(job),
        documents=_columns(job, documents.files(OUT), _LIGHT_DOCUMENT),
        problems=_columns(job, problem_files, _LIGHT_PROBLEM),
        conversations=_columns(job, conversation_files, _LIGHT_CONVERSATION),
        dropped_samples=_samples(job, _port_files(everything, DROPPED_PORT), None),
        quarantine_samples=_samples(job, _port_files(everything, QUARANTINE_PORT), None),
        kept_samples=_samples(job, documents.files(OUT), ["doc_id", "url", "lang", "math_score", "text"]),
        problem_samples=_samples(
            job, problem_files, ["problem_id", "question", "solution", "answer", "difficulty", "school_stage"]
        ),
        conversation_samples=_samples(job, conversation_files, ["conversation_id", "lang", "messages"]),
        contamination=gather_hits(job.run, _port_files(everything, CONTAMINATION_PORT)),
        formulas=gather_formulas(_accounts(everything), job.recipe.formula_loss),
        shards=shards,
        mixture=mixture.table() if mixture is not None else [],
        planned=mixture,
        ungrouped_tokens=job.ungrouped_tokens,
    )


def _accounts(segments: Iterable[Finished]) -> Iterator[FormulaCounts]:
    """What the tasks say of formulas, in their order."""
    for finished in segments:
        for task in finished.segment.tasks:
            for counts in finished.entries[task.identity].stages:
                if counts.formulas is not None:
                    yield counts.formulas


def _port_files(segments: Iterable[Finished], port: str) -> list[FileEntry]:
    return [file for finished in segments for file in finished.files(port)]


def _columns(job: MainJob, files: list[FileEntry], names: list[str]) -> pa.Table:
    tables = []
    for file in files:
        with job.run.open(file.name) as source:
            tables.append(pq.read_table(source, columns=names))
    return pa.concat_tables(tables) if tables else pa.table({name: pa.array([], pa.string()) for name in names})


def _samples(job: MainJob, files: list[FileEntry], names: list[str] | None) -> list[dict[str, object]]:
    """A few rows, spread evenly over the files, the same ones every time."""
    rows: list[dict[str, object]] = []
    step = max(1, len(files) // SAMPLES)
    for file in files[::step][:SAMPLES]:
        with job.run.open(file.name) as source:
            group = pq.ParquetFile(source).read_row_group(0, columns=names)
        want = -(-SAMPLES // max(1, min(SAMPLES, len(files))))
        places = [i * group.num_rows // want for i in range(min(want, group.num_rows))]
        rows.extend(group.take(places).to_pylist())
    return rows[:SAMPLES]
