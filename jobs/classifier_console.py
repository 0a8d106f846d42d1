"""What `mathmill classifier` prints: figures, rounds and what was left out, as aligned lines of at most 80 columns."""

from collections import Counter
from collections.abc import Sequence
from typing import Any


def figure_lines(figures: dict[str, Any]) -> list[str]:
    """Figures as aligned lines of at most 80 columns."""
    error = figures["expected_calibration_error"]
    lines = [
        f"{figures['texts']:,} texts: accuracy {_shown(figures['accuracy'])}, macro-F1 {_shown(figures['macro_f1'])}, "
        f"ROC-AUC {_shown(figures['roc_auc'])},",
        f"calibration error {_shown(error)}, precision at recall 0.95 {_shown(figures['precision_at_recall_0.95'])}",
        "",
        f"{'label':<20}{'texts':>9}{'precision':>11}{'recall':>8}{'F1':>8}{'ROC-AUC':>9}",
    ]
    for name, row in figures["label"].items():
        numbers = f"{_shown(row['precision']):>11}{_shown(row['recall']):>8}{_shown(row['f1']):>8}"
        lines.append(f"{_cut(name, 19):<20}{row['texts']:>9,}{numbers}{_shown(row['roc_auc']):>9}")
    lines += _confusion_lines(figures)
    for key, most in (("lang", 12), ("site", 30)):
        if part := figures.get(key):
            lines += ["", *_part_lines(key, part, most, next(iter(figures["label"])))]
    return lines


def _confusion_lines(figures: dict[str, Any]) -> list[str]:
    labels = list(figures["label"])
    if len(labels) > 6:
        return []
    wide = min(14, 60 // len(labels))
    head = "".join(f"{_cut(label, wide - 1):>{wide}}" for label in labels)
    rows = [
        f"{_cut(label, 19):<20}" + "".join(f"{cell:>{wide},}" for cell in row)
        for label, row in zip(labels, figures["confusion"], strict=True)
    ]
    return ["", f"{'true, given:':<20}{head}", *rows]


def _part_lines(key: str, part: dict[str, Any], most: int, first: str) -> list[str]:
    title = {"lang": "language"}.get(key, key)
    lines = [f"{title:<36}{'texts':>9}{_cut(first, 9):>10}{'accuracy':>10}{'ROC-AUC':>9}"]
    shown = sorted(part, key=lambda name: (-part[name]["texts"], name))
    for name in shown[:most]:
        row = part[name]
        numbers = (
            f"{row['texts']:>9,}{row['labels'][first]:>10,}{_shown(row['accuracy']):>10}{_shown(row['roc_auc']):>9}"
        )
        lines.append(f"{_cut(name, 35):<36}{numbers}")
    return lines + ([f"and {len(shown) - most:,} smaller ones (--json has all)"] if len(shown) > most else [])


def round_lines(numbers: Sequence[dict[str, Any]]) -> list[str]:
    """The rounds of a recall loop as an aligned table."""
    head = (
        f"{'round':>5}{'seed':>10}{'ROC-AUC':>9}{'collected':>12}{'new':>10}{'share':>8}{'domains':>9}{'prefixes':>10}"
    )
    lines = [head]
    for row in numbers:
        seed = f"{sum(row['seed'].values()):,}" if row["seed"] else "given"
        auc = f"{row['held_out']['roc_auc']:.4f}" if row["held_out"] else ""
        new = "" if row["new"] is None else f"{row['new']:,}"
        share = "" if row["new_share"] is None else f"{row['new_share']:.1%}"
        lines.append(
            f"{row['round']:>5}{seed:>10}{auc:>9}{row['collected']:>12,}{new:>10}{share:>8}"
            f"{row['math_domains']:>9,}{row['proposed']:>10,}"
        )
    return lines


def left_out(tally: Counter[str]) -> list[str]:
    """What was not used, by reason, as a line after an empty one; nothing where all was used."""
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in sorted(tally.items()))
    return ["", f"left out: {reasons}"] if reasons else []


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _cut(text: str, letters: int) -> str:
    return text if len(text) <= letters else f"{text[: letters - 1]}…"
