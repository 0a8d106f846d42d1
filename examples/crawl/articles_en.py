# ruff: noqa: E501 (running text and HTML are not broken)
r"""Short English articles on single topics, one for each way of writing math on the web."""

ARTICLES = {
    # encoding: (slug, source)
    "mathjax2_script": (
        "geometric-series",
        r"""
# Summing a geometric series

Take a number $q\neq 1$ and consider $s_n=1+q+q^2+\cdots+q^n$. Multiplying by $q$ shifts every summand one place to the right, so almost everything cancels in the difference:

$$s_n-qs_n=1-q^{n+1}.$$

Dividing by $1-q$ we arrive at the closed form $s_n=\frac{1-q^{n+1}}{1-q}$. When $|q|<1$ the power $q^{n+1}$ dies out and the infinite series has the value

$$\sum_{k=0}^{\infty}q^k=\frac{1}{1-q}.$$

With $q=\frac{1}{10}$ this explains why $0.999\ldots$ and $1$ are two names of one number: nine tenths times $\frac{1}{1-\frac{1}{10}}$ is exactly one.
""",
    ),
    "mathjax2_rendered": (
        "quadratic-completion",
        r"""
# Where the quadratic formula comes from

Nobody needs to memorise the formula who can complete a square. Start from $ax^2+bx+c=0$ with $a\neq 0$, divide by $a$ and add $\frac{b^2}{4a^2}$ on both sides. The left side turns into a perfect square, namely

$$\left(x+\frac{b}{2a}\right)^2=\frac{b^2-4ac}{4a^2}.$$

Everything hinges on the sign of $b^2-4ac$. If it is positive we may take roots and find two solutions; if it vanishes, the single solution is $-\frac{b}{2a}$; a negative value leads out of the real numbers.

Geometrically the line $x=-\frac{b}{2a}$ is the axis of the parabola, and the two roots lie symmetrically on either side of it.
""",
    ),
    "mathjax2_preview": (
        "euclidean-algorithm",
        r"""
# Euclid's algorithm in ten lines

To find the greatest common divisor of two positive integers, divide the larger by the smaller and keep the remainder. Since $\gcd(a,b)=\gcd(b,a-qb)$, nothing is lost in the exchange, and the numbers shrink quickly.

For $1071$ and $462$ the divisions are $1071=2\cdot 462+147$, then $462=3\cdot 147+21$, and finally $147=7\cdot 21$. The last divisor, $21$, is the answer.

How many divisions can there be? Two steps at least halve the larger number, so their count is at most $2\log_2 a$. The worst case occurs for neighbouring Fibonacci numbers, where every quotient equals one.
""",
    ),
    "mathjax3": (
        "harmonic-divergence",
        r"""
# The harmonic series grows without bound

The terms of $1+\frac12+\frac13+\frac14+\cdots$ shrink to zero, yet the sums do not settle down. Nicole Oresme noticed why in the fourteenth century. Collect the terms in groups that end at a power of two. The group from $\frac{1}{2^k+1}$ to $\frac{1}{2^{k+1}}$ contains $2^k$ terms, none of them smaller than the last, and therefore contributes at least

$$2^k\cdot\frac{1}{2^{k+1}}=\frac12.$$

Infinitely many halves exceed any bound. The growth is slow, though: the difference between the $n$th sum and $\ln n$ tends to a constant near $0.5772$, so reaching the value $20$ takes about $2.7\cdot 10^8$ terms.
""",
    ),
    "katex": (
        "derivative-of-a-product",
        r"""
# Why the product rule has two terms

A rectangle with sides $u$ and $v$ has area $uv$. Let both sides grow a little, by $\Delta u$ and $\Delta v$. The new area exceeds the old one by two thin strips and a tiny corner,

$$\Delta(uv)=u\,\Delta v+v\,\Delta u+\Delta u\,\Delta v.$$

Divide by $\Delta x$ and let it tend to zero. The corner contributes nothing in the limit, because $\frac{\Delta u}{\Delta x}$ stays bounded while $\Delta v\to 0$. What survives is the rule $(uv)'=uv'+vu'$.

The quotient rule follows without new work. From $u=\frac{u}{v}\cdot v$ we get $u'=\left(\frac uv\right)'v+\frac uv v'$, and solving for the unknown derivative gives $\left(\frac uv\right)'=\frac{u'v-uv'}{v^2}$.
""",
    ),
    "mathml_annotation_xtex": (
        "pigeonhole",
        r"""
# Pigeons, holes and remainders

If $n+1$ letters are put into $n$ boxes, some box receives two of them. The principle sounds too obvious to be useful, but it proves existence without constructing anything.

Among any $n+1$ integers there are two whose difference is divisible by $n$: there are only $n$ possible remainders. As a more surprising example, choose $51$ different numbers from $\{1,2,\dots,100\}$. Write each as $2^k\cdot m$ with $m$ odd. There are only $50$ odd numbers below a hundred, so two of the chosen numbers share the same $m$, and then one divides the other.

Dirichlet used the same idea to show that every irrational $\alpha$ has infinitely many good approximations, with $$\left|\alpha-\frac pq\right|<\frac{1}{q^2}.$$
""",
    ),
    "mathml_annotation_tex": (
        "heron",
        r"""
# Heron's formula

The area of a triangle is determined by its three sides, so there must be an expression for it that mentions no height and no angle. With the half perimeter $s=\frac{a+b+c}{2}$ it reads

$$S=\sqrt{s(s-a)(s-b)(s-c)}.$$

To see this, start from $S=\frac12ab\sin\gamma$ and eliminate the angle by means of $\cos\gamma=\frac{a^2+b^2-c^2}{2ab}$. Then $16S^2=4a^2b^2-(a^2+b^2-c^2)^2$, a difference of two squares that splits twice and leaves four linear factors.

The triangle with sides $13$, $14$ and $15$ has $s=21$ and area $\sqrt{21\cdot 8\cdot 7\cdot 6}=84$.
""",
    ),
    "mathml_annotation_xml_first": (
        "binomial-coefficients",
        r"""
# Pascal's rule and the sum of a row

Let $\binom nk$ denote the number of ways to choose $k$ objects out of $n$. Single out one object: either it is chosen, leaving $k-1$ further choices among $n-1$, or it is not. Hence

$$\binom nk=\binom{n-1}{k-1}+\binom{n-1}{k}.$$

Adding up a whole row counts all subsets, so $\sum_{k=0}^{n}\binom nk=2^n$. With alternating signs the sum is zero, since switching a fixed element in or out pairs even subsets with odd ones.

Less known is the hockey stick identity $\binom{r}{r}+\binom{r+1}{r}+\cdots+\binom{n}{r}=\binom{n+1}{r+1}$, which sorts the subsets of size $r+1$ by their largest element.
""",
    ),
    "mathml_alttext": (
        "inclusion-exclusion",
        r"""
# Counting a union

When two finite sets overlap, the sum of their sizes counts the common elements twice, so $|A\cup B|=|A|+|B|-|A\cap B|$. For three sets one has to add the triple intersection back:

$$|A\cup B\cup C|=|A|+|B|+|C|-|A\cap B|-|A\cap C|-|B\cap C|+|A\cap B\cap C|.$$

As an application, how many integers from $1$ to $1000$ are divisible by none of $2$, $3$ and $5$? The multiples number $500$, $333$ and $200$; the pairs give $166$, $100$ and $66$; and $33$ are divisible by all three. So $1000-1033+332-33=266$ remain.
""",
    ),
    "mathml_presentation": (
        "fibonacci",
        r"""
# A formula for the Fibonacci numbers

The sequence $0,1,1,2,3,5,8,\ldots$ obeys $F_{n+1}=F_n+F_{n-1}$. Try powers: $x^n$ satisfies the same rule exactly when $x^2=x+1$, and the two roots are $\varphi=\frac{1+\sqrt5}{2}$ and $\psi=\frac{1-\sqrt5}{2}$.

Any combination of both powers works as well. Matching the first two values yields

$$F_n=\frac{\varphi^n-\psi^n}{\sqrt5}.$$

Because $|\psi|<1$, the number $F_n$ is the integer closest to $\frac{\varphi^n}{\sqrt5}$, and the ratio of neighbours approaches $\varphi$. A relation of Cassini, $F_{n+1}F_{n-1}-F_n^2=(-1)^n$, underlies a famous puzzle in which a square of area $64$ seems to become a rectangle of area $65$.
""",
    ),
    "mathml_prefix": (
        "cauchy-means",
        r"""
# Arithmetic and geometric mean

For nonnegative numbers the inequality $\sqrt{ab}\le\frac{a+b}{2}$ is nothing but $(\sqrt a-\sqrt b)^2\ge 0$ in disguise. Cauchy's proof for more variables first doubles their number and then goes back.

Suppose the claim is known for $n$ numbers. Applying it to both halves of $2n$ numbers and then once more to the two means gives the claim for $2n$. To return from $n$ to $n-1$, insert the mean $m$ of $n-1$ numbers as an additional one. Then

$$\sqrt[n]{a_1a_2\cdots a_{n-1}m}\le m,$$

and rearranging removes $m$ from the left side. Among all rectangles of given perimeter the square is largest: that is the case $n=2$.
""",
    ),
    "wikipedia": (
        "wiki/Triangular_number",
        r"""
# Triangular number

A **triangular number** counts objects arranged in an equilateral triangle. The $n$th triangular number is the sum of the integers from $1$ to $n$, and it is given by the formula $T_n=\frac{n(n+1)}{2}$.

## Properties

The sum of two consecutive triangular numbers is a square number, $T_n+T_{n-1}=n^2$. An integer $x$ is triangular if and only if $8x+1$ is a perfect square. The generating function is

$$\frac{x}{(1-x)^3}=x+3x^2+6x^3+10x^4+\cdots.$$

The sum of the reciprocals of all triangular numbers is $\sum_{n=1}^{\infty}\frac{2}{n(n+1)}=2$, because the series telescopes.
""",
    ),
    "wikipedia_image": (
        "wiki/Heronian_triangle",
        r"""
# Heronian triangle

In geometry, a **Heronian triangle** is a triangle whose side lengths $a$, $b$, $c$ and area $A$ are all integers. Every Pythagorean triple provides an example, since the area $\frac{ab}{2}$ of a right triangle with integer legs of different parity is an integer.

Gluing two right triangles along a common leg produces further specimens; thus $5-12-13$ and $9-12-15$ combine to the triangle $13-14-15$ of area $84$. All of them arise from the parametrisation $a=n(m^2+k^2)$, $b=m(n^2+k^2)$, $c=(m+n)(mn-k^2)$ with positive integers subject to $mn>k^2$.
""",
    ),
    "latexml": (
        "papers/2203.00417",
        r"""
# A short note on sums of two squares

We give a self-contained proof of a classical statement on the representation of primes by the form $x^2+y^2$. The argument uses only the pigeonhole principle.

:::theorem
Let $p$ be a prime with $p\equiv 1\pmod{4}$. Then there are integers $x,y$ with $p=x^2+y^2$.
:::

:::proof
Since $p\equiv 1\pmod{4}$, there is an integer $u$ satisfying $$u^2\equiv -1\pmod{p}.$$ Consider the expressions $a-ub$ with $0\le a,b<\sqrt p$. There are more than $p$ pairs, so two of them agree modulo $p$. Their differences $x$ and $y$ satisfy $x\equiv uy$ and are not both zero. Consequently $$x^2+y^2\equiv u^2y^2+y^2\equiv 0\pmod{p},$$ while $0<x^2+y^2<2p$. The only multiple of $p$ in this range is $p$ itself.
:::

The bound on $a$ and $b$ cannot be relaxed. For composite $n$ the same reasoning applies whenever $-1$ is a square modulo $n$.
""",
    ),
    "codecogs": (
        "simple-interest-to-e.html",
        r"""
# From compound interest to the number e

Suppose that a bank pays one hundred per cent interest a year. After a year one coin has become two. If the interest is credited every six months, the capital grows by the factor $\left(1+\frac12\right)^2=2.25$, and with $n$ equal periods the factor is $\left(1+\frac1n\right)^n$.

The values increase but stay below three. Their limit is the base of natural logarithms,

$$e=\lim_{n\to\infty}\left(1+\frac1n\right)^n=2.71828\ldots$$

Expanding with the binomial theorem and letting $n$ grow shows that the same number is the sum of the series $\sum_{k=0}^{\infty}\frac{1}{k!}$.
""",
    ),
    "mimetex": (
        "notes/simpson.html",
        r"""
# Simpson's rule

To approximate an integral, replace the function on a short interval by the parabola through three equally spaced points. With the width $2h$ the area beneath this parabola is

$$\frac h3\left(f(a)+4f(a+h)+f(a+2h)\right).$$

The rule was designed for quadratics but is exact for cubic polynomials too, because the error term contains the fourth derivative and the factor $h^5$. Halving the step therefore divides the total error by about $16$.

For $\int_0^1\frac{4}{1+x^2}\,dx=\pi$ four subintervals already give $3.14157$.
""",
    ),
    "mathtex": (
        "notes/newton.html",
        r"""
# Newton's method

Given an approximation $x_n$ to a zero of $f$, follow the tangent down to the axis. It meets the axis at

$$x_{n+1}=x_n-\frac{f(x_n)}{f'(x_n)}.$$

Near a simple zero the number of correct digits roughly doubles with each step. For the cube root of ten take $f(x)=x^3-10$. Starting with $x_0=2$ the iteration produces $2.1667$, then $2.1545$, and after that $2.154435$, which is right in all places shown.

Far from the zero the method may wander about or even cycle: for $f(x)=x^3-2x+2$ and $x_0=0$ the values alternate between $0$ and $1$ forever.
""",
    ),
    "aops": (
        "wiki/index.php/Simon_factoring",
        r"""
# A favourite factoring trick

Equations such as $xy+3x+2y=13$ look awkward until one completes the product. Adding $6$ to both sides turns the left side into $(x+2)(y+3)$, and the right side becomes $19$.

In integers there are few possibilities, for $19$ is prime: the first factor must be one of $\pm 1,\pm 19$. The pairs $(-1,16)$, $(17,-2)$, $(-3,-22)$ and $(-21,-4)$ follow at once.

In general, $$xy+ax+by=(x+b)(y+a)-ab,$$ so the constant to be added is the product $ab$. The trick also settles the question which rectangles with integer sides have equal area and perimeter: from $xy=2x+2y$ one obtains $(x-2)(y-2)=4$.
""",
    ),
    "asciimath_script": (
        "sum-of-cubes.html",
        r"""
# The sum of the first cubes

Add the cubes one by one: $1$, $9$, $36$, $100$. Every partial sum is a square, and moreover the square of a number we know well,

$$\sum_{i=1}^{n}i^3=\left(\frac{n(n+1)}{2}\right)^2.$$

For a proof by induction it suffices to check that the difference of consecutive right sides is a cube. Indeed $\frac{n^2(n+1)^2}{4}-\frac{n^2(n-1)^2}{4}=n^2\cdot\frac{4n}{4}=n^3$. An ancient picture shows the same with nested frames: the $n$th frame has width $n$ and consists of $n$ squares of area $n^2$.
""",
    ),
    "asciimath_backtick": (
        "straight-lines.html",
        r"""
# Straight lines for beginners

Every straight line that is not vertical can be written as $y=mx+b$. The number $m$ tells how steep it is and $b$ where it meets the vertical axis. To read the slope from two points, divide the rise by the run:

$$m=\frac{y_2-y_1}{x_2-x_1}.$$

Lines with the same slope are parallel. Two lines are at right angles when $m_1m_2=-1$. For instance $y=2x+1$ and $y=-\frac{1}{2}x+4$ are perpendicular, and they meet where $2x+1=-\frac{1}{2}x+4$, that is at $x=\frac{6}{5}$.
""",
    ),
    "tex_custom_delimiters": (
        "complex-roots",
        r"""
# Roots of unity

The equation $z^n=1$ has exactly $n$ complex solutions, the corners of a regular polygon. With $\omega=\cos\frac{2\pi}{n}+i\sin\frac{2\pi}{n}$ they are the powers $1,\omega,\omega^2,\dots,\omega^{n-1}$.

Their sum is zero for every $n>1$, since multiplication by $\omega$ merely permutes them. More generally,

$$\sum_{k=0}^{n-1}\omega^{jk}=0$$

unless $n$ divides $j$, in which case the sum is $n$. The discrete Fourier transform rests on this orthogonality. For $n=3$ we have $\omega=\frac{-1+i\sqrt3}{2}$ and $\omega^2=\bar\omega$.
""",
    ),
    "tex_raw_less_than": (
        "order-axioms",
        r"""
# Working with inequalities

Two rules are enough: if $a<b$ then $a+c<b+c$, and if $a<b$ and $c>0$ then $ac<bc$. A negative factor reverses the relation, so from $a<b$ and $c<0$ follows $ac>bc$.

Squares are never negative, hence $x^2+y^2>2xy$ unless $x=y$. For positive numbers reciprocals reverse the order: $0<a<b$ implies $\frac1b<\frac1a$. Finally the triangle inequality $|x+y|\le|x|+|y|$ is obtained by adding $-|x|\le x\le|x|$ and the same for $y$.
""",
    ),
    "bbcode_latex": (
        "viewtopic.php?t=5521",
        r"""
# Telescoping sums

Whenever a summand can be written as a difference of neighbouring values, the whole sum collapses. The standard example is $\frac{1}{k(k+1)}=\frac1k-\frac{1}{k+1}$, so that

$$\sum_{k=1}^{n}\frac{1}{k(k+1)}=1-\frac{1}{n+1}.$$

Square roots do it as well: rationalising gives $\frac{1}{\sqrt{k+1}+\sqrt{k}}=\sqrt{k+1}-\sqrt{k}$, and the sum from $k=1$ to $99$ is $\sqrt{100}-1=9$. With factorials one finds $\sum_{k=1}^{n}k\cdot k!=(n+1)!-1$.
""",
    ),
    "sup_sub": (
        "~lehmann/powers.html",
        r"""
# Powers of two and the chessboard

The inventor of chess is said to have asked for one grain of wheat on the first square, two on the second, and twice as many on each following one. The last square alone would carry $2^{63}$ grains, and the whole board $2^{64}-1$, because $1+2+4+\cdots+2^n=2^{n+1}-1$.

A convenient rule of thumb is $2^{10}\approx 10^3$. It follows that $2^{64}=2^4\cdot 2^{60}\approx 16\cdot 10^{18}$, far more than all harvests of history together. In the same way $x_1$, $x_2$ and $x_3$ double from one step to the next if $x_{n+1}=2x_n$, and the general term is $x_n=2^{n-1}x_1$.
""",
    ),
    "unicode": (
        "mental-squares",
        r"""
# Squaring numbers in your head

To square a number that ends in five, multiply the tens by one more than the tens and append twenty-five: $35^2=1225$, since $3\cdot 4=12$. The reason is $(10a+5)^2=100a(a+1)+25$.

Near a hundred use the deviation. For $97$ the deviation is $3$; subtract it once more and append its square, which gives $97^2=9409$. In letters: $(100-d)^2=100(100-2d)+d^2$.

Products of numbers with a common middle are differences of squares, $(m-d)(m+d)=m^2-d^2$. So $48\cdot 52=50^2-2^2=2496$, and $\sqrt{2500}=50$ is a welcome check. If $x^2-y^2=0$ then $x=y$ or $x=-y$.
""",
    ),
}

