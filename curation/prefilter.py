r"""Pass over pages that cannot hold math, by their bytes, before anything is decoded or parsed.

One pass counts marks of mathematics. What renderers of formulas leave, TeX commands and delimiters are sure: one is
enough. Words in several charsets, operators, Greek letters, superscripts and dollars are weighed by a logistic function
of the logarithms of their counts. On sites that the weights had not seen, the threshold of 0.05 lost no page that the
math classifier keeps or that holds a formula, and passed over 65 % of the others (benchmarks/quality_prefilter.py). It
reads 0.39 GB a second on one core, 0.25 ms for a page of 100 kB, of which extraction takes 4; a page with a sure mark
only up to the first, which leaves 0.09 ms on average where two pages in three have one.
"""

from collections.abc import Iterable
from typing import ClassVar, NamedTuple

import numpy as np
import pyarrow as pa
import xxhash
from numba import njit

from mathmill.core.config import Probability, StageConfig
from mathmill.core.stage import SKIPPED, BatchStage, Output, StageContext, split_dropped

MARKS = (
    "markup",
    "tex",
    "delimiters",
    "names",
    "dollars",
    "symbols",
    "greek",
    "scripts",
    "words",
    "foreign",
    "operators",
)
"""What is counted, in the order of the columns of `count_marks`; its last column counts the bytes of text."""
_MARKUP, _TEX, _DELIMITERS = range(3)
_NAMES, _DOLLARS, _SYMBOLS, _GREEK, _SCRIPTS, _WORDS, _FOREIGN, _OPERATORS, _BYTES = range(3, 12)
SURE = 3  # of these first columns, one mark is enough
_TEXT, _TAG, _RAW = range(3)  # where a byte stands: between tags, in one, in a script or style sheet

_PHRASES = {  # of four bytes and more, without regard to case
    _MARKUP: r"""<math <mml: <m:math <d-math mathjax katex mwe-math mathtex mimetex codecogs latex.php quicklatex
        mathtran cht=tex equation?tex= math/tex asciimath tex2jax jsmath latexml [/tex] [/latex] [/itex] [/math]
        [/imath] [/dmath] &lt;math &lt;/math {\displaystyle svg.image? render/math? math/render/ language-math
        ql-formula""",
    _TEX: r"""\frac \dfrac \sqrt \begin{ \sum \int_ \left( \left[ \left\ \mathbb \mathrm \mathcal \mathbf \cdot
        \times \leq \geq \infty \alpha \beta \theta \lambda \partial \rightarrow \operatorname \overline \ldots \sin
        \cos \log \lim_ \vec{ \hat{ \text{ $latex &radic; &sum; &infin; &isin; &part; &equiv; &asymp; &nabla;""",
    _NAMES: "math ltx_ latex formula equation theorem lemma /tex? =tex",
    _SYMBOLS: "&int; &times; &divide; &plusmn; &le; &ge; &ne; &sup2; &sup3; &minus; &frac &sube; &cap; &cup; &forall;",
    _GREEK: "&alpha; &beta; &gamma; &delta; &epsilon; &theta; &lambda; &mu; &pi; &rho; &sigma; &tau; &phi; &omega;",
    _SCRIPTS: "<sup <sub",
    _WORDS: """math theorem lemma corollary equation formula algebra algorithm polynomial matrix matrices integral
        integer derivative differenti calculus geometr triangle fraction decimal multipl divide division divisor
        subtract coefficient logarithm exponent probabilit statistic variance deviation regression vector eigenval
        quadratic cubic linear inequalit arithmetic trigonom cosine tangent angle radius diameter perimeter rational
        prime factor modulo modular permutation combinat binomial topolog manifold morphism abelian subgroup finite
        infinite converg sequence summation proof prove hypothesis solve solution evaluate simplif numerical numeric
        number square root vertex vertices axis plane symmetr average variable constant interval domain curve surface
        sphere circle ellip hyperbol parabol dimension distribution random approximat gradient optimi function
        symbolic scalar tensor complexity recursi graph plus minus""",
    _FOREIGN: """数学 數學 方程 函数 函數 関数 定理 证明 證明 証明 公式 三角 几何 幾何 代数 代數 整数 整數 分数 分數
        概率 機率 確率 向量 矩阵 矩陣 行列 积分 積分 导数 導數 微分 习题 習題 例题 解题 試題 试题 题目 答案 求解 计算
        計算 面积 解答 練習 练习 集合 多项式 不等式 直线 算法 复杂度 素数 质数 多少 теорем уравнен математ формул
        доказ функци интеграл gleichung beweis mathém équation théorème démonstr ecuaci teorema""",
}
_CHARSETS = ("gb18030", "big5", "shift_jis", "euc_jp", "cp1251", "koi8-r", "latin-1")
_WHERE = {_MARKUP: (_TEXT, _TAG, _RAW), _NAMES: (_TAG,), _TEX: (_TEXT, _TAG), _SCRIPTS: (_TAG,)}


