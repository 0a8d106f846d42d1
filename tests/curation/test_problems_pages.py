# ruff: noqa: E501 (pages are written on one line)
"""Problems on realistic pages: textbooks, course sites, forums, exam papers, quizzes, and pages that have none."""

import pytest

from mathmill.curation.problems import from_html

PAGES: dict[str, tuple[str, list[tuple[str, str | None, str | None]]]] = {
    'pretext': (
        '<main class="ptx-main"><section class="exercises"><h3 class="heading"><span class="type">Exercises</span></h3><article class="exercise exercise-like" id="ex-1"><h4 class="heading"><span class="codenumber">1</span>.</h4><p>Find \\(x\\) if \\(2x=6\\text{.}\\)</p><div class="solutions"><details class="solution solution-like knowl"><summary class="knowl__link"><span class="type">Solution</span><span class="period">.</span></summary><div class="solution solution-like knowl__content"><p>Divide by \\(2\\) to get \\(x=3\\text{.}\\)</p></div></details></div></article></section></main>',
        [
            ('Find $x$ if $2x=6\\text{.}$', 'Divide by $2$ to get $x=3\\text{.}$', '3'),
        ],
    ),
    'pretext hint answer solution': (
        '<main class="ptx-main"><article class="exercise exercise-like"><h6 class="heading"><span class="codenumber">2</span>.</h6><p>What is \\(3^2\\text{?}\\)</p><div class="solutions"><details class="hint hint-like"><summary>Hint</summary><div class="hint"><p>Multiply.</p></div></details><details class="answer answer-like"><summary>Answer</summary><div class="answer"><p>\\(9\\)</p></div></details><details class="solution solution-like"><summary>Solution</summary><div class="solution"><p>\\(3\\cdot 3=9\\text{.}\\)</p></div></details></div></article></main>',
        [
            ('What is $3^2\\text{?}$', '$3\\cdot 3=9\\text{.}$', '9'),
        ],
    ),
    'openstax new': (
        '<main><div data-type="exercise" class="os-hasSolution" id="e1"><div data-type="problem" id="p1"><a class="os-number" href="#s1">1</a><span class="os-divider">. </span><div class="os-problem-container"><p>Simplify \\(2(x+1)-x\\).</p></div></div><div data-type="solution" id="s1"><a class="os-number" href="#e1">1</a><span class="os-divider">. </span><div class="os-solution-container"><p>\\(x+2\\)</p></div></div></div></main>',
        [
            ('Simplify $2(x+1)-x$.', '$x+2$', 'x+2'),
        ],
    ),
    'openstax try it': (
        '<main><div data-type="note" class="try"><header><h3 class="os-title"><span class="os-title-label">Try It </span><span class="os-number">1.5</span></h3></header><div class="os-note-body"><div data-type="exercise" class="unnumbered"><div data-type="problem"><div class="os-problem-container"><p>Evaluate \\(5^2\\).</p></div></div></div></div></div></main>',
        [
            ('Evaluate $5^2$.', None, None),
        ],
    ),
    'latexml': (
        '<div class="ltx_page_content"><article class="ltx_document"><div class="ltx_theorem ltx_theorem_exercise" id="Thm1"><h6 class="ltx_title ltx_runin ltx_title_theorem"><span class="ltx_tag ltx_tag_theorem"><span class="ltx_text ltx_font_bold">Exercise 1</span></span><span class="ltx_text ltx_font_bold">.</span></h6><div class="ltx_para"><p class="ltx_p">Show that <math alttext="n^2+n"><mi>n</mi></math> is even.</p></div></div><div class="ltx_theorem ltx_theorem_solution"><h6 class="ltx_title ltx_title_theorem">Solution.</h6><div class="ltx_para"><p class="ltx_p">It is <math alttext="n(n+1)"><mi>n</mi></math>.</p></div></div></article></div>',
        [
            ('Show that $n^2+n$ is even.', 'It is $n(n+1)$.', None),
        ],
    ),
    'latexml example proof': (
        '<article class="ltx_document"><div class="ltx_theorem ltx_theorem_thm"><h6 class="ltx_title">Theorem 1.</h6><p class="ltx_p">Every group is a set.</p></div><div class="ltx_proof"><h6 class="ltx_title">Proof.</h6><p class="ltx_p">By definition. ∎</p></div></article>',
        [
        ],
    ),
    'sphinx exercise directive': (
        '<main class="bd-main" role="main"><article class="bd-article"><div class="exercise admonition" id="my-ex"><p class="admonition-title"><span class="caption-number">Exercise 1 </span> (Sums)</p><section id="exercise-content"><p>Compute \\(1+2+3\\).</p></section></div><div class="solution dropdown admonition" id="sol"><p class="admonition-title"><a class="reference" href="#my-ex">Solution to Exercise 1 (Sums)</a></p><section id="solution-content"><p>\\(1+2+3=6\\)</p></section></div></article></main>',
        [
            ('Compute $1+2+3$.', '$1+2+3=6$', '6'),
        ],
    ),
    'sphinx toggle': (
        '<main role="main"><div class="admonition-exercise admonition"><p class="admonition-title">Exercise</p><p>What is \\(2^5\\)?</p></div><details class="sd-sphinx-override sd-dropdown sd-card"><summary class="sd-summary-title sd-card-header">Solution</summary><div class="sd-summary-content sd-card-body"><p class="sd-card-text">\\(32\\)</p></div></details></main>',
        [
            ('What is $2^5$?', '$32$', '32'),
        ],
    ),
    'details after p': (
        '<article><p>This page belongs to a course on algebra, and it has a few words of prose before anything else.</p><h3>Problem 4</h3><p>Solve \\(x^2=9\\).</p><details><summary>Show solution</summary><p>\\(x=\\pm 3\\).</p></details></article>',
        [
            ('Solve $x^2=9$.', '$x=\\pm 3$.', 'x=\\pm 3'),
        ],
    ),
    'details zh': (
        '<article><p>本页面属于一门初中数学课程，正文之前先有几句说明文字，介绍本节内容。</p><p>例题：计算 $12\\times 5$。</p><details><summary>点击查看答案</summary><p>$60$</p></details></article>',
        [
            ('计算 $12\\times 5$。', '$60$', '60'),
        ],
    ),
    'two details': (
        '<article><p>This page belongs to a course on algebra, and it has a few words of prose before anything else.</p><h4>Exercise 2.</h4><p>Find the derivative of \\(x^3\\).</p><details><summary>Hint</summary><p>Use the power rule.</p></details><details><summary>Answer</summary><p>\\(3x^2\\)</p></details></article>',
        [
            ('Find the derivative of $x^3$.', '$3x^2$', '3x^2'),
        ],
    ),
    'spoiler div': (
        '<article><p>This page belongs to a course on algebra, and it has a few words of prose before anything else.</p><p><b>Problem 1.</b> How many diagonals has a hexagon?</p><div class="su-spoiler"><div class="su-spoiler-title">Solution</div><div class="su-spoiler-content"><p>\\(\\frac{6\\cdot 3}{2}=9\\)</p></div></div></article>',
        [
            ('How many diagonals has a hexagon?', '$\\frac{6\\cdot 3}{2}=9$', '9'),
        ],
    ),
    'button collapse bootstrap': (
        '<article><p>This page belongs to a course on algebra, and it has a few words of prose before anything else.</p><p><strong>Exercise 3:</strong> Compute \\(4!\\).</p><button class="btn" data-toggle="collapse" data-target="#s3">Show Solution</button><div id="s3" class="collapse"><p>\\(4!=24\\)</p></div></article>',
        [
            ('Compute $4!$.', '$4!=24$', '24'),
        ],
    ),
    'lumen hidden answer': (
        '<main><div class="textbox exercises"><h3>Example</h3><p>Solve \\(x+2=5\\).</p><div class="qa-wrapper" style="display: block"><span class="show-answer collapsed" style="cursor: pointer" data-target="q1">Show Solution</span><div id="q1" class="hidden-answer" style="display: none"><p>Subtract 2: \\(x=3\\).</p></div></div></div></main>',
        [
            ('Solve $x+2=5$.', 'Subtract 2: $x=3$.', '3'),
        ],
    ),
    'stackexchange': (
        '<div id="content"><div id="question-header"><h1><a class="question-hyperlink">Why is n^2+n even?</a></h1></div><div id="mainbar"><div class="question" id="question"><div class="postcell"><div class="s-prose js-post-body"><p>How do I prove that $n^2+n$ is even?</p></div></div></div><div id="answers"><div id="answer-2" class="answer js-answer"><div class="s-prose"><p>Try induction.</p></div></div><div id="answer-3" class="answer js-answer accepted-answer"><div class="s-prose"><p>$n(n+1)$ has an even factor.</p></div></div></div></div></div>',
        [
            ('How do I prove that $n^2+n$ is even?', '$n(n+1)$ has an even factor.', None),
        ],
    ),
    'stackexchange question in title': (
        '<div id="content"><div id="question-header"><h1><a class="question-hyperlink">How to compute $\\int x\\,dx$?</a></h1></div><div id="mainbar"><div class="question" id="question"><div class="s-prose js-post-body"><p>I am stuck on this integral.</p></div></div><div id="answers"><div id="answer-3" class="answer js-answer"><div class="s-prose"><p>It is $x^2/2+C$.</p></div></div></div></div></div>',
        [
            ('How to compute $\\int x\\,dx$?\n\nI am stuck on this integral.', 'It is $x^2/2+C$.', None),
        ],
    ),
    'discourse': (
        '<div id="main-outlet" role="main"><div id="topic-title"><h1><a href="/t/1">Odd sums</a></h1></div><div id="post_1" class="topic-body crawler-post"><div class="post"><p>Why is $1+3+5=9$?</p></div></div><div id="post_2" class="topic-body crawler-post"><div class="post"><p>Draw a square of side three.</p></div></div></div>',
        [
            ('Why is $1+3+5=9$?', 'Draw a square of side three.', None),
        ],
    ),
    'aops': (
        '<div id="main"><div class="cmty-topic-subject">Sum of roots</div><div class="cmty-posts-outer"><div class="cmty-post"><div class="cmty-post-middle"><div class="cmty-post-body"><div class="cmty-post-html">Find the sum of the roots of <img class="latex" alt="$x^2-5x+6=0$" src="//l/a.png">.</div></div></div></div><div class="cmty-post"><div class="cmty-post-middle"><div class="cmty-post-body"><div class="cmty-post-html">By Vieta it is <img class="latex" alt="$5$" src="//l/b.png">.</div></div></div></div></div></div>',
        [
            ('Find the sum of the roots of $x^2-5x+6=0$.', 'By Vieta it is $5$.', None),
        ],
    ),
    'aops wiki': (
        '<div id="content"><h1>2005 AMC 10A Problems/Problem 1</h1><div id="mw-content-text"><div class="mw-parser-output"><h2><span class="mw-headline" id="Problem">Problem</span></h2><p>While eating out, Mike and Joe each tipped their server <img class="latex" alt="$2$" src="x.png"> dollars. What was the difference?</p><h2><span class="mw-headline" id="Solution_1">Solution 1</span></h2><p>Mike\'s bill was <img class="latex" alt="$20$" src="y.png">, so the answer is <img class="latex" alt="$\\boxed{\\textbf{(D) }10}$" src="z.png">.</p><h2><span class="mw-headline" id="See_Also">See Also</span></h2><p>2005 AMC 10A, the list of problems and resources.</p></div></div></div>',
        [
            ('While eating out, Mike and Joe each tipped their server $2$ dollars. What was the difference?', "Mike's bill was $20$, so the answer is $\\boxed{\\textbf{(D) }10}$.", '\\textbf{(D) }10'),
        ],
    ),
    'phpbb': (
        '<div id="wrap"><div id="page-body"><h2 class="topic-title"><a>Limit</a></h2><div id="p101" class="post bg2"><div class="postbody"><h3><a>Limit</a></h3><div class="content">What is $\\lim 1/n$?</div></div></div><div id="p102" class="post bg1"><div class="postbody"><h3><a>Re: Limit</a></h3><div class="content">It is $0$.</div></div></div></div></div>',
        [
            ('What is $\\lim 1/n$?', 'It is $0$.', None),
        ],
    ),
    'zh baidu zhidao': (
        '<article><div class="wgt-ask"><h1 class="ask-title">求函数y=x²的导数？</h1></div><div class="wgt-best mod-shadow"><div class="hd">最佳答案</div><div class="best-text rich-content">y′=2x，由幂函数求导公式得到。</div></div></article>',
        [
            ('求函数y=x²的导数？', 'y′=2x，由幂函数求导公式得到。', None),
        ],
    ),
    'zh key table html': (
        '<div class="article"><h1>数学小测试题</h1><p>选择题</p><p>1．$1+1=$（\u3000\u3000）</p><p>A．1\u3000B．2</p><p>2．$2+1=$（\u3000\u3000）</p><p>A．3\u3000B．4</p><p>参考答案</p><table border="1"><tr><td>题号</td><td>1</td><td>2</td></tr><tr><td>答案</td><td>B</td><td>A</td></tr></table></div>',
        [
            ('$1+1=$（ ）\n\nA．1 B．2', 'B', 'B'),
            ('$2+1=$（ ）\n\nA．3 B．4', 'A', 'A'),
        ],
    ),
    'zh jyeoo': (
        '<div class="content"><fieldset class="quesborder"><div class="pt1">1．若$a=2$，则$a^2$的值为（\u3000\u3000）</div><div class="pt2"><table><tr><td>A．2</td><td>B．4</td></tr><tr><td>C．6</td><td>D．8</td></tr></table></div><div class="pt5"><em>【分析】</em>代入计算．</div><div class="pt6"><em>【解答】</em>解：$a^2=4$，故选：B．</div><div class="pt7"><em>【点评】</em>本题考查代数式求值．</div></fieldset></div>',
        [
            ('若$a=2$，则$a^2$的值为（ ）\n\n| A．2 | B．4 |\n| C．6 | D．8 |', '代入计算．\n\n【解答】解：$a^2=4$，故选：B．', 'B'),
        ],
    ),
    'zh cnblogs example': (
        '<div id="cnblogs_post_body" class="blogpost-body"><p>导数在不等式中的应用十分广泛，下面看几个例子。</p><p><strong>例1</strong> 证明：当$x>0$时，$e^x>1+x$。</p><p><strong>证明</strong>：令$f(x)=e^x-1-x$，则$f\'(x)=e^x-1>0$，故$f(x)>f(0)=0$。</p><p><strong>例2</strong> 求$f(x)=x\\ln x$的最小值。</p><p><strong>解</strong>：$f\'(x)=\\ln x+1$，最小值为$-\\frac1e$。</p></div>',
        [
            ('证明：当$x>0$时，$e^x>1+x$。', "令$f(x)=e^x-1-x$，则$f'(x)=e^x-1>0$，故$f(x)>f(0)=0$。", None),
            ('求$f(x)=x\\ln x$的最小值。', "$f'(x)=\\ln x+1$，最小值为$-\\frac1e$。", None),
        ],
    ),
    'wordpress worked example': (
        '<article class="post"><div class="entry-content"><p>This page belongs to a course on algebra, and it has a few words of prose before anything else.</p><p><strong>Example 1:</strong> Find the area of a circle with radius 3.</p><p><strong>Solution:</strong></p><p>\\(A=\\pi r^2=9\\pi\\).</p><p><strong>Example 2:</strong> Find its circumference.</p><p><strong>Solution:</strong> \\(C=2\\pi r=6\\pi\\).</p><h2>Summary</h2><p>Circles are round.</p></div></article>',
        [
            ('Find the area of a circle with radius 3.', '$A=\\pi r^2=9\\pi$.', '9\\pi'),
            ('Find its circumference.', '$C=2\\pi r=6\\pi$.', '6\\pi'),
        ],
    ),
    'practice links': (
        '<article><p>This page belongs to a course on algebra, and it has a few words of prose before anything else.</p><h2>Practice Problems</h2><ul><li><a href="/a">Codeforces - Sum of Digits</a></li><li><a href="/b">SPOJ - Primes</a></li></ul></article>',
        [
        ],
    ),
    'practice links numbered': (
        '<article><p>This page belongs to a course on algebra, and it has a few words of prose before anything else.</p><h2>Practice Problems</h2><ol><li><a href="/a">Codeforces - Sum of Digits</a></li><li><a href="/b">SPOJ - Primes</a></li></ol></article>',
        [
        ],
    ),
    'zh practice links': (
        '<article><p>本页面属于一门初中数学课程，正文之前先有几句说明文字，介绍本节内容。</p><h2>习题</h2><ul><li><a href="/a">洛谷 P1001 A+B Problem</a></li><li><a href="/b">「NOI2018」屠龙勇士</a></li></ul></article>',
        [
        ],
    ),
    'prose with example heading': (
        '<article><p>This page belongs to a course on algebra, and it has a few words of prose before anything else.</p><h2>Example</h2><p>The integers form a group under addition. The identity is zero.</p><h2>Solution methods</h2><p>There are several methods to solve such equations.</p></article>',
        [
        ],
    ),
    'news with solution': (
        '<article><h1>City finds a solution to its traffic problem</h1><p>The council announced a new plan. The problem: too many cars. The solution: more trains.</p><p>Answer: yes, says the mayor.</p></article>',
        [
        ],
    ),
    'definition list qa': (
        '<article><p>This page belongs to a course on algebra, and it has a few words of prose before anything else.</p><dl><dt>Q: What is the slope of \\(y=2x\\)?</dt><dd>A: It is \\(2\\).</dd></dl></article>',
        [
            ('What is the slope of $y=2x$?', 'It is $2$.', '2'),
        ],
    ),
    'ol with inline answers': (
        '<article><p>This page belongs to a course on algebra, and it has a few words of prose before anything else.</p><h2>Exercises</h2><ol><li>Compute \\(2+3\\).</li><li>Compute \\(4\\cdot 5\\).</li></ol><h2>Answers</h2><ol><li>\\(5\\)</li><li>\\(20\\)</li></ol></article>',
        [
            ('Compute $2+3$.', '$5$', '5'),
            ('Compute $4\\cdot 5$.', '$20$', '20'),
        ],
    ),
    'ol with solutions heading': (
        '<article><p>This page belongs to a course on algebra, and it has a few words of prose before anything else.</p><h2>Practice Questions</h2><ol><li>Solve \\(x+1=2\\).</li><li>Solve \\(2x=8\\).</li></ol><h2>Solutions</h2><ol><li><p>Subtract one: \\(x=1\\).</p></li><li><p>Halve: \\(x=4\\).</p></li></ol></article>',
        [
            ('Solve $x+1=2$.', 'Subtract one: $x=1$.', '1'),
            ('Solve $2x=8$.', 'Halve: $x=4$.', '4'),
        ],
    ),
    'quiz jsonld': (
        '<script type="application/ld+json">{"@context":"https://schema.org/","@type":"Quiz","about":{"@type":"Thing","name":"Sums"},"hasPart":[{"@context":"https://schema.org/","@type":"Question","eduQuestionType":"Flashcard","text":"What is 2+2?","acceptedAnswer":{"@type":"Answer","text":"4"}}]}</script><p>Practice here, sign in to see the cards of this set of questions.</p>',
        [
            ('What is 2+2?', '4', '4'),
        ],
    ),
    'faq jsonld nonmath': (
        '<script type="application/ld+json">{"@type":"FAQPage","mainEntity":[{"@type":"Question","name":"Do you ship to Canada?","acceptedAnswer":{"@type":"Answer","text":"Yes."}}]}</script><p>Our shop sells shoes and hats of all sizes to customers.</p>',
        [
        ],
    ),
    'jsonld name only': (
        '<script type="application/ld+json">{"@type":"QAPage","mainEntity":{"@type":"Question","name":"What is the derivative of $x^2$?","answerCount":1,"acceptedAnswer":{"@type":"Answer","text":"It is $2x$."}}}</script><p>Please sign in to see the worked answer to this question.</p>',
        [
            ('What is the derivative of $x^2$?', 'It is $2x$.', None),
        ],
    ),
    'jsonld html escaped': (
        '<script type="application/ld+json">{"@type":"QAPage","mainEntity":{"@type":"Question","name":"Derivative","text":"&lt;p&gt;What is the derivative of \\\\(x^2\\\\)?&lt;/p&gt;","acceptedAnswer":{"@type":"Answer","text":"&lt;p&gt;It is \\\\(2x\\\\).&lt;/p&gt;"}}}</script><p>Please sign in to see the worked answer to this question.</p>',
        [
            ('What is the derivative of $x^2$?', 'It is $2x$.', None),
        ],
    ),
    'jsonld question shown, answer not': (
        '<script type="application/ld+json">{"@type":"QAPage","mainEntity":{"@type":"Question","text":"What is $5\\\\cdot 6$?","acceptedAnswer":{"@type":"Answer","text":"It is $30$."}}}</script><h1>What is $5\\cdot 6$?</h1><p>Sign up to unlock the expert answer for this question now.</p>',
        [
            ('What is $5\\cdot 6$?', 'It is $30$.', None),
        ],
    ),
    'mathjax site with zh details': (
        '<div class="theme-doc-markdown markdown"><p>本页面属于一门初中数学课程，正文之前先有几句说明文字，介绍本节内容。</p><h3>练习 1</h3><p>计算 $\\frac12+\\frac13$。</p><details><summary>解答</summary><div><p>通分得 $\\frac56$。</p></div></details><h3>练习 2</h3><p>求 $2^{10}$。</p><details><summary>答案</summary><div><p>$1024$</p></div></details></div>',
        [
            ('计算 $\\frac12+\\frac13$。', '通分得 $\\frac56$。', None),
            ('求 $2^{10}$。', '$1024$', '1024'),
        ],
    ),
    'mkdocs admonition': (
        '<article class="md-content__inner"><p>本页面属于一门初中数学课程，正文之前先有几句说明文字，介绍本节内容。</p><details class="note"><summary>例题</summary><p>求 $\\gcd(12,18)$。</p></details><details class="note"><summary>解答</summary><p>$6$。</p></details></article>',
        [
            ('求 $\\gcd(12,18)$。', '$6$。', '6'),
        ],
    ),
    'khan style': (
        '<main><div class="perseus-renderer"><div class="paragraph">Solve for \\(x\\): \\(3x=9\\).</div></div><div class="perseus-hint-renderer"><div class="paragraph">Divide by 3.</div></div></main>',
        [
        ],
    ),
    'libretexts': (
        '<section class="mt-content-container"><div class="box-example"><p class="boxtitle">Example \\(\\PageIndex{1}\\): Sum</p><p>Find \\(1+1\\).</p><p class="boxtitle">Solution</p><p>\\(1+1=2\\)</p></div><div class="box-exercise"><p class="boxtitle">Exercise \\(\\PageIndex{2}\\)</p><p>Find \\(2+2\\).</p><dl><dt>Answer</dt><dd><p>\\(4\\)</p></dd></dl></div></section>',
        [
            ('Sum\n\nFind $1+1$.', '$1+1=2$', '2'),
            ('Find $2+2$.', '$4$', '4'),
        ],
    ),
    'brilliant bold numbered': (
        '<article><p>This page belongs to a course on algebra, and it has a few words of prose before anything else.</p><p><b>Q1.</b> Find the sum \\(1+2+\\dots+10\\).</p><p><b>Sol.</b> \\(\\frac{10\\cdot 11}{2}=55\\)</p><p><b>Q2.</b> Find \\(5^3\\).</p><p><b>Ans:</b> \\(125\\)</p></article>',
        [
            ('Find the sum $1+2+\\dots+10$.', '$\\frac{10\\cdot 11}{2}=55$', '55'),
            ('Find $5^3$.', '$125$', '125'),
        ],
    ),
    'zhihu': (
        '<main class="App-main"><div class="QuestionPage"><div class="QuestionHeader"><h1 class="QuestionHeader-title">如何证明 $\\sqrt2$ 是无理数？</h1></div><div class="List-item"><div class="ContentItem AnswerItem"><div class="RichContent-inner"><span class="RichText ztext"><p>设 $\\sqrt2=p/q$，则 $p^2=2q^2$，矛盾。</p></span></div></div></div></div></main>',
        [
            ('如何证明 $\\sqrt2$ 是无理数？', '设 $\\sqrt2=p/q$，则 $p^2=2q^2$，矛盾。', None),
        ],
    ),
    'worked example paragraphs': (
        '<article><p>This page belongs to a course on algebra, and it has a few words of prose before anything else.</p><h2>Example 2.3: Solving an Equation</h2><p>Solve \\(2x+1=7\\).</p><h3>Solution</h3><p>Subtract 1: \\(2x=6\\).</p><p>Divide by 2: \\(x=3\\).</p><h2>Key Concepts</h2><p>Equations can be solved by inverse operations.</p></article>',
        [
            ('Solving an Equation\n\nSolve $2x+1=7$.', 'Subtract 1: $2x=6$.\n\nDivide by 2: $x=3$.', '3'),
        ],
    ),
    'proof after exercise latexml': (
        '<article class="ltx_document"><div class="ltx_theorem ltx_theorem_problem"><h6 class="ltx_title">Problem 3.</h6><p class="ltx_p">Prove that 2 is even.</p></div><div class="ltx_proof"><h6 class="ltx_title">Proof.</h6><p class="ltx_p">It is twice one. ∎</p></div></article>',
        [
            ('Prove that 2 is even.', 'It is twice one.', None),
        ],
    ),
    'sphinx solutions at the end': (
        '<main role="main"><div class="exercise admonition" id="e1"><p class="admonition-title">Exercise 1</p><p>Compute \\(2+2\\).</p></div><div class="exercise admonition" id="e2"><p class="admonition-title">Exercise 2</p><p>Compute \\(3+3\\).</p></div><h2>Solutions</h2><div class="solution admonition"><p class="admonition-title">Solution to Exercise 1</p><p>\\(4\\)</p></div><div class="solution admonition"><p class="admonition-title">Solution to Exercise 2</p><p>\\(6\\)</p></div></main>',
        [
            ('Compute $2+2$.', '$4$', '4'),
            ('Compute $3+3$.', '$6$', '6'),
        ],
    ),
    'vbulletin': (
        '<ol id="posts"><li class="postbitlegacy postcontainer" id="post_11"><div class="postbody"><div class="content"><div id="post_message_11"><blockquote class="postcontent restore">How does induction work for $n!$?</blockquote></div></div></div></li><li class="postbitlegacy postcontainer" id="post_12"><div class="postbody"><div id="post_message_12"><blockquote class="postcontent restore">Start with the base case $n=1$.</blockquote></div></div></li></ol>',
        [
            ('How does induction work for $n!$?', 'Start with the base case $n=1$.', None),
        ],
    ),
    'blog answer strong': (
        '<article><p>This page belongs to a course on algebra, and it has a few words of prose before anything else.</p><p><strong>Question 1.</strong> What is the LCM of 4 and 6?</p><p><strong>Answer:</strong> 12</p><p><strong>Question 2.</strong> What is the GCD of 4 and 6?</p><p><strong>Answer:</strong> 2</p></article>',
        [
            ('What is the LCM of 4 and 6?', '12', '12'),
            ('What is the GCD of 4 and 6?', '2', '2'),
        ],
    ),
    'zh exam br': (
        '<div class="content">一、选择题<br>1. 下列是质数的是（ ）<br>A. 9 B. 11<br>2. $3^2=$（ ）<br>A. 6 B. 9<br>参考答案<br>1-2 BB</div>',
        [
            ('下列是质数的是（ ）\nA. 9 B. 11', 'B', 'B'),
            ('$3^2=$（ ）\nA. 6 B. 9', 'B', 'B'),
        ],
    ),
    'zh 答案 hidden div': (
        '<div class="content"><p>本页面属于一门初中数学课程，正文之前先有几句说明文字，介绍本节内容。</p><div class="question-item"><div class="q-stem">1. 计算 $3\\times 4$ 的值。</div><div class="q-answer" style="display:none"><p>【答案】12</p><p>【解析】$3\\times 4=12$。</p></div></div></div>',
        [
            ('计算 $3\\times 4$ 的值。', '$3\\times 4=12$。', '12'),
        ],
    ),
    'byjus faq': (
        '<article><p>This page belongs to a course on algebra, and it has a few words of prose before anything else.</p><h3>Solved Examples</h3><p><strong>Example 1:</strong> Find the perimeter of a square of side 5 cm.</p><p><strong>Solution:</strong></p><p>Perimeter = 4 × 5 = 20 cm</p><h3>Frequently Asked Questions</h3><p>Ask us anything.</p></article>',
        [
            ('Find the perimeter of a square of side 5 cm.', 'Perimeter = 4 × 5 = 20 cm', '20'),
        ],
    ),
    'prose theorem proof': (
        '<article><p>This page belongs to a course on algebra, and it has a few words of prose before anything else.</p><div class="theorem"><p><b>Theorem 1.</b> Every even number is a sum of two odd numbers.</p></div><div class="proof"><p><i>Proof.</i> Use \\(n=1+(n-1)\\).</p></div></article>',
        [
        ],
    ),
    'toc page of problems': (
        '<article><h1>Problem archive</h1><ul><li><a href="/1">Problem 1: Sums</a></li><li><a href="/2">Problem 2: Products</a></li><li><a href="/3">Solutions</a></li></ul></article>',
        [
        ],
    ),
    'jsonld qapage list types': (
        '<script type="application/ld+json">{"@context":"https://schema.org","@graph":[{"@type":"BreadcrumbList"},{"@type":["QAPage","WebPage"],"mainEntity":{"@type":"Question","name":"Sum","text":"What is the sum of the roots of $x^2-5x+6=0$?","suggestedAnswer":[{"@type":"Answer","text":"Maybe $6$","upvoteCount":1},{"@type":"Answer","text":"It is $5$ by Vieta.","upvoteCount":7}]}}]}</script><p>Sign in to see the worked answer of this page and of all others.</p>',
        [
            ('What is the sum of the roots of $x^2-5x+6=0$?', 'It is $5$ by Vieta.', None),
        ],
    ),
    'jsonld practice problems': (
        '<script type="application/ld+json">{"@type":"Quiz","hasPart":[{"@type":"Question","eduQuestionType":"Multiple choice","text":"Which is prime?","comment":{"@type":"Comment","text":"Divide."},"suggestedAnswer":[{"@type":"Answer","position":0,"text":"4","comment":{"@type":"Comment","text":"$4=2^2$"}}],"acceptedAnswer":{"@type":"Answer","position":1,"text":"7","answerExplanation":{"@type":"Comment","text":"7 has no divisors but 1 and 7."}}}]}</script><p>Practice problems are shown after you sign in to the course page.</p>',
        [
            ('Which is prime?\n\nA. 4\n\nB. 7', '7 has no divisors but 1 and 7.', '7'),
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_the_problems_of_a_page_are_found(name: str) -> None:
    html, expected = PAGES[name]
    page = f'<html><head><meta charset="utf-8"></head><body>{html}</body></html>'
    assert [(p.question, p.solution, p.answer) for p in from_html(page.encode())] == expected
