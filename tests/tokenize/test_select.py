import numpy as np
import pyarrow as pa
import pytest

from mathmill.core.errors import ConfigError
from mathmill.tokenize.select import Selector, assign_groups
from mathmill.tokenize.store import LABELS

HARD = {"corpus": "problems", "source": "crawl", "difficulty": "hard"}
ROWS = [
    {"corpus": "documents", "source": "wiki", "lang": "en", "math_score": 0.9},
    {"corpus": "documents", "source": "crawl", "lang": "zh", "math_score": 0.7},
    {"corpus": "documents", "source": "crawl", "lang": None, "math_score": None},
    HARD | {"lang": "en", "difficulty_p": 0.8, "school_stage": "high"},
    HARD | {"lang": "zh", "difficulty_p": 0.5, "school_stage": "middle"},
    {"corpus": "problems", "source": "wiki", "lang": "en", "difficulty": "easy", "difficulty_p": 0.9},
    {"corpus": "problems", "source": "wiki", "lang": "en"},
]


@pytest.fixture
def batch() -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(ROWS, schema=pa.schema(LABELS))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("documents", [0, 1, 2]),
        ("problems", [3, 4, 5, 6]),
        ("problems[difficulty=hard]", [3, 4]),
        ("problems[difficulty=hard, school_stage=high]", [3]),
        ("problems[difficulty=hard|easy]", [3, 4, 5]),
        ("problems[difficulty=hard, p>=0.8]", [3]),
        ("problems[difficulty_p>0.8]", [5]),
        ("problems[difficulty!=hard]", [5]),
        ("documents[source!=wiki]", [1, 2]),
        (" documents [ lang = zh ] ", [1]),
        ("documents[math_score>=0.7]", [0, 1]),
        ("documents[math_score<0.8]", [1]),
        ("documents[lang=zh, source=wiki]", []),
        ("conversations", []),
        ("documents[lang=(none)]", [2]),
        ("documents[lang=zh|(none)]", [1, 2]),
        ("documents[lang!=(none)]", [0, 1]),
        ("documents[lang!=zh|(none)]", [0]),
        ("documents[math_score=(none)]", [2]),
        ("documents[math_score!=(none), math_score<=0.7]", [1]),
        ('documents[lang="(none)"]', []),
        ("documents[source='wiki'|\"crawl\", lang = 'en']", [0]),
        ("problems[difficulty_p=0.8]", [3]),
        ("problems[difficulty_p!=0.8]", [4, 5]),
    ],
)
def test_a_selector_selects_the_rows_it_describes(batch: pa.RecordBatch, text: str, expected: object) -> None:
    if isinstance(expected, str):
        with pytest.raises(ConfigError, match=expected):
            Selector.parse(text)
    else:
        assert np.flatnonzero(Selector.parse(text).mask(batch)).tolist() == expected
        assert np.flatnonzero(Selector.parse(text).mask(pa.Table.from_batches([batch, batch]))).size == 2 * len(
            expected
        )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("pages", "documents, problems or conversations"),
        ("problems[difficulty=hard", "documents, problems or conversations"),
        ("Problem[difficulty=hard]", r"is no selector; .*; did you mean problems\?"),
        ("problems[difficulty=hardest]", "easy, medium or hard, not 'hardest'"),
        ("problems[school_stage=college]", "elementary, middle, high or university, not 'college'"),
        ("problems[grade=5]", "'grade' is no label; there are source, "),
        ("problems[p>=0.8]", "p follows a condition"),
        ("problems[difficulty=hard, p>=1.8]", "not in \\[0, 1\\]"),
        ("problems[difficulty_p>=high]", "a number, not 'high'"),
        ("documents[math_score>=nan]", "a number, not 'nan'"),
        ("problems[difficulty>easy]", "= or !=, not >"),
        ("problems[lang=]", "nothing"),
        ('problems[lang=""]', "nothing"),
        ("problems[lang=, source=a]", "nothing"),
        ("problems[]", "'' is no condition"),
        ("problems[lang=en,]", "'' is no condition"),
        ("problems[lang==en]", "'lang==en' is no condition"),
        ("problems[lang=en|]", r"'lang=en\|' is no condition"),
        ("problems[source=a]b]", r"'source=a\]b' is no condition; .* in quotes"),
        ('problems[source="a]', "'source=\"a' is no condition"),
        ("problems[source=a] or documents", "no selector"),
        ("problems[lang=en lang=zh", "no selector"),
        ("problems[lang=en difficulty=hard]", "'lang=en difficulty=hard' is no condition"),
        ("problems[dificulty=hard]", r"'dificulty' is no label; there are source, .*; did you mean difficulty\?"),
        ("problems[difficulty=Hard]", r"not 'Hard'; did you mean hard\?"),
        ("problems[school_stage=midle]", r"did you mean middle\?"),
        ("documents[math_score>=0.5|0.7]", r"a number, not '0.5\|0.7'"),
        ("documents[math_score>(none)]", "a number, not '\\(none\\)'"),
        ("problems[corpus=problems]", "'corpus' is no label"),
    ],
)
def test_a_mistake_is_one_sentence_that_says_what_is_allowed(text: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        Selector.parse(text)


ODD = ["a, b", "x|y", "a=b", "a>b", "[1]", 'say "hi"', "it's", r"C:\\dir", " edge ", "(none)", "==", "中文", "a\nb"]


def test_every_value_can_be_named_in_quotes() -> None:
    rows = [{"corpus": "documents", "source": value, "license": value} for value in ODD]
    batch = pa.RecordBatch.from_pylist(rows, schema=pa.schema(LABELS))
    for number, value in enumerate(ODD):
        for mark in "\"'":
            escaped = value.replace("\\", "\\\\").replace(mark, f"\\{mark}")
            selector = Selector.parse(f"documents[license={mark}{escaped}{mark}|other, source!=wiki]")
            assert np.flatnonzero(selector.mask(batch)).tolist() == [number]
            assert Selector.parse(str(selector)) == selector


@pytest.mark.parametrize("label", [field.name for field in LABELS if field.name != "corpus"])
def test_every_label_can_be_selected_by(label: str) -> None:
    is_number = pa.types.is_floating(pa.schema(LABELS).field(label).type)
    known = {"school_stage": "high", "difficulty": "hard", "style": "pot"}
    value = 0.25 if is_number else known.get(label, "x/y-1.0 (z)")
    rows = [{"corpus": "problems", "source": "a", label: value}, {"corpus": "problems", "source": "a"}]
    batch = pa.RecordBatch.from_pylist(rows, schema=pa.schema(LABELS))
    assert Selector.parse(f"problems[{label}={value}]").mask(batch).tolist() == [True, False]
    assert Selector.parse(f"problems[{label}=(none)]").mask(batch).tolist() == [False, label != "source"]
    if is_number:
        for condition, holds in ((">=0.25", True), ("<=0.25", True), (">0.25", False), ("<0.25", False), ("!=0", True)):
            assert Selector.parse(f"problems[{label}{condition}]").mask(batch).tolist() == [holds, False]


def test_a_selector_written_out_reads_back_as_itself() -> None:
    for text in ("documents", "problems[difficulty=hard|easy, difficulty_p>=0.8]", "documents[source!=a b]"):
        assert str(Selector.parse(text)) == text
    assert str(Selector.parse("documents[math_score>=0.123456789]")) == "documents[math_score>=0.123456789]"
    assert str(Selector.parse("documents[lang = (none)|en]")) == "documents[lang=(none)|en]"
    assert str(Selector.parse("problems[difficulty=hard,p>=.8]")) == "problems[difficulty=hard, difficulty_p>=0.8]"


def test_the_first_selector_that_matches_gets_the_row(batch: pa.RecordBatch) -> None:
    selectors = [
        Selector.parse(text) for text in ("problems[lang=zh]", "problems[difficulty=hard]", "documents[lang=en]")
    ]
    groups = assign_groups(batch, selectors)
    assert groups.dtype == np.int16
    assert groups.tolist() == [2, -1, -1, 1, 0, -1, -1]


def test_an_empty_batch_has_no_groups(batch: pa.RecordBatch) -> None:
    assert assign_groups(batch.slice(0, 0), [Selector.parse("documents")]).tolist() == []
