# ruff: noqa: D103, E501 (a template is named for what it asks; sentences are not broken)
"""Templates of university: linear algebra, number theory and probability."""

from fractions import Fraction
from math import comb, gcd
from random import Random

from .templates import Text, frac, pick_two, polynomial, signed, template, term


def _matrix(rows: list[list[int]], name: str = "pmatrix") -> str:
    body = r"\\".join("&".join(map(str, row)) for row in rows)
    return rf"\begin{{{name}}}{body}\end{{{name}}}"


@template("university")
def determinant(rng: Random) -> tuple[Text, Text]:
    m = [[rng.randint(-3, 5) for _ in range(3)] for _ in range(3)]
    minors = [
        m[1][1] * m[2][2] - m[1][2] * m[2][1],
        m[1][0] * m[2][2] - m[1][2] * m[2][0],
        m[1][0] * m[2][1] - m[1][1] * m[2][0],
    ]
    det = m[0][0] * minors[0] - m[0][1] * minors[1] + m[0][2] * minors[2]
    rule = sum(
        m[0][i] * m[1][(i + 1) % 3] * m[2][(i + 2) % 3] - m[0][i] * m[1][(i + 2) % 3] * m[2][(i + 1) % 3]
        for i in range(3)
    )
    assert det == rule
    parts = f"{m[0][0]}\\cdot({minors[0]})-({m[0][1]})\\cdot({minors[1]})+({m[0][2]})\\cdot({minors[2]})"
    verdict, zh = ("is invertible", "可逆") if det else ("is not invertible", "不可逆")
    return (
        (
            f"Compute the determinant of $$A={_matrix(m)}$$ by expansion along the first row and decide whether $A$ is invertible.",
            [
                f"The minor of the first entry is ${minors[0]}$.",
                f"The minor of the second entry is ${minors[1]}$.",
                f"The minor of the third entry is ${minors[2]}$.",
                f"With alternating signs $\\det A={parts}={det}$.",
                f"Since the determinant is {'not zero' if det else 'zero'}, $A$ {verdict}.",
            ],
            f"$\\det A={det}$",
        ),
        (
            f"将行列式$${_matrix(m, 'vmatrix')}$$按第一行展开，求它的值，并判断对应的矩阵是否可逆。",
            [
                f"第一行各元素的余子式依次为${minors[0]}$，${minors[1]}$，${minors[2]}$。",
                f"按第一行展开，行列式$={parts}={det}$。",
                f"行列式{'不等于零' if det else '等于零'}，所以矩阵{zh}。",
            ],
            f"${det}$",
        ),
    )


@template("university")
def eigenvalues(rng: Random) -> tuple[Text, Text]:
    p, q = pick_two(rng, -4, 6)
    k = rng.choice([1, 2, 3])
    # A = S diag(p, q) S⁻¹, where the columns (k+1, 1) and (k, 1) of S are the eigenvectors and det S = 1
    a, b = p + k * (p - q), -(p - q) * k * (k + 1)
    c, d = p - q, q - (p - q) * k
    trace, det = a + d, a * d - b * c
    assert trace == p + q
    assert det == p * q
    assert (a * k + b, c * k + d) == (q * k, q)
    matrix = _matrix([[a, b], [c, d]])
    return (
        (
            f"Find the eigenvalues of $$A={matrix}$$ and an eigenvector for each of them.",
            [
                f"The trace is ${trace}$ and the determinant is ${a}\\cdot({d})-({b})\\cdot({c})={det}$.",
                f"The characteristic polynomial is therefore ${polynomial(1, -trace, det, variable=chr(955)).replace(chr(955), chr(92) + 'lambda ')}$.",
                f"It factors as $(\\lambda{signed(-p)})(\\lambda{signed(-q)})$.",
                f"So the eigenvalues are $\\lambda_1={p}$ and $\\lambda_2={q}$.",
                f"For $\\lambda_1={p}$ the second row of $A-\\lambda_1 I$ reads $({c},{d - p})$, and $\\begin{{pmatrix}}{k + 1}\\\\1\\end{{pmatrix}}$ solves the system.",
                f"For $\\lambda_2={q}$ the second row of $A-\\lambda_2 I$ reads $({c},{d - q})$, and $\\begin{{pmatrix}}{k}\\\\1\\end{{pmatrix}}$ solves the system.",
            ],
            f"$\\lambda_1={p},\\ \\lambda_2={q}$",
        ),
        (
            f"求矩阵$$A={matrix}$$的特征值和对应的特征向量。",
            [
                f"$A$的迹为${trace}$，行列式为${det}$。",
                f"特征多项式为$|\\lambda E-A|=(\\lambda{signed(-p)})(\\lambda{signed(-q)})$。",
                f"所以特征值为$\\lambda_1={p}$，$\\lambda_2={q}$。",
                f"当$\\lambda_1={p}$时，解方程组$(A-\\lambda_1E)x=0$，得特征向量$\\begin{{pmatrix}}{k + 1}\\\\1\\end{{pmatrix}}$。",
                f"当$\\lambda_2={q}$时，解方程组$(A-\\lambda_2E)x=0$，得特征向量$\\begin{{pmatrix}}{k}\\\\1\\end{{pmatrix}}$。",
            ],
            f"$\\lambda_1={p},\\ \\lambda_2={q}$",
        ),
    )