WEIGHTS = np.array([0.68, 1.12, 0.38, 0.30, 0.30, 1.14, 0.30, 0.75, -1.67])
BIAS = 8.04
"""Of log(1 + count) of the marks from "names" on and the bytes of text, fitted on all sites by
benchmarks/quality_prefilter.py. No mark may weigh less than 0.3: few of these sites are Chinese or write formulas as
plain characters."""


class PrefilterConfig(StageConfig):
    """`prefilter:` in a recipe."""

    threshold: Probability = 0.05
    sample: Probability = 0.01  # share of the pages passed over that get a row in `dropped`; all are counted


class Prefilter(BatchStage):
    """Passes over pages with less evidence of math than `threshold`, "no_math".

    A crawl is mostly such pages, so that only a share `sample` of them, told by a hash of their ids, gets a row in
    `dropped`; `facts` counts the others as "skipped:no_math". Outside of recipes nothing shows these counts: there,
    `sample: 1.0` lists every page.
    """

    name = "prefilter"
    version = 1
    Config: ClassVar[type[StageConfig]] = PrefilterConfig
    needs = ("html",)
    config: PrefilterConfig

    def open(self, context: StageContext) -> None:
        """Start counting."""
        self.facts: dict[str, int] = {}

    def process_batch(self, batch: pa.RecordBatch) -> Iterable[Output]:
        """Weigh the pages of the batch and split it."""
        scores = math_evidence(batch.column("html"))
        keep = scores >= self.config.threshold
        sampled = np.array([in_sample(id_, self.config.sample) for id_ in batch.column(0).to_pylist()])
        shown = keep | sampled
        if shown.any():
            seen = batch if shown.all() else batch.filter(pa.array(shown))
            yield from split_dropped(seen, keep[shown], self.name, "no_math", scores[shown])
        if not shown.all():
            key = f"{SKIPPED}no_math"
            self.facts[key] = self.facts.get(key, 0) + int((~shown).sum())


def in_sample(id_: str, share: float) -> bool:
    """Whether a record is in a sample of this share of all; its id alone decides."""
    return xxhash.xxh3_64_intdigest(id_.encode()) < share * 2.0**64


def math_evidence(pages: pa.Array) -> np.ndarray:
    """Weigh what speaks for math in pages (binary or large_binary).

    Returns float64 (n_pages,) in [0, 1], multiples of 1/1024: 1 where there is a sure mark, and for a page in UTF-16 or
    UTF-32, which is not read; 0 without marks.
    """
    return weigh(count_marks(pages.cast(pa.large_binary()), until_sure=True))


