# ruff: noqa: D103, E501 (a template is named for what it asks; sentences are not broken)
"""Templates of high school: quadratics, sequences, logarithms, trigonometry, vectors, circles, derivatives, counting."""

from fractions import Fraction
from math import comb
from random import Random

from .templates import Text, frac, pick_two, polynomial, signed, template, term

_LOG_EQUATIONS = ((2, 8, 4), (2, 8, 6), (2, 4, 2), (2, 16, 12), (3, 9, 6), (3, 9, 8), (3, 27, 24), (2, 8, 7), (6, 9, 5),
                  (6, 12, 9), (5, 25, 20), (10, 25, 21), (6, 18, 16), (10, 20, 15), (10, 50, 48), (12, 16, 7))  # fmt: skip
"""(base, root x, k) for which x(x − k) is a power of the base."""


@template("high")
def discriminant(rng: Random) -> tuple[Text, Text]:
    a, b, c = rng.choice([1, 2, 3]), rng.randint(3, 9) * 2, rng.randint(1, 6)
    half = b // 2
    root = half * half - a * c
    while root <= 0 or int(root**0.5) ** 2 == root or any(root % (k * k) == 0 for k in (2, 3, 4, 5, 6, 7)):
        a, b, c = rng.choice([1, 2, 3]), rng.randint(3, 9) * 2, rng.randint(1, 6)
        half = b // 2
        root = half * half - a * c
    disc = b * b - 4 * a * c
    assert disc == 4 * root
    equation = f"{polynomial(a, -b, c)}=0"
    answer = rf"x=\frac{{{half}\pm\sqrt{{{root}}}}}{{{a}}}" if a > 1 else rf"x={half}\pm\sqrt{{{root}}}"
    return (
        (
            f"Use the quadratic formula to solve ${equation}$. Give exact values.",
            [
                f"Here $a={a}$, $b=-{b}$ and $c={c}$.",
                f"The discriminant is $b^2-4ac={b * b}-{4 * a * c}={disc}$, which is positive, so there are two real solutions.",
                f"Its square root is $\\sqrt{{{disc}}}=2\\sqrt{{{root}}}$.",
                f"The formula gives $x=\\frac{{{b}\\pm 2\\sqrt{{{root}}}}}{{{2 * a}}}$.",
                f"Cancel the factor $2$: ${answer}$.",
            ],
            f"${answer}$",
        ),
        (
            f"用公式法解一元二次方程${equation}$。",
            [
                f"这里$a={a}$，$b=-{b}$，$c={c}$。",
                f"判别式$\\Delta=b^2-4ac={b * b}-{4 * a * c}={disc}>0$，方程有两个不相等的实数根。",
                f"代入求根公式，得$x=\\frac{{{b}\\pm\\sqrt{{{disc}}}}}{{{2 * a}}}=\\frac{{{b}\\pm 2\\sqrt{{{root}}}}}{{{2 * a}}}$。",
                f"化简，得${answer}$。",
            ],
            f"${answer}$",
        ),
    )


