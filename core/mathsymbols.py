r"""LaTeX commands and the Unicode characters that mean the same, and how characters fold.

One table serves the formula normaliser (`mathnorm`) and the token hasher (`mathtokens`), so that `\leq`, `\le` and `≤`
are one symbol everywhere. Folding follows Unicode NFKC and case folding, cut down to one character for one character.
"""

import unicodedata

COMMAND_SYMBOLS: dict[str, str] = {
    # relations
    "le": "≤", "leq": "≤", "leqslant": "≤", "leqq": "≤", "ge": "≥", "geq": "≥", "geqslant": "≥", "geqq": "≥",
    "ne": "≠", "neq": "≠", "lt": "<", "gt": ">", "ll": "≪", "gg": "≫", "approx": "≈", "thickapprox": "≈",
    "equiv": "≡", "sim": "∼", "simeq": "≃", "cong": "≅", "propto": "∝", "parallel": "∥", "perp": "⊥", "mid": "|",
    "nmid": "∤", "vert": "|", "lvert": "|", "rvert": "|", "Vert": "‖", "lVert": "‖", "rVert": "‖", "coloneqq": "≔",
    # operators
    "times": "*", "cdot": "*", "ast": "*", "div": "/", "over": "/", "slash": "/", "pm": "±", "mp": "∓", "circ": "∘",
    "sum": "∑", "prod": "∏", "int": "∫", "iint": "∬", "iiint": "∭", "oint": "∮", "partial": "∂", "nabla": "∇",
    "sqrt": "√", "surd": "√", "infty": "∞", "oplus": "⊕", "otimes": "⊗", "odot": "⊙", "bullet": "∙", "star": "⋆",
    "prime": "′", "degree": "∘", "angle": "∠", "triangle": "△", "bigtriangleup": "△", "square": "□",
    # sets and logic
    "in": "∈", "notin": "∉", "ni": "∋", "subset": "⊂", "subseteq": "⊆", "subsetneq": "⊊", "supset": "⊃",
    "supseteq": "⊇", "cup": "∪", "cap": "∩", "bigcup": "∪", "bigcap": "∩", "setminus": "∖", "backslash": "∖",
    "emptyset": "∅", "varnothing": "∅", "forall": "∀", "exists": "∃", "nexists": "∄", "neg": "¬", "lnot": "¬",
    "land": "∧", "wedge": "∧", "lor": "∨", "vee": "∨", "therefore": "∴", "because": "∵", "complement": "∁",
    # arrows
    "to": "→", "rightarrow": "→", "longrightarrow": "→", "leftarrow": "←", "gets": "←", "leftrightarrow": "↔",
    "Rightarrow": "⇒", "Longrightarrow": "⇒", "implies": "⇒", "Leftarrow": "⇐", "Leftrightarrow": "⇔", "iff": "⇔",
    "mapsto": "↦", "uparrow": "↑", "downarrow": "↓",
    # brackets that are operators
    "lfloor": "⌊", "rfloor": "⌋", "lceil": "⌈", "rceil": "⌉", "langle": "⟨", "rangle": "⟩",
    # letters
    "ell": "l", "hbar": "ℏ", "Re": "ℜ", "Im": "ℑ", "aleph": "ℵ",
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "varepsilon": "ε", "zeta": "ζ", "eta": "η",
    "theta": "θ", "vartheta": "θ", "iota": "ι", "kappa": "κ", "varkappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν",
    "xi": "ξ", "pi": "π", "varpi": "π", "rho": "ρ", "varrho": "ρ", "sigma": "σ", "varsigma": "σ", "tau": "τ",
    "upsilon": "υ", "phi": "φ", "varphi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω",
    "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ", "Upsilon": "Υ",
    "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω",
}  # fmt: skip
"""What a command without arguments means, as one character in its canonical spelling."""

CHARACTER_TWINS: dict[str, str] = {
    "−": "-", "‐": "-", "‑": "-", "‒": "-", "–": "-", "﹣": "-",
    "×": "*", "⋅": "*", "·": "*", "∗": "*", "⨯": "*", "÷": "/", "∕": "/", "⁄": "/", "∶": ":",
    "≦": "≤", "⩽": "≤", "≧": "≥", "⩾": "≥", "∣": "|", "°": "∘", "º": "∘", "˚": "∘", "⟶": "→", "⟹": "⇒",
    "⟸": "⇐", "⟺": "⇔", "⋂": "∩", "⋃": "∪", "⌀": "∅", "∆": "Δ", "▵": "△", "ϵ": "ε", "〈": "⟨", "〉": "⟩",
    "∛": "√3", "∜": "√4",
}  # fmt: skip
"""Characters that NFKC keeps apart although mathematics does not."""

SKIPPED_COMMANDS = frozenset(
    "left right middle big Big bigg Bigg bigl Bigl biggl Biggl bigr Bigr biggr Biggr bigm Bigm displaystyle textstyle "  # noqa: SIM905
    "scriptstyle scriptscriptstyle limits nolimits text textrm textup textnormal textbf textit textsf texttt textsc "
    "mbox hbox mathrm mathbf mathit mathsf mathtt mathnormal mathbb mathcal mathscr mathfrak boldsymbol bm bf it rm sf "
    "tt cal em emph operatorname mathop mathbin mathrel mathord mathopen mathclose quad qquad thinspace medspace "
    "thickspace enspace space negthinspace nobreak allowbreak displaylimits ldots cdots dots dotsc dotsb vdots ddots "
    "nonumber notag hline smallskip medskip bigskip noindent par boxed fbox rlap llap mathstrut strut protect "
    "lbrace rbrace lbrack rbrack colon".split()
)
"""Commands that change how a formula looks, not what it says (dots are punctuation); their arguments stay."""

FRACTION_COMMANDS = frozenset(("frac", "dfrac", "tfrac", "cfrac", "sfrac", "nicefrac"))
"""Commands whose two arguments are a numerator and a denominator."""

DROPPED_ARGUMENT_COMMANDS = frozenset(
    "label ref eqref cite color textcolor hspace vspace phantom hphantom vphantom tag hskip vskip kern fontsize".split()  # noqa: SIM905
)
"""Commands that go with their first argument."""

DISPLAY_ENVIRONMENTS = frozenset(
    "equation align gather multline eqnarray flalign alignat displaymath math aligned gathered split alignedat array "  # noqa: SIM905
    "subequations document center".split()
)
"""Environments that only place a formula; what others say (`cases`, `vmatrix`) is kept as a word."""


def fold_character(character: str) -> str:
    """Fold one character: its twin, or NFKC, case folding and the loss of accents; may give several characters."""
    if character in "∬∭":  # NFKC gives two and three ∫
        return character
    folded = unicodedata.normalize("NFKC", CHARACTER_TWINS.get(character, character)).casefold()
    return "".join(_without_accents(CHARACTER_TWINS.get(c, c)) for c in unicodedata.normalize("NFKC", folded))


def _without_accents(character: str) -> str:
    """é → e. Only letters before U+2000: `≠` decomposes too, and so do Hangul and kana."""
    if character >= "\u2000" or not character.isalpha():
        return character
    return "".join(c for c in unicodedata.normalize("NFD", character) if not unicodedata.combining(c))
