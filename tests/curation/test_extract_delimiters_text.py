# ruff: noqa: E501 (pages are written on one line, and some are Chinese)
"""Formulas in running text among prices, program code, damage by editors, and what no script has rendered.

Each case is a fragment of a page and the text that must come out of it, the spans of its formulas between ⟦ and ⟧.
"""

import pytest

from mathmill.curation.extract import extract_html

PRICES_AND_CODE = [
    ("$5 and then $10", "$5 and then $10"),
    ("US$20, CA$15 and AU$30", "US$20, CA$15 and AU$30"),
    ("$1,000–$2,000 a month", "$1,000–$2,000 a month"),
    ("costs $5, where $x=5$", "costs $5, where ⟦$x=5$⟧"),
    ("The price is $5x for x items and $3y for y.", "The price is $5x for x items and $3y for y."),
    ("between $3 and $4 per unit, the function $f(x)$", "between $3 and $4 per unit, the function ⟦$f(x)$⟧"),
    ("echo $HOME $PATH $USER", "echo $HOME $PATH $USER"),
    ("Use `${x}` and ${y} in JS.", "Use `${x}` and ${y} in JS."),
    ("call $('#id').hide() and $(this).show()", "call $('#id').hide() and $(this).show()"),
    ("\\$5 and $x$ then \\$10", "\\$5 and ⟦$x$⟧ then \\$10"),
    ("$\\$5 + \\$x = \\$10$", "⟦$\\$5 + \\$x = \\$10$⟧"),
    ("$x = 5 \\text{ if $y > 0$ and } z$ then", "⟦$x = 5 \\text{ if $y > 0$ and } z$⟧ then"),
    ("the price $p$ is $5", "the price ⟦$p$⟧ is $5"),
    ("<p>price $5<p>price $6", "price $5\n\nprice $6"),
    ("\\(x and \\(y\\)", "\\(x and ⟦$y$⟧"),
    ("<p>$$ unclosed</p><p>other $x$</p>", "$$ unclosed\n\nother ⟦$x$⟧"),
    ("If Ann has $12 and spends $x, she has $12-x left.", "If Ann has $12 and spends $x, she has $12-x left."),
    ("$n$ dollars at $0.50 each cost $0.5n$ dollars.", "⟦$n$⟧ dollars at $0.50 each cost ⟦$0.5n$⟧ dollars."),
    (
        "A ticket costs $12.50, so $n$ tickets cost $12.50n$ dollars.",
        "A ticket costs $12.50, so ⟦$n$⟧ tickets cost ⟦$12.50n$⟧ dollars.",
    ),
    ("$3.2 billion to $4.1 billion (2019)", "$3.2 billion to $4.1 billion (2019)"),
    (
        "The revenue is $R(p)=p(100-2p)$, at $p=\\$25$ it is \\$1250.",
        "The revenue is ⟦$R(p)=p(100-2p)$⟧, at ⟦$p=\\$25$⟧ it is \\$1250.",
    ),
    ("Cost: $20 + $5 per hour, i.e. $C = 20 + 5h$.", "Cost: $20 + $5 per hour, i.e. ⟦$C = 20 + 5h$⟧."),
    ("Is $20\\%$ of $50 equal to $10?", "Is ⟦$20\\%$⟧ of $50 equal to $10?"),
    (
        "$100 \\times 1.05^{10}$ is the balance of $100 after 10 years",
        "⟦$100 \\times 1.05^{10}$⟧ is the balance of $100 after 10 years",
    ),
    ("The set $\\{1,2\\}$ has $2$ elements and costs $2.", "The set ⟦$\\{1,2\\}$⟧ has ⟦$2$⟧ elements and costs $2."),
    ("$2$ is prime", "⟦$2$⟧ is prime"),
    ("$-5$ to $5$", "⟦$-5$⟧ to ⟦$5$⟧"),
    ('"$A$", ($B$), [$C$]; $D$: $E$! $F$? $G$...', '"⟦$A$⟧", (⟦$B$⟧), [⟦$C$⟧]; ⟦$D$⟧: ⟦$E$⟧! ⟦$F$⟧? ⟦$G$⟧...'),
    ("the $n$th term and $n$-th and $k$s", "the ⟦$n$⟧th term and ⟦$n$⟧-th and ⟦$k$⟧s"),
    ("$x$-axis, non-$x$, pre$x$post", "⟦$x$⟧-axis, non-⟦$x$⟧, pre$x$post"),
    ("$5 (five dollars) or $6 (six dollars)", "$5 (five dollars) or $6 (six dollars)"),
    ("$a$=$b$ and $a$+$b$", "⟦$a$⟧=⟦$b$⟧ and ⟦$a$⟧+⟦$b$⟧"),
    ("variables $foo and $bar are set by $foo=$bar;", "variables $foo and $bar are set by $foo=$bar;"),
    ("PHP: &lt;?php $x = 5; $y = $x + 1; ?&gt;", "PHP: <?php $x = 5; $y = $x + 1; ?>"),
    ("Regex ^\\d+$ and [a-z]$ match", "Regex ^\\d+$ and [a-z]$ match"),
    ("Excel: =$A$1+$B$2 and $C3", "Excel: =$A$1+$B$2 and $C3"),
    ("LaTeX users type $$...$$ for display and $...$ inline", "LaTeX users type $$...$$ for display and $...$ inline"),
    ("Prices: $1 = €0.9; $2 = €1.8", "Prices: $1 = €0.9; $2 = €1.8"),
    ("$1=100$ cents and $5=500$ cents", "⟦$1=100$⟧ cents and ⟦$5=500$⟧ cents"),
    ("A$AP Rocky and Ke$ha", "A$AP Rocky and Ke$ha"),
    ("$ x + y $ and $ \\alpha $ spaced", "⟦$x + y$⟧ and ⟦$\\alpha$⟧ spaced"),
    ("$x$ $y$ $z$", "⟦$x$⟧ ⟦$y$⟧ ⟦$z$⟧"),
    ("$x$,$y$,$z$", "⟦$x$⟧,⟦$y$⟧,⟦$z$⟧"),
    ("$x$$y$", "⟦$x$⟧ ⟦$y$⟧"),
    ("$\\$ 5$ is five dollars", "⟦$\\$ 5$⟧ is five dollars"),
    ("costs $4a + 3b$ dollars while a pen costs $4", "costs ⟦$4a + 3b$⟧ dollars while a pen costs $4"),
    (
        "<script type=\"text/x-mathjax-config\">MathJax.Hub.Config({tex2jax: {inlineMath:[['$','$'],['\\\\(','\\\\)']]}});</script><p>$5 and $x$ and $10</p>",
        "$5 and ⟦$x$⟧ and $10",
    ),
    (
        "<script type=\"text/x-mathjax-config\">MathJax.Hub.Config({tex2jax: {inlineMath:[['$','$'],['\\\\(','\\\\)']]}});</script><p>Pay $10 now, $20 later, or $x+y$ never.</p>",
        "Pay $10 now, $20 later, or ⟦$x+y$⟧ never.",
    ),
    (
        "<script type=\"text/x-mathjax-config\">MathJax.Hub.Config({tex2jax: {inlineMath:[['$','$'],['\\\\(','\\\\)']]}});</script><p>Set A has $3$ elements, price $3 and $4.</p>",
        "Set A has ⟦$3$⟧ elements, price $3 and $4.",
    ),
    (
        "<script type=\"text/x-mathjax-config\">MathJax.Hub.Config({tex2jax: {inlineMath:[['$','$'],['\\\\(','\\\\)']]}});</script><p>the word $word$ and $two words$ here</p>",
        "the word ⟦$word$⟧ and $two words$ here",
    ),
    (
        "<script type=\"text/x-mathjax-config\">MathJax.Hub.Config({tex2jax: {inlineMath:[['$','$'],['\\\\(','\\\\)']]}});</script><p>$\\text{speed}=5$ and $rate$</p>",
        "⟦$\\text{speed}=5$⟧ and ⟦$rate$⟧",
    ),
    ("$speed = distance / time$ and $Area$", "⟦$speed = distance / time$⟧ and ⟦$Area$⟧"),
    ("$v = v_0 + at$", "⟦$v = v_0 + at$⟧"),
    ("$A$ and $B$ are sets; $A\\cap B$", "⟦$A$⟧ and ⟦$B$⟧ are sets; ⟦$A\\cap B$⟧"),
    ("$1 < x < 2$ and $3", "⟦$1 < x < 2$⟧ and $3"),
    ("NT$300, HK$40, R$ 50, S$5, $US 5, $5USD", "NT$300, HK$40, R$ 50, S$5, $US 5, $5USD"),
    ("Bitcoin hit $60k-$65k, i.e. $60,000 to $65,000.", "Bitcoin hit $60k-$65k, i.e. $60,000 to $65,000."),
    (
        "Let $f:\\mathbb{R}\\to\\mathbb{R}$ and $\\epsilon>0$.",
        "Let ⟦$f:\\mathbb{R}\\to\\mathbb{R}$⟧ and ⟦$\\epsilon>0$⟧.",
    ),
    ("for $i=1,\\dots,n$, $x_i \\ge 0$", "for ⟦$i=1,\\dots,n$⟧, ⟦$x_i \\ge 0$⟧"),
    (
        "$y = mx + b$, where $m$ is slope; it costs $m per foot",
        "⟦$y = mx + b$⟧, where ⟦$m$⟧ is slope; it costs $m per foot",
    ),
    (
        "<script type=\"text/x-mathjax-config\">MathJax.Hub.Config({tex2jax: {inlineMath:[['$','$'],['\\\\(','\\\\)']]}});</script><p>Pay $5, where $x=5$ is paid.</p>",
        "Pay $5, where ⟦$x=5$⟧ is paid.",
    ),
    (
        "<script type=\"text/x-mathjax-config\">MathJax.Hub.Config({tex2jax: {inlineMath:[['$','$'],['\\\\(','\\\\)']]}});</script><p>between $3 and $4 per unit, the function $f(x)$</p>",
        "between $3 and $4 per unit, the function ⟦$f(x)$⟧",
    ),
    (
        "<script type=\"text/x-mathjax-config\">MathJax.Hub.Config({tex2jax: {inlineMath:[['$','$'],['\\\\(','\\\\)']]}});</script><p>a range of $5-$10 or $1,000–$2,000 and $x$</p>",
        "a range of $5-$10 or $1,000–$2,000 and ⟦$x$⟧",
    ),
    ("$5 x$ or $5 per box, 5 x", "⟦$5 x$⟧ or $5 per box, 5 x"),
    ("it costs $5和$10, $3元", "it costs $5和$10, $3元"),
    ("\\$ 5 and $P(x; n, p)$", "\\$ 5 and ⟦$P(x; n, p)$⟧"),
    ("$x=5.$Then $y$", "⟦$x=5.$⟧Then ⟦$y$⟧"),
    ("$$ and $$$ price ratings: $$ or $$$", "$$ and $$$ price ratings: $$ or $$$"),
    ("Price: $$ · Italian · $$$$", "Price: $$ · Italian · $$$$"),
    ("cash $$ in the bank and more $$ later", "cash $$ in the bank and more $$ later"),
    ("make $$$ fast! $$$", "make $$$ fast! $$$"),
    ("pid is $$ and $! last; $? status; $1 $2 $@", "pid is $$ and $! last; $? status; $1 $2 $@"),
    ("$1 is the first arg, $2 is the second, $0 is name", "$1 is the first arg, $2 is the second, $0 is name"),
    ("The period is 2$\\pi$ and 3$\\pi$, so $x$", "The period is 2⟦$\\pi$⟧ and 3⟦$\\pi$⟧, so ⟦$x$⟧"),
    (
        "Angle 90$^\\circ$ and x$_1$ and H$_2$O, 10$^{-3}$m, CO$_2$",
        "Angle 90⟦$^\\circ$⟧ and x⟦$_1$⟧ and H⟦$_2$⟧O, 10⟦$^{-3}$⟧m, CO⟦$_2$⟧",
    ),
    ("(5$\\times$3) 4$x$", "(5⟦$\\times$⟧3) 4⟦$x$⟧"),
    ("$100K–$200K salary; $90k/yr + $10k bonus", "$100K–$200K salary; $90k/yr + $10k bonus"),
    ("$4.99 &gt; $3.99 &lt; $5", "$4.99 > $3.99 < $5"),
    ("$1 + $2 = $3", "$1 + $2 = $3"),
    ("$20 x 3 = $60", "$20 x 3 = $60"),
    ("$5 * 4 = $20, $x$ is", "$5 * 4 = $20, ⟦$x$⟧ is"),
    ("${name} costs ${price}", "${name} costs ${price}"),
    ('$var = 5; echo "$var";', '$var = 5; echo "$var";'),
    ("foo$bar$baz, a$b, US$", "foo$bar$baz, a$b, US$"),
    ("$x^2$<br>$y^2$<br>$$z$$<br>end", "⟦$x^2$⟧\n⟦$y^2$⟧\n⟦$$z$$⟧\nend"),
    (
        "Q1. If $x+\\frac1x=3$ find $x^2+\\frac{1}{x^2}$. (A) $7$ (B) $8$ (C) $9$",
        "Q1. If ⟦$x+\\frac1x=3$⟧ find ⟦$x^2+\\frac{1}{x^2}$⟧. (A) ⟦$7$⟧ (B) ⟦$8$⟧ (C) ⟦$9$⟧",
    ),
    (
        "$\\text{A}$ and $\\textbf{(A)}\\ 5\\qquad\\textbf{(B)}\\ 6$",
        "⟦$\\text{A}$⟧ and ⟦$\\textbf{(A)}\\ 5\\qquad\\textbf{(B)}\\ 6$⟧",
    ),
    (
        "The ratio is $3:4$ and $a:b=2:3$, time $5:30$ and cost $5:00$",
        "The ratio is ⟦$3:4$⟧ and ⟦$a:b=2:3$⟧, time ⟦$5:30$⟧ and cost ⟦$5:00$⟧",
    ),
    ("$\\$1000$ at $5\\%$ yields $\\$50$", "⟦$\\$1000$⟧ at ⟦$5\\%$⟧ yields ⟦$\\$50$⟧"),
    ("$1,000$ dollars and $\\$1,000$", "⟦$1,000$⟧ dollars and ⟦$\\$1,000$⟧"),
    ("Pays $x per week, saves $y per week.", "Pays $x per week, saves $y per week."),
    ("$f(x) = \\$5x + \\$3$", "⟦$f(x) = \\$5x + \\$3$⟧"),
    ("The $500,000 house; the $k$-means; $300", "The $500,000 house; the ⟦$k$⟧-means; $300"),
    ("He paid $5 and got $2 back; $x = 3$.", "He paid $5 and got $2 back; ⟦$x = 3$⟧."),
    ("A (US$1) B ($2) C ($x$)", "A (US$1) B ($2) C (⟦$x$⟧)"),
    (
        "($a$), [$b$], {$c$}, \"$d$\", '$e$', *$f$*, _$g$_, **$h$**, ~$i$",
        "(⟦$a$⟧), [⟦$b$⟧], {⟦$c$⟧}, \"⟦$d$⟧\", '⟦$e$⟧', *⟦$f$⟧*, _⟦$g$⟧_, **⟦$h$⟧**, ~⟦$i$⟧",
    ),
    ("$a$/$b$ $a$\\$b$", "⟦$a$⟧/⟦$b$⟧ ⟦$a$⟧\\$b$"),
    ("&#36;x&#36; and &dollar;y&dollar; and &#x24;z&#x24;", "⟦$x$⟧ and ⟦$y$⟧ and ⟦$z$⟧"),
    ("&#92;(x&#92;) and &bsol;(y&bsol;)", "⟦$x$⟧ and ⟦$y$⟧"),
    ("$$x$$ $$y$$", "⟦$$x$$⟧\n⟦$$y$$⟧"),
    ("$$x$$\n<br>\n$$y$$", "⟦$$x$$⟧\n⟦$$y$$⟧"),
    ("LaTeX: \\(…\\) and \\[…\\] are delimiters", "LaTeX: \\(…\\) and \\[…\\] are delimiters"),
    ("Use \\( and \\) for inline, \\[ and \\] for display.", "Use \\( and \\) for inline, \\[ and \\] for display."),
    ("Use $ and $ for inline, $$ and $$ for display.", "Use $ and $ for inline, $$ and $$ for display."),
    (
        "$ab$, $abc$, $abcd$, $abcde$, $sin x$, $speed$, $ABCDE$, $ABCDEFGH$",
        "⟦$ab$⟧, ⟦$abc$⟧, ⟦$abcd$⟧, $abcde$, ⟦$sin x$⟧, $speed$, ⟦$ABCDE$⟧, ⟦$ABCDEFGH$⟧",
    ),
    (
        "triangle $ABC$ and quadrilateral $ABCD$, pentagon $ABCDE$, hexagon $ABCDEF$",
        "triangle ⟦$ABC$⟧ and quadrilateral ⟦$ABCD$⟧, pentagon ⟦$ABCDE$⟧, hexagon ⟦$ABCDEF$⟧",
    ),
    (
        "<script type=\"text/x-mathjax-config\">MathJax.Hub.Config({tex2jax: {inlineMath:[['$','$'],['\\\\(','\\\\)']]}});</script><p>hexagon $ABCDEF$ and $total cost$</p>",
        "hexagon ⟦$ABCDEF$⟧ and $total cost$",
    ),
    ("$x$;$y$:$z$!$w$?", "⟦$x$⟧;⟦$y$⟧:⟦$z$⟧!⟦$w$⟧?"),
    (
        "$\\infty$ $\\pm$ $+$ $-$ $=$ $<$ $>$ $\\ge$ $*$ $/$",
        "⟦$\\infty$⟧ ⟦$\\pm$⟧ ⟦$+$⟧ ⟦$-$⟧ ⟦$=$⟧ ⟦$<$⟧ ⟦$>$⟧ ⟦$\\ge$⟧ ⟦$*$⟧ ⟦$/$⟧",
    ),
    ("Итак, $x$ — число; цена $5 и $6", "Итак, ⟦$x$⟧ — число; цена $5 и $6"),
    ("Sei $x$ eine Zahl; Preis 5$ und 6$.", "Sei ⟦$x$⟧ eine Zahl; Preis 5$ und 6$."),
    ("Le prix est 5 $ et 10 $, soit $x$ un réel", "Le prix est 5 $ et 10 $, soit ⟦$x$⟧ un réel"),
    ("R$ 5,00 e R$ 10,00; seja $x$", "R$ 5,00 e R$ 10,00; seja ⟦$x$⟧"),
    ("5$ to 10$ and $x$", "5$ to 10$ and ⟦$x$⟧"),
    ("it costs 10$. And $x$ is.", "it costs 10$. And ⟦$x$⟧ is."),
    (
        '<div class="post">Hi all,<br><br>Find $x$ if $x^2=4$.<br>Price was $5.<br><br>Thanks for $10</div>',
        "Hi all,\nFind ⟦$x$⟧ if ⟦$x^2=4$⟧.\nPrice was $5.\nThanks for $10",
    ),
    ("$5<br>$6<br>$7", "$5\n$6\n$7"),
    ("<p>$x</p><p>y$</p>", "$x\n\ny$"),
    (
        "$3:4$, $1/2$, $2(x)$, $5!$, $3/4$ and $5/mo or $6/yr",
        "⟦$3:4$⟧, ⟦$1/2$⟧, ⟦$2(x)$⟧, ⟦$5!$⟧, ⟦$3/4$⟧ and $5/mo or $6/yr",
    ),
    ("$5(a,b)$ $0.5(x-1)$", "⟦$5(a,b)$⟧ ⟦$0.5(x-1)$⟧"),
    ("$5/6 or $7/8 inch", "$5/6 or $7/8 inch"),
    ("$5-10, $20-30", "$5-10, $20-30"),
    ("$2.5$ m, $1.000,50$", "⟦$2.5$⟧ m, ⟦$1.000,50$⟧"),
    ("$1$-$2$ range; $1-2$ diff; $10-20 range", "⟦$1$⟧-⟦$2$⟧ range; ⟦$1-2$⟧ diff; $10-20 range"),
]

