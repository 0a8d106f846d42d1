"""What class, id and other attributes say about an element: chrome of the site, main content, or a part of a problem.

The conventions are those of PreTeXt, OpenStax, LaTeXML, Sphinx, WordPress plug-ins, StackExchange, schema.org and the
usual forum software. A decision depends on the attributes alone and is cached, since the pages of a site share them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache


def _named(words: str, boundary: str = r"\s") -> re.Pattern[str]:
    """A pattern for any of some classes or ids, which are regular expressions themselves."""
    return re.compile(rf"(?:^|{boundary})(?:{'|'.join(words.split())})(?=$|{boundary})", re.IGNORECASE)


_CHROME_ID = _named(
    r"""
    nav navbar navigation navigations topnav subnav navbox navlinks nav-?links menu menubar submenu sidebar
    breadcrumbs? footer site-?footer page-?footer colophon cookies? gdpr consent
    cookie-?(?:banner|notice|consent|bar) share sharing sharedaddy share-?buttons? social
    social-?(?:links|media|icons|share) addthis jp-relatedposts relatedposts
    related-?(?:posts|articles|links|questions) adverts? advertisement adsbygoogle ads
    ad-?(?:slot|container|banner|unit) promo newsletter subscribe popup modal pagination pager
    skip-?(?:link|nav|to-content) search-?(?:box|form|bar) searchbox login sign-?in masthead site-?header
    page-?header-nav top-?bar toolbar widget(?:-area)? widget_\w+ printfooter catlinks mw-editsection mw-jump-link
    mw-indicators noprint sphinxsidebar(?:wrapper)? wy-nav-side wy-breadcrumbs rst-versions rst-footer-buttons
    bd-sidebar\S* md-sidebar md-nav md-header md-footer md-tabs md-search md-skip md-source md-announce md-banner
    md-top git-revision\S* contributors committers math-cache md-content__button toc toctree-l\d
    table-?of-?contents localtoc nav-chapters nav-wide-wrapper headerlink anchor-?link
    edit-?(?:page|link|this-page) copyright site-?info byline-share ltx_page_(?:header|footer|navbar)
    ltx_role_footnote-backref ltx_TOC arxiv-?header package-alerts s-topbar left-sidebar js-vote-count votecell
    js-voting-container post-menu js-post-menu user-info post-signature comments-link js-add-link bottom-notice
    postprofile post-?profile profile-rank post-buttons action-bar pls authi pstatus sr-only viewcode-(?:link|back)
    accesshide like-(?:button|count) vote-?count visually-?hidden
    screen-reader-text screen-reader-only MathJax_Message MathJax_Font_Test copybtn line-?numbers?
    linenos linenodiv lineno gutter heading-button ptx-(?:navbar|sidebar|masthead|page-footer|toc) permalink
    autopermalink disqus(?:_thread)? giscus rating recommend(?:ed|ations?)?(?:-box|-list|-item)?
    (?:message|post|user)-?signature signature p-description message-(?:user|attribution|footer|actionBar)
    userinfo(?:_extra)? usertitle user-?details postdate poster keyinfo quickbuttons d_author p_author core_reply
    AuthorInfo crawler-(?:post-meta|linkback-list) topic-category cmty-post-(?:left|date|toolbar)
    comment-(?:user\S*|date|score|meta|metadata|author|respond|reply|form|actions) commentform respond reply-link
    entry-(?:meta|footer) post-?(?:meta|tags|taglist|date|info|author|nav|navigation|footer|share|likes)
    article-(?:meta|info-box|tags|footer) byline posted-on cat-links tags-links tagline flat-list midcol
    onetrust\S* CybotCookiebot\S* qc-cmp\S* didomi\S* cky-\S* cmplz\S* cc-(?:window|banner) cookie\S* osano\S*
    fc-consent\S* truste\S* iubenda\S*
    """,
    r"[\s_-]",
)
_NOT_CHROME = _named(
    r"""
    (?:no|has|with|without|content|main|left|right|both|is|page)-?sidebars?\S*
    \S*sidebar-(?:left|right|none|collapsed|visible|hidden|open) \S*-(?:with|no|has)-\S* has-\S* with-\S*
    toctree-wrapper toc-(?:page|content) ltx_page_main ltx_pagination (?:js-)?\S*-?menu-open
    nav-(?:open|closed)\S* theme-\S* post-\d+ page-\S*-default \S*-template\S*
    """
)
_MAIN_ID = _named(
    r"""
    main content main-?content page-?content article-?(?:body|content|text) entry-?content
    post-?(?:body|content|entry) mw-content-text bodyContent bodycontent ltx_page_(?:content|main) ltx_document
    markdown-body md-content(?:__inner)? ptx-(?:main|content) documentwrapper mainbar rst-content story-?body
    blog-?post js-article theme-doc-markdown maincontent articleBody postlist pagebody page-body ct
    """
)
_COLLAPSED = _named(
    r"""
    collapseomatic_content su-spoiler-content collapse collapsible\S* spoiler\S* hidden-?content toggle-?content
    accordion\S* cmty-hide-content sp-body togglecontent hide\S* hidden\S* knowl-content dropdown fold-content
    answer-content jetpack-spoiler wpProQuiz_response
    """,
    r"[\s_-]",
)
_ROLE_WORDS: tuple[tuple[str, str], ...] = (
    ("solution", r"solutions?|sol|soln|worked-?solution|solution-like|ltx_theorem_(?:solution|sol)|jiexi|jieda|"
     r"wpProQuiz_correct|"
     r"解答|解析|answer-?explanation"),
    ("answer", r"answers?|answer-like|ltx_theorem_answer|correct-?answer|daan|答案|final-?answer"),
    ("hint", r"hints?|hint-like|ltx_theorem_hint|tishi|提示"),
    ("proof", r"proofs?|proof-like|ltx_proof|ltx_theorem_proof|证明"),
    ("exercise", r"exercises?|exercise-like|exercise-?wrapper|problems?|project-like|activity-like|"
     r"exploration-like|checkpoint|divisionexercise|inlineexercise|ltx_theorem_(?:exercise|problem|ex|prob)|exer|"
     r"习题|练习|puzzle|wpProQuiz_listItem|challenge-?problem|try-?it"),
    ("example", r"examples?|example-like|ltx_theorem_(?:example|exam|exa)|worked-?example|例题|os-?example"),
    ("statement", r"statement|problem-?statement|exercise-?statement|question-?(?:stem|text|statement|body)|stem|"
     r"problem-?text|qtext|timu|题干"),
)  # fmt: skip
_ROLES = tuple(
    (role, re.compile(rf"(?:^|\s)(?:admonition-|is-|environment-|env-|box-|callout-)?(?:{words})(?=$|\s)", re.I))
    for role, words in _ROLE_WORDS
)
_THEOREM = _named(
    "theorem lemma definition corollary proposition remark axiom conjecture algorithm criterion property observation "
    "assumption notation"
)
_NOT_EXERCISE = re.compile(r"(?:^|\s)\S*(?:exercises|problems|examples|solutions|answers|hints|proofs)(?=$|\s)", re.I)
_DATA_TYPES = {
    "exercise": "exercise", "injected-exercise": "exercise", "problem": "statement", "question-stem": "statement",
    "exercise-question": "statement", "solution": "solution", "question-solution": "solution", "answer": "answer",
    "example": "example", "proof": "proof", "hint": "hint", "commentary": "hint",
}  # fmt: skip
_LABEL = re.compile(
    r"\W*(?:(?:click|show|view|see|reveal|open|toggle|hide|check|display|(?:点击|展开|查看|显示|隐藏|参考|本题)+)\W*"
    r"(?:to\s+)?(?:(?:show|see|view|reveal)\s+)?(?:the\s+|full\s+|a\s+)*)?"
    r"(?P<word>(?:solutions?|worked solutions?|answers?|hints?|proofs?|answer key|soluti[oó]n|lösung|réponse|"
    r"解|证明|分析)\b|解答|解析|详解|答案|提示)",
    re.IGNORECASE,
)
_LABEL_ROLES = {
    "answer": "answer", "répons": "answer", "答案": "answer", "hint": "hint", "提示": "hint", "proof": "proof",
    "证明": "proof",
}  # fmt: skip
_QUESTION_SITES = {
    "QuestionHeader": "question", "AnswerItem": "reply", "wgt-ask": "question", "wgt-best": "accepted_reply",
    "wgt-answers": "reply",
}  # fmt: skip
_POST_ID = re.compile(r"(?:post|post_message|postmessage|msg|pid|reply)[_-]?\d{2,}\Z")
_COMMENTS = _named("comments js-comments-container comments-list comment-list commentlist comments-area post-comments")
_BODY = _named(
    r"""
    s-prose js-post-body t_f t_msgfont postcontent message-body bbWrapper messageText d_post_content answer-text
    best-text RichText ztext cmty-post-html usertext-body comment-copy comment-content comment-text comment__text
    cooked post-?(?:text|message)
    """
)
_BODY_ID = re.compile(r"(?:msg|post_?message|post_content|answer-content)[_-]\d+\Z")
_NO_POST = re.compile(r"(?:^|\s)(?:hentry|type-(?:post|page)|post-\d+|status-publish)(?=$|\s)")
_POST_CLASS = re.compile(
    r"(?:^|\s)(?:topic-post|crawler-post|topic-body|message--post|cmty-post|postbit|postbitlegacy|forum-?post|postcontainer)(?=$|\s)"
)


@dataclass(frozen=True, slots=True)
class Nature:
    """What an element's attributes say.

    role: one of BLOCK_ROLES, "post" (question or reply by its place), or None.
    collapsed: whether it is shown only when a label in front of it is clicked. hidden: whether it is not shown at all.
    comments: whether it holds the comments on a post, which stand in its element and are no part of it.
    body: whether it holds what the author of a post or a comment wrote, and nothing about the author.
    """

    chrome: bool = False
    main: bool = False
    role: str | None = None
    collapsed: bool = False
    comments: bool = False
    body: bool = False
    hidden: bool = False


PLAIN = Nature()
CHROME = Nature(chrome=True)
_DIGITS = bytes.maketrans(b"123456789", b"0" * 9)  # of bytes, which takes a third of the time that characters take
_LONGEST_ID, _LONGEST_CLASS = 32, 2000
_TELLING = frozenset(("role", "data-type", "data-element-type", "itemtype", "itemprop"))  # beside class and id


def nature(tag: str, attributes: Mapping[str, str | None]) -> Nature:
    """Read the attributes of an element."""
    if not attributes:
        return PLAIN
    get = attributes.get
    class_ = get("class") or ""
    if len(class_) > _LONGEST_CLASS:
        class_ = ""
    id_ = get("id") or ""
    if id_:  # the numbers in an id say nothing, and a long one is made by a machine
        id_ = id_.encode("utf-8", "replace").translate(_DIGITS).decode() if len(id_) <= _LONGEST_ID else ""
    if _TELLING.isdisjoint(attributes):
        return _nature(tag, class_, id_) if class_ or id_ else PLAIN
    return _nature(
        tag,
        class_,
        id_,
        get("role") or "",
        get("data-type") or get("data-element-type") or "",
        get("itemtype") or "",
        get("itemprop") or "",
    )


@lru_cache(maxsize=1 << 16)
def _nature(
    tag: str, class_: str, id_: str, role: str = "", data_type: str = "", itemtype: str = "", itemprop: str = ""
) -> Nature:
    if role in (
        "navigation",
        "search",
        "contentinfo",
        "menu",
        "menubar",
        "toolbar",
        "tablist",
        "alertdialog",
        "dialog",
    ):
        return CHROME
    post = _post_role(class_, id_, itemtype, itemprop)
    if post is not None:
        return Nature(role=post)
    block_role = _DATA_TYPES.get(data_type) or (_block_role(class_, id_) if class_ or id_ else None)
    main = role == "main" or itemprop == "articleBody" or bool(_MAIN_ID.search(class_) or _MAIN_ID.search(id_))
    names = f"{class_} {id_}"
    chrome = not main and not block_role and tag not in ("main", "article", "body", "html") and is_chrome(names)
    found = Nature(
        chrome=chrome,
        main=main,
        role=block_role,
        collapsed=_COLLAPSED.search(class_) is not None,
        comments=_COMMENTS.search(class_) is not None or id_ == "comments",
        body=itemprop == "text" or _BODY.search(class_) is not None or _BODY_ID.match(id_) is not None,
    )
    return PLAIN if found == PLAIN else found  # told by identity, where all of a page's elements are looked at


def is_chrome(names: str) -> bool:
    """Whether classes and ids name a menu, a banner, a footer or the like."""
    return _CHROME_ID.search(_NOT_CHROME.sub(" ", names)) is not None


def _post_role(class_: str, id_: str, itemtype: str, itemprop: str) -> str | None:
    """The role of a question or an answer in Q&A and forum markup."""
    classes = class_.split()
    if itemprop in ("acceptedAnswer", "suggestedAnswer") or itemtype.endswith("schema.org/Answer"):
        return "accepted_reply" if itemprop == "acceptedAnswer" or "accepted-answer" in classes else "reply"
    if itemtype.endswith(("schema.org/Question",)):
        return "question"
    if "answer" in classes and (id_.startswith("answer-") or "js-answer" in classes):
        return "accepted_reply" if "accepted-answer" in classes else "reply"
    if "question" in classes and (id_.startswith("question") or "js-question" in classes):
        return "question"
    for name, role in _QUESTION_SITES.items():
        if name in classes:
            return role
    numbered = _POST_ID.match(id_) or (re.match(r"p\d+\Z", id_) and "post" in classes)
    if (numbered or _POST_CLASS.search(class_)) and not _NO_POST.search(class_):
        return "post"
    return None


def _block_role(class_: str, id_: str) -> str | None:
    theorem = _THEOREM.search(class_) is not None
    for role, pattern in _ROLES:
        match = pattern.search(class_)
        if match is not None and not (theorem and role == "proof") and not _NOT_EXERCISE.match(match[0]):
            return role
    head = re.match(r"(solution|answer|hint|proof|exercise|example|problem)[-_:.]?\d+[\w.-]*\Z", id_, re.I)
    if head is not None and not class_:
        return {"problem": "exercise"}.get(head[1].lower(), head[1].lower())
    return None


def label_role(label: str) -> str | None:
    """The role that a short label gives to what it opens: "Solution", "Show answer", "答案", "提示"."""
    if len(label) > 60:
        return None
    match = _LABEL.match(label)
    if match is None:
        return None
    word = match["word"].lower()
    return next((role for start, role in _LABEL_ROLES.items() if word.startswith(start)), "solution")
