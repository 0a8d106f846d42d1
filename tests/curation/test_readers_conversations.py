"""Chats as data sets have them, and what stands in their place in files that somebody else has made."""

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from mathmill.core.errors import DataError
from mathmill.core.schemas import CONVERSATION, record_id
from mathmill.curation.readers import SourceConfig, list_files, plan_slices, read_slice

USER = {"role": "user", "content": "1+1?"}
ASSISTANT = {"role": "assistant", "content": "2"}
SOUND = json.dumps({"messages": [USER, ASSISTANT]}).encode()


def read(path, target_bytes=1 << 20, max_record_bytes=1 << 20, **config):
    source = SourceConfig(name="chats", path=str(path), kind="conversations", **config)
    rows = {"out": [], "dropped": [], "quarantine": []}
    for file in list_files(source):
        for slice_ in plan_slices(file, source, target_bytes):
            for port, batch in read_slice(source, slice_, max_record_bytes=max_record_bytes):
                batch.validate(full=True)
                assert port != "out" or batch.schema == CONVERSATION
                rows[port] += batch.to_pylist()
    return rows


def read_lines(folder, *records, **config):
    path = folder / "part.jsonl"
    path.write_bytes(b"\n".join(r if isinstance(r, bytes) else json.dumps(r).encode() for r in records))
    return read(path, **config)


def said(rows):
    return [[(m["role"], m["content"], m["weight"]) for m in row["messages"]] for row in rows["out"]]


def test_a_line_becomes_a_conversation_with_its_place(tmp_path):
    messages = [{"role": "system", "content": "简短。"}, USER, {**ASSISTANT, "weight": 0}, USER, ASSISTANT]
    record = {"messages": messages, "lang": "zh-CN", "url": "http://a.example/", "style": "CoT"}
    rows = read_lines(tmp_path, {"messages": [USER, ASSISTANT]}, record, license="MIT", lang="en")
    second = len(json.dumps({"messages": [USER, ASSISTANT]})) + 1
    assert rows["out"][1] == {
        "conversation_id": record_id("chats", "part.jsonl", second),
        "doc_id": record_id("chats", "part.jsonl", second),
        "url": "http://a.example/",
        "source": "chats",
        "license": "MIT",
        "crawl_date": None,
        "locator": {"file": "part.jsonl", "record": second, "offset": second},
        "lang": "zh",
        "messages": [
            {"role": "system", "content": "简短。", "weight": None},
            {"role": "user", "content": "1+1?", "weight": None},
            {"role": "assistant", "content": "2", "weight": 0.0},
            {"role": "user", "content": "1+1?", "weight": None},
            {"role": "assistant", "content": "2", "weight": None},
        ],
        "method": "source",
        "style": "cot",
        "critique_score": None,
        "loss_weight": 1.0,
    }
    assert rows["out"][0]["lang"] == "en"


def test_sharegpt_is_read_as_it_is(tmp_path):
    turns = [("system", "a"), ("human", "b"), ("gpt", "c"), ("tool", "d"), ("gpt", 7)]
    rows = read_lines(tmp_path, {"conversations": [{"from": role, "value": value} for role, value in turns]})
    roles = ["system", "user", "assistant", "tool", "assistant"]
    assert said(rows) == [list(zip(roles, "abcd7", [None] * 5, strict=True))]


def test_the_field_of_the_messages_can_be_stated(tmp_path):
    record = {"data": {"chat": [USER, ASSISTANT]}, "messages": [USER], "conversations": 5}
    rows = read_lines(tmp_path, record, fields={"messages": "data.chat"})
    assert said(rows) == [[("user", "1+1?", None), ("assistant", "2", None)]]
    absent = read_lines(tmp_path, {"conversations": [USER, ASSISTANT]}, fields={"messages": "chat"})
    assert [row["error"] for row in absent["quarantine"]] == ["the record has no 'chat'"]


def test_parts_of_text_are_put_together(tmp_path):
    parts = [{"type": "text", "text": "1+1"}, {"type": "text", "text": "?"}]
    rows = read_lines(tmp_path, {"messages": [{"role": "user", "content": parts}, ASSISTANT]})
    assert said(rows) == [[("user", "1+1?", None), ("assistant", "2", None)]]


@pytest.mark.parametrize(
    ("messages", "reason", "detail"),
    [
        ([], "empty", None),
        ([{"role": "user", "content": " \n"}, {"role": "assistant", "content": ""}], "empty", None),
        ([USER], "no_assistant", None),
        ([USER, {"role": "assistant", "content": " "}], "no_assistant", None),
        ([{"role": "developer", "content": "x"}, USER, ASSISTANT], "unknown_role", "developer"),
        ([USER, {"from": "bing" * 50, "value": "x"}], "unknown_role", "bing" * 20),
        ([{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}, ASSISTANT], "not_text", "image_url"),
        ([USER, {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}, ASSISTANT], "tool_calls", None),
    ],
)
def test_what_gives_no_text_to_learn_is_left_out_for_a_reason(tmp_path, messages, reason, detail):
    rows = read_lines(tmp_path, SOUND, {"messages": messages}, SOUND)
    assert [(row["id"], row["reason"], row["detail"]) for row in rows["dropped"]] == [
        (record_id("chats", "part.jsonl", len(SOUND) + 1), reason, detail)
    ]
    assert (len(rows["out"]), rows["quarantine"]) == (2, [])


