"""Literal small shards in, literal files out; the readers of others are in test_export_readers.py."""

import itertools
import json
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mathmill.core.config import file_digest
from mathmill.core.errors import ConfigError, DataError, OperationError
from mathmill.tokenize.export import export
from mathmill.tokenize.exports.arrow import FURTHER_COLUMNS
from mathmill.tokenize.exports.rows import Selection
from mathmill.tokenize.mixture import Mixture, MixtureConfig, plan_mixture
from mathmill.tokenize.reader import ShardReader

# Packed into rows of 8: web [c part 0], [a, b], [c part 1]; hard [d].
WEB = [
    {"tokens": [11, 12, 13, 14, 2], "loss": [(2, 5)], "record_id": "a"},
    {"tokens": [21, 22, 2], "loss": [(0, 3)], "record_id": "b"},
    {"tokens": [31, 32, 33, 34, 35, 36, 37, 38, 39, 2], "record_id": "c", "cuts": [(6, 0)], "loss": [(1, 10)]},
]
HARD = [{"tokens": [41, 42, 43, 2], "record_id": "d", "loss": [(1, 4)], "corpus": "problems", "difficulty": "hard"}]
_ = -100


@pytest.fixture(scope="module")
def small(tmp_path_factory, encoded_table, write_folder) -> Path:
    folder = tmp_path_factory.mktemp("export") / "shards"
    write_folder(folder, {"web": [encoded_table(WEB)], "hard": [encoded_table(HARD)]}, seq_len=8)
    return folder


def mixture_of(folder: Path, **config) -> Mixture:
    reader = ShardReader(folder)
    sizes = {name: reader.row_tokens[rows.start : rows.stop] for name, rows in reader.groups.items()}
    return plan_mixture(MixtureConfig.model_validate(config), sizes)


def read_pair(prefix: Path) -> tuple[list[int], list[int], list[int], list[int]]:
    """Tokens, and of the index: lengths, byte pointers, document indices, read by the layout alone."""
    data = Path(f"{prefix}.idx").read_bytes()
    magic, version, code, n, d = struct.unpack_from("<9sQBQQ", data)
    assert (magic, version, code) == (b"MMIDIDX\x00\x00", 1, 8)
    numbers = struct.unpack_from(f"<{n}i{n}q{d}q", data, 34)
    tokens = np.fromfile(f"{prefix}.bin", "<u2").tolist()
    return tokens, list(numbers[:n]), list(numbers[n : 2 * n]), list(numbers[2 * n :])


def test_megatron_gets_segments_end_to_end_and_cut_records_as_one_document(small, tmp_path):
    export(small, tmp_path / "out", "megatron")
    tokens, lengths, pointers, documents = read_pair(tmp_path / "out" / "web-00000")
    assert tokens == [31, 32, 33, 34, 35, 36, 11, 12, 13, 14, 2, 21, 22, 2, 37, 38, 39, 2]
    assert lengths == [6, 4, 5, 3]  # c and its second part, then a, b
    assert pointers == [0, 28, 12, 22]
    assert documents == [0, 2, 3, 4]
    assert read_pair(tmp_path / "out" / "hard-00000") == ([41, 42, 43, 2], [4], [0], [0, 1])


def test_several_megatron_pairs_come_with_a_blend_of_their_tokens(small, tmp_path):
    result = export(small, tmp_path / "out", "megatron")
    assert (tmp_path / "out" / "blend.txt").read_text().split() == [
        "18", f"{tmp_path}/out/web-00000", "4", f"{tmp_path}/out/hard-00000"
    ]  # fmt: skip
    assert result["use"] == [f"--data-args-path {tmp_path}/out/blend.txt"]
    alone = export(small, tmp_path / "hard", "megatron", Selection(groups=["hard"]))
    assert alone["use"] == [f"--data-path {tmp_path}/hard/hard-00000"]
    assert sorted(alone["files"]) == ["hard-00000.bin", "hard-00000.idx"]


def test_a_blend_in_a_folder_that_megatron_would_divide_at_its_spaces_is_refused(small, tmp_path):
    with pytest.raises(ConfigError, match="divides lists of paths at spaces"):
        export(small, tmp_path / "a b", "megatron")
    assert list(tmp_path.iterdir()) == []


