import errno
import json
from typing import get_args

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mathmill.core.config import file_digest
from mathmill.core.errors import DataError, OperationError
from mathmill.tokenize.manifest import CutCounts, LabelCounts, Tokenizer, load, parse
from mathmill.tokenize.megatron_index import read_index
from mathmill.tokenize.packing import Strategy
from mathmill.tokenize.shards import shard_paths, write_shard
from mathmill.tokenize.store import LABELS

STRATEGIES = get_args(Strategy)


def read_back(prefix, seq_len, dtype):
    paths = shard_paths(prefix)
    rows = np.fromfile(paths[".bin"], dtype).reshape(-1, seq_len)
    return rows, pa.ipc.open_file(str(paths[".arrow"])).read_all().to_pylist()


THREE = [
    {"tokens": [1, 2, 3], "loss": [(1, 3)], "lang": "en"},
    {"tokens": [10, 11, 12, 13, 14, 15, 16, 17, 18, 19], "cuts": [(2, 2), (6, 0)], "answer": (8, 9), "loss": [(4, 10)]},
    {"tokens": [21, 22], "weight": 0.5, "corpus": "problems", "difficulty": "hard"},
]


def test_three_records_are_written_exactly_so(tmp_path, encoded_table):
    info = write_shard(tmp_path / "a", encoded_table(THREE), seq_len=8, vocab_size=1000, pad_id=999)
    rows, listed = read_back(tmp_path / "a", 8, np.uint16)
    assert rows.tolist() == [[10, 11, 12, 13, 14, 15, 21, 22], [1, 2, 3, 16, 17, 18, 19, 999]]
    assert [(row["n_tokens"], row["n_supervised"]) for row in listed] == [(8, 4), (7, 6)]
    first, short = listed[0]["segments"]
    whole, second = listed[1]["segments"]
    assert [segment["record_id"] for segment in (first, short, whole, second)] == [
        "record-1", "record-2", "record-0", "record-1",
    ]  # fmt: skip
    assert (first["start"], first["length"], first["part"], first["n_parts"]) == (0, 6, 0, 2)
    assert (second["start"], second["length"], second["part"], second["n_parts"]) == (3, 4, 1, 2)
    assert first["cuts"] == [{"offset": 2, "rank": 2}]
    assert second["cuts"] == [{"offset": 0, "rank": 0}]
    assert (first["answer"], second["answer"]) == (None, {"start": 2, "end": 3})
    assert first["loss_spans"] == [{"start": 4, "end": 6, "weight": 1.0}]
    assert second["loss_spans"] == [{"start": 0, "end": 4, "weight": 1.0}]
    assert (short["corpus"], short["difficulty"], short["weight"]) == ("problems", "hard", 0.5)
    assert (info.rows, info.tokens, info.supervised_tokens, info.segments) == (2, 15, 10, 4)
    assert info.utilisation == round(15 / 16, 6)
    assert info.cuts == CutCounts(records=3, records_cut=1, cuts_at_paragraph=1, answers=1)


def test_the_index_lists_segments_by_record_and_points_past_padding(tmp_path, encoded_table):
    write_shard(tmp_path / "a", encoded_table(THREE), seq_len=8, vocab_size=1000, pad_id=999)
    index = read_index(tmp_path / "a.idx")
    assert index.dtype == np.uint16
    assert index.lengths.tolist() == [3, 6, 4, 2]
    assert index.pointers.tolist() == [16, 0, 22, 12]
    assert index.document_indices.tolist() == [0, 1, 3, 4]


def test_counts_by_label_are_of_records_and_tokens(tmp_path, encoded_table):
    info = write_shard(tmp_path / "a", encoded_table(THREE), seq_len=8, vocab_size=1000, pad_id=999)
    assert info.counts["corpus"] == {
        "documents": LabelCounts(records=2, tokens=13, supervised_tokens=8),
        "problems": LabelCounts(records=1, tokens=2, supervised_tokens=2),
    }
    assert info.counts["lang"]["en"] == LabelCounts(records=1, tokens=3, supervised_tokens=2)
    assert info.counts["lang"]["(none)"] == LabelCounts(records=2, tokens=12, supervised_tokens=8)
    assert set(info.counts) == {field.name for field in LABELS if field.type == pa.string()}


