"""Find the language of each document and drop those that the recipe does not keep.

Math pages mislead identifiers: LaTeX commands, variable names and code look like other languages. So formulas and code
are taken out first, Han, kana and Hangul are told apart by counting characters, and only the rest goes to py3langid
(langid.py's naive Bayes over byte n-grams, https://github.com/adbar/py3langid), restricted to the web's languages.
On 2,519 beginnings of real pages and formula-stripped problems in English and Chinese this makes 5 errors; restricted
py3langid alone 32, unrestricted 110, lingua 87 (124 in its fast mode), which is also 7 to 15 times slower. It takes
0.3 ms a document of 15,000 characters.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit
from py3langid.langid import MODEL_FILE, LanguageIdentifier
from pydantic import Field

from mathmill.core.config import Probability, StageConfig
from mathmill.core.schemas import replace_columns
from mathmill.core.stage import BatchStage, Output, StageContext, split_dropped

UNDETERMINED = "und"
"""What a text without letters gets (ISO 639-2)."""

LANGUAGES = (
    "en", "zh", "ja", "ko", "ar", "bg", "bn", "ca", "cs", "da", "de", "el", "es", "et", "fa", "fi", "fr", "he", "hi",
    "hr", "hu", "id", "it", "lt", "lv", "ms", "nl", "no", "pl", "pt", "ro", "ru", "sk", "sl", "sr", "sv", "th", "tr",
    "uk", "ur", "vi",
)  # fmt: skip
"""The languages told apart: a text in a rarer one gets the most similar of these."""

_SAMPLE = 2_000  # characters judged at the start of a text, and again in its middle: enough for any identifier
_HAN_WEIGHT = 3  # one Han character carries about as much as three Latin letters
_ASCII = bytes(range(128))
_NOT_ASCII_LETTERS = bytes(byte for byte in range(256) if not (byte < 128 and chr(byte).isalpha()))
_UNSURE = 0.5  # "Solve for x" is too little to tell English from Norwegian: below this, plain ASCII counts as English


class LanguageConfig(StageConfig):
    """`language:` in a recipe."""

    keep: tuple[str, ...] = Field(("en", "zh"), min_length=1)  # ISO 639-1, or "und" for texts without any letter
    min_score: Probability = 0.0  # drop also what is kept by language with less confidence than this


class Language(BatchStage):
    """Sets `lang` and `lang_score` and drops rows in other languages as "other_language".

    A language that the source states (`lang` not null) is believed, and only compared with `keep`.
    """

    name = "language"
    version = 1
    Config: ClassVar[type[StageConfig]] = LanguageConfig
    needs = ("text", "formulas", "blocks", "lang", "lang_score")
    config: LanguageConfig

    def open(self, context: StageContext) -> None:
        """Load the identifier's tables: half a second, once in a process."""
        self._identifier = _identifier()

    def process_batch(self, batch: pa.RecordBatch) -> Iterable[Output]:
        """Judge each document without a language and compare all with `keep`."""
        stated = batch.column("lang").to_pylist()
        scores = batch.column("lang_score").to_pylist()
        langs: list[str] = []
        texts = batch.column("text")
        formulas, blocks = _spans(batch.column("formulas")), _spans(batch.column("blocks"), role="code")
        for i, (lang, math, code) in enumerate(zip(stated, formulas, blocks, strict=True)):
            if lang is None:
                lang, scores[i] = self._identifier.identify(prose(texts[i].as_py(), math + code))
            langs.append(lang)
        kept = {lang.casefold() for lang in self.config.keep}
        keep = np.array([primary_subtag(lang) in kept for lang in langs])
        batch = replace_columns(batch, lang=pa.array(langs, pa.string()), lang_score=pa.array(scores, pa.float32()))
        score = np.array([1.0 if score is None else score for score in scores])  # a source's word is not doubted
        keep &= score >= self.config.min_score
        return split_dropped(batch, keep, self.name, "other_language", score, detail=langs)


def _spans(column: pa.ListArray, role: str | None = None) -> Iterator[list[tuple[int, int]]]:
    """The spans of each row, all or those of one role."""
    offsets = column.offsets.to_numpy()
    spans = column.values.slice(offsets[0], offsets[-1] - offsets[0])
    offsets = offsets - offsets[0]
    if role is not None:
        chosen = pc.equal(spans.field("role"), role).to_numpy(zero_copy_only=False)
        offsets = np.concatenate([[0], np.cumsum(chosen)])[offsets]
        spans = spans.filter(pa.array(chosen))
    pairs = list(zip(spans.field("start").to_pylist(), spans.field("end").to_pylist(), strict=True))
    return (pairs[start:end] for start, end in pairwise(offsets.tolist()))


def primary_subtag(lang: str) -> str:
    """Return the language of a tag: "zh-Hant-TW" and "zh_CN" are "zh"."""
    return lang.replace("_", "-").split("-", 1)[0].casefold()


