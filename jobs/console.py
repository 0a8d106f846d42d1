"""What a run shows on a terminal: a bar while it works, plain lines where no terminal is, the funnel at the end."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from mathmill.core.ledger import Entry
from mathmill.jobs.mix import table_lines
from mathmill.jobs.plan import Segment
from mathmill.jobs.summary import Step, Summary, funnel_of


class Watcher:
    """Shows the progress of a run on stderr."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars: Progress | None = None
        if console.is_terminal:
            columns = (BarColumn(24), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
            self._bars = Progress(TextColumn("{task.description:<28}"), *columns, console=console)
        self._current: tuple[str, int] = ("", 0)  # segment, its bar or its finished tasks

    def begin(self, segment: Segment, todo: int) -> None:
        """A segment starts."""
        total = len(segment.tasks)
        if self._bars is not None:
            bar = self._bars.add_task(segment.title, total=max(1, total), completed=total - todo if total else 1)
            self._current = (segment.name, int(bar))
            return
        self._current = (segment.name, total - todo)
        known = f", {total - todo} already finished" if total > todo else ""
        self._console.print(f"{segment.title}: {total} task{'s' if total != 1 else ''}{known}")

    def advance(self, segment: Segment, entry: Entry) -> None:
        """A task has finished."""
        name, number = self._current
        if self._bars is not None:
            self._bars.advance(self._bars.task_ids[-1])
            return
        self._current = (name, number + 1)
        self._console.print(
            f"{segment.title}: task {entry.index} done in {entry.seconds:.1f} s, {len(entry.files)} files "
            f"({number + 1}/{len(segment.tasks)})"
        )

    def notice(self, sentence: str) -> None:
        """Something to know now."""
        self._console.print(f"note: {sentence}", markup=False, highlight=False)

    @contextmanager
    def showing(self) -> Iterator["Watcher"]:
        """Draw while the body runs."""
        if self._bars is None:
            yield self
        else:
            with self._bars:
                yield self


class JsonWatcher:
    """Writes one JSON object a line to stderr, for machines."""

    def begin(self, segment: Segment, todo: int) -> None:
        """A segment starts."""
        self._write({"event": "begin", "segment": segment.name, "tasks": len(segment.tasks), "todo": todo})

    def advance(self, segment: Segment, entry: Entry) -> None:
        """A task has finished."""
        rows = sum(file.rows for file in entry.files)
        self._write(
            {"event": "task", "segment": segment.name, "task": entry.index, "rows": rows, "seconds": entry.seconds}
        )

    def notice(self, sentence: str) -> None:
        """Something to know now."""
        self._write({"event": "notice", "text": sentence})

    @contextmanager
    def showing(self) -> Iterator["JsonWatcher"]:
        """Nothing to draw."""
        yield self

    def _write(self, event: dict[str, object]) -> None:
        print(json.dumps(event), file=sys.stderr, flush=True)


def funnel_lines(summary: Summary) -> list[str]:
    """The funnel as aligned lines: rows in, rows on, and the reasons of those that left."""
    parts = {corpus: funnel_of(summary, corpus) for corpus in ("documents", "problems", "conversations")}
    parts["tokens"] = summary.of_stage("encode")
    lines = []
    for name, steps in parts.items():
        if steps:
            lines += [f"{name:<18}{'in':>10}{'out':>10}   left out", *map(_funnel_line, steps), ""]
    return lines[:-1]


def _funnel_line(step: Step) -> str:
    why = [f"{reason} {count:,}" for reason, count in step.left_out()]
    why += [f"quarantined {step.quarantined:,}"] if step.quarantined else []
    why += [f"-> {rows:,} {port}" for port, rows in step.further.items()]
    rows_in = f"{step.rows_in:,}" if step.rows_in else ""
    return f"{step.stage:<18}{rows_in:>10}{step.rows_out:>10,}   {', '.join(why)}".rstrip()


def shard_lines(summary: Summary) -> list[str]:
    """Shards and mixture as aligned lines."""
    if summary.shards is None:
        return []
    lines = [f"{'mix group':<18}{'rows':>10}{'tokens':>14}{'filled':>9}"]
    for name, group in summary.shards.groups.items():
        lines.append(f"{name:<18}{group.rows:>10,}{group.tokens:>14,}{group.utilisation:>9.1%}")
    if summary.ungrouped_tokens:
        lines.append(f"{'in no group':<18}{'':>10}{summary.ungrouped_tokens:>14,}")
    if summary.mixture:
        lines += ["", *table_lines(summary.mixture)]
    return lines


def summary_json(summary: Summary) -> dict[str, object]:
    """The same numbers for machines."""
    return {
        "name": summary.name,
        "digest": summary.digest,
        "documents": summary.documents.num_rows,
        "problems": summary.problems.num_rows,
        "conversations": summary.conversations.num_rows,
        "funnel": [
            {
                "segment": step.segment,
                "corpus": step.corpus,
                "stage": step.stage,
                "rows_in": step.rows_in,
                "rows_out": step.rows_out,
                "dropped": dict(step.reasons),
                "unlisted": dict(step.unlisted),
                "quarantined": step.quarantined,
                "seconds": round(step.seconds, 3),
                "bytes_in": step.bytes_in,
                "bytes_out": step.bytes_out,
            }
            for step in summary.steps
        ],
        "formulas": summary.formulas.as_json(),
        "contamination": [hits.as_json() for hits in summary.contamination],
        "mixture": summary.mixture,
        "ungrouped_tokens": summary.ungrouped_tokens,
    }
