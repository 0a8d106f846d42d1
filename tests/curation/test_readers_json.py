import gzip
import json

import pytest
import zstandard
from pydantic import ValidationError

from mathmill.core.errors import DataError
from mathmill.core.stage import DROPPED_PORT, OUT, QUARANTINE_PORT
from mathmill.curation.readers import SourceConfig, list_files, plan_slices, read_slice
from mathmill.curation.readers.jsonfile import _Walker


def source_of(path, kind="problems", **config):
    return SourceConfig(name="set", path=str(path), kind=kind, **config)


def read(source, limit=1 << 20):
    out = {OUT: [], DROPPED_PORT: [], QUARANTINE_PORT: []}
    for file in list_files(source):
        parts = plan_slices(file, source, 10)
        assert len(parts) == 1 or file.relative.endswith(("jsonl", "parquet"))
        for part in parts:
            for port, batch in read_slice(source, part, max_record_bytes=limit):
                out[port] += batch.to_pylist()
    return out


def questions(source, **options):
    out = read(source, **options)
    assert not out[QUARANTINE_PORT]
    return [row["question"] for row in out[OUT]]


ONE, TWO = {"question": "1+1?"}, {"question": "2+2?"}


@pytest.mark.parametrize(
    ("text", "records"),
    [
        (json.dumps([ONE, TWO]), None),
        (json.dumps([ONE, TWO], indent=4), None),
        ("\ufeff" + json.dumps([ONE, TWO]) + "\n", None),
        (json.dumps(ONE, indent=1) + "\n" + json.dumps(TWO, indent=1), None),
        (json.dumps(ONE) + json.dumps(TWO), None),
        (json.dumps([ONE]) + json.dumps([TWO]), None),
        (json.dumps({"about": {"example": 1}, "example": [ONE, TWO], "n": 2}), "example"),
        (json.dumps({"data": {"train": [ONE], "test": []}}) + json.dumps({"data": {"train": TWO}}), "data.train"),
        (json.dumps({"q1": ONE, "q2": TWO}), "*"),
        (json.dumps({"a": {"items": [ONE]}, "b": {"items": [TWO]}, "c": 3}), "*.items"),
    ],
)
def test_records_are_found_however_a_json_file_holds_them(text, records, tmp_path):
    (tmp_path / "a.json").write_text(text, encoding="utf-8")
    assert questions(source_of(tmp_path / "a.json", records=records)) == ["1+1?", "2+2?"]


def test_one_record_is_a_file_as_well_and_an_empty_file_is_none(tmp_path):
    (tmp_path / "1.json").write_text(json.dumps(ONE))
    (tmp_path / "2.json").write_text("")
    (tmp_path / "3.json").write_text("[]")
    assert questions(source_of(tmp_path)) == ["1+1?"]


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_compressed_files_need_the_format(pack, tmp_path):
    (tmp_path / "a.json.gz" if pack is gzip.compress else tmp_path / "a.json.zst").write_bytes(
        pack(b'[{"question": "x"}]')
    )
    assert questions(source_of(tmp_path / "a.json.*", format="json")) == ["x"]


def test_a_record_is_numbered_by_its_first_character(tmp_path):
    text = '[{"question": "é"}, {"question": "x"}]'
    (tmp_path / "a.json").write_text(text, encoding="utf-8")
    numbers = [row["locator"]["record"] for row in read(source_of(tmp_path))[OUT]]
    assert [text[number:].startswith("{") for number in numbers] == [True, True]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ('[{"question": "x"}, {"question" "y"}]', "character 20: it is not valid JSON: Expecting ':' delimiter"),
        ('[{"question": "x"}, {"question": "y"', "character 20: it is not valid JSON: Expecting ',' delimiter"),
        ('[{"question": "x"}', "character 18: it ends too soon"),
        ('[{"question": "x"} {}]', "character 19: it is not valid JSON: there is '{' for ']'"),
        ('[{"question": "x"}, ' + "[" * 100_000, "character 20: a value is nested too deeply"),
    ],
)
def test_a_damaged_file_gives_what_comes_before_the_damage(text, error, tmp_path):
    (tmp_path / "a.json").write_text(text)
    out = read(source_of(tmp_path))
    assert [row["question"] for row in out[OUT]] == ["x"]
    [row] = out[QUARANTINE_PORT]
    assert f"a.json can be read no further than its {error}" in row["error"]


def test_a_record_over_the_limit_ends_the_file(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps([ONE, {"question": "x" * 3_000_000}, TWO]))
    out = read(source_of(tmp_path), limit=1 << 20)
    assert [row["question"] for row in out[OUT]] == ["1+1?"]
    assert "a value has more than the limit of 1,048,576 characters, or no end" in out[QUARANTINE_PORT][0]["error"]
    assert questions(source_of(tmp_path), limit=4 << 20)[2] == "2+2?"


