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
        ("problems[]", "no condition"),
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
        ("pages", "documents or problems"),
        ("problems[difficulty=hard", "documents or problems"),
        ("problems[difficulty=hardest]", "easy, medium or hard, not 'hardest'"),
        ("problems[school_stage=college]", "elementary, middle, high or university, not 'college'"),
        ("problems[grade=5]", "'grade' is no label; there are source, "),
        ("problems[p>=0.8]", "p follows a condition"),
        ("problems[difficulty=hard, p>=1.8]", "not in \\[0, 1\\]"),
        ("problems[difficulty_p>=high]", "a number, not 'high'"),
        ("documents[math_score>=nan]", "a number, not 'nan'"),
        ("problems[difficulty>easy]", "= or !=, not >"),
        ("problems[lang=]", "nothing"),
    ],
)
def test_a_mistake_is_one_sentence_that_says_what_is_allowed(text: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        Selector.parse(text)


def test_a_selector_written_out_reads_back_as_itself() -> None:
    for text in ("documents", "problems[difficulty=hard|easy, difficulty_p>=0.8]", "documents[source!=a b]"):
        assert str(Selector.parse(text)) == text
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
