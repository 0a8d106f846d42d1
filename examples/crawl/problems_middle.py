# ruff: noqa: D103, E501 (a template is named for what it asks; sentences are not broken)
"""Templates of middle school: equations, systems, inequalities, right triangles, probability, powers."""

from fractions import Fraction
from math import gcd
from random import Random

from .templates import NAMES, Text, frac, pick_two, polynomial, signed, template, term

_TRIPLES = ((3, 4, 5), (5, 12, 13), (8, 15, 17), (7, 24, 25), (20, 21, 29), (9, 40, 41))


@template("middle")
def linear_equation(rng: Random) -> tuple[Text, Text]:
    x, a = rng.randint(-9, 12), rng.randint(4, 11)
    c = rng.randint(1, a - 2)
    b = rng.randint(-20, 20) or 7
    d = a * x + b - c * x
    assert a * x + b == c * x + d
    left, right = polynomial(a, b), polynomial(c, d)
    return (
        (
            f"Solve the equation ${left}={right}$ for $x$.",
            [
                f"Subtract ${term(c, 'x', True)}$ from both sides: ${polynomial(a - c, b)}={d}$.",
                f"Move the constant to the right: ${term(a - c, 'x', True)}={d - b}$.",
                f"Divide by ${a - c}$: $x={x}$.",
            ],
            f"$x={x}$",
        ),
        (
            f"解方程：${left}={right}$。",
            [
                f"移项，得${term(a, 'x', True)}{term(-c, 'x')}={d}{signed(-b)}$。",
                f"合并同类项，得${term(a - c, 'x', True)}={d - b}$。",
                f"系数化为$1$，得$x={x}$。",
            ],
            f"$x={x}$",
        ),
    )


@template("middle")
def system(rng: Random) -> tuple[Text, Text]:
    x, y = pick_two(rng, -6, 9)
    a, b = rng.randint(2, 5), rng.randint(1, 4)
    c, d = rng.randint(1, 4), -rng.randint(1, 5)
    p, q = a * x + b * y, c * x + d * y
    k = a * -d + c * b  # the coefficient of x after elimination of y
    first, second = f"{term(a, 'x', True)}{term(b, 'y')}={p}", f"{term(c, 'x', True)}{term(d, 'y')}={q}"
    cases = rf"\begin{{cases}}{first}\\{second}\end{{cases}}"
    rhs = p * -d + q * b
    assert k * x == rhs
    return (
        (
            f"Solve the system of equations $${cases}$$",
            [
                f"Multiply the first equation by ${-d}$: ${term(a * -d, 'x', True)}{term(b * -d, 'y')}={p * -d}$.",
                f"Multiply the second equation by ${b}$: ${term(c * b, 'x', True)}{term(d * b, 'y')}={q * b}$.",
                f"Add both equations so that $y$ cancels: ${term(k, 'x', True)}={rhs}$, hence $x={x}$.",
                f"Put $x={x}$ into the first equation: ${term(b, 'y', True)}={p}-{a}\\cdot({x})={p - a * x}$.",
                f"Therefore $y={y}$.",
            ],
            f"$x={x},\\ y={y}$",
        ),
        (
            f"解方程组：$${cases}$$",
            [
                f"第一个方程两边同乘${-d}$，得${term(a * -d, 'x', True)}{term(b * -d, 'y')}={p * -d}$。",
                f"第二个方程两边同乘${b}$，得${term(c * b, 'x', True)}{term(d * b, 'y')}={q * b}$。",
                f"两式相加消去$y$，得${term(k, 'x', True)}={rhs}$，所以$x={x}$。",
                f"把$x={x}$代入第一个方程，得${term(b, 'y', True)}={p - a * x}$。",
                f"解得$y={y}$，所以方程组的解是$x={x}$，$y={y}$。",
            ],
            f"$x={x},\\ y={y}$",
        ),
    )


