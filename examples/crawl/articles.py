"""Places the lecture notes and short articles on sites, each article in the encoding that it is there to show."""

from collections.abc import Iterator

from . import articles_en, articles_zh, notes_en, notes_zh
from .page import Page, label_boxes, parse_blocks
from .sites import Site

_NAV = ("Home", "Lectures", "Problem sheets", "People")
_NAV_ZH = ("首页", "讲义", "习题", "关于")
NOTES_SITES = (
    Site(
        "lectures.example",
        "Open Lecture Notes",
        "en",
        "course",
        _NAV,
        "plain",
        "tex_paren",
        "Department of Mathematics",
    ),
    Site(
        "analysis.uni.example",
        "Course pages of the Institute",
        "en",
        "old",
        _NAV,
        "definition_list",
        "tex_dollar",
        "Last change: March 2026",
    ),
)
NOTES_SITES_ZH = (
    Site("jiangyi.example", "数学讲义网", "zh", "course", _NAV_ZH, "plain", "tex_dollar", "仅供学习交流使用"),
    Site(
        "kejian.daxue.example", "大学数学课件", "zh", "book", _NAV_ZH, "textbook_zh", "tex_katex_auto", "数学科学学院"
    ),
)
_CHROME = {
    "wikipedia": "wiki", "wikipedia_image": "wiki", "aops": "wiki", "latexml": "article", "codecogs": "blog",
    "wordpress_latex": "blog", "mimetex": "old", "mathtex": "old", "sup_sub": "old",
}  # fmt: skip
_PLACES = {
    # encoding: (host, site's name)
    "mathjax2_script": ("seriesandsums.example", "Series and Sums"),
    "mathjax2_rendered": ("algebraview.example", "AlgebraView"),
    "mathjax2_preview": ("divisors.example", "The Divisor Diary"),
    "mathjax3": ("slowmath.example", "Slow Mathematics"),
    "katex": ("calcnotes.example", "Calculus Notebook"),
    "mathml_annotation_xtex": ("discrete.example", "Discrete Thoughts"),
    "mathml_annotation_tex": ("planegeometry.example", "Plane Geometry Pages"),
    "mathml_annotation_xml_first": ("combinat.example", "Combinatorial Corner"),
    "mathml_alttext": ("setmath.example", "Sets and Counting"),
    "mathml_presentation": ("sequences.example", "Sequences"),
    "mathml_prefix": ("journal.example", "Journal of Short Proofs"),
    "wikipedia": ("enzyklo.example", "Enzyklo"),
    "wikipedia_image": ("mirror.enzyklo.example", "Enzyklo mirror"),
    "latexml": ("papers.example", "Papers in HTML"),
    "codecogs": ("moneyandmath.example", "Money and Math"),
    "mimetex": ("numerics.example", "Numerical notes"),
    "mathtex": ("iterate.example", "Iterations"),
    "aops": ("solvers.example", "Solvers' Wiki"),
    "asciimath_script": ("ascii.example", "Plain Formulas"),
    "asciimath_backtick": ("schoolmath.example", "School Math Online"),
    "tex_custom_delimiters": ("polygon.example", "Polygon"),
    "tex_raw_less_than": ("axioms.example", "Axioms"),
    "bbcode_latex": ("board.example", "Physics and Math Board"),
    "sup_sub": ("homepage.example", "Prof. Lehmann's home page"),
    "unicode": ("headmath.example", "Math in Your Head"),
}
_PLACES_ZH = {
    "bbcode_tex": ("luntan.example", "奥数论坛"),
    "bbcode_math": ("gaozhong.example", "高中数学社区"),
    "mathml_presentation": ("baike.example", "数学百科"),
    "mathjax3": ("daoshu.example", "导数专题"),
    "katex": ("jishu.example", "计数原理"),
    "wordpress_latex": ("boke.example", "一个数学爱好者的博客"),
    "mathml_annotation_xtex": ("xiandai.example", "线性代数课堂"),
}


def lecture_notes() -> Iterator[Page]:
    """The long texts, in turn on two sites for each language."""
    for sites, notes in ((NOTES_SITES, notes_en.NOTES), (NOTES_SITES_ZH, notes_zh.NOTES)):
        related = tuple(source.strip().split("\n")[0][2:] for source in notes.values())
        for i, (slug, source) in enumerate(notes.items()):
            yield article(sites[i % 2], slug, source, "lecture_notes", related=related[:4])


def encodings() -> Iterator[Page]:
    """One page for each encoding, and pages on which dollars, code and tables stand beside formulas."""
    for lang, places, articles in (("en", _PLACES, articles_en.ARTICLES), ("zh", _PLACES_ZH, articles_zh.ARTICLES)):
        navigation = _NAV if lang == "en" else _NAV_ZH
        for encoding, (slug, source) in articles.items():
            host, name = places[encoding]
            chrome = _CHROME.get(encoding, "portal" if len(host) % 2 else "course")
            skin = "latexml" if encoding == "latexml" else "plain"
            yield article(Site(host, name, lang, chrome, navigation, skin, encoding), slug, source, "encodings")
    odd = {
        "pizza": (articles_en.MONEY, "tex_paren"),
        "congruence-script": (articles_en.CODE_DOLLARS, "tex_paren"),
        "table-of-derivatives": (articles_en.TABLE, "mathml_presentation"),
        "aligned": (articles_en.ENVIRONMENTS, "tex_dollar"),
    }
    for slug, (source, encoding) in odd.items():
        site = Site(
            "oddities.example", "Oddities", "en", "blog", _NAV, "plain", encoding, "Formulas in unusual company"
        )
        yield article(site, slug, source, "encodings")


def article(site: Site, slug: str, source: str, family: str, related: tuple[str, ...] = ()) -> Page:
    """A page on a site from the markup of its text."""
    blocks = label_boxes(parse_blocks(source), site.lang)
    return Page(site.url(slug), family, site.lang, blocks, encoding=site.encoding, home=site, related=related)
