"""Shards beyond 2**31 tokens and 2**32 bytes. Their files are sparse: a few kB on disk, most tokens are holes of 0."""

import numpy as np
import pyarrow as pa
import pytest

from mathmill.core.errors import DataError
from mathmill.tokenize import shards as shards_module
from mathmill.tokenize.manifest import FileInfo
from mathmill.tokenize.megatron_index import read_index
from mathmill.tokenize.peer_readers import PEER_READERS
from mathmill.tokenize.reader import Shard, ShardReader
from mathmill.tokenize.rejoin import RejoinedRecords
from mathmill.tokenize.shards import write_shard
from mathmill.tokenize.store import encoded_schema

SEQ_LEN = 1 << 20
VOCAB_SIZE = 100_000
N_LONG = 2050  # records of a whole row each: 2**31 tokens and 2 rows more, 8 GiB of int32
SHORT = [[11, 12, 13], [21, 22]]  # records that stand in the last row


def store_of(path):
    """The records as a token store whose tokens lie in a sparse file: 1, 2, … in the last of the long records."""
    n_tokens = N_LONG * SEQ_LEN + 5
    with open(path, "wb") as file:
        file.truncate(4 * n_tokens)
        file.seek(4 * (N_LONG - 1) * SEQ_LEN)
        file.write(np.arange(1, 9, dtype=np.int32).tobytes())
        file.seek(4 * N_LONG * SEQ_LEN)
        file.write(np.array([token for tokens in SHORT for token in tokens], np.int32).tobytes())
    lengths = [SEQ_LEN] * N_LONG + [len(tokens) for tokens in SHORT]
    offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    values = pa.Array.from_buffers(pa.int32(), n_tokens, [None, pa.py_buffer(np.memmap(path, np.int32, "r"))])
    n = len(lengths)
    columns = {
        "record_id": [f"record-{number}" for number in range(n)],
        "doc_id": ["d"] * n,
        "corpus": ["documents"] * n,
        "source": ["web"] * n,
        "tokens": pa.LargeListArray.from_arrays(pa.array(offsets), values),
        "cuts": [[]] * n,
        "answer": [None] * n,
        "loss_spans": [[{"start": 1, "end": length, "weight": 0.5}] for length in lengths],
        "weight": [2.0] * n,
    }
    schema = encoded_schema(VOCAB_SIZE)
    arrays = [columns.get(field.name, pa.nulls(n, field.type)) for field in schema]
    return pa.table([a if isinstance(a, pa.Array) else pa.array(a, f.type) for a, f in zip(arrays, schema)], schema)


def write_sparsely(path, records, layout, seq_len, vocab_size, pad_id):
    """As `_write_tokens`, but only the last two rows; the others stay holes, and nothing is hashed."""
    with open(path, "wb") as file:
        file.truncate(4 * seq_len * layout.n_rows)
        rows = np.full((2, seq_len), pad_id, np.int32)
        shards_module._gather(rows, records, layout, layout.n_rows - 2)
        file.seek(4 * seq_len * (layout.n_rows - 2))
        file.write(rows[0, :16].data)
        file.seek(4 * seq_len * (layout.n_rows - 1))
        file.write(rows[1, :16].data)
    return "0" * 32


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    folder = tmp_path_factory.mktemp("large")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards_module, "_write_tokens", write_sparsely)
        info = write_shard(folder / "a", store_of(folder / "tokens"), seq_len=SEQ_LEN, vocab_size=VOCAB_SIZE, pad_id=0)
    assert (folder / "a.bin").stat().st_blocks * 512 < 1 << 20
    return folder / "a", info


def test_counts_beyond_two_to_the_31_are_exact(large):
    _, info = large
    assert (info.rows, info.tokens) == (N_LONG + 1, N_LONG * SEQ_LEN + 5)
    assert info.supervised_tokens == N_LONG * (SEQ_LEN - 1) + 3
    assert info.counts["source"]["web"].tokens == info.tokens > 2**31
    assert isinstance(info.files[".bin"], FileInfo)
    assert info.files[".bin"].bytes == 4 * (N_LONG + 1) * SEQ_LEN > 2**33


def test_our_reader_finds_rows_beyond_two_to_the_31_tokens(large):
    reader = ShardReader(large[0])
    assert len(reader) == N_LONG + 1
    rows = reader.gather([-2, -1, 0])
    assert rows[0, :9].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 0]
    assert rows[1, :6].tolist() == [11, 12, 13, 21, 22, 0]
    assert not rows[2].any()
    assert reader.cu_seqlens(N_LONG).tolist() == [0, 3, 5]
    assert reader.loss_weights([N_LONG])[0, :6].tolist() == [0, 1, 1, 0, 1, 0]
    assert [segment.record_id for segment in reader[N_LONG].segments] == ["record-2050", "record-2051"]


def test_records_beyond_two_to_the_31_tokens_rejoin(large):
    records = RejoinedRecords.of(Shard(large[0], SEQ_LEN, VOCAB_SIZE, N_LONG + 1))
    assert len(records) == N_LONG + 2
    assert records.positions[-2:].tolist() == [N_LONG * SEQ_LEN, N_LONG * SEQ_LEN + 3]
    assert [records.tokens(number).tolist() for number in (N_LONG, N_LONG + 1)] == SHORT
    assert records.tokens(N_LONG - 1)[:8].tolist() == [1, 2, 3, 4, 5, 6, 7, 8]


def test_the_index_has_byte_pointers_of_64_bits(large):
    index = read_index(large[0].with_suffix(".idx"))
    assert index.pointers.dtype == np.int64
    assert index.pointers[-2:].tolist() == [4 * N_LONG * SEQ_LEN, 4 * (N_LONG * SEQ_LEN + 3)]
    assert index.pointers[-1] > 2**33


@pytest.mark.slow
def test_other_readers_find_the_last_rows_too(large):
    pytest.importorskip("torch", reason="the readers of megatron-core and datatrove need torch")
    for peer in PEER_READERS:
        pytest.importorskip(peer.module, reason=f"{peer.name} is not installed", exc_type=ImportError)
    megatron, datatrove = (peer.load() for peer in PEER_READERS)
    dataset = megatron(str(large[0]))
    assert [dataset[number].tolist() for number in (N_LONG, N_LONG + 1)] == SHORT
    assert dataset[N_LONG - 1][:8].tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    rows = datatrove(str(large[0].with_suffix(".bin")), SEQ_LEN - 1, token_size=4)
    assert len(rows) == N_LONG + 1
    assert rows[N_LONG]["input_ids"][:6].tolist() == [11, 12, 13, 21, 22, 0]
    assert rows[N_LONG - 1]["input_ids"][:9].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 0]


def test_a_record_of_two_to_the_31_tokens_is_one_clear_sentence(tmp_path):
    table = store_of(tmp_path / "tokens")
    values = table.column("tokens").chunk(0).values
    whole = pa.LargeListArray.from_arrays(pa.array([0, 2**31]), values)
    table = table.slice(0, 1).set_column(table.schema.get_field_index("tokens"), table.schema.field("tokens"), whole)
    with pytest.raises(DataError, match="record record-0 has 2,147,483,648 tokens; divide it"):
        write_shard(tmp_path / "a", table, seq_len=SEQ_LEN, vocab_size=VOCAB_SIZE, pad_id=0)
