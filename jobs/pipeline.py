"""The main job: from crawl and collections to token shards, in the order in which data meets it.

    pages ── dedup ── documents ─┬────────────────────┬─ tokens ── shards
    problem collections ─────────┴─ dedup ─ problems ─┤
    chats ── dedup ── conversations ──────────────────┘

A recipe's `stages`, `problems` and `conversations` each run as at most two segments: what stands before `dedup`, and
what stands after it. `mathmill.jobs.deduplicate` is what lies between. Everything else is a `map`.
"""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mathmill.core.ledger import FileEntry
from mathmill.core.stage import OUT, StageContext
from mathmill.core.storage import Folder
from mathmill.curation.dedup import DedupConfig
from mathmill.curation.readers import plan_source
from mathmill.curation.readers.source import SourceConfig
from mathmill.jobs.deduplicate import Deduplication, read_index
from mathmill.jobs.engine import Engine, Progress
from mathmill.jobs.group_sizes import group_tokens
from mathmill.jobs.plan import RECORD_BYTES, Chain, FileInput, Input, Segment, Sink, SourceInput, coalesce, make_segment
from mathmill.jobs.recipe import Recipe, StageUse, skipped
from mathmill.jobs.registry import StageSpec, stage_names, stage_spec
from mathmill.jobs.segments import Finished, Segments
from mathmill.tokenize.encode import Encode
from mathmill.tokenize.tokenizer import Tokenizer

PROBLEMS = "problems"
CONVERSATIONS = "conversations"


