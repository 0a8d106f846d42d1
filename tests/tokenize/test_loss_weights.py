"""Loss weights of single tokens, from the token store through cutting, packing, reading, rejoining and repacking."""

from itertools import groupby

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathmill.tokenize.manifest import load
from mathmill.tokenize.reader import Shard, ShardReader
from mathmill.tokenize.rejoin import RejoinedRecords
from mathmill.tokenize.repack import repack
from mathmill.tokenize.segments import LossSpans
from mathmill.tokenize.shards import shard_paths, write_shard
from mathmill.tokenize.verify import verify_shards


@pytest.fixture(autouse=True)
def without_peers(monkeypatch):
    monkeypatch.setattr("mathmill.tokenize.verify.PEER_READERS", ())


def spans_of(weights, splits):
    """The loss spans of tokens with these weights (0: not learned), cut in two wherever `splits` says."""
    spans, place = [], 0
    for (weight, _), run in groupby(zip(weights, np.cumsum(splits).tolist(), strict=True)):
        length = len(list(run))
        if weight:
            spans.append((place, place + length, weight))
        place += length
    return spans


def token_weights(record):
    weights = [0.0] * len(record["tokens"])
    for span in record["loss_spans"]:
        weights[span["start"] : span["end"]] = [span["weight"]] * (span["end"] - span["start"])
    return weights


@st.composite
def weighted_records(draw):
    """(loss weight of each token, spans that may touch where they should be one, cuts)."""
    weights = draw(st.lists(st.sampled_from([0.0, 0.5, 1.0, 3.0]), min_size=1, max_size=60))
    splits = draw(st.lists(st.booleans(), min_size=len(weights), max_size=len(weights)))
    cuts = sorted(draw(st.sets(st.integers(0, len(weights)), max_size=6)))
    return weights, spans_of(weights, splits), [(cut, draw(st.integers(0, 2))) for cut in cuts]


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.lists(weighted_records(), min_size=1, max_size=12), st.integers(1, 70), st.integers(1, 70))
def test_every_token_keeps_its_weight_through_cut_pack_rejoin_and_repack(
    tmp_path_factory, encoded_table, write_folder, drawn, seq_len, other_seq_len
):
    folder = tmp_path_factory.mktemp("weights")
    records = [{"tokens": [1] * len(w), "loss": spans, "cuts": cuts, "weight": 2.0} for w, spans, cuts in drawn]
    table = encoded_table(records)
    write_folder(folder / "a", {"a": [table]}, seq_len=seq_len)
    assert verify_shards(folder / "a").ok

    found = {}
    for row in ShardReader(folder / "a"):
        assert row.loss_mask.tolist() == (row.weights > 0).tolist()
        for segment in row.segments:
            tokens = slice(segment.start, segment.start + segment.length)
            found.setdefault(segment.record_id, {})[segment.part] = row.weights[tokens].tolist()
    for number, (weights, _, _) in enumerate(drawn):
        parts = found[f"record-{number}"]
        assert [weight for part in range(len(parts)) for weight in parts[part]] == [2 * weight for weight in weights]

    shard = Shard(folder / "a" / "a-0", seq_len, 1000, load(folder / "a").rows)
    again = pa.Table.from_batches(RejoinedRecords.of(shard).batches())
    for record, (weights, _, _) in zip(again.to_pylist(), drawn, strict=True):
        assert token_weights(record) == weights
        assert [tuple(span.values()) for span in record["loss_spans"]] == spans_of(weights, [0] * len(weights))

    repack(folder / "a", folder / "b", seq_len=other_seq_len)
    write_folder(folder / "direct", {"a": [table]}, seq_len=other_seq_len)
    for suffix, path in shard_paths(folder / "b" / "a-0").items():
        assert path.read_bytes() == shard_paths(folder / "direct" / "a-0")[suffix].read_bytes()


def test_a_span_cut_in_two_has_its_weight_in_both_parts(tmp_path, encoded_table):
    table = encoded_table([{"tokens": list(range(10)), "cuts": [(6, 0)], "loss": [(2, 4, 0.5), (4, 10, 4.0)]}])
    write_shard(tmp_path / "a", table, seq_len=8, vocab_size=1000, pad_id=0)
    first, second = (row.segments[0].loss_spans for row in ShardReader(tmp_path / "a"))
    assert first == ((2, 4, 0.5), (4, 6, 4.0))
    assert second == ((0, 4, 4.0),)


def test_touching_spans_become_one_only_where_their_weights_are_equal():
    spans = LossSpans(
        starts=np.array([0, 4, 4, 6]),
        begin=np.array([0, 2, 3, 3, 5, 7], np.int32),
        end=np.array([2, 3, 3, 6, 7, 9], np.int32),
        weight=np.array([1, 1, 5, 2, 2, 2], np.float32),
    ).merged()
    assert spans.starts.tolist() == [0, 2, 2, 3]
    assert list(zip(spans.begin.tolist(), spans.end.tolist(), spans.weight.tolist(), strict=True)) == [
        (0, 3, 1.0),
        (3, 6, 2.0),
        (5, 9, 2.0),
    ]