def test_every_label_and_id_comes_through(tmp_path, random_encoded):
    table = random_encoded(5, 30)
    write_shard(tmp_path / "a", table, seq_len=16, vocab_size=1000, pad_id=0)
    _, listed = read_back(tmp_path / "a", 16, np.uint16)
    by_id = {row["record_id"]: row for row in table.to_pylist()}
    names = ["doc_id", "weight", *(field.name for field in LABELS)]
    for row in listed:
        for segment in row["segments"]:
            assert {name: segment[name] for name in names} == {
                name: by_id[segment["record_id"]][name] for name in names
            }


def test_a_large_vocabulary_is_stored_as_int32(tmp_path, encoded_table):
    table = encoded_table([{"tokens": [65_499, 151_642]}], vocab_size=151_643)
    write_shard(tmp_path / "a", table, seq_len=4, vocab_size=151_643, pad_id=151_642)
    assert read_back(tmp_path / "a", 4, np.int32)[0].tolist() == [[65_499, 151_642, 151_642, 151_642]]


@pytest.mark.parametrize(
    ("vocab_size", "dtype"), [(65_499, np.uint16), (65_500, np.int32), (65_537, np.int32), (2**31, np.int32)]
)
def test_the_last_ids_of_a_vocabulary_come_through(tmp_path, encoded_table, vocab_size, dtype):
    table = encoded_table([{"tokens": [0, vocab_size - 1]}], vocab_size=vocab_size)
    write_shard(tmp_path / "a", table, seq_len=3, vocab_size=vocab_size, pad_id=vocab_size - 1)
    assert read_back(tmp_path / "a", 3, dtype)[0].tolist() == [[0, vocab_size - 1, vocab_size - 1]]


@pytest.mark.parametrize(("vocab_size", "token"), [(65_499, 65_499), (65_499, 65_535), (65_500, -1), (65_500, 65_500)])
def test_ids_beyond_the_vocabulary_are_an_error_whatever_their_type(tmp_path, encoded_table, vocab_size, token):
    table = encoded_table([{"tokens": [0, token]}], vocab_size=vocab_size)
    with pytest.raises(DataError, match=f"ids outside of its vocabulary of {vocab_size}"):
        write_shard(tmp_path / "a", table, seq_len=3, vocab_size=vocab_size, pad_id=0)


def test_offsets_that_point_outside_of_the_tokens_are_an_error(tmp_path, encoded_table):
    table = encoded_table(THREE)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    good, bad = (np.array([0, 3, 13, last], np.int64).tobytes() for last in (15, 10**9))
    batch = pa.ipc.open_stream(sink.getvalue().to_pybytes().replace(good, bad)).read_next_batch()
    with pytest.raises(DataError, match="the token store is broken"):
        write_shard(tmp_path / "a", [batch], seq_len=8, vocab_size=1000, pad_id=0)


@pytest.mark.parametrize(("rows_in_buffer", "packing"), [(1, STRATEGIES[0]), (3, STRATEGIES[1]), (1000, STRATEGIES[2])])
def test_batches_slices_and_buffers_change_no_byte(tmp_path, random_encoded, monkeypatch, rows_in_buffer, packing):
    table = random_encoded(1, 60)
    settings_ = {"seq_len": 16, "vocab_size": 1000, "pad_id": 0, "packing": packing}
    expected = write_shard(tmp_path / "a", table, **settings_)
    monkeypatch.setattr("mathmill.tokenize.shards._BUFFER_BYTES", rows_in_buffer * 32)
    batches = [batch.slice(0, 0) for batch in table.to_batches()] + table.to_batches(max_chunksize=7)
    doubled = pa.concat_tables([random_encoded(2, 5), table]).combine_chunks().slice(5)
    for given_ in (iter(batches), [table.slice(0, 33), table.slice(33)], doubled):
        assert write_shard(tmp_path / "b", given_, **settings_).files == expected.files


