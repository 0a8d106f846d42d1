"""What a run shows: a line a step on the terminal, metrics.jsonl, and TensorBoard where it is installed.

Goodput counts tokens that are not padding, in steps that were taken, over all seconds since this process began to
train: validation, checkpoints and skipped steps lower it, as they should. MFU counts the step alone; its formula stands
in `mathmill.train_hooks.trainer.flops`.
"""

import json
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any, TextIO

from mathmill.train_hooks.trainer.durable import write_file


class Monitor:
    """The main rank's; on others `out` is None and nothing is shown.

    flops: operations a token of a row, peak: operations a second of all devices together, None where unknown.
    """

    def __init__(
        self, out: Path | None, start: int, steps: int, flops: float, peak: float | None, tensorboard: bool
    ) -> None:
        self._steps, self._flops, self._peak = steps, flops, peak
        self._began = self._last = time.perf_counter()
        self._useful = 0
        self._seconds: deque[float] = deque(maxlen=20)
        self._file: TextIO | None = None
        self._board: Any = None
        self._shows = out is not None
        if out is not None:
            self._file = _continue_metrics(out / "metrics.jsonl", start)
            self._board = _tensorboard(out / "tensorboard", start) if tensorboard else None

    def resume_clock(self) -> None:
        """Leave out of the next step's seconds what has happened since the last one."""
        self._last = time.perf_counter()

    def step(self, metrics: dict[str, Any], row_tokens: int, useful_tokens: int, shown: bool) -> None:
        """A step has ended. metrics: with `step`, `loss`, `lr`, `norm`, `taken`. row_tokens: padding included."""
        now = time.perf_counter()
        seconds, self._last = now - self._last, now
        self._seconds.append(seconds)
        self._useful += useful_tokens if metrics["taken"] else 0
        metrics |= {
            "seconds": round(seconds, 4),
            "tokens_per_second": round(row_tokens / seconds, 1),
            "useful_tokens": useful_tokens,
            "goodput": round(self._useful / (now - self._began), 1),
        }
        if self._peak:
            metrics["mfu"] = round(row_tokens / seconds * self._flops / self._peak, 4)
        self._write(metrics)
        if shown and self._shows:
            print(self._line(metrics), file=sys.stderr, flush=True)

    def validation(self, step: int, losses: dict[str, float], is_best: bool) -> None:
        """Held-out losses after a step."""
        self._write({"step": step, "validation": losses})
        if self._shows and losses:
            best = ", the best so far" if is_best else ""
            print(f"step {step:>6,}  held-out loss {losses['all']:.4f}{best}", file=sys.stderr, flush=True)

    def say(self, sentence: str) -> None:
        """A line for people."""
        if self._shows:
            print(sentence, file=sys.stderr, flush=True)

    def close(self) -> None:
        """Write what is left."""
        if self._file is not None:
            self._file.close()
        if self._board is not None:
            self._board.close()

    def _write(self, metrics: dict[str, Any]) -> None:
        if self._file is not None:
            self._file.write(json.dumps(metrics, ensure_ascii=False) + "\n")
            self._file.flush()
        if self._board is not None:
            for key, value in _flat(metrics):
                self._board.add_scalar(key, value, metrics["step"])

    def _line(self, metrics: dict[str, Any]) -> str:
        left = (self._steps - metrics["step"]) * sum(self._seconds) / len(self._seconds)
        parts = [
            f"step {metrics['step']:>6,}/{self._steps:,}",
            f"loss {metrics['loss']:.4f}" + ("" if metrics["taken"] else " (skipped)"),
            f"norm {metrics['norm']:.2f}",
            f"lr {metrics['lr']:.2e}",
            f"{metrics['tokens_per_second']:,.0f} tokens/s",
            f"goodput {metrics['goodput']:,.0f}",
        ]
        if "mfu" in metrics:
            parts.append(f"MFU {metrics['mfu']:.1%}")
        return "  ".join([*parts, f"{_duration(left)} left"])


def _continue_metrics(path: Path, start: int) -> TextIO:
    """Open the file of metrics without lines of steps that will be done again, or that a kill has cut."""
    kept = []
    if path.exists():
        for line in path.read_text("utf-8").splitlines():
            try:
                if json.loads(line)["step"] <= start:
                    kept.append(line)
            except (ValueError, KeyError, TypeError):
                break
    write_file(path, "".join(f"{line}\n" for line in kept))
    return path.open("a", encoding="utf-8")


def _tensorboard(folder: Path, start: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder), purge_step=start + 1)


def _flat(metrics: dict[str, Any]) -> list[tuple[str, float]]:
    pairs = []
    for key, value in metrics.items():
        if isinstance(value, dict):
            pairs += [(f"{key}/{name}", float(each)) for name, each in value.items()]
        elif key != "step":
            pairs.append((f"train/{key}", float(value)))
    return pairs


def _duration(seconds: float) -> str:
    minutes, hours = int(seconds // 60) % 60, int(seconds // 3600)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {int(seconds % 60):02d} s"
