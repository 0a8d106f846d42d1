"""Tables for the MathML converter: Unicode characters and their LaTeX names, fences, accents, functions, styles.

The names are those of LaTeX, amsmath and amssymb that KaTeX and MathJax both know (unicode-math's table, cut to them).
"""


def _table(text: str) -> dict[str, str]:
    r"""Read "α \alpha β \beta …" into a mapping."""
    words = text.split()
    return dict(zip(words[::2], words[1::2], strict=True))


SYMBOLS: dict[str, str] = _table(
    r"""
    α \alpha β \beta γ \gamma δ \delta ϵ \epsilon ε \varepsilon ζ \zeta η \eta θ \theta ϑ \vartheta ι \iota κ \kappa
    ϰ \varkappa λ \lambda μ \mu µ \mu ν \nu ξ \xi ο o π \pi ϖ \varpi ρ \rho ϱ \varrho σ \sigma ς \varsigma τ \tau
    υ \upsilon φ \varphi ϕ \phi χ \chi ψ \psi ω \omega Γ \Gamma Δ \Delta Θ \Theta Λ \Lambda Ξ \Xi Π \Pi Σ \Sigma
    Υ \Upsilon Φ \Phi Ψ \Psi Ω \Omega Α A Β B Ε E Ζ Z Η H Ι I Κ K Μ M Ν N Ο O Ρ P Τ T Χ X ϝ \digamma
    − - – - ‐ - ± \pm ∓ \mp × \times ÷ \div · \cdot ⋅ \cdot ∙ \bullet • \bullet ∗ * ⋆ \star ∘ \circ ° ^{\circ}
    ⊕ \oplus ⊖ \ominus ⊗ \otimes ⊘ \oslash ⊙ \odot ∧ \wedge ⋀ \bigwedge ∨ \vee ⋁ \bigvee ∩ \cap ⋂ \bigcap ∪ \cup
    ⋃ \bigcup ⊎ \uplus ⨄ \biguplus ⊓ \sqcap ⊔ \sqcup ⨆ \bigsqcup ∖ \setminus ⧵ \setminus ≀ \wr ⋄ \diamond ◇ \Diamond
    △ \triangle ▵ \triangle ▽ \bigtriangledown ◁ \triangleleft ▹ \triangleright ▷ \triangleright ⊲ \lhd ⊳ \rhd
    ⊴ \unlhd ⊵ \unrhd † \dagger ‡ \ddagger ⨿ \amalg ⋉ \ltimes ⋊ \rtimes ⋈ \bowtie ⨁ \bigoplus ⨂ \bigotimes ⨀ \bigodot
    ≤ \le ≥ \ge ⩽ \leqslant ⩾ \geqslant ≦ \leqq ≧ \geqq ≪ \ll ≫ \gg ≠ \ne ≡ \equiv ≢ \not\equiv ∼ \sim ≁ \nsim
    ≃ \simeq ≅ \cong ≇ \ncong ≈ \approx ≉ \not\approx ≊ \approxeq ≐ \doteq ≔ := ≕ =: ∝ \propto ∣ \mid ∤ \nmid
    ∥ \parallel ∦ \nparallel ⊥ \perp ⟂ \perp ∈ \in ∉ \notin ∋ \ni ∌ \not\ni ⊂ \subset ⊃ \supset ⊆ \subseteq
    ⊇ \supseteq ⊄ \not\subset ⊅ \not\supset ⊈ \nsubseteq ⊉ \nsupseteq ⊊ \subsetneq ⊋ \supsetneq ⊏ \sqsubset
    ⊐ \sqsupset ⊑ \sqsubseteq ⊒ \sqsupseteq ≺ \prec ≻ \succ ⪯ \preceq ⪰ \succeq ≼ \preccurlyeq ≽ \succcurlyeq
    ≮ \nless ≯ \ngtr ≰ \nleq ≱ \ngeq ≲ \lesssim ≳ \gtrsim ≶ \lessgtr ⊢ \vdash ⊣ \dashv ⊨ \models ⊩ \Vdash ⊬ \nvdash
    ⊭ \nvDash ⌣ \smile ⌢ \frown ≍ \asymp ≜ \triangleq ≟ \stackrel{?}{=} ∴ \therefore ∵ \because ∷ :: ∶ :
    ← \leftarrow → \to ↑ \uparrow ↓ \downarrow ↔ \leftrightarrow ↕ \updownarrow ⇐ \Leftarrow ⇒ \Rightarrow ⇑ \Uparrow
    ⇓ \Downarrow ⇔ \Leftrightarrow ↦ \mapsto ↪ \hookrightarrow ↩ \hookleftarrow ↗ \nearrow ↘ \searrow ↙ \swarrow
    ↖ \nwarrow ⟶ \longrightarrow ⟵ \longleftarrow ⟷ \longleftrightarrow ⟹ \Longrightarrow ⟸ \Longleftarrow
    ⟺ \Longleftrightarrow ⟼ \longmapsto ⇌ \rightleftharpoons ⇀ \rightharpoonup ⇁ \rightharpoondown ↼ \leftharpoonup
    ↽ \leftharpoondown ↠ \twoheadrightarrow ↣ \rightarrowtail ⇝ \rightsquigarrow ↝ \leadsto ↾ \upharpoonright
    ⇉ \rightrightarrows ↛ \nrightarrow ⇏ \nRightarrow
    ∀ \forall ∃ \exists ∄ \nexists ¬ \neg ∅ \emptyset ⌀ \emptyset ∞ \infty ∂ \partial ∇ \nabla ∆ \Delta √ \surd
    ∠ \angle ∡ \measuredangle ⊤ \top ℵ \aleph ℶ \beth ℏ \hbar ℓ \ell ℘ \wp ℜ \Re ℑ \Im ı \imath ȷ \jmath ð \eth
    ⅅ D ⅆ d ⅇ e ⅈ i ⅉ j
    ∑ \sum ∏ \prod ∐ \coprod ∫ \int ∬ \iint ∭ \iiint ∮ \oint ∯ \oiint
    … \ldots ⋯ \cdots ⋮ \vdots ⋱ \ddots ′ ' ″ '' ‴ ''' ⁗ '''' ‵ \backprime
    ⟨ \langle ⟩ \rangle 〈 \langle 〉 \rangle 〈 \langle 〉 \rangle
    ⌈ \lceil ⌉ \rceil ⌊ \lfloor ⌋ \rfloor ‖ \| ⟦ [\![ ⟧ ]\!]
    { \{ } \} # \# $ \$ % \% & \& _ \_ \ \backslash ~ \sim § \S ¶ \P © \copyright £ \pounds
    □ \square ◻ \square ■ \blacksquare ∎ \blacksquare ▪ \blacksquare ★ \bigstar ✓ \checkmark ♠ \spadesuit ♡ \heartsuit
    ♢ \diamondsuit ♣ \clubsuit ♭ \flat ♮ \natural ♯ \sharp ⊞ \boxplus ⊟ \boxminus ⊠ \boxtimes ⊡ \boxdot
    """
) | {"\u00a0": "\\ ", "^": "\\hat{}", "\u2003": "\\quad ", "\u2009": "\\,", "\u2005": "\\:", "\u200a": "\\,"}

