"""`mathmill critique`: train, judge and use models that score solutions."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from mathmill.core.errors import ConfigError, DataError
from mathmill.jobs.cli_options import AS_JSON, change_setting

if TYPE_CHECKING:
    from mathmill.classifiers.critique_data import CritiqueData


@click.group()
def critique() -> None:
    """Train, judge and use critique models, which score solutions from 0 to 1.

    DATA are JSON Lines (.jsonl, .gz or .zst), one record a line: question, solution and score (0 to 1), or question,
    chosen and rejected, with a kind where figures by kind are wanted.
    """


@critique.command()
@click.argument("data", nargs=-1, required=True)
@click.option("--out", required=True, type=click.Path(), help="Folder for the model.")
@click.option("--base", type=click.Path(), help="Model folder or GGUF file for a reward head; else a linear model.")
@click.option("--name", help="Of the model; else of its folder.")
@click.option(
    "--held-out", type=click.FloatRange(0.01, 0.9), default=0.1, show_default=True, help="Share of questions."
)
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="A setting, such as epochs=3.")
@click.option("--force", is_flag=True, help="Replace an existing model.")
@AS_JSON
def train(
    data: tuple[str, ...], out: str, base: str | None, name: str | None, held_out: float, changes: tuple[str, ...],
    force: bool, as_json: bool,
) -> None:  # fmt: skip
    """Train a model on DATA; some questions are held out to calibrate and judge it.

    Settings with --base: pooling, max_tokens, epochs, batch, learning_rate, head_learning_rate, trained_layers,
    pair_weight, score_weight, warmup, weight_decay, clip, device, seed. Without: features, normaliser, min_texts,
    check_scale, penalty.

    Example: mathmill critique train pairs.jsonl --out critic

    Example: mathmill critique train pairs.jsonl --base SmolLM2-135M --out critic --set trained_layers=8
    """
    from mathmill.classifiers.critique import train_critique

    folder = Path(out)
    if folder.exists() and any(folder.iterdir()) and not force:
        raise ConfigError(f"{out} is not empty; give another --out, or --force to replace the model")
    fit = _fit(base, changes)
    model = train_critique(_read(data), fit, name or folder.name, held_out)
    model.save(folder)
    _show(model.card.metrics, as_json)
    if not as_json:
        click.echo(f"\nWrote {out}; use it as critique: {{model: {out}}} in a recipe, or with mathmill critique score")


def _fit(base: str | None, changes: tuple[str, ...]) -> Any:
    """What trains, with its settings."""
    from pydantic import ValidationError

    from mathmill.jobs.yaml_file import describe_mistake

    settings: dict[str, Any] = {}
    for change in changes:
        change_setting(settings, change)
    config_type: Any
    if base is None:
        from mathmill.classifiers.critique_linear import LinearCriticConfig, fit_linear

        config_type = LinearCriticConfig
    else:
        from mathmill.classifiers.critique import head_module

        head = head_module()
        config_type = head.HeadConfig
    try:
        config = config_type.model_validate(settings)
    except ValidationError as error:
        mistake = describe_mistake(config_type, settings, error)
        raise ConfigError(f"--set {mistake} ({', '.join(config_type.model_fields)})") from error
    if base is None:
        return lambda data: fit_linear(data, config)
    return lambda data: head.fit_head_critic(data, base, config, _report)


def _report(step: int, steps: int, loss: float) -> None:
    if step == steps or step % max(steps // 20, 1) == 0:
        click.echo(f"step {step:,} of {steps:,}: loss {loss:.4f}", err=True)


@critique.command()
@click.argument("model", type=click.Path())
@click.argument("data", nargs=-1, required=True)
@AS_JSON
def evaluate(model: str, data: tuple[str, ...], as_json: bool) -> None:
    """Judge MODEL on DATA that it was not trained on: pairwise accuracy, Spearman, mean absolute error.

    Example: mathmill critique evaluate critic test.jsonl
    """
    from mathmill.classifiers.critique import evaluate_critique, load_critique

    _show(evaluate_critique(load_critique(model), _read(data)), as_json)


@critique.command()
@click.argument("model", type=click.Path())
@click.argument("source", metavar="INPUT")
@click.option("--out", type=click.Path(dir_okay=False), help="JSON Lines file; else standard output.")
@click.option("--question", "question_field", default="question", show_default=True, help="Field of the question.")
@click.option("--solution", "solution_field", default="solution", show_default=True, help="Field of the solution.")
def score(model: str, source: str, out: str | None, question_field: str, solution_field: str) -> None:
    """Add critique_score to the records of INPUT, JSON Lines with question and solution; with -, of stdin.

    Example: mathmill critique score critic problems.jsonl --out scored.jsonl
    """
    from contextlib import nullcontext
    from itertools import islice

    from mathmill.classifiers.critique import load_critique

    loaded = load_critique(model)
    records = _records(source)
    partial = Path(f"{out}.partial")
    with nullcontext(sys.stdout) if out is None else open(partial, "w", encoding="utf-8") as target:
        while part := list(islice(records, 256)):
            fields = [[record.get(name) for record in part] for name in (question_field, solution_field)]
            for name, values in zip((question_field, solution_field), fields, strict=True):
                if not all(isinstance(value, str) for value in values):
                    raise DataError(f"{source}: a record has no text in the field {name!r}")
            for record, value in zip(part, loaded.predict(*fields).tolist(), strict=True):
                target.write(json.dumps({**record, "critique_score": round(value, 6)}, ensure_ascii=False) + "\n")
    if out is not None:
        partial.replace(out)


@critique.command("export")
@click.argument("data", nargs=-1, required=True)
@click.option("--out", required=True, type=click.Path(dir_okay=False), help="JSON Lines file.")
def export_command(data: tuple[str, ...], out: str) -> None:
    """Write the pairs of DATA for TRL's RewardTrainer: prompt, chosen, rejected.

    Example: mathmill critique export judged.jsonl --out pairs.jsonl
    """
    from mathmill.classifiers.critique_data import trl_records

    rows = list(trl_records(_read(data)))
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    Path(out).write_text(text, encoding="utf-8")
    click.echo(f"Wrote {out}: {len(rows):,} pairs")


def _read(data: tuple[str, ...]) -> "CritiqueData":
    from mathmill.classifiers.critique_data import read_critique_data

    return read_critique_data(record for path in data for record in _records(path))


def _records(path: str) -> Iterator[Any]:
    """The records of a file, or of standard input."""
    from mathmill.classifiers.critique_data import read_lines

    if path == "-":
        yield from read_lines(sys.stdin)
        return
    try:
        with _opened(Path(path)) as lines:
            yield from read_lines(lines)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {path}: {error}") from None


def _opened(path: Path) -> Any:
    if path.suffix == ".zst":
        import zstandard

        return zstandard.open(path, "rt", encoding="utf-8")
    if path.suffix == ".gz":
        import gzip

        return gzip.open(path, "rt", encoding="utf-8")
    return open(path, encoding="utf-8")


def _show(figures: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(figures, ensure_ascii=False))
        return
    for key, value in figures.items():
        if key == "by_kind":
            for kind, row in value.items():
                name = f"  {kind} ({row['pairs']:,} pairs)"
                click.echo(f"{name:<44}{row['pairwise_accuracy']:>10}")
        else:
            shown = " to ".join(map(str, value)) if isinstance(value, list) else f"{value:,}"
            click.echo(f"{key.replace('_', ' '):<34}{shown:>20}")
