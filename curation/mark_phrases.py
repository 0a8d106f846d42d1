"""The phrases that speak for mathematics in a page, in several charsets, and the tables by which marks.py finds them.

A phrase is looked for where a word or a sign begins in it, by a hash of the four or five bytes from there on.
"""

from typing import NamedTuple

import numpy as np

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
MARKUP, TEX, DELIMITERS = range(3)
NAMES, DOLLARS, SYMBOLS, GREEK, SCRIPTS, WORDS, FOREIGN, OPERATORS, BYTES = range(3, 12)
SURE = 3  # of these first columns, one mark is enough
TEXT, TAG, RAW = range(3)  # where a byte stands: between tags, in one, in a script or style sheet

_PHRASES = {  # without regard to case
    MARKUP: r"""<math <mml: <m:math <d-math mathjax katex mwe-math mathtex mimetex codecogs latex.php quicklatex
        mathtran cht=tx equation?tex= math/tex asciimath tex2jax jsmath latexml [/tex] [/latex] [/itex] [/math]
        [/imath] [/dmath] &lt;math &lt;/math {\displaystyle svg.image? render/math? math/render/ language-math
        ql-formula mathjye mathzyb mathtag= wirisformula data-formula tex-math mathmltoimage data-latex data-tex=""",
    TEX: r"""\frac \dfrac \sqrt \begin{ \sum \int_ \left( \left[ \left\ \mathbb \mathrm \mathcal \mathbf \cdot
        \times \leq \geq \infty \alpha \beta \theta \lambda \partial \rightarrow \operatorname \overline \ldots \sin
        \cos \log \lim_ \vec{ \hat{ \text{ $latex &radic; &sum; &infin; &isin; &part; &equiv; &asymp; &nabla;""",
    NAMES: "math ltx_ latex formula equation theorem lemma /tex? =tex&",
    SYMBOLS: "&int; &times; &divide; &plusmn; &le; &ge; &ne; &sup2; &sup3; &minus; &frac &sube; &cap; &cup; &forall;",
    GREEK: "&alpha; &beta; &gamma; &delta; &epsilon; &theta; &lambda; &mu; &pi; &rho; &sigma; &tau; &phi; &omega;",
    SCRIPTS: "<sup <sub",
    WORDS: """math theorem lemma corollary equation formula algebra algorithm polynomial matrix matrices integral
        integer derivative differenti calculus geometr triangle fraction decimal multipl divide division divisor
        subtract coefficient logarithm exponent probabilit statistic variance deviation regression vector eigenval
        quadratic cubic linear inequalit arithmetic trigonom cosine tangent angle radius diameter perimeter rational
        prime factor modulo modular permutation combinat binomial topolog manifold morphism abelian subgroup finite
        infinite converg sequence summation proof prove hypothesis solve solution evaluate simplif numerical numeric
        number square root vertex vertices axis plane symmetr average variable constant interval domain curve surface
        sphere circle ellip hyperbol parabol dimension distribution random approximat gradient optimi function
        symbolic scalar tensor complexity recursi graph plus minus""",
    FOREIGN: """数学 數學 方程 函数 函數 関数 定理 证明 證明 証明 公式 三角 几何 幾何 代数 代數 整数 整數 分数 分數
        概率 機率 確率 向量 矩阵 矩陣 行列 积分 積分 导数 導數 微分 习题 習題 例题 解题 試題 试题 题目 答案 求解 计算
        計算 面积 解答 練習 练习 集合 多项式 不等式 直线 算法 复杂度 素数 质数 多少 теорем уравнен математ формул
        доказ функци интеграл gleichung beweis mathém équation théorème démonstr ecuaci teorema""",
}
_CHARSETS = ("gb18030", "big5", "shift_jis", "euc_jp", "cp1251", "koi8-r", "latin-1")
_WHERE = {MARKUP: (TEXT, TAG, RAW), NAMES: (TAG,), TEX: (TEXT, TAG), SCRIPTS: (TEXT,)}


