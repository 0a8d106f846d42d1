from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from low_quality_pages import low_quality_pages
from pydantic import ValidationError
from quality_reference import reference_counts

from mathmill.core.errors import ConfigError
from mathmill.core.mathtext import find_formulas
from mathmill.core.schemas import DOCUMENT, to_batch
from mathmill.core.stage import DROPPED_PORT, OUT
from mathmill.curation.quality import CHECKS, Quality, QualityConfig
from mathmill.curation.quality_counts import count_quality
from mathmill.curation.quality_lines import Count
from mathmill.curation.quality_words import PHRASES, tokens_of

FORMULAS = DOCUMENT.field("formulas").type


def batch(texts: Sequence[str], lang: str | None = "en") -> pa.RecordBatch:
    rows = [
        {
            "doc_id": str(i),
            "source": "s",
            "locator": {"file": "f", "record": i, "offset": 0},
            "lang": lang,
            "text": text,
            "formulas": [(span.start, span.end, span.display, "tex") for span in find_formulas(text)],
            "blocks": [],
            "formula_counts": [],
        }
        for i, text in enumerate(texts)
    ]
    return to_batch(rows, DOCUMENT)


def reason(text: str, lang: str | None = "en", **config: object) -> str | None:
    """Why a text is dropped; None where it stays."""
    ports = dict(Quality(QualityConfig.model_validate(config)).process(iter([batch([text], lang)])))
    return ports[DROPPED_PORT].to_pylist()[0]["reason"] if DROPPED_PORT in ports else None


def counts(text: str, spans: list[tuple[int, int]] | None = None) -> dict[str, int]:
    if spans is None:
        spans = [(span.start, span.end) for span in find_formulas(text)]
    column = pa.array([[(start, end, False, "tex") for start, end in spans]], FORMULAS)
    row = count_quality(pa.array([text], pa.large_string()), column)[0]
    return {count.name: int(row[count]) for count in Count}


EXERCISES = "# Exercises\n\nSolve each equation for $x$.\n\n" + "\n".join(
    rf"{i}. Solve for $x$: $x^2 - {i + 3}x + {2 * i} = 0$" for i in range(1, 31)
)
DRILL = "Calculate:\n\n" + "\n".join(f"- {a} + {b} = ____" for a in range(2, 12) for b in (7, 13, 19))
WORD_PROBLEMS = "\n\n".join(
    f"{i}. Tom has {i + 2} apples and buys {2 * i} more apples at the market. How many apples does Tom have now?"
    for i in range(1, 21)
)
CHINESE_EXERCISES = "练习题\n\n" + "\n".join(
    rf"{i}. 已知函数 $f(x)=x^2-{i}x+{i + 1}$，求 $f(x)$ 在区间 $[0,{i}]$ 上的最小值。" for i in range(1, 25)
)
PROOF = r"""Theorem. Let $G$ be a finite group and let $p$ be a prime that divides the order of $G$. Then $G$ has an
element of order $p$.

Proof. Consider the set of all $p$-tuples of elements of $G$ whose product is $1$. The cyclic group of order $p$ acts on
this set by rotation, and the number of fixed points is congruent to the size of the set, which is
$$|G|^{p-1}.$$
Since $p$ divides this number and the tuple $(1,\ldots,1)$ is fixed, there is another fixed point, as we
want."""
CODE = (
    "The sieve marks all multiples of each prime that it finds, as the following program shows.\n\n```cpp\n"
    + "for (int i = 0; i < n; ++i) { if (!mark[i]) { for (int j = i; j < n; j += i) { mark[j] = true; } } }\n" * 40
    + "```\n\nIt takes time in the order of $n \\log \\log n$, as the sum of the reciprocals of the primes grows so."
)
TABLE = "The values of the functions that we need are in this table, in degrees.\n\n" + "\n".join(
    f"| sin {a} | {a / 90:.3f} | $\\sin {a}^\\circ$ | positive |" for a in range(30)
)