class MainJob:
    """Runs a recipe's segments on an engine; `finished` keeps them by name for the manifest and the report."""

    def __init__(self, recipe: Recipe, run: Folder, engine: Engine, progress: Progress) -> None:
        self.recipe, self.run = recipe, run
        self._segments = Segments(run, engine, progress)
        self.finished = self._segments.finished
        self.ungrouped_tokens = 0

    def execute(self) -> None:
        """Run everything up to the shards."""
        inputs = source_inputs(self.recipe)
        documents = self._curate_documents(inputs)
        corpora = {"documents": documents.files(OUT), PROBLEMS: self._curate_problems(documents)}
        if any(source.kind == CONVERSATIONS for source in self.recipe.sources):
            corpora[CONVERSATIONS] = self._curate_conversations(inputs)
        if self.recipe.tokenize is not None:
            self._pack(self._tokenize(corpora).files(OUT))

    def _curate_documents(self, inputs: Mapping[str, list[Input]]) -> Finished:
        """Sources to documents, and to the problems found in them or read from problem collections."""
        inputs = dict(inputs)
        before, dedup, after = split_at_dedup(self.recipe.stages)
        texts = [source for source in self.recipe.sources if source.kind not in (PROBLEMS, CONVERSATIONS)]
        if dedup is not None and texts:
            parts = [(s.name, Chain(stages=specs_for(s, before)), self._tasks(inputs[s.name])) for s in texts]
            pages = self._map(make_segment("pages", "Pages", parts, {OUT: Sink(folder="work/pages")}))
            compared = [s.name for s in texts if "dedup" not in s.skip]
            files = [file for name in compared for file in pages.by_source(OUT)[name]]
            found = self._find_duplicates("pages", files, dedup)
            inputs |= {name: file_inputs(files, found) for name, files in pages.by_source(OUT).items()}
        else:
            after = [*before, *after]
        first, *_ = split_at_dedup(self.recipe.problems)
        to_problems = PROBLEMS if split_at_dedup(self.recipe.problems)[1] is None else "work/problems"
        parts = []
        for source in self.recipe.sources:
            if source.kind == CONVERSATIONS:
                continue
            if source.kind == PROBLEMS:
                uses = [use for use in first if use.name != "extract_problems"]
                chain = Chain(stages=specs_for(source, uses), out=PROBLEMS)
            else:
                uses = [*([DROP] if dedup else []), *after]
                forks = {PROBLEMS: specs_for(source, first[1:])}
                extracts = [use for use in first[:1] if use.name == "extract_problems" and use.name not in source.skip]
                chain = Chain(stages=specs_for(source, [*uses, *extracts]), forks=forks if extracts else {})
            parts.append((source.name, chain, self._tasks(inputs[source.name])))
        sinks = {OUT: Sink(folder="documents"), PROBLEMS: Sink(folder=to_problems)}
        return self._map(make_segment("documents", "Documents", parts, sinks))

    def _curate_problems(self, documents: Finished) -> list[FileEntry]:
        """Problems of all sources, deduplicated together and checked again; returns their files."""
        _, dedup, after = split_at_dedup(self.recipe.problems)
        if dedup is None:
            return documents.files(PROBLEMS)
        found = documents.by_source(PROBLEMS)
        sources = {source.name: source for source in self.recipe.sources}
        compared = [file for name, files in found.items() if "dedup" not in sources[name].skip for file in files]
        duplicates = self._find_duplicates("problems", compared, dedup)
        parts = [
            (name, Chain(stages=specs_for(sources[name], [DROP, *after])), self._tasks(file_inputs(files, duplicates)))
            for name, files in found.items()
        ]
        segment = make_segment("problems", "Problems", parts, {OUT: Sink(folder="problems")})
        return self._map(segment).files(OUT)

    def _curate_conversations(self, inputs: Mapping[str, list[Input]]) -> list[FileEntry]:
        """Conversations of all sources, deduplicated together; returns their files."""
        inputs = dict(inputs)
        sources = [source for source in self.recipe.sources if source.kind == CONVERSATIONS]
        before, dedup, after = split_at_dedup(self.recipe.conversations)
        if dedup is None:
            uses = before
        else:
            uses = [DROP, *after]
            parts = [(s.name, Chain(stages=specs_for(s, before)), self._tasks(inputs[s.name])) for s in sources]
            chats = self._map(make_segment("chats", "Chats", parts, {OUT: Sink(folder="work/chats")})).by_source(OUT)
            compared = [file for s in sources if "dedup" not in s.skip for file in chats[s.name]]
            found = self._find_duplicates(CONVERSATIONS, compared, dedup)
            inputs |= {name: file_inputs(files, found) for name, files in chats.items()}
        parts = [(s.name, Chain(stages=specs_for(s, uses)), self._tasks(inputs[s.name])) for s in sources]
        sinks = {OUT: Sink(folder=CONVERSATIONS)}
        return self._map(make_segment(CONVERSATIONS, "Conversations", parts, sinks)).files(OUT)

    def _find_duplicates(self, what: str, files: Sequence[FileEntry], dedup: StageUse) -> dict[str, FileInput]:
        """Compare everything with everything: files by name, each with its duplicates."""
        config = DedupConfig.model_validate(dedup.config)
        found = Deduplication(self._segments, what, config, self.recipe.task_bytes).run(files)
        return {item.file.name: item for item in found}

    def _tokenize(self, corpora: Mapping[str, list[FileEntry]]) -> Finished:
        """Encode everything once for this tokenizer. corpora: the files of each, by name."""
        assert self.recipe.tokenize is not None
        chain = Chain(stages=(stage_spec(ENCODE, self.recipe.tokenize.model_dump(mode="json")),))
        parts = [(name, chain, self._tasks(file_inputs(files))) for name, files in corpora.items()]
        return self._map(make_segment("tokens", "Tokens", parts, {OUT: Sink(folder="tokens", format="arrow")}))

    def _pack(self, tokens: list[FileEntry]) -> Finished:
        """Pack each mix group into shards; a task takes whole token files until it has its fill."""
        shards = self.recipe.shards
        sizes = group_tokens(self.run, tokens, shards.groups)
        self.ungrouped_tokens = int(sizes[:, -1].sum())
        if self.recipe.mixture is not None:
            empty = [name for i, name in enumerate(shards.groups) if not sizes[:, i].any()]
            for name in [name for name in self.recipe.mixture.group_names() if name in empty]:
                selector = shards.groups[name]
                self._segments.progress.notice(
                    f"the mixture cannot be: its group {name} is empty ({selector} selects nothing that earlier groups "
                    "leave); the other groups are packed, then the run ends with an error"
                )
        parts = []
        for number, group in enumerate(shards.groups):
            tasks: list[list[Input]] = []
            filled = 0
            for file, size in zip(tokens, sizes[:, number].tolist(), strict=True):
                if not size:
                    continue
                if not tasks or filled + size > shards.shard_tokens:
                    tasks.append([])
                    filled = 0
                tasks[-1].append(FileInput(file=file))
                filled += size
            parts.append((group, Chain(stages=(self._pack_spec(group),)), tasks))
        return self._map(make_segment("shards", "Shards", parts, {"files": Sink(folder="shards", format="files")}))

    def _pack_spec(self, group: str) -> StageSpec:
        assert self.recipe.tokenize is not None
        shards = self.recipe.shards
        tokenizer = Tokenizer.load(self.recipe.tokenize.tokenizer, self.recipe.tokenize.eos_token)
        config: dict[str, Any] = {
            "group": group,
            "groups": shards.groups,
            "seq_len": shards.seq_len,
            "vocab_size": tokenizer.vocab_size,
            "pad_id": tokenizer.pad_id,
            "packing": shards.packing,
        }
        return stage_spec(PACK, config)

    def _tasks(self, inputs: Sequence[Input]) -> list[list[Input]]:
        return coalesce(inputs, self.recipe.task_bytes, RECORD_BYTES)

    def _map(self, segment: Segment) -> Finished:
        return self._segments.map(segment)