MONEY = r"""
# Is the bigger pizza the better deal?

The small pizza at our corner shop measures ten inches across and costs \$9, the large one measures fourteen inches and costs \$14. At first sight \$14 for four more inches seems steep. But area grows with the square of the diameter: the areas are $25\pi$ and $49\pi$ square inches.

Dividing price by area, the small one costs \$9 for $78.5$ square inches, that is about \$0.115 for each, and the large one \$14 for $153.9$ square inches, about \$0.091. In symbols, if the price of a pizza of diameter $d$ is $p(d)=a+bd^2$ with a fixed part $a$ for labour and oven, then $$\frac{p(d)}{\frac{\pi}{4}d^2}=\frac{4a}{\pi d^2}+\frac{4b}{\pi}$$ decreases as $d$ grows. From the two prices we get $100b+a=9$ and $196b+a=14$, so $b=\frac{5}{96}$ and $a=\frac{91}{24}$, which means that \$3.79 of every bill has nothing to do with size.

Somebody with \$28 in the pocket should therefore buy two large ones and not three small ones for \$27.
"""

CODE_DOLLARS = r"""
# Checking a congruence from the command line

To test whether $a^{n-1}\equiv 1\pmod{n}$ for many $n$ it is handy to have a small script. The shell variables below start with a dollar sign and have nothing to do with formulas.

```bash
a=$1; n=$2
result=$(python3 -c "print(pow($a, $n - 1, $n))")
if [ "$result" -eq 1 ]; then echo "$n passes"; else echo "$n is composite"; fi
```

For $n=341=11\cdot 31$ and $a=2$ the script prints that the number passes, although it is composite: $2^{10}=1024=3\cdot 341+1$, hence $2^{340}=\left(2^{10}\right)^{34}\equiv 1$. With $a=3$ the remainder is $56$, so the fraud is discovered.

```python
def passes(a: int, n: int) -> bool:
    price = "$5"  # a string, not a formula
    return pow(a, n - 1, n) == 1
```

The expected number of bases needed is small. If $n$ is not a Carmichael number, at least half of the residues prime to $n$ reveal it, so $k$ random bases fail with probability at most $2^{-k}$.
"""

