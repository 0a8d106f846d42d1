import copy as copy_module
import os
import shutil
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

from mathmill.core.errors import DataError
from mathmill.tokenize.manifest import FILE_NAME, Manifest, load
from mathmill.tokenize.reader import Row, Segment, ShardReader
from mathmill.tokenize.shards import write_shard

RECORDS = [
    {"tokens": [1, 2, 3], "loss": [(1, 2, 8.0), (2, 3)], "lang": "en", "weight": 0.25},
    {"tokens": [10, 11, 12, 13, 14, 15, 16, 17, 18, 19], "cuts": [(6, 0)], "answer": (8, 9), "loss": [(4, 10)]},
    {"tokens": [21, 22], "corpus": "problems", "difficulty": "hard", "loss": []},
]


@pytest.fixture(scope="module")
def small(tmp_path_factory, encoded_table):
    prefix = tmp_path_factory.mktemp("small") / "a"
    write_shard(prefix, encoded_table(RECORDS), seq_len=8, vocab_size=1000, pad_id=999)
    return ShardReader(prefix)


@pytest.fixture
def copy(shards, tmp_path):
    return shutil.copytree(shards, tmp_path / "copy")


def all_rows(folder):
    manifest = load(folder)
    files = [folder / f"{shard.name}.bin" for shard in manifest.shards()]
    return np.concatenate([np.fromfile(file, np.uint16).reshape(-1, manifest.seq_len) for file in files])


def test_a_row_tells_everything_about_its_tokens(small):
    row = small[1]
    assert isinstance(row, Row)
    assert row.tokens.tolist() == [1, 2, 3, 16, 17, 18, 19, 999]
    assert row.n_tokens == 7
    assert row.segments == (
        Segment(0, 3, "record-0", "doc-0", 0, 1, 0.25, None, ((1, 2, 8.0), (2, 3, 1.0))),
        Segment(3, 4, "record-1", "doc-1", 1, 2, 1.0, (5, 6), ((3, 7, 1.0),)),
    )
    assert row.loss_mask.tolist() == [False, True, True, True, True, True, True, False]
    assert row.weights.tolist() == [0, 2, 0.25, 1, 1, 1, 1, 0]
    assert (row.labels[0]["lang"], row.labels[0]["corpus"], row.labels[0]["license"]) == ("en", "documents", None)
    assert len(row.labels) == 2
    assert not row.tokens.flags.writeable


def test_a_segment_without_loss_spans_is_not_learned(small):
    row = small[0]
    assert row.tokens.tolist() == [10, 11, 12, 13, 14, 15, 21, 22]
    assert row.loss_mask.tolist() == [False] * 4 + [True, True, False, False]
    assert row.labels[1]["difficulty"] == "hard"


def test_segment_boundaries_are_what_variable_length_attention_needs(small):
    assert small.cu_seqlens(0).tolist() == [0, 6, 8]
    assert small.cu_seqlens(1).tolist() == [0, 3, 7]
    assert small.cu_seqlens(1).dtype == np.int32


def test_masks_and_weights_of_several_rows_come_in_the_order_asked_for(small):
    assert small.loss_mask([1, 0, 1]).tolist() == [small[i].loss_mask.tolist() for i in (1, 0, 1)]
    assert small.loss_weights([1, 0]).tolist() == [small[i].weights.tolist() for i in (1, 0)]
    assert small.loss_mask([]).shape == (0, 8)


def test_row_tokens_leave_padding_out(small, shards):
    assert small.row_tokens.tolist() == [8, 7]
    reader = ShardReader(shards)
    assert reader.row_tokens.sum() == reader.manifest.tokens
    assert reader.row_tokens.dtype == np.int32


@pytest.mark.parametrize("given", ["", ".bin", ".idx", ".arrow"])
def test_a_shard_opens_without_its_manifest(shards, given):
    reader = ShardReader(f"{shards}/hard-0{given}")
    assert reader.manifest is None
    assert (reader.gather(range(len(reader))) == np.fromfile(shards / "hard-0.bin", np.uint16).reshape(-1, 16)).all()
    assert reader.groups == {"hard-0": range(len(reader))}