@pytest.mark.parametrize(
    ("text", "lang"),
    [(EXERCISES, "en"), (DRILL, "en"), (WORD_PROBLEMS, "en"), (CHINESE_EXERCISES, "zh"), (PROOF, "en"), (CODE, "en"),
     (TABLE, "en"), (PROOF, None), (CHINESE_EXERCISES, None), (PROOF, "fr")],
)  # fmt: skip
def test_math_of_every_form_stays(text: str, lang: str | None) -> None:
    assert reason(text, lang) is None


PAGES = list(low_quality_pages())


@pytest.mark.parametrize("page", PAGES, ids=[f"{page.family}-{page.lang}" for page in PAGES])
def test_pages_of_low_quality_are_dropped_for_the_right_reason(page) -> None:  # type: ignore[no-untyped-def]
    assert reason(page.text, page.lang) in page.reasons


def test_dropped_rows_say_reason_and_what_was_measured() -> None:
    stage = Quality(QualityConfig())
    ports = dict(stage.process(iter([batch([PROOF, "Not found.", "casino " * 60, EXERCISES])])))
    assert ports[OUT].schema == DOCUMENT
    assert ports[OUT].column("doc_id").to_pylist() == ["0", "3"]
    assert [(r["id"], r["stage"], r["reason"], r["score"]) for r in ports[DROPPED_PORT].to_pylist()] == [
        ("1", "quality", "too_short", 2.0),
        ("2", "quality", "spam", 1.0),
    ]


def test_the_first_check_that_fails_names_the_reason_and_null_switches_it_off() -> None:
    page = "casino " * 60
    assert reason(page) == "spam"
    assert reason(page, spam=None) == "few_distinct_words"
    assert reason(page, **dict.fromkeys(CHECKS)) is None


def test_a_score_at_the_threshold_stays() -> None:
    assert counts("one two three")["TOKENS"] == 3
    assert reason("one two three", too_short=3) is None
    assert reason("one two three", too_short=4) == "too_short"
    half = (
        "\ufffd" * 100
        + " the quick brown fox jumps over all lazy dogs that it can see from where it sits now, twice a day" * 1
    )
    measured = counts(half)["DAMAGED"] / counts(half)["VISIBLE"]
    assert reason(half, damaged_encoding=measured) is None
    assert reason(half, damaged_encoding=measured - 0.001) == "damaged_encoding"


def test_a_share_beyond_one_and_an_unknown_check_are_refused() -> None:
    with pytest.raises(ValidationError):
        QualityConfig(spam=1.5)
    with pytest.raises(ValidationError):
        QualityConfig.model_validate({"spma": 0.1})


def test_rows_without_formulas_are_refused_before_a_run() -> None:
    schema = pa.schema([field for field in DOCUMENT if field.name != "formulas"])
    with pytest.raises(ConfigError, match="quality needs the column 'formulas'"):
        Quality(QualityConfig()).output_schemas(schema)


def test_nothing_looks_into_formulas_code_and_urls() -> None:
    found = counts("Let $### !!! @@@ \\casino$ be\n```\ncasino casino ###\n```\nas in https://casino.example/a#b?c.")
    assert (found["SYMBOLS"], found["SPAM_TOKENS"], found["FORMULAS"]) == (0, 0, 1)
    assert found["LINK_LETTERS"] == len("https://casino.example/a#b?c.")
    assert found["WORDS"] == 4  # let, be, as, in


def test_formula_spans_count_characters_not_bytes() -> None:
    text = "设函数𝑓 为 $x^2$ 的和"
    start = text.index("$")
    found = counts(text, [(start, start + 5)])
    assert (found["FORMULAS"], found["CHARACTERS"], found["UNLETTERED"]) == (1, 6, 0)


def test_a_chinese_character_is_a_word_and_an_english_one_is_a_run_of_letters() -> None:
    found = counts("设函数 f(x) 在 R 上连续，then f is bounded.")
    assert (found["CHARACTERS"], found["WORDS"]) == (7, 7)


def test_money_is_no_half_formula() -> None:
    assert counts("It costs $5 and $12.\nThe price is $.50 or 3$ today")["CUT_FORMULAS"] == 0
    assert counts(r"We find $\frac{a}{b" + "\n" + r"and \(x", [])["CUT_FORMULAS"] == 2