ENVIRONMENTS_AND_MARKUP = [
    ("By \\[ E = mc^2 \\tag{1} \\] we get \\(E\\).", "By\n⟦$$E = mc^2 \\tag{1}$$⟧\nwe get ⟦$E$⟧."),
    (
        "Text \\begin{equation}\\label{eq:a} a = b \\tag{2.1}\\end{equation} see \\eqref{eq:a} and \\ref{eq:a}.",
        "Text\n⟦$$\\begin{equation}\\label{eq:a} a = b \\tag{2.1}\\end{equation}$$⟧\nsee \\eqref{eq:a} and \\ref{eq:a}.",
    ),
    ("see $\\eqref{eq:a}$ or (\\ref{eq:a})", "see ⟦$\\eqref{eq:a}$⟧ or (\\ref{eq:a})"),
    (
        "\\begin{align}\n a &amp;= b \\\\\n c &amp;= d\n\\end{align}\nthen",
        "⟦$$\\begin{align}\na &= b \\\\\nc &= d\n\\end{align}$$⟧\nthen",
    ),
    (
        "\\[\\begin{multline} a + b \\\\ + c \\end{multline}\\]",
        "⟦$$\\begin{multline} a + b \\\\ + c \\end{multline}$$⟧",
    ),
    (
        "$$\\begin{cases} x &amp; x&gt;0 \\\\ -x &amp; x&lt;0\\end{cases}$$",
        "⟦$$\\begin{cases} x & x>0 \\\\ -x & x<0\\end{cases}$$⟧",
    ),
    (
        "M = \\begin{pmatrix}1&amp;2\\\\3&amp;4\\end{pmatrix} is a matrix",
        "M =\n⟦$$\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}$$⟧\nis a matrix",
    ),
    (
        "$A=\\begin{bmatrix}1&2\\\\3&4\\end{bmatrix}$ invertible",
        "⟦$A=\\begin{bmatrix}1&2\\\\3&4\\end{bmatrix}$⟧ invertible",
    ),
    (
        "\\begin{align*}a&=b\\\\&=\\begin{cases}1\\\\2\\end{cases}\\end{align*}",
        "⟦$$\\begin{align*}a&=b\\\\&=\\begin{cases}1\\\\2\\end{cases}\\end{align*}$$⟧",
    ),
    ("[tex]x^2[/tex], [TEX]y[/TEX], [Tex]z[/Tex]", "⟦$x^2$⟧, ⟦$y$⟧, ⟦$z$⟧"),
    ("[itex]x[/itex] and [tex]\\int f[/tex]", "⟦$x$⟧ and\n⟦$$\\int f$$⟧"),
    (
        '[latex]x^2[/latex] [latex display="true"]y[/latex] [latex size="2" color="000"]z[/latex]',
        "⟦$x^2$⟧\n⟦$$y$$⟧\n⟦$z$⟧",
    ),
    ("[math]\\frac{a}{b}[/math] [imath]c[/imath] [dmath]d[/dmath]", "⟦$\\frac{a}{b}$⟧ ⟦$c$⟧\n⟦$$d$$⟧"),
    ("[$]x^2[/$] and [$$]y[/$$]", "⟦$x^2$⟧ and\n⟦$$y$$⟧"),
    ("[$]\\alpha[/$] = [$]\\beta[/$]", "⟦$\\alpha$⟧ = ⟦$\\beta$⟧"),
    ("{{math|x < y}} and {{math|1=a = b}} and {{mvar|n}}", "⟦$x < y$⟧ and ⟦$a = b$⟧ and ⟦$n$⟧"),
    (
        "&lt;math&gt;\\alpha&lt;/math&gt; and &lt;tex&gt;x&lt;/tex&gt; and &lt;latex&gt;y&lt;/latex&gt;",
        "⟦$\\alpha$⟧ and ⟦$x$⟧ and ⟦$y$⟧",
    ),
    ('&lt;math display="block"&gt;x&lt;/math&gt;', "⟦$$x$$⟧"),
    (
        "$latex x^2$ and $latex \\alpha&amp;fg=ff0000$ and $latex \\displaystyle y&amp;bg=ffffff&amp;fg=000&amp;s=2$",
        "⟦$x^2$⟧ and ⟦$\\alpha$⟧ and ⟦$y$⟧",
    ),
    ("$latex $ and $latex$", "$latex $ and $latex$"),
    ("$latex\\alpha$ and $LaTeX x$", "⟦$\\alpha$⟧ and ⟦$x$⟧"),
    ("$latex x &amp; y$ $$latex z$$", "⟦$x & y$⟧\n⟦$$z$$⟧"),
    ("[tex]a[b]c[/tex] end", "⟦$a[b]c$⟧ end"),
    ("[tex][/tex] empty", "[tex][/tex] empty"),
    ("[TEX=1]x[/TEX]", "⟦$x$⟧"),
    ("[tex]a<br>b[/tex]", "⟦$a b$⟧"),
    ("[tex]a &lt; b[/tex]", "⟦$a < b$⟧"),
    ("[tex]\\displaystyle \\sum[/tex] then", "⟦$\\sum$⟧ then"),
    ("[tex]$x$[/tex] [latex]\\[y\\][/latex] [math]$$z$$[/math]", "⟦$x$⟧\n⟦$$y$$⟧\n⟦$$z$$⟧"),
    ("[ITEX]a[/ITEX]", "⟦$a$⟧"),
    ("[eq]x=1[/eq] [equation]y[/equation] [mathjax]z[/mathjax] [katex]w[/katex]", "⟦$x=1$⟧ ⟦$y$⟧ ⟦$z$⟧ ⟦$w$⟧"),
    ("[katex display=true]x[/katex] [latex]y[/latex]", "⟦$$x$$⟧\n⟦$y$⟧"),
    ("[asciimath]x^2/2[/asciimath]", "⟦$\\frac{x^{2}}{2}$⟧"),
    ("[mimetex]x^2[/mimetex] [mathtex]y[/mathtex] [m]x[/m] [ce]H2O[/ce]", "⟦$x^2$⟧ ⟦$y$⟧ ⟦$x$⟧ [ce]H2O[/ce]"),
    ("see [math](note) and [tex] tags", "see [math](note) and [tex] tags"),
    ("{eq}\\frac{x}{y}{/eq} and {eq}z{/eq}", "⟦$\\frac{x}{y}$⟧ and ⟦$z$⟧"),
    (
        '<script>MathJax.Hub.Config({tex2jax:{inlineMath:[["##","##"]],displayMath:[["$$","$$"]]}})</script><p>let ##x## be $$y$$</p>',
        "let ⟦$x$⟧ be\n⟦$$y$$⟧",
    ),
    (
        '<script>MathJax.Hub.Config({tex2jax:{inlineMath:[["[mathjaxinline]","[/mathjaxinline]"]],displayMath:[["[mathjax]","[/mathjax]"]]}})</script><p>let [mathjaxinline]x[/mathjaxinline] be [mathjax]y[/mathjax]</p>',
        "let ⟦$x$⟧ be\n⟦$$y$$⟧",
    ),
    ("\\begin{displaymath}x\\end{displaymath} \\begin{math}y\\end{math} z", "⟦$$x$$⟧\n⟦$y$⟧ z"),
    (
        "\\begin{tikzpicture} \\draw (0,0); \\end{tikzpicture} \\begin{tabular}{c} a \\end{tabular}",
        "\\begin{tikzpicture} \\draw (0,0); \\end{tikzpicture} \\begin{tabular}{c} a \\end{tabular}",
    ),
    ("\\begin {equation} a \\end {equation}", "⟦$$\\begin {equation} a \\end {equation}$$⟧"),
    ("\\begin{equation} a \\end{align}", "\\begin{equation} a \\end{align}"),
    ("\\begin{alignat}{2} a &= b \\end{alignat}", "⟦$$\\begin{alignat}{2} a &= b \\end{alignat}$$⟧"),
    (
        "\\begin{eqnarray*} a &=& b \\\\ &=& c \\end{eqnarray*}",
        "⟦$$\\begin{eqnarray*} a &=& b \\\\ &=& c \\end{eqnarray*}$$⟧",
    ),
    (
        "\\begin{multline*}a\\\\b\\end{multline*}\\begin{gather*}c\\end{gather*}",
        "⟦$$\\begin{multline*}a\\\\b\\end{multline*}$$⟧\n⟦$$\\begin{gather*}c\\end{gather*}$$⟧",
    ),
    (
        "\\begin{subequations}\\begin{align}a\\end{align}\\end{subequations}",
        "⟦$$\\begin{subequations}\\begin{align}a\\end{align}\\end{subequations}$$⟧",
    ),
    (
        "\\[ f(x)=\\begin{cases}1&\\text{if $x>0$}\\\\0&\\text{else}\\end{cases} \\]",
        "⟦$$f(x)=\\begin{cases}1&\\text{if $x>0$}\\\\0&\\text{else}\\end{cases}$$⟧",
    ),
    (
        "\\begin{equation}\\label{a}x\\end{equation}, where (\\ref{a})",
        "⟦$$\\begin{equation}\\label{a}x\\end{equation}$$⟧,\nwhere (\\ref{a})",
    ),
    ("Thus\\begin{align}x\\end{align}.", "Thus\n⟦$$\\begin{align}x\\end{align}$$⟧."),
]