def weigh(counts: np.ndarray, weights: np.ndarray = WEIGHTS, bias: float = BIAS) -> np.ndarray:
    """Weigh counts of marks, as `math_evidence` does."""
    logits = np.log1p(counts[:, SURE:]) @ weights + bias
    weighed = np.round(1024.0 / (1.0 + np.exp(-logits))) / 1024.0
    return np.where(counts[:, :SURE].any(axis=1), 1.0, np.where(counts[:, SURE:-1].any(axis=1), weighed, 0.0))


def count_marks(pages: pa.LargeBinaryArray, until_sure: bool = False) -> np.ndarray:
    """Count the marks in pages: int64 (n_pages, len(MARKS) + 1), the last column the bytes of text between tags.

    Of a page in UTF-16 or UTF-32 all bytes count as markup. until_sure: read each page only up to its first sure mark.
    """
    _, offsets, data = pages.buffers()
    ends = np.frombuffer(offsets, np.int64)[pages.offset : pages.offset + len(pages) + 1]
    return _count(np.frombuffer(data or b"", np.uint8), ends, until_sure, *_TABLES)


class _Tables(NamedTuple):
    """Phrases, found by their last four bytes, and the bytes that begin or end something.

    gate: uint16 (3 << _GATE_BITS,), by place and hash of four bytes: 1 + the bucket of the phrases that end so, or 0.
    buckets: int32 (n_buckets + 1,), the first phrase of each. ends: int32 (n_phrases + 1,), where phrases end in
    letters: uint8. columns: int8 (n_phrases, 3), what a phrase counts as in text, tags and scripts, or -1.
    lower: uint8 (256,), ASCII letters in lower case. special: bool (3 * 256,), by place: bytes that are looked at for
    themselves.
    """

    gate: np.ndarray
    buckets: np.ndarray
    ends: np.ndarray
    letters: np.ndarray
    columns: np.ndarray
    lower: np.ndarray
    special: np.ndarray


_GATE_BITS = 14
_MULTIPLIER = np.uint32(0x9E3779B1)


def _tables() -> _Tables:
    """Index all phrases."""
    phrases = _spelled_phrases()
    tails = np.array([int.from_bytes(phrase[-4:], "big") for phrase in phrases], np.uint32)
    hashes = dict(zip(phrases, (tails * _MULTIPLIER >> np.uint32(32 - _GATE_BITS)).tolist(), strict=True))
    ordered = sorted(phrases, key=lambda phrase: (hashes[phrase], phrase))
    gate = np.zeros((3, 1 << _GATE_BITS), np.uint16)
    buckets: list[int] = []
    for number, phrase in enumerate(ordered):
        if not number or hashes[phrase] != hashes[ordered[number - 1]]:
            buckets.append(number)
        for place, column in enumerate(phrases[phrase]):
            if column >= 0:
                gate[place, hashes[phrase]] = len(buckets)
    lower = np.arange(256, dtype=np.uint8)
    lower[ord("A") : ord("Z") + 1] += 32
    special = np.zeros((3, 256), np.bool_)
    special[_TEXT, [*b"<$&\\=+^*", *range(0xC2, 0xF5)]] = True
    special[_TAG, [*b">$&\\", *range(0xC2, 0xF5)]] = True
    special[_RAW, ord("<")] = True
    return _Tables(
        gate.ravel(),
        np.array([*buckets, len(ordered)], np.int32),
        np.cumsum([0, *map(len, ordered)]).astype(np.int32),
        np.frombuffer(b"".join(ordered), np.uint8),
        np.array([phrases[phrase] for phrase in ordered], np.int8),
        lower,
        special.ravel(),
    )


def _spelled_phrases() -> dict[bytes, list[int]]:
    """Every phrase in every charset, in lower case, with the columns that it counts for in text, tags and scripts."""
    phrases: dict[bytes, list[int]] = {}
    for column, words in _PHRASES.items():
        for word in words.split():
            for charset in ("utf-8", *(_CHARSETS if column == _FOREIGN else ())):
                try:
                    spelling = word.encode(charset).lower()
                except UnicodeEncodeError:  # not a charset of this language
                    continue
                if len(spelling) >= 4:
                    columns = phrases.setdefault(spelling, [-1, -1, -1])
                    for place in _WHERE.get(column, (_TEXT,)):
                        columns[place] = column
    return phrases


