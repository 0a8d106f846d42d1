import itertools
import json
import shutil
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathmill.core.errors import ConfigError, DataError
from mathmill.tokenize.loader import Loader
from mathmill.tokenize.mixture import MixtureConfig, plan_mixture
from mathmill.tokenize.permutation import permutation_key, permute
from mathmill.tokenize.reader import ShardReader

RECORDS = [
    {"tokens": [1, 2, 3], "loss": [(1, 3, 0.5)], "lang": "en", "weight": 0.5},
    {"tokens": [10, 11, 12, 13, 14, 15, 16, 17, 18, 19], "cuts": [(6, 0)], "answer": (8, 9), "loss": [(4, 10)]},
    {"tokens": [21, 22], "corpus": "problems", "difficulty": "hard", "loss": []},
]
"""Packed in rows of 8: [10 … 15 21 22] and [1 2 3 16 17 18 19 pad]."""


@pytest.fixture(scope="module")
def small(tmp_path_factory, encoded_table, write_folder):
    folder = tmp_path_factory.mktemp("loader") / "small"
    write_folder(folder, {"a": [encoded_table(RECORDS)]}, seq_len=8, pad_id=999)
    return folder


@pytest.fixture(scope="module")
def mixture(shards):
    config = MixtureConfig.model_validate({"groups": {"general": 1, "hard": 3}, "max_repetition": 3, "seed": 5})
    return plan_mixture(config, ShardReader(shards).row_sizes("tokens"))


def joined(lists):
    return list(itertools.chain.from_iterable(lists))


def rows_of(loader, steps=None):
    """The row numbers of the next steps, one list for each."""
    return [batch.rows.tolist() for batch in itertools.islice(loader, steps)]


def global_rows(shards, world_size, **arguments):
    """What all ranks see together, step by step."""
    ranks = [Loader(shards, rank=rank, world_size=world_size, **arguments) for rank in range(world_size)]
    return [joined(batch.rows.tolist() for batch in batches) for batches in zip(*ranks, strict=True)]


def test_a_batch_has_tokens_weights_positions_and_segments(small):
    (batch,) = Loader(small, batch_size=2, seed=0)
    order = permute([0, 1], 2, permutation_key(0, "a", 0)).tolist()
    expected = [
        (
            [10, 11, 12, 13, 14, 15, 21, 22],
            [0, 0, 0, 0, 1, 1, 0, 0],
            [0, 1, 2, 3, 4, 5, 0, 1],
        ),
        (
            [1, 2, 3, 16, 17, 18, 19, 999],
            [0, 0.25, 0.25, 0, 1, 1, 1, 0],  # 16 is learned, but nothing in its segment comes before it
            [0, 1, 2, 0, 1, 2, 3, 0],
        ),
    ]
    assert batch.rows.tolist() == order
    assert batch.tokens.tolist() == [expected[row][0] for row in order]
    assert batch.loss_weights.tolist() == [expected[row][1] for row in order]
    assert batch.position_ids.tolist() == [expected[row][2] for row in order]
    assert batch.loss_mask.sum() == 7
    assert batch.cu_seqlens.tolist() == {(0, 1): [0, 6, 8, 11, 15, 16], (1, 0): [0, 3, 7, 8, 14, 16]}[tuple(order)]
    assert (batch.step, batch.epoch, batch.groups.tolist()) == (0, 0, [0, 0])
    kinds = [array.dtype for array in (batch.tokens, batch.loss_weights, batch.position_ids, batch.cu_seqlens)]
    assert kinds == [np.uint16, np.float32, np.int32, np.int32]


def test_batches_hold_what_the_reader_says_of_their_rows(shards):
    reader = ShardReader(shards)
    for batch in Loader(shards, batch_size=7, seed=3):
        assert (batch.tokens == reader.gather(batch.rows)).all()
        weights = reader.loss_weights(batch.rows)
        weights[batch.position_ids == 0] = 0
        assert (batch.loss_weights == weights).all()
        ends = np.cumsum([0, *(len(reader.cu_seqlens(row)) for row in batch.rows)])
        assert len(ends) == 8
        for place, row in enumerate(batch.rows):
            starts = np.flatnonzero(batch.position_ids[place] == 0)
            inside = reader.cu_seqlens(row)
            assert starts.tolist() == [start for start in inside.tolist() if start < reader.seq_len]
        names = [list(reader.groups)[group] for group in batch.groups]
        assert all(row in reader.groups[name] for row, name in zip(batch.rows, names, strict=True))


def test_every_epoch_sees_each_row_once_in_another_order(shards):
    n = len(ShardReader(shards))
    loader = Loader(shards, batch_size=1, epochs=3)
    seen = [row for rows in rows_of(loader) for row in rows]
    epochs = [seen[i * n : (i + 1) * n] for i in range(3)]
    assert [sorted(epoch) for epoch in epochs] == [list(range(n))] * 3
    assert epochs[0] != epochs[1] != epochs[2] != epochs[0]
    assert seen != [row for rows in rows_of(Loader(shards, batch_size=1, epochs=3, seed=1)) for row in rows]