DAMAGE = [
    (
        "the conv $f<em>g</em>h$ and $A^<em>A = B^</em>B$, $x^{<em>}y^{</em>}$",
        "the conv ⟦$f*g*h$⟧ and ⟦$A^*A = B^*B$⟧, ⟦$x^{*}y^{*}$⟧",
    ),
    ("un<em>frigging</em>believable, $x$", "unfriggingbelievable, ⟦$x$⟧"),
    ("It is $5 for <em>a</em> b<em>c</em>d", "It is $5 for a bcd"),
    ("$a<em>1 + b</em>1$ end", "⟦$a_1 + b_1$⟧ end"),
    ("sum $\\sum<em>{i=1}^n x</em>i$ end", "sum ⟦$\\sum_{i=1}^n x_i$⟧ end"),
    ("$x<em>n = y</em>{n+1}$ and $z$", "⟦$x_n = y_{n+1}$⟧ and ⟦$z$⟧"),
    ("$a<em>1$ and $b</em>1$ are equal", "⟦$a_1$⟧ and ⟦$b_1$⟧ are equal"),
    ("$$a<em>{ij} = \\sum</em>k b<em>{ik} c</em>{kj}$$", "⟦$$a_{ij} = \\sum_k b_{ik} c_{kj}$$⟧"),
    ("$x<sub>1</sub> + x<sup>2</sup>$ ok", "⟦$x_{1} + x^{2}$⟧ ok"),
    ("\\(x<sub>n</sub> \\to <i>L</i>\\)", "⟦$x_{n} \\to L$⟧"),
    ("$<i>f</i>(<b>x</b>) = 0$", "⟦$f(x) = 0$⟧"),
    ("$$<br>a = b \\\\<br />c = d<br>$$", "⟦$$a = b \\\\\nc = d$$⟧"),
    (
        "\\[<br/>\n\\begin{aligned}<br/>\na &= b\\\\<br/>\nc &= d<br/>\n\\end{aligned}<br/>\n\\]",
        "⟦$$\\begin{aligned}\na &= b\\\\\nc &= d\n\\end{aligned}$$⟧",
    ),
    ('the set <a href="#">$A$</a> and $<a href="/x">B</a>$', "the set ⟦$A$⟧ and ⟦$B$⟧"),
    ("$\\alpha<span>+\\beta</span>$ x <span>$\\gamma$</span>", "⟦$\\alpha+\\beta$⟧ x ⟦$\\gamma$⟧"),
    ("<p>\\[</p>\n<p>x = y</p>\n<p>\\] done</p>", "⟦$$x = y$$⟧\ndone"),
    (
        "<div>\\[\\begin{array}{cc}<br>1 &amp; 2\\\\<br>3 &amp; 4\\end{array}\\]</div>",
        "⟦$$\\begin{array}{cc}\n1 & 2\\\\\n3 & 4\\end{array}$$⟧",
    ),
    ("$a<b$ and $c>d$", "⟦$a<b$⟧ and ⟦$c>d$⟧"),
    ("$x<y$, $y<z$ so $x<z$", "⟦$x<y$⟧, ⟦$y<z$⟧ so ⟦$x<z$⟧"),
    ("if $i<n$ then", "if ⟦$i<n$⟧ then"),
    ("$$1<k<n$$ holds", "⟦$$1<k<n$$⟧\nholds"),
    ("\\(a<b<c\\) ok", "⟦$a<b<c$⟧ ok"),
    ("$0<p<1$ and $p<q$ <b>bold</b>", "⟦$0<p<1$⟧ and ⟦$p<q$⟧ bold"),
    ("for $|x|<r$ and $n<N_0$; <i>f</i> is", "for ⟦$|x|<r$⟧ and ⟦$n<N_0$⟧; f is"),
    ("$\\sum_{i<j}x_{ij}$ ok", "⟦$\\sum_{i<j}x_{ij}$⟧ ok"),
    ("$a<=b$ or $a<-1$", "⟦$a<=b$⟧ or ⟦$a<-1$⟧"),
    ("$s<t$ and $u<v$", "⟦$s<t$⟧ and ⟦$u<v$⟧"),
    ("$x<p$ and $p<a$", "⟦$x<p$⟧ and ⟦$p<a$⟧"),
    ("$a &lt; b$, $c &amp;lt; d$, \\(e &amp;amp; f\\)", "⟦$a < b$⟧, ⟦$c < d$⟧, ⟦$e & f$⟧"),
    ("$x&nbsp;=&nbsp;1$ and $a\u200b+\xadb$ and $c\u2062d$", "⟦$x = 1$⟧ and ⟦$a+b$⟧ and ⟦$cd$⟧"),
    ("$x&thinsp;=&ensp;1$", "⟦$x\u2009=\u20021$⟧"),
    ("$x &minus; y &times; z &le; &pi;$", "⟦$x − y × z ≤ π$⟧"),
    ("$f’(x)$ and $f′(x)$", "⟦$f'(x)$⟧ and ⟦$f′(x)$⟧"),
    ("$a &#8211; b$ – c", "⟦$a – b$⟧ – c"),
    ("$x_1, &hellip;, x_n$", "⟦$x_1, …, x_n$⟧"),
    ("$x^{\\mbox{2<sup>nd</sup>}}$", "⟦$x^{\\mbox{2nd}}$⟧"),
    ("type <code>$x$</code>, <kbd>$y$</kbd>, <samp>\\(z\\)</samp>, <tt>$$</tt>", "type `$x$`, `$y$`, `\\(z\\)`, `$$`"),
    ("$\\color{red}x + {\\color{blue}{y}} + \\textcolor[rgb]{1,0,0}{z} + \\color{#ff0000}{w}$", "⟦$x + y + z + w$⟧"),
    ("$\\bbox[yellow]{x+y}$ and $\\bbox[5px,border:2px solid red]{E=mc^2}$", "⟦$x+y$⟧ and ⟦$E=mc^2$⟧"),
    ("$\\mbox{if } x > 0$", "⟦$\\mbox{if } x > 0$⟧"),
    (
        "${\\displaystyle \\sum_{i}{x_i}}$, $\\displaystyle{\\frac12}$, $\\textstyle \\frac12$, $\\displaystyle\\frac{a}{b}$",
        "⟦$\\sum_{i}{x_i}$⟧, ⟦$\\frac12$⟧, ⟦$\\frac12$⟧, ⟦$\\frac{a}{b}$⟧",
    ),
    (
        "$\\require{cancel}\\cancel{x}$, $\\style{color:red}{x}$, $\\class{a}{y}$, $\\cssId{i}{z}$, $\\href{http://a.b/c_d}{w}$",
        "⟦$\\cancel{x}$⟧, ⟦$x$⟧, ⟦$y$⟧, ⟦$z$⟧, ⟦$w$⟧",
    ),
    ("$x\\unicode{x2265}y$, $\\unicode[STIX]{8477}$", "⟦$x\\unicode{x2265}y$⟧, ⟦$\\unicode[STIX]{8477}$⟧"),
    ("$$a % comment with $dollar\n+ b$$", "⟦$$a\n+ b$$⟧"),
    ("$50\\% of x$", "⟦$50\\% of x$⟧"),
    ("$x \\% y % z$", "⟦$x \\% y % z$⟧"),
    (
        "$\x08oldsymbol{x}$ $\x0crac{1}{2}$ $\theta$ $\tau$ $\text{a}$",
        "⟦$\\boldsymbol{x}$⟧ ⟦$\\frac{1}{2}$⟧ ⟦$\\theta$⟧ ⟦$\\tau$⟧ ⟦$\\text{a}$⟧",
    ),
    ("$\\\\frac{1}{2} + \\\\alpha$", "⟦$\\frac{1}{2} + \\alpha$⟧"),
    ("\\\\(x^2\\\\) and \\\\[y\\\\]", "⟦$x^2$⟧ and\n⟦$$y$$⟧"),
    ("$$\\\\begin{aligned} a \\\\\\\\ b \\\\end{aligned}$$", "⟦$$\\begin{aligned} a \\\\ b \\end{aligned}$$⟧"),
    ("$`a+b`$ and $`\\sqrt{2}`$", "⟦$a+b$⟧ and ⟦$\\sqrt{2}$⟧"),
    ("```math\nx^2\n```", "⟦$$x^2$$⟧"),
    ("\\(\\text{a \\(x\\) b}\\)", "⟦$\\text{a \\(x\\) b}$⟧"),
    ("\\[x\\] \\[y\\]", "⟦$$x$$⟧\n⟦$$y$$⟧"),
    ("\\(a\\)\\(b\\)", "⟦$a$⟧ ⟦$b$⟧"),
]

