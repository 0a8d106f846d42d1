# ruff: noqa: D103, E501 (a template is named for what it asks; sentences are not broken)
"""Templates of university: integrals, series, differential equations, extrema under a constraint."""

from fractions import Fraction
from math import factorial
from random import Random

from .templates import Text, frac, polynomial, template, term


@template("university")
def definite_integral(rng: Random) -> tuple[Text, Text]:
    a, b, c = rng.choice([3, 6, 9]), rng.choice([2, 4, -2, -4, 8]), rng.randint(-5, 7)
    low, high = rng.choice([(0, 2), (1, 3), (-1, 2), (0, 3), (1, 2), (-2, 1)])

    def antiderivative(x: int) -> int:
        return a // 3 * x**3 + b // 2 * x * x + c * x

    value = antiderivative(high) - antiderivative(low)
    primitive = polynomial(a // 3, b // 2, c, 0)
    integral = rf"\int_{{{low}}}^{{{high}}}\left({polynomial(a, b, c)}\right)\,dx"
    return (
        (
            f"Evaluate the definite integral $${integral}.$$",
            [
                f"An antiderivative of the integrand is $F(x)={primitive}$.",
                f"At the upper limit $F({high})={antiderivative(high)}$.",
                f"At the lower limit $F({low})={antiderivative(low)}$.",
                f"By the fundamental theorem of calculus the integral equals ${antiderivative(high)}-({antiderivative(low)})={value}$.",
            ],
            f"${value}$",
        ),
        (
            f"计算定积分$${integral}.$$",
            [
                f"被积函数的一个原函数为$F(x)={primitive}$。",
                f"分别计算$F({high})={antiderivative(high)}$，$F({low})={antiderivative(low)}$。",
                f"由牛顿—莱布尼茨公式，原式$=F({high})-F({low})={value}$。",
            ],
            f"${value}$",
        ),
    )


@template("university")
def by_parts(rng: Random) -> tuple[Text, Text]:
    a, k = rng.randint(2, 9), rng.randint(2, 6)
    first, second = Fraction(a, k), Fraction(a, k * k)
    result = rf"{term(first, 'x', True)}e^{{{k}x}}-{term(second, '', True)}e^{{{k}x}}+C".replace("-1e", "-e")
    return (
        (
            f"Find the indefinite integral $\\int {a}x\\,e^{{{k}x}}\\,dx$.",
            [
                f"Integrate by parts with $u={a}x$ and $dv=e^{{{k}x}}\\,dx$.",
                f"Then $du={a}\\,dx$ and $v=\\frac{{1}}{{{k}}}e^{{{k}x}}$.",
                f"So the integral is ${term(first, 'x', True)}e^{{{k}x}}-\\int {frac(first)}e^{{{k}x}}\\,dx$.",
                f"The remaining integral is ${frac(second)}e^{{{k}x}}$, hence the result is ${result}$.",
            ],
            f"${result}$",
        ),
        (
            f"求不定积分$\\int {a}x\\,e^{{{k}x}}\\,dx$。",
            [
                f"用分部积分法，取$u={a}x$，$dv=e^{{{k}x}}\\,dx$，则$du={a}\\,dx$，$v=\\frac{{1}}{{{k}}}e^{{{k}x}}$。",
                f"原式$={term(first, 'x', True)}e^{{{k}x}}-\\int {frac(first)}e^{{{k}x}}\\,dx$。",
                f"再积分一次，得${result}$。",
            ],
            f"${result}$",
        ),
    )


@template("university")
def separable(rng: Random) -> tuple[Text, Text]:
    k, y0 = rng.choice([2, 4, 6, 8]), rng.randint(2, 9)
    exponent = term(Fraction(k, 2), "x^2", True)
    return (
        (
            f"Solve the initial value problem $y'={k}xy$, $y(0)={y0}$.",
            [
                "The constant solution $y=0$ does not satisfy the initial condition, so we may divide by $y$.",
                f"Separate the variables: $\\frac{{dy}}{{y}}={k}x\\,dx$.",
                f"Integrate both sides: $\\ln|y|={exponent}+c$.",
                f"Take exponentials: $y=Ce^{{{exponent}}}$ with a constant $C$.",
                f"The initial condition gives $C={y0}$.",
                f"The solution is $y={y0}e^{{{exponent}}}$.",
            ],
            f"$y={y0}e^{{{exponent}}}$",
        ),
        (
            f"求微分方程$y'={k}xy$满足初始条件$y(0)={y0}$的特解。",
            [
                f"分离变量，得$\\frac{{dy}}{{y}}={k}x\\,dx$。",
                f"两边积分，得$\\ln|y|={exponent}+c$，即$y=Ce^{{{exponent}}}$。",
                f"代入初始条件，得$C={y0}$。",
                f"所求特解为$y={y0}e^{{{exponent}}}$。",
            ],
            f"$y={y0}e^{{{exponent}}}$",
        ),
    )


@template("university")
def lagrange(rng: Random) -> tuple[Text, Text]:
    a, b, s = rng.choice([(1, 2, 6), (1, 3, 8), (2, 1, 9), (3, 1, 12), (2, 3, 10), (3, 2, 15), (1, 4, 20)])
    # minimise a x² + b y² subject to x + y = s
    x, y = Fraction(b * s, a + b), Fraction(a * s, a + b)
    value = a * x * x + b * y * y
    multiplier = 2 * a * x
    assert 2 * b * y == multiplier
    objective = f"{term(a, 'x^2', True)}{term(b, 'y^2')}"
    return (
        (
            f"Find the smallest value of $f(x,y)={objective}$ on the line $x+y={s}$ with a Lagrange multiplier.",
            [
                f"Form the function $L(x,y,\\lambda)={objective}-\\lambda(x+y-{s})$.",
                f"The derivative with respect to $x$ gives ${2 * a}x=\\lambda$.",
                f"The derivative with respect to $y$ gives ${2 * b}y=\\lambda$.",
                "The derivative with respect to $\\lambda$ gives back the constraint.",
                f"So $x=\\frac{{\\lambda}}{{{2 * a}}}$ and $y=\\frac{{\\lambda}}{{{2 * b}}}$.",
                f"Insert into the constraint: $\\lambda\\left(\\frac{{1}}{{{2 * a}}}+\\frac{{1}}{{{2 * b}}}\\right)={s}$.",
                f"Hence $\\lambda={frac(multiplier)}$.",
                f"It follows that $x={frac(x)}$ and $y={frac(y)}$.",
                "On the line the function is a quadratic with positive leading coefficient, so this point is a minimum.",
                f"The smallest value is $f\\left({frac(x)},{frac(y)}\\right)={frac(value)}$.",
            ],
            f"${frac(value)}$",
        ),
        (
            f"用拉格朗日乘数法求函数$f(x,y)={objective}$在条件$x+y={s}$下的最小值。",
            [
                f"作拉格朗日函数$L(x,y,\\lambda)={objective}-\\lambda(x+y-{s})$。",
                f"对$x$求偏导并令其为零，得${2 * a}x=\\lambda$。",
                f"对$y$求偏导并令其为零，得${2 * b}y=\\lambda$。",
                f"对$\\lambda$求偏导并令其为零，得约束条件$x+y={s}$。",
                f"由前两式得$x=\\frac{{\\lambda}}{{{2 * a}}}$，$y=\\frac{{\\lambda}}{{{2 * b}}}$。",
                f"代入约束条件，解得$\\lambda={frac(multiplier)}$。",
                f"于是$x={frac(x)}$，$y={frac(y)}$。",
                "在直线上$f$是开口向上的二次函数，所以驻点就是最小值点。",
                f"最小值为$f\\left({frac(x)},{frac(y)}\\right)={frac(value)}$。",
            ],
            f"${frac(value)}$",
        ),
    )


@template("university")
def taylor(rng: Random) -> tuple[Text, Text]:
    a, n = rng.choice([2, 3, -2, -3, 4]), rng.randint(3, 5)
    b = rng.randint(2, 6)
    value = Fraction(a**n, factorial(n)) + b * Fraction(a ** (n - 1), factorial(n - 1))
    return (
        (
            f"Determine the coefficient of $x^{n}$ in the Maclaurin series of $(1+{b}x)e^{{{a}x}}$.",
            [
                f"The exponential series is $e^{{{a}x}}=\\sum_{{k=0}}^{{\\infty}}\\frac{{({a})^k}}{{k!}}x^k$.",
                f"The summand $1$ contributes the coefficient of $x^{n}$, which is $\\frac{{({a})^{n}}}{{{n}!}}={frac(Fraction(a**n, factorial(n)))}$.",
                f"The summand ${b}x$ contributes ${b}$ times the coefficient of $x^{n - 1}$, which is ${b}\\cdot {frac(Fraction(a ** (n - 1), factorial(n - 1)))}$."
                if a > 0 or n % 2
                else f"The summand ${b}x$ contributes ${b}$ times the coefficient of $x^{n - 1}$, which is ${b}\\cdot\\left({frac(Fraction(a ** (n - 1), factorial(n - 1)))}\\right)$.",
                f"The sum of both contributions is ${frac(value)}$.",
            ],
            f"${frac(value)}$",
        ),
        (
            f"求函数$(1+{b}x)e^{{{a}x}}$的麦克劳林展开式中$x^{n}$的系数。",
            [
                f"已知$e^{{{a}x}}=\\sum_{{k=0}}^{{\\infty}}\\frac{{({a})^k}}{{k!}}x^k$。",
                f"$x^{n}$的系数由两部分组成：$\\frac{{({a})^{n}}}{{{n}!}}$与${b}\\cdot\\frac{{({a})^{n - 1}}}{{{n - 1}!}}$。",
                f"相加得${frac(value)}$。",
            ],
            f"${frac(value)}$",
        ),
    )