def test_rows_of_all_shards_are_numbered_in_the_manifests_order(shards):
    expected = all_rows(shards)
    for path in (shards, str(shards), shards / FILE_NAME):
        reader = ShardReader(path)
        assert len(reader) == len(expected)
        assert (reader.gather(np.arange(len(reader))) == expected).all()
    general, hard = reader.manifest.groups["general"].rows, reader.manifest.groups["hard"].rows
    assert reader.groups == {"general": range(general), "hard": range(general, general + hard)}
    assert reader.seq_len == 16


def test_gather_gives_rows_of_several_shards_in_the_order_asked_for(shards):
    expected = all_rows(shards)
    reader = ShardReader(shards)
    indices = np.random.default_rng(0).integers(-len(expected), len(expected), 500)
    gathered = reader.gather(indices)
    assert gathered.dtype == np.uint16
    assert (gathered == expected[indices]).all()
    assert reader.gather([]).shape == (0, 16)
    for number in (-1, 3, np.int32(5)):
        assert (reader[number].tokens == expected[number]).all()
    assert [row.n_tokens for row in reader] == reader.row_tokens.tolist()


@pytest.mark.parametrize("wrong", [10_000, -10_000])
def test_a_row_that_is_not_there_is_an_index_error(shards, wrong):
    reader = ShardReader(shards)
    asks = reader.__getitem__, reader.cu_seqlens, lambda i: reader.gather([0, i]), lambda i: reader.loss_mask([i])
    for ask in asks:
        with pytest.raises(IndexError, match="is not among"):
            ask(wrong)
    with pytest.raises(TypeError):
        reader.gather([0.5])
    with pytest.raises(TypeError):
        reader.gather([[0]])


def test_int32_rows_come_as_int32(tmp_path, random_encoded, write_folder):
    table = random_encoded(1, 20, 100_000)
    write_folder(tmp_path / "s", {"a": [table]}, vocab_size=100_000)
    reader = ShardReader(tmp_path / "s")
    assert reader.dtype == reader.gather([0]).dtype == np.int32
    rows = {tuple(row.tokens[s.start : s.start + s.length].tolist()) for row in reader for s in row.segments}
    assert sum(map(len, rows)) == sum(map(len, table.column("tokens").to_pylist()))


def test_rows_beyond_the_first_record_batch_are_found(tmp_path, encoded_table):
    table = encoded_table([{"tokens": [number % 1000], "loss": [(0, number % 2)]} for number in range(5000)])
    write_shard(tmp_path / "a", table, seq_len=1, vocab_size=1000, pad_id=0)
    reader = ShardReader(tmp_path / "a")
    assert len(reader) == 5000
    assert reader.loss_mask([4095, 4096, 4097]).tolist() == [[True], [False], [True]]
    assert reader[4999].segments[0].record_id == "record-4999"
    assert len(reader.row_tokens) == 5000


def test_rows_beyond_two_to_the_31_bytes_are_read_from_their_place(tmp_path, copy):
    """A sparse file of 17 GB: nothing but the asked rows is touched."""
    rows, seq_len = 2**20, 4096
    raw = load(copy).model_dump(mode="json")
    info = raw["groups"]["hard"]["shards"][0] | {"rows": rows, "name": "sparse"}
    raw |= {"vocab_size": 100_000, "dtype": "int32", "seq_len": seq_len}
    raw["groups"] = {"hard": raw["groups"]["hard"] | {"shards": [info], "rows": rows}}
    (copy / FILE_NAME).write_bytes(Manifest.model_validate(raw).to_json())
    with open(copy / "sparse.bin", "wb") as file:
        file.truncate(rows * seq_len * 4)
        for row in (2**19, rows - 1):
            file.seek(row * seq_len * 4)
            file.write(np.array([row, 7], np.int32).tobytes())
    assert os.stat(copy / "sparse.bin").st_blocks * 512 < 2**20
    reader = ShardReader(copy)
    assert reader.gather([rows - 1, 1, 2**19, -1])[:, :2].tolist() == [[rows - 1, 7], [0, 0], [2**19, 7], [rows - 1, 7]]


READ_MANY = """
import sys, numpy as np
from mathmill.tokenize.reader import ShardReader
reader, rng = ShardReader(sys.argv[1]), np.random.default_rng(0)
def mapped():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("RssFile"))
for count in (4_000, 36_000):
    for _ in range(count // 500):
        reader.gather(rng.integers(0, len(reader), 500))
    print(mapped())
"""