CHINESE = [
    ("设$x$为实数，$y$为整数，求$x+y$的值。", "设⟦$x$⟧为实数，⟦$y$⟧为整数，求⟦$x+y$⟧的值。"),
    ("已知函数\\(f(x)=x^2\\)，则\\[f(2)=4\\]。故选A．", "已知函数⟦$f(x)=x^2$⟧，则\n⟦$$f(2)=4$$⟧。\n故选A．"),
    ("由$$a^2+b^2=c^2$$，得$c=5$．", "由\n⟦$$a^2+b^2=c^2$$⟧，\n得⟦$c=5$⟧．"),
    ("＄x＋y＄ 与 ＄\\alpha＄", "⟦$x＋y$⟧ 与 ⟦$\\alpha$⟧"),
    ("设＄x＝1＄，则……", "设⟦$x＝1$⟧，则……"),
    ("苹果每斤$5$元，共$n$斤，付$5n$元", "苹果每斤⟦$5$⟧元，共⟦$n$⟧斤，付⟦$5n$⟧元"),
    ("价格为$5，优惠后$3，函数$f(x)$", "价格为$5，优惠后$3，函数⟦$f(x)$⟧"),
    ("100元=$15.5，1$=6.8元", "100元=$15.5，1$=6.8元"),
    ("若$x＞0$，$y≤1$，则$（x，y）$在第一象限", "若⟦$x＞0$⟧，⟦$y≤1$⟧，则⟦$（x，y）$⟧在第一象限"),
    ("∠A＝30°，△ABC≌△DEF，√3，x²＋y²＝1", "∠A＝30°，△ABC≌△DEF，√3，x²＋y²＝1"),
    ("集合$A=\\{x|x>0，且x\\in \\mathbf{R}\\}$", "集合⟦$A=\\{x|x>0，且x\\in \\mathbf{R}\\}$⟧"),
    ("$\\text{若}x>0\\text{，则}y$", "⟦$\\text{若}x>0\\text{，则}y$⟧"),
    (
        "【解】$\\because a//b$，$\\therefore$ $\\angle 1=\\angle 2$．",
        "【解】⟦$\\because a//b$⟧，⟦$\\therefore$⟧ ⟦$\\angle 1=\\angle 2$⟧．",
    ),
    ("圆的面积是$S=πr^2$（$π$取$3.14$）", "圆的面积是⟦$S=πr^2$⟧（⟦$π$⟧取⟦$3.14$⟧）"),
    ("$S_{阴影}=S_{△ABC}-S_{扇形}$", "⟦$S_{阴影}=S_{△ABC}-S_{扇形}$⟧"),
    ("$速度=路程÷时间$", "⟦$速度=路程÷时间$⟧"),
    ("（1）$x=1$；（2）$y=2$；", "（1）⟦$x=1$⟧；（2）⟦$y=2$⟧；"),
    ("答案：$\\dfrac{1}{2}$或$-\\dfrac12$", "答案：⟦$\\dfrac{1}{2}$⟧或⟦$-\\dfrac12$⟧"),
    (
        "$$\\left\\{\\begin{array}{l}x+y=1，\\\\x-y=3.\\end{array}\\right.$$",
        "⟦$$\\left\\{\\begin{array}{l}x+y=1，\\\\x-y=3.\\end{array}\\right.$$⟧",
    ),
    ("\\begin{equation}a=b。\\end{equation}其中", "⟦$$\\begin{equation}a=b。\\end{equation}$$⟧\n其中"),
    ("$1$、$2$、$3$，共$3$个", "⟦$1$⟧、⟦$2$⟧、⟦$3$⟧，共⟦$3$⟧个"),
    ("设\\(\\begin{cases}x=1\\\\y=2\\end{cases}\\)是解", "设⟦$\\begin{cases}x=1\\\\y=2\\end{cases}$⟧是解"),
    ("美元US$100，港币HK$50，和$x$", "美元US$100，港币HK$50，和⟦$x$⟧"),
    ("命令$HOME和$PATH变量", "命令$HOME和$PATH变量"),
    ("式(1)：$$x=1\\tag{1}$$式(2)：", "式(1)：\n⟦$$x=1\\tag{1}$$⟧\n式(2)："),
    ("$ a $是$ b $的倍数", "⟦$a$⟧是⟦$b$⟧的倍数"),
    (
        "下列计算正确的是( )A．$a^2·a^3=a^6$ B．$(a^2)^3=a^5$",
        "下列计算正确的是( )A．⟦$a^2·a^3=a^6$⟧ B．⟦$(a^2)^3=a^5$⟧",
    ),
    ("x<sup>2</sup>＋y<sub>1</sub>，10<sup>－3</sup>", "x^{2}＋y_{1}，10^{－3}"),
    ("$\\frac{1}{2}$$\\times$$3$", "⟦$\\frac{1}{2}$⟧ ⟦$\\times$⟧ ⟦$3$⟧"),
    ("$a$，$$b$$，$c$", "⟦$a$⟧，\n⟦$$b$$⟧，\n⟦$c$⟧"),
    ("$３x＋２＝５$", "⟦$３x＋２＝５$⟧"),
    ("$x\\in\\left(0,1\\right)$时，$f'(x)>0$", "⟦$x\\in\\left(0,1\\right)$⟧时，⟦$f'(x)>0$⟧"),
]