def test_steps_run_across_epochs_and_only_the_last_rows_are_left_out(shards):
    n = len(ShardReader(shards))
    single = joined(rows_of(Loader(shards, batch_size=1, epochs=2)))
    loader = Loader(shards, batch_size=10, epochs=2)
    assert (loader.n_steps, loader.dropped_rows) == (2 * n // 10, 2 * n % 10)
    batches = list(loader)
    assert joined(batch.rows.tolist() for batch in batches) == single[: 2 * n // 10 * 10]
    assert [batch.epoch for batch in batches] == [step * 10 // n for step in range(2 * n // 10)]


@pytest.mark.parametrize("world_size", [1, 2, 4, 8])
def test_the_global_batches_are_the_same_for_any_number_of_ranks(shards, mixture, world_size):
    for arguments in ({"seed": 2, "epochs": 2}, {"mixture": mixture}, {"groups": ["hard"], "epochs": 4}):
        expected = rows_of(Loader(shards, batch_size=16, **arguments))
        assert len(expected) > 3
        assert global_rows(shards, world_size, batch_size=16, **arguments) == expected


def test_ranks_take_contiguous_parts(small):
    order = permute([0, 1], 2, permutation_key(0, "a", 0)).tolist()
    assert [rows_of(Loader(small, 2, rank=rank, world_size=2)) for rank in (0, 1)] == [[[order[0]]], [[order[1]]]]


@settings(derandomize=True, max_examples=25, deadline=None)
@given(data=st.data(), world_size=st.sampled_from([1, 2, 3, 4, 6, 12]), seed=st.integers(0, 2**63 - 1))
def test_a_resumed_loader_goes_on_exactly_in_any_world(shards, data, world_size, seed):
    reader = ShardReader(shards)
    whole = rows_of(Loader(reader, 12, seed=seed, epochs=3, prefetch=0))
    stop = data.draw(st.integers(0, len(whole)))
    first = Loader(reader, 12, seed=seed, epochs=3, prefetch=data.draw(st.sampled_from([0, 1, 3])))
    assert rows_of(first, stop) == whole[:stop]
    state = first.state_dict()
    assert (state["step"], state["epoch"]) == (stop, stop * 12 // len(reader))
    first.close()
    parts = []
    for rank in range(world_size):
        loader = Loader(reader, 12, seed=seed, epochs=3, rank=rank, world_size=world_size, prefetch=0)
        loader.load_state_dict(state)
        parts.append(rows_of(loader))
    assert [joined(step) for step in zip(*parts, strict=True)] == whole[stop:]


def test_a_mixture_is_seen_as_planned_and_resumes(shards, mixture):
    reader = ShardReader(shards)
    loader = Loader(shards, 4, mixture=mixture)
    assert loader.n_steps == mixture.rows // 4
    groups, rows = mixture.schedule(reader.row_sizes("tokens")).rows(0, mixture.rows)
    names = [group.name for group in mixture.groups]
    planned = [reader.groups[names[g]].start + row for g, row in zip(groups.tolist(), rows.tolist(), strict=True)]
    seen = rows_of(loader, 3)
    state = loader.state_dict()
    again = Loader(shards, 4, mixture=mixture)
    again.load_state_dict(state)
    assert joined(seen + rows_of(again)) == planned[: loader.n_steps * 4]


def test_a_mixture_is_read_from_its_file(shards, mixture, tmp_path):
    mixture.save(tmp_path / "mixture.json")
    assert rows_of(Loader(shards, 4, mixture=tmp_path / "mixture.json")) == rows_of(Loader(shards, 4, mixture=mixture))


def test_a_state_of_something_else_is_refused(shards, small, mixture):
    state = Loader(shards, 4).state_dict()
    for other, sentence in (
        (Loader(small, 2), "another batch size"),
        (Loader(shards, 8), "another batch size"),
        (Loader(shards, 4, seed=1), "another mixture, seed or choice"),
        (Loader(shards, 4, groups=["hard"]), "another mixture, seed or choice"),
        (Loader(shards, 4, mixture=mixture), "another mixture, seed or choice"),
    ):
        with pytest.raises(DataError, match=sentence):
            other.load_state_dict(state)
    same = Loader(shards, 4)
    with pytest.raises(DataError, match="other shards"):
        same.load_state_dict(state | {"shards": "0" * 32})
    with pytest.raises(DataError, match="version 7; this mathmill reads 1"):
        same.load_state_dict(state | {"version": 7})
    with pytest.raises(DataError, match="step 1000000 of"):
        same.load_state_dict(state | {"step": 1_000_000})


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"batch_size": 6, "world_size": 4}, "batch_size 6 is not a multiple of the 4 ranks"),
        ({"batch_size": 4, "rank": 4, "world_size": 4}, "rank 4 is not in a world of 4"),
        ({"batch_size": 0}, "batch_size is at least 1, not 0"),
        ({"batch_size": -4}, "batch_size is at least 1, not -4"),
        ({"batch_size": 100_000}, "batch_size 100000 is more than the"),
        ({"batch_size": 4, "groups": ["easy"]}, "no group 'easy'; there are general, hard"),
        ({"batch_size": 4, "groups": []}, "more than the 0 rows"),
        ({"batch_size": 4, "epochs": 0}, "epochs at least 1"),
    ],
)
def test_settings_that_do_not_fit_are_refused(shards, arguments, sentence):
    with pytest.raises(ConfigError, match=sentence):
        Loader(shards, **arguments)


