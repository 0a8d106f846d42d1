# ruff: noqa: E501 (HTML and tables of symbols are not broken)
"""Blocks to HTML: paragraphs, lists, tables and the boxes (theorem, exercise, solution…) in a site's own markup.

A skin says how one kind of site marks its boxes: PreTeXt's articles, OpenStax's `data-type`, LaTeXML's classes, the
hidden divisions of Chinese question banks. "*" stands for the boxes that a skin does not name.
"""

import re
from html import escape

from .encodings import ENCODINGS, Encoding
from .page import Block, Formula, Inline, Page

Skin = dict[str, tuple[str, str]]

_PLAIN: Skin = {"*": ('<div class="{name}"><p class="label"><strong>{title}</strong></p>', "</div>")}
_PRETEXT: Skin = {
    "*": ('<article class="{name} {name}-like" id="{name}-{number}"><h4 class="heading">{title}</h4>', "</article>"),
    "exercise": (
        '<article class="exercise exercise-like" id="exercise-{number}"><h4 class="heading"><span class="type">{title}</span></h4>',
        "</article>",
    ),
    "solution": (
        '<div class="solutions"><details class="solution solution-like born-hidden-knowl"><summary class="knowl__link">'
        '<h5 class="heading"><span class="type">{title}</span><span class="period">.</span></h5></summary>'
        '<div class="solution solution-like">',
        "</div></details></div>",
    ),
    "answer": (
        '<details class="answer answer-like born-hidden-knowl"><summary class="knowl__link"><span class="type">{title}'
        '</span></summary><div class="answer answer-like">',
        "</div></details>",
    ),
}
_OPENSTAX: Skin = {
    "*": ('<div data-type="note" id="fs-id11{number}" class="{name}"><h3 data-type="title">{title}</h3>', "</div>"),
    "exercise": (
        '<div data-type="exercise" id="fs-id12{number}" class="os-hasSolution"><span class="os-number">{title}</span>',
        "</div>",
    ),
    "statement": ('<div data-type="problem" id="fs-id13{number}"><div class="os-problem-container">', "</div></div>"),
    "solution": (
        '<div data-type="solution" id="fs-id14{number}" data-label="{title}"><h4 data-type="solution-title">{title}</h4>',
        "</div>",
    ),
    "answer": ('<div data-type="answer" class="os-answer"><strong>{title}</strong>', "</div>"),
}
_DETAILS: Skin = {
    "*": ('<section class="{name}"><h3>{title}</h3>', "</section>"),
    "exercise": ('<section class="problem"><h3>{title}</h3>', "</section>"),
    "solution": ("<details><summary>{title}</summary>", "</details>"),
    "answer": ('<p class="final"><b>{title}</b></p>', ""),
}
_LATEXML: Skin = {
    "*": (
        '<div id="Thm{number}" class="ltx_theorem ltx_theorem_{name}">\n<h6 class="ltx_title ltx_runin '
        'ltx_title_theorem"><span class="ltx_tag ltx_tag_theorem">{title}</span></h6>',
        "</div>",
    ),
    "proof": (
        '<div class="ltx_proof"><h6 class="ltx_title ltx_runin ltx_font_italic ltx_title_proof">{title}</h6>',
        "</div>",
    ),
}
_BANK_ZH: Skin = {
    "*": ('<div class="kuang"><p><b>{title}</b></p>', "</div>"),
    "exercise": ('<div class="timu" id="q{number}"><div class="tihao">{title}</div>', "</div>"),
    "statement": ('<div class="tigan">', "</div>"),
    "solution": (
        '<a href="javascript:;" class="btn-jiexi" onclick="toggle({number})">查看解析</a>'
        '<div class="jiexi" id="jx{number}" style="display:none"><span class="lbl">{title}</span>',
        "</div>",
    ),
    "answer": ('<div class="daan" style="display:none"><span class="lbl">{title}</span>', "</div>"),
}
_TEXTBOOK_ZH: Skin = {
    "*": ('<div class="{name}"><strong class="bt">{title}</strong>', "</div>"),
    "exercise": ('<div class="liti"><h4>{title}</h4>', "</div>"),
    "solution": ('<div class="jieda"><p><strong>{title}</strong></p>', "</div>"),
    "answer": ('<div class="daan"><strong>{title}</strong>', "</div>"),
}
_DEFINITION_LIST: Skin = {"*": ("<dl><dt><i>{title}</i></dt><dd>", "</dd></dl>")}

