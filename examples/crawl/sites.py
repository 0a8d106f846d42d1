# ruff: noqa: E501 (running text and HTML are not broken)
"""The sites of the crawl: each has its host, language, markup and the boilerplate that surrounds its pages.

Boilerplate (navigation, cookie notice, side bar, related links, footer) is what an extractor must leave out, so it
differs from site to site, and links and counters differ from page to page.
"""

from collections.abc import Callable
from dataclasses import dataclass
from html import escape

from .encodings import ENCODINGS
from .html import main_html
from .page import Page


@dataclass(frozen=True)
class Site:
    """chrome: one of `CHROMES`. sections: the words of the navigation."""

    host: str
    name: str
    lang: str
    chrome: str
    sections: tuple[str, ...]
    skin: str = "plain"
    encoding: str | None = None
    tagline: str = ""

    @property
    def html_lang(self) -> str:
        """The language as the `lang` attribute has it."""
        return "zh-CN" if self.lang == "zh" else self.lang

    def url(self, path: str) -> str:
        """An address on this site."""
        return f"https://{self.host}/{path}"


def render(page: Page) -> str:
    """The page's whole HTML, as given or in its site's boilerplate."""
    if page.html:
        return page.html
    site = page.home
    if site is None:
        raise ValueError(f"{page.url} has neither HTML nor a site")
    heads = [block for block in page.blocks if block.kind == "h1"]
    title = "".join(map(str, heads[0].lines[0])).replace("$", "") if heads else site.name
    head = ENCODINGS[page.encoding].head if page.encoding else ""
    return CHROMES[site.chrome](site, page, escape(title, quote=False), head, main_html(page, site.skin))


def _links(words: tuple[str, ...], join: str, attributes: str = "") -> str:
    return join.join(f'<a href="/{i}/"{attributes}>{escape(word)}</a>' for i, word in enumerate(words, start=1))


def _items(words: tuple[str, ...], attributes: str = "") -> str:
    return "".join(f'<li{attributes}><a href="/{i}/">{escape(word)}</a></li>' for i, word in enumerate(words, start=1))


def _course(site: Site, page: Page, title: str, head: str, main: str) -> str:
    aside = "On this site" if site.lang == "en" else "本站导航"
    return f"""<!DOCTYPE html>
<html lang="{site.html_lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} | {site.name}</title>
<link rel="stylesheet" href="/css/bootstrap.min.css">
<style>body {{ padding-top: 4rem; }} .theorem {{ border-left: 3px solid #446; }}</style>
{head}
</head>
<body>
<nav class="navbar navbar-expand-lg fixed-top"><a class="navbar-brand" href="/">{site.name}</a>
<ul class="navbar-nav">{_items(site.sections, ' class="nav-item"')}</ul></nav>
<div class="container"><div class="row">
<aside class="col-md-3 sidebar" role="complementary"><h5>{aside}</h5><ul>{_items(page.related)}</ul></aside>
<main class="col-md-9" role="main">
{main}
</main>
</div></div>
<footer class="footer"><p>© {site.name}. {site.tagline}</p><p>{_links(site.sections[:3], " · ")}</p></footer>
<script src="/js/bootstrap.bundle.min.js"></script>
</body>
</html>
"""


def _book(site: Site, page: Page, title: str, head: str, main: str) -> str:
    words = ("Prev", "Up", "Next") if site.lang == "en" else ("上一节", "目录", "下一节")
    return f"""<!DOCTYPE html>
<html lang="{site.html_lang}">
<head>
<meta charset="utf-8"/>
<title>{title}</title>
<link href="/_static/book.css" rel="stylesheet" type="text/css"/>
{head}
</head>
<body class="book has-toc">
<header id="masthead"><div class="banner"><a href="/" class="title">{site.name}</a> <span class="byline">{site.tagline}</span></div>
<nav class="primary-navbar">{_links(words, " ", ' class="toolbar-item"')}</nav></header>
<div class="page">
<nav id="toc" class="sidebar"><ul class="structural">{_items(site.sections, ' class="toc-item"')}</ul></nav>
<div class="main"><div id="content" class="content"><section class="section">
{main}
</section></div></div>
</div>
<footer class="bottom-nav">{_links(words, " ", ' class="button"')}</footer>
</body>
</html>
"""