FUNCTIONS = frozenset((
    "arccos", "arcsin", "arctan", "arg", "cos", "cosh", "cot", "coth", "csc", "deg", "det", "dim", "exp",
    "gcd", "hom", "inf", "ker", "lg", "lim", "liminf", "limsup", "ln", "log", "max", "min", "Pr", "sec",
    "sin", "sinh", "sup", "tan", "tanh",
))  # fmt: skip
"""Names that LaTeX has as commands."""

LARGE_OPERATORS = frozenset("∑∏∐∫∬∭∮∯⋀⋁⋂⋃⨄⨆⨁⨂⨀") | {
    "lim", "max", "min", "sup", "inf", "limsup", "liminf", "lim sup", "lim inf", "det", "gcd", "Pr",
    "argmax", "argmin", "arg max", "arg min",
}  # fmt: skip
"""Operators whose under- and overscripts are limits, written `_` and `^`."""

FENCES = {"(": ")", "[": "]", "{": "}", "|": "|", "‖": "‖", "⟨": "⟩", "⌈": "⌉", "⌊": "⌋", "∣": "∣", "∥": "∥"}

ACCENTS: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("^", "ˆ", "\u0302"), ("\\hat", "\\widehat")),
    **dict.fromkeys(("¯", "ˉ", "\u0304", "\u0305", "_", "-", "−"), ("\\bar", "\\overline")),
    **dict.fromkeys(("‾", "―", "─", "–"), ("\\overline", "\\overline")),
    **dict.fromkeys(("~", "˜", "∼", "\u0303"), ("\\tilde", "\\widetilde")),
    **dict.fromkeys(("→", "⃗", "⇀", "⟶"), ("\\vec", "\\overrightarrow")),
    **dict.fromkeys(("←", "⟵"), ("\\overleftarrow", "\\overleftarrow")),
    "↔": ("\\overleftrightarrow", "\\overleftrightarrow"),
    **dict.fromkeys(("˙", ".", "⋅", "·", "\u0307"), ("\\dot", "\\dot")),
    **dict.fromkeys(("¨", "..", "\u0308"), ("\\ddot", "\\ddot")),
    **dict.fromkeys(("⃛", "..."), ("\\dddot", "\\dddot")),
    **dict.fromkeys(("ˇ", "\u030c"), ("\\check", "\\check")),
    **dict.fromkeys(("˘", "\u0306"), ("\\breve", "\\breve")),
    **dict.fromkeys(("´", "\u0301"), ("\\acute", "\\acute")),
    **dict.fromkeys(("`", "\u0300"), ("\\grave", "\\grave")),
    **dict.fromkeys(("˚", "\u030a"), ("\\mathring", "\\mathring")),
    "⏞": ("\\overbrace", "\\overbrace"),
    "︷": ("\\overbrace", "\\overbrace"),
    "⏜": ("\\overset{\\frown}", "\\overset{\\frown}"),
    "⌢": ("\\overset{\\frown}", "\\overset{\\frown}"),
}
"""What stands over a base, with the command for a single character and for more."""

UNDER_ACCENTS: dict[str, str] = {
    **dict.fromkeys(("_", "¯", "‾", "\u0332", "―", "−", "─", "–"), "\\underline"),
    **dict.fromkeys(("⏟", "︸"), "\\underbrace"),
    "→": "\\underrightarrow",
    "←": "\\underleftarrow",
}

VARIANTS: tuple[tuple[str, str], ...] = (
    ("DOUBLE-STRUCK", "\\mathbb"),
    ("FRAKTUR", "\\mathfrak"),
    ("BLACK-LETTER", "\\mathfrak"),
    ("SCRIPT", "\\mathcal"),
    ("MONOSPACE", "\\mathtt"),
    ("SANS-SERIF", "\\mathsf"),
    ("BOLD ITALIC", "\\boldsymbol"),
    ("BOLD", "\\mathbf"),
    ("ITALIC", ""),
)
"""Words in the Unicode name of a styled letter, and the command for the style."""
