"""What a run leaves for readers: lists of its files, the manifest of its shards, the mixture, a dataset card."""

import json
from collections import Counter

from mathmill.core.storage import Folder
from mathmill.jobs.pipeline import MainJob
from mathmill.jobs.summary import Summary


def write_file_lists(job: MainJob) -> None:
    """Write `files.json` into each folder that people read, so that Spark or DuckDB may read the folder as it is."""
    lists: dict[str, list[dict[str, object]]] = {}
    for finished in job.finished.values():
        for port, sink in finished.segment.sinks.items():
            if sink.folder.startswith("work/") or sink.format == "files":
                continue
            files = lists.setdefault(sink.folder, [])
            for file in finished.files(port):
                name = file.name.rpartition("/")[2]
                files.append({"name": name, "rows": file.rows, "bytes": file.bytes, "xxh3_128": file.checksum})
    for folder, files in lists.items():
        text = json.dumps({"files": files}, indent=1)
        (job.run / folder).write("files.json", text.encode())


def write_card(run: Folder, summary: Summary) -> None:
    """Write the dataset card `README.md`: what is in it, by source, licence, language and label."""
    documents, problems = summary.documents, summary.problems
    lines = [f"# {summary.name}", "", "Made with mathmill from:", ""]
    for source in summary.sources:
        lines.append(f"- `{source['name']}` ({source['kind']}), licence {source['license'] or 'not stated'}")
    lines += ["", f"{documents.num_rows:,} documents and {problems.num_rows:,} problems.", ""]
    for title, table, names in (
        ("Documents", documents, ("source", "license", "lang")),
        ("Problems", problems, ("source", "license", "lang", "school_stage", "difficulty", "method")),
    ):
        for name in names:
            counts = Counter(table.column(name).to_pylist())
            lines += [f"| {title} by {name} | count |", "|---|---:|"]
            lines += [f"| {value or 'not stated'} | {count:,} |" for value, count in counts.most_common()]
            lines.append("")
    lines += ["| left out, by stage and reason | count |", "|---|---:|"]
    for step in summary.steps:
        lines += [f"| {step.stage}: {reason} | {count:,} |" for reason, count in step.reasons.most_common()]
        if step.quarantined:
            lines.append(f"| {step.stage}: quarantined | {step.quarantined:,} |")
    lines += ["", f"Recipe digest `{summary.digest}`; the recipe is in `run.json`.", ""]
    run.write("README.md", "\n".join(lines).encode())
