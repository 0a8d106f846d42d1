"""Conversations in the stages that compare texts: with each other, and with benchmarks."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from mathmill.core.errors import ConfigError
from mathmill.core.schemas import CONVERSATION
from mathmill.core.stage import CONTAMINATION_PORT, DROPPED_PORT, OUT, StageContext
from mathmill.curation.decontaminate import Decontaminate, DecontaminateConfig
from mathmill.curation.dedup import DedupConfig, Sketch
from mathmill.curation.sketches import conversation_ranks, conversation_texts

SNAIL = "A snail climbs 5 feet up a well every day and slides back 3 feet every night. How deep is the well of 27 feet?"


def batch_of(*chats: list[tuple[str, str]]) -> pa.RecordBatch:
    rows = [
        {
            "conversation_id": f"{number:032x}",
            "doc_id": f"{number:032x}",
            "source": "chats",
            "locator": {"file": "a.jsonl", "record": number, "offset": None},
            "messages": [{"role": role, "content": content} for role, content in chat],
            "method": "source",
            "loss_weight": 1.0,
        }
        for number, chat in enumerate(chats)
    ]
    return pa.RecordBatch.from_pylist(rows, CONVERSATION)


def test_what_the_system_says_is_not_compared() -> None:
    batch = batch_of(
        [("user", "left out")],
        [("system", "Be brief."), ("user", "1+1?"), ("assistant", "2")],
        [("user", "1+1?"), ("assistant", "2")],
        [("system", "alone")],
        [("user", "1+1?"), ("tool", "3"), ("assistant", "二")],
    ).slice(1)
    assert conversation_texts(batch).to_pylist() == ["1+1?\n2", "1+1?\n2", "", "1+1?\n3\n二"]


def test_the_longer_conversation_is_better_then_the_smaller_id() -> None:
    batch = batch_of([("user", "1")], [("user", "1234")], [("user", "1234")])
    texts = conversation_texts(batch)
    ids = pa.array(["ff" * 16, "ff" * 16, "00" * 16])
    assert conversation_ranks(texts, ids).argsort().tolist() == [2, 1, 0]


def test_other_numbers_are_another_conversation_whatever_its_length() -> None:
    words = "we count every apple in the basket once more and write the number on the board, " * 80
    batch = batch_of(*([("user", f"{n} apples: {words}"), ("assistant", "done")] for n in (3, 5, 3)))
    stage = Sketch(DedupConfig())
    stage.open(StageContext(scratch=Path()))
    sketches = pa.Table.from_batches([rows for port, rows in stage.process(iter([batch])) if port == "sketches"])
    first, other, same = sketches.column("math").to_pylist()
    assert first == same != other
    with pytest.raises(ConfigError, match=r"or conversations \(`messages`\)"):
        stage.output_schemas(pa.schema([("id", pa.string())]))


def test_a_benchmark_item_is_found_in_any_message_and_named(tmp_path: Path) -> None:
    (tmp_path / "b.jsonl").write_text(
        "".join(json.dumps({"id": id_, "question": text}) + "\n" for id_, text in (("snail", SNAIL), ("sum", "1+1=?")))
    )
    batch = batch_of(
        [("user", "left out"), ("assistant", SNAIL)],
        [("user", "Hello."), ("assistant", f"Try this: {SNAIL}")],
        [("user", "Is 1+1=? easy"), ("assistant", "It is.")],
        [("user", "1+1=?"), ("assistant", "2")],
    ).slice(1)
    stage = Decontaminate(DecontaminateConfig(benchmarks=[str(tmp_path / "b.jsonl")]))
    stage.open(StageContext(scratch=tmp_path))
    found = {port: rows.to_pylist() for port, rows in stage.process_batch(batch)}
    assert [row["conversation_id"] for row in found[OUT]] == [f"{2:032x}"]
    assert [(row["id"], row["reason"], row["detail"]) for row in found[DROPPED_PORT]] == [
        (f"{1:032x}", "contaminated", "b.jsonl:snail"),
        (f"{3:032x}", "contaminated", "b.jsonl:sum"),
    ]
    hits = [(row["column"], row["item"], row["kind"]) for row in found[CONTAMINATION_PORT]]
    assert hits == [("messages", "snail", "embedded"), ("messages", "sum", "exact")]