_TABLES = _tables()


@njit(cache=True)
def _count(
    data: np.ndarray,
    page_ends: np.ndarray,
    until_sure: bool,
    gate: np.ndarray,
    buckets: np.ndarray,
    ends: np.ndarray,
    letters: np.ndarray,
    columns: np.ndarray,
    lower: np.ndarray,
    special: np.ndarray,
) -> np.ndarray:
    counts = np.zeros((len(page_ends) - 1, _BYTES + 1), np.int64)
    for number in range(len(counts)):
        page, row = data[page_ends[number] : page_ends[number + 1]], counts[number]
        if len(page) > 3 and (page[0] == 0 or page[1] == 0 or page[0] + page[1] == 0xFF + 0xFE):
            row[_MARKUP] = len(page)
            continue
        window = np.uint32(0)
        place, since, is_sure = _TEXT, 0, False
        here = np.uint32(place)
        for i in range(len(page)):
            byte = page[i]
            window = np.uint32(np.uint32(window << np.uint32(8)) | np.uint32(lower[byte]))
            key = np.uint32(window * _MULTIPLIER) >> np.uint32(32 - _GATE_BITS)
            bucket = gate[np.uint32(here << np.uint32(_GATE_BITS)) | key]
            is_special = special[np.uint32(here << np.uint32(8)) | np.uint32(byte)]
            if not (bucket or is_special):
                continue
            if bucket:
                for phrase in range(buckets[bucket - 1], buckets[bucket]):
                    column = columns[phrase, place]
                    if column >= 0 and _ends_with(page, i, letters[ends[phrase] : ends[phrase + 1]], lower):
                        row[column] += 1
                        is_sure = is_sure or column < SURE
            if byte == 0x3C:  # <
                if (place == _TEXT and _opens_tag(page, i)) or (place == _RAW and _closes_raw(page, i, since)):
                    row[_BYTES] += i - since if place == _TEXT else 0
                    place, since = _TAG, i
                    here = np.uint32(place)
            elif byte == 0x3E and place == _TAG:  # >
                raw = _opens_raw(page, since)
                place, since = (_RAW, since) if raw else (_TEXT, i + 1)
                here = np.uint32(place)
            elif is_special:
                column = _own_column(page, i, place)
                if column >= 0:
                    row[column] += 1
                    is_sure = is_sure or column < SURE
            if is_sure and until_sure:
                break
        row[_BYTES] += len(page) - since if place == _TEXT else 0
    return counts


@njit(cache=True)
def _ends_with(page: np.ndarray, last: int, phrase: np.ndarray, lower: np.ndarray) -> bool:
    """Whether a phrase ends at a place of the page."""
    first = last + 1 - len(phrase)
    if first < 0:
        return False
    for k in range(len(phrase)):  # noqa: SIM110 (numba has no generators that are as fast)
        if lower[page[first + k]] != phrase[k]:
            return False
    return True


@njit(cache=True)
def _opens_tag(page: np.ndarray, i: int) -> bool:
    following = _byte(page, i + 1)
    return _is_letter(following) or following == 0x2F or following == 0x21 or following == 0x3F  # / ! ?


@njit(cache=True)
def _opens_raw(page: np.ndarray, i: int) -> bool:
    """Whether the tag at a place is `<script` or `<style`."""
    second, third = _byte(page, i + 2) | 0x20, _byte(page, i + 3) | 0x20
    is_one = (second == 0x63 and third == 0x72) or (second == 0x74 and third == 0x79)
    return is_one and _byte(page, i + 1) | 0x20 == 0x73


