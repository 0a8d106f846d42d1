import gzip
import json
from itertools import pairwise

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from mathmill.core.schemas import DOCUMENT, DROPPED, PAGE, PROBLEM, QUARANTINE, record_id
from mathmill.curation.readers import SourceConfig, list_files, plan_slices, read_slice
from mathmill.curation.readers.jsonl import split_lines

SCHEMAS = {"pages": PAGE, "documents": DOCUMENT, "problems": PROBLEM}


def read(folder, data, name="part.jsonl", kind="documents", target_bytes=1 << 20, max_record_bytes=1 << 20, **config):
    path = folder / name
    path.write_bytes(data)
    source = SourceConfig(name="books", path=str(path), kind=kind, **config)
    schemas = {"out": SCHEMAS[kind], "dropped": DROPPED, "quarantine": QUARANTINE}
    rows = {"out": [], "dropped": [], "quarantine": []}
    for file in list_files(source):
        for slice_ in plan_slices(file, source, target_bytes):
            for port, batch in read_slice(source, slice_, max_record_bytes=max_record_bytes):
                assert batch.schema == schemas[port]
                batch.validate(full=True)
                rows[port] += batch.to_pylist()
    return rows


def texts(rows):
    return [row["text"] for row in rows["out"]]


def lines(*records):
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def test_a_line_becomes_a_document_with_formulas_and_its_place(tmp_path):
    first = lines({"text": "a"})
    second = {"text": "Let $x>1$ cost $5 or $6.", "url": "http://b.example/", "lang": "EN-us", "license": "CC0"}
    rows = read(tmp_path, first + lines(second), license="MIT", lang="zh")
    assert [(row["lang"], row["license"]) for row in rows["out"]] == [("zh", "MIT"), ("en", "CC0")]
    assert rows["out"][1] == {
        "doc_id": record_id("books", "part.jsonl", len(first)),
        "url": "http://b.example/",
        "source": "books",
        "license": "CC0",
        "crawl_date": None,
        "locator": {"file": "part.jsonl", "record": len(first), "offset": len(first)},
        "lang": "en",
        "text": "Let $x>1$ cost $5 or $6.",
        "formulas": [{"start": 4, "end": 9, "display": False, "encoding": "tex"}],
        "blocks": [],
        "formula_counts": [{"encoding": "tex", "found": 1, "kept": 1}],
        "lang_score": None,
        "math_score": None,
    }


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (b'{"text": "cut', "the line is not valid JSON: Unterminated string"),
        (b"not json", "the line is not valid JSON"),
        (b"\x00\x01\x02", "the line is not valid JSON"),
        (b"[1, 2]", "the line is valid JSON, but no object"),
        (b"null", "the line is valid JSON, but no object"),
        (b"[" * 200_000, "the line is nested too deeply"),
        (b'{"text": ' + b"9" * 5_000 + b"}", "the line is not valid JSON"),
        (b"{}", "the record has no 'text'"),
        (b'{"text": null}', "the record has no 'text'"),
        (b'{"text": 5}', "'text' is a number, not text"),
        (b'{"text": ["a"]}', "'text' is a list, not text"),
        (b'{"text": "a", "url": {"b": 1}}', "'url' is a mapping, not text"),
        (b'{"text": "' + b"a" * (1 << 20) + b'"}', "the line has 1,048,589 bytes, more than the limit"),
        (b'{"text": "' + b"a" * (3 << 20) + b'"}', "the line has 3,145,741 bytes, more than the limit"),
    ],
)
@pytest.mark.parametrize("name", ["part.jsonl", "part.jsonl.gz"])
def test_a_bad_line_is_quarantined_and_its_neighbours_go_on(tmp_path, name, bad, error):
    data = lines({"text": "before"}) + bad + b"\n" + lines({"text": "after"})
    rows = read(tmp_path, gzip.compress(data) if name.endswith(".gz") else data, name)
    assert texts(rows) == ["before", "after"]
    [row] = rows["quarantine"]
    assert row["error"].startswith(error)
    assert row["id"] == record_id("books", name, 19)
    assert row["locator"]["record"] == 19


def test_a_line_with_blank_text_is_dropped_as_empty(tmp_path):
    rows = read(tmp_path, lines({"text": " \n"}, {"text": "a"}))
    assert texts(rows) == ["a"]
    assert [row["reason"] for row in rows["dropped"]] == ["empty"]


def test_byte_order_mark_carriage_returns_blank_lines_and_a_missing_last_newline_are_fine(tmp_path):
    data = b'\xef\xbb\xbf{"text": "a"}\r\n\r\n \n{"text": "b"}\r\n{"text": "c"}'
    rows = read(tmp_path, data)
    assert texts(rows) == ["a", "b", "c"]
    assert rows["quarantine"] == []


def test_lone_surrogates_and_invalid_utf8_are_replaced(tmp_path):
    data = b'{"text": "a\\ud800b \\ud83d\\ude00", "url": "\\udc00"}\n{"text": "c\xff"}\n'
    rows = read(tmp_path, data)
    assert texts(rows) == ["a\ufffdb \U0001f600", "c\ufffd"]
    assert rows["out"][0]["url"] == "\ufffd"