SKINS: dict[str, Skin] = {
    "plain": _PLAIN,
    "pretext": _PRETEXT,
    "openstax": _OPENSTAX,
    "details": _DETAILS,
    "latexml": _LATEXML,
    "bank_zh": _BANK_ZH,
    "textbook_zh": _TEXTBOOK_ZH,
    "definition_list": _DEFINITION_LIST,
}


class Writer:
    """Writes one page's blocks in one encoding and skin, counting its formulas and boxes."""

    def __init__(self, encoding: str | Encoding | None, skin: str = "plain") -> None:
        self.encoding = ENCODINGS[encoding or "unicode"] if not isinstance(encoding, Encoding) else encoding
        self.skin = SKINS[skin]
        self.latexml = skin == "latexml"
        self.formulas = 0
        self.boxes = 0

    def write(self, blocks: tuple[Block, ...]) -> str:
        """HTML of the blocks, one to a line."""
        return "\n".join(self.block(block) for block in blocks)

    def block(self, block: Block) -> str:
        """HTML of one block."""
        kind = block.kind
        if kind == "p":
            return self.paragraph(block.lines[0])
        if kind in ("h1", "h2", "h3"):
            css = ' class="ltx_title ltx_title_document"' if self.latexml else ""
            return f"<{kind}{css}>{self.inline(block.lines[0])}</{kind}>"
        if kind in ("ul", "ol"):
            return f"<{kind}>\n" + "\n".join(f"<li>{self.inline(line)}</li>" for line in block.lines) + f"\n</{kind}>"
        if kind == "quote":
            return f"<blockquote>{self.paragraph(block.lines[0])}</blockquote>"
        if kind == "code":
            return f'<pre><code class="language-{block.name or "text"}">{escape(str(block.lines[0][0]))}</code></pre>'
        if kind == "table":
            return self.table(block)
        return self.box(block)

    def box(self, block: Block) -> str:
        """HTML of a theorem, an exercise, a solution or the like."""
        self.boxes += 1
        opening, closing = self.skin.get(block.name) or self.skin["*"]
        if block.name == "statement" and "statement" not in self.skin:
            opening = closing = ""
        opening = opening.format(name=block.name, number=self.boxes, title=self.inline(block.title))
        return f"{opening}\n{self.write(block.children)}\n{closing}".strip()

    def table(self, block: Block) -> str:
        """HTML of a data table; its first row is the head."""
        rows = []
        for i, line in enumerate(block.lines):
            tag = "td" if i else "th"
            cells = self.inline(line).split("\t")
            rows.append("<tr>" + "".join(f"<{tag}>{cell.strip()}</{tag}>" for cell in cells) + "</tr>")
        return "<table>\n" + "\n".join(rows) + "\n</table>"

    def paragraph(self, inlines: tuple[Inline, ...]) -> str:
        """`<p>` elements; a displayed formula that is a block of its own interrupts the paragraph."""
        opening, closing = (
            ('<div class="ltx_para"><p class="ltx_p">', "</p></div>") if self.latexml else ("<p>", "</p>")
        )
        if not self.encoding.splits:
            return f"{opening}{self.inline(inlines)}{closing}"
        pieces: list[str] = []
        run: list[Inline] = []
        for item in [*inlines, None]:
            if item is None or (isinstance(item, Formula) and item.display):
                if any(not isinstance(part, str) or part.strip() for part in run):
                    pieces.append(f"{opening}{self.inline(tuple(run)).strip()}{closing}")
                run = []
                if item is not None:
                    pieces.append(self.formula(item))
            else:
                run.append(item)
        return "\n".join(pieces)

    def inline(self, inlines: tuple[Inline, ...]) -> str:
        """HTML of running text."""
        return "".join(self.formula(item) if isinstance(item, Formula) else self.text(item) for item in inlines)

    def formula(self, formula: Formula) -> str:
        """HTML of one formula."""
        self.formulas += 1
        return self.encoding.write(formula.latex, formula.display, self.formulas)

    def text(self, text: str) -> str:
        """Escaped text with emphasis, links and code."""
        written = escape(text, quote=False)
        written = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", written)
        written = re.sub(r"\[([^\]]+)\]\((/[^)]*)\)", r'<a href="\2">\1</a>', written)
        written = re.sub(r"`([^`]+)`", r"<code>\1</code>", written)
        return written.replace("$", "\\$") if self.encoding.escapes_dollar else written


def main_html(page: Page, skin: str = "plain") -> str:
    """The page's main content in its encoding."""
    return Writer(page.encoding, skin).write(page.blocks)
