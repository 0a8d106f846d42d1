# ruff: noqa: E501 (running text and HTML are not broken)
"""Two question-and-answer forums: one with StackExchange's markup, votes and accepted answers, one like Discuz."""

from collections.abc import Iterator
from html import escape
from random import Random

from .encodings import MATHJAX2_DOLLARS
from .html import Writer
from .page import Block, Page, Problem, parse_inlines
from .sites import Site
from .templates import NAMES, make
from .titles import TITLES

STACK = Site(
    "stacks.example",
    "Mathematics Stacks",
    "en",
    "bare",
    ("Questions", "Tags", "Users", "Unanswered"),
    encoding="tex_dollar",
)
DISCUZ = Site(
    "bbs.shuxue.example", "数学吧论坛", "zh", "bare", ("首页", "小学", "初中", "高中", "大学"), encoding="tex_paren"
)

_OPEN = (
    "I am preparing for an exam next week and this exercise keeps coming up in old papers:",
    "My tutor gave us the following task and I cannot see where to begin.",
    "This is from a worksheet that my study group went through yesterday evening.",
    "I returned to mathematics after ten years, so please be patient with me. The task reads:",
    "Here is a question from the practice section of our course page.",
    "I have solved half of it, but my result disagrees with the back of the book.",
    "A friend and I argue about the right approach to this problem:",
    "Could somebody walk me through the reasoning for the next question?",
    "While helping my younger brother I ran into this one and felt rather rusty.",
    "The textbook only prints the final result, no working. The wording is:",
    "I understood the lecture, yet this homework item defeats me.",
    "Found this in an admission test of a local college:",
)
_CLOSE = (
    "I would like to understand the steps, not only the number at the end.",
    "Is there a standard way to attack such questions?",
    "A hint would already be enough, but a complete argument would be wonderful.",
    "What I tried so far led to a contradiction, so I must have made a slip early on.",
    "Please do not use anything beyond what a beginner knows.",
    "Sorry if this has been asked before; I did search the archive.",
    "Any pointer to similar practice material is welcome too.",
    "I keep getting a different result each time I try.",
    "How would you present this on paper so that it gets full marks?",
    "Thanks in advance to everyone who takes the time.",
)
_SECOND = (
    "The accepted answer is fine. Let me only add that drawing a small picture first makes the plan obvious, and that one should always substitute the result back at the end.",
    "An alternative: start from what is asked and work backwards. You will meet the same intermediate values in the opposite order, which is a good independent check.",
    "I teach this topic. The most frequent mistake is to hurry through the very first line; write it out in full and the remainder becomes routine.",
    "For what it is worth, a computer algebra system confirms the value above, so your book probably has a misprint.",
    "You could also argue without any calculation by looking at the extreme cases, but the systematic way shown above generalises better.",
    "One remark on style: say in a sentence what each symbol stands for before you use it; graders love that.",
)
_ASKED_BACK = (
    "What have you tried?", "Welcome to the site! Please show your own attempt.", "Nice question, upvoted.",
    "Which textbook is this from?", "Could you add where exactly you got stuck?", "This might be a duplicate.",
)  # fmt: skip
_THANKS = (
    "Thank you, now it is clear.", "Crystal clear explanation, thanks a lot!", "I had overlooked the first line. Thanks!",
    "Great answer.", "This should be in the book.", "So that was my mistake, many thanks.",
)  # fmt: skip
_OPEN_ZH = (
    "各位老师好，孩子作业里有这样一道题，我也不太确定怎么做：",
    "期末复习卷上的题，想了半天没有思路，题目如下：",
    "刚学完这一节，练习册上的这道题卡住了。",
    "请教一下论坛里的高手，这道题应该从哪里下手？",
    "我算出来的结果和答案不一样，麻烦大家帮忙看看。",
    "自学中遇到的问题，手边没有老师可以问，只好来发帖。",
    "昨天随堂测验的最后一题，全班没几个人做对：",
    "帮表弟辅导功课，发现自己把知识都还给老师了……",
    "考研复习资料里看到的题目，解析只有一行，没看懂。",
    "同学之间争论了很久，想听听大家的意见：",
)
_CLOSE_ZH = (
    "希望能写出详细过程，谢谢！", "在线等，挺急的。", "只要提示一下关键步骤就可以。", "最好不要用超纲的方法。",
    "先谢过各位热心的网友。", "我的做法总觉得哪里不对劲。", "求指点，感激不尽。", "如果有同类型的练习也请推荐一下。",
)  # fmt: skip
_THANKS_ZH = ("感谢楼上，讲得很清楚，终于明白了。", "原来如此，我第一步就写错了。", "收藏了，回头让孩子再做一遍。", "楼主以后发帖请写清楚自己的思路。",
              "顶一下，这种题每年都考。", "补充一句，做完以后最好把结果代回题目检验。", "这类题目画个图就一目了然。")  # fmt: skip


