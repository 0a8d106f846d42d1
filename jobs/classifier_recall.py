"""`mathmill classifier recall`: rounds of training, scoring a crawl, proposing prefixes and growing the seed.

A round leaves rounds/NN/model, rounds/NN/scores.parquet (url and score of every page, in the crawl's order),
rounds/NN/proposals.yaml, which a person may edit before the next call, rounds/NN/added.parquet (the pages under
accepted prefixes that had scored low, for the next seed) and rounds/NN.json with its numbers. Each appears when it is
whole and is not made again, so that a loop that was stopped goes on; the same input and edits give the same files.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml
from pydantic import Field, model_validator

from mathmill.classifiers.recall import (
    DomainCounts,
    Prefix,
    PrefixCounts,
    PrefixSet,
    RecallConfig,
    clean_prefix,
    math_domains,
    prefix_hashes,
    propose,
    url_keys,
)
from mathmill.classifiers.text_classifier import Classifier
from mathmill.classifiers.train import Example
from mathmill.core.config import Config, Probability, digest
from mathmill.core.errors import ConfigError, DataError
from mathmill.core.storage import Folder, writing
from mathmill.jobs.classifier_data import GroupedWriter, Labelled, Texts, read_columns
from mathmill.jobs.classifier_sample import PageSample
from mathmill.jobs.classifier_train import Training, build_model, read_examples, write_model
from mathmill.jobs.yaml_file import YamlFile

_SCORES = pa.schema([("url", pa.large_string()), ("score", pa.float32())])
_ADDED = pa.schema([("url", pa.large_string()), ("text", pa.large_string())])
_ADDED_IN = "added in round "  # begins the source of pages whose label is a guess: they train, and judge nothing
_BATCH = 65_536  # pages whose URLs and scores are read at a time


class Crawl(Texts):
    """Pages to look for math in. path: also the folder of a run, of which the documents are taken.

    score: a field with scores from elsewhere, which the first round takes instead of training a model.
    """

    text: str = "text"
    url: str = "url"
    score: str | None = None

    def located(self) -> "Crawl":
        """The same, with the documents of a run in place of the run."""
        if self.path.endswith((".parquet", ".jsonl", ".gz", ".zst")) or "documents" not in Folder(self.path).folders():
            return self
        return self.model_copy(update={"path": f"{self.path.rstrip('/')}/documents"})


class RecallFile(Training, RecallConfig):
    """A recall file: `mathmill classifier recall CONFIG.yaml --out FOLDER`."""

    seed: tuple[Labelled, ...] = Field(min_length=1)
    crawl: tuple[Crawl, ...] = Field(min_length=1)
    positive: str = "math"
    negative: str = "other"
    threshold: Probability = 0.5  # pages that score at least this are collected
    random_negatives: int = Field(0, ge=0)  # pages of the crawl that join the negatives of each round, at random
    added_score: Probability = 0.1  # a page that scores less does not join the seed: menus and the like
    added_per_round: int = Field(20_000, ge=1)  # pages that join the seed, at most
    stop_below: Probability = 0.02  # DeepSeekMath stopped when 98 % had been collected before
    stop_worse: Probability = 0.02  # how far ROC-AUC on the seed's held-out sites may fall below the first model's
    rounds: int = Field(4, ge=1, le=99)

    @model_validator(mode="after")
    def _differ(self) -> "RecallFile":
        if self.positive == self.negative:
            raise ValueError(f"positive and negative are both {self.positive!r}")
        return self


class Proposal(Config):
    """An entry of proposals.yaml."""

    prefix: str
    accept: bool = True
    pages: int = 0
    collected: int = 0


class Proposals(Config):
    """proposals.yaml: what a person looks through between two rounds."""

    proposals: tuple[Proposal, ...] = ()


class RecallLoop:
    """The rounds in an output folder. tell: called with a sentence when something takes long."""

    def __init__(self, config: RecallFile, out: Path, tell: Callable[[str], None]) -> None:
        self.config, self.out, self._tell = config, out, tell
        self.crawl = tuple(crawl.located() for crawl in config.crawl)
        self.tally: Counter[str] = Counter()
        self._folder = Folder(out)
        self._claim()

    def _claim(self) -> None:
        """Note what the rounds are made from; ConfigError where the folder holds rounds of something else."""
        settings = self.config.model_dump(mode="json", exclude={"rounds", "stop_below", "stop_worse"})
        files = [
            [file.relative, file.fingerprint] for source in (*self.config.seed, *self.crawl) for file in source.files()
        ]
        identity = digest([settings, files])
        if self._folder.exists("recall.json"):
            if json.loads(self._folder.read("recall.json"))["identity"] != identity:
                raise ConfigError(f"{self.out} holds rounds with other settings or data; choose another --out")
        elif self._folder.names() or self._folder.folders():
            raise ConfigError(f"{self.out} is there already and holds no rounds; choose another --out")
        else:
            text = json.dumps({"identity": identity, "settings": settings}, ensure_ascii=False, indent=1)
            self._folder.write("recall.json", text.encode())

    def run(self, accept: bool) -> tuple[list[dict[str, Any]], str]:
        """Go on until a person is needed or nothing is left to do; returns the rounds' numbers, and why it ended.

        accept: take the proposals as they are. Else the loop ends when new ones are written, and the next call reads
        what has become of them.
        """
        numbers: list[dict[str, Any]] = []
        for number in range(1, self.config.rounds + 1):
            was_there = self._folder.exists(f"rounds/{number:02}.json")
            numbers.append(self._round(number))
            last = numbers[-1]
            if last["new_share"] is not None and last["new_share"] < self.config.stop_below:
                known = 1 - last["new_share"]
                return numbers, f"Done: {known:.1%} of what round {number} collects was collected before."
            if fall := self._fall(numbers):
                return numbers, f"Stopped: {fall}; accept fewer proposals, in another --out."
            if number == self.config.rounds:
                return numbers, f"Done: {number} rounds, as `rounds` says."
            proposals = self._path(number, "proposals.yaml")
            if not (accept or was_there):
                return numbers, f"Look through {proposals}, then run the same command again."
            if not self._added(number):
                return numbers, f"Done: no page under the accepted prefixes of {proposals} is left to add."
        return numbers, ""

    def _fall(self, numbers: list[dict[str, Any]]) -> str:
        """Say how far the models have become worse on the seed, where that is too far."""
        judged = [row["held_out"]["roc_auc"] for row in numbers if row["held_out"] and row["held_out"]["roc_auc"]]
        if len(judged) < 2 or judged[-1] >= judged[0] - self.config.stop_worse:
            return ""
        return f"ROC-AUC on the seed's held-out sites fell from {judged[0]:.4f} to {judged[-1]:.4f}"

    def _path(self, number: int, name: str) -> Path:
        return self.out / "rounds" / f"{number:02}" / name

    def _round(self, number: int) -> dict[str, Any]:
        name = f"rounds/{number:02}.json"
        if self._folder.exists(name):
            return json.loads(self._folder.read(name))
        self._score(number)
        counts = DomainCounts()
        for keys, is_collected in self._scored(number):
            counts.add(keys, is_collected)
        domains = counts.table()
        found = math_domains(domains, self.config)
        prefixes = self._prefixes(number, found["host"].combine_chunks())
        self._write_proposals(number, prefixes, found)
        collected, new = self._collected(number)
        numbers = {
            "round": number,
            **self._seed_numbers(number),
            "threshold": self.config.threshold,
            "pages": int(pc.sum(domains["pages"]).as_py() or 0),
            "collected": collected,
            "new": new,
            "new_share": None if new is None else round(new / collected, 6) if collected else 0.0,
            "domains": domains.num_rows,
            "math_domains": found.num_rows,
            "proposed": len(prefixes),
            "proposed_pages_not_collected": sum(prefix.pages - prefix.collected for prefix in prefixes),
            "recall_of_domains": _shares(found),
        }
        text = json.dumps(numbers, ensure_ascii=False, indent=1)
        self._folder.write(name, text.encode())
        return numbers

    # --- training and scoring -----------------------------------------------------------------------------------------

    def _takes_scores(self, number: int) -> bool:
        return number == 1 and all(crawl.score for crawl in self.crawl)

    def _score(self, number: int) -> None:
        """Train this round's model and write the scores of all pages, if that is not done."""
        path = self._path(number, "scores.parquet")
        if path.exists():
            return
        classifier = None if self._takes_scores(number) else self._model(number)
        self._tell(f"round {number}: scoring the crawl")
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name("scores.partial")
        with writing(f"cannot write {path}"), GroupedWriter(partial, _SCORES) as writer:
            for crawl, batch in self._pages():
                if classifier is None:
                    assert crawl.score is not None
                    scores = _as_scores(batch.column(crawl.score), crawl)
                else:
                    place = classifier.labels.index(self.config.positive)
                    scores = pa.array(classifier.predict_proba(batch.column(crawl.text))[:, place])
                writer.write(pa.RecordBatch.from_arrays([batch.column(crawl.url), scores], schema=_SCORES))
        Folder(path.parent).publish(partial, path.name)

    def _pages(self) -> Iterator[tuple[Crawl, pa.RecordBatch]]:
        for crawl in self.crawl:
            columns = list(dict.fromkeys([crawl.text, crawl.url, *([crawl.score] if crawl.score else [])]))
            for file in crawl.files():
                for batch in read_columns(crawl, file, columns, self.tally):
                    yield crawl, batch

    def _model(self, number: int) -> Classifier:
        folder = self._path(number, "model")
        if not folder.exists():
            examples = self._examples(number)
            self._tell(f"round {number}: training on {len(examples):,} texts")
            labels = (self.config.positive, self.config.negative)
            if unknown := sorted({example.label for example in examples} - set(labels)):
                raise DataError(f"the seed has the label {unknown[0]!r}, which is neither {labels[0]} nor {labels[1]}")
            built = build_model(
                f"round-{number:02}", f"Round {number} of a recall loop.", examples, labels, self.config
            )
            write_model(built, folder, force=False)
        return Classifier(folder)

    def _examples(self, number: int) -> list[Example]:
        """The seed, the pages that earlier rounds have added to it, and pages of the crawl at random."""
        examples = read_examples(self.config.seed, self.config.split, self.tally)
        known = {example.text for example in examples}
        for earlier in range(1, number):
            table = pq.read_table(self._path(earlier, "added.parquet"))
            added = _as_examples(table, self.config.positive, f"{_ADDED_IN}{earlier}")
            examples += [example for example in added if example.text not in known]
            known.update(example.text for example in added)
        if self.config.random_negatives:
            table = self._random_pages(number)
            found = _as_examples(table, self.config.negative, "random pages of the crawl")
            examples += [example for example in found if example.text not in known]
        return examples

    def _random_pages(self, number: int) -> pa.Table:
        """Pages of the crawl, chosen by a hash of their URL, none of a prefix or domain known to be math."""
        known = PrefixSet(prefix for earlier in range(1, number) for prefix in self._known_math(earlier))
        sample = PageSample(_ADDED, self.config.random_negatives)
        for crawl, batch in self._pages():
            urls = batch.column(crawl.url)
            keys = url_keys(urls)
            pages = pa.table([urls, batch.column(crawl.text)], schema=_ADDED)
            sample.add(pages, ~known.covers(keys) & keys.is_valid().to_numpy(zero_copy_only=False))
        return sample.table()

    def _known_math(self, number: int) -> list[str]:
        hosts = json.loads(self._folder.read(f"rounds/{number:02}.json"))["recall_of_domains"]
        return [*hosts, *self._accepted(number)]

    def _seed_numbers(self, number: int) -> dict[str, Any]:
        if self._takes_scores(number):
            return {"seed": None, "held_out": None}
        card = Classifier(self._path(number, "model")).card
        seed = {label: sum(row[label] for row in card.data) for label in card.labels}
        kept = ("roc_auc", "accuracy", "precision_at_recall_0.95", "expected_calibration_error")
        return {"seed": seed, "held_out": {name: card.metrics[name] for name in kept}}

    # --- counting and proposing ---------------------------------------------------------------------------------------

    def _scored(self, number: int) -> Iterator[tuple[pa.Array, npt.NDArray[np.bool_]]]:
        """Batches of `url_keys` and of whether each page was collected."""
        with pq.ParquetFile(self._path(number, "scores.parquet")) as file:
            for batch in file.iter_batches(_BATCH):
                yield url_keys(batch.column("url")), self._is_collected(batch)

    def _is_collected(self, batch: pa.RecordBatch) -> npt.NDArray[np.bool_]:
        scores: npt.NDArray[np.float32] = batch.column("score").to_numpy(zero_copy_only=False)
        return scores >= self.config.threshold

    def _of_hosts(self, number: int, hosts: pa.Array) -> Iterator[tuple[pa.Array, npt.NDArray[np.bool_]]]:
        for keys, collected in self._scored(number):
            found = pc.struct_field(pc.extract_regex(keys, r"^(?P<host>[^/]+)"), "host").cast(pa.large_string())
            mine = pc.is_in(found, hosts.cast(pa.large_string()))
            yield keys.filter(mine), collected[mine.to_numpy(zero_copy_only=False)]

    def _prefixes(self, number: int, hosts: pa.Array) -> list[Prefix]:
        counts = PrefixCounts()
        for keys, collected in self._of_hosts(number, hosts):
            counts.add(prefix_hashes(keys, self.config.depth)[0], collected)
        batches = propose(self._of_hosts(number, hosts), counts, self.config)
        found = [prefix for batch in batches for prefix in batch]
        return sorted(found, key=lambda prefix: (-prefix.pages, prefix.prefix))

    def _collected(self, number: int) -> tuple[int, int | None]:
        """Pages collected in a round, and those of them that the round before had not."""
        total = new = 0
        with pq.ParquetFile(self._path(number, "scores.parquet")) as file:
            before = pq.ParquetFile(self._path(number - 1, "scores.parquet")) if number > 1 else None
            others = before.iter_batches(_BATCH, columns=["score"]) if before is not None else None
            for batch in file.iter_batches(_BATCH, columns=["score"]):
                collected = self._is_collected(batch)
                total += int(collected.sum())
                if others is not None:
                    new += int((collected & ~self._is_collected(next(others))).sum())
            if before is not None:
                before.close()
        return total, new if number > 1 else None

    def _write_proposals(self, number: int, prefixes: list[Prefix], found: pa.Table) -> None:
        named = {prefix.prefix.partition("/")[0] for prefix in prefixes}
        bare = [row for row in found.to_pylist() if row["host"] not in named]
        rows = [Proposal(prefix=p.prefix, accept=True, pages=p.pages, collected=p.collected) for p in prefixes]
        rows += [
            Proposal(prefix=f"{row['host']}/", accept=False, pages=row["pages"], collected=row["collected"])
            for row in sorted(bare, key=lambda row: (-row["pages"], row["host"]))
        ]
        head = (
            f"# Round {number}: URL prefixes whose pages are mostly {self.config.positive}, then domains with some\n"
            "# that have no such prefix. Set accept, change or add prefixes, then run the same command again:\n"
            "# the pages under accepted prefixes that scored low join the seed of the next round.\n"
        )
        values = {"proposals": [row.model_dump() for row in rows]}
        text = head + yaml.safe_dump(values, allow_unicode=True, sort_keys=False, width=1_000)
        Folder(self.out).write(f"rounds/{number:02}/proposals.yaml", text.encode())

    def _accepted(self, number: int) -> list[str]:
        """The accepted prefixes of a round, as a person has left them."""
        path = self._path(number, "proposals.yaml")
        document = YamlFile.parse(path.read_bytes(), path)
        proposals = document.check(Proposals, document.value, ()).proposals
        for place, proposal in enumerate(proposals):
            if not clean_prefix(proposal.prefix):
                raise document.error(("proposals", place, "prefix"), "is empty; write a host and a path")
        return [proposal.prefix for proposal in proposals if proposal.accept]

    def _added(self, number: int) -> int:
        """Write the pages that the next seed gets from this round, if that is not done; returns how many."""
        path = self._path(number, "added.parquet")
        if not path.exists():
            self._tell(f"round {number}: adding pages of accepted prefixes to the seed")
            accepted = PrefixSet(self._accepted(number))
            sample = PageSample(_ADDED, self.config.added_per_round)
            scores = pq.read_table(self._path(number, "scores.parquet"), columns=["score"])["score"]
            start = 0
            for crawl, batch in self._pages():
                urls = batch.column(crawl.url)
                mine = scores.slice(start, len(urls)).to_numpy()
                low = (mine < self.config.threshold) & (mine >= self.config.added_score)
                start += len(urls)
                pages = pa.table([urls, batch.column(crawl.text)], schema=_ADDED)
                sample.add(pages, low & accepted.covers(url_keys(urls)))
            partial = path.with_name("added.partial")
            pq.write_table(sample.table(), partial, compression="zstd")
            Folder(path.parent).publish(partial, path.name)
        return int(pq.read_metadata(path).num_rows)


def _as_examples(table: pa.Table, label: str, source: str) -> list[Example]:
    keys = pc.fill_null(url_keys(table["url"].combine_chunks()), "").to_pylist()
    groups = [key.partition("/")[0] for key in keys]
    texts = table["text"].to_pylist()
    return [Example(text, label, group, "", source, "") for text, group in zip(texts, groups, strict=True) if text]


def _as_scores(column: pa.Array, crawl: Crawl) -> pa.Array:
    try:
        return pc.fill_null(column.cast(pa.float32()), 0.0)
    except pa.ArrowInvalid as error:
        raise DataError(f"{crawl.path}: {crawl.score!r} holds something that is no number: {error}") from error


def _shares(found: pa.Table) -> dict[str, float]:
    ordered = sorted(found.to_pylist(), key=lambda row: (-row["pages"], row["host"]))
    return {row["host"]: round(row["collected"] / row["pages"], 4) for row in ordered}
