import os
import shutil
from math import inf, nan

import numpy as np
import pyarrow as pa
import pytest

from mathmill.tokenize.manifest import FILE_NAME, Manifest, load
from mathmill.tokenize.verify import _PROVED, Check, VerifyReport, verify_shards


@pytest.fixture(autouse=True)
def without_peers(monkeypatch):
    """Importing torch takes seconds; test_megatron.py has these checks."""
    monkeypatch.setattr("mathmill.tokenize.verify.PEER_READERS", ())


@pytest.fixture
def copy(shards, tmp_path):
    return shutil.copytree(shards, tmp_path / "copy")


def failed(path, **arguments):
    return {check.name for check in verify_shards(path, **arguments).checks if not check.ok}


def test_shards_as_written_hold_every_check(shards):
    report = verify_shards(shards)
    assert report.ok
    assert [check.name for check in report.checks] == ["manifest", "files", "rows", "padding", "index", "counts"]
    assert all(line.startswith("ok ") for line in report.lines())
    assert report.to_json()["checks"][4] == {
        "name": "index",
        "ok": True,
        "detail": "120 records of the Megatron index have all their parts",
    }
    assert verify_shards(shards / FILE_NAME).ok


def test_a_flipped_bit_anywhere_is_found(copy):
    rng = np.random.default_rng(0)
    for path in sorted(copy.iterdir()):
        good = path.read_bytes()
        for place in {0, len(good) - 1, *rng.integers(0, len(good), 8).tolist()}:
            flipped = bytearray(good)
            flipped[place] ^= 1 << int(rng.integers(8))
            path.unlink()
            path.write_bytes(flipped)
            assert not verify_shards(copy).ok, (path.name, place)
        path.unlink()
        path.write_bytes(good)
    assert verify_shards(copy).ok