def pages(rng: Random, topics: list[str], topics_zh: list[str], seen: set[str]) -> Iterator[Page]:
    """One thread for each topic."""
    for number, name in enumerate(topics):
        yield _stack(rng, make(name, rng, "en", seen), 4100 + 37 * number)
    for number, name in enumerate(topics_zh):
        yield _discuz(rng, make(name, rng, "zh", seen), 90210 + 13 * number)


def _stack(rng: Random, problem: Problem, number: int) -> Page:
    title = TITLES[problem.topic][1]
    first, second = rng.sample(NAMES, 2)
    asked = _paragraphs(rng.choice(_OPEN), problem.question, rng.choice(_CLOSE))
    solved = _paragraphs(*problem.steps)
    other = _paragraphs(rng.choice(_SECOND)) if rng.random() < 0.7 else ()
    asked_back, thanks = rng.choice(_ASKED_BACK), rng.choice(_THANKS)
    writer = Writer("tex_dollar")
    question_html, answer_html, other_html = (writer.write(blocks) for blocks in (asked, solved, other))
    tag = TITLES[problem.topic][0].lower().replace(" ", "-").replace("'", "")
    second_answer = (
        f"""<div id="answer-{number + 9}" class="answer js-answer" data-answerid="{number + 9}" itemprop="suggestedAnswer" itemscope itemtype="https://schema.org/Answer">
<div class="post-layout"><div class="votecell post-layout--left"><div class="js-vote-count" itemprop="upvoteCount" data-value="1">1</div></div>
<div class="answercell post-layout--right"><div class="s-prose js-post-body" itemprop="text">
{other_html}
</div></div></div></div>"""
        if other
        else ""
    )
    html = f"""<!DOCTYPE html>
<html itemscope itemtype="https://schema.org/QAPage" class="html__responsive" lang="en">
<head>
<title>{title} - {STACK.name}</title>
<meta name="viewport" content="width=device-width, height=device-height, initial-scale=1.0, minimum-scale=1.0">
{MATHJAX2_DOLLARS}
</head>
<body class="question-page unified-theme">
<header class="s-topbar js-top-bar"><a href="/" class="s-topbar--logo">{STACK.name}</a><form id="search" role="search"><input name="q" type="text" placeholder="Search…"></form><ol class="s-topbar--content"><li><a href="/users/login">Log in</a></li><li><a href="/users/signup">Sign up</a></li></ol></header>
<div class="container"><div id="left-sidebar" class="left-sidebar"><nav role="navigation"><ol class="nav-links"><li><a href="/questions">Questions</a></li><li><a href="/tags">Tags</a></li><li><a href="/unanswered">Unanswered</a></li></ol></nav></div>
<div id="content"><div itemprop="mainEntity" itemscope itemtype="https://schema.org/Question">
<div id="question-header"><h1 itemprop="name" class="fs-headline1"><a href="/questions/{number}" class="question-hyperlink">{title}</a></h1><div class="aside-cta"><a href="/questions/ask" class="s-btn">Ask Question</a></div></div>
<div class="d-flex"><span>Asked</span> <time itemprop="dateCreated" datetime="2025-11-0{number % 9 + 1}T09:12:44">2 months ago</time> <span>Viewed</span> {number % 700 + 31} times</div>
<div id="mainbar"><div class="question js-question" data-questionid="{number}" id="question">
<div class="post-layout"><div class="votecell post-layout--left"><button class="js-vote-up-btn" aria-label="Up vote"></button><div class="js-vote-count" itemprop="upvoteCount" data-value="{number % 17}">{number % 17}</div></div>
<div class="postcell post-layout--right"><div class="s-prose js-post-body" itemprop="text">
{question_html}
</div>
<div class="post-taglist"><a href="/questions/tagged/{tag}" class="post-tag" rel="tag">{tag}</a></div>
<div class="post-signature owner"><div class="user-action-time">asked Nov {number % 28 + 1}</div><div class="user-details"><a href="/users/{number}">{first[0]}</a></div></div></div>
<div class="post-layout--right js-post-comments-component"><ul class="comments-list"><li class="comment js-comment"><span class="comment-copy">{escape(asked_back)}</span> &ndash; <a class="comment-user">{second[0]}</a></li></ul></div></div></div>
<div id="answers"><div id="answers-header"><h2 class="answers-subheader">{1 + bool(other)} Answers</h2></div>
<div id="answer-{number + 5}" class="answer js-answer accepted-answer js-accepted-answer" data-answerid="{number + 5}" data-score="{number % 11 + 3}" itemprop="acceptedAnswer" itemscope itemtype="https://schema.org/Answer">
<div class="post-layout"><div class="votecell post-layout--left"><div class="js-vote-count" itemprop="upvoteCount" data-value="{number % 11 + 3}">{number % 11 + 3}</div><div class="js-accepted-answer-indicator" title="The question owner accepted this as the best answer"></div></div>
<div class="answercell post-layout--right"><div class="s-prose js-post-body" itemprop="text">
{answer_html}
</div><div class="post-signature"><div class="user-details"><a href="/users/{number + 3}">{second[0]}</a></div></div></div>
<div class="js-post-comments-component"><ul class="comments-list"><li class="comment js-comment"><span class="comment-copy">{escape(thanks)}</span></li></ul></div></div></div>
{second_answer}
</div></div></div>
<div id="sidebar" class="show-votes" role="complementary"><div class="module sidebar-related"><h4>Related</h4><div class="related">{"".join(f'<div class="spacer"><a href="/q/{i}" class="question-hyperlink">{TITLES[t][1]}</a></div>' for i, t in enumerate(rng.sample(sorted(TITLES), 3)))}</div></div></div>
</div></div>
<footer id="footer" class="site-footer"><a href="/help">Help</a> <a href="/legal">Privacy Policy</a> <p>Site design / logo © Mathematics Stacks; user contributions licensed under CC BY-SA.</p></footer>
</body>
</html>
"""
    blocks = (Block("h1", ((title,),)), *asked, *solved, *other)
    slug = f"questions/{number}/{title.lower().replace(' ', '-').replace(':', '').replace('?', '')}"
    return Page(STACK.url(slug), "forum", "en", blocks, html, "tex_dollar", problems=(problem,))