def test_memory_stays_flat_over_random_rows_of_256_gib(copy):
    """Without giving pages back, 36,000 rows would hold another 280 MB or more."""
    rows, seq_len, count = 2**19, 4096, 64
    raw = load(copy).model_dump(mode="json")
    info = raw["groups"]["hard"]["shards"][0] | {"rows": rows}
    infos = [info | {"name": f"sparse-{number}"} for number in range(count)]
    raw["seq_len"] = seq_len
    raw["groups"] = {"hard": raw["groups"]["hard"] | {"shards": infos, "rows": rows * count}}
    (copy / FILE_NAME).write_bytes(Manifest.model_validate(raw).to_json())
    for each in infos:
        with open(copy / f"{each['name']}.bin", "wb") as file:
            file.truncate(rows * seq_len * 2)
    done = subprocess.run([sys.executable, "-c", READ_MANY, copy], capture_output=True, text=True, check=True)
    before, after = map(int, done.stdout.split())
    assert after - before < 64 << 10  # kB


def test_opening_many_shards_touches_none_of_them(copy):
    for path in copy.glob("*-*"):
        path.unlink()
    reader = ShardReader(copy)
    assert len(reader) == reader.manifest.rows
    with pytest.raises(DataError, match=r"general-0\.bin: cannot be read"):
        reader.gather([0])
    with pytest.raises(DataError, match=r"general-0\.arrow: cannot be read"):
        reader.loss_mask([0])


def test_a_reader_in_use_can_be_copied_to_another_process(shards):
    reader = ShardReader(shards)
    reader.gather([0])
    reader.loss_mask([0])
    again = copy_module.copy(reader)
    assert (again.gather([5, 1]) == reader.gather([5, 1])).all()


def test_reading_needs_no_torch():
    code = "import sys, mathmill.tokenize.reader; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("change", [-1, 1, -32])
def test_a_token_file_of_the_wrong_size_is_an_error(copy, change):
    path = copy / "general-1.bin"
    os.truncate(path, path.stat().st_size + change)
    reader = ShardReader(copy)
    reader.gather([0])
    with pytest.raises(DataError, match=r"general-1\.bin: .* bytes, but .* rows of 16 tokens are"):
        reader.gather([reader.manifest.groups["general"].shards[0].rows])


def test_segments_of_another_shard_are_an_error(copy, sign_again):
    shutil.copy(copy / "hard-0.arrow", copy / "general-0.arrow")
    shards = load(copy).shards()
    assert shards[0].rows != shards[2].rows
    reader = ShardReader(copy)
    for ask in (reader.targets, reader.loss_mask, reader.cu_seqlens):
        with pytest.raises(DataError, match=r"general-0\.arrow: [\d,]+ bytes, but the manifest says"):
            ask(0 if ask == reader.cu_seqlens else [0])
    sign_again(copy)
    with pytest.raises(DataError, match="record batch 0 has"):
        ShardReader(copy).loss_mask([0])


@pytest.mark.parametrize(
    ("name", "value"), [("pad_id", 1), ("vocab_size", 1001), ("seq_len", 8)], ids=["pad_id", "vocab_size", "seq_len"]
)
def test_a_manifest_with_other_settings_than_the_shards_is_an_error(copy, sign_again, name, value):
    was = getattr(load(copy), name)
    sign_again(copy, lambda raw: raw | {name: value})
    said = f"general-0.arrow: packed with the {name} {was}, but the manifest says {value}"
    with pytest.raises(DataError, match=said):
        ShardReader(copy).targets([0])


@pytest.mark.parametrize("suffix", [".bin", ".arrow"])
def test_a_named_pipe_is_an_error_and_not_waited_for(copy, suffix):
    path = copy / f"general-0{suffix}"
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(DataError, match=rf"general-0\{suffix}: not a regular file"):
        ShardReader(copy).gather([0]) if suffix == ".bin" else ShardReader(copy).targets([0])


def test_a_path_that_is_no_shard_is_an_error(tmp_path):
    with pytest.raises(DataError, match="neither a folder"):
        ShardReader(tmp_path / "nothing")
    with pytest.raises(DataError, match="no manifest"):
        ShardReader(tmp_path)


