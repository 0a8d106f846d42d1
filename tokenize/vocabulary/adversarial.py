"""Text that tells tokenizers apart: what a fast encoder must agree on before it is trusted.

Everything in it has separated two implementations of byte-level BPE somewhere: contractions, digit groups, runs of one
character (the order of merges), white space before line ends, characters of every UTF-8 length, combining marks,
U+FFFD from broken UTF-8 (Arrow's strings hold no other trace of it), names of control tokens, the characters of all
scripts, and every entry of the vocabulary next to others. For 100,000 entries that is 1.0 MB, or 0.4 seconds.
"""

from collections.abc import Collection, Sequence

import numpy as np

MAX_ENTRIES = 150_000
"""Of a vocabulary, put next to each other."""

BLOCKS = (
    (0, 0x3400, False),
    (0x3400, 0xA000, True),  # Han
    (0xA000, 0xAC00, False),
    (0xAC00, 0xD780, True),  # Hangul
    (0xD780, 0xD800, False),
    (0xE000, 0xF900, True),  # private
    (0xF900, 0x13000, False),
    (0x13000, 0x14800, True),  # Egyptian, Anatolian
    (0x14800, 0x17000, False),
    (0x17000, 0x1AFF0, True),  # Tangut, Khitan
    (0x1AFF0, 0x20000, False),
    (0x20000, 0x33480, True),  # Han
)
"""Characters of Unicode (first, last + 1, and whether all are letters of one script); nothing is assigned beyond but
tags, of which `LITERAL` has some."""

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
    "𠀀𠮷野家𡃁𢺳𣏾𤭢𥄫𦥑𧟰𨭎𩸽𪚥𫝆𬎆𮯠𰻝𱍐 一〇二三百千万亿 ㈠㊀㍿㎡ ﹏︰ ｡｢ｶﾞ ＡＢＣａｂ＋－＝＜＞（）［］｛｝＼｜～",
    "٠١٢٣٤٥٦٧٨٩ ۰۱۲۳ ०१२३ ০১২৩ ੦੧੨ ૦૧૨ ௧௨௩ ๐๑๒๓ ໐໑໒ ༠༡༢ ၀၁၂ ០១២ ᠐᠑᠒ 𝟎𝟏𝟐𝟘𝟙𝟚 𐒠𐒡 ０１２３ ⅓⅔Ⅷⅷ ①⑳㉛ ፩፪፫ 〇〡〢 ૧٣1২",
    "각 각 ᄀ ᅡ ㄱㅏ ꥠ ힰ 한글과 漢字を混ぜる ｶﾅ かﾞ が が กำลัง น้ำ สวัสดีครับ ປະເທດ السَّلَامُ عَلَيْكُمْ لا ﷽ بِسْمِ ٱللَّٰهِ שָׁלוֹם क्ष्म्य त्र्य",
    " \u00a0 \u1680\u2000\u2001\u2002\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000 "
    "\u180e\u200b\u200c\u200d\u2060\ufeff\u00ad \x1c\x1d\x1e\x1f\x85\n\u2028\n"
    "\u2029\n\u00a0\n \u3000\n\r\u3000\r\n\n\r\r\n\t\r \n",
    "for (int i=0;i<n;++i){a[i]+=b[i]*c[i];}//\n#include <vector>\n"
    "\tSELECT `x` FROM t WHERE y>='2024-01-01' AND z!=0x1F;\n"
    "λ x → x ∷ xs; $\\lim_{n\\to\\infty}\\sqrt[n]{n!}/n=e^{-1}$ "
    "\\(a\\) \\[b\\] \\begin{cases}x&y\\\\\\hline\\end{cases}% \\$5",
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
    entries = [text for token in token_bytes if (text := _decoded(token))]
    texts += entries[:: max(1, len(entries) // 4000)]
    chosen = random.permutation(len(entries))[:MAX_ENTRIES].tolist()
    texts += ["".join([entries[k] for k in chosen[i : i + 40]]) for i in range(0, len(chosen), 40)]
    texts += _all_scripts(random)
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


def _all_scripts(random: np.random.Generator) -> list[str]:
    """Characters in no order, each after one of those that decide where words end; of the uniform blocks 1 in 16."""
    codes = np.concatenate([np.arange(first, end, 16 if uniform else 1) for first, end, uniform in BLOCKS])
    leading = random.choice(np.array([ord(character) for character in "a1 '\n.A中"]), len(codes))
    text = np.stack([leading, random.permutation(codes)], axis=1).astype("<u4").tobytes().decode("utf-32-le")
    return [text[i : i + 400] for i in range(0, len(text), 400)]


def _decoded(token: bytes) -> str | None:
    try:
        return token.decode()
    except UnicodeDecodeError:
        return None