DROP = StageUse(name="dedup", config={})
"""The stage that drops what the deduplication has found; it needs none of the settings."""

ENCODE = "mathmill.tokenize.encode:Encode"
PACK = "mathmill.tokenize.pack:Pack"


def specs_for(source: SourceConfig, uses: Sequence[StageUse]) -> tuple[StageSpec, ...]:
    """The stages that a source passes."""
    skip = skipped(source)
    return tuple(stage_spec(stage_names()[use.name], use.config) for use in uses if use.name not in skip)


def check_files(recipe: Recipe) -> None:
    """Check before anything runs that the files that stages read are what the stages need: ConfigError if not."""
    lists = recipe.stage_lists()
    for key, stages in lists.items():
        for use in stages:
            if use.name == "dedup":
                config = DedupConfig.model_validate(use.config)
                for folder in config.index:
                    read_index(folder, "pages" if key == "stages" else key, config)
    uses = [(stage_names()[use.name], use.config) for stages in lists.values() for use in stages]
    with tempfile.TemporaryDirectory(prefix="mathmill-") as scratch:
        for spec in (stage_spec(cls, config) for cls, config in uses):
            if spec.files():
                stage = spec.load()
                stage.open(StageContext(scratch=Path(scratch)))
                stage.close()
    if recipe.tokenize is not None:
        Encode(recipe.tokenize).check()


def split_at_dedup(uses: Sequence[StageUse]) -> tuple[list[StageUse], StageUse | None, list[StageUse]]:
    """What stands before `dedup`, it, and what stands after it; without it, everything stands before."""
    for i, use in enumerate(uses):
        if use.name == "dedup":
            return list(uses[:i]), use, list(uses[i + 1 :])
    return list(uses), None, []


def source_inputs(recipe: Recipe) -> dict[str, list[Input]]:
    """Slices of the raw input by source, in the order of file names. Raises as `plan_source`."""
    return {
        source.name: [
            SourceInput(source=source, slice=part, fingerprint=file.fingerprint)
            for file, part in plan_source(source, recipe.task_bytes)
        ]
        for source in recipe.sources
    }


def file_inputs(files: Sequence[FileEntry], known: Mapping[str, FileInput] | None = None) -> list[Input]:
    """Files of the run as inputs of a later segment; those of a name in `known` as they are there."""
    return [(known or {}).get(file.name, FileInput(file=file)) for file in files]