@template("university")
def elimination(rng: Random) -> tuple[Text, Text]:
    x, y, z = (rng.randint(-4, 5) for _ in range(3))
    a, b, c, d = rng.randint(2, 3), rng.randint(-2, 2) or 1, rng.randint(-3, 3) or 2, rng.choice([1, 2])
    # rows: (1, a, b), (2, 2a+1, c), (-1, 1-a, d): after elimination (0, 1, c-2b), (0, 1, d+b)
    if d + b == c - 2 * b:
        d += 1
    rows = [(1, a, b), (2, 2 * a + 1, c), (-1, 1 - a, d)]
    right = [u * x + v * y + w * z for u, v, w in rows]
    second, third = right[1] - 2 * right[0], right[2] + right[0]
    pivot, last = d + b - (c - 2 * b), third - second
    assert pivot * z == last
    equations = [
        f"{term(u, 'x', True)}{term(v, 'y')}{term(w, 'z')}={value}"
        for (u, v, w), value in zip(rows, right, strict=True)
    ]
    system = rf"\begin{{cases}}{(chr(92) * 2).join(equations)}\end{{cases}}"
    line_two = f"y{term(c - 2 * b, 'z')}={second}"
    line_three = f"y{term(d + b, 'z')}={third}"
    return (
        (
            f"Solve the linear system by Gaussian elimination. $${system}$$",
            [
                "Keep the first equation and use it to remove $x$ from the other two.",
                f"Second equation minus twice the first: ${line_two}$.",
                f"Third equation plus the first: ${line_three}$.",
                f"Subtract the new second equation from the new third one: ${term(pivot, 'z', True)}={last}$.",
                f"Divide by the coefficient: $z={z}$.",
                f"Insert into ${line_two}$: $y={second}-({(c - 2 * b) * z})={y}$.",
                f"Insert both values into the first equation: $x={right[0]}-({a * y})-({b * z})={x}$.",
                f"A check in the second equation gives ${2 * x}{signed((2 * a + 1) * y)}{signed(c * z)}={right[1]}$, as required.",
            ],
            f"$(x,y,z)=({x},{y},{z})$",
        ),
        (
            f"用高斯消元法解线性方程组$${system}$$",
            [
                "保留第一个方程，用它消去后两个方程中的$x$。",
                f"第二式减去第一式的$2$倍，得${line_two}$。",
                f"第三式加上第一式，得${line_three}$。",
                f"新的第三式减去新的第二式，得${term(pivot, 'z', True)}={last}$。",
                f"两边除以$z$的系数，得$z={z}$。",
                f"代入${line_two}$，得$y={y}$。",
                f"代入第一式，得$x={right[0]}-({a * y})-({b * z})={x}$。",
                f"代入第二式检验：${2 * x}{signed((2 * a + 1) * y)}{signed(c * z)}={right[1]}$，等式成立。",
            ],
            f"$(x,y,z)=({x},{y},{z})$",
        ),
    )


