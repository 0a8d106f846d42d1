"""Drop documents of low quality: repetition, boilerplate, links, symbols, cut-off text, machine-made spam.

The heuristics of Gopher (Rae et al. 2021, A.1.1), C4 (Raffel et al. 2020) and FineWeb (Penedo et al. 2024), re-thought
for math. Formulas are whole tokens that nothing looks into, code is passed over, rows of tables count as numbers only,
exercises may resemble each other, lines may be short and need no full stop, and a Chinese character is a word.
Everything is counted in one pass in numba (`quality_counts`): 4,100 extracted pages a second on one core, 200 times
datatrove's two Gopher filters in the same run (benchmarks/extraction_filters.py). Of 686 extracted math pages the
defaults drop 3, two tables of numbers and a list of parameters; Gopher's quality filter drops nearly all, as LaTeX is
no letters to it, C4's most, for braces (benchmarks/quality_documents.py).
"""

from collections.abc import Iterable
from typing import Annotated, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from mathmill.core.config import Probability, StageConfig
from mathmill.core.stage import BatchStage, Output, split_dropped
from mathmill.curation.quality_counts import count_quality
from mathmill.curation.quality_lines import Count

Share = Probability | None
"""A share in [0, 1]; null switches the check off."""

ENOUGH_TOKENS = 50
"""With fewer tokens than this a share says little: most checks pass such a text."""
ENOUGH_ENGLISH = 30
"""With fewer words the stop words of English say little."""
WORDS_A_FORMULA = 4
"""With fewer words to a formula, or twice as many Chinese characters, stop words are not counted: a sheet of drills."""
ENOUGH_WORDS = 80
"""With fewer words, or twice as many Chinese characters, n-grams are not compared: a problem repeats its things."""
ENOUGH_LINES = 5
ENOUGH_VISIBLE = 200


class QualityConfig(StageConfig):
    """`quality:` in a recipe: the checks in the order in which they are made; the first that fails names the reason.

    A check on a share is made where a text has enough tokens or lines for it.
    """

    too_short: Annotated[int, Field(ge=0)] | None = 20  # least tokens; Gopher: 50 words, but a problem has fewer
    damaged_encoding: Share = 0.01  # most U+FFFD, control and private characters, mojibake among visible characters
    placeholder_text: Share = 0.02  # most tokens in phrases of "lorem ipsum" and the like; C4: none
    spam: Share = 0.05  # most words in phrases of casinos, essay mills, shops, loans; three such phrases at least
    boilerplate: Share = 0.3  # most text in lines about cookies, terms, JavaScript, logins; C4 cuts these lines out
    links: Share = 0.4  # most characters in URLs
    cut_lines: Share = 0.25  # most lines that end in "…" after a word or "read more"; Gopher: 0.3, "…" only
    teaser: Annotated[int, Field(ge=0)] | None = 300  # a text of fewer tokens may not end in "…" or "read more"
    cut_formulas: Share = 0.3  # most lines with a `$`, `\\(` or `\\[` without partner
    cut_sentences: Share = 0.9  # most paragraphs of twelve tokens and more that end in a letter or comma
    number_dump: Share = 0.8  # most tokens that are numbers, tables included, formulas and operators not
    symbols: Share = 0.1  # most visible characters that are symbols (# @ ★ emoji, "!" after "!"); Gopher: 0.1 a word
    ellipses: Share = 0.05  # most ellipses after a word, by words; Gopher: 0.1
    punctuation: Share = 0.5  # most visible characters that are punctuation or symbols; Gopher: 0.2 of the words
    menu: Share = 0.8  # most lines with a bullet but no number, formula or full stop; Gopher: 0.9 of any bullets
    long_words: Annotated[float, Field(gt=0)] | None = 10.0  # most characters of the mean word, as Gopher
    repeated_lines: Share = 0.3  # most text in lines that were there before; Gopher: 0.2
    top_2_gram: Share = 0.2  # most text in the most frequent n-gram, drills left out; as Gopher
    top_3_gram: Share = 0.18
    top_4_gram: Share = 0.16
    repeated_5_grams: Share = 0.3  # most text in n-grams that were there before, drills left out; Gopher: 0.15
    repeated_10_grams: Share = 0.25  # Gopher: 0.1; definitions and proofs use the same words again
    few_distinct_words: Share = 0.25  # least different tokens in 100 of a text of words; prose has 60 to 70
    few_stop_words_en: Share = 0.05  # least stop words among English words; prose has 40 %; Gopher: two in all
    few_stop_words_zh: Share = 0.03  # least function characters in Chinese


LEAST = ("too_short", "teaser", "few_distinct_words", "few_stop_words_en", "few_stop_words_zh")
"""Checks that a score below the threshold fails; of the others, one above it."""


class Quality(BatchStage):
    """Drops rows that fail a check, with the check's name as reason and what was measured as score.

    Stands after `extract`, and after `language`: stop words are those of `lang`, where that is null those of the
    script that prevails (Latin: English).
    """

    name = "quality"
    version = 1
    Config: ClassVar[type[StageConfig]] = QualityConfig
    needs = ("text", "formulas", "lang")
    config: QualityConfig

    def process_batch(self, batch: pa.RecordBatch) -> Iterable[Output]:
        """Measure all texts of the batch and split it."""
        counts = count_quality(batch.column("text"), batch.column("formulas"))
        verdicts = judge(measure(counts, batch.column("lang").to_pylist()), self.config)
        reasons = [CHECKS[check] if check >= 0 else "" for check in verdicts.check.tolist()]
        return split_dropped(batch, verdicts.check < 0, self.name, reasons, verdicts.score)


