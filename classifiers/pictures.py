"""Pictures of a classifier's quality as SVG, drawn here so that no plotting library is needed.

Each picture is a whole file that brings its colours with it, light or dark as the reader's system asks, and stands on
its own ground, so that it can be read in a card, a browser or a report. Values are written where they matter; colour
never carries meaning alone.
"""

from collections.abc import Sequence
from html import escape

import numpy as np

from mathmill.classifiers.metrics import Operating, spaced

_STYLE = """
.p { --ink: #1d2733; --soft: #5b6875; --line: #dde3e9; --bar: #2f6f9f; --paper: #fff; --on: #fff; }
@media (prefers-color-scheme: dark) {
 .p { --ink: #e4e9ee; --soft: #9aa7b3; --line: #33404c; --bar: #5aa2d6; --paper: #141a20; --on: #0d1216; }
}
.p .paper { fill: var(--paper); } .p .grid, .p .edge { stroke: var(--line); } .p .dot, .p .cell { fill: var(--bar); }
.p .line { stroke: var(--bar); fill: none; stroke-width: 2; } .p .dash { stroke: var(--soft); stroke-dasharray: 4 4; }
.p text { fill: var(--ink);
 font: 13px system-ui, -apple-system, "Segoe UI", "Noto Sans", "Noto Sans CJK SC", sans-serif; }
.p .soft { fill: var(--soft); } .p .title { font-size: 15px; font-weight: 600; } .p .on { fill: var(--on); }
""".strip()

_SIDE = 300  # of the plot
_LEFT, _TOP = 62, 48
_SHOWN = 12  # labels in a confusion picture


def precision_recall_picture(points: Sequence[Operating], label: str, title: str) -> str:
    """Draw precision over recall, and mark the thresholds 0.1, 0.5 and 0.9. points: highest threshold first."""
    if not points or not points[0].positives:
        return _frame(title, _text(_LEFT, _TOP + 20, f"no text is {label}", "soft"), 60)
    shown = spaced([point for point in points if point.hits], 400)
    path = " ".join(_xy(point.recall, point.precision) for point in shown)
    marks = []
    for row, threshold in enumerate((0.1, 0.5, 0.9)):
        kept = [point for point in points if point.threshold >= threshold and point.hits]
        if kept:
            x, y = _xy(kept[-1].recall, kept[-1].precision).split(",")
            words = f"at {threshold}: precision {kept[-1].precision:.3f}, recall {kept[-1].recall:.3f}"
            marks.append(f'<circle class="dot" cx="{x}" cy="{y}" r="4"><title>{words}</title></circle>')
            marks.append(_text(_LEFT + 12, _TOP + _SIDE - 50 + 18 * row, words, "soft"))
    body = [*_axes(f"recall of {label}", "precision"), f'<polyline class="line" points="{path}"/>', *marks]
    return _frame(title, "\n".join(body), _SIDE)