def test_a_mixture_is_exported_in_its_order(small, tmp_path):
    mixture = mixture_of(small, groups={"web": 1, "hard": 1}, max_repetition=5, total=30)
    reader = ShardReader(small)
    sizes = {name: reader.row_tokens[rows.start : rows.stop] for name, rows in reader.groups.items()}
    groups, rows = mixture.schedule(sizes).rows(0, mixture.rows)
    firsts = [reader.groups[group.name].start for group in mixture.groups]
    numbers = [firsts[group] + row for group, row in zip(groups.tolist(), rows.tolist(), strict=True)]
    expected = [row.tokens[: row.n_tokens].tolist() for row in (reader[number] for number in numbers)]
    result = export(small, tmp_path / "out", "megatron", Selection(mixture))
    tokens, lengths, pointers, _documents = read_pair(tmp_path / "out" / "mixture-00000")
    assert tokens == [token for row in expected for token in row]
    assert pointers == [2 * sum(lengths[:i]) for i in range(len(lengths))]
    assert result["counts"]["tokens"] == mixture.total >= 30
    assert result["counts"]["rows"] == mixture.rows == len(numbers)
    assert len(set(numbers)) < len(numbers)  # some row came twice
    later = export(small, tmp_path / "later", "parquet", Selection(mixture, start=2, stop=4))
    table = pq.read_table(tmp_path / "later" / "data")
    assert table.column("input_ids").to_pylist() == expected[2:4]
    assert table.column("group").to_pylist() == [mixture.groups[group].name for group in groups[2:4]]
    assert (later["first_row"], later["counts"]["rows"]) == (2, 2)


def test_a_mixture_of_supervised_tokens_is_counted_in_them(small, tmp_path):
    sizes = ShardReader(small).row_sizes("supervised_tokens")
    config = MixtureConfig.model_validate({"groups": {"web": 3, "hard": 1}, "count": "supervised_tokens"})
    mixture = plan_mixture(config, sizes)
    result = export(small, tmp_path / "out", "datatrove", Selection(mixture))
    assert result["counts"]["supervised_tokens"] == mixture.total
    assert result["counts"]["tokens"] > mixture.total


def test_parts_of_a_record_that_follow_each_other_in_a_mixture_are_one_document(tmp_path, encoded_table, write_folder):
    records = [{"tokens": list(range(1, 21)), "cuts": [(8, 0), (16, 0)], "record_id": "long"}]
    write_folder(tmp_path / "s", {"web": [encoded_table(records)]}, seq_len=8)
    seen = set()
    for seed in range(20):
        mixture = mixture_of(tmp_path / "s", groups={"web": 1}, seed=seed)
        export(tmp_path / "s", tmp_path / "out", "megatron", Selection(mixture))
        tokens, lengths, _pointers, documents = read_pair(tmp_path / "out" / "mixture-00000")
        order = [{1: 0, 9: 1, 17: 2}[tokens[sum(lengths[:i])]] for i in range(3)]
        follows = [second == first + 1 for first, second in itertools.pairwise(order)]
        assert documents == [0, *(i + 1 for i, joined in enumerate(follows) if not joined), 3]
        seen.add(tuple(order))
    assert {(0, 1, 2), (2, 1, 0)} <= seen


def test_records_of_arrow_and_parquet_are_packed_rows(small, tmp_path):
    result = export(small, tmp_path / "parquet", "parquet", columns=["position_ids", "attention_mask"])
    rows = pq.read_table(tmp_path / "parquet" / "data").to_pylist()
    assert [row["input_ids"] for row in rows] == [
        [31, 32, 33, 34, 35, 36],
        [11, 12, 13, 14, 2, 21, 22, 2],
        [37, 38, 39, 2],
        [41, 42, 43, 2],
    ]
    assert [row["labels"] for row in rows] == [
        [_, 32, 33, 34, 35, 36],
        [_, _, 13, 14, 2, _, 22, 2],  # b is learned whole, but nothing in it predicts its first token
        [_, 38, 39, 2],
        [_, 42, 43, 2],
    ]
    assert [row["seq_lengths"] for row in rows] == [[6], [5, 3], [4], [4]]
    assert rows[1]["position_ids"] == [0, 1, 2, 3, 4, 0, 1, 2]
    assert rows[1]["attention_mask"] == [1, 1, 1, 1, 1, 2, 2, 2]
    assert [row["group"] for row in rows] == ["web", "web", "web", "hard"]
    assert [[segment["record_id"] for segment in row["segments"]] for row in rows] == [["c"], ["a", "b"], ["c"], ["d"]]
    assert rows[2]["segments"][0]["part"] == 1
    assert (rows[3]["segments"][0]["corpus"], rows[3]["segments"][0]["difficulty"]) == ("problems", "hard")
    assert result["counts"] == {
        "rows": 4, "segments": 5, "records": 4, "tokens": 22, "supervised_tokens": 18, "targets": 16
    }  # fmt: skip
    export(small, tmp_path / "arrow", "arrow", columns=["position_ids", "attention_mask"])
    with pa.ipc.open_stream(tmp_path / "arrow" / "data" / "train-00000-of-00001.arrow") as stream:
        assert stream.read_all().to_pylist() == rows