CONFIGURED = [
    (
        "<script type=\"text/x-mathjax-config\">MathJax.Hub.Config({tex2jax: {inlineMath:[['$','$'],['\\\\(','\\\\)']],displayMath:[['$$','$$'],['\\\\[','\\\\]']],processEscapes:true}});</script><p>It costs \\$5 for $n$ and \\$6.</p>",
        "It costs \\$5 for ⟦$n$⟧ and \\$6.",
    ),
    (
        "<script type=\"text/x-mathjax-config\">MathJax.Hub.Config({tex2jax: {inlineMath:[['$','$']],processEscapes:true}});</script><p>It costs $5 or $6 each.</p>",
        "It costs $5 or $6 each.",
    ),
    (
        "<script type=\"text/x-mathjax-config\">MathJax.Hub.Config({tex2jax: {inlineMath:[['$','$']]}});</script><p>Pay $5, where $x=5$ is paid.</p>",
        "Pay $5, where ⟦$x=5$⟧ is paid.",
    ),
    (
        "<script type=\"text/x-mathjax-config\">MathJax.Hub.Config({tex2jax: {inlineMath:[['$','$']], ignoreClass: 'tex2jax_ignore', skipTags:['script','noscript','style','textarea','pre','code','annotation']}});</script><p>a <span class=\"tex2jax_ignore\">$x$</span> b $y$</p><pre>$z$</pre>",
        "a $x$ b ⟦$y$⟧\n\n```\n$z$\n```",
    ),
    (
        "<script type=\"text/x-mathjax-config\">MathJax.Hub.Config({tex2jax: {inlineMath:[['$','$']], ignoreClass: '.*|', processClass: 'tex'}});</script><p>a $5 b $6</p><p class=\"tex\">a $y$</p>",
        "a $5 b $6\n\na ⟦$y$⟧",
    ),
    (
        "<script>window.MathJax = {tex: {inlineMath: [['$', '$'], ['\\\\(', '\\\\)']], displayMath: [['$$','$$'], ['\\\\[','\\\\]']], processEscapes: true, processEnvironments: true}, options: {ignoreHtmlClass: 'no-math', processHtmlClass: 'math'}};</script><p class=\"no-math\">$a$ and $b$</p><p>$c$</p>",
        "$a$ and $b$\n\n⟦$c$⟧",
    ),
    (
        "<script>window.MathJax = {tex: {inlineMath: [['@(','@)']], displayMath: [['@[','@]']]}};</script><p>a @(x@) b @[y@] mail@(example)</p>",
        "a ⟦$x$⟧ b\n⟦$$y$$⟧\nmail@(example)",
    ),
    ("<script>window.MathJax = {tex: {inlineMath: {'[+]': [['$', '$']]}}};</script><p>a $x$ b</p>", "a ⟦$x$⟧ b"),
    (
        '<script>renderMathInElement(document.body, {delimiters: [{left: "$$", right: "$$", display: true},{left: "$", right: "$", display: false},{left: "\\\\(", right: "\\\\)", display: false},{left: "\\\\begin{equation}", right: "\\\\end{equation}", display: true}]});</script><p>a $x$ b $$y$$ c \\begin{equation}z\\end{equation}</p>',
        "a ⟦$x$⟧ b\n⟦$$y$$⟧\nc\n⟦$$\\begin{equation}z\\end{equation}$$⟧",
    ),
    (
        '<script>renderMathInElement(document.body, {delimiters: [{left: "$", right: "$", display: true}]});</script><p>a $x$ b</p>',
        "a\n⟦$$x$$⟧\nb",
    ),
    (
        '<script>renderMathInElement(document.body, {delimiters: [{left:"\\\\(",right:"\\\\)",display:!1},{left:"[[",right:"]]",display:!0}], ignoredClasses: ["nokatex"], ignoredTags: ["code","pre"]});</script><p>a \\(x\\) b [[y]] c <span class="nokatex">[[z]]</span></p>',
        "a ⟦$x$⟧ b\n⟦$$y$$⟧\nc [[z]]",
    ),
    (
        '<script src="auto-render.min.js" onload="renderMathInElement(document.body,{delimiters:[{left:&quot;%%&quot;,right:&quot;%%&quot;,display:false}]});"></script><p>a %%x%% b</p>',
        "a ⟦$x$⟧ b",
    ),
    (
        "<script src=\"auto-render.min.js\" onload=\"renderMathInElement(document.body,{delimiters:[{left:'!!',right:'!!',display:false}]});\"></script><p>a !!x!! b</p>",
        "a ⟦$x$⟧ b",
    ),
    (
        '<script type="application/json" id="mj">{"tex": {"inlineMath": [["~~", "~~"]]}}</script><p>a ~~x~~ b</p>',
        "a ⟦$x$⟧ b",
    ),
    (
        "<script type=\"text/x-mathjax-config\">MathJax.Hub.Config({tex2jax: {inlineMath:[['$','$'});</script><p>a $x$ b and \\(y\\)</p>",
        "a ⟦$x$⟧ b and ⟦$y$⟧",
    ),
    (
        '<script type="text/x-mathjax-config">MathJax.Hub.Config({ extensions: ["tex2jax.js"], jax: ["input/TeX","output/HTML-CSS"], tex2jax: { inlineMath: [ ["$","$"], ["\\\\(","\\\\)"] ], displayMath: [ ["$$","$$"], ["\\\\[","\\\\]"] ] } }); // comment: it\'s ok </script><p>$x$</p>',
        "⟦$x$⟧",
    ),
    (
        '<script>MathJax = { tex: { // inlineMath: [["%","%"]],\n inlineMath: [ ["\\\\(","\\\\)"] ] } }</script><p>50% or 60% $5 $6</p>',
        "50% or 60% $5 $6",
    ),
    (
        "<script type=\"text/x-mathjax-config\">MathJax.Hub.Config({tex2jax: {inlineMath:[['\\\\(','\\\\)']]}});</script><p>set $HOME, $x$ costs $5</p>",
        "set $HOME, $x$ costs $5",
    ),
    (
        '<script src="https://cdn.example/MathJax.js?config=AM_HTMLorMML"></script><p>a `x^2` b `sum_(i=1)^n i`. <code>`c`</code></p>',
        "a ⟦$x^{2}$⟧ b ⟦$\\sum_{i=1}^{n}i$⟧. ``c``",
    ),
    ('<script src="https://cdn.example/MathJax.js?config=AM_HTMLorMML"></script><p>a \\`x\\` b</p>', "a \\`x\\` b"),
    (
        '<script src="https://cdn.example/MathJax.js?config=AM_HTMLorMML"></script><p>use `npm install` and `x=1`</p>',
        "use `npm install` and ⟦$x=1$⟧",
    ),
    (
        '<script src="https://cdn.example/MathJax.js?config=AM_HTMLorMML"></script><p>unclosed `x^2 and</p><p>`y`</p>',
        "unclosed `x^2 and\n\n⟦$y$⟧",
    ),
    (
        '<script src="https://cdn.example/MathJax.js?config=AM_HTMLorMML"></script><p>`"if " x &gt; 0`</p>',
        "⟦$\\text{if }x>0$⟧",
    ),
    ('<script src="https://cdn.example/MathJax.js?config=AM_HTMLorMML"></script><p>`a</p>', "`a"),
    (
        '<script src="https://cdn.example/MathJax.js?config=AM_HTMLorMML"></script><p>`x &lt; y`, `x<y` and `[[a,b],[c,d]]`</p>',
        "⟦$x<y$⟧, ⟦$x<y$⟧ and ⟦$\\begin{bmatrix} a & b \\\\ c & d \\end{bmatrix}$⟧",
    ),
    ('<script src="ASCIIMathML.js"></script><p>a `x/2` b $y$ c</p>', "a ⟦$\\frac{x}{2}$⟧ b ⟦$y$⟧ c"),
    (
        '<script>MathJax = {loader: {load: ["input/asciimath","output/chtml"]}}</script><p>a `x/2` b</p>',
        "a ⟦$\\frac{x}{2}$⟧ b",
    ),
    (
        '<script>MathJax = {asciimath: {delimiters: [["%","%"]]}, loader:{load:["input/asciimath"]}}</script><p>a %x/2% b `c`</p>',
        "a ⟦$\\frac{x}{2}$⟧ b `c`",
    ),
    (
        '<script>MathJax.Hub.Config({jax:["input/AsciiMath"],asciimath2jax:{delimiters:[["`","`"],["$","$"]]}})</script><p>a `x/2` b $y/3$ c</p>',
        "a ⟦$\\frac{x}{2}$⟧ b ⟦$\\frac{y}{3}$⟧ c",
    ),
    ("no config `x^2/3` text", "no config `x^2/3` text"),
    (
        '<script src="https://cdn/MathJax.js?config=TeX-MML-AM_CHTML"></script><p>run `git commit -m` and `pip install x`, \\(y\\)</p>',
        "run `git commit -m` and `pip install x`, ⟦$y$⟧",
    ),
    ('<script src="https://cdn/MathJax.js?config=TeX-MML-AM_CHTML"></script><p>let `x_1` be</p>', "let ⟦$x_{1}$⟧ be"),
]