def reliability_picture(bins: Sequence[tuple[float, float, int]], label: str, title: str) -> str:
    """Draw the share of positives over the mean score of each bin, with the number of texts at each point."""
    points = [(_xy(score, share), n) for score, share, n in bins]
    path = " ".join(xy for xy, _ in points)
    body = [
        *_axes(f"score of {label}", f"share that is {label}"),
        f'<line class="dash" x1="{_LEFT}" y1="{_TOP + _SIDE}" x2="{_LEFT + _SIDE}" y2="{_TOP}"/>',
        f'<polyline class="line" points="{path}"/>',
    ]
    for xy, n in points:
        x, y = map(float, xy.split(","))
        body.append(f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="4"><title>{n:,} texts</title></circle>')
        left = x > _LEFT + 0.8 * _SIDE
        below = y + 16 if y < _TOP + _SIDE - 18 else y - 8
        body.append(_text(x - 4 if left else x + 4, below, f"{n:,}", "soft", "end" if left else "start"))
    return _frame(title, "\n".join(body), _SIDE)


def confusion_picture(counts: np.ndarray, labels: Sequence[str], title: str) -> str:
    """Draw a confusion matrix: rows are the labels of the texts, columns those given; shade is the share of a row."""
    rows = min(len(labels), _SHOWN)
    size = max(54, min(96, _SIDE // rows))
    wide = 14 + max(9 * _width(label) for label in labels[:rows])
    left, top = max(_LEFT, wide), _TOP + 26
    body = [_text(left, _TOP + 2, "given label", "soft"), _text(left - 10, _TOP + 2, "true", "soft", "end")]
    for i, label in enumerate(labels[:rows]):
        body.append(_text(left + size * i + size / 2, top - 6, _cut(label, size // 8), "", "middle"))
        body.append(_text(left - 10, top + size * i + size / 2 + 4, label, "", "end"))
        total = int(counts[i].sum())
        for j in range(rows):
            share = counts[i, j] / total if total else 0.0
            x, y = left + size * j, top + size * i
            place = f'x="{x}" y="{y}" width="{size}" height="{size}"'
            body.append(
                f'<rect class="cell" {place} fill-opacity="{share:.3f}"/><rect class="edge" fill="none" {place}/>'
            )
            ink = "on" if share > 0.6 else ""
            body.append(_text(x + size / 2, y + size / 2 - 2, f"{int(counts[i, j]):,}", ink, "middle"))
            body.append(_text(x + size / 2, y + size / 2 + 15, f"{share:.0%}", ink or "soft", "middle"))
    more = len(labels) - rows
    height = size * rows + 26 + (20 if more else 0)
    if more:
        body.append(_text(left, top + size * rows + 18, f"and {more} more labels", "soft"))
    return _frame(title, "\n".join(body), height, max(left + size * rows + 24, 9 * _width(title) + 32), axis=False)


def _axes(below: str, beside: str) -> list[str]:
    lines = []
    for tenth in (0, 2, 4, 6, 8, 10):
        at = _SIDE * tenth / 10
        lines.append(f'<path class="grid" d="M{_LEFT} {_TOP + _SIDE - at}h{_SIDE}M{_LEFT + at} {_TOP}v{_SIDE}"/>')
        lines.append(_text(_LEFT - 8, _TOP + _SIDE - at + 4, f"{tenth / 10:.1f}", "soft", "end"))
        lines.append(_text(_LEFT + at, _TOP + _SIDE + 18, f"{tenth / 10:.1f}", "soft", "middle"))
    lines.append(_text(_LEFT + _SIDE / 2, _TOP + _SIDE + 38, below, "", "middle"))
    middle = _TOP + _SIDE / 2
    lines.append(
        f'<text x="20" y="{middle}" text-anchor="middle" transform="rotate(-90 20 {middle})">{escape(beside)}</text>'
    )
    return lines


def _xy(x: float, y: float) -> str:
    return f"{_LEFT + _SIDE * x:.1f},{_TOP + _SIDE * (1 - y):.1f}"


def _text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(words)}</text>'


def _width(text: str) -> float:
    """Of a text in letters, where a Chinese one counts two."""
    return sum(2 if letter >= "\u2e80" else 1 for letter in text)


def _cut(text: str, letters: int) -> str:
    return text if len(text) <= letters else f"{text[: max(1, letters - 1)]}…"


def _frame(title: str, body: str, height: float, width: float = 0, axis: bool = True) -> str:
    wide = max(width, _LEFT + _SIDE + 28)
    high = _TOP + height + (56 if axis else 24)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="p" role="img" aria-label="{escape(title)}" '
        f'viewBox="0 0 {wide:g} {high:g}" width="{wide:g}" height="{high:g}">\n<style>{_STYLE}</style>\n'
        f'<rect class="paper" width="100%" height="100%"/>\n{_text(16, 26, title, "title")}\n{body}\n</svg>\n'
    )