def test_a_column_that_is_asked_for_twice_is_written_once(small, tmp_path):
    export(small, tmp_path / "out", "parquet", columns=["position_ids", "attention_mask", "position_ids"])
    names = pq.read_schema(next((tmp_path / "out").rglob("*.parquet"))).names
    assert [name for name in names if name in FURTHER_COLUMNS] == ["position_ids", "attention_mask"]


def test_weights_are_a_column_only_where_one_is_not_1(small, tmp_path, encoded_table, write_folder):
    export(small, tmp_path / "equal", "parquet")
    assert "loss_weights" not in pq.read_schema(tmp_path / "equal/data/train-00000-of-00001.parquet").names
    records = [
        {"tokens": [1, 2, 3, 4], "loss": [(0, 2, 2.0), (3, 4)], "weight": 0.25},
        {"tokens": [5, 6], "loss": [(1, 2)]},
    ]
    write_folder(tmp_path / "s", {"a": [encoded_table(records)], "b": [encoded_table(records[1:])]}, seq_len=8)
    export(tmp_path / "s", tmp_path / "weighted", "parquet")
    rows = pq.read_table(tmp_path / "weighted" / "data").to_pylist()
    assert rows[0]["labels"] == [_, 2, _, 4, _, 6]
    assert rows[0]["loss_weights"] == [0, 0.5, 0, 0.25, 0, 1]
    export(tmp_path / "s", tmp_path / "b", "parquet", Selection(groups=["b"]))
    assert "loss_weights" not in pq.read_schema(tmp_path / "b/data/train-00000-of-00001.parquet").names


def test_datatrove_gets_tokens_ends_losses_and_metadata(small, tmp_path):
    export(small, tmp_path / "out", "datatrove")
    path = tmp_path / "out" / "web_00000_unshuffled.ds"
    assert np.fromfile(path, "<u2").tolist() == [31, 32, 33, 34, 35, 36, 11, 12, 13, 14, 2, 21, 22, 2, 37, 38, 39, 2]
    assert np.fromfile(f"{path}.index", "<u8").tolist() == [6, 11, 14, 18]
    assert np.fromfile(f"{path}.loss", "u1").tolist() == [0, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 0, 1, 1, 0, 1, 1, 1]
    assert Path(f"{path}.metadata").read_text() == "toy|2\n18\n18 T"


def test_large_vocabularies_take_four_bytes(tmp_path, encoded_table, write_folder):
    write_folder(tmp_path / "s", {"a": [encoded_table([{"tokens": [1, 99_999]}], 100_000)]}, vocab_size=100_000)
    export(tmp_path / "s", tmp_path / "megatron", "megatron")
    assert (tmp_path / "megatron/a-00000.bin").read_bytes() == struct.pack("<2i", 1, 99_999)
    assert (tmp_path / "megatron/a-00000.idx").read_bytes()[17] == 4
    result = export(tmp_path / "s", tmp_path / "datatrove", "datatrove")
    assert (tmp_path / "datatrove/a_00000_unshuffled.ds").read_bytes() == struct.pack("<2I", 1, 99_999)
    assert result["token_size"] == 4


@pytest.mark.parametrize("to", ["megatron", "datatrove", "parquet", "arrow"])
def test_files_are_bounded_and_hold_together_what_one_would(shards, tmp_path, to):
    whole, parts = (
        export(shards, tmp_path / name, to, part_tokens=bound) for name, bound in (("whole", None), ("parts", 700))
    )
    assert whole["counts"] == parts["counts"]

    def tokens(name: str) -> list[int]:
        folder = tmp_path / name
        if to in ("megatron", "datatrove"):
            suffix = "*.bin" if to == "megatron" else "*.ds"
            files = [np.fromfile(path, "<u2").tolist() for path in sorted(folder.glob(suffix))]
        elif to == "parquet":
            columns = [pq.read_table(path).column("input_ids") for path in sorted(folder.glob("data/*"))]
            files = [column.combine_chunks().flatten().to_pylist() for column in columns]
        else:
            streams = [pa.ipc.open_stream(path).read_all() for path in sorted(folder.glob("data/*"))]
            files = [stream.column("input_ids").combine_chunks().flatten().to_pylist() for stream in streams]
        if name == "parts":
            assert len(files) >= 6
            assert max(map(len, files)) <= 700
        return [token for file in files for token in file]

    assert tokens("parts") == tokens("whole")