@settings(derandomize=True, max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10_000), st.integers(1, 70), st.integers(1, 40), st.sampled_from(STRATEGIES))
def test_segments_give_back_every_record_with_its_marks(tmp_path, random_encoded, seed, seq_len, n_records, packing):
    table = random_encoded(seed, n_records)
    info = write_shard(tmp_path / "a", table, seq_len=seq_len, vocab_size=1000, pad_id=0, packing=packing)
    rows, listed = read_back(tmp_path / "a", seq_len, np.uint16)
    parts = {}
    for tokens, row in zip(rows, listed, strict=True):
        assert row["n_tokens"] == sum(segment["length"] for segment in row["segments"])
        assert not tokens[row["n_tokens"] :].any()
        for segment in row["segments"]:
            run = tokens[segment["start"] : segment["start"] + segment["length"]].tolist()
            parts.setdefault(segment["record_id"], {})[segment["part"]] = (run, segment)
    assert info.rows == len(rows)
    for record in table.to_pylist():
        found = [parts[record["record_id"]][part] for part in range(len(parts[record["record_id"]]))]
        assert [token for run, _ in found for token in run] == record["tokens"]
        assert {segment["n_parts"] for _, segment in found} == {len(found)}
        supervised, answer, cuts, start = set(), set(), [], 0
        for run, segment in found:
            for span in segment["loss_spans"]:
                supervised |= set(range(start + span["start"], start + span["end"]))
            if segment["answer"]:
                answer |= set(range(start + segment["answer"]["start"], start + segment["answer"]["end"]))
            cuts += [(start + mark["offset"], mark["rank"]) for mark in segment["cuts"]]
            start += len(run)
        assert supervised == {t for span in record["loss_spans"] for t in range(span["start"], span["end"])}
        assert answer == (set(range(record["answer"]["start"], record["answer"]["end"])) if record["answer"] else set())
        assert cuts == [(c["offset"], c["rank"]) for c in record["cuts"] if c["offset"] < len(record["tokens"])]


def test_concatenated_records_go_on_in_the_next_row_and_the_cost_is_counted(tmp_path, encoded_table):
    table = encoded_table(THREE)
    settings_ = {"seq_len": 8, "vocab_size": 1000, "pad_id": 999, "packing": "concatenate-and-split"}
    info = write_shard(tmp_path / "a", table, **settings_)
    rows, _ = read_back(tmp_path / "a", 8, np.uint16)
    assert rows.tolist() == [[1, 2, 3, 10, 11, 12, 13, 14], [15, 16, 17, 18, 19, 21, 22, 999]]
    assert info.cuts == CutCounts(records=3, records_cut=1, hard_cuts=1, answers=1)
    wide = [THREE[1] | {"answer": (7, 10)}]
    info = write_shard(tmp_path / "a", encoded_table(wide), **settings_)
    assert info.cuts == CutCounts(records=1, records_cut=1, hard_cuts=1, answers=1, answers_truncated=1)
    assert info.answer_truncation == 1.0


def test_many_rows_go_into_several_record_batches(tmp_path, encoded_table):
    table = encoded_table([{"tokens": [number % 1000]} for number in range(5000)])
    info = write_shard(tmp_path / "a", table, seq_len=1, vocab_size=1000, pad_id=0)
    file = pa.ipc.open_file(str(tmp_path / "a.arrow"))
    assert [file.get_batch(i).num_rows for i in range(file.num_record_batches)] == [4096, 904]
    assert (info.rows, info.utilisation) == (5000, 1.0)