@template("high")
def arithmetic_series(rng: Random) -> tuple[Text, Text]:
    first, d = rng.randint(-9, 15), rng.choice([-4, -3, 2, 3, 4, 5, 6])
    p, q = sorted(rng.sample(range(3, 13), 2))
    n = rng.choice([15, 20, 24, 30, 40])
    ap, aq = first + (p - 1) * d, first + (q - 1) * d
    total = n * (2 * first + (n - 1) * d) // 2
    assert total == sum(first + k * d for k in range(n))
    return (
        (
            f"In an arithmetic sequence $(a_n)$ we know $a_{{{p}}}={ap}$ and $a_{{{q}}}={aq}$. Find the sum of the first {n} terms.",
            [
                f"From $a_{{{q}}}-a_{{{p}}}={q - p}d$ we get ${aq - ap}={q - p}d$, so the common difference is $d={d}$.",
                f"Then $a_1=a_{{{p}}}-{p - 1}d={ap}-({(p - 1) * d})={first}$.",
                f"The last term needed is $a_{{{n}}}={first}+{n - 1}\\cdot({d})={first + (n - 1) * d}$.",
                f"The sum is $S_{{{n}}}=\\frac{{{n}({first}{signed(first + (n - 1) * d)})}}{{2}}={total}$.",
            ],
            f"${total}$",
        ),
        (
            f"已知等差数列$\\{{a_n\\}}$中，$a_{{{p}}}={ap}$，$a_{{{q}}}={aq}$，求前${n}$项的和$S_{{{n}}}$。",
            [
                f"设公差为$d$，由$a_{{{q}}}-a_{{{p}}}={q - p}d$，得$d=\\frac{{{aq - ap}}}{{{q - p}}}={d}$。",
                f"首项$a_1=a_{{{p}}}-{p - 1}d={first}$。",
                f"由求和公式$S_n=na_1+\\frac{{n(n-1)}}{{2}}d$，得$S_{{{n}}}={n * first}{signed(n * (n - 1) // 2 * d)}={total}$。",
            ],
            f"${total}$",
        ),
    )


@template("high")
def geometric_series(rng: Random) -> tuple[Text, Text]:
    a, r, n = rng.randint(1, 7), rng.choice([2, 3, -2]), rng.randint(5, 8)
    total = a * (r**n - 1) // (r - 1)
    assert total == sum(a * r**k for k in range(n))
    a2, a4 = a * r, a * r**3
    sign = "positive" if r > 0 else "negative"
    return (
        (
            f"A geometric sequence with {sign} common ratio has second term ${a2}$ and fourth term ${a4}$. What is the sum of its first {n} terms?",
            [
                f"Dividing the terms gives $q^2=\\frac{{{a4}}}{{{a2}}}={r * r}$.",
                f"Since the ratio is {sign}, $q={r}$.",
                f"The first term is ${a2}\\div({r})={a}$.",
                f"The sum is $S_{{{n}}}={a}\\cdot\\frac{{({r})^{{{n}}}-1}}{{{r}-1}}={total}$.",
            ],
            f"${total}$",
        ),
        (
            f"在公比为{'正' if r > 0 else '负'}数的等比数列$\\{{b_n\\}}$中，$b_2={a2}$，$b_4={a4}$，求它的前${n}$项和。",
            [
                f"设公比为$q$，则$q^2=\\frac{{b_4}}{{b_2}}={r * r}$，由题意$q={r}$。",
                f"首项$b_1=\\frac{{b_2}}{{q}}={a}$。",
                f"所以$S_{{{n}}}=\\frac{{b_1(1-q^{{{n}}})}}{{1-q}}={total}$。",
            ],
            f"${total}$",
        ),
    )


@template("high")
def log_equation(rng: Random) -> tuple[Text, Text]:
    base, x, k = rng.choice(_LOG_EQUATIONS)
    product, power = x * (x - k), 1
    while base**power < product:
        power += 1
    assert base**power == product
    other = k - x
    return (
        (
            f"Solve $\\log_{{{base}}}x+\\log_{{{base}}}(x-{k})={power}$ over the real numbers.",
            [
                f"Both logarithms are defined only for $x>{k}$.",
                f"Combine them: $\\log_{{{base}}}\\left(x(x-{k})\\right)={power}$.",
                f"Hence $x(x-{k})={base}^{{{power}}}={product}$, that is $x^2-{k}x-{product}=0$.",
                f"The roots of this quadratic are ${x}$ and ${other}$.",
                f"Only $x={x}$ satisfies $x>{k}$.",
            ],
            f"$x={x}$",
        ),
        (
            f"解方程$\\log_{{{base}}}x+\\log_{{{base}}}(x-{k})={power}$。",
            [
                f"由对数的定义域，$x>0$且$x-{k}>0$，所以$x>{k}$。",
                f"原方程化为$\\log_{{{base}}}[x(x-{k})]={power}$，即$x(x-{k})={product}$。",
                f"整理得$x^2-{k}x-{product}=0$，解得$x={x}$或$x={other}$。",
                f"由$x>{k}$，舍去$x={other}$，所以$x={x}$。",
            ],
            f"$x={x}$",
        ),
    )