@template("middle")
def inequality(rng: Random) -> tuple[Text, Text]:
    a, bound = rng.randint(2, 9), rng.randint(-7, 8)
    b = rng.randint(1, 15)
    c = -a * bound + b
    return (
        (
            f"For which real numbers $x$ does ${b}-{a}x<{c}$ hold?",
            [
                f"Subtract ${b}$ from both sides: $-{a}x<{c - b}$.",
                f"Divide by $-{a}$; the sign of inequality turns round: $x>{bound}$.",
            ],
            f"$x>{bound}$",
        ),
        (
            f"解不等式${b}-{a}x<{c}$，并说明解集。",
            [
                f"移项，得$-{a}x<{c}-{b}$，即$-{a}x<{c - b}$。",
                f"两边同除以$-{a}$，不等号方向改变，得$x>{bound}$。",
            ],
            f"$x>{bound}$",
        ),
    )


@template("middle")
def ladder(rng: Random) -> tuple[Text, Text]:
    a, b, c = rng.choice(_TRIPLES)
    k = rng.randint(2, 6)
    a, b, c = a * k, b * k, c * k
    assert a * a + b * b == c * c
    return (
        (
            f"In a right triangle one leg measures {a} cm and the hypotenuse measures {c} cm. Find the other leg and the area of the triangle.",
            [
                f"By the theorem of Pythagoras the other leg $b$ satisfies ${a}^2+b^2={c}^2$.",
                f"So $b^2={c * c}-{a * a}={b * b}$.",
                f"Since $b>0$, we get $b=\\sqrt{{{b * b}}}={b}$ cm.",
                f"The area is $\\frac12\\cdot {a}\\cdot {b}={frac(Fraction(a * b, 2))}$ square centimetres.",
            ],
            f"$b={b}$ cm, area ${frac(Fraction(a * b, 2))}$ cm$^2$",
        ),
        (
            f"在$\\triangle ABC$中，$\\angle C=90^\\circ$，$AC={a}$，$AB={c}$，求$BC$的长和$\\triangle ABC$的面积。",
            [
                "由勾股定理，$AC^2+BC^2=AB^2$。",
                f"所以$BC^2={c}^2-{a}^2={c * c}-{a * a}={b * b}$。",
                f"因为$BC>0$，所以$BC={b}$。",
                f"面积为$\\frac12\\cdot {a}\\cdot {b}={frac(Fraction(a * b, 2))}$。",
            ],
            f"$BC={b}$，面积为${frac(Fraction(a * b, 2))}$",
        ),
    )


@template("middle")
def fraction_sum(rng: Random) -> tuple[Text, Text]:
    p, q = rng.choice([(6, 4), (8, 12), (9, 6), (10, 15), (12, 18), (14, 21), (15, 6)])
    a = rng.choice([n for n in range(1, p) if gcd(n, p) == 1])
    b = rng.choice([n for n in range(1, q) if gcd(n, q) == 1])
    common = p * q // gcd(p, q)
    total = Fraction(a, p) + Fraction(b, q)
    sum_ = rf"\frac{{{a}}}{{{p}}}+\frac{{{b}}}{{{q}}}"
    expanded = rf"\frac{{{a * common // p}}}{{{common}}}+\frac{{{b * common // q}}}{{{common}}}"
    top = a * common // p + b * common // q
    return (
        (
            f"Compute ${sum_}$ and write the result in lowest terms.",
            [
                f"The least common denominator of ${p}$ and ${q}$ is ${common}$.",
                f"Expand both fractions: ${expanded}=\\frac{{{top}}}{{{common}}}$.",
                f"In lowest terms this is ${frac(total)}$.",
            ],
            f"${frac(total)}$",
        ),
        (
            f"计算：${sum_}$，结果写成最简分数。",
            [
                f"${p}$和${q}$的最小公倍数是${common}$，以它为公分母通分。",
                f"原式$={expanded}=\\frac{{{top}}}{{{common}}}$。",
                f"化成最简分数为${frac(total)}$。",
            ],
            f"${frac(total)}$",
        ),
    )