@pytest.mark.parametrize(
    ("line", "is_cut"),
    [
        ("The theorem says that every…", True),
        ("The theorem says that every [...]", True),
        ("The sequence is 1, 2, 3, ...", False),
        ("Read more", True),
        ("Continue reading →", True),
        ("阅读全文 >>", True),
        ("证明见下……", True),
        ("You can read more about this in the book of Serre, which has all of the details.", False),
    ],
)
def test_lines_that_go_on_elsewhere_are_told_from_others(line: str, is_cut: bool) -> None:
    assert counts(line)["CUT_LINES"] == is_cut


def test_phrases_are_words_of_a_line_not_parts_of_words() -> None:
    assert counts("the Casino-BONUS of a CASINO")["SPAM_TOKENS"] == 3
    assert counts("casinolike, the cas\ninos")["SPAM_TOKENS"] == 0


def test_a_phrase_stands_under_one_kind() -> None:
    phrases = [
        tuple(tokens_of(p)) for text in PHRASES.values() for p in text.replace("\n", " ").split("|") if p.strip()
    ]
    assert len(phrases) == len(set(phrases))


def test_batches_and_rows_do_not_change_what_is_found() -> None:
    texts = [PROOF, *(page.text for page in PAGES[:20]), CHINESE_EXERCISES, "", DRILL]
    together = batch(texts)
    whole = count_quality(together.column("text"), together.column("formulas"))
    parts = [together.slice(i, 1) for i in range(len(texts))]
    alone = [count_quality(part.column("text"), part.column("formulas"))[0] for part in parts]
    np.testing.assert_array_equal(whole, alone)


PIECES = st.sampled_from(
    ["the ", "casino ", "bonus ", "read more", "阅读全文", "隐私政策", "的", "函数", "…", "...", "。", ",", "\n",
     "\n\n", "\n- ", "\n| a | 1 |\n", "\n```\n", "````", "~~~", "\n# ", "$x$", "$", "\\(", "\\]", "12", "3.14 ",
     "=", "+", "!!", "?!", "#", "@", "★", "\ufffd", "Ã©", "â€™", "é", "\u200b", "😀", "𝑥", "𠮷", "http://a.b/c(d) ",
     "www.x.y", "https:/", "Lorem ipsum dolor sit amet", "terms of use ", "a b c d e f g h i j k l ", "甲乙丙丁", "\t",
     "\u3000", "\r\n", "\x00"]
)  # fmt: skip
TEXTS = st.lists(PIECES | st.text(max_size=4), max_size=60).map("".join)


@settings(deadline=None, max_examples=400)
@given(TEXTS, st.lists(st.tuples(st.integers(-3, 200), st.integers(-3, 220)), max_size=4), st.booleans())
def test_the_compiled_counts_are_those_of_plain_python(text: str, spans: list[tuple[int, int]], repeated: bool) -> None:
    text = text * 8 if repeated else text
    assert list(counts(text, spans).values()) == reference_counts(text, spans)


@pytest.mark.parametrize("text", ["", "a", "的", "\n", "$", "|", "`" * 5000, "a" * 100_000, "的" * 30_000, "a " * 3000])
def test_extreme_texts_are_counted_like_others(text: str) -> None:
    assert list(counts(text, []).values()) == reference_counts(text, [])


def test_real_pages_are_counted_like_plain_python() -> None:
    for text in (
        EXERCISES,
        DRILL,
        WORD_PROBLEMS,
        CHINESE_EXERCISES,
        PROOF,
        CODE,
        TABLE,
        *(page.text for page in PAGES),
    ):
        spans = [(span.start, span.end) for span in find_formulas(text)]
        assert list(counts(text).values()) == reference_counts(text, spans)


@pytest.mark.parametrize(
    ("item", "lang"),
    [
        ("{0}. Compute ${0}+7$.", "en"),
        ("{0}. Simplify $\\frac{{{0}}}{{14}}$ fully.", "en"),
        ("{0}. Answer: $x={0}$", None),
        ("{0}．计算：${0}+7$", "zh"),
    ],
)
def test_a_sheet_of_drills_needs_no_stop_words(item: str, lang: str | None) -> None:
    assert reason("\n".join(map(item.format, range(1, 40))), lang) is None