@template("university")
def modular_inverse(rng: Random) -> tuple[Text, Text]:
    while True:
        modulus, number = rng.randint(40, 160), rng.randint(11, 39)
        if gcd(modulus, number) == 1:
            divisions, r0, r1 = [], modulus, number
            while r1:
                divisions.append((r0, r1, r0 // r1, r0 % r1))
                r0, r1 = r1, r0 % r1
            if 3 <= len(divisions) <= 6:
                break
    inverse = pow(number, -1, modulus)
    k = (number * inverse - 1) // modulus
    used = divisions[:-1]
    steps = [f"${u}={q}\\cdot {v}+{r}$" for u, v, q, r in used]
    residue = rng.randint(2, 9)
    solution = residue * inverse % modulus
    return (
        (
            f"Find the inverse of ${number}$ modulo ${modulus}$ and use it to solve ${number}x\\equiv {residue}\\pmod{{{modulus}}}$.",
            [
                *(
                    f"{word} division of Euclid's algorithm: {line}."
                    for word, line in zip(("First", "Second", "Third", "Fourth", "Fifth"), steps, strict=False)
                ),
                f"Reading the divisions backwards gives ${inverse}\\cdot {number}-{k}\\cdot {modulus}=1$.",
                f"Hence the inverse of ${number}$ is ${inverse}$.",
                f"Multiply the congruence by it: $x\\equiv {residue}\\cdot {inverse}\\equiv {solution}\\pmod{{{modulus}}}$.",
            ],
            f"$x\\equiv {solution}\\pmod{{{modulus}}}$",
        ),
        (
            f"求${number}$模${modulus}$的逆元，并解同余方程${number}x\\equiv {residue}\\pmod{{{modulus}}}$。",
            [
                *(f"辗转相除第{word}步：{line}。" for word, line in zip("一二三四五", steps, strict=False)),
                f"逐步回代，得${inverse}\\cdot {number}-{k}\\cdot {modulus}=1$，所以逆元为${inverse}$。",
                f"两边同乘逆元，得$x\\equiv {residue * inverse}\\equiv {solution}\\pmod{{{modulus}}}$。",
            ],
            f"$x\\equiv {solution}\\pmod{{{modulus}}}$",
        ),
    )


@template("university")
def remainders(rng: Random) -> tuple[Text, Text]:
    m1, m2, m3 = rng.choice([(3, 5, 7), (4, 5, 9), (5, 7, 8), (3, 7, 11), (4, 7, 9), (5, 6, 11)])
    r1, r2, r3 = rng.randint(1, m1 - 1), rng.randint(1, m2 - 1), rng.randint(1, m3 - 1)
    total = m1 * m2 * m3
    parts = []
    for m, r in ((m1, r1), (m2, r2), (m3, r3)):
        rest = total // m
        parts.append((m, r, rest, pow(rest, -1, m)))
    number = sum(r * rest * inv for _, r, rest, inv in parts)
    least = number % total
    assert (least % m1, least % m2, least % m3) == (r1, r2, r3)
    plus = "+".join(f"{r}\\cdot {rest}\\cdot {inv}" for _, r, rest, inv in parts)
    ordinal = ("first", "second", "third")
    return (
        (
            f"Find the smallest positive integer that leaves the remainders ${r1}$, ${r2}$ and ${r3}$ when it is divided by ${m1}$, ${m2}$ and ${m3}$ respectively.",
            [
                f"The moduli are pairwise coprime and their product is $M={total}$.",
                *(
                    f"For the {word} modulus: $M/{m}={rest}$ and its inverse modulo ${m}$ is ${inv}$."
                    for word, (m, _, rest, inv) in zip(ordinal, parts, strict=True)
                ),
                f"By the Chinese remainder theorem one solution is $x={plus}={number}$.",
                f"Reduce modulo ${total}$: $x\\equiv {least}\\pmod{{{total}}}$.",
                f"The smallest positive solution is ${least}$.",
            ],
            f"${least}$",
        ),
        (
            f"一个正整数除以${m1}$余${r1}$，除以${m2}$余${r2}$，除以${m3}$余${r3}$，求满足条件的最小正整数。",
            [
                f"三个模数两两互素，乘积为$M={total}$。",
                *(f"$M\\div {m}={rest}$，它模${m}$的逆元是${inv}$。" for m, _, rest, inv in parts),
                f"由中国剩余定理，一个解为$x={plus}={number}$。",
                f"对${total}$取余，得最小正整数解${least}$。",
            ],
            f"${least}$",
        ),
    )


@template("university")
def bayes(rng: Random) -> tuple[Text, Text]:
    share, fail_a, fail_b = rng.choice([60, 70, 75, 80, 55]), rng.randint(1, 4), rng.randint(5, 9)
    a, b = Fraction(share * fail_a, 10000), Fraction((100 - share) * fail_b, 10000)
    posterior = b / (a + b)
    return (
        (
            f"Machine A makes {share}% of a factory's screws and machine B the rest. Of A's screws {fail_a}% are defective, of B's {fail_b}%. A screw picked at random is defective. With what probability was it made by machine B?",
            [
                f"Let $D$ be the event that the screw is defective; $P(A)={share / 100:g}$ and $P(B)={(100 - share) / 100:g}$.",
                f"From machine A: $P(A)P(D\\mid A)={share / 100:g}\\cdot {fail_a / 100:g}={float(a):g}$.",
                f"From machine B: $P(B)P(D\\mid B)={(100 - share) / 100:g}\\cdot {fail_b / 100:g}={float(b):g}$.",
                f"The law of total probability gives $P(D)={float(a + b):g}$.",
                f"By Bayes' rule $P(B\\mid D)=\\frac{{{float(b):g}}}{{{float(a + b):g}}}={frac(posterior)}$.",
            ],
            f"${frac(posterior)}$",
        ),
        (
            f"某厂的螺丝钉由甲、乙两台机器生产，甲机器的产量占${share}\\%$，次品率为${fail_a}\\%$，其余由乙机器生产，次品率为${fail_b}\\%$。任取一件恰为次品，求它由乙机器生产的概率。",
            [
                f"设$D$表示取到次品，$A$、$B$分别表示由甲、乙机器生产，则$P(A)={share / 100:g}$，$P(B)={(100 - share) / 100:g}$。",
                f"由全概率公式，$P(D)={share / 100:g}\\times {fail_a / 100:g}+{(100 - share) / 100:g}\\times {fail_b / 100:g}={float(a + b):g}$。",
                f"由贝叶斯公式，$P(B\\mid D)=\\frac{{{float(b):g}}}{{{float(a + b):g}}}={frac(posterior)}$。",
            ],
            f"${frac(posterior)}$",
        ),
    )


@template("university")
def dice_expectation(rng: Random) -> tuple[Text, Text]:
    n, p_num, p_den = rng.randint(4, 7), *rng.choice([(1, 2), (1, 3), (2, 3), (1, 4), (3, 4)])
    k = rng.randint(1, 3)
    p = Fraction(p_num, p_den)
    chance = comb(n, k) * p**k * (1 - p) ** (n - k)
    mean, variance = n * p, n * p * (1 - p)
    return (
        (
            f"An archer hits the target with probability ${frac(p)}$ on each of {n} independent shots. Find the probability of exactly {k} hits, the expected number of hits and its variance.",
            [
                f"The number of hits $X$ has the binomial distribution with $n={n}$ and $p={frac(p)}$.",
                f"So $P(X={k})=\\binom{{{n}}}{{{k}}}\\left({frac(p)}\\right)^{{{k}}}\\left({frac(1 - p)}\\right)^{{{n - k}}}$.",
                f"This equals ${frac(chance)}$.",
                f"The expectation is $E(X)=np={frac(mean)}$.",
                f"The variance is $np(1-p)={frac(variance)}$.",
            ],
            f"${frac(chance)}$, $E(X)={frac(mean)}$, variance ${frac(variance)}$",
        ),
        (
            f"某射手每次射击命中目标的概率为${frac(p)}$，现独立射击${n}$次，求恰好命中${k}$次的概率以及命中次数的数学期望和方差。",
            [
                f"命中次数$X$服从二项分布$B\\left({n},{frac(p)}\\right)$。",
                f"$P(X={k})=C_{{{n}}}^{{{k}}}\\left({frac(p)}\\right)^{{{k}}}\\left({frac(1 - p)}\\right)^{{{n - k}}}={frac(chance)}$。",
                f"数学期望$E(X)={frac(mean)}$。",
                f"方差$D(X)={frac(variance)}$。",
            ],
            f"${frac(chance)}$，期望${frac(mean)}$，方差${frac(variance)}$",
        ),
    )