SCRIPTS = [
    ("2<sup>10</sup> = 1024", "2^{10} = 1024"),
    ("x<sub>i+1</sub><sup>2</sup>", "x_{i+1}^{2}"),
    ("<i>x</i><sup>2</sup> + <i>y</i><sup>2</sup> = <i>r</i><sup>2</sup>", "x^{2} + y^{2} = r^{2}"),
    ("<var>a</var><sub><var>n</var></sub>", "a_{n}"),
    ("H<sub>2</sub>O and CO<sub>2</sub>, SO<sub>4</sub><sup>2&minus;</sup>", "H_{2}O and CO_{2}, SO_{4}^{2−}"),
    ("10<sup>&minus;6</sup> m, 10<sup>-3</sup>, m<sup>2</sup>, cm<sup>3</sup>", "10^{−6} m, 10^{-3}, m^{2}, cm^{3}"),
    ("e<sup>x<sup>2</sup></sup>", "e^{x^{2}}"),
    ("a<sub>b<sub>c</sub></sub>", "a_{b_{c}}"),
    ("text.<sup>12</sup> Next", "text.[12] Next"),
    ('text.<sup id="cite_ref-1" class="reference"><a href="#cite_note-1">[1]</a></sup> Next', "text.[1] Next"),
    ("x² ≤ √2, ∑ ½ α_i", "x² ≤ √2, ∑ ½ α_i"),
    ("&frac12; + &#8531; 2&times;3 &divide; 4 &minus; 1 &ne; &infin;", "½ + ⅓ 2×3 ÷ 4 − 1 ≠ ∞"),
    ("log<sub>2</sub> 8 = 3, lim<sub>x→0</sub> f(x)", "log_{2} 8 = 3, lim_{x→0} f(x)"),
    ("x<sup> 2 </sup>y", "x^{2}y"),
    ("x<sup><small>2</small></sup>, x<sup><b>n</b></sup>", "x^{2}, x^{n}"),
    ("<sup>3</sup>/<sub>4</sub> cup", "3/4 cup"),
    ("<sup>1</sup>&frasl;<sub>2</sub>", "1/2"),
    ("1<sup>1</sup>/<sub>2</sub>", "1 1/2"),
    ("Product&trade;<sup>®</sup> Brand<sup>TM</sup>", "Product™® BrandTM"),
    ("x<sub></sub>y<sup></sup>", "xy"),
    ("a<sub>1</sub>, …, a<sub>n</sub>", "a_{1}, …, a_{n}"),
    ("<em>x</em><sub><em>i</em>,<em>j</em></sub>", "x_{i,j}"),
    ("5<sup>o</sup>C, 90<sup>°</sup>, 30<sup>∘</sup>", "5^{o}C, 90^{°}, 30^{∘}"),
    ("x<sup>2<br></sup>", "x^{2}"),
    (
        "<table><tr><td>2<sup>8</sup></td><td>256</td></tr><tr><td>2<sup>9</sup></td><td>512</td></tr></table>",
        "| 2^{8} | 256 |\n| 2^{9} | 512 |",
    ),
    ("<h2>Solving x<sup>2</sup> = 4</h2><p>text</p>", "## Solving x^{2} = 4\n\ntext"),
    ("Fe<sup>3+</sup> and Na<sup>+</sup>", "Fe^{3+} and Na^{+}"),
    ("f<sup>(n)</sup>(x)", "f^{(n)}(x)"),
    ("x<sup>a</sup><sub>b</sub>", "x^{a}_{b}"),
    ('<span class="texhtml"><i>x</i><sup>2</sup> + 1</span>', "x^{2} + 1"),
    ('<span class="frac"><sup>a</sup>/<sub>b</sub></span>', "a/b"),
    ("10<sup>100</sup> is a googol.<sup>3</sup>", "10^{100} is a googol.[3]"),
    ("a<sup>2</sup>b<sup>2</sup>", "a^{2}b^{2}"),
    ("2<sup>2<sup>2</sup></sup> (tower)", "2^{2^{2}} (tower)"),
    ("P(X<sub>1</sub>=x<sub>1</sub>|Y)", "P(X_{1}=x_{1}|Y)"),
    (
        "ab<sup>this is a long superscript text that is a remark about things</sup> c",
        "ab this is a long superscript text that is a remark about things c",
    ),
    ("x<sup>½</sup>, x<sup>n&thinsp;+&thinsp;1</sup>", "x^{½}, x^{n + 1}"),
    ("(a + b)<sup>2</sup> = a<sup>2</sup> + 2ab + b<sup>2</sup>", "(a + b)^{2} = a^{2} + 2ab + b^{2}"),
    ("x<sub>1</sub>x<sub>2</sub> x<sup>y</sup>z", "x_{1}x_{2} x^{y}z"),
]