def test_checksums_and_sizes_are_those_of_the_files(tmp_path, encoded_table):
    info = write_shard(tmp_path / "a", encoded_table(THREE), seq_len=8, vocab_size=1000, pad_id=0, name="x/a")
    assert info.name == "x/a"
    for suffix, path in shard_paths(tmp_path / "a").items():
        assert (info.files[suffix].bytes, info.files[suffix].checksum) == (path.stat().st_size, file_digest(path))


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"tokens": []}, "record-0 has no tokens"),
        ({"tokens": [1, 2], "cuts": [(3, 0)]}, "marks that do not fit"),
        ({"tokens": [1, 2], "cuts": [(2, 0), (1, 0)]}, "marks that do not fit"),
        ({"tokens": [1, 2], "cuts": [(1, 4)]}, "marks that do not fit"),
        ({"tokens": [1, 2], "loss": [(0, 3)]}, "marks that do not fit"),
        ({"tokens": [1, 2], "loss": [(1, 2), (0, 1)]}, "marks that do not fit"),
        ({"tokens": [1, 2], "answer": (1, 3)}, "marks that do not fit"),
        ({"tokens": [1, 2], "answer": (-1, 1)}, "marks that do not fit"),
        (
            {"tokens": [1, 2], "loss": [(0, 1, float("nan"))]},
            "record-0 has a loss weight that is not finite and above 0",
        ),
        ({"tokens": [1, 2], "loss": [(0, 1, float("inf"))]}, "loss weight"),
        ({"tokens": [1, 2], "loss": [(0, 1, 0.0)]}, "loss weight"),
        ({"tokens": [1, 2], "loss": [(0, 1, -1.0)]}, "loss weight"),
        ({"tokens": [1, 2], "weight": 0.0}, "loss weight"),
        ({"tokens": [1, 2], "weight": float("nan"), "loss": []}, "loss weight"),
        ({"tokens": [1, 2], "weight": 1e30, "loss": [(0, 1, 1e30)]}, "loss weight"),
        ({"tokens": [1, 2], "weight": 1e-30, "loss": [(0, 1, 1e-30)]}, "loss weight"),
        ({"tokens": [1, 1000]}, "ids outside of its vocabulary of 1000"),
    ],
)
def test_a_record_that_contradicts_itself_is_an_error(tmp_path, encoded_table, record, message):
    with pytest.raises(DataError, match=message):
        write_shard(tmp_path / "a", encoded_table([record]), seq_len=8, vocab_size=1000, pad_id=0)


def test_records_of_another_schema_are_an_error(tmp_path, encoded_table):
    table = encoded_table(THREE)
    with pytest.raises(DataError, match="no column 'cuts'"):
        write_shard(tmp_path / "a", table.drop_columns(["cuts"]), seq_len=8, vocab_size=1000, pad_id=0)
    with pytest.raises(DataError, match=r"tokens as large_list.*uint16.*needs large_list.*int32"):
        write_shard(tmp_path / "a", table, seq_len=8, vocab_size=100_000, pad_id=0)
    with pytest.raises(DataError, match="no records to pack"):
        write_shard(tmp_path / "a", table.slice(0, 0), seq_len=8, vocab_size=1000, pad_id=0)
    with pytest.raises(ValueError, match="row length must be from 1 to 134,217,728 tokens, not 0"):
        write_shard(tmp_path / "a", table, seq_len=0, vocab_size=1000, pad_id=0)
    with pytest.raises(ValueError, match="pad_id 1000"):
        write_shard(tmp_path / "a", table, seq_len=8, vocab_size=1000, pad_id=1000)