@template("high")
def cosine_rule(rng: Random) -> tuple[Text, Text]:
    a, b, c, degrees = rng.choice(
        [
            (8, 5, 7, 60),
            (3, 5, 7, 120),
            (15, 8, 13, 60),
            (7, 8, 13, 120),
            (21, 16, 19, 60),
            (5, 16, 19, 120),
            (24, 9, 21, 60),
        ]
    )
    assert c * c == a * a + b * b - (a * b if degrees == 60 else -a * b)
    cosine = r"\frac12" if degrees == 60 else r"-\frac12"
    area = Fraction(a * b, 4)
    area_root = term(area, r"\sqrt{3}", True)
    return (
        (
            f"In a triangle two sides have lengths ${a}$ and ${b}$ and enclose an angle of ${degrees}^\\circ$. Determine the third side and the exact area.",
            [
                f"The law of cosines says $c^2={a}^2+{b}^2-2\\cdot {a}\\cdot {b}\\cos {degrees}^\\circ$.",
                f"With $\\cos {degrees}^\\circ={cosine}$ this is $c^2={a * a}+{b * b}-({a * a + b * b - c * c})={c * c}$.",
                f"So the third side is $c={c}$.",
                f"The area is $\\frac12\\cdot {a}\\cdot {b}\\cdot\\sin {degrees}^\\circ={area_root}$, because $\\sin {degrees}^\\circ=\\frac{{\\sqrt{{3}}}}{{2}}$.",
            ],
            f"$c={c}$, area ${area_root}$",
        ),
        (
            f"在$\\triangle ABC$中，$a={a}$，$b={b}$，$C={degrees}^\\circ$，求边$c$和三角形的面积。",
            [
                "由余弦定理，$c^2=a^2+b^2-2ab\\cos C$。",
                f"代入数据，$c^2={a * a}+{b * b}-2\\times {a}\\times {b}\\times\\left({cosine}\\right)={c * c}$，所以$c={c}$。",
                f"面积$S=\\frac12 ab\\sin C=\\frac12\\times {a}\\times {b}\\times\\frac{{\\sqrt{{3}}}}{{2}}={area_root}$。",
            ],
            f"$c={c}$，$S={area_root}$",
        ),
    )


@template("high")
def parabola(rng: Random) -> tuple[Text, Text]:
    a, h, k = rng.choice([1, 2, 3, -1, -2]), rng.choice([-4, -3, -2, 1, 2, 3, 5]), rng.randint(-9, 9)
    b, c = -2 * a * h, a * h * h + k
    low, high = h - rng.randint(1, 2), h + rng.randint(3, 4)

    def f(x: int) -> int:
        return a * x * x + b * x + c

    far = f(high)
    kind, zh_kind = (("smallest", "最小值"), ("largest", "最大值"))[a < 0]
    other, zh_other = (("largest", "最大值"), ("smallest", "最小值"))[a < 0]
    return (
        (
            f"Let $f(x)={polynomial(a, b, c)}$ for ${low}\\le x\\le {high}$. Find the {kind} and the {other} value of $f$ on this interval.",
            [
                f"Complete the square: $f(x)={term(a, f'(x{signed(-h)})^2', True)}{signed(k)}$."
                if k
                else f"Complete the square: $f(x)={term(a, f'(x{signed(-h)})^2', True)}$.",
                f"The vertex of the parabola is $({h},{k})$, and ${h}$ lies in the interval.",
                f"The parabola opens {'upwards' if a > 0 else 'downwards'}, so the {kind} value is $f({h})={k}$.",
                f"At the ends of the interval $f({low})={f(low)}$ and $f({high})={far}$.",
                f"Therefore the {other} value is ${far}$.",
            ],
            f"{kind} ${k}$, {other} ${far}$",
        ),
        (
            f"求二次函数$f(x)={polynomial(a, b, c)}$在区间$[{low},{high}]$上的最大值和最小值。",
            [
                f"配方得$f(x)={term(a, f'(x{signed(-h)})^2', True)}{signed(k) if k else ''}$，对称轴为$x={h}$。",
                f"因为$x={h}$在区间$[{low},{high}]$内，且抛物线开口向{'上' if a > 0 else '下'}，所以{zh_kind}为$f({h})={k}$。",
                f"计算端点的函数值：$f({low})={f(low)}$，$f({high})={far}$。",
                f"比较可知{zh_other}为${far}$。",
            ],
            f"{zh_kind}${k}$，{zh_other}${far}$",
        ),
    )