def test_files_of_an_earlier_version_are_told_to_be_packed_again(copy):
    manifest = copy / FILE_NAME
    manifest.write_bytes(manifest.read_bytes().replace(b'"version": 2', b'"version": 1'))
    with pytest.raises(DataError, match=r"manifest\.json: made by an earlier version of mathmill; pack it again$"):
        ShardReader(copy)
    arrow = copy / "hard-0.arrow"
    table = pa.ipc.open_file(str(arrow)).read_all()
    table = table.replace_schema_metadata(table.schema.metadata | {b"version": b"1"})
    arrow.unlink()
    with pa.OSFile(str(arrow), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(DataError, match=r"hard-0\.arrow: made by an earlier version of mathmill; pack it again$"):
        ShardReader(copy / "hard-0.bin")


def test_an_arrow_file_of_another_kind_is_an_error(tmp_path, copy, sign_again):
    with pa.OSFile(str(copy / "hard-0.arrow"), "wb") as sink:
        pa.ipc.new_file(sink, pa.schema([("x", pa.int32())])).close()
    with pytest.raises(DataError, match="not the segments of a shard"):
        ShardReader(copy / "hard-0.bin")
    sign_again(copy)
    with pytest.raises(DataError, match="not those of a shard of format version 2"):
        ShardReader(copy).loss_mask([-1])


def lying_rows(copy, change):
    """Rewrite an .arrow file with a change to its rows as Python objects."""
    path = copy / "hard-0.arrow"
    with pa.OSFile(str(path)) as source:
        table = pa.ipc.open_file(source).read_all()
    rows = table.to_pylist()
    change(rows)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(pa.Table.from_pylist(rows, schema=table.schema))


LIES = [
    lambda rows: rows[0]["segments"][0].update(start=1),
    lambda rows: rows[0]["segments"][0].update(length=17),
    lambda rows: rows[0]["segments"][0].update(length=-1),
    lambda rows: rows[0]["segments"][0].update(loss_spans=[{"start": 0, "end": 1_000_000, "weight": 1.0}]),
    lambda rows: rows[0]["segments"][0].update(loss_spans=[{"start": -1_000_000, "end": 1, "weight": 1.0}]),
    lambda rows: rows[0]["segments"][0].update(loss_spans=[{"start": 0, "end": 1, "weight": float("inf")}]),
    lambda rows: rows[0]["segments"][0].update(weight=-1.0),
    lambda rows: rows[0].update(n_tokens=17),
    lambda rows: rows[0].update(n_supervised=17),
    lambda rows: rows[0].update(segments=[]),
]
LIES_ABOUT_CUTS = [
    lambda rows: rows[0]["segments"][0].update(cuts=[{"offset": 0, "rank": 100}]),
    lambda rows: rows[0]["segments"][0].update(cuts=[{"offset": 99, "rank": 0}]),
    lambda rows: rows[0]["segments"][0].update(answer={"start": 0, "end": 99}),
]


@pytest.mark.parametrize("change", LIES + LIES_ABOUT_CUTS)
def test_segments_that_do_not_fit_their_row_are_an_error(copy, sign_again, change):
    lying_rows(copy, change)
    sign_again(copy)
    with pytest.raises(DataError, match="the segments of row 0 of a record batch do not fit"):
        ShardReader(copy)[-1]


@pytest.mark.parametrize("change", LIES)
def test_training_meets_an_error_where_the_row_itself_does_not_fit(copy, sign_again, change):
    lying_rows(copy, change)
    sign_again(copy)
    reader = ShardReader(copy)
    first = reader.groups["hard"].start
    for ask in (reader.targets, reader.loss_weights, reader.loss_mask):
        with pytest.raises(DataError, match=r"hard-0\.arrow: the segments of row 0 do not fit its tokens"):
            ask([first + 1, first])
        ask([first + 1])


def test_a_compressed_arrow_file_is_an_error(copy, sign_again):
    path = copy / "hard-0.arrow"
    table = pa.ipc.open_file(pa.BufferReader(path.read_bytes())).read_all()
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    sign_again(copy)
    with pytest.raises(DataError, match="compressed or out of place"):
        ShardReader(copy).targets([-1])


def targets_of(row, seq_len):
    """What training is asked, from a row's segments as objects."""
    weights, positions = np.zeros(seq_len, np.float32), np.arange(seq_len) - row.n_tokens
    for segment in row.segments:
        positions[segment.start : segment.start + segment.length] = np.arange(segment.length)
        for begin, end, weight in segment.loss_spans:
            weights[begin:end] = np.float32(segment.weight) * np.float32(weight)
        weights[segment.start] = 0
    return weights.tolist(), positions.tolist()


def test_targets_are_what_the_segments_say(shards):
    reader = ShardReader(shards)
    order = np.random.default_rng(0).permutation(len(reader))
    weights, positions = reader.targets(order)
    assert (weights.dtype, positions.dtype) == (np.float32, np.int32)
    for place, row in enumerate(order.tolist()):
        assert (weights[place].tolist(), positions[place].tolist()) == targets_of(reader[row], reader.seq_len)
    assert [part.shape for part in reader.targets([])] == [(0, 16)] * 2


def test_gather_fills_an_array_that_it_is_given(shards):
    reader = ShardReader(shards)
    out = np.full((3, 16), 7, np.uint16)
    assert reader.gather([4, 0, 2], out) is out
    assert (out == reader.gather([4, 0, 2])).all()
    for wrong in (np.empty((2, 16), np.uint16), np.empty((3, 16), np.int32)):
        with pytest.raises(ValueError, match="`out` is"):
            reader.gather([4, 0, 2], wrong)


def test_what_rows_count_is_read_by_group(shards, small):
    reader = ShardReader(shards)
    sizes = reader.row_sizes("supervised_tokens")
    assert list(sizes) == list(reader.groups)
    assert np.concatenate(list(sizes.values())).tolist() == [int(row.loss_mask.sum()) for row in reader]
    assert [values.tolist() for values in small.row_sizes("tokens").values()] == [[8, 7]]


def test_few_open_files_are_enough(shards, monkeypatch):
    monkeypatch.setattr("mathmill.tokenize.reader._allow_open", lambda shards: 1)
    monkeypatch.setattr("mathmill.tokenize.reader._SMALL_BYTES", 0)
    monkeypatch.setattr("mathmill.tokenize.reader._FORGET_ROWS", 3)
    reader, plain = ShardReader(shards), all_rows(shards)
    first = reader[0].tokens
    for _ in range(3):
        order = np.random.default_rng(0).permutation(len(reader))
        assert (reader.gather(order) == plain[order]).all()
        assert reader.targets(order)[0].tolist() == [targets_of(reader[row], 16)[0] for row in order.tolist()]
        assert sum(bool(shard._maps) for shard in reader.shards) == 1
    assert (first == plain[0]).all(), "a view of a file that was let go of stays whole"


FUZZ = """
import shutil, sys, numpy as np
from pathlib import Path
from mathmill.core.errors import DataError
from mathmill.tokenize.reader import ShardReader
from mathmill.tokenize import verify
verify.PEER_READERS = ()  # test_peer_readers.py has them; importing torch takes seconds
copy = Path(sys.argv[1])
rng = np.random.default_rng(0)
errors = 0
for suffix in (".arrow", ".idx"):
    path = copy / f"hard-0{suffix}"
    good = path.read_bytes()
    for _ in range(30):
        data = np.frombuffer(good, np.uint8).copy()
        places = rng.integers(0, len(data), rng.integers(1, 4))
        data[places] = rng.integers(0, 256, len(places))
        path.unlink()  # a file that is still mapped must not change
        path.write_bytes(data.tobytes())
        errors += not verify.verify_shards(copy).ok
        for ask in (lambda r: r[-1], lambda r: r.targets(range(len(r))), lambda r: r.row_tokens, lambda r: list(r)):
            try:
                ask(ShardReader(copy))
                ask(ShardReader(path))
            except DataError:
                pass
    path.unlink()
    path.write_bytes(good)
print(errors)
"""


def test_no_damage_to_a_file_does_more_than_raise_a_data_error(copy):
    done = subprocess.run([sys.executable, "-c", FUZZ, str(copy)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) >= 58  # a byte may by chance be replaced with itself