@template("middle")
def factoring(rng: Random) -> tuple[Text, Text]:
    r, s = sorted(pick_two(rng, -9, 9))
    while r == -s or 0 in (r, s):
        r, s = sorted(pick_two(rng, -9, 9))
    b, c = -(r + s), r * s
    equation = f"{polynomial(1, b, c)}=0"
    product = f"(x{signed(-r)})(x{signed(-s)})=0"
    return (
        (
            f"Find all solutions of ${equation}$ by factoring.",
            [
                f"We look for two numbers with product ${c}$ and sum ${b}$: they are ${-r}$ and ${-s}$.",
                f"Hence the equation becomes ${product}$.",
                f"A product is zero when one of its factors is zero, so $x={r}$ or $x={s}$.",
            ],
            f"$x={r}$ or $x={s}$",
        ),
        (
            f"用因式分解法解方程${equation}$。",
            [
                f"找两个数，积为${c}$，和为${b}$，它们是${-r}$和${-s}$。",
                f"原方程化为${product}$。",
                f"于是$x{signed(-r)}=0$或$x{signed(-s)}=0$，解得$x_1={r}$，$x_2={s}$。",
            ],
            f"$x_1={r},\\ x_2={s}$",
        ),
    )


@template("middle")
def solution_mix(rng: Random) -> tuple[Text, Text]:
    low, high = rng.choice([(10, 40), (15, 60), (20, 50), (5, 30), (12, 36)])
    x, y = rng.choice([(2, 1), (1, 1), (1, 2), (3, 1), (1, 3), (3, 2)])
    unit = rng.choice([60, 80, 100, 120])
    total, target = unit * (x + y), Fraction(low * x + high * y, x + y)
    while target.denominator != 1:
        x, y = 2, 1
        low, high = 10, 40
        total, target = unit * 3, Fraction(20)
    weak, strong = unit * x, unit * y
    salt = Fraction(total * target, 100)
    gap = Fraction(low * total, 100)
    return (
        (
            f"A chemist wants {total} ml of a ${target}\\%$ acid and has a ${low}\\%$ acid and a ${high}\\%$ acid in stock. How many millilitres of each must be mixed?",
            [
                f"Let $x$ be the amount of the weaker acid in ml; then ${total}-x$ ml of the stronger one are needed.",
                f"The pure acid gives the equation $\\frac{{{low}}}{{100}}x+\\frac{{{high}}}{{100}}({total}-x)={frac(salt)}$.",
                f"Multiply by $100$: ${low}x+{high * total}-{high}x={100 * salt}$.",
                f"Collect the terms: $-{high - low}x={100 * salt - high * total}$, so $x={weak}$.",
                f"The stronger acid makes up ${total}-{weak}={strong}$ ml.",
            ],
            f"${weak}$ ml of the ${low}\\%$ acid and ${strong}$ ml of the ${high}\\%$ acid",
        ),
        (
            f"现有浓度为${low}\\%$和${high}\\%$的两种盐水，要配制浓度为${target}\\%$的盐水${total}$克，两种盐水各需取多少克？",
            [
                f"设需取${low}\\%$的盐水$x$克，则${high}\\%$的盐水取$({total}-x)$克。",
                f"根据含盐量列方程：${low}\\%x+{high}\\%({total}-x)={target}\\%\\times {total}$。",
                f"若全部取${low}\\%$的盐水，含盐${frac(gap)}$克，比所需的${frac(salt)}$克少${frac(salt - gap)}$克。",
                f"解方程得$x={weak}$。",
                f"所以${high}\\%$的盐水取${total}-{weak}={strong}$（克）。",
            ],
            f"${low}\\%$的盐水${weak}$克，${high}\\%$的盐水${strong}$克",
        ),
    )