@pytest.mark.parametrize("wrong", [4.0, True, np.True_, np.float32(4), "4", None])
def test_batch_sizes_and_steps_are_whole_numbers(shards, wrong):
    with pytest.raises(TypeError, match="batch_size is a whole number, not "):
        Loader(shards, wrong)
    loader = Loader(shards, np.int64(4))
    with pytest.raises(TypeError, match="step is a whole number, not "):
        loader.batch(wrong)
    with pytest.raises(DataError, match="the state stands at step"):
        loader.load_state_dict(loader.state_dict() | {"step": wrong})
    assert loader.batch(np.int32(1)).step == 1
    with pytest.raises(IndexError, match="step -1 is not among all"):
        Loader(shards, 4, epochs=None).batch(-1)


def test_a_mixture_brings_its_own_groups_seed_and_length(shards, small, mixture):
    for arguments in ({"seed": 1}, {"groups": ["hard"]}, {"epochs": 2}):
        with pytest.raises(ConfigError, match="a mixture has its groups, its seed and its length"):
            Loader(shards, 4, mixture=mixture, **arguments)
    with pytest.raises(DataError, match="planned for other shards"):
        Loader(small, 1, mixture=mixture)


def test_a_loader_without_end_goes_on(shards):
    loader = Loader(shards, 4, epochs=None)
    assert loader.n_steps is None
    far = loader.batch(10**9)
    assert far.epoch == 4 * 10**9 // len(loader.reader)
    assert len(far.rows) == 4


def test_an_error_is_raised_where_the_batch_is_taken_and_the_step_can_be_tried_again(shards, tmp_path):
    copy = shutil.copytree(shards, tmp_path / "copy")
    loader = Loader(copy, 8, prefetch=3)
    good = (copy / "hard-0.bin").read_bytes()
    (copy / "hard-0.bin").unlink()
    with pytest.raises(DataError, match=r"hard-0\.bin: cannot be read"):
        list(loader)
    (copy / "hard-0.bin").write_bytes(good)
    step = loader.step
    assert rows_of(loader) == rows_of(Loader(shards, 8))[step:]


def gathering():
    return {thread for thread in threading.enumerate() if thread.name == "mathmill-gather"}


def test_closing_ends_the_thread(shards):
    others = gathering()
    with Loader(shards, 4, prefetch=3) as loader:
        next(loader)
        (thread,) = gathering() - others
    assert not thread.is_alive()
    loader.close()


def test_a_loader_that_nobody_holds_ends_its_thread(shards):
    others = gathering()
    loader = Loader(shards, 4, prefetch=3)
    next(loader)
    (thread,) = gathering() - others
    del loader
    thread.join(30)
    assert not thread.is_alive()


def test_a_process_that_leaves_a_loader_behind_ends(shards):
    code = f"from mathmill.tokenize.loader import Loader; it = Loader({str(shards)!r}, 4, epochs=None); next(it)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


TRAIN = """
import json, sys, os
from mathmill.tokenize.loader import Loader
shards, folder = sys.argv[1:]
loader = Loader(shards, 4, epochs=40, seed=9)
if os.path.exists(f"{folder}/state.json"):
    loader.load_state_dict(json.load(open(f"{folder}/state.json")))
for batch in loader:
    with open(f"{folder}/log", "a") as log:
        log.write(json.dumps([batch.step, batch.rows.tolist(), int(batch.tokens.sum())]) + "\\n")
    with open(f"{folder}/new.json", "w") as file:
        json.dump(loader.state_dict(), file)
    os.replace(f"{folder}/new.json", f"{folder}/state.json")
"""


@pytest.mark.slow
def test_a_killed_and_resumed_process_sees_what_an_undisturbed_one_sees(shards, tmp_path):
    command = [sys.executable, "-c", TRAIN, str(shards), str(tmp_path)]
    kills = 0
    while True:
        process = subprocess.Popen(command)
        size = (tmp_path / "log").stat().st_size if (tmp_path / "log").exists() else 0
        while process.poll() is None and kills < 3:
            time.sleep(0.002)
            if (tmp_path / "log").exists() and (tmp_path / "log").stat().st_size > size + 2000:
                process.send_signal(signal.SIGKILL)
                kills += 1
                break
        if process.wait() == 0:
            break
    lines = [line for line in (tmp_path / "log").read_text().splitlines() if line.endswith("]")]
    seen = {}
    for step, rows, total in map(json.loads, lines):
        assert seen.setdefault(step, (rows, total)) == (rows, total)
    whole = {b.step: (b.rows.tolist(), int(b.tokens.sum())) for b in Loader(shards, 4, epochs=40, seed=9)}
    assert kills == 3
    assert seen == whole


def test_loading_needs_no_torch():
    code = "import sys, mathmill.tokenize.loader; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