CHECKS = tuple(QualityConfig.model_fields)


class Verdicts(NamedTuple):
    """For each text the first check that it fails, int64 (n_texts,), -1 for none, and its score, float64 (n_texts,)."""

    check: npt.NDArray[np.int64]
    score: npt.NDArray[np.float64]


def judge(measured: npt.NDArray[np.float64], config: QualityConfig) -> Verdicts:
    """Compare what was measured, float64 (n_texts, len(CHECKS)), with the thresholds."""
    thresholds = np.array([np.nan if (t := getattr(config, check)) is None else t for check in CHECKS])  # null: never
    is_least = np.array([check in LEAST for check in CHECKS])
    fails = np.where(is_least, measured < thresholds, measured > thresholds)
    first = np.where(fails.any(axis=1), fails.argmax(axis=1), -1)
    return Verdicts(first, measured[np.arange(len(first)), first])


def measure(counts: npt.NDArray[np.int64], langs: list[str | None]) -> npt.NDArray[np.float64]:
    """What the checks compare: float64 (n_texts, len(CHECKS)), NaN where a check does not apply.

    counts: of `count_quality`. langs: ISO 639-1 with or without a region, or None.
    """
    n = {count: counts[:, count].astype(np.float64) for count in Count}
    words = n[Count.WORDS] + n[Count.CHARACTERS]
    enough = n[Count.WORDS] + n[Count.CHARACTERS] / 2 >= ENOUGH_WORDS
    some_lines = n[Count.LINES] >= ENOUGH_LINES
    dense = n[Count.CHARACTERS] > n[Count.WORDS]
    stated = np.array([(lang or "").replace("_", "-").split("-")[0].casefold() for lang in langs])
    drill = WORDS_A_FORMULA * n[Count.FORMULAS]  # "12. Solve $x+1=3$.": no sentences, and nothing for stop words
    is_english = np.where(stated == "", ~dense, stated == "en") & (n[Count.WORDS] >= np.maximum(ENOUGH_ENGLISH, drill))
    is_chinese = np.where(stated == "", dense, stated == "zh") & (
        n[Count.CHARACTERS] >= np.maximum(ENOUGH_TOKENS, 2 * drill)
    )
    letters = n[Count.TOKEN_LETTERS]
    measured = {
        "too_short": n[Count.TOKENS],
        "damaged_encoding": share(n[Count.DAMAGED], n[Count.VISIBLE]),
        "placeholder_text": share(n[Count.PLACEHOLDER_TOKENS], n[Count.TOKENS]),
        "spam": share(n[Count.SPAM_TOKENS], words, n[Count.SPAM_PHRASES] >= 3),
        "boilerplate": share(n[Count.BOILERPLATE_LETTERS], letters),
        "links": share(n[Count.LINK_LETTERS], n[Count.LINK_LETTERS] + letters),
        "cut_lines": share(n[Count.CUT_LINES], n[Count.LINES], some_lines),
        "teaser": np.where(n[Count.ENDS_CUT] > 0, n[Count.TOKENS], np.nan),
        "cut_formulas": share(n[Count.CUT_FORMULAS], n[Count.LINES], some_lines),
        "cut_sentences": share(n[Count.CUT_SENTENCES], n[Count.PARAGRAPHS], n[Count.PARAGRAPHS] >= ENOUGH_LINES),
        "number_dump": share(n[Count.NUMBERS], n[Count.TOKENS] + n[Count.OPERATORS], n[Count.TOKENS] >= ENOUGH_TOKENS),
        "symbols": share(n[Count.SYMBOLS], n[Count.VISIBLE]),
        "ellipses": share(n[Count.ELLIPSES], words, enough),
        "punctuation": share(n[Count.UNLETTERED], n[Count.VISIBLE], n[Count.VISIBLE] >= ENOUGH_VISIBLE),
        "menu": share(n[Count.MENU_LINES], n[Count.LINES], some_lines),
        "long_words": share(n[Count.WORD_LETTERS], n[Count.WORDS], ~dense & (n[Count.WORDS] >= ENOUGH_LINES)),
        "repeated_lines": share(n[Count.REPEATED_LINE_LETTERS], letters),
        "top_2_gram": share(n[Count.TOP_2_LETTERS], letters, enough),
        "top_3_gram": share(n[Count.TOP_3_LETTERS], letters, enough),
        "top_4_gram": share(n[Count.TOP_4_LETTERS], letters, enough),
        "repeated_5_grams": share(n[Count.REPEATED_5_LETTERS], letters, enough),
        "repeated_10_grams": share(n[Count.REPEATED_10_LETTERS], letters, enough),
        "few_distinct_words": share(n[Count.DISTINCT], n[Count.WINDOWED], 2 * words >= n[Count.TOKENS]),
        "few_stop_words_en": share(n[Count.STOP_WORDS], n[Count.WORDS], is_english),
        "few_stop_words_zh": share(n[Count.STOP_CHARACTERS], n[Count.CHARACTERS], is_chinese),
    }
    return np.stack([measured[check] for check in CHECKS], axis=1)


def share(
    part: npt.NDArray[np.float64], whole: npt.NDArray[np.float64], where: npt.NDArray[np.bool_] | bool = True
) -> npt.NDArray[np.float64]:
    """Part of the whole, NaN where there is no whole or `where` does not hold."""
    return np.divide(part, whole, out=np.full(len(part), np.nan), where=(whole > 0) & where)