@template("middle")
def line_through(rng: Random) -> tuple[Text, Text]:
    x1, x2 = pick_two(rng, -5, 6)
    m, n = rng.choice([-4, -3, -2, 2, 3, 4, 5]), rng.randint(-8, 8)
    y1, y2 = m * x1 + n, m * x2 + n
    line = f"y={polynomial(m, n)}"
    at_x1, at_x2 = (f"{term(x, 'k', True)}+b" if x else "b" for x in (x1, x2))
    return (
        (
            f"A line passes through the points $A({x1},{y1})$ and $B({x2},{y2})$. Find its equation in the form $y=mx+n$.",
            [
                f"The slope is $m=\\frac{{{y2}-({y1})}}{{{x2}-({x1})}}=\\frac{{{y2 - y1}}}{{{x2 - x1}}}={m}$.",
                f"Insert the point $A$: ${y1}={m}\\cdot({x1})+n$, which gives $n={n}$.",
                f"The equation of the line is ${line}$; the point $B$ satisfies it as well.",
            ],
            f"${line}$",
        ),
        (
            f"已知一次函数$y=kx+b$的图象经过点$A({x1},{y1})$和$B({x2},{y2})$，求这个函数的解析式。",
            [
                f"把两点的坐标代入，得${y1}={at_x1}$，${y2}={at_x2}$。",
                f"两式相减，得${y2 - y1}={x2 - x1}k$，所以$k={m}$。",
                f"代回第一式，得$b={n}$，所以解析式为${line}$。",
            ],
            f"${line}$",
        ),
    )


@template("middle")
def return_trip(rng: Random) -> tuple[Text, Text]:
    v, w = rng.choice([(12, 6), (20, 30), (60, 40), (15, 10), (24, 12), (36, 18), (45, 30), (50, 75)])
    mean = Fraction(2 * v * w, v + w)
    name, zh = rng.choice(NAMES)
    return (
        (
            f"{name} cycles up a mountain road at {w if w < v else v} km/h and rides back down the same road at {max(v, w)} km/h. What is the average speed of the whole trip?",
            [
                "Let $s$ be the length of the road in kilometres.",
                f"The ride up takes $\\frac{{s}}{{{min(v, w)}}}$ hours and the ride down takes $\\frac{{s}}{{{max(v, w)}}}$ hours.",
                f"Together that is $\\frac{{s}}{{{min(v, w)}}}+\\frac{{s}}{{{max(v, w)}}}={frac(Fraction(v + w, v * w))}s$ hours for a distance of $2s$.",
                f"The average speed is $2s\\div\\left({frac(Fraction(v + w, v * w))}s\\right)={frac(mean)}$ km/h.",
            ],
            f"${frac(mean)}$ km/h",
        ),
        (
            f"{zh}骑车上山的速度是每小时${min(v, w)}$千米，沿原路下山的速度是每小时${max(v, w)}$千米，求往返的平均速度。",
            [
                "设单程为$s$千米。",
                f"上山用$\\frac{{s}}{{{min(v, w)}}}$小时，下山用$\\frac{{s}}{{{max(v, w)}}}$小时。",
                f"往返共用${frac(Fraction(v + w, v * w))}s$小时，路程为$2s$千米。",
                f"平均速度为$2s\\div\\left({frac(Fraction(v + w, v * w))}s\\right)={frac(mean)}$（千米/时）。",
            ],
            f"${frac(mean)}$千米/时",
        ),
    )


@template("middle")
def balls(rng: Random) -> tuple[Text, Text]:
    red, blue = rng.randint(3, 8), rng.randint(2, 7)
    n = red + blue
    both = Fraction(red * (red - 1), n * (n - 1))
    return (
        (
            f"A bag contains {red} red and {blue} blue balls. Two balls are drawn one after the other without replacement. What is the probability that both are red?",
            [
                f"The first ball is red with probability $\\frac{{{red}}}{{{n}}}$.",
                f"Then ${red - 1}$ of the remaining ${n - 1}$ balls are red, so the second one is red with probability $\\frac{{{red - 1}}}{{{n - 1}}}$.",
                f"The product is $\\frac{{{red}}}{{{n}}}\\cdot\\frac{{{red - 1}}}{{{n - 1}}}={frac(both)}$.",
            ],
            f"${frac(both)}$",
        ),
        (
            f"一个不透明的袋中装有${red}$个红球和${blue}$个蓝球，它们除颜色外都相同。从中不放回地依次摸出两个球，求两个都是红球的概率。",
            [
                f"第一次摸到红球的概率是$\\frac{{{red}}}{{{n}}}$。",
                f"此时袋中还有${n - 1}$个球，其中红球${red - 1}$个，第二次摸到红球的概率是$\\frac{{{red - 1}}}{{{n - 1}}}$。",
                f"所求概率为$\\frac{{{red}}}{{{n}}}\\times\\frac{{{red - 1}}}{{{n - 1}}}={frac(both)}$。",
            ],
            f"${frac(both)}$",
        ),
    )