TABLE = r"""
# Derivatives and antiderivatives of elementary functions

The following table lists the functions that occur in almost every exercise. Constants of integration are left out, and arguments are assumed to lie in the domain.

| Function $f(x)$ | Derivative $f'(x)$ | Antiderivative |
| $x^n$ | $nx^{n-1}$ | $\frac{x^{n+1}}{n+1}$ |
| $\frac1x$ | $-\frac{1}{x^2}$ | $\ln|x|$ |
| $e^{ax}$ | $ae^{ax}$ | $\frac1a e^{ax}$ |
| $\sin x$ | $\cos x$ | $-\cos x$ |
| $\ln x$ | $\frac1x$ | $x\ln x-x$ |
| $\sqrt x$ | $\frac{1}{2\sqrt x}$ | $\frac23x^{\frac32}$ |

Every line can be checked by differentiating the third column, which must give back the first. The formula for powers excludes $n=-1$; the second line supplies the missing case.
"""

ENVIRONMENTS = r"""
# Three calculations set in aligned lines

Solving a recursion by hand is easier to follow when the equal signs stand below each other. Let $a_0=1$ and $a_{n+1}=2a_n+1$. Then

$$\begin{align*}a_1&=2\cdot 1+1=3,\\a_2&=2\cdot 3+1=7,\\a_3&=2\cdot 7+1=15,\end{align*}$$

which suggests $a_n=2^{n+1}-1$. A function may be given by cases, such as

$$f(n)=\begin{cases}\frac n2&\text{if $n$ is even,}\\3n+1&\text{if $n$ is odd,}\end{cases}$$

whose iteration nobody understands. Systems are conveniently written with matrices, $$\begin{pmatrix}2&1\\1&3\end{pmatrix}\begin{pmatrix}x\\y\end{pmatrix}=\begin{pmatrix}5\\10\end{pmatrix},$$ and here $x=1$, $y=3$. The word aligned in running text is no environment.
"""