@pytest.mark.parametrize("suffix", [".bin", ".idx", ".arrow"])
def test_a_missing_truncated_or_longer_file_is_found(copy, suffix):
    path = copy / f"general-1{suffix}"
    good = path.read_bytes()
    for damage in (good[:-1], good[: len(good) // 2], b"", good + b"\0", None):
        path.unlink(missing_ok=True)
        if damage is not None:
            path.write_bytes(damage)
        report = verify_shards(copy)
        assert not report.ok
        files = next(check for check in report.checks if check.name == "files")
        assert f"general-1{suffix}" in files.detail


def test_named_pipes_are_found_and_not_waited_for(copy):
    for suffix in (".bin", ".idx", ".arrow"):
        path = copy / f"general-0{suffix}"
        path.unlink()
        os.mkfifo(path)
        assert "files" in failed(copy)


def test_every_line_fits_into_100_columns():
    for name, proved in _PROVED.items():
        assert len(VerifyReport("", (Check(name, True, f"1,000,000,000 {proved}"),)).lines()[0]) <= 100


def test_swapped_shards_are_found(copy):
    for suffix in (".bin", ".idx", ".arrow"):
        first, second = copy / f"general-0{suffix}", copy / f"general-1{suffix}"
        content = first.read_bytes()
        first.unlink()
        second.rename(first)
        second.write_bytes(content)
    assert "files" in failed(copy)


def test_shards_that_a_forger_swapped_and_signed_are_found_by_their_counts(copy, sign_again):
    for suffix in (".bin", ".idx", ".arrow"):
        first, second = copy / f"general-0{suffix}", copy / f"general-1{suffix}"
        content = first.read_bytes()
        first.unlink()
        second.rename(first)
        second.write_bytes(content)
    sign_again(copy)
    assert {"rows", "padding", "index", "counts"} <= failed(copy)


def numbers_in(value, path=()):
    """The places of all numbers of a manifest."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from numbers_in(inner, (*path, key))
    elif isinstance(value, list):
        for key, inner in enumerate(value):
            yield from numbers_in(inner, (*path, key))
    elif isinstance(value, int | float):
        yield path


def test_every_edited_number_is_found_even_when_the_digest_was_made_to_fit(tmp_path, random_encoded, write_folder):
    copy = tmp_path / "s"
    write_folder(copy, {"a": [random_encoded(0, 12)]})
    good = load(copy).model_dump(mode="json")
    places = [place for place in numbers_in(good) if place[0] not in ("version", "eos_id", "bos_id")]
    assert len(places) > 100
    for place in places:
        raw = Manifest.model_validate(good).model_dump(mode="json")
        inner = raw
        for key in place[:-1]:
            inner = inner[key]
        inner[place[-1]] = inner[place[-1]] + 1 if isinstance(inner[place[-1]], int) else 0.5
        manifest = Manifest.model_validate(raw)
        manifest = manifest.model_copy(update={"digest": manifest.compute_digest()})
        (copy / FILE_NAME).write_bytes(manifest.to_json())
        assert not verify_shards(copy).ok, place


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw["tokenizer"].update(name="other"),
        lambda raw: raw.update(recipe="0" * 32),
        lambda raw: raw["groups"]["hard"].update(selector="documents[lang=zh]"),
        lambda raw: raw["lineage"]["token_store"].update(file="0" * 32),
    ],
)
def test_an_edited_word_is_found_by_the_digest(copy, change):
    raw = load(copy).model_dump(mode="json")
    change(raw)
    (copy / FILE_NAME).write_bytes(Manifest.model_validate(raw).to_json())
    assert failed(copy) == {"manifest"}


def test_a_manifest_that_cannot_be_read_is_a_failed_check(copy, tmp_path):
    (copy / FILE_NAME).write_bytes(b"{}")
    assert failed(copy) == {"manifest"}
    assert failed(tmp_path / "nothing") == {"manifest"}


def edit_tokens(copy, change):
    path = copy / "hard-0.bin"
    rows = np.fromfile(path, np.uint16).reshape(-1, 16)
    change(rows)
    os.unlink(path)
    rows.tofile(path)


def edit_segments(copy, change):
    path = copy / "hard-0.arrow"
    table = pa.ipc.open_file(str(path)).read_all()
    rows = table.to_pylist()
    change(rows)
    os.unlink(path)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(pa.Table.from_pylist(rows, schema=table.schema))


def set_last_padding(rows):
    padded = np.flatnonzero(rows[:, -1] == 0)
    rows[padded[-1], -1] = 5


def test_something_else_than_padding_at_a_rows_end_is_found(copy, sign_again):
    edit_tokens(copy, set_last_padding)
    sign_again(copy)
    assert failed(copy) == {"padding"}


def test_an_id_outside_of_the_vocabulary_is_found(copy, sign_again):
    edit_tokens(copy, lambda rows: rows.__setitem__((0, 0), 1000))
    sign_again(copy)
    assert failed(copy) == {"padding"}


def first_segment(rows, holds):
    return next(segment for row in rows for segment in row["segments"] if holds(segment))


def loss(start, end, weight=1.0):
    return {"start": start, "end": end, "weight": weight}


def first_cut_part(rows):
    """A part that begins at an allowed cut."""
    return first_segment(rows, lambda s: s["part"] > 0 and s["cuts"] and s["cuts"][0]["offset"] == 0)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda rows: rows[0]["segments"][0].update(start=1), "rows"),
        (lambda rows: rows[0]["segments"][0].update(loss_spans=[loss(0, 17)]), "rows"),
        (lambda rows: first_segment(rows, lambda s: s["loss_spans"])["loss_spans"][0].update(weight=nan), "rows"),
        (lambda rows: first_segment(rows, lambda s: s["loss_spans"])["loss_spans"][0].update(weight=inf), "rows"),
        (lambda rows: first_segment(rows, lambda s: s["loss_spans"])["loss_spans"][0].update(weight=0.0), "rows"),
        (lambda rows: first_segment(rows, lambda s: s["loss_spans"])["loss_spans"][0].update(weight=-1.0), "rows"),
        (lambda rows: first_segment(rows, lambda s: s["loss_spans"])["loss_spans"][0].update(weight=None), "rows"),
        (lambda rows: rows[0]["segments"][0].update(weight=nan), "rows"),
        (lambda rows: rows[0]["segments"][0].update(weight=0.0), "rows"),
        (lambda rows: rows[0].update(n_tokens=rows[0]["n_tokens"] - 1), "rows"),
        (lambda rows: first_cut_part(rows).update(part=7), "index"),
        (lambda rows: first_cut_part(rows).update(n_parts=9), "index"),
        (lambda rows: first_cut_part(rows).update(record_id="other"), "index"),
        (lambda rows: first_cut_part(rows).update(weight=0.125), "index"),
        (lambda rows: rows.reverse(), "index"),
        (lambda rows: rows[-1]["segments"][-1].update(lang="fr"), "counts"),
        (lambda rows: first_cut_part(rows).update(cuts=[]), "counts"),
        (
            lambda rows: first_segment(rows, lambda s: s["n_parts"] == 1 and not s["answer"]).update(
                answer={"start": 0, "end": 1}
            ),
            "counts",
        ),
    ],
)
def test_segments_that_lie_are_found_even_when_signed(copy, sign_again, change, expected):
    edit_segments(copy, change)
    sign_again(copy)
    assert expected in failed(copy)
    assert not failed(copy) & {"manifest", "files"}


def test_a_mask_that_differs_from_the_manifests_count_is_found(copy, sign_again):
    def drop_loss(rows):
        row = next(row for row in rows if row["n_supervised"])
        for segment in row["segments"]:
            segment["loss_spans"] = []
        row["n_supervised"] = 0

    edit_segments(copy, drop_loss)
    sign_again(copy)
    assert failed(copy) == {"counts"}


def test_a_shard_that_claims_to_have_no_rows_is_found(copy, sign_again):
    def without_rows(raw):
        raw["groups"]["hard"]["shards"][0]["rows"] = 0
        return raw

    sign_again(copy, without_rows)
    assert {"manifest", "index", "counts"} <= failed(copy)


def test_a_row_of_nothing_but_padding_is_found(copy, sign_again):
    edit_segments(copy, lambda rows: rows[0].update(segments=[], n_tokens=0, n_supervised=0))
    sign_again(copy)
    assert "rows" in failed(copy)


class Letters:
    """A codec of one token a letter."""

    def decode(self, ids):
        return "".join(chr(97 + number % 26) for number in np.asarray(ids).tolist())

    def encode_batch(self, texts):
        tokens = np.array([ord(letter) - 97 for text in texts for letter in text])
        return tokens, None


def test_the_round_trip_to_text_compares_records_with_their_texts(tmp_path, random_encoded, write_folder):
    table = random_encoded(4, 30, vocab_size=26)
    write_folder(tmp_path / "s", {"a": [table]}, vocab_size=26, seq_len=16, eos_id=25, bos_id=None)
    texts = {}
    for record in table.to_pylist():
        tokens = record["tokens"]
        texts[record["record_id"]] = Letters().decode(tokens[:-1] if tokens[-1] == 25 else tokens)
    assert failed(tmp_path / "s", tokenizer=Letters(), texts=texts) == set()
    assert failed(tmp_path / "s", tokenizer=Letters(), texts=texts.get, sample=None) == set()
    assert failed(tmp_path / "s", tokenizer=Letters()) == set()
    wrong = texts | {"4-17": texts["4-17"] + "x"}
    report = verify_shards(tmp_path / "s", Letters(), texts=wrong)
    assert [check.detail for check in report.checks if not check.ok] == [
        "shard a-0: record 4-17 does not decode to its text"
    ]
    assert failed(tmp_path / "s", tokenizer=Letters(), texts=wrong, sample=2) == set()


def test_a_codec_that_loses_text_fails_the_round_trip(shards):
    class Lossy(Letters):
        def encode_batch(self, texts):
            tokens, rest = super().encode_batch(texts)
            return np.zeros_like(tokens), rest

    assert failed(shards, tokenizer=Lossy()) == {"text"}