@template("high")
def committee(rng: Random) -> tuple[Text, Text]:
    men, women = rng.randint(5, 9), rng.randint(4, 8)
    size = rng.choice([4, 5])
    two = comb(women, 2) * comb(men, size - 2)
    one_or_none = comb(women, 1) * comb(men, size - 1) + comb(men, size)
    total = comb(men + women, size)
    at_least = total - one_or_none
    assert at_least == sum(comb(women, w) * comb(men, size - w) for w in range(2, size + 1))
    return (
        (
            f"From {women} women and {men} men a committee of {size} is chosen. How many committees contain at least two women?",
            [
                f"Without any condition there are $\\binom{{{men + women}}}{{{size}}}={total}$ committees.",
                f"Committees without a woman: $\\binom{{{men}}}{{{size}}}={comb(men, size)}$.",
                f"Committees with exactly one woman: $\\binom{{{women}}}{{1}}\\binom{{{men}}}{{{size - 1}}}={women * comb(men, size - 1)}$.",
                f"So ${total}-{comb(men, size)}-{women * comb(men, size - 1)}={at_least}$ committees have at least two women; among them ${two}$ have exactly two.",
            ],
            f"${at_least}$",
        ),
        (
            f"从${women}$名女生和${men}$名男生中选出${size}$人组成小组，至少有$2$名女生的选法有多少种？",
            [
                f"不加限制共有$C_{{{men + women}}}^{{{size}}}={total}$种选法。",
                f"没有女生的选法有$C_{{{men}}}^{{{size}}}={comb(men, size)}$种，恰有$1$名女生的选法有$C_{{{women}}}^{{1}}C_{{{men}}}^{{{size - 1}}}={women * comb(men, size - 1)}$种。",
                f"所以至少有$2$名女生的选法有${total}-{comb(men, size)}-{women * comb(men, size - 1)}={at_least}$（种）。",
            ],
            f"${at_least}$种",
        ),
    )


@template("high")
def binomial_term(rng: Random) -> tuple[Text, Text]:
    n, a, k = rng.randint(5, 9), rng.choice([2, 3, -2, -3]), rng.randint(2, 4)
    coefficient = comb(n, k) * a ** (n - k)
    return (
        (
            f"What is the coefficient of $x^{k}$ in the expansion of $(x{signed(a)})^{n}$?",
            [
                f"By the binomial theorem the general term is $\\binom{{{n}}}{{j}}x^j\\cdot({a})^{{{n}-j}}$.",
                f"The power $x^{k}$ occurs for $j={k}$.",
                f"Its coefficient is $\\binom{{{n}}}{{{k}}}\\cdot({a})^{{{n - k}}}={comb(n, k)}\\cdot({a ** (n - k)})={coefficient}$.",
            ],
            f"${coefficient}$",
        ),
        (
            f"求$(x{signed(a)})^{n}$的展开式中$x^{k}$的系数。",
            [
                f"通项为$T_{{r+1}}=C_{{{n}}}^{{r}}x^{{{n}-r}}({a})^r$。",
                f"令${n}-r={k}$，得$r={n - k}$。",
                f"所求系数为$C_{{{n}}}^{{{n - k}}}\\cdot({a})^{{{n - k}}}={coefficient}$。",
            ],
            f"${coefficient}$",
        ),
    )