@njit(cache=True)
def _closes_raw(page: np.ndarray, i: int, opening: int) -> bool:
    """Whether `</script` or `</style` stands at a place, as the tag at `opening` began."""
    same = _byte(page, i + 3) | 0x20 == page[opening + 2] | 0x20
    return _byte(page, i + 1) == 0x2F and _byte(page, i + 2) | 0x20 == 0x73 and same


@njit(cache=True)
def _own_column(page: np.ndarray, i: int, place: int) -> int:
    """What a special byte counts as with its neighbours, or -1."""
    byte, following, previous = page[i], _byte(page, i + 1), _byte(page, i - 1)
    if byte >= 0xC2:
        return _column_of(_utf8(page, i))
    if byte == 0x26:  # &
        return _column_of(_reference(page, i)) if following == 0x23 else -1
    if byte == 0x24 and not (following == 0x24 and place == _TEXT):  # a dollar that may close a formula
        closes = _is_operand(previous) and not _is_operand(following)
        return _DOLLARS if closes else -1
    if byte == 0x24 or byte == 0x5C:  # $$ \( \[
        return _DELIMITERS if byte == 0x24 or following == 0x28 or following == 0x5B else -1
    before = _byte(page, i - 2) if previous == 0x20 else previous
    after = _byte(page, i + 2) if following == 0x20 else following
    return _OPERATORS if _is_operand(before) and (_is_operand(after) or after == 0x28 or after == 0x2D) else -1


@njit(cache=True)
def _byte(page: np.ndarray, i: int) -> int:
    """A byte of the page, 0 beyond its ends."""
    return int(page[i]) if 0 <= i < len(page) else 0


@njit(cache=True)
def _is_letter(byte: int) -> bool:
    return 0x61 <= byte | 0x20 <= 0x7A


@njit(cache=True)
def _is_operand(byte: int) -> bool:
    """Whether an operand may end or begin with a byte: letters, digits, closing brackets and a prime."""
    return _is_letter(byte) or 0x30 <= byte <= 0x39 or byte == 0x29 or byte == 0x5D or byte == 0x7D or byte == 0x27


@njit(cache=True)
def _utf8(page: np.ndarray, i: int) -> int:
    """The code point that begins at a place; 0 where these are no bytes of UTF-8, as in most of GBK."""
    point = int(page[i])
    length = 2 if point < 0xE0 else 3 if point < 0xF0 else 4
    point &= 0xFF >> (length + 1)
    for k in range(i + 1, i + length):
        if _byte(page, k) & 0xC0 != 0x80:
            return 0
        point = point << 6 | _byte(page, k) & 0x3F
    return point


@njit(cache=True)
def _reference(page: np.ndarray, i: int) -> int:
    """The code point of a character reference such as `&#8730;` or `&#x221A;`."""
    is_hex = _byte(page, i + 2) | 0x20 == 0x78
    point = 0
    for k in range(i + 3 if is_hex else i + 2, i + 9):
        byte = _byte(page, k) | 0x20
        if 0x30 <= byte <= 0x39:
            point = point * (16 if is_hex else 10) + byte - 0x30
        elif is_hex and 0x61 <= byte <= 0x66:
            point = point * 16 + byte - 0x57
        else:
            break
    return point


@njit(cache=True)
def _column_of(point: int) -> int:
    """What a character counts as: Greek, a symbol of mathematics, or -1."""
    if 0x391 <= point <= 0x3C9:
        return _GREEK
    is_latin = point == 0xB1 or point == 0xB2 or point == 0xB3 or point == 0xB9 or point == 0xD7 or point == 0xF7
    is_script = 0x2070 <= point < 0x209D and point != 0x207F
    is_symbol = 0x2200 <= point < 0x2300 or 0x27C0 <= point < 0x27F0 or 0x2A00 <= point < 0x2B00
    return _SYMBOLS if is_latin or is_script or is_symbol or 0x1D400 <= point < 0x1D800 else -1
