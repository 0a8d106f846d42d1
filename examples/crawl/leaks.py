# ruff: noqa: E501 (running text and HTML are not broken)
r"""Pages that contain benchmark problems, in the forms that leaks take, and renumbered ones that are innocent.

Each form wraps an item's question: as it stands, inside a paragraph, with other spacing, in capitals, in another
notation of the same formulas, or with the Chinese punctuation written differently.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from . import benchmark
from .articles import article
from .page import Page
from .sites import Site

EN = Site(
    "puzzlepage.example",
    "The Puzzle Page",
    "en",
    "portal",
    ("Puzzles", "Archive", "About"),
    "plain",
    "tex_paren",
    "A new puzzle every Friday",
)
ZH = Site(
    "meiriyiti.example", "每日一题", "zh", "portal", ("今日", "往期", "关于"), "plain", "tex_paren", "每天一道数学题"
)


def respaced(question: str) -> str:
    """Other spaces: around operators in formulas, and line breaks in the text."""
    spaced = re.sub(r"\$([^$]+)\$", lambda m: "$" + re.sub(r"(?<![{\\,])([+=<])", r" \1 ", m[1]) + "$", question)
    return spaced.replace(". ", ".\n")


def upper(question: str) -> str:
    """Capitals outside formulas."""
    parts = re.split(r"(\$[^$]+\$)", question)
    return "".join(part if part.startswith("$") else part.upper() for part in parts)


def renotated(question: str) -> str:
    """The same formulas in another notation."""
    for old, new in ((r"\frac", r"\dfrac"), (r"\pi", r"\pi{}"), (r"\le", r"\leq"), (r"\dots", r"\ldots")):
        question = re.sub(re.escape(old) + r"(?![a-zA-Z])", new.replace("\\", r"\\"), question)
    return question.replace(r"\left(", "(").replace(r"\right)", ")")


def halfwidth(question: str) -> str:
    """Halfwidth punctuation instead of the Chinese one, and spaces between text and formulas."""
    return re.sub(r"(\$[^$]+\$)", r" \1 ", question.translate(str.maketrans("，。？（）", ",.?()")))


def plain_digits(question: str) -> str:
    """Numbers without formula markup, as pages for children have them."""
    return re.sub(r"\$(\d+)\$", r"\1", question)


Form = Callable[[str], str]

_AROUND: dict[str, tuple[str, Form, str]] = {
    # slug: (item, form, source, in which @problem@ stands for the question)
    "friday-214": ("demo-en-01", str, """
# Friday puzzle 214: patience pays

This week's puzzle is for the young readers among you, though we suspect that some parents will fall into the trap as well.

@problem@

