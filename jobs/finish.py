"""What a run leaves for readers: lists of its files, the manifest of its shards, the mixture, a dataset card."""

import html
import json
from collections import Counter
from collections.abc import Mapping

from mathmill.core.errors import ConfigError
from mathmill.core.stage import OUT
from mathmill.core.storage import Folder
from mathmill.jobs.mix import plan_over
from mathmill.jobs.pipeline import MainJob
from mathmill.jobs.summary import Summary
from mathmill.tokenize.encode import Encode
from mathmill.tokenize.manifest import Lineage, Manifest, ShardInfo
from mathmill.tokenize.manifest import Tokenizer as TokenizerInfo
from mathmill.tokenize.mixture import Mixture
from mathmill.tokenize.tokenizer import Tokenizer
from mathmill.tokenize.tokenizer_files import portable_files


def write_file_lists(job: MainJob) -> None:
    """Write `_files.json` into each folder that people read; Spark, DuckDB and Arrow pass over its name."""
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
        (job.run / folder).write("_files.json", text.encode())


def write_manifest(job: MainJob) -> Manifest | None:
    """Write `shards/manifest.json` and the tokenizer beside it; where nothing is packed, remove those of before."""
    packed, encode = job.finished.get("shards"), job.recipe.tokenize
    shards = job.run / "shards"
    if packed is None or encode is None:
        shards.remove("manifest.json")
        _write_tokenizer(shards, {})
        return None
    chat = Encode(encode).chat
    template = None if chat is None else chat.template.source
    tokenizer = Tokenizer.load(encode.tokenizer, encode.eos_token, template)
    infos: dict[str, list[ShardInfo]] = {name: [] for name in job.recipe.shards.groups}
    for group, files in packed.by_source("files").items():
        for file in files:
            if file.name.endswith(".json"):
                info = ShardInfo.model_validate_json(job.run.read(file.name))
                name = file.name.rpartition("/")[2].removesuffix(".json")
                infos[group].append(info.model_copy(update={"name": name}))
    manifest = Manifest.of(
        {name: (selector, infos[name]) for name, selector in job.recipe.shards.groups.items()},
        seq_len=job.recipe.shards.seq_len,
        vocab_size=tokenizer.vocab_size,
        tokenizer=TokenizerInfo(name=encode.tokenizer.rpartition("/")[2], checksum=tokenizer.digest),
        chat_template=None if chat is None else chat.template.digest,
        pad_id=tokenizer.pad_id,
        bos_id=tokenizer.bos_id if encode.add_bos else None,
        eos_id=tokenizer.eos_id,
        packing=job.recipe.shards.packing,
        recipe=job.recipe.digest(),
        lineage=Lineage(token_store={file.name: file.checksum for file in job.finished["tokens"].files(OUT)}),
    )
    eos, pad = tokenizer.decode([tokenizer.eos_id]), tokenizer.decode([tokenizer.pad_id])
    bos = None if tokenizer.bos_id is None else tokenizer.decode([tokenizer.bos_id])
    _write_tokenizer(shards, portable_files(encode.tokenizer, eos, bos, pad, template))
    shards.write("manifest.json", manifest.to_json())
    return manifest


def _write_tokenizer(shards: Folder, files: Mapping[str, bytes]) -> None:
    """Write a tokenizer's files beside the shards; those of an earlier tokenizer go."""
    folder = shards / "tokenizer"
    for name, data in files.items():
        folder.write(name, data)
    for name in folder.names():
        if name not in files:
            folder.remove(name)


def write_mixture(job: MainJob, manifest: Manifest | None) -> Mixture | None:
    """Write `shards/mixture.json`; None, and no file, where the recipe has no mixture.

    Raises ConfigError where the mixture asks for more than there is; the shards stay, without a mixture.
    """
    config, shards = job.recipe.mixture, job.run / "shards"
    try:
        mixture = plan_over(shards, manifest, config) if config is not None and manifest is not None else None
    except ConfigError:
        shards.remove("mixture.json")  # of an earlier recipe, it would not fit these shards
        raise
    if mixture is None:
        shards.remove("mixture.json")
    else:
        shards.write("mixture.json", mixture.to_json())
    return mixture


def write_card(run: Folder, summary: Summary) -> None:
    """Write the dataset card `README.md`: what is in it, by source, licence, language and label."""
    documents, problems, conversations = summary.documents, summary.problems, summary.conversations
    lines = [f"# {summary.name}", "", "Made with mathmill from:", ""]
    for source in summary.sources:
        lines.append(f"- `{source['name']}` ({source['kind']}), licence {_cell(source['license'] or 'not stated')}")
    counted = [f"{documents.num_rows:,} documents", f"{problems.num_rows:,} problems"]
    counted += [f"{conversations.num_rows:,} conversations"] if summary.has_conversations else []
    lines += ["", f"{', '.join(counted[:-1])} and {counted[-1]}.", ""]
    for title, table, names in (
        ("Documents", documents, ("source", "license", "lang")),
        ("Problems", problems, ("source", "license", "lang", "school_stage", "difficulty", "method")),
        ("Conversations", conversations, ("source", "license", "lang", "style")),
    ):
        if not table.num_rows:
            continue
        for name in names:
            counts = Counter(table.column(name).to_pylist())
            lines += [f"| {title} by {name} | count |", "|---|---:|"]
            lines += [f"| {_cell(value or 'not stated')} | {count:,} |" for value, count in counts.most_common()]
            lines.append("")
    lines += ["| left out, by stage and reason | count |", "|---|---:|"]
    for step in summary.steps:
        lines += [f"| {step.stage}: {reason} | {count:,} |" for reason, count in step.left_out()]
        if step.quarantined:
            lines.append(f"| {step.stage}: quarantined | {step.quarantined:,} |")
    lines += ["", f"Recipe digest `{summary.digest}`; the recipe is in `run.json`.", ""]
    run.write("README.md", "\n".join(lines).encode())


def _cell(value: str) -> str:
    """A value from the data as plain text in a Markdown table."""
    text = html.escape(" ".join(value.split()), quote=False)
    return "".join(f"\\{char}" if char in "|`*_[]" else char for char in text)