@template("high")
def tangent(rng: Random) -> tuple[Text, Text]:
    a, b, c = rng.choice([1, 2, -1]), rng.randint(-4, 4), rng.randint(-6, 6)
    x0 = rng.choice([-2, -1, 1, 2, 3])
    y0, slope = a * x0**3 + b * x0 + c, 3 * a * x0 * x0 + b
    line = f"y={polynomial(slope, y0 - slope * x0)}"
    return (
        (
            f"Find the equation of the tangent to the graph of $f(x)={polynomial(a, 0, b, c)}$ at the point with $x={x0}$.",
            [
                f"The point of contact has $y=f({x0})={y0}$.",
                f"The derivative is $f'(x)={polynomial(3 * a, 0, b)}$.",
                f"The slope of the tangent is $f'({x0})={slope}$.",
                f"The point-slope form is $y={slope}(x{signed(-x0)}){signed(y0)}$.",
                f"Simplified, the tangent is ${line}$.",
            ],
            f"${line}$",
        ),
        (
            f"求曲线$y={polynomial(a, 0, b, c)}$在$x={x0}$处的切线方程。",
            [
                f"当$x={x0}$时，$y={y0}$，切点为$({x0},{y0})$。",
                f"求导得$y'={polynomial(3 * a, 0, b)}$，切线的斜率为$k={slope}$。",
                f"切线方程为$y{signed(-y0)}={slope}(x{signed(-x0)})$，即${line}$。",
            ],
            f"${line}$",
        ),
    )


@template("high")
def circle(rng: Random) -> tuple[Text, Text]:
    p, q = pick_two(rng, -6, 6)
    p, q = p or 7, q or -7
    r = rng.randint(2, 9)
    constant = p * p + q * q - r * r
    equation = f"x^2+y^2{term(-2 * p, 'x')}{term(-2 * q, 'y')}{signed(constant) if constant else ''}=0"
    farthest_sq = p * p + q * q
    return (
        (
            f"Show that ${equation}$ is the equation of a circle, and find its centre, its radius and the area that it encloses.",
            [
                f"Group the terms: $(x^2{term(-2 * p, 'x')})+(y^2{term(-2 * q, 'y')})={-constant}$.",
                f"Complete the square for $x$ by adding ${p * p}$ and for $y$ by adding ${q * q}$ on both sides.",
                f"This gives $(x{signed(-p)})^2+(y{signed(-q)})^2={-constant}+{p * p}+{q * q}={r * r}$.",
                f"So the centre is $({p},{q})$; its distance from the origin is $\\sqrt{{{farthest_sq}}}$.",
                f"The radius is $\\sqrt{{{r * r}}}={r}$.",
                f"The area is $\\pi\\cdot {r}^2={r * r}\\pi$.",
            ],
            f"centre $({p},{q})$, radius ${r}$, area ${r * r}\\pi$",
        ),
        (
            f"已知圆的一般方程为${equation}$，求圆心坐标、半径以及圆的面积。",
            [
                f"对$x$配方，两边加上${p * p}$；对$y$配方，两边加上${q * q}$。",
                f"得标准方程$(x{signed(-p)})^2+(y{signed(-q)})^2={r * r}$。",
                f"所以圆心为$({p},{q})$，半径为${r}$。",
                f"圆的面积为$\\pi\\times {r}^2={r * r}\\pi$。",
            ],
            f"圆心$({p},{q})$，半径${r}$，面积${r * r}\\pi$",
        ),
    )


