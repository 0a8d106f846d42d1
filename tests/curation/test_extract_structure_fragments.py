# ruff: noqa: E501 (pages are written on one line)
"""Lists, tables and code: small fragments and their literal text."""

import pytest

from mathmill.curation.extract import extract_html

FRAGMENTS = {
    "nested numbered": ('<ol><li>a<ol type="a"><li>x<li>y</ol><li>b</ol>', "1. a\n  a. x\n  b. y\n2. b"),
    "reversed": ("<ol reversed><li>a<li>b<li>c</ol>", "3. a\n2. b\n1. c"),
    "value": ('<ol><li value="5">a<li>b</ol>', "5. a\n6. b"),
    "roman": ('<ol type="i"><li>a<li>b<li>c<li>d</ol>', "i. a\nii. b\niii. c\niv. d"),
    "upper alpha": ('<ol type="A" start="2"><li>a<li>b</ol>', "B. a\nC. b"),
    "task list": (
        '<ul><li><input type="checkbox" checked disabled> done $x$</li><li><input type="checkbox" disabled> open</li></ul>',
        "- [x] done $x$\n- [ ] open",
    ),
    "dl": (
        "<dl><dt>Group</dt><dd>A set with $\\cdot$.</dd><dt>Ring</dt><dd>Two laws.</dd></dl>",
        "Group\n\nA set with $\\cdot$.\n\nRing\n\nTwo laws.",
    ),
    "item with paragraphs": (
        "<ol><li><p>First.</p><p>More $x$.</p></li><li><p>Second.</p></li></ol>",
        "1. First.\n\nMore $x$.\n\n2. Second.",
    ),
    "empty li": ("<ul><li></li><li>a</li></ul>", "- a"),
    "colspan": (
        '<table><tr><th colspan="2">Name</th><th>n</th></tr><tr><td>a</td><td>b</td><td>1</td></tr></table>',
        "| Name |  | n |\n| a | b | 1 |",
    ),
    "rowspan": ('<table><tr><td rowspan="2">A</td><td>1</td></tr><tr><td>2</td></tr></table>', "| A | 1 |\n|  | 2 |"),
    "caption": (
        "<table><caption>Values of $f$</caption><thead><tr><th>x</th><th>f</th></tr></thead><tbody><tr><td>1</td><td>2</td></tr></tbody></table>",
        "Values of $f$\n\n| x | f |\n| 1 | 2 |",
    ),
    "cell lists": (
        "<table><tr><th>Set</th><th>Laws</th></tr><tr><td>G</td><td><ul><li>a</li><li>b</li></ul></td></tr><tr><td>R</td><td><p>c</p></td></tr></table>",
        "| Set | Laws |\n| G | a b |\n| R | c |",
    ),
    "nested table": (
        "<table><tr><td>outer</td><td><table><tr><td>1</td><td>2</td></tr></table></td></tr></table>",
        "outer\n\n| 1 | 2 |",
    ),
    "pipe in cell": (
        "<table><tr><td>a|b</td><td>$|x|$</td></tr><tr><td>c</td><td>d</td></tr></table>",
        "| a|b | $|x|$ |\n| c | d |",
    ),
    "br in pre": ("<pre>a = 1<br>  b = 2<br/>c</pre>", "```\na = 1\n  b = 2\nc\n```"),
    "div lines": (
        '<pre><div class="line">a = 1</div><div class="line">  b = 2</div></pre>',
        "```\na = 1\n  b = 2\n```",
    ),
    "gutter table": (
        '<table class="highlighttable"><tr><td class="linenos"><div class="linenodiv"><pre>1\n2</pre></div></td><td class="code"><div class="highlight"><pre>a = 1\n    b = 2</pre></div></td></tr></table>',
        "```\na = 1\n    b = 2\n```",
    ),
    "rouge": (
        '<div class="highlight"><table class="rouge-table"><tbody><tr><td class="rouge-gutter gl"><pre class="lineno">1\n2\n</pre></td><td class="rouge-code"><pre>x = 1\n  y = 2\n</pre></td></tr></tbody></table></div>',
        "```\nx = 1\n  y = 2\n```",
    ),
    "gist": (
        '<table class="highlight tab-size js-file-line-container"><tr><td id="L1" class="blob-num js-line-number" data-line-number="1"></td><td id="LC1" class="blob-code blob-code-inner js-file-line">def f(x):</td></tr><tr><td class="blob-num js-line-number" data-line-number="2"></td><td class="blob-code blob-code-inner js-file-line">    return $x$</td></tr></table>',
        "```\ndef f(x):\n    return $x$\n```",
    ),
    "syntaxhighlighter": (
        '<div class="syntaxhighlighter"><table><tr><td class="gutter"><div class="line number1">1</div><div class="line number2">2</div></td><td class="code"><div class="container"><div class="line number1"><code class="js plain">a = 1;</code></div><div class="line number2"><code class="js spaces">&nbsp;&nbsp;</code><code class="js plain">b = 2;</code></div></div></td></tr></table></div>',
        "```\na = 1;\n  b = 2;\n```",
    ),
    "hljs ol": (
        '<pre><code><ol class="hljs-ln"><li><div class="hljs-ln-numbers"></div><div class="hljs-ln-code">a = 1</div></li><li><div class="hljs-ln-code">  b = 2</div></li></ol></code></pre>',
        "```\na = 1\n  b = 2\n```",
    ),
    "hljs ln table": (
        '<pre><code class="hljs"><table class="hljs-ln"><tr><td class="hljs-ln-numbers" data-line-number="1"></td><td class="hljs-ln-code">a = 1</td></tr><tr><td class="hljs-ln-numbers"></td><td class="hljs-ln-code">  b = 2</td></tr></table></code></pre>',
        "```\na = 1\n  b = 2\n```",
    ),
    "tabs": ("<pre>if x:\n\treturn 1</pre>", "```\nif x:\n    return 1\n```"),
    "code in list": ("<ol><li>Run<pre>a\n b</pre></li><li>Done</li></ol>", "1. Run\n\n```\na\n b\n```\n\n2. Done"),
    "csdn code": (
        '<pre class="has-numbering"><code class="language-python hljs">a = 1\nb = 2<div class="hljs-button" data-title="复制"></div></code><ul class="pre-numbering"><li>1</li><li>2</li></ul></pre>',
        "```\na = 1\nb = 2\n```",
    ),
    "dl exercise": (
        "<dl><dt>1.</dt><dd>Find $x$.</dd><dt>2.</dt><dd>Find $y$.</dd></dl>",
        "1.\n\nFind $x$.\n\n2.\n\nFind $y$.",
    ),
    "nested lists mixed": (
        '<ol><li>a<ul><li>b<ol type="i"><li>c</li></ol></li></ul></li><li>d</li></ol>',
        "1. a\n  - b\n    i. c\n2. d",
    ),
    "blockquote": ("<blockquote><p>To be.</p></blockquote><p>$x$</p>", "To be.\n\n$x$"),
    "figure caption": (
        "<figure><img src=a><figcaption>Figure 1: the graph of $f$.</figcaption></figure><p>text</p>",
        "Figure 1: the graph of $f$.\n\ntext",
    ),
    "table rowspan header": (
        '<table><tr><th rowspan="2">n</th><th colspan="2">f</th></tr><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>$2$</td><td>$3$</td></tr></table>',
        "| n | f |  |\n|  | a | b |\n| 1 | $2$ | $3$ |",
    ),
    "table section row": (
        '<table><tr><th>a</th><th>b</th></tr><tr><td colspan="2">Part I</td></tr><tr><td>1</td><td>2</td></tr></table>',
        "| a | b |\n| Part I |\n| 1 | 2 |",
    ),
    "table empty cells": (
        "<table><tr><td></td><td>x</td></tr><tr><td>y</td><td></td></tr></table>",
        "|  | x |\n| y |  |",
    ),
}


@pytest.mark.parametrize("name", FRAGMENTS)
def test_lists_tables_and_code_keep_their_structure(name: str) -> None:
    html, expected = FRAGMENTS[name]
    assert extract_html(f"<body>{html}</body>".encode()).text == expected
