from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from mathmill.core.config import file_digest
from mathmill.tokenize.manifest import FILE_NAME, FileInfo, Manifest, Tokenizer, load
from mathmill.tokenize.packing import BEST_FIT
from mathmill.tokenize.shards import shard_paths, write_shard
from mathmill.tokenize.store import encoded_schema


def losses(spans):
    """Loss spans from (start, end) or (start, end, weight)."""
    return [{"start": start, "end": end, "weight": weight[0] if weight else 1.0} for start, end, *weight in spans]


def encoded_table(records, vocab_size=1000):
    """Records of a token store from short notations.

    tokens, cuts=[(offset, rank)], answer=(start, end), loss=[(start, end) or (start, end, weight)].
    """
    rows = []
    for number, record in enumerate(records):
        rest = {key: value for key, value in record.items() if key not in ("cuts", "answer", "loss")}
        tokens = record["tokens"]
        row = {
            "record_id": f"record-{number}",
            "doc_id": f"doc-{number}",
            "corpus": "documents",
            "source": "web",
            "cuts": [{"offset": offset, "rank": rank} for offset, rank in record.get("cuts", [])],
            "answer": dict(zip(("start", "end"), record["answer"], strict=True)) if record.get("answer") else None,
            "loss_spans": losses(record.get("loss", [(0, len(tokens))])),
            "weight": 1.0,
        }
        rows.append(row | rest)
    return pa.Table.from_pylist(rows, schema=encoded_schema(vocab_size))


def random_encoded(seed, n_records, vocab_size=1000, longest=60):
    """Records with every kind of mark in every awkward place."""
    rng = np.random.default_rng(seed)
    records = []
    for number in range(n_records):
        length = int(rng.integers(1, longest + 1))
        offsets = np.sort(rng.integers(0, length + 1, rng.integers(0, 1 + length // 4)))
        answer = None
        if rng.random() < 0.5:
            start = int(rng.integers(0, length))
            answer = (start, int(rng.integers(start, length)) + 1)
        bounds = np.sort(rng.integers(0, length + 1, 2 * rng.integers(0, 4)))
        weights = rng.choice([0.5, 1.0, 3.0], len(bounds) // 2)
        records.append(
            {
                "record_id": f"{seed}-{number}",
                "tokens": rng.integers(0, vocab_size, length).tolist(),
                "cuts": [(int(offset), int(rng.integers(0, 3))) for offset in offsets],
                "answer": answer,
                "loss": [(int(a), int(b), float(w)) for (a, b), w in zip(bounds.reshape(-1, 2), weights, strict=True)],
                "lang": [None, "en", "zh"][number % 3],
                "corpus": ["documents", "problems"][number % 2],
                "difficulty": [None, "easy", "hard", "medium"][number % 4],
                "difficulty_p": float(rng.random()),
                "weight": float(np.float32(1 - rng.random())),
            }
        )
    return encoded_table(records, vocab_size)


def write_folder(folder: Path, groups, *, seq_len=16, vocab_size=1000, pad_id=0, packing=BEST_FIT, **settings):
    """A folder of shards: groups = {name: [table, …]}, one shard for each table."""
    folder.mkdir(exist_ok=True)
    written = {}
    for group, tables in groups.items():
        infos = [
            write_shard(
                folder / f"{group}-{number}",
                table,
                seq_len=seq_len,
                vocab_size=vocab_size,
                pad_id=pad_id,
                packing=packing,
            )
            for number, table in enumerate(tables)
        ]
        written[group] = ("documents", infos)
    manifest = Manifest.of(
        written,
        seq_len=seq_len,
        vocab_size=vocab_size,
        pad_id=pad_id,
        packing=packing,
        tokenizer=Tokenizer(name="toy", checksum="0" * 32),
        **settings,
    )
    (folder / FILE_NAME).write_bytes(manifest.to_json())
    return manifest


def sign_again(folder: Path, change=lambda raw: raw) -> None:
    """What a forger would do: change the manifest, then fix its checksums and its digest."""
    raw = change(load(folder).model_dump(mode="json"))
    for group in raw["groups"].values():
        for shard in group["shards"]:
            for suffix, path in shard_paths(folder / shard["name"]).items():
                shard["files"][suffix] = FileInfo(bytes=path.stat().st_size, checksum=file_digest(path)).model_dump()
    manifest = Manifest.model_validate(raw)
    manifest = manifest.model_copy(update={"digest": manifest.compute_digest()})
    (folder / FILE_NAME).write_bytes(manifest.to_json())


@pytest.fixture(name="encoded_table", scope="session")
def encoded_table_fixture():
    return encoded_table


@pytest.fixture(name="random_encoded", scope="session")
def random_encoded_fixture():
    return random_encoded


@pytest.fixture(name="write_folder", scope="session")
def write_folder_fixture():
    return write_folder


@pytest.fixture(name="sign_again", scope="session")
def sign_again_fixture():
    return sign_again


@pytest.fixture(scope="session")
def shards(tmp_path_factory) -> Path:
    """Two groups, three shards; read only. Copy it before you change it."""
    folder = tmp_path_factory.mktemp("tokens") / "shards"
    tables = [random_encoded(seed, 40) for seed in range(3)]
    write_folder(folder, {"general": tables[:2], "hard": tables[2:]})
    return folder
