"""Options that several commands of the command line share."""

import rich_click as click

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
