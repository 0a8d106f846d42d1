# ruff: noqa: E501 (pages are written on one line)
"""Formulas as sites, generators and learning platforms mark them up: literal markup in, literal text out."""

import pytest

from mathmill.curation.extract import extract_html

MARKUP = {
    'jats alternatives': (
        '<p>We use <inline-formula id="IEq1"><alternatives><tex-math id="IEq1_TeX">\\documentclass[12pt]{minimal} \\usepackage{amsmath} \\begin{document}$$x^2$$\\end{document}</tex-math><mml:math id="IEq1_M"><mml:msup><mml:mi>x</mml:mi><mml:mn>2</mml:mn></mml:msup></mml:math><inline-graphic xlink:href="10_Article_IEq1.gif"/></alternatives></inline-formula> here.</p>',
        'We use $x^2$ here.',
    ),
    'jats plain pair': (
        '<p>We use <inline-formula><tex-math>$x^2$</tex-math><mml:math><mml:mi>x</mml:mi></mml:math></inline-formula> here.</p>',
        'We use $x^2$ here.',
    ),
    'jats mml first': (
        '<p>So <disp-formula id="E1"><label>(1)</label><mml:math display="block"><mml:mi>y</mml:mi><mml:mo>=</mml:mo><mml:mn>1</mml:mn></mml:math><tex-math>y = 1</tex-math></disp-formula> holds.</p>',
        'So\n$$y = 1$$\n(1) holds.',
    ),
    'jats disp': (
        '<disp-formula id="Equ1"><label>1</label><alternatives><tex-math id="Equ1_TeX">\\documentclass[12pt]{minimal}\n\\usepackage{amsmath}\n\\begin{document}$$\\begin{aligned} a = b \\end{aligned}$$\\end{document}</tex-math><mml:math display="block" id="Equ1_M"><mml:mi>a</mml:mi></mml:math></alternatives></disp-formula>',
        '$$\\begin{aligned} a = b \\end{aligned}$$\n1',
    ),
    'pmc html': (
        '<p>Let <span id="M1" class="inline-formula"><math xmlns="http://www.w3.org/1998/Math/MathML" id="mm1" overflow="scroll"><mrow><mi>p</mi><mo>&lt;</mo><mn>0.05</mn></mrow></math></span> be.</p>',
        'Let $p<0.05$ be.',
    ),
    'pmc disp': (
        '<div class="disp-formula p" id="M2"><table class="disp-formula p"><tr><td class="formula"><math display="block"><mi>E</mi><mo>=</mo><mi>m</mi></math></td><td class="label">(1)</td></tr></table></div>',
        '$$E=m$$\n(1)',
    ),
    'springer': (
        '<p>Here <span class="mathjax-tex">\\(x^2\\)</span> and </p><div id="Equ1" class="c-article-equation"><div class="c-article-equation__content"><span class="mathjax-tex">$$\\begin{aligned} a=b\\end{aligned}$$</span></div><div class="c-article-equation__number">(1)</div></div>',
        'Here $x^2$ and\n\n$$\\begin{aligned} a=b\\end{aligned}$$\n\n(1)',
    ),
    'content only': (
        '<math xmlns="http://www.w3.org/1998/Math/MathML"><apply><plus/><ci>x</ci><apply><divide/><cn>1</cn><ci>y</ci></apply></apply></math>',
        '$x+\\frac{1}{y}$',
    ),
    'content in semantics': (
        '<math xmlns="http://www.w3.org/1998/Math/MathML"><semantics><apply><eq/><ci>x</ci><cn>1</cn></apply><annotation encoding="StarMath 5.0">x = 1</annotation></semantics></math>',
        '$x=1$',
    ),
    'starmath ignored': (
        '<math xmlns="http://www.w3.org/1998/Math/MathML"><semantics><mrow><mi>x</mi><mo>=</mo><mn>1</mn></mrow><annotation encoding="StarMath 5.0">x = 1 over 2</annotation></semantics></math>',
        '$x=1$',
    ),
    'mathtype ignored': (
        '<math xmlns="http://www.w3.org/1998/Math/MathML"><semantics><mi>x</mi><annotation encoding="MathType-MTEF">MathType@MTEF@5@5@+=feaagKart1ev2aaatCvAUfeBSjuyZL2yd9gz</annotation></semantics></math>',
        '$x$',
    ),
    'latex enc': (
        '<math xmlns="http://www.w3.org/1998/Math/MathML"><semantics><mi>x</mi><annotation encoding="LaTeX">\\xi</annotation></semantics></math>',
        '$\\xi$',
    ),
    'x-llamapun': (
        '<math xmlns="http://www.w3.org/1998/Math/MathML"><semantics><mi>x</mi><annotation-xml encoding="MathML-Content"><ci>x</ci></annotation-xml><annotation encoding="application/x-tex">\\xi</annotation><annotation encoding="application/x-llamapun">xi</annotation></semantics></math>',
        '$\\xi$',
    ),
    'annotation in mstyle': (
        '<math xmlns="http://www.w3.org/1998/Math/MathML"><mstyle displaystyle="true"><semantics><mi>x</mi><annotation encoding="application/x-tex">\\xi_1</annotation></semantics></mstyle></math>',
        '$\\xi_1$',
    ),
    'annotation nested in mrow with others': (
        '<math xmlns="http://www.w3.org/1998/Math/MathML"><mrow><semantics><mi>x</mi><annotation encoding="application/x-tex">\\xi</annotation></semantics><mo>+</mo><mn>1</mn></mrow></math>',
        '$x+1$',
    ),
    'mathml display attr mode': (
        '<p>a <math mode="display"><mi>x</mi></math> b <math mode="inline"><mi>y</mi></math></p>',
        'a\n$$x$$\nb $y$',
    ),
    'alttext with dollars': (
        '<p>a <math alttext="$x^2$"><mi>x</mi></math> b</p>',
        'a $x^2$ b',
    ),
    'wiki old tex img': (
        '<p>Let <img class="tex" alt="a^2 + b^2 = c^2" src="//upload.wikimedia.org/math/4/9/a.png"> be.</p>',
        'Let $a^2 + b^2 = c^2$ be.',
    ),
    'wiki dl display': (
        '<p>So:</p><dl><dd><span class="mwe-math-element"><span class="mwe-math-mathml-inline mwe-math-mathml-a11y" style="display: none;"><math xmlns="http://www.w3.org/1998/Math/MathML"  alttext="{\\displaystyle E=mc^{2}}"><semantics><mrow class="MJX-TeXAtom-ORD"><mstyle displaystyle="true" scriptlevel="0"><mi>E</mi><mo>=</mo><mi>m</mi><msup><mi>c</mi><mrow class="MJX-TeXAtom-ORD"><mn>2</mn></mrow></msup></mstyle></mrow><annotation encoding="application/x-tex">{\\displaystyle E=mc^{2}}</annotation></semantics></math></span><img src="https://wikimedia.org/api/rest_v1/media/math/render/svg/9f" class="mwe-math-fallback-image-inline mw-invert" aria-hidden="true" style="vertical-align: -0.338ex; width:8.976ex; height:2.676ex;" alt="E=mc^{2}"/></span></dd></dl><p>Next.</p>',
        'So:\n\n$E=mc^{2}$\n\nNext.',
    ),
    'wiki block': (
        '<p>So </p><div class="mwe-math-element mwe-math-element-block"><div class="mwe-math-mathml-display mwe-math-mathml-a11y" style="display: none;"><math display="block" alttext="{\\displaystyle x}"><semantics><mi>x</mi><annotation encoding="application/x-tex">{\\displaystyle x}</annotation></semantics></math></div><img src="https://wikimedia.org/api/rest_v1/media/math/render/svg/9f" class="mwe-math-fallback-image-display mw-invert skin-invert" alt="{\\displaystyle x}"></div><p>b</p>',
        'So\n\n$$x$$\n\nb',
    ),
    'wiki inline span 2024': (
        '<p>a <span class="mwe-math-element mwe-math-element-inline"><span class="mwe-math-mathml-inline mwe-math-mathml-a11y" style="display: none;"><math alttext="{\\displaystyle x}"><semantics><mi>x</mi><annotation encoding="application/x-tex">{\\displaystyle x}</annotation></semantics></math></span><img src="https://wikimedia.org/api/rest_v1/media/math/render/svg/87" class="mwe-math-fallback-image-inline mw-invert skin-invert" alt="{\\displaystyle x}"></span>, b</p>',
        'a $x$, b',
    ),
    'wiki texhtml': (
        '<p>Let <span class="texhtml"><i>x</i><sup>2</sup> + <i>y</i><sub>1</sub></span> be <span class="texhtml mvar" style="font-style:italic;">n</span>.</p>',
        'Let x^{2} + y_{1} be n.',
    ),
    'wiki sfrac': (
        '<p>a <span class="sfrac">\u2060<span class="tion"><span class="num">1</span><span class="sr-only">/</span><span class="den">2</span></span>\u2060</span> b</p>',
        'a 1/2 b',
    ),
    'wiki native mathml no img': (
        '<p>a <span class="mwe-math-element"><math class="mwe-math-mathml-inline" alttext="{\\displaystyle x+1}"><mrow data-mjx-texclass="ORD"><mi>x</mi><mo>+</mo><mn>1</mn></mrow></math></span> b</p>',
        'a $x+1$ b',
    ),
    'wiki heading': (
        '<h2><span class="mw-headline" id="x">The number <span class="mwe-math-element"><img src="https://wikimedia.org/api/rest_v1/media/math/render/svg/e" class="mwe-math-fallback-image-inline" alt="e"></span></span><span class="mw-editsection"><span class="mw-editsection-bracket">[</span><a href="x">edit</a>]</span></h2><p>a</p>',
        '## The number $e$\n\na',
    ),
    'wiki caption': (
        '<figure><img src="g.png" alt="Graph"><figcaption>Graph of <math alttext="{\\displaystyle y=x}"><mi>y</mi></math></figcaption></figure>',
        'Graph of $y=x$',
    ),
    'wiki table': (
        '<table class="wikitable"><caption>Values of <math alttext="\\zeta"><mi>z</mi></math></caption><tr><th>n</th><th><math alttext="{\\displaystyle \\zeta(n)}"><mi>z</mi></math></th></tr><tr><td>2</td><td><math alttext="{\\displaystyle {\\frac {\\pi ^{2}}{6}}}"><mi>z</mi></math></td></tr></table>',
        'Values of $\\zeta$\n\n| n | $\\zeta(n)$ |\n| 2 | ${\\frac {\\pi ^{2}}{6}}$ |',
    ),
    'mj2 preview tex': (
        '<p>a <span class="MathJax_Preview">\\(x\\)</span><script type="math/tex">x</script> b</p>',
        'a $x$ b',
    ),
    'mj2 preview empty no id': (
        '<p>a <span class="MathJax_Preview" style="color: inherit;"></span><span class="MathJax" id="MathJax-Element-1-Frame" tabindex="0" data-mathml="&lt;math xmlns=&quot;http://www.w3.org/1998/Math/MathML&quot;&gt;&lt;mi&gt;x&lt;/mi&gt;&lt;/math&gt;" role="presentation" style="position: relative;"><nobr aria-hidden="true"><span class="math" id="MathJax-Span-1" style="width: 0.5em; display: inline-block;"><span class="mrow"><span class="mi">x</span></span></span></nobr><span class="MJX_Assistive_MathML" role="presentation"><math><mi>x</mi></math></span></span><script type="math/tex" id="MathJax-Element-1">x</script> b</p>',
        'a $x$ b',
    ),
    'mj2 chtml': (
        '<p>a <span class="MathJax_Preview" style="color: inherit; display: none;"></span><span id="MathJax-Element-2-Frame" class="mjx-chtml MathJax_CHTML" tabindex="0" data-mathml="&lt;math xmlns=&quot;http://www.w3.org/1998/Math/MathML&quot;&gt;&lt;mi&gt;x&lt;/mi&gt;&lt;/math&gt;" role="presentation" style="font-size: 113%;"><span id="MJXc-Node-1" class="mjx-math" aria-hidden="true"><span class="mjx-mrow"><span class="mjx-mi"><span class="mjx-char MJXc-TeX-math-I">x</span></span></span></span><span class="MJX_Assistive_MathML"><math><mi>x</mi></math></span></span><script type="math/tex" id="MathJax-Element-2">x</script>.</p>',
        'a $x$.',
    ),
    'mj2 chtml display': (
        '<div>So <span class="MathJax_Preview"></span><span class="mjx-chtml MJXc-display" style="text-align: center;"><span class="mjx-chtml MathJax_CHTML" data-mathml="&lt;math xmlns=&quot;http://www.w3.org/1998/Math/MathML&quot;&gt;&lt;mi&gt;x&lt;/mi&gt;&lt;/math&gt;"><span class="mjx-math"><span class="mjx-char">x</span></span></span></span><script type="math/tex; mode=display">x</script> end</div>',
        'So\n$$x$$\nend',
    ),
    'mj2 chtml display no script': (
        '<div>So <span class="mjx-chtml MJXc-display" style="text-align: center;"><span class="mjx-chtml MathJax_CHTML" data-mathml="&lt;math xmlns=&quot;http://www.w3.org/1998/Math/MathML&quot; display=&quot;block&quot;&gt;&lt;mi&gt;x&lt;/mi&gt;&lt;/math&gt;"><span class="mjx-math"><span class="mjx-char">x</span></span></span></span> end</div>',
        'So\n$$x$$\nend',
    ),
    'mj2 svg display': (
        '<p>So <span class="MathJax_Preview"></span><span class="MathJax_SVG_Display" style="text-align: center;"><span class="MathJax_SVG" id="MathJax-Element-3-Frame" tabindex="0"><svg><g><use xlink:href="#MJMATHI-78"/></g></svg></span></span><script type="math/tex; mode=display">x</script></p>',
        'So\n$$x$$',
    ),
    'mj2 nativemml': (
        '<p>a <span class="MathJax_MathML" id="MathJax-Element-1-Frame"><math xmlns="http://www.w3.org/1998/Math/MathML" id="MathJax-Span-1"><mi>x</mi></math></span><script type="math/tex">x_0</script> b</p>',
        'a $x_0$ b',
    ),
    'mj2 script tex upper type': (
        '<p>a <script type="math/tex;mode=display">x</script> b</p>',
        'a\n$$x$$\nb',
    ),
    'mj2 script space type': (
        '<p>a <script type="math/tex; mode=inline">x</script> b</p>',
        'a $x$ b',
    ),
    'mj2 entities': (
        '<p>a <script type="math/tex">a &lt; b</script></p>',
        'a $a < b$',
    ),
    'mj2 label': (
        '<p>a <script type="math/tex; mode=display">\\begin{equation} x \\label{eq1} \\end{equation}</script></p>',
        'a\n$$\\begin{equation} x \\label{eq1} \\end{equation}$$',
    ),
    'mj2 asciimath display': (
        '<p>a <script type="math/asciimath; mode=display">x^2</script></p>',
        'a\n$$x^{2}$$',
    ),
    'kramdown': (
        '<p>a <script type="math/tex">x</script>, b</p><script type="math/tex; mode=display">% <![CDATA[\n\\begin{align}a &= b\\\\ c&<d\\end{align} %]]></script>',
        'a $x$, b\n\n$$\\begin{align}a &= b\\\\ c&<d\\end{align}$$',
    ),
    'kramdown new': (
        '<p>a \\(x\\), b</p>\n\\[x = y\\]\n<p>c</p>',
        'a $x$, b\n\n$$x = y$$\n\nc',
    ),
    'mj3 both chtml': (
        '<p>a <mjx-container class="MathJax CtxtMenu_Attached_0" jax="CHTML" tabindex="0" ctxtmenu_counter="0" style="font-size: 119.5%; position: relative;"><mjx-math class="MJX-TEX" aria-hidden="true"><mjx-mi class="mjx-i"><mjx-c class="mjx-c1D465 TEX-I"></mjx-c></mjx-mi></mjx-math><mjx-assistive-mml unselectable="on" display="inline"><math xmlns="http://www.w3.org/1998/Math/MathML"><mi>x</mi></math></mjx-assistive-mml></mjx-container>.</p>',
        'a $x$.',
    ),
    'mj4 speech': (
        '<p>a <mjx-container class="MathJax CtxtMenu_Attached_0" jax="CHTML" overflow="overflow" tabindex="0" aria-label="x squared" aria-roledescription="math" data-semantic-structure="(1 0)" has-speech="true" data-speech-attached="true"><mjx-math data-latex="x^2" data-semantic-type="superscript" data-semantic-speech-none="x squared" class="NCM-N"><mjx-msup data-latex="x^2"><mjx-mi data-latex="x"><mjx-c class="mjx-c1D465">𝑥</mjx-c></mjx-mi></mjx-msup></mjx-math><mjx-speech aria-label="x squared, math" role="img"></mjx-speech></mjx-container> b</p>',
        'a $x^2$ b',
    ),
    'mj4 no latex on math but on nodes': (
        '<p>a <mjx-container class="MathJax" jax="SVG" display="true"><svg><g data-mml-node="math" data-latex="\\sum_i a_i"><g data-mml-node="mo" data-latex="\\sum"><path data-c="2211"></path></g></g></svg></mjx-container> b</p>',
        'a\n$$\\sum_i a_i$$\nb',
    ),
    'mj4 semantic in svg': (
        '<p>a <mjx-container class="MathJax" jax="SVG"><svg data-semantic-id="0" aria-label="x"><defs><path id="a"/></defs><g><g data-mml-node="math"><g data-mml-node="mi"><use data-c="1D465" xlink:href="#MJX-1-TEX-I-1D465"></use></g></g></g></svg></mjx-container> b</p>',
        'a $x$ b',
    ),
    'pandoc mj3 rendered': (
        '<p>a <span class="math inline"><mjx-container class="MathJax" jax="CHTML"><mjx-math><mjx-mi><mjx-c class="mjx-c1D465"></mjx-c></mjx-mi></mjx-math></mjx-container></span> b</p>',
        'a $x$ b',
    ),
    'mathrenderer github': (
        '<p>a <math-renderer class="js-inline-math" style="display: inline-block" data-static-url="https://github.githubassets.com/static" data-run-id="1">$x^2$</math-renderer> b</p><math-renderer class="js-display-math" style="display: block">$$y=1$$</math-renderer><p>c</p>',
        'a $x^2$ b\n\n$$y=1$$\n\nc',
    ),
    'github rendered': (
        '<p>a <math-renderer class="js-inline-math"><mjx-container class="MathJax" jax="CHTML"><mjx-math><mjx-mi><mjx-c class="mjx-c1D465"></mjx-c></mjx-mi></mjx-math><mjx-assistive-mml><math><mi>x</mi></math></mjx-assistive-mml></mjx-container></math-renderer> b</p>',
        'a $x$ b',
    ),
    'gitlab inline': (
        '<p>a <code class="code math js-render-math" data-math-style="inline">x^2</code> b</p>',
        'a $x^2$ b',
    ),
    'gitlab block': (
        '<p>a</p><pre class="code math js-render-math" data-math-style="display"><code>x = 1\n+ 2</code></pre><p>b</p>',
        'a\n\n$$x = 1\n+ 2$$\n\nb',
    ),
    'gitlab pre lang': (
        '<div class="gl-relative markdown-code-block js-markdown-code"><pre class="code highlight js-syntax-highlight language-math js-render-math" lang="math" data-math-style="display"><code><span id="LC1" class="line" lang="math">x = 1</span></code></pre></div>',
        '$$x = 1$$',
    ),
    'github fenced math': (
        '<pre lang="math"><code>x=1</code></pre>',
        '$$x=1$$',
    ),
    'discourse': (
        '<p>a <span class="math">x^2</span> b</p><div class="math">\ny = 1\n</div>',
        'a $x^2$ b\n\n$$y = 1$$',
    ),
    'discourse asciimath': (
        '<p>a <span class="asciimath">x^2/3</span> b</p>',
        'a $\\frac{x^{2}}{3}$ b',
    ),
    'notion': (
        '<div class="notion-equation notion-equation-block"><span role="button" tabindex="0" class="notion-equation"><span><span class="katex-display"><span class="katex"><span class="katex-mathml"><math xmlns="http://www.w3.org/1998/Math/MathML" display="block"><semantics><mrow><mi>x</mi></mrow><annotation encoding="application/x-tex">x</annotation></semantics></math></span><span class="katex-html" aria-hidden="true"><span class="base"><span class="mord mathnormal">x</span></span></span></span></span></span></span></div>',
        '$$x$$',
    ),
    'notion export': (
        '<p>a <style>@import url("https://cdnjs.cloudflare.com/ajax/libs/KaTeX/0.16.9/katex.min.css")</style><span data-token-index="0" contenteditable="false" class="notion-text-equation-token" style="user-select:all"><span></span><span><span class="katex"><span class="katex-mathml"><math><semantics><mrow><mi>x</mi></mrow><annotation encoding="application/x-tex">x</annotation></semantics></math></span><span class="katex-html" aria-hidden="true">x</span></span></span><span>\ufeff</span></span> b</p>',
        'a $x$ b',
    ),
    'notion export figure': (
        '<figure id="b" class="equation"><style>@import url("k.css")</style><div class="equation-container"><span class="katex-display"><span class="katex"><span class="katex-mathml"><math display="block"><semantics><mrow><mi>x</mi></mrow><annotation encoding="application/x-tex">x=1</annotation></semantics></math></span><span class="katex-html">x</span></span></span></div></figure>',
        '$$x=1$$',
    ),
    'zhihu': (
        '<p>设 <span class="ztext-math" data-eeimg="1" data-tex="x^2">x^2</span> 为，<img src="https://www.zhihu.com/equation?tex=%5Cfrac%7Ba%7D%7Bb%7D" alt="\\frac{a}{b}" eeimg="1"> 元</p><p><span class="ztext-math" data-eeimg="2" data-tex="y=1 \\\\ z">y</span></p>',
        '设 $x^2$ 为，$\\frac{a}{b}$ 元\n\n$y=1 \\\\ z$',
    ),
    'csdn katex': (
        '<p>设 <span class="katex--inline"><span class="katex"><span class="katex-mathml">\n\n\n\n       x\n\n\n\n\n\n\n\n\n        x^2\n\n\n\n</span><span class="katex-html"><span class="base"><span class="strut"></span><span class="mord mathdefault">x</span><span class="mord"><span class="msupsub"><span class="vlist-t"><span class="vlist-r"><span class="vlist"><span style="top:-3.063em;"><span class="sizing"><span class="mord mtight">2</span></span></span></span></span></span></span></span></span></span></span></span> 为</p>',
        '设 $x^2$ 为',
    ),
    'csdn katex math': (
        '<p>设 <span class="katex--inline"><span class="katex"><span class="katex-mathml"><math><semantics><mrow><mi>x</mi></mrow><annotation encoding="application/x-tex">x</annotation></semantics></math></span><span class="katex-html">x</span></span></span> 为 <span class="katex--display"><span class="katex-display"><span class="katex"><span class="katex-mathml"><math><semantics><mrow><mi>y</mi></mrow><annotation encoding="application/x-tex">y</annotation></semantics></math></span><span class="katex-html">y</span></span></span></span></p>',
        '设 $x$ 为\n$$y$$',
    ),
    'jianshu': (
        '<p>设 <img class="math-inline" src="https://math.jianshu.com/math?formula=x%5E2" alt="x^2" mathimg="1"> 为</p><p><img class="math-block" src="https://math.jianshu.com/math?formula=y%3D1" alt="y=1" mathimg="1"></p>',
        '设 $x^2$ 为\n\n$$y=1$$',
    ),
    'luogu': (
        '<p>给定 <span class="katex"><span class="katex-mathml"><math><semantics><mrow><mi>n</mi></mrow><annotation encoding="application/x-tex">n</annotation></semantics></math></span><span class="katex-html" aria-hidden="true">n</span></span> 个数 $a_1$。</p>',
        '给定 $n$ 个数 $a_1$。',
    ),
    'moodle': (
        '<p><span class="filter_mathjaxloader_equation">Find <span class="nolink">\\(x^2\\)</span> if $5 is paid and <span class="nolink">\\[y=1\\]</span></span></p>',
        'Find $x^2$ if $5 is paid and\n$$y=1$$',
    ),
    'moodle script': (
        '<p><span class="filter_mathjaxloader_equation">Find <span class="nolink"><span class="MathJax_Preview"></span><span class="MathJax"><nobr>x</nobr></span><script type="math/tex">x</script></span> ok</span></p>',
        'Find $x$ ok',
    ),
    'moodle tex img': (
        '<p>a <img class="texrender" title="x^2" alt="x^2" src="https://moodle.org/filter/tex/pix.php/abc.gif"> b</p>',
        'a $x^2$ b',
    ),
    'canvas': (
        '<p>a <img class="equation_image" title="x^2" src="/equation_images/x%255E2?scale=1" alt="LaTeX: x^2" data-equation-content="x^2" data-ignore-a11y-check=""> b</p>',
        'a $x^2$ b',
    ),
    'canvas alt only': (
        '<p>a <img class="equation_image" src="/equation_images/%255Cfrac%257Ba%257D%257Bb%257D" alt="LaTeX: \\frac{a}{b}"> b</p>',
        'a $\\frac{a}{b}$ b',
    ),
    'canvas with hidden mathml': (
        '<p>a <img class="equation_image" title="x" src="/equation_images/x" alt="LaTeX: x" data-equation-content="x"><span class="hidden-readable"><math><mi>x</mi></math></span> b</p>',
        'a $x$ b',
    ),
    'brightspace': (
        '<p>a <math title="x" xmlns="http://www.w3.org/1998/Math/MathML"><semantics><mstyle><mi>x</mi></mstyle><annotation encoding="latex">{"version":"1.1","math":"x^2"}</annotation></semantics></math> b</p>',
        'a $x^2$ b',
    ),
    'wiris': (
        '<p>a <img class="Wirisformula" role="math" alt="x squared" data-mathml="«math xmlns=¨http://www.w3.org/1998/Math/MathML¨»«msup»«mi»x«/mi»«mn»2«/mn»«/msup»«/math»" src="x.png" align="middle"> b</p>',
        'a $x^{2}$ b',
    ),
    'wiris alt mathml': (
        '<p>a <img class="Wirisformula" src="data:image/png;base64,xx" data-mathml="&lt;math&gt;&lt;mi&gt;x&lt;/mi&gt;&lt;/math&gt;" alt="x"> b</p>',
        'a $x$ b',
    ),
    'khan': (
        '<p>a <span class="math-holder"><span class="katex-holder"><span class="katex"><span class="katex-mathml"><math><semantics><mrow><mi>x</mi></mrow><annotation encoding="application/x-tex">x</annotation></semantics></math></span><span class="katex-html" aria-hidden="true"></span></span></span><span class="sr-only">x</span></span> b</p>',
        'a $x$ b',
    ),
    'brilliant': (
        '<p>a <span class="katex"> \\( x^2 \\) </span> b <span class="tex">\\(y\\)</span></p>',
        'a $x^2$ b $y$',
    ),
    'quora': (
        '<p>a <span class="render_latex"><span class="math">[math]x^2[/math]</span></span> b [math]y[/math] <img class="latex_image" alt="z^2" src="https://qph.fs.quoracdn.net/main-latex-1"></p>',
        'a $x^2$ b $y$ $z^2$',
    ),
    'substack': (
        '<p>Before</p><div class="latex-rendered" data-attrs="{&quot;persistentExpression&quot;:&quot;\\\\frac{a}{b} = c&quot;,&quot;id&quot;:&quot;ABC&quot;}" data-component-name="LatexBlockToDOM"></div><p>After</p>',
        'Before\n\n$$\\frac{a}{b} = c$$\n\nAfter',
    ),
    'obsidian': (
        '<p>a <span class="math math-inline is-loaded"><mjx-container class="MathJax" jax="CHTML"><mjx-math class="MJX-TEX"><mjx-mi><mjx-c class="mjx-c1D465 TEX-I"></mjx-c></mjx-mi></mjx-math></mjx-container></span> b</p>',
        'a $x$ b',
    ),
    'katex tag': (
        '<p>a <span class="katex-display"><span class="katex"><span class="katex-mathml"><math display="block"><semantics><mtable width="100%"><mtr><mtd width="50%"></mtd><mtd><mi>x</mi></mtd><mtd width="50%"></mtd><mtd><mtext>(1)</mtext></mtd></mtr></mtable><annotation encoding="application/x-tex">x\\tag{1}</annotation></semantics></math></span><span class="katex-html" aria-hidden="true"><span class="base">x</span><span class="tag"><span class="strut"></span><span class="mord text"><span class="mord">(1)</span></span></span></span></span></span> b</p>',
        'a\n$$x\\tag{1}$$\nb',
    ),
    'katex error': (
        '<p>a <span class="katex-error" title="ParseError: KaTeX parse error" style="color:#cc0000">\\frac{a</span> b</p>',
        'a $\\frac{a$ b',
    ),
    'katex error display': (
        '<p>a <span class="katex-error" title="ParseError">$$x_$$</span> b</p>',
        'a\n$$x_$$\nb',
    ),
    'katex in link': (
        '<p>a <a href="x"><span class="katex"><span class="katex-mathml"><math xmlns="http://www.w3.org/1998/Math/MathML"><semantics><mrow><mi>x</mi></mrow><annotation encoding="application/x-tex">x^2</annotation></semantics></math></span><span class="katex-html" aria-hidden="true"><span class="base"><span class="strut"></span><span class="mord mathnormal">x</span></span></span></span></a> b</p>',
        'a $x^2$ b',
    ),
    'katex in code': (
        '<p>a <code><span class="katex"><span class="katex-mathml"><math xmlns="http://www.w3.org/1998/Math/MathML"><semantics><mrow><mi>x</mi></mrow><annotation encoding="application/x-tex">x^2</annotation></semantics></math></span><span class="katex-html" aria-hidden="true"><span class="base"><span class="strut"></span><span class="mord mathnormal">x</span></span></span></span></code> b</p>',
        'a $x^2$ b',
    ),
    'katex mathml only': (
        '<p>a <span class="katex"><math><semantics><mrow><mi>x</mi></mrow><annotation encoding="application/x-tex">x_1</annotation></semantics></math></span> b</p>',
        'a $x_1$ b',
    ),
    'katex in li': (
        '<ul><li><span class="katex"><span class="katex-mathml"><math xmlns="http://www.w3.org/1998/Math/MathML"><semantics><mrow><mi>a</mi></mrow><annotation encoding="application/x-tex">a</annotation></semantics></math></span><span class="katex-html" aria-hidden="true"><span class="base"><span class="strut"></span><span class="mord mathnormal">x</span></span></span></span> first</li><li>second <span class="katex"><span class="katex-mathml"><math xmlns="http://www.w3.org/1998/Math/MathML"><semantics><mrow><mi>b</mi></mrow><annotation encoding="application/x-tex">b</annotation></semantics></math></span><span class="katex-html" aria-hidden="true"><span class="base"><span class="strut"></span><span class="mord mathnormal">x</span></span></span></span>.</li></ul>',
        '- $a$ first\n- second $b$.',
    ),
    'katex in h2': (
        '<h2 id="x">The case <span class="katex"><span class="katex-mathml"><math xmlns="http://www.w3.org/1998/Math/MathML"><semantics><mrow><mi>n</mi></mrow><annotation encoding="application/x-tex">n=1</annotation></semantics></math></span><span class="katex-html" aria-hidden="true"><span class="base"><span class="strut"></span><span class="mord mathnormal">x</span></span></span></span><a class="hash-link" href="#x">\u200b</a></h2><p>ok</p>',
        '## The case $n=1$\n\nok',
    ),
    'katex in th': (
        '<table><thead><tr><th><span class="katex"><span class="katex-mathml"><math xmlns="http://www.w3.org/1998/Math/MathML"><semantics><mrow><mi>n</mi></mrow><annotation encoding="application/x-tex">n</annotation></semantics></math></span><span class="katex-html" aria-hidden="true"><span class="base"><span class="strut"></span><span class="mord mathnormal">x</span></span></span></span></th><th>v</th></tr></thead><tbody><tr><td>1</td><td><span class="katex"><span class="katex-mathml"><math xmlns="http://www.w3.org/1998/Math/MathML"><semantics><mrow><mn>1</mn></mrow><annotation encoding="application/x-tex">\\frac12</annotation></semantics></math></span><span class="katex-html" aria-hidden="true"><span class="base"><span class="strut"></span><span class="mord mathnormal">x</span></span></span></span></td></tr></tbody></table>',
        '| $n$ | v |\n| 1 | $\\frac12$ |',
    ),
    'docusaurus display': (
        '<div class="math math-display"><span class="katex-display"><span class="katex"><span class="katex-mathml"><math xmlns="http://www.w3.org/1998/Math/MathML" display="block"><semantics><mrow><mi>x</mi></mrow><annotation encoding="application/x-tex">x=1</annotation></semantics></math></span><span class="katex-html" aria-hidden="true"><span class="base"><span class="strut"></span><span class="mord mathnormal">x</span></span></span></span></span></div>',
        '$$x=1$$',
    ),
    'docusaurus p': (
        '<p>So<span class="katex-display"><span class="katex"><span class="katex-mathml"><math xmlns="http://www.w3.org/1998/Math/MathML" display="block"><semantics><mrow><mi>x</mi></mrow><annotation encoding="application/x-tex">x=1</annotation></semantics></math></span><span class="katex-html" aria-hidden="true"><span class="base"><span class="strut"></span><span class="mord mathnormal">x</span></span></span></span></span>and.</p>',
        'So\n$$x=1$$\nand.',
    ),
    'ar5iv inline': (
        '<p class="ltx_p">Let <math id="S1.p1.1.m1.1" class="ltx_Math" alttext="x^{2}" display="inline"><semantics id="a"><msup id="b"><mi id="c">x</mi><mn id="d">2</mn></msup><annotation-xml encoding="MathML-Content" id="e"><apply id="f"><csymbol cd="ambiguous" id="g">superscript</csymbol><ci id="h">𝑥</ci><cn type="integer" id="i">2</cn></apply></annotation-xml><annotation encoding="application/x-tex" id="j">x^{2}</annotation></semantics></math>.</p>',
        'Let $x^{2}$.',
    ),
    'ar5iv eqn': (
        '<table id="S1.E1" class="ltx_equation ltx_eqn_table"><tbody><tr class="ltx_equation ltx_eqn_row ltx_align_baseline"><td class="ltx_eqn_cell ltx_eqn_center_padleft"></td><td class="ltx_eqn_cell ltx_align_center"><math class="ltx_Math" alttext="a=b" display="block"><semantics><mi>a</mi><annotation encoding="application/x-tex">a=b</annotation></semantics></math></td><td class="ltx_eqn_cell ltx_eqn_center_padright"></td><td rowspan="1" class="ltx_eqn_cell ltx_eqn_eqno ltx_align_middle ltx_align_right"><span class="ltx_tag ltx_tag_equation ltx_align_right">(1)</span></td></tr></tbody></table>',
        '$$a=b$$\n(1)',
    ),
    'pandoc mathml': (
        '<p>a <math display="inline" xmlns="http://www.w3.org/1998/Math/MathML"><semantics><msup><mi>x</mi><mn>2</mn></msup><annotation encoding="application/x-tex">x^2</annotation></semantics></math> b <math display="block"><semantics><mi>y</mi><annotation encoding="application/x-tex">y</annotation></semantics></math> c</p>',
        'a $x^2$ b\n$$y$$\nc',
    ),
    'pandoc plain': (
        '<p>a <em>x</em><sup>2</sup> + <em>y</em> b</p>',
        'a x^{2} + y b',
    ),
    'pandoc gladtex': (
        '<p>a <eq env="math">x^2</eq> b <EQ ENV="displaymath">y=1</EQ></p>',
        'a $x^2$ b\n$$y=1$$',
    ),
    'pandoc webtex': (
        '<p>a <img style="vertical-align:middle" src="https://latex.codecogs.com/png.latex?%5Ctextstyle%20x%5E2" alt="x^2" title="x^2" class="math inline" /> b</p>',
        'a $x^2$ b',
    ),
    'google docs': (
        '<p>a <img src="https://www.google.com/chart?cht=tx&chf=bg,s,FFFFFF00&chco=000000&chl=%5Cfrac%7Ba%7D%7Bb%7D"> b <img src="https://chart.googleapis.com/chart?cht=tx&chl=x%5E2"> c</p>',
        'a $\\frac{a}{b}$ b $x^2$ c',
    ),
    'sphinx mathjax': (
        '<p>a <span class="math notranslate nohighlight">\\(x^2\\)</span> b</p><div class="math notranslate nohighlight" id="equation-e">\n<span class="eqno">(1)<a class="headerlink" href="#equation-e" title="Permalink to this equation">¶</a></span>\\[y = 1\\]</div>',
        'a $x^2$ b\n\n(1)\n$$y = 1$$',
    ),
    'sphinx imgmath': (
        '<p>a <img class="math" src="_images/math/1.png" alt="x^2"/> b</p><div class="math"><p><span class="eqno">(1)</span><img src="_images/math/2.png" alt="y = 1"/></p></div>',
        'a $x^2$ b\n\n(1)\n$$y = 1$$',
    ),
    'sphinx old span': (
        '<p>a <span class="math">x^2</span> b</p><div class="math">\\[y=1\\]</div>',
        'a $x^2$ b\n\n$$y=1$$',
    ),
    'docutils mathml': (
        '<p>a <math xmlns="http://www.w3.org/1998/Math/MathML"><mrow><msqrt><mi>x</mi></msqrt></mrow></math> b</p>',
        'a $\\sqrt{x}$ b',
    ),
    'doxygen': (
        '<p>a <img class="formulaInl" alt="$x^2$" src="form_0.png" width="8" height="8"/> b</p><p class="formulaDsp"><img class="formulaDsp" alt="\\[ y = 1 \\]" src="form_1.png"/></p>',
        'a $x^2$ b\n\n$$y = 1$$',
    ),
    'doxygen picture': (
        '<p>a <picture><source srcset="form_0_dark.svg" media="(prefers-color-scheme: dark)"/><img class="formulaInl" alt="$x^2$" src="form_0.svg"/></picture> b</p>',
        'a $x^2$ b',
    ),
    'doxygen mathjax': (
        '<p>a \\( x^2 \\) b</p><p class="formulaDsp">\n\\[ y = 1 \\]\n</p>',
        'a $x^2$ b\n\n$$y = 1$$',
    ),
    'mkdocs arithmatex': (
        '<p>a <span class="arithmatex">\\(x^2\\)</span> b</p><div class="arithmatex">\\[\ny = 1\n\\]</div>',
        'a $x^2$ b\n\n$$y = 1$$',
    ),
    'mkdocs rendered': (
        '<p>a <span class="arithmatex"><span class="MathJax_Preview">x^2</span><script type="math/tex">x^2</script></span> b</p><div class="arithmatex">\n<div class="MathJax_Preview">y=1</div>\n<script type="math/tex; mode=display">y=1</script>\n</div>',
        'a $x^2$ b\n\n$$y=1$$',
    ),
    'quarto': (
        '<p>a <span class="math inline">\\(x^2\\)</span> b</p><p><span id="eq-e"><span class="math display">\\[\ny=1\n\\tag{1}\\]</span></span></p>',
        'a $x^2$ b\n\n$$y=1\n\\tag{1}$$',
    ),
    'bookdown': (
        '<p>a <span class="math inline">\\(x^2\\)</span> b</p><p><span class="math display" id="eq:e">\\[\\begin{equation}\ny=1\n\\tag{1.1}\n\\end{equation}\\]</span></p>',
        'a $x^2$ b\n\n$$\\begin{equation}\ny=1\n\\tag{1.1}\n\\end{equation}$$',
    ),
    'asciidoctor': (
        '<p>a \\(x^2\\) b</p><div class="stemblock"><div class="title">T</div><div class="content">\n\\[y = 1\\]\n</div></div>',
        'a $x^2$ b\n\nT\n\n$$y = 1$$',
    ),
    'confluence': (
        '<p>a <span class="conf-macro output-inline" data-hasbody="false" data-macro-name="mathinline"><span class="latexmath">x^2</span></span> b</p>',
        'a $x^2$ b',
    ),
    'dokuwiki': (
        '<p>a $x^2$ b</p><img src="/lib/plugins/latex/images/img1.png" class="latex_inline" alt="$y$" title="$y$">',
        'a $x^2$ b\n\n$y$',
    ),
    'mediawiki escaped': (
        '<p>a &lt;math&gt;x^2&lt;/math&gt; b &lt;math display="block"&gt;y=1&lt;/math&gt; c</p>',
        'a $x^2$ b\n$$y=1$$\nc',
    ),
    'planetmath': (
        '<p class="ltx_p">Let <math id="p1.m1" class="ltx_Math" alttext="X" display="inline"><mi>X</mi></math> be</p>',
        'Let $X$ be',
    ),
    'nlab': (
        '<p>a <math xmlns="http://www.w3.org/1998/Math/MathML" display="inline" class="maruku-mathml"><semantics><mrow><mi>C</mi><mo>→</mo><mi>D</mi></mrow><annotation encoding="application/x-tex">C \\to D</annotation></semantics></math> b</p><div class="maruku-equation" id="eq:e"><math display="block" class="maruku-mathml"><semantics><mi>y</mi><annotation encoding="application/x-tex">y</annotation></semantics></math><span class="maruku-eq-number">(1)</span></div>',
        'a $C \\to D$ b\n\n$$y$$\n(1)',
    ),
    'mathoverflow': (
        '<p>a <span class="math-container">$x^2$</span> b</p><p><span class="math-container">$$y=1$$</span></p>',
        'a $x^2$ b\n\n$$y=1$$',
    ),
    'mo rendered': (
        '<p>a <span class="math-container"><span class="MathJax_Preview" style="color: inherit;"></span><span class="MathJax"><nobr>x</nobr></span><script type="math/tex" id="M">x^2</script></span> b</p>',
        'a $x^2$ b',
    ),
    'baidu wenku': (
        '<p>已知 <img class="formula" src="http://x.com/1.png" alt="x^2+1"> 则</p>',
        '已知 $x^2+1$ 则',
    ),
    'mathquill static': (
        '<p>a <span class="mathquill-embedded-latex">x^2</span> b <span class="mq-math-mode" data-latex="y">y</span></p>',
        'a $x^2$ b $y$',
    ),
    'quill formula': (
        '<p>a <span class="ql-formula" data-value="x^2">\ufeff<span contenteditable="false"><span class="katex"><span class="katex-mathml"><math><semantics><mi>x</mi><annotation encoding="application/x-tex">x^2</annotation></semantics></math></span></span></span>\ufeff</span> b</p>',
        'a $x^2$ b',
    ),
    'tiptap': (
        '<p>a <span data-type="inline-math" data-latex="x^2"></span> b</p><div data-type="block-math" data-latex="y=1"></div>',
        'a $x^2$ b\n\n$$y=1$$',
    ),
    'ckeditor': (
        '<p>a <span class="math-tex">\\(x^2\\)</span> b</p>',
        'a $x^2$ b',
    ),
    'mathml in link': (
        '<p><a href="u"><math><mi>x</mi></math>-axis</a></p>',
        '$x$-axis',
    ),
    'math in dt': (
        '<dl><dt><math alttext="n"><mi>n</mi></math></dt><dd>the count</dd></dl>',
        '$n$\n\nthe count',
    ),
    'math noscript': (
        '<p>a <noscript><img src="x.png" alt="$x$"></noscript><math><mi>x</mi></math> b</p>',
        'a $x$ b',
    ),
    'price between': (
        '<p>It costs $5 and <math><mi>x</mi></math> is $10.</p>',
        'It costs $5 and $x$ is $10.',
    ),
    'adjacent': (
        '<p><math><mi>x</mi></math><math><mi>y</mi></math></p>',
        '$x$ $y$',
    ),
    'punct': (
        '<p>If <math><mi>x</mi></math>, then (<math><mi>y</mi></math>); <math><mi>z</mi></math>’s.</p>',
        'If $x$, then ($y$); $z$’s.',
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MARKUP)
def test_each_formula_of_a_site_comes_out_once(name: str) -> None:
    html, expected = MARKUP[name]
    assert extract_html(f"<html><body>{html}</body></html>".encode()).text == expected