def test_an_export_says_what_it_is_made_from_and_what_it_wrote(small, tmp_path):
    result = export(small, tmp_path / "out", "datatrove", Selection(groups=["web"]))
    record = json.loads((tmp_path / "out" / "export.json").read_text())
    assert record == result
    manifest = ShardReader(small).manifest
    assert (record["to"], record["shards"], record["mixture"]) == ("datatrove", manifest.digest, None)
    assert record["groups"] == ["web"]
    assert {name: file["xxh3_128"] for name, file in record["files"].items()} == {
        path.name: file_digest(path) for path in (tmp_path / "out").iterdir() if path.name != "export.json"
    }
    mixture = mixture_of(small, groups={"web": 1})
    mixed = export(small, tmp_path / "mixed", "datatrove", Selection(mixture))
    assert len(mixed["mixture"]) == 32


def test_rows_and_tokens_choose_a_part_of_the_order(shards, tmp_path):
    reader = ShardReader(shards)
    n = len(reader)

    def rows(selection: Selection) -> list[list[int]]:
        export(shards, tmp_path / "out", "parquet", selection)
        return pq.read_table(tmp_path / "out" / "data").column("input_ids").to_pylist()

    everything = [row.tokens[: row.n_tokens].tolist() for row in reader]
    assert rows(Selection()) == everything
    assert rows(Selection(start=5, stop=n - 3)) == everything[5 : n - 3]
    assert rows(Selection(start=n - 1, stop=10**9)) == everything[-1:]
    hard = reader.groups["hard"]
    assert rows(Selection(groups=["hard"], stop=4)) == everything[hard.start : hard.start + 4]
    for budget in (1, len(everything[0]), len(everything[0]) + 1, 1000):
        taken = rows(Selection(tokens=budget))
        assert taken == everything[: len(taken)]
        assert sum(map(len, taken)) >= budget > sum(map(len, taken[:-1]))
    assert rows(Selection(tokens=10**9)) == everything
    for wrong in (Selection(start=n), Selection(start=4, stop=4)):
        with pytest.raises(ConfigError, match="are none"):
            rows(wrong)
    with pytest.raises(ConfigError, match=r"no group 'nowhere'; there are general, hard"):
        rows(Selection(groups=["nowhere"]))


def test_rows_of_one_token_and_odd_names_survive(tmp_path, encoded_table, write_folder):
    odd = 'a\n"\u2028/../é\x00'
    records = [{"tokens": [number], "record_id": f"{odd}{number}", "source": odd} for number in range(1, 4)]
    write_folder(tmp_path / "s", {"web": [encoded_table(records)]}, seq_len=1)
    raw = json.loads((tmp_path / "s/manifest.json").read_text())
    raw["groups"] = {odd: raw["groups"]["web"]}
    (tmp_path / "s/manifest.json").write_text(json.dumps(raw))
    for to in ("megatron", "datatrove", "arrow", "parquet"):
        result = export(tmp_path / "s", tmp_path / to, to)
        assert (result["counts"]["tokens"], result["counts"]["targets"]) == (3, 0)
        assert {path.parent for path in tmp_path.rglob("*") if odd in str(path)} == set()
    rows = pq.read_table(tmp_path / "parquet" / "data").to_pylist()
    assert [row["segments"][0]["record_id"] for row in rows] == [f"{odd}{number}" for number in range(1, 4)]
    assert {row["group"] for row in rows} == {odd}


def test_shards_without_rows_have_nothing_to_export(tmp_path, encoded_table, write_folder):
    write_folder(tmp_path / "s", {"web": [], "hard": [encoded_table(HARD)]}, seq_len=8)
    assert export(tmp_path / "s", tmp_path / "out", "parquet")["counts"]["rows"] == 1
    with pytest.raises(DataError, match="web holds no rows"):
        export(tmp_path / "s", tmp_path / "out", "parquet", Selection(groups=["web"]))


def test_a_mixture_of_other_shards_is_refused(small, shards, tmp_path):
    mixture = mixture_of(shards, groups={"general": 1, "hard": 1})
    with pytest.raises(DataError, match="planned for other shards"):
        export(small, tmp_path / "out", "megatron", Selection(mixture))
    with pytest.raises(ConfigError, match="leave out either"):
        Selection(mixture, groups=["hard"])
    assert list(tmp_path.iterdir()) == []


