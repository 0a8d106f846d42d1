"""`mathmill train`: continued pre-training and fine-tuning from shards, here, under torchrun, or as a Slurm script."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import rich_click as click

from mathmill.core.errors import ConfigError, OperationError
from mathmill.jobs.cli_options import AS_JSON, OUT, change_setting


@click.command()
@click.argument("config", type=click.Path())
@OUT
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Replace a setting: optimizer.lr=2e-5.")
@click.option("--torchrun", type=click.IntRange(1, 64), metavar="N", help="Processes on this machine, or on each node.")
@click.option(
    "--slurm", type=click.Path(dir_okay=False), metavar="FILE", help="Write a script for sbatch, start nothing."
)
@click.option("--nodes", type=click.IntRange(1, 4096), default=1, help="Of the Slurm script.")
@click.option("--hook", metavar="NAME", help="Hand over to axolotl, llamafactory, megatron, trl, or a hook of yours.")
@click.option("--export", type=click.Path(), metavar="DIR", help="Write data, files and command there, start nothing.")
@click.option("--dry-run", is_flag=True, help="Print command, environment and files, write nothing.")
@AS_JSON
def train(
    config: str,
    out: str | None,
    changes: tuple[str, ...],
    torchrun: int | None,
    slurm: str | None,
    nodes: int,
    hook: str | None,
    export: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Train a model on shards as CONFIG says; the same command goes on from the last checkpoint.

    Example: mathmill train cpt.yaml --set optimizer.lr=5e-5

    On eight GPUs: mathmill train cpt.yaml --torchrun 8. On Slurm: mathmill train cpt.yaml --slurm job.sh --nodes 4

    With another trainer: mathmill train cpt.yaml --hook trl. To run elsewhere: --hook megatron --export DIR
    """
    if hook is not None or export is not None or dry_run:
        if slurm is not None:
            raise ConfigError("--slurm goes without --hook, --export and --dry-run; a hook's own settings say more")
        changes = (*changes, *((f"processes={torchrun}",) if torchrun else ()))
        _hand_over(hook or "mathmill", config, export or out, changes, export is None, dry_run, as_json)
        return
    from mathmill.train_hooks.trainer.launch import argv, slurm_script

    if nodes > 1 and slurm is None:
        raise ConfigError("--nodes belongs to --slurm; several machines need a scheduler to start them")
    checked = _load(config, out, changes)
    folder = Path(checked.out)
    if slurm is not None:
        script = slurm_script(_written(checked, folder), Path(config).stem, nodes, torchrun or 8, folder)
        Path(slurm).write_text(script, "utf-8")
        click.echo(f"Wrote {slurm} ({nodes} x {torchrun or 8} GPUs). Next: sbatch {slurm}")
        return
    if torchrun is not None and torchrun > 1:
        result = _run_torchrun(argv(_written(checked, folder), torchrun), folder / "result.json")
    else:
        result = _train_here(checked)
    if as_json:
        click.echo(json.dumps(result, ensure_ascii=False))
    else:
        click.echo("\n".join(_lines(result, folder)))
    if result["stopped"]:
        sys.exit(143)


def _load(path: str, out: str | None, changes: tuple[str, ...]) -> Any:
    """The checked configuration, with what the command line changes in it."""
    from mathmill.train_hooks.trainer.config import TrainConfig, resolve_from

    file = _parse(path, out, changes)
    checked = file.check(TrainConfig, file.value, (), resolve_from(Path(path).resolve().parent))
    if "://" in checked.out:
        raise ConfigError(f"{path}: out: {checked.out} is no local folder; checkpoints go to a disk that all ranks see")
    return checked


def _parse(path: str, out: str | None, changes: tuple[str, ...]) -> Any:
    from mathmill.jobs.yaml_file import YamlFile

    try:
        file = YamlFile.parse(Path(path).read_bytes(), Path(path))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    for change in changes:
        change_setting(file.value, change)
    if out is not None:
        file.value["out"] = out if "://" in out else str(Path(out).absolute())
    return file


def _hand_over(
    hook: str, path: str, out: str | None, changes: tuple[str, ...], starts: bool, dry_run: bool, as_json: bool
) -> None:
    """Hand the shards over to a hook, and start it unless it is to be looked at or exported only."""
    from mathmill.jobs.hand_off import finish, plan_hand_off
    from mathmill.train_hooks.hook import describe
    from mathmill.train_hooks.trainer.config import resolve_from

    resolve = resolve_from(Path(path).resolve().parent)["resolve"]
    planned = plan_hand_off(hook, _parse(path, out, changes), resolve)
    result = {"hook": hook, **describe(planned.spec)}
    lines = planned.lines()
    if dry_run:
        lines += [line for file, text in planned.spec.files.items() for line in ("", f"# {file}", text.rstrip())]
    else:
        paths = planned.write()
        result["export"] = [str(path) for path in paths]
        lines += [f"export   {path}" for path in paths]
    if not as_json:
        click.echo("\n".join(lines))
    status = 0
    if starts and not dry_run:
        status = planned.launch()
        finish(planned, status)
        result["status"] = status
    if as_json:
        click.echo(json.dumps(result, ensure_ascii=False))
    if status:
        sys.exit(status)


def _written(config: Any, folder: Path) -> Path:
    from mathmill.train_hooks.trainer.config import save_config

    folder.mkdir(parents=True, exist_ok=True)
    save_config(config, folder / "train.json")
    return folder / "train.json"


def _train_here(config: Any) -> dict[str, Any]:
    from dataclasses import asdict

    try:
        import torch  # noqa: F401
        import transformers  # noqa: F401
    except ImportError:
        raise ConfigError("training needs packages; install them with: pip install 'mathmill[train]'") from None
    from mathmill.train_hooks.trainer.run import train

    return asdict(train(config))


def _run_torchrun(command: list[str], result: Path) -> dict[str, Any]:
    """Run torchrun and pass stop signals on. Its status says nothing of a run that has stopped and saved: it is 1."""
    result.unlink(missing_ok=True)
    process = subprocess.Popen(command)
    before = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        while True:
            try:
                status = process.wait()
                break
            except KeyboardInterrupt:
                continue  # the terminal has sent the signal to all of them
    finally:
        signal.signal(signal.SIGTERM, before)
    if not result.exists():
        raise OperationError(f"torchrun ended with status {status}; the reason stands above")
    return json.loads(result.read_text("utf-8"))


def _lines(result: dict[str, Any], folder: Path) -> list[str]:
    lines = [f"steps    {result['steps']:,}" + (f", {result['skipped']} not taken" if result["skipped"] else "")]
    lines.append(f"tokens   {result['tokens']:,} without padding")
    lines += [f"loss     {result['loss']:.4f} in the last step"] if result["loss"] is not None else []
    for key, value in result["validation"].items():
        lines.append(f"held out {value:.4f} {'' if key == 'all' else key.replace('/', ' ')}".rstrip())
    if result["stopped"]:
        return [*lines, "", "Stopped and saved; the same command goes on from here"]
    return [
        *lines,
        "",
        f"The model:   {result['model']}",
        f"The metrics: {folder / 'metrics.jsonl'}, tensorboard --logdir {folder}",
    ]
