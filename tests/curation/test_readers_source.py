import gzip

import fsspec
import pytest
from pydantic import ValidationError

from mathmill.core.errors import DataError
from mathmill.core.schemas import DOCUMENT, PAGE, PROBLEM
from mathmill.curation.readers import InputFile, SourceConfig, input_schema, list_files, plan_slices, read_slice


def source_of(path, kind="documents", **config):
    return SourceConfig(name="books", path=str(path), kind=kind, **config)


def fill(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())


def names(source):
    return [file.relative for file in list_files(source)]


def test_the_kind_of_a_source_gives_the_schema_of_its_records():
    schemas = [input_schema(source_of("x", kind)) for kind in ("pages", "documents", "problems")]
    assert schemas == [PAGE, DOCUMENT, PROBLEM]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {"kind": "problems", "format": "warc"},
            "format warc does not give problems; jsonl, parquet, json, csv, tsv do",
        ),
        ({"kind": "pages", "format": "wet"}, "format wet does not give pages; warc, jsonl, parquet, cc_index do"),
        ({"fields": {"question": "q"}}, "fields: 'question' is not a column of documents; there are text, url"),
        ({"name": "My Books"}, "string_pattern_mismatch"),
        ({"nmae": "x"}, "nmae"),
    ],
)
def test_a_source_that_makes_no_sense_is_refused(config, message):
    with pytest.raises(ValidationError) as error:
        SourceConfig.model_validate({"name": "books", "path": "x", "kind": "documents"} | config)
    assert message in str(error.value)


def test_a_folder_gives_its_files_by_suffix_sorted_and_without_hidden_ones(tmp_path):
    visible = ["a.jsonl", "b/a.jsonl.gz", "b/c/x.JSONL.ZST", "z.parquet"]
    fill(tmp_path, *reversed(visible), ".a.jsonl", "_SUCCESS", "_temporary/b.jsonl", "b/.cache/a.jsonl", "README.md")
    assert names(source_of(tmp_path)) == visible
    assert names(source_of(f"{tmp_path}/")) == visible
    assert names(source_of(tmp_path, format="jsonl")) == visible[:3]


def test_a_file_and_a_glob_are_relative_to_what_is_fixed(tmp_path):
    fill(tmp_path, "x/a.jsonl", "y/a.jsonl", "y/b.parquet", "y/deep/c.jsonl")
    assert names(source_of(tmp_path / "y" / "a.jsonl")) == ["a.jsonl"]
    assert names(source_of(tmp_path / "*" / "a.jsonl")) == ["x/a.jsonl", "y/a.jsonl"]
    assert names(source_of(tmp_path / "**" / "*.jsonl")) == ["x/a.jsonl", "y/a.jsonl", "y/deep/c.jsonl"]


def test_a_file_whose_name_holds_glob_characters_is_that_file(tmp_path):
    fill(tmp_path, "a[1].jsonl")
    assert names(source_of(tmp_path / "a[1].jsonl")) == ["a[1].jsonl"]


def test_with_a_format_a_file_or_glob_is_taken_whatever_the_names(tmp_path):
    fill(tmp_path, "part-00000", "part-00001")
    assert names(source_of(tmp_path / "part-*", format="jsonl")) == ["part-00000", "part-00001"]
    with pytest.raises(DataError, match=r"has a suffix of any known format .* set format"):
        list_files(source_of(tmp_path / "part-*"))
    with pytest.raises(DataError, match=r"has a suffix of jsonl \(\.jsonl, \.jsonl\.gz, .* with a glob"):
        list_files(source_of(tmp_path, format="jsonl"))


@pytest.mark.parametrize("path", ["gone.jsonl", "gone", "gone/*.jsonl", "empty", "memory://gone"])
def test_nothing_to_read_is_one_sentence_that_names_the_path(tmp_path, path):
    (tmp_path / "empty").mkdir()
    path = path if "://" in path else str(tmp_path / path)
    with pytest.raises(DataError) as error:
        list_files(source_of(path))
    assert str(error.value) == f"source books: there is no file or folder {path}, or nothing in it"


@pytest.mark.parametrize("path", ["nope://bucket/x", "memory2://x"])
def test_an_unknown_protocol_is_one_sentence(path):
    with pytest.raises(DataError, match=f"source books: cannot read {path}: Protocol not known"):
        list_files(source_of(path))


def test_files_of_another_kind_are_not_left_out_in_silence(tmp_path):
    fill(tmp_path, "a.warc.gz", "a.warc.wet.gz")
    with pytest.raises(DataError, match=r"a\.warc\.gz is a warc file, which does not give documents; change kind, or"):
        list_files(source_of(tmp_path))
    assert names(source_of(tmp_path, format="wet")) == ["a.warc.wet.gz"]


def test_the_fingerprint_follows_the_content_and_nothing_else(tmp_path):
    fill(tmp_path, "a.jsonl")
    [before] = list_files(source_of(tmp_path))
    assert before == InputFile(f"{tmp_path}/a.jsonl", "a.jsonl", 7, before.fingerprint)
    (tmp_path / "a.jsonl").write_bytes(b"a.jsonL")
    [changed] = list_files(source_of(tmp_path))
    fill(tmp_path, "a.jsonl")
    [again] = list_files(source_of(tmp_path))
    assert before == again
    assert before.fingerprint != changed.fingerprint


def test_another_file_system_gives_the_same_ids_and_rows(tmp_path):
    data = gzip.compress(b'{"text": "a"}\n{"text": "b"}\n')
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "a.jsonl.gz").write_bytes(data)
    fsspec.filesystem("memory").pipe({"/readers/x/a.jsonl.gz": data, "/readers/x/_log": b"", "/readers/x/b.txt": b""})

    def rows(source):
        [file] = list_files(source)
        [slice_] = plan_slices(file, source, 10)
        return [row for _, batch in read_slice(source, slice_) for row in batch.to_pylist()]

    local = source_of(tmp_path)
    for path in ("memory://readers", "memory://readers/*/*"):
        remote = source_of(path)
        assert rows(remote) == rows(local)
        assert list_files(remote)[0].fingerprint == list_files(local)[0].fingerprint


def test_a_file_that_goes_away_before_it_is_read_is_one_sentence(tmp_path):
    fill(tmp_path, "a.jsonl")
    source = source_of(tmp_path)
    [slice_] = plan_slices(list_files(source)[0], source, 10)
    (tmp_path / "a.jsonl").unlink()
    with pytest.raises(DataError, match=r"a\.jsonl was there when the run was planned and is gone now"):
        list(read_slice(source, slice_))


def test_plain_files_are_cut_and_compressed_ones_are_not(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b"x" * 100)
    (tmp_path / "a.jsonl.gz").write_bytes(b"x" * 100)
    source = source_of(tmp_path)
    plain, compressed = (plan_slices(file, source, 30) for file in list_files(source))
    assert [(slice_.start, slice_.end, slice_.size) for slice_ in plain] == [(0, 33, 33), (33, 66, 33), (66, 100, 34)]
    assert [(slice_.start, slice_.end, slice_.size) for slice_ in compressed] == [(0, 100, 100)]