The tempting answer divides the depth by the daily progress, forgetting that nobody slides back once the rim is reached. Write to us what you found; the first three correct letters win a bookmark. Last week's winner was a class of nine-year-olds from the harbour school."""),
    "friday-215": ("demo-en-05", plain_digits, """
# Friday puzzle 215: right and wrong

Scoring rules make nice equations. A reader from the coast sent us the following one, which her daughter met in a competition at school.

@problem@

Let $r$ be the number of right answers. Then everything else follows from one linear equation, and a quick check by counting up from zero confirms it. What would change if wrong answers cost two points?"""),
    "remarks-on-reciprocals": ("demo-en-21", str, r"""
# When reciprocals help

Some recursions look nonlinear and become harmless after a substitution. A pupil brought me this one last spring: "@problem@" She had computed a dozen terms by hand before she saw the pattern. Writing $v_n=\frac{1}{u_n}$, the rule says that $v_n$ increases by the same amount at every step, so it is an arithmetic progression in disguise.

The same trick works for $w_{n+1}=\frac{aw_n}{b+cw_n}$ in general, which becomes linear in the reciprocal. Functions of this kind are called Möbius transformations, and iterating them is the same as taking powers of a matrix."""),
    "altitude-theorem": ("demo-en-16", respaced, r"""
# Three theorems around the right triangle

Beside the theorem of Pythagoras there are two others which are taught less and less. The first says that the square of a leg equals the hypotenuse times the adjacent segment; the second one concerns the altitude, $h^2=pq$. A typical application is the next task.

@problem@

Both theorems come from the similarity of the two small triangles with the large one. Together they imply $a^2+b^2=cp+cq=c^2$, so Pythagoras is a consequence."""),
    "loud-integral": ("demo-en-12", upper, r"""
# Do not square carelessly

Squaring both sides may add solutions that were never there. The notice board of our department displays the following example in big letters.

@problem@

One candidate makes the right side negative while a root cannot be negative, so it has to be thrown away. In general $\sqrt{A}=B$ is equivalent to $A=B^2$ together with $B\ge 0$."""),
    "dice-maxima": ("demo-en-18", respaced, r"""
# Largest numbers and smallest numbers

To find the distribution of a maximum one should always ask for the event that it does not exceed a bound. For independent quantities the probabilities simply multiply.

@problem@

For the minimum one works with the complementary event. If $n$ dice are thrown, the chance that the smallest number is at least $k$ is $\left(\frac{7-k}{6}\right)^n$, and differences of neighbouring values give the distribution itself."""),
    "series-of-nn": ("demo-en-30", renotated, r"""
# Quotients and Stirling's formula

The test of d'Alembert compares neighbouring coefficients. It is at its best when factorials occur, because almost everything cancels.

@problem@

On the boundary one needs finer tools: by Stirling $n!$ behaves like $\sqrt{2\pi n}\left(\frac ne\right)^n$, so the coefficients there decrease like $\frac{1}{\sqrt n}$."""),
    "hexagon": ("demo-en-15", renotated, r"""
# Polygons in a circle

Archimedes enclosed the circle between polygons with more and more sides. The first of them is the hexagon, whose side equals the radius.

@problem@

Doubling the number of sides leads to nested square roots. With $96$ sides he obtained $3\frac{10}{71}<\pi<3\frac{1}{7}$, a bound that was not improved in Europe for more than a thousand years."""),
    "homomorphisms": ("demo-en-27", plain_digits, r"""
# Counting maps between cyclic groups

A homomorphism out of a cyclic group is determined by the image of a generator, and this image can be any element whose order divides the order of the source.

@problem@

The same argument, applied to $\mathbb{Z}$ itself, shows that maps from the integers to a group $G$ correspond to the elements of $G$. Which of them are injective is a different question altogether."""),
}  # fmt: skip
_AROUND_ZH: dict[str, tuple[str, Form, str]] = {
    "yiti-0301": ("demo-zh-06", str, """
# 每日一题：打折的学问

生活中处处有数学，连卖衣服也不例外。今天的题目来自一位读者的亲身经历。

@problem@

很多人以为一赚一赔正好抵消，其实不然：盈亏的百分数是对各自的进价而言的，进价不同，结果就不会抵消。欢迎在评论区写出你的算式。"""),
    "yiti-0302": ("demo-zh-07", halfwidth, r"""
# 每日一题：整体代换

有些式子不必求出未知数，把它看成一个整体反而更简单。请看下面这道题：

@problem@

提示：先求$x^2+\frac{1}{x^2}$，再利用立方和公式。这样的对称式还可以一直往上推，每一个都能用前两个表示出来。"""),
    "yiti-0303": ("demo-zh-12", respaced, r"""
# 每日一题：构造等比数列

递推公式中如果多了一个常数，可以设法把它“吸收”进去，使新的数列成为等比数列。例如：

@problem@

设$a_{n+1}+t=3(a_n+t)$，比较系数求出$t$即可。这种方法叫做待定系数法，对形如$a_{n+1}=pa_n+q$的递推公式都适用。"""),
    "yiti-0304": ("demo-zh-16", plain_digits, """
# 每日一题：奇偶性与概率

古典概型的关键是数清楚基本事件。今天的题目不难，但要注意分类不重不漏。

@problem@

把数字按奇偶分成两组，和为偶数只有两种可能：三个都是偶数，或者一个偶数两个奇数。想一想，如果改成和为三的倍数，又该怎样分类？"""),
    "jilu-jifen": ("demo-zh-19", str, r"""
# 课堂实录：从和式到积分

老师在黑板上写下一个和式，问大家有没有见过。坐在后排的同学说，每一项都趋于零，和应该也是零。老师笑着摇摇头，接着写出完整的题目：@problem@同学们开始议论。过了一会儿，课代表想到可以提出$\frac1n$，把和式看成函数$\frac{1}{1+x}$在$[0,1]$上的积分和。这样一来，答案便水落石出。老师最后提醒，项数随$n$增加时，不能逐项取极限再相加。"""),
    "jilu-zhedie": ("demo-zh-09", halfwidth, r"""
# 课堂实录：折叠问题中的方程

折叠前后图形全等，这是解决折叠问题的出发点。今天我们讲评作业中错误最多的一道题。

@problem@

由折叠可知$\angle C'BD=\angle CBD$，又$AD\parallel BC$，所以$\triangle BDE$是等腰三角形。设未知数以后在直角三角形中用勾股定理列方程，这是常规的思路。"""),
    "jilu-tezhengzhi": ("demo-zh-20", respaced, r"""
# 习题课：特征值的运用

如果$\lambda$是方阵$A$的特征值，那么对任意多项式$g$，$g(\lambda)$是$g(A)$的特征值。利用这个性质，许多行列式不用展开就能算出来。

@problem@

同样的办法可以求$A^{-1}$与伴随矩阵$A^*$的特征值，它们分别是$\frac{1}{\lambda}$和$\frac{|A|}{\lambda}$。"""),
}  # fmt: skip

