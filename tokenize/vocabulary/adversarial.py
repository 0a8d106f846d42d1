"""Text that tells tokenizers apart: what a fast encoder must agree on before it is trusted.

Everything in it has separated two implementations of byte-level BPE somewhere: contractions, digit groups, runs of one
character (the order of merges), white space before line ends, characters of every UTF-8 length, combining marks,
U+FFFD from broken UTF-8, names of control tokens, and the vocabulary's own entries, alone and next to each other.
"""

from collections.abc import Collection, Sequence

import numpy as np

LITERAL = (
    "",
    " ",
    "\n",
    "\r\n\r\n",
    "Let $x^2 + y^2 = z^2$. Then\n\n$$\\int_0^1 \\frac{\\mathrm{d}x}{1+x^2} = \\frac{\\pi}{4}\\approx 0.785398$$\n",
    "\\begin{align*}\n  a_{n+1} &= \\tfrac12\\left(a_n + \\frac{2}{a_n}\\right) \\\\\n\t&\\le 3.14159265358979 \\tag{1}"
    "\n\\end{align*}",
    "∀ε>0 ∃δ>0: |x−a|<δ ⇒ |f(x)−L|<ε; ℝ⊂ℂ, √2≈1.41421, x₁²+x₂³ ≤ ½·π·r², ∑_{k=0}^{∞} ⟨ψ|φ⟩ 𝔸𝕏𝒟 ①②Ⅻ٣४",
    "解:设甲、乙两地相距 x 千米,则 2(x+3)=120。答:57千米!「引用」(全角)１２３４５ ，。？“”‘’……——",
    "日本語のテキスト、カタカナ。한국어 텍스트입니다. Русский текст, ελληνικά, עברית, العربية, हिन्दी, ไทย",
    "I'm you're we'll they'd it's HE'S DON'T o'clock 'tis rock'n'roll 'Ve ''s ’s 'ſ 'ſo 'S'lL'D'm",
    "def f(x):\n\tif x > 0 and x != 10:\n        return {'a': [1, 2.5e-10, 0xFF], \"b\": None}\n\n\n# end  \n   ",
    '<p class="a">&nbsp;x &lt; 1000000</p><!-- 12345678901234567890 -->',
    "1 12 123 1234 12345 123456 1234567 3.14159 1,234,567.89 10^100 0b1010 ½ ¾ ² ³ ⁴",
    "a\tb\t\tc \t d\u00a0e\u2003f\u3000g\u200bh\ufeffi\x0bj\x0ck\x1cl\x85m\u2028n\u2029o",
    "trailing   \n   leading\n\n\n   \n \n\t\n x  \r\n  y \r z",
    "\ufffd\ufffd broken \ufffd utf-8 \x00\x01\x7f\x80",
    "👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇨🇳🇺🇸 1️⃣ ☺️ 🤔🤔🤔🤔",
    "é é Å Å ﬁ ﬃ Ａ ª º ǅ ẞ ß İ ı ſ K Ω Å",
    "a\u0301\u0301\u0301\u0301 q\u0307\u0323 \u0301alone n\u0303o क्षि",
    "----====____****////\\\\\\\\....!!!!????,,,,((((]]]]{{{{~~~~````''''\"\"\"\"",
    "\U0010ffff\U000e0001\ue000\U0001d400\U00020000\U0002a6d6",
)


def adversarial_texts(token_bytes: Sequence[bytes], control_names: Collection[str]) -> list[str]:
    """Build the sample for a vocabulary; the same on every machine.

    token_bytes: the bytes of each id. control_names: control tokens, which must be encoded as ordinary text.
    """
    texts = list(LITERAL)
    texts += [f"{before}{name}{after}" for name in sorted(control_names) for before, after in (("", ""), ("x ", "\n"))]
    characters = ("a", "A", "x", " ", "\n", "\t", "\r\n", "0", "7", "=", "-", ".", "*", "_", "中", "é", "\u0301", "🤔")
    texts += [character * count for character in characters for count in (2, 3, 4, 5, 7, 16, 31, 33, 100, 257)]
    texts += [
        f"x{space * count}{end}" for space in " \n\t" for count in (1, 2, 3, 17) for end in ("y", "\n", "", "1", "é")
    ]
    random = np.random.default_rng(0)
    entries = [text for token in token_bytes[:: max(1, len(token_bytes) // 4000)] if (text := _decoded(token))]
    texts += entries
    texts += ["".join(entries[i] for i in random.integers(0, len(entries), 40).tolist()) for _ in range(100)]
    alphabets = (
        range(32, 127),
        range(0x20, 0x250),
        range(0x2000, 0x2C00),
        range(0x3000, 0x9FFF),
        range(0xE000, 0x1F900),
    )
    for alphabet in alphabets:
        letters = [chr(code) for code in random.choice(alphabet, 4000).tolist()]
        texts += ["".join(letters[i : i + 80]) for i in range(0, len(letters), 80)]
    return texts


def _decoded(token: bytes) -> str | None:
    try:
        return token.decode()
    except UnicodeDecodeError:
        return None