def test_what_is_no_object_costs_itself_alone(tmp_path):
    (tmp_path / "a.json").write_text('[{"question": "x"}, "y", 12, null, {"question": "z"}]')
    out = read(source_of(tmp_path))
    assert [row["question"] for row in out[OUT]] == ["x", "z"]
    assert [row["error"] for row in out[QUARANTINE_PORT]] == ["the record is valid JSON, but no object"] * 3


def test_an_array_is_not_read_before_its_records_are_taken():
    record = json.dumps({"question": "x" * 1000}).encode()
    taken = 0

    def pieces():
        nonlocal taken
        yield b"["
        while True:
            taken += 1
            yield record + b", "

    walker = _Walker(pieces(), 1 << 20)
    records = walker.records([])
    for number in range(5000):
        next(records)
        assert taken <= number + 3
    assert len(walker._text) < 3 * len(record)


def test_values_may_be_cut_between_pieces_anywhere():
    text = '{"a": [{"x": "é\\n\\u00e9", "n": [12, -1.5e3, null, true]}, 345], "b": "c"}'.encode()
    for size in range(1, len(text)):
        pieces = [text[start : start + size] for start in range(0, len(text), size)]
        found = [value for _, value in _Walker(pieces, 1000).records(["a"])]
        assert found == [{"x": "é\né", "n": [12, -1500.0, None, True]}, 345]


def test_tables_give_records_by_their_header(tmp_path):
    (tmp_path / "a.csv").write_text('\ufeffquestion,answer\n"a, ""b""\nand c?",2\n\nd?,3\n', encoding="utf-8")
    rows = read(source_of(tmp_path))[OUT]
    assert [(row["question"], row["answer"]) for row in rows] == [('a, "b"\nand c?', "2"), ("d?", "3")]


def test_a_table_without_a_header_has_its_columns_named(tmp_path):
    (tmp_path / "a.tsv").write_text('"Is, it?" \t1\nyes?\t2\n')
    rows = read(source_of(tmp_path, columns=("question", "answer")))[OUT]
    assert [(row["question"], row["answer"]) for row in rows] == [('"Is, it?" ', "1"), ("yes?", "2")]


def test_a_row_that_does_not_fit_costs_itself_alone(tmp_path):
    long = "x" * 3_000_000
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(f"question,answer\na?,1\nb?\n{long},2\nc?,3\n".encode()))
    out = read(source_of(tmp_path))
    assert [row["question"] for row in out[OUT]] == ["a?", "c?"]
    assert [row["error"] for row in out[QUARANTINE_PORT]] == [
        "the row has 1 cells, and there are 2 columns",
        "the line has 3,000,003 bytes, more than the limit",
    ]
    assert [row["locator"]["record"] for row in out[OUT]] == [16, 16 + 5 + 3 + 3_000_003]


def test_descriptions_beside_data_are_not_taken_for_data(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"question": "x"}\n')
    (tmp_path / "dataset_info.json").write_text('{"features": {}}')
    (tmp_path / "files.csv").write_text("name,size\n")
    assert questions(source_of(tmp_path)) == ["x"]
    (tmp_path / "a.jsonl").unlink()
    (tmp_path / "files.csv").unlink()
    assert read(source_of(tmp_path))[QUARANTINE_PORT][0]["error"] == "the record has no 'question'"