def _blog(site: Site, page: Page, title: str, head: str, main: str) -> str:
    related = "".join(
        f'<li><a href="{site.url(f"?p={100 + i}")}">{escape(r)}</a></li>' for i, r in enumerate(page.related)
    )
    if site.lang == "en":
        words = (
            "Skip to content",
            "Posted on",
            "Leave a comment",
            "Share this:",
            "Recent Posts",
            "Proudly powered by WordPress",
        )
        cookie = (
            "Privacy &amp; Cookies: This site uses cookies. By continuing to use this website, you agree to their use."
        )
    else:
        words = ("跳至内容", "发布于", "发表评论", "分享到：", "近期文章", "自豪地采用 WordPress")
        cookie = "本站使用 Cookie 以改善您的浏览体验，继续访问即表示您同意我们的隐私政策。"
    return f"""<!DOCTYPE html>
<html lang="{site.html_lang}">
<head>
<meta charset="UTF-8" />
<title>{title} &#8211; {site.name}</title>
<link rel="stylesheet" href="/wp-content/themes/twentysixteen/style.css" />
<link rel="alternate" type="application/rss+xml" href="/feed/" />
{head}
</head>
<body class="post-template-default single single-post">
<div id="page" class="site"><a class="skip-link screen-reader-text" href="#content">{words[0]}</a>
<header id="masthead" class="site-header"><p class="site-title"><a href="/">{site.name}</a></p><p class="site-description">{site.tagline}</p>
<nav id="site-navigation" class="main-navigation"><ul class="menu">{_items(site.sections, ' class="menu-item"')}</ul></nav></header>
<div id="content" class="site-content"><article id="post-{len(page.url) * 31}" class="post hentry">
<div class="entry-meta">{words[1]} <time class="entry-date" datetime="2026-03-04">2026-03-04</time></div>
<div class="entry-content">
{main}
<div class="sharedaddy"><h3 class="sd-title">{words[3]}</h3><ul><li><a href="#">Twitter</a></li><li><a href="#">Facebook</a></li></ul></div>
</div></article>
<div id="respond" class="comment-respond"><h3>{words[2]}</h3><form action="/wp-comments-post.php" method="post"><textarea name="comment"></textarea></form></div></div>
<aside id="secondary" class="sidebar widget-area"><section class="widget"><h2 class="widget-title">{words[4]}</h2><ul>{related}</ul></section></aside>
<footer id="colophon" class="site-footer"><a href="https://wp.example/">{words[5]}</a></footer></div>
<div class="widget_eu_cookie_law_widget cookie-banner">{cookie}</div>
</body>
</html>
"""


def _old(site: Site, page: Page, title: str, head: str, main: str) -> str:
    return f"""<HTML>
<HEAD>
<META HTTP-EQUIV="Content-Type" CONTENT="text/html; charset=utf-8">
<TITLE>{title}</TITLE>
{head}
</HEAD>
<BODY BGCOLOR="#FFFFFF" TEXT="#000000">
<TABLE WIDTH="100%" BORDER=0 CELLPADDING=4><TR BGCOLOR="#DDDDEE"><TD><FONT SIZE=+2>{site.name}</FONT></TD><TD ALIGN=RIGHT>{_links(site.sections, " | ")}</TD></TR></TABLE>
<DIV id="content">
{main}
</DIV>
<HR>
<ADDRESS><A HREF="/">{site.name}</A> - {site.tagline}</ADDRESS>
</BODY>
</HTML>
"""