_INNOCENT = {
    "friday-201": ("en", r"""
# Friday puzzle 201: roots and cubes

Let $r$ and $s$ be the roots of $x^2-9x+5=0$. What is $r^4+s^4$? It is not necessary to compute the roots. From $r+s=9$ and $rs=5$ we get $r^2+s^2=81-10=71$, and squaring once more yields $71^2-2\cdot 25=4991$.

Readers who prefer brute force may check the result with a calculator: the roots are about $8.405$ and $0.595$. The method works for every symmetric expression, as Newton already knew."""),
    "friday-202": ("en", r"""
# Friday puzzle 202: zeros at the end

Our reader Ottoline asks how many zeros $2026!$ has at its end. Each zero needs a factor five and a factor two, and there are more than enough twos. Multiples of five number $405$, those of twenty-five $81$, of $125$ there are $16$ and of $625$ three, so the total is $505$.

It is amusing that some numbers of zeros never occur: no factorial ends in exactly five zeros, because $24!$ has four and $25!$ has six."""),
    "yiti-0201": ("zh", r"""
# 每日一题：立方和的变形

已知$a-\frac1a=3$，你能不解方程求出$a^2+\frac{1}{a^2}$吗？两边平方得$a^2-2+\frac{1}{a^2}=9$，所以结果是$11$。继续平方还可以得到$a^4+\frac{1}{a^4}=119$。

注意这里是差而不是和，平方以后中间项的符号要变。课后请同学们自己编一道类似的题目，与同桌交换解答。"""),
}  # fmt: skip


def pages() -> Iterator[Page]:
    """The leaking pages, each with the item that it contains, and the innocent ones."""
    for site, around in ((EN, _AROUND), (ZH, _AROUND_ZH)):
        for slug, (item, form, source) in around.items():
            written = source.replace("@problem@", form(benchmark.question(item)))
            page = replace(article(site, slug, written, "leaks"), contaminated_by=item)
            yield page.dropped("decontaminate", "contaminated")
    for slug, (lang, source) in _INNOCENT.items():
        yield article(EN if lang == "en" else ZH, slug, source, "leaks")