def prose(text: str, holes: Iterable[tuple[int, int]]) -> str:
    """Sample a text's words: each hole (start, end) replaced by a space, then the start and the middle of the rest."""
    pieces: list[str] = []
    position = 0
    for start, end in sorted(holes):
        pieces.append(text[position:start] if start > position else "")
        position = end if end > position else position
    pieces.append(text[position:])
    words = " ".join(pieces)
    if len(words) <= 2 * _SAMPLE:
        return words
    middle = max(_SAMPLE, len(words) // 2 - _SAMPLE // 2)
    return f"{words[:_SAMPLE]} {words[middle : middle + _SAMPLE]}"


class LanguageIdentifierModel:
    """Identifies the language of formula-free text by script first, then by byte n-grams."""

    def __init__(self) -> None:
        self._model = _CompiledIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
        self._model.set_languages(LANGUAGES)

    def identify(self, words: str) -> tuple[str, float]:
        """Return an ISO 639-1 code and a confidence in [0, 1], in steps of 1/1024 (the same on every machine)."""
        lang, score = self._identify(words)
        return lang, round(score * 1024) / 1024

    def _identify(self, words: str) -> tuple[str, float]:
        data = words.encode("utf-8", "surrogatepass")
        foreign = data.translate(None, _ASCII).decode("utf-8", "surrogatepass")
        han, kana, hangul = _script_counts(foreign)
        east_asian = han + kana + hangul
        foreign_letters = sum(map(str.isalpha, foreign))
        letters = len(data.translate(None, _NOT_ASCII_LETTERS)) + foreign_letters - east_asian
        if east_asian * _HAN_WEIGHT > letters:
            share = east_asian * _HAN_WEIGHT / (east_asian * _HAN_WEIGHT + letters)
            if hangul > han + kana:
                return "ko", share
            # Japanese writes its grammar in kana, mostly over a third of a text; Chinese at most quotes some.
            return ("ja" if kana > 0.08 * (han + kana) else "zh"), share
        if not letters:
            return UNDETERMINED, 0.0
        lang, score = self._model.classify(words)
        if score < _UNSURE and not foreign_letters:
            return "en", _UNSURE
        return lang, score


@cache
def _identifier() -> LanguageIdentifierModel:
    return LanguageIdentifierModel()


class _CompiledIdentifier(LanguageIdentifier):  # type: ignore[misc]
    """py3langid's identifier with its walk over the bytes compiled (0.4.0 walks in Python, 2 ms for a page): the same
    scores to the bit.
    """

    nb_ptc: npt.NDArray[np.float32]  # (n_features, n_languages)

    def __init__(self, *tables: Any, **settings: Any) -> None:
        super().__init__(*tables, **settings)
        self._moves, self._rows = np.asarray(self.tk_nextmove), np.asarray(self.tk_row)
        self._features = np.asarray(self.tk_output, np.int32)
        self._counts = np.zeros(self._features.max() + 1, np.float32)

    def set_languages(self, langs: Iterable[str] | None = None) -> None:
        """Restrict to some languages; their table is laid out by features, since texts gather rows of it."""
        super().set_languages(langs)
        self.nb_ptc = np.ascontiguousarray(self.nb_ptc, np.float32)  # the product would convert each gathered row

    def _raw_score(self, text: bytes) -> npt.NDArray[np.float32]:
        features, counts = _visits(np.frombuffer(text, np.uint8), self._moves, self._rows, self._features, self._counts)
        if not len(features):
            return super()._raw_score(b"")
        return np.log1p(counts) @ self.nb_ptc[features] + self.nb_pc


@njit(cache=True)
def _visits(
    text: np.ndarray, moves: np.ndarray, rows: np.ndarray, features: np.ndarray, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Walk the automaton over uint8 (n_bytes,); the features met, int32 (n,), first met first, and float32 counts.

    counts: float32 (n_features,), all 0, and so it is left.
    """
    met = np.empty(min(len(text), len(counts)), np.int32)
    n = 0
    state = np.int64(0)
    for letter in text:
        state = np.int64(moves[(np.int64(rows[state]) << 8) + letter])
        feature = features[state]
        if feature >= 0:
            if counts[feature] == 0:
                met[n] = feature
                n += 1
            counts[feature] += 1
    times = counts[met[:n]]
    counts[met[:n]] = 0
    return met[:n], times


_HAN = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x323AF))
_KANA = ((0x3041, 0x3096), (0x30A1, 0x30FA), (0x31F0, 0x31FF), (0xFF66, 0xFF9D))
_HANGUL = ((0x1100, 0x11FF), (0x3130, 0x318F), (0xAC00, 0xD7A3))
_RANGES = sorted((*bounds, script) for script, ranges in enumerate((_HAN, _KANA, _HANGUL)) for bounds in ranges)
_EDGES = np.array([edge for low, high, _ in _RANGES for edge in (low, high + 1)], np.uint32)


def _script_counts(text: str) -> list[int]:
    """How many characters are Han, kana and Hangul."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    between = np.bincount(np.searchsorted(_EDGES, points, side="right"), minlength=len(_EDGES) + 1).tolist()
    counts = [0, 0, 0]
    for (_, _, script), count in zip(_RANGES, between[1::2], strict=True):
        counts[script] += count
    return counts