@pytest.mark.parametrize("name", ["part.jsonl.gz", "part.json.gz", "part.jsonl.zst"])
class TestCompressed:
    def compress(self, name, data):
        return gzip.compress(data, mtime=0) if name.endswith(".gz") else zstandard.compress(data)

    def test_ids_count_bytes_of_the_content(self, tmp_path, name):
        data = lines({"text": "a"}, {"text": "b"})
        rows = read(tmp_path, self.compress(name, data), name, target_bytes=8)
        assert texts(rows) == ["a", "b"]
        assert rows["out"][1]["locator"] == {"file": name, "record": 14, "offset": None}

    def test_several_members_are_read_as_one_file(self, tmp_path, name):
        data = self.compress(name, b'{"text": "a"}\n{"te') + self.compress(name, b'xt": "b"}\n')
        assert texts(read(tmp_path, data, name)) == ["a", "b"]

    @pytest.mark.parametrize("harm", ["cut", "garbage"])
    def test_of_a_damaged_file_the_beginning_stays(self, tmp_path, name, harm):
        first = lines(*({"text": f"{i}"} for i in range(500)))
        whole, rest = self.compress(name, first), self.compress(name, lines({"text": "last"}))
        rows = read(tmp_path, whole + (rest[:-5] if harm == "cut" else b"garbage" * 9), name)
        assert texts(rows)[:500] == [str(i) for i in range(500)]
        [row] = rows["quarantine"]
        assert row["error"].startswith(f"{name} can be read no further than byte ")
        assert row["locator"]["record"] >= len(first)

    def test_a_file_that_is_not_compressed_at_all_is_one_quarantine_row(self, tmp_path, name):
        rows = read(tmp_path, lines({"text": "a"}), name)
        assert rows["out"] == []
        assert "no further than byte 0" in rows["quarantine"][0]["error"]

    def test_a_bomb_is_read_in_bounded_memory(self, tmp_path, name):
        bomb = lines({"text": "before"}) + b"0" * (96 << 20) + b"\n" + lines({"text": "after"})
        rows = read(tmp_path, self.compress(name, bomb), name)
        assert texts(rows) == ["before", "after"]
        assert "more than the limit" in rows["quarantine"][0]["error"]


def test_an_empty_file_has_no_rows(tmp_path):
    assert read(tmp_path, b"") == {"out": [], "dropped": [], "quarantine": []}


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.lists(st.text("ab\n\u4e00\r", max_size=9), max_size=12), st.integers(1, 40))
def test_however_a_file_is_split_the_rows_and_ids_are_the_same(tmp_path_factory, contents, target_bytes):
    folder = tmp_path_factory.mktemp("split")
    data = b"\n".join(json.dumps({"text": text}, ensure_ascii=False).encode() for text in contents)
    assert read(folder, data, target_bytes=target_bytes) == read(folder, data)


@settings(derandomize=True, max_examples=100, deadline=None)
@given(st.binary(max_size=60).map(lambda b: b.replace(b"0", b"\n")), st.lists(st.integers(0, 60)), st.integers(0, 9))
def test_lines_are_cut_as_splitlines_cuts_them(data, cuts, limit):
    bounds = sorted({0, len(data), *(min(cut, len(data)) for cut in cuts)})
    pieces = [data[start:end] for start, end in pairwise(bounds)]
    expected = []
    for line in data.split(b"\n"):
        whole = line + b"\n"
        expected.append((sum(n for _, _, n in expected), whole if len(whole) <= limit else None, len(whole)))
    offset, _, n = expected.pop()
    if n > 1:  # the last line has no newline
        expected.append((offset, data[offset:] if n - 1 <= limit else None, n - 1))
    assert list(split_lines(pieces, 0, limit)) == expected


def test_a_problem_collection_is_mapped_by_fields(tmp_path):
    record = {
        "question": "Find $x$ if $2x=4$.",
        "answer": "Halve: $x=2$.\n#### 2",
        "meta": {"final": 2.5},
        "stage": "college",
        "level": "hard",
        "style": "CoT",
    }
    fields = {"solution": "answer", "answer": "meta.final", "school_stage": "stage", "difficulty": "level"}
    [problem] = read(tmp_path, lines(record), kind="problems", license="MIT", lang="en", fields=fields)["out"]
    assert problem["problem_id"] == problem["doc_id"] == record_id("books", "part.jsonl", 0)
    assert problem["question"] == record["question"]
    assert problem["solution"] == record["answer"]
    assert problem["answer"] == "2.5"
    assert [(f["start"], f["end"]) for f in problem["question_formulas"]] == [(5, 8), (12, 18)]
    assert [(f["start"], f["end"]) for f in problem["solution_formulas"]] == [(7, 12)]
    assert (problem["steps"], problem["n_steps"], problem["method"], problem["loss_weight"]) == ([], 0, "source", 1.0)
    assert (problem["school_stage"], problem["difficulty"], problem["style"]) == ("university", "hard", "cot")
    assert (problem["lang"], problem["license"]) == ("en", "MIT")


def test_a_field_given_to_another_column_is_not_read_twice(tmp_path):
    records = lines({"question": "q", "answer": "Because. #### 2"})
    [problem] = read(tmp_path, records, kind="problems", fields={"solution": "answer"})["out"]
    assert (problem["solution"], problem["answer"]) == ("Because. #### 2", None)


def test_answers_may_be_numbers_or_lists_and_unknown_labels_are_null(tmp_path):
    records = lines({"question": "q", "answer": 3, "school_stage": "??"}, {"question": "q", "answer": ["1", 2]})
    rows = read(tmp_path, records, kind="problems")["out"]
    assert [(row["answer"], row["school_stage"]) for row in rows] == [("3", None), ("1, 2", None)]


def test_pages_may_come_as_json(tmp_path):
    rows = read(
        tmp_path, lines({"raw": "<p>\u00e9</p>", "url": "http://c.example/"}), kind="pages", fields={"html": "raw"}
    )
    [page] = rows["out"]
    assert page["html"] == "<p>\u00e9</p>".encode()
    assert page["content_type"] == "text/html; charset=utf-8"