def _portal(site: Site, page: Page, title: str, head: str, main: str) -> str:
    related = "".join(f'<li class="card"><a href="/item/{i}">{escape(r)}</a></li>' for i, r in enumerate(page.related))
    if site.lang == "en":
        words = (
            "We value your privacy",
            "Accept all",
            "Sign in",
            "Subscribe",
            "You may also like",
            "Terms of use",
            "Privacy",
        )
    else:
        words = ("我们重视您的隐私", "全部接受", "登录", "注册", "相关推荐", "使用条款", "联系我们")
    return f"""<!doctype html>
<html lang="{site.html_lang}">
<head>
<meta charset="utf-8"><title>{title} - {site.name}</title>
<meta name="description" content="{title}">
<script>window.dataLayer = window.dataLayer || []; function gtag(){{dataLayer.push(arguments);}} gtag('js', new Date());</script>
<link rel="stylesheet" href="/assets/app.4f1c.css">
{head}
</head>
<body>
<div id="cookie-consent" class="cookie-banner" role="dialog"><p>{words[0]}</p><button>{words[1]}</button></div>
<header class="site-header"><a class="logo" href="/">{site.name}</a><nav>{_links(site.sections, "")}</nav><div class="user"><a href="/login">{words[2]}</a> <a href="/join">{words[3]}</a></div></header>
<div class="breadcrumb"><a href="/">{site.name}</a> &gt; <a href="/1/">{site.sections[0]}</a> &gt; {title}</div>
<article class="article-body">
{main}
</article>
<section class="related"><h2>{words[4]}</h2><ul>{related}</ul></section>
<footer><p>{site.tagline}</p><a href="/terms">{words[5]}</a> <a href="/privacy">{words[6]}</a></footer>
<script>document.querySelectorAll('a').forEach(function (a) {{ a.rel = 'noopener'; }});</script>
</body>
</html>
"""


def _wiki(site: Site, page: Page, title: str, head: str, main: str) -> str:
    return f"""<!DOCTYPE html>
<html class="client-nojs" lang="{site.html_lang}" dir="ltr">
<head>
<meta charset="UTF-8"/>
<title>{title} - {site.name}</title>
{head}
</head>
<body class="mediawiki ltr sitedir-ltr ns-0 ns-subject skin-vector action-view">
<div id="mw-page-base" class="noprint"></div>
<div id="content" class="mw-body" role="main"><div id="siteSub" class="noprint">{site.tagline}</div>
<div id="bodyContent" class="vector-body"><div id="mw-content-text" class="mw-body-content mw-content-{site.lang}"><div class="mw-parser-output">
{main}
</div></div>
<div class="printfooter">Retrieved from "<a dir="ltr" href="{page.url}">{page.url}</a>"</div></div></div>
<div id="mw-navigation"><div id="mw-panel"><nav class="vector-menu portal"><ul class="vector-menu-content-list">{_items(site.sections)}</ul></nav></div></div>
<footer id="footer" class="mw-footer"><ul id="footer-info"><li>{site.tagline}</li></ul></footer>
</body>
</html>
"""


def _article(site: Site, page: Page, title: str, head: str, main: str) -> str:
    return f"""<!DOCTYPE html><html lang="{site.html_lang}">
<head>
<meta http-equiv="content-type" content="text/html; charset=UTF-8">
<title>{title}</title>
<link rel="stylesheet" href="/assets/ar5iv.0.7.9.min.css">
{head}
</head>
<body>
<div class="ltx_page_main"><div class="ltx_page_content"><article class="ltx_document ltx_authors_1line">
{main}
</article></div>
<footer class="ltx_page_footer"><div class="ltx_page_logo">Generated by <a href="/latexml" class="ltx_LaTeXML_logo">LaTeXML</a></div>{_links(site.sections, " ")}</footer>
</div></body></html>
"""


CHROMES: dict[str, Callable[[Site, Page, str, str, str], str]] = {
    "course": _course,
    "book": _book,
    "blog": _blog,
    "old": _old,
    "portal": _portal,
    "wiki": _wiki,
    "article": _article,
}