def marked(html: str) -> str:
    """The text of a page with the spans of its formulas in brackets."""
    page = extract_html((html if html.startswith("<") else f"<p>{html}</p>").encode())
    text, at = "", 0
    for formula in page.formulas:
        text += page.text[at : formula.start] + f"⟦{page.text[formula.start : formula.end]}⟧"
        at = formula.end
    return text + page.text[at:]


@pytest.mark.parametrize(("html", "expected"), PRICES_AND_CODE)
def test_a_dollar_is_a_delimiter_only_where_a_reader_takes_it_for_one(html: str, expected: str) -> None:
    assert marked(html) == expected


@pytest.mark.parametrize(("html", "expected"), ENVIRONMENTS_AND_MARKUP)
def test_environments_and_the_markup_of_forums_and_wikis_are_formulas(html: str, expected: str) -> None:
    assert marked(html) == expected


@pytest.mark.parametrize(("html", "expected"), DAMAGE)
def test_what_editors_and_escapes_did_to_a_formula_is_undone(html: str, expected: str) -> None:
    assert marked(html) == expected


@pytest.mark.parametrize(("html", "expected"), CHINESE)
def test_formulas_glued_to_chinese_text_and_punctuation(html: str, expected: str) -> None:
    assert marked(html) == expected


@pytest.mark.parametrize(("html", "expected"), CONFIGURED)
def test_delimiters_and_ignored_classes_are_those_that_the_page_configures(html: str, expected: str) -> None:
    assert marked(html) == expected


@pytest.mark.parametrize(("html", "expected"), SCRIPTS)
def test_raised_and_lowered_text_keeps_its_meaning(html: str, expected: str) -> None:
    assert marked(html) == expected