def test_a_full_disk_is_one_clear_sentence(tmp_path, encoded_table, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("mathmill.tokenize.shards._write_tokens", full)
    with pytest.raises(OperationError, match="the disk is full"):
        write_shard(tmp_path / "a", encoded_table(THREE), seq_len=8, vocab_size=1000, pad_id=0)


def test_a_manifest_adds_up_its_groups_and_survives_json(tmp_path, random_encoded, write_folder):
    manifest = write_folder(tmp_path / "s", {"a": [random_encoded(1, 9), random_encoded(2, 9)], "b": [], "c": []})
    assert manifest == load(tmp_path / "s") == load(tmp_path / "s" / "manifest.json")
    shards = manifest.shards()
    assert manifest.rows == manifest.groups["a"].rows == shards[0].rows + shards[1].rows
    assert manifest.tokens == sum(shard.tokens for shard in shards)
    assert manifest.counts["corpus"]["problems"].records == 8
    assert manifest.cuts.records == 18
    assert manifest.answer_truncation == round(manifest.cuts.answers_truncated / manifest.cuts.answers, 6)
    assert (manifest.groups["b"].rows, manifest.groups["b"].utilisation) == (0, 0.0)
    assert (manifest.dtype, manifest.packing) == ("uint16", "best-fit-decreasing")
    assert "eos ends a document, not a cut" in manifest.rule


def test_the_digest_of_a_manifest_covers_everything_in_it(tmp_path, random_encoded, write_folder):
    manifest = write_folder(tmp_path / "s", {"a": [random_encoded(1, 9)]})
    assert manifest.compute_digest() == manifest.digest
    changed = manifest.model_copy(update={"tokenizer": Tokenizer(name="other", checksum="0" * 32)})
    assert changed.compute_digest() != manifest.digest


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda raw: raw | {"version": 1}, "made by an earlier version of mathmill; pack it again"),
        (lambda raw: raw | {"version": 3}, "format version 3, but this mathmill reads version 2"),
        (lambda raw: raw | {"version": "1"}, "format version '1', but"),
        (lambda raw: raw | {"format": "other"}, "not a manifest of token shards"),
        (lambda raw: raw | {"seq_len": 0}, "seq_len: "),
        (lambda raw: raw | {"seq_len": "16"}, "seq_len: "),
        (lambda raw: raw | {"packing": "worst-fit"}, "packing: "),
        (lambda raw: raw | {"surprise": 1}, "surprise: "),
        (lambda raw: raw | {"dtype": "int32"}, "a vocabulary of 1000 is not stored as int32"),
        (lambda raw: raw["groups"]["a"]["shards"].append(raw["groups"]["a"]["shards"][0]) or raw, "same name"),
        (lambda raw: raw["groups"]["a"]["shards"][0]["files"].pop(".idx") and raw, "needs the files"),
    ],
)
def test_a_manifest_that_cannot_be_true_is_one_clear_sentence(tmp_path, random_encoded, write_folder, change, message):
    manifest = write_folder(tmp_path / "s", {"a": [random_encoded(1, 9)]})
    changed = change(manifest.model_dump(mode="json"))
    with pytest.raises(DataError, match=message):
        parse(as_json(changed), "manifest.json")


@pytest.mark.parametrize(
    "name", ["../a", "/etc/passwd", "a/../../b", "", ".", "a//b", "C:a", "a\\b", "a\x00b", "a/", "a\nb"]
)
def test_a_shard_outside_of_the_folder_is_refused(tmp_path, random_encoded, write_folder, name):
    raw = write_folder(tmp_path / "s", {"a": [random_encoded(1, 9)]}).model_dump(mode="json")
    raw["groups"]["a"]["shards"][0]["name"] = name
    with pytest.raises(DataError, match="not a relative path inside the folder"):
        parse(as_json(raw), "manifest.json")


@pytest.mark.parametrize("data", [b"", b"{", b"[1]", b"\xff\xfe", b"[" * 100_000])
def test_a_manifest_that_is_no_json_is_one_clear_sentence(data):
    with pytest.raises(DataError, match=r"m\.json: not a manifest"):
        parse(data, "m.json")


def test_a_missing_manifest_is_one_clear_sentence(tmp_path):
    with pytest.raises(DataError, match="no manifest to read"):
        load(tmp_path)


def as_json(raw):
    return json.dumps(raw).encode()