def test_a_count_that_is_not_the_manifests_is_an_error(small, tmp_path, sign_again):
    shutil.copytree(small, tmp_path / "s")

    def claim_more(raw):
        raw["groups"]["web"]["supervised_tokens"] += 1
        return raw

    sign_again(tmp_path / "s", claim_more)
    with pytest.raises(DataError, match="18 supervised tokens came out where 19 were said to be there"):
        export(tmp_path / "s", tmp_path / "out", "arrow")
    assert [path.name for path in tmp_path.iterdir()] == ["s"]


def test_labels_that_lie_are_an_error(small, tmp_path):
    shutil.copytree(small, tmp_path / "s")
    path = tmp_path / "s" / "hard-0.arrow"
    path.write_bytes(path.read_bytes().replace(b"problems", b"\xff" * 8, 1))
    with pytest.raises(DataError, match=r"hard-0\.arrow: the labels of a row are broken"):
        export(tmp_path / "s", tmp_path / "out", "parquet")


def test_an_earlier_export_is_replaced_and_nothing_else_is(small, tmp_path):
    export(small, tmp_path / "out", "megatron")
    export(small, tmp_path / "out", "datatrove")
    assert not list((tmp_path / "out").glob("*.bin"))
    (tmp_path / "out" / "notes.txt").write_text("mine")
    with pytest.raises(OperationError, match=r"out holds notes.txt, which is of no export"):
        export(small, tmp_path / "out", "megatron")
    assert (tmp_path / "out" / "web_00000_unshuffled.ds").exists()
    for record in ("[]", "{", '{"format": "mathmill-export"}', '{"format": "mathmill-export", "files": 3}'):
        folder = tmp_path / "other"
        folder.mkdir(exist_ok=True)
        (folder / "export.json").write_text(record)
        (folder / "weights.bin").write_bytes(b"mine")
        with pytest.raises(OperationError, match="which is of no export"):
            export(small, folder, "megatron")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OperationError, match="is a file"):
        export(small, tmp_path / "file", "megatron")
    (tmp_path / "empty").mkdir()
    assert export(small, tmp_path / "empty", "arrow")["counts"]["rows"] == 4
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_killed_export_leaves_nothing_that_looks_complete_and_the_next_starts_over(shards, tmp_path):
    script = f"""
import os, signal
from mathmill.tokenize.export import export
def progress(done, total):
    if done * 2 > total:
        os.kill(os.getpid(), signal.SIGKILL)
export({str(shards)!r}, {str(tmp_path / "out")!r}, "megatron", part_tokens=500, progress=progress)
"""
    killed = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True)
    assert killed.returncode == -9, killed.stderr
    assert not (tmp_path / "out").exists()
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert left  # the kill came while it was writing
    export(shards, tmp_path / "out", "megatron")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert sorted(path.name for path in (tmp_path / "out").glob("*.bin")) == ["general-00000.bin", "hard-00000.bin"]


def test_two_exports_at_once_into_one_folder_are_told_apart(small, tmp_path):
    def again(done, total):
        with pytest.raises(OperationError, match="written by another export"):
            export(small, tmp_path / "out", "datatrove")

    export(small, tmp_path / "out", "megatron", progress=again)
    assert (tmp_path / "out" / "web-00000.bin").exists()


@pytest.mark.parametrize("to", ["megatron", "arrow", "parquet", "datatrove"])
def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path, encoded_table, write_folder, mount, to, capfd):
    tokens = np.random.default_rng(0).integers(0, 1000, 400_000).tolist()
    records = [{"tokens": tokens[i : i + 4000], "cuts": []} for i in range(0, len(tokens), 4000)]
    write_folder(tmp_path / "s", {"web": [encoded_table(records)]}, seq_len=4096)
    disk = mount("size=256k")
    with pytest.raises(OperationError, match=r"the disk is full; free some space and run again, it starts over$"):
        export(tmp_path / "s", disk / "out", to)
    assert os.listdir(disk) == []
    assert capfd.readouterr().err == ""


def test_impossible_requests_are_refused(small, tmp_path):
    for arguments, message in [
        ({"to": "mds"}, "no export to 'mds'; there are megatron, arrow"),
        ({"to": "megatron", "columns": ["position_ids"]}, "has no further columns"),
        ({"to": "arrow", "columns": ["labels"]}, "no column 'labels' to add; there are position_ids, attention_mask"),
        ({"to": "verl"}, "needs texts"),
    ]:
        with pytest.raises(ConfigError, match=message):
            export(small, tmp_path / "out", **arguments)
    with pytest.raises(ConfigError, match=r"name the folder with its manifest\.json"):
        export(small / "web-0", tmp_path / "out", "megatron")
    assert list(tmp_path.iterdir()) == []