@template("middle")
def powers(rng: Random) -> tuple[Text, Text]:
    a, b, c = rng.randint(2, 5), rng.randint(2, 4), rng.randint(2, 6)
    d = rng.randint(1, a * b + c - 2)
    base = rng.choice("xyab")
    result = a * b + c - d
    expression = rf"\frac{{({base}^{{{a}}})^{{{b}}}\cdot {base}^{{{c}}}}}{{{base}^{{{d}}}}}"
    return (
        (
            f"Simplify ${expression}$, where ${base}\\neq 0$.",
            [
                f"A power of a power: $({base}^{{{a}}})^{{{b}}}={base}^{{{a * b}}}$.",
                f"In the numerator add the exponents: ${base}^{{{a * b}}}\\cdot {base}^{{{c}}}={base}^{{{a * b + c}}}$.",
                f"For the quotient subtract: ${base}^{{{a * b + c}}}\\div {base}^{{{d}}}={base}^{{{result}}}$.",
            ],
            f"${base}^{{{result}}}$",
        ),
        (
            f"化简：${expression}$（${base}\\neq 0$）。",
            [
                f"由幂的乘方，$({base}^{{{a}}})^{{{b}}}={base}^{{{a * b}}}$。",
                f"同底数幂相乘，${base}^{{{a * b}}}\\cdot {base}^{{{c}}}={base}^{{{a * b + c}}}$。",
                f"同底数幂相除，原式$={base}^{{{a * b + c}-{d}}}={base}^{{{result}}}$。",
            ],
            f"${base}^{{{result}}}$",
        ),
    )


@template("middle")
def sector(rng: Random) -> tuple[Text, Text]:
    angle, radius = rng.choice([30, 40, 45, 60, 72, 120, 150]), rng.randint(4, 18)
    area, arc = Fraction(angle * radius * radius, 360), Fraction(angle * radius, 180)
    area_pi, arc_pi = term(area, r"\pi", True), term(arc, r"\pi", True)
    return (
        (
            f"A sector of a circle with radius {radius} cm has a central angle of ${angle}^\\circ$. Find its area and the length of its arc in terms of $\\pi$.",
            [
                f"The sector is the fraction $\\frac{{{angle}}}{{360}}={frac(Fraction(angle, 360))}$ of the circle.",
                f"Its area is ${frac(Fraction(angle, 360))}\\cdot\\pi\\cdot {radius}^2={area_pi}$ cm$^2$.",
                f"Its arc is ${frac(Fraction(angle, 360))}\\cdot 2\\pi\\cdot {radius}={arc_pi}$ cm.",
            ],
            f"${area_pi}$ cm$^2$, ${arc_pi}$ cm",
        ),
        (
            f"已知扇形的圆心角为${angle}^\\circ$，半径为${radius}$，求扇形的面积和弧长（结果保留$\\pi$）。",
            [
                f"扇形面积$S=\\frac{{{angle}\\pi\\cdot {radius}^2}}{{360}}={area_pi}$。",
                f"弧长$l=\\frac{{{angle}\\pi\\cdot {radius}}}{{180}}={arc_pi}$。",
            ],
            f"面积${area_pi}$，弧长${arc_pi}$",
        ),
    )
