import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mathmill.core.errors import DataError
from mathmill.core.schemas import DOCUMENT, record_id
from mathmill.curation.readers import SourceConfig, list_files, plan_slices, read_slice


def source_of(path, kind="documents", **config):
    return SourceConfig(name="books", path=str(path), kind=kind, **config)


def slices_of(source, target_bytes=1 << 20):
    return [slice_ for file in list_files(source) for slice_ in plan_slices(file, source, target_bytes)]


def read(source, target_bytes=1 << 20, batch_bytes=8 << 20):
    rows = {"out": [], "dropped": [], "quarantine": []}
    for slice_ in slices_of(source, target_bytes):
        for port, batch in read_slice(source, slice_, batch_bytes):
            batch.validate(full=True)
            rows[port] += batch.to_pylist()
    return rows


def write(path, columns, **options):
    pq.write_table(pa.table(columns), path, **options)
    return path


def test_rows_become_documents_numbered_through_the_file(tmp_path):
    path = write(tmp_path / "a.parquet", {"text": ["a", "$x$", "c"], "id": [1, 2, 3]}, row_group_size=2)
    rows = read(source_of(path))["out"]
    assert [row["text"] for row in rows] == ["a", "$x$", "c"]
    assert [row["doc_id"] for row in rows] == [record_id("books", "a.parquet", i) for i in range(3)]
    assert rows[2]["locator"] == {"file": "a.parquet", "record": 2, "offset": None}
    assert rows[1]["formulas"] == [{"start": 0, "end": 3, "display": False, "encoding": "tex"}]


def test_slices_are_runs_of_row_groups_and_change_no_row(tmp_path):
    texts = [f"text {i} " * 100 for i in range(40)]
    source = source_of(write(tmp_path / "a.parquet", {"text": texts}, row_group_size=4, compression="none"))
    slices = slices_of(source, 1)
    assert [(slice_.start, slice_.end) for slice_ in slices] == [(i, i + 1) for i in range(10)]
    assert read(source, 1) == read(source, 5_000, batch_bytes=700) == read(source)
    assert [row["text"] for row in read(source, 1)["out"]] == texts
    assert all(slice_.size > 400 for slice_ in slices)


def test_batches_are_bounded_by_bytes(tmp_path):
    source = source_of(write(tmp_path / "a.parquet", {"text": ["x" * 1_000] * 50}))
    batches = [batch for _, batch in read_slice(source, slices_of(source)[0], 3_000)]
    assert [batch.num_rows for batch in batches] == [3] * 16 + [2]
    assert all(batch.schema == DOCUMENT for batch in batches)


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["a", "\u4e00"]),
        pa.array(["a", "\u4e00"], pa.large_string()),
        pa.array(["a", "\u4e00"], pa.string_view()),
        pa.array(["a", "\u4e00"]).dictionary_encode(),
        pa.array([b"a", "\u4e00".encode()]),
        pa.array([b"a", "\u4e00".encode()], pa.binary_view()),
    ],
)
def test_text_of_every_type_is_read(tmp_path, column):
    rows = read(source_of(write(tmp_path / "a.parquet", {"text": column})))
    assert [row["text"] for row in rows["out"]] == ["a", "\u4e00"]


def test_text_inside_a_structure_is_named_by_a_path(tmp_path):
    column = pa.array([{"content": "a", "role": "x"}, {"content": None, "role": "y"}])
    rows = read(source_of(write(tmp_path / "a.parquet", {"message": column}), fields={"text": "message.content"}))
    assert [row["text"] for row in rows["out"]] == ["a"]
    assert [row["error"] for row in rows["quarantine"]] == ["the record has no 'message.content'"]


def test_invalid_utf8_is_replaced(tmp_path):
    bad = pa.Array.from_buffers(pa.string(), 2, pa.array([b"a\xff", b"b"]).buffers())
    rows = read(source_of(write(tmp_path / "a.parquet", {"text": bad})))
    assert [row["text"] for row in rows["out"]] == ["a\ufffd", "b"]


def test_null_text_is_quarantined_and_blank_text_dropped(tmp_path):
    rows = read(source_of(write(tmp_path / "a.parquet", {"text": ["a", None, " ", "b"]})))
    assert [row["text"] for row in rows["out"]] == ["a", "b"]
    assert [row["locator"]["record"] for row in rows["quarantine"]] == [1]
    assert [row["id"] for row in rows["dropped"]] == [record_id("books", "a.parquet", 2)]


def test_a_missing_text_column_is_one_sentence_that_says_what_to_set(tmp_path):
    source = source_of(write(tmp_path / "a.parquet", {"content": ["a"], "id": [1]}))
    with pytest.raises(DataError) as error:
        slices_of(source)
    expected = "a.parquet has no column 'text' (it has: content, id); set fields: {text: …} for source books"
    assert str(error.value) == expected
    assert read(source_of(source.path, fields={"text": "content"}))["out"][0]["text"] == "a"


def test_a_column_that_the_recipe_names_must_be_there(tmp_path):
    path = write(tmp_path / "a.parquet", {"question": ["q"]})
    with pytest.raises(DataError, match=r"has no column 'key' .* set fields: \{answer: …\}"):
        slices_of(source_of(path, "problems", fields={"answer": "key"}))


def test_a_problem_table_is_read_with_lists_and_dates(tmp_path):
    import datetime

    columns = {
        "question": ["Find $x$."],
        "answer": pa.array([["1", "2"]]),
        "crawl_date": pa.array([datetime.datetime(2026, 1, 2)], pa.timestamp("us")),
    }
    [row] = read(source_of(write(tmp_path / "a.parquet", columns), "problems"))["out"]
    assert (row["answer"], row["crawl_date"]) == ("1, 2", "2026-01-02T00:00:00")


def test_pages_keep_their_bytes(tmp_path):
    path = write(tmp_path / "a.parquet", {"html": [b"\xb4\xf3"], "content_type": ["text/html; charset=gbk"]})
    [row] = read(source_of(path, "pages"))["out"]
    assert (row["html"], row["content_type"]) == (b"\xb4\xf3", "text/html; charset=gbk")


@pytest.mark.parametrize("data", [b"", b"PAR1", b"not parquet at all" * 50, b"PAR1" + bytes(200) + b"PAR1"])
def test_a_file_that_is_no_parquet_is_one_quarantine_row(tmp_path, data):
    (tmp_path / "a.parquet").write_bytes(data)
    write(tmp_path / "b.parquet", {"text": ["b"]})
    rows = read(source_of(tmp_path))
    assert [row["text"] for row in rows["out"]] == ["b"]
    [row] = rows["quarantine"]
    assert row["error"].startswith("a.parquet cannot be read: ")


def test_of_a_file_damaged_in_the_middle_the_beginning_stays(tmp_path):
    path = write(tmp_path / "a.parquet", {"text": [f"{i:0200}" for i in range(9_000)]}, row_group_size=3_000)
    data = bytearray(path.read_bytes())
    start = pq.ParquetFile(path).metadata.row_group(1).column(0).data_page_offset
    data[start : start + 60] = bytes(60)
    path.write_bytes(data)
    rows = read(source_of(path), batch_bytes=1 << 16, target_bytes=1)
    assert [row["text"] for row in rows["out"]] == [f"{i:0200}" for i in (*range(3_000), *range(6_000, 9_000))]
    assert [row["locator"]["record"] for row in rows["quarantine"]] == [3_000]


def test_an_empty_table_has_no_rows(tmp_path):
    source = source_of(write(tmp_path / "a.parquet", {"text": pa.array([], pa.string())}))
    assert read(source) == {"out": [], "dropped": [], "quarantine": []}