class Tables(NamedTuple):
    """Phrases, found by their anchor: where in them a word or a sign begins.

    is_head: uint64 (2, 1 << 11), a bit for the hash of each anchor's first bytes, words and signs. buckets: uint16
    (2, 1 << 17), 1 + the first of the entries of a hash, or 0. entries: int32 (n_entries, 2), the next entry of the
    same hash, or -1, and the phrase. ends: int32 (n_phrases + 1,), where phrases end in letters: uint8. anchors: int32
    (n_phrases,), bytes before the anchor. begins: uint64 (2, n_phrases), eight bytes from the anchor on and the mask of
    those that count. columns: int8 (n_phrases, 3), what a phrase counts as in text, tags and scripts, or -1. lower:
    uint8 (256,), ASCII letters in lower case.
    """

    is_head: np.ndarray
    buckets: np.ndarray
    entries: np.ndarray
    ends: np.ndarray
    letters: np.ndarray
    anchors: np.ndarray
    begins: np.ndarray
    columns: np.ndarray
    lower: np.ndarray


WORD, SIGN = range(2)
HASH_BITS = 17
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
FOLD = np.uint64(0x2020202020202020)
_HEAD_BYTES = (5, 4)  # of words, which are often the same for four letters, and of signs
HEAD_MASKS = tuple(np.uint64((1 << 8 * n) - 1) for n in _HEAD_BYTES)


def _tables() -> Tables:
    """Index all phrases."""
    phrases = _spelled_phrases()
    ordered = sorted(phrases)
    is_head = np.zeros((2, 1 << HASH_BITS >> 6), np.uint64)
    buckets = np.zeros((2, 1 << HASH_BITS), np.uint16)
    next_: list[int] = []
    owners: list[int] = []  # which phrase an entry of `next_` stands for
    anchors = [_anchor(phrase) for phrase in ordered]
    for number, phrase in enumerate(ordered):
        kind = WORD if phrase[anchors[number] : anchors[number] + 1].isalpha() else SIGN
        for head in _heads(phrase[anchors[number] :], _HEAD_BYTES[kind]):
            place = _hash(head)
            is_head[kind, place >> 6] |= np.uint64(1 << (place & 63))
            next_.append(int(buckets[kind, place]) - 1)
            owners.append(number)
            buckets[kind, place] = len(next_)
    lower = np.arange(256, dtype=np.uint8)
    lower[ord("A") : ord("Z") + 1] += 32
    return Tables(
        is_head,
        buckets,
        np.array(list(zip(next_, owners, strict=True)), np.int32),
        np.cumsum([0, *map(len, ordered)]).astype(np.int32),
        np.frombuffer(b"".join(ordered), np.uint8),
        np.array(anchors, np.int32),
        _begins([phrase[anchor:] for phrase, anchor in zip(ordered, anchors, strict=True)]),
        np.array([phrases[phrase] for phrase in ordered], np.int8),
        lower,
    )


def _begins(phrases: list[bytes]) -> np.ndarray:
    folded = [int.from_bytes(bytes(byte | 0x20 for byte in phrase[:8]), "little") for phrase in phrases]
    masks = [(1 << 8 * min(8, len(phrase))) - 1 for phrase in phrases]
    return np.array([folded, masks], np.uint64)


def _anchor(phrase: bytes) -> int:
    """Where a phrase is looked for: its first sign, else its first letter."""
    signs = [i for i, byte in enumerate(phrase) if byte in b"<\\&$" or byte >= 0x80]
    letters = [i for i, byte in enumerate(phrase) if chr(byte).isalpha() and byte < 0x80]
    return signs[0] if signs and (not letters or signs[0] < letters[0]) else letters[0]


def _heads(phrase: bytes, n: int) -> list[bytes]:
    """The first `n` bytes of a phrase; all that they can be where it is a byte shorter."""
    return [phrase[:n]] if len(phrase) >= n else [phrase + bytes([byte]) for byte in range(256) if byte & 0x20]


def _hash(head: bytes) -> int:
    folded = int.from_bytes(bytes(byte | 0x20 for byte in head), "little")
    return (folded * int(MULTIPLIER) & (1 << 64) - 1) >> (64 - HASH_BITS)


def _spelled_phrases() -> dict[bytes, list[int]]:
    """Every phrase in every charset, in lower case, with the columns that it counts for in text, tags and scripts."""
    phrases: dict[bytes, list[int]] = {}
    for column, words in _PHRASES.items():
        for word in words.split():
            for charset in ("utf-8", *(_CHARSETS if column == FOREIGN else ())):
                try:
                    spelling = word.encode(charset).lower()
                except UnicodeEncodeError:  # not a charset of this language
                    continue
                if len(spelling) >= 4:
                    columns = phrases.setdefault(spelling, [-1, -1, -1])
                    for place in _WHERE.get(column, (TEXT,)):
                        columns[place] = column
    return phrases


TABLES = _tables()