def _discuz(rng: Random, problem: Problem, number: int) -> Page:
    title = TITLES[problem.topic][3]
    asked = _paragraphs(rng.choice(_OPEN_ZH), problem.question, rng.choice(_CLOSE_ZH))
    solved = _paragraphs(*problem.steps)
    thanks = tuple(_paragraphs(text) for text in rng.sample(_THANKS_ZH, 2))
    names = rng.sample(NAMES, 4)
    writer = Writer(DISCUZ.encoding)
    posts = []
    for i, blocks in enumerate((asked, solved, *thanks)):
        best = '<h3 class="psth xs1"><span class="icon_ring vm"></span>最佳答案</h3>' if i == 1 else ""
        text = "<br />\n".join(writer.inline(block.lines[0]) for block in blocks)
        css = "rwdbst rwdbest" if i == 1 else "t_fsz"
        posts.append(
            f"""<div id="post_{number + i}"><table id="pid{number + i}" class="plhin" summary="pid{number + i}" cellspacing="0" cellpadding="0"><tr>
<td class="pls" rowspan="2"><div class="pls favatar"><div class="pi"><div class="authi"><a href="space-uid-{number % 97 + i}.html" class="xw1">{names[i][1]}</a></div></div><p><em>积分 {number % 800 + 17 * i}</em></p></div></td>
<td class="plc"><div class="pi"><strong><a>{("楼主", "沙发", "板凳", "地板")[i]}</a></strong><div class="authi"><em>发表于 2025-9-{i + 3} 20:1{i}</em></div></div><div class="pct"><div class="pcb">{best}<div class="{css}"><table cellspacing="0" cellpadding="0"><tr><td class="t_f" id="postmessage_{number + i}">
{text}</td></tr></table></div></div></div></td></tr></table></div>"""
        )
    html = f"""<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml">
<head>
<meta http-equiv="Content-Type" content="text/html; charset=utf-8" />
<title>{title} - {DISCUZ.name} - Powered by Discuz!</title>
<script>MathJax = {{tex: {{inlineMath: [['\\\\(', '\\\\)']]}}}};</script>
<script async src="https://cdn.example/npm/mathjax@3/es5/tex-chtml.js"></script>
</head>
<body id="nv_forum" class="pg_viewthread">
<div id="toptb" class="cl"><div class="wp"><a href="/">设为首页</a> <a href="/">收藏本站</a> <a href="member.php?mod=register">立即注册</a></div></div>
<div id="hd"><div class="wp"><h2><a href="./">{DISCUZ.name}</a></h2><div id="nv"><ul>{"".join(f"<li><a href='forum-{i}-1.html'>{word}</a></li>" for i, word in enumerate(DISCUZ.sections))}</ul></div></div></div>
<div id="wp" class="wp"><div id="pt" class="bm cl"><div class="z"><a href="./">论坛</a> <em>&rsaquo;</em> <a href="forum-2-1.html">解题互助</a> <em>&rsaquo;</em> <a>{title}</a></div></div>
<div id="postlist" class="pl bm"><table cellspacing="0" cellpadding="0"><tr><td class="pls"><span class="xg1">查看:</span> <span class="xi1">{number % 900}</span> <span class="xg1">回复:</span> <span class="xi1">3</span></td><td class="plc"><h1 class="ts"><span id="thread_subject">{title}</span></h1></td></tr></table>
{"".join(posts)}
</div></div>
<div id="ft" class="wp cl"><p>Powered by <strong><a href="#">Discuz!</a></strong> <em>X3.4</em></p><p class="xs0">GMT+8, 2026-3-1 14:02</p></div>
</body>
</html>
"""
    blocks = (Block("h1", ((title,),)), *asked, *solved, *(block for post in thanks for block in post))
    return Page(
        DISCUZ.url(f"thread-{number}-1-1.html"), "forum", "zh", blocks, html, DISCUZ.encoding, problems=(problem,)
    )


def _paragraphs(*sources: str) -> tuple[Block, ...]:
    return tuple(Block("p", (parse_inlines(source),)) for source in sources)
