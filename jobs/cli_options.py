"""Options that several commands of the command line share."""

from typing import Any

import rich_click as click
import yaml

from mathmill.core.errors import ConfigError

OUT = click.option("--out", type=click.Path(), help="Output folder, local or a URL such as s3://bucket/run.")
WORKERS = click.option(
    "--workers",
    type=click.IntRange(1, 4096),
    help="Processes (default: one for each core); with slurm and ray, the most tasks at a time.",
)
ENGINE = click.option(
    "--engine", type=click.Choice(["local", "spark", "slurm", "ray"]), default="local", help="What runs the tasks."
)
MASTER = click.option(
    "--master", help="Of Spark: spark://host:7077, local[4], yarn, k8s://…, sc://host (Connect). Of Ray: its address."
)
ENVIRONMENT = click.option("--environment", help="Archive of `mathmill pack-environment`, for Spark's machines.")
CONF = click.option(
    "--conf", "conf", multiple=True, metavar="KEY=VALUE", help="Spark property, sbatch argument or Ray option."
)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON, for machines.")


def change_setting(value: dict[str, Any], change: str) -> None:
    """Carry out `--set KEY=VALUE` on a mapping: a dotted key, a value in YAML. Raises ConfigError."""
    key, equals, text = change.partition("=")
    if not key or not equals:
        raise ConfigError(f"--set {change}: it should be KEY=VALUE, such as optimizer.lr=2e-5")
    try:
        new = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"--set {change}: the value is not valid YAML") from error
    *parents, last = key.split(".")
    for parent in parents:
        value = value.setdefault(parent, {})
        if not isinstance(value, dict):
            raise ConfigError(f"--set {change}: {parent} holds no settings")
    value[last] = new