def test_alternatives_in_a_path_are_all_read_and_all_needed(tmp_path):
    for name in ("x/a", "x/b", "y/a"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.json").write_text(json.dumps({"question": name}))
    assert questions(source_of(tmp_path / "{x/a,y/a}.json")) == ["x/a", "y/a"]
    assert questions(source_of(tmp_path / "x" / "{a,b}.json")) == ["x/a", "x/b"]
    assert questions(source_of(tmp_path / "{x,y}" / "a.json")) == ["x/a", "y/a"]
    with pytest.raises(DataError, match=r"no file or folder .*y/b\.json, or nothing in it, of the path .*\{x,y\}/b"):
        list_files(source_of(tmp_path / "{x,y}" / "b.json"))


def row_of(tmp_path, record, fields, **config):
    (tmp_path / "a.jsonl").write_text(json.dumps(record, ensure_ascii=False) + "\n", encoding="utf-8")
    out = read(source_of(tmp_path, fields=fields, **config))
    assert not out[QUARANTINE_PORT]
    return out[OUT][0] if out[OUT] else out[DROPPED_PORT][0]


def test_a_rule_joins_fields_and_lists(tmp_path):
    fields = {"question": {"field": ["Body", "Question"], "join": " "}, "solution": {"field": "steps"}}
    row = row_of(tmp_path, {"Body": "A.", "Question": "How?", "steps": ["First.", "Second."]}, fields)
    assert (row["question"], row["solution"]) == ("A. How?", "First.\nSecond.")
    assert row_of(tmp_path, {"Body": "", "Question": "How?"}, fields)["question"] == "How?"


@pytest.mark.parametrize(
    "options",
    [
        ["3", "4"],
        ["A. 3", "B. 4"],
        {"A": "3", "B": "4", "C": None},
        [{"label": "A", "text": "3"}, {"label": "B", "text": "4"}],
        [[{"aoVal": "A", "content": "3 "}], [{"aoVal": "B", "content": "4"}]],
        "A. 3\nB. 4",
    ],
)
def test_options_are_appended_a_line_each(options, tmp_path):
    row = row_of(tmp_path, {"q": "Which? ", "o": options}, {"question": {"field": "q", "options": "o"}})
    assert row["question"] == "Which?\nA. 3\nB. 4"


def test_options_that_begin_with_another_letter_get_theirs(tmp_path):
    row = row_of(tmp_path, {"q": "Which?", "o": ["x: 1", "(B) 2"]}, {"question": {"field": "q", "options": "o"}})
    assert row["question"] == "Which?\nA. x: 1\n(B) 2"


def test_no_options_leave_the_question_alone(tmp_path):
    for record in ({"q": "Which?"}, {"q": "Which?", "o": None}, {"q": "Which?", "o": []}):
        assert row_of(tmp_path, record, {"question": {"field": "q", "options": "o"}})["question"] == "Which?"


def test_a_rule_maps_numbers_and_patterns(tmp_path):
    fields = {
        "question": "q",
        "school_stage": {"field": "grade", "map": {"[1-6]": "elementary", "[7-9]": "middle"}},
        "difficulty_score": {"field": "level", "map": {"Level 1": "1", "Level 5": "5"}},
        "n_steps": "steps",
        "style": {"value": "cot"},
        "lang": {"value": "zh"},
    }
    row = row_of(tmp_path, {"q": "?", "grade": 8, "level": "Level 5", "steps": 3}, fields)
    assert (row["school_stage"], row["difficulty_score"], row["n_steps"]) == ("middle", 5.0, 3)
    assert (row["style"], row["lang"]) == ("cot", "zh")
    row = row_of(tmp_path, {"q": "?", "grade": 12, "level": "Level ?", "steps": "many"}, fields)
    assert (row["school_stage"], row["difficulty_score"], row["n_steps"]) == (None, None, 0)


def test_steps_and_levels_are_taken_only_where_fields_says_so(tmp_path):
    row = row_of(tmp_path, {"question": "?", "n_steps": 4, "difficulty_score": 9}, {})
    assert (row["n_steps"], row["difficulty_score"]) == (0, None)


def test_an_answer_that_stands_for_none_is_looked_for_in_the_solution(tmp_path):
    fields = {"question": "q", "solution": "s", "answer": {"field": "a", "absent": ["notfound"]}}
    assert row_of(tmp_path, {"q": "?", "s": "It is $\\boxed{7}$.", "a": "notfound"}, fields)["answer"] == "7"
    assert row_of(tmp_path, {"q": "?", "s": "It is $\\boxed{7}$.", "a": "$7$"}, fields)["answer"] == "$7$"
    assert row_of(tmp_path, {"q": "?", "s": "So it holds.", "a": "notfound"}, fields)["answer"] is None


def test_where_leaves_other_records_out(tmp_path):
    where = {"split": ("train", "dev"), "ok": "true"}
    assert row_of(tmp_path, {"question": "?", "split": "dev", "ok": True}, {}, where=where)["question"] == "?"
    for record in ({"split": "test", "ok": True}, {"split": "dev", "ok": False}, {"split": "dev"}):
        assert row_of(tmp_path, {"question": "?"} | record, {}, where=where)["reason"] == "not_selected"


def test_a_path_may_lead_through_lists(tmp_path):
    row = row_of(
        tmp_path, {"turns": [{"text": "2+2?"}, {"text": "4"}]}, {"question": "turns.0.text", "solution": "turns.1.text"}
    )
    assert (row["question"], row["solution"]) == ("2+2?", "4")


@pytest.mark.parametrize("rule", [{}, {"field": "a", "value": "b"}, {"map": {"a": "b"}}])
def test_a_rule_that_makes_no_sense_is_refused(rule):
    with pytest.raises(ValidationError, match="say which `field` the column comes from, or the `value`"):
        source_of("x", fields={"question": rule})