@pytest.mark.parametrize(
    ("record", "error"),
    [
        ({"text": "a"}, "the record has no 'messages'"),
        ({"messages": None}, "the record has no 'messages'"),
        ({"messages": "hello"}, "'messages' is text, not a list of messages"),
        ({"messages": {"role": "user"}}, "'messages' is a mapping, not a list of messages"),
        ({"conversations": 7}, "'conversations' is a number, not a list of messages"),
        ({"messages": [USER, None]}, "message 2 of 'messages' is nothing, not a mapping"),
        ({"messages": [[USER]]}, "message 1 of 'messages' is a list, not a mapping"),
        ({"messages": [{"content": "a"}]}, "message 1 of 'messages' has no role"),
        ({"messages": [{"role": ["user"], "content": "a"}]}, "message 1 of 'messages' has no role"),
        ({"messages": [{"role": "user"}]}, "message 1 of 'messages' has no content"),
        ({"messages": [{"role": "user", "content": {}}]}, "the content of message 1 of 'messages' is a mapping"),
        ({"messages": [{"role": "user", "content": True}]}, "the content of message 1 of 'messages' is true or false"),
        ({"messages": [{"role": "user", "content": ["a"]}]}, "message 1 of 'messages' has a part that says no type"),
        ({"messages": [USER, {**ASSISTANT, "weight": "1"}]}, "the weight of message 2 of 'messages' is not a number"),
        ({"messages": [USER, {**ASSISTANT, "weight": True}]}, "the weight of message 2 of 'messages' is not a number"),
        ({"messages": [USER, {**ASSISTANT, "weight": -1}]}, "the weight of message 2 of 'messages' is not a number"),
        ({"messages": [USER, {**ASSISTANT, "weight": 10**400}]}, "the weight of message 2 of 'messages' is not a"),
        ({"messages": [USER, {**ASSISTANT, "weight": float("nan")}]}, "the weight of message 2 of 'messages' is not"),
        ({"messages": [USER, ASSISTANT], "lang": {}}, "'lang' is a mapping, not text"),
        (b'{"messages": [', "the line is not valid JSON"),
        (b"[" * 100_000, "the line is nested too deeply"),
        (b'{"messages": [{"role": "user", "content": ' + b"[" * 100_000, "the line is nested too deeply"),
        (b'"messages"', "the line is valid JSON, but no object"),
        (b'{"messages": "' + b"x" * (1 << 20) + b'"}', "the line has 1,048,593 bytes, more than the limit"),
    ],
)
def test_hostile_lines_go_to_quarantine_and_their_neighbours_stay(tmp_path, record, error):
    rows = read_lines(tmp_path, SOUND, record, SOUND)
    assert [row["error"][: len(error)] for row in rows["quarantine"]] == [error]
    assert [row["locator"]["record"] for row in rows["quarantine"]] == [len(SOUND) + 1]
    assert (len(rows["out"]), rows["dropped"]) == (2, [])


def test_what_no_encoding_has_becomes_a_replacement_character(tmp_path):
    rows = read_lines(tmp_path, {"messages": [{"role": "user", "content": "a\ud800"}, ASSISTANT]})
    assert said(rows)[0][0] == ("user", "a\ufffd", None)


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".jsonl.zst", ".parquet"])
def test_every_format_gives_the_same_conversations(tmp_path, suffix):
    chats = [[USER, {"role": "assistant", "content": f"第{i}", "weight": 0.5 if i % 2 else None}] for i in range(50)]
    path = tmp_path / f"a{suffix}"
    data = "".join(json.dumps({"messages": messages}) + "\n" for messages in chats).encode()
    if suffix == ".parquet":
        pq.write_table(pa.table({"messages": chats, "id": list(range(50))}), path, row_group_size=7)
    elif suffix == ".jsonl":
        path.write_bytes(data)
    else:
        path.write_bytes(gzip.compress(data) if suffix.endswith("gz") else zstandard.compress(data))
    rows = read(path, target_bytes=500)
    assert said(rows) == [[(m["role"], m["content"], m.get("weight")) for m in messages] for messages in chats]
    assert rows == read(path)


def test_parquet_has_sharegpt_and_bytes_that_are_no_text(tmp_path):
    turn = pa.struct([("from", pa.string()), ("value", pa.string())])
    data = pa.StructArray.from_arrays(
        [
            pa.array(["human", "gpt"] * 2),
            pa.Array.from_buffers(pa.string(), 4, pa.array([b"a", b"b\xff", b"c", b"d"]).buffers()),
        ],
        fields=list(turn),
    )
    pq.write_table(pa.table({"conversations": pa.ListArray.from_arrays([0, 2, 4], data)}), tmp_path / "a.parquet")
    assert said(read(tmp_path / "a.parquet")) == [
        [("user", "a", None), ("assistant", "b\ufffd", None)],
        [("user", "c", None), ("assistant", "d", None)],
    ]
    pq.write_table(pa.table({"chat": [1]}), tmp_path / "b.parquet")
    with pytest.raises(DataError, match=r"b.parquet has no column 'messages' \(it has: chat\); set fields: {messages:"):
        read(tmp_path / "b.parquet")


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from([*"ab", "user", "gpt"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["role", "from", "content", "value", "weight", "type", "text"]), inner)
    ),
    max_leaves=12,
)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(
        st.dictionaries(st.sampled_from(["messages", "conversations", "lang", "url", "style"]), _VALUES), max_size=4
    )
)
def test_whatever_json_holds_each_record_has_one_fate(tmp_path_factory, records):
    rows = read_lines(tmp_path_factory.mktemp("any"), *records, SOUND)
    ids = [row["conversation_id"] for row in rows["out"]]
    ids += [row["id"] for row in rows["dropped"] + rows["quarantine"]]
    assert len(ids) == len(set(ids)) == len(records) + 1
    assert said(rows)[-1] == [("user", "1+1?", None), ("assistant", "2", None)]