@template("high")
def cubic_extrema(rng: Random) -> tuple[Text, Text]:
    r, s = sorted(pick_two(rng, -4, 4))
    if (r + s) % 2:
        s += 1
    c = rng.randint(-5, 9)
    b, a1 = -3 * (r + s) // 2, 3 * r * s

    def f(x: int) -> int:
        return x**3 + b * x * x + a1 * x + c

    return (
        (
            f"Find all local extrema of $f(x)={polynomial(1, b, a1, c)}$.",
            [
                f"The derivative is $f'(x)={polynomial(3, 2 * b, a1)}$.",
                f"It factors as $f'(x)=3(x{signed(-r)})(x{signed(-s)})$."
                if r and s
                else f"Its zeros are $x={r}$ and $x={s}$, as one sees by taking out $3x$.",
                f"The critical points are $x={r}$ and $x={s}$.",
                f"The second derivative is $f''(x)={polynomial(6, 2 * b)}$.",
                f"At $x={r}$ we have $f''({r})={6 * r + 2 * b}<0$, so there is a local maximum with value $f({r})={f(r)}$.",
                f"At $x={s}$ we have $f''({s})={6 * s + 2 * b}>0$, so there is a local minimum.",
                f"Its value is $f({s})={f(s)}$.",
            ],
            f"maximum $({r},{f(r)})$, minimum $({s},{f(s)})$",
        ),
        (
            f"求函数$f(x)={polynomial(1, b, a1, c)}$的极值。",
            [
                f"求导得$f'(x)={polynomial(3, 2 * b, a1)}$。",
                f"令$f'(x)=0$，解得$x={r}$或$x={s}$。",
                f"当$x<{r}$时，$f'(x)>0$；当${r}<x<{s}$时，$f'(x)<0$；当$x>{s}$时，$f'(x)>0$。",
                f"所以当$x={r}$时，$f(x)$取极大值$f({r})={f(r)}$。",
                f"当$x={s}$时，$f(x)$取极小值$f({s})={f(s)}$。",
            ],
            f"极大值${f(r)}$，极小值${f(s)}$",
        ),
    )


@template("high")
def vectors(rng: Random) -> tuple[Text, Text]:
    a = (rng.randint(-4, 5) or 2, rng.randint(1, 6))
    b = (rng.randint(1, 6), rng.randint(-5, 4) or 3)
    dot = a[0] * b[0] + a[1] * b[1]
    aa, bb = a[0] ** 2 + a[1] ** 2, b[0] ** 2 + b[1] ** 2
    t = Fraction(-dot, bb)
    return (
        (
            f"Given $\\vec a=({a[0]},{a[1]})$ and $\\vec b=({b[0]},{b[1]})$, compute $\\vec a\\cdot\\vec b$ and find the number $t$ for which $\\vec a+t\\vec b$ is perpendicular to $\\vec b$.",
            [
                f"The dot product is ${a[0]}\\cdot({b[0]})+{a[1]}\\cdot({b[1]})={dot}$.",
                "Perpendicular means $(\\vec a+t\\vec b)\\cdot\\vec b=0$.",
                f"We have $\\vec b\\cdot\\vec b={b[0]}^2+({b[1]})^2={bb}$.",
                f"So ${dot}+{bb}t=0$, which gives $t={frac(t)}$.",
            ],
            f"$\\vec a\\cdot\\vec b={dot}$, $t={frac(t)}$",
        ),
        (
            f"已知向量$\\vec a=({a[0]},{a[1]})$，$\\vec b=({b[0]},{b[1]})$。求$|\\vec a|^2+|\\vec b|^2$；若$(\\vec a+t\\vec b)\\perp\\vec b$，求实数$t$的值。",
            [
                f"$|\\vec a|^2={aa}$，$|\\vec b|^2={bb}$，所以$|\\vec a|^2+|\\vec b|^2={aa + bb}$。",
                f"数量积$\\vec a\\cdot\\vec b={dot}$。",
                f"由垂直得$\\vec a\\cdot\\vec b+t|\\vec b|^2=0$，即${dot}+{bb}t=0$，所以$t={frac(t)}$。",
            ],
            f"${aa + bb}$，$t={frac(t)}$",
        ),
    )
