"""The stage that packs one group's records of one task."""

import json

import numpy as np
import pytest

from mathmill.core.stage import StageContext
from mathmill.tokenize.pack import Pack, PackConfig

GROUPS = {"zh": "documents[lang=zh]", "rest": "documents"}


@pytest.mark.parametrize("packing", ["best-fit-decreasing", "first-fit-decreasing", "concatenate-and-split"])
def test_a_group_is_packed_by_the_strategy_of_the_recipe(tmp_path, random_encoded, packing):
    config = PackConfig(group="rest", groups=GROUPS, seq_len=16, vocab_size=1000, pad_id=0, packing=packing)
    table = random_encoded(3, 60)
    outbox = tmp_path / "outbox"
    outbox.mkdir()
    stage = Pack(config)
    stage.open(StageContext(tmp_path, task_index=7))
    assert list(stage.process(iter(table.to_batches(max_chunksize=9)))) == []
    info = json.loads((outbox / "rest-00007.json").read_text())
    mine = [record for record in table.to_pylist() if record["corpus"] == "documents" and record["lang"] != "zh"]
    assert info["cuts"]["records"] == len(mine)
    assert info["tokens"] == sum(len(record["tokens"]) for record in mine)
    rows = np.fromfile(outbox / "rest-00007.bin", np.uint16).reshape(-1, 16)
    assert info["rows"] == len(rows)
    laid_out = [token for record in mine for token in record["tokens"]]
    assert (rows.ravel()[: len(laid_out)].tolist() == laid_out) == (packing == "concatenate-and-split")


def test_a_group_without_records_leaves_nothing(tmp_path, random_encoded):
    groups = {"french": "documents[lang=fr]"}
    stage = Pack(PackConfig(group="french", groups=groups, seq_len=16, vocab_size=1000, pad_id=0))
    (tmp_path / "outbox").mkdir()
    stage.open(StageContext(tmp_path))
    assert list(stage.process(iter(random_encoded(3, 9).to_batches()))) == []
    assert list((tmp_path / "outbox").iterdir()) == []
