# ruff: noqa: E501 (running text and HTML are not broken)
r"""Lecture notes in English: longer texts with definitions, theorems, proofs and many formulas."""

NOTES = {
    "linear-algebra/linear-maps": r"""
# Linear maps and their matrices

In the previous lecture we studied vector spaces for their own sake. Today we turn to the maps between them that respect addition and scaling. Throughout, $V$ and $W$ are vector spaces over a field $F$, and the reader may think of $F=\mathbb{R}$ without losing anything essential.

:::definition Linear map
A map $T\colon V\to W$ is called linear if $T(u+v)=T(u)+T(v)$ and $T(cv)=cT(v)$ for all $u,v\in V$ and all scalars $c\in F$.
:::

Both conditions can be checked at once: $T$ is linear if and only if $T(au+bv)=aT(u)+bT(v)$ always holds. In particular $T(0)=0$, because $T(0)=T(0\cdot v)=0\cdot T(v)$.

## Kernel and image

To every linear map belong two subspaces that measure how far it is from being invertible. The kernel is $\ker T=\{v\in V: T(v)=0\}$, and the image consists of all vectors of the form $T(v)$.

:::theorem Rank and nullity
If $V$ has finite dimension, then $$\dim V=\dim\ker T+\dim T(V).$$
:::

:::proof
Choose a basis $u_1,\dots,u_k$ of the kernel and extend it to a basis $u_1,\dots,u_k,v_1,\dots,v_r$ of $V$. We claim that $T(v_1),\dots,T(v_r)$ is a basis of the image. These vectors span it, since the $u_i$ are sent to zero. Suppose that $\sum_{j=1}^{r}c_jT(v_j)=0$. Then $\sum_{j=1}^{r}c_jv_j$ lies in the kernel, so it is a combination of the $u_i$; as all the vectors together are independent, every $c_j$ vanishes. Hence $\dim T(V)=r$ and $\dim V=k+r$.
:::

A useful consequence: when $\dim V=\dim W$, a linear map is injective exactly when it is surjective. Nothing like this is true in infinite dimension, as the shift on sequences shows.

## Matrices

Fix bases $v_1,\dots,v_n$ of $V$ and $w_1,\dots,w_m$ of $W$. The images of the basis vectors can be written as $T(v_j)=\sum_{i=1}^{m}a_{ij}w_i$, and the numbers $a_{ij}$ form the matrix $A$ of the map. If $x$ is the column of coordinates of $v$, then $Ax$ is the column of coordinates of $T(v)$.

:::example Rotation of the plane
The rotation by the angle $\theta$ has the matrix $$R_\theta=\begin{pmatrix}\cos\theta&-\sin\theta\\\sin\theta&\cos\theta\end{pmatrix}.$$ Composing two rotations adds their angles, and comparing the entries of $R_\alpha R_\beta$ with those of $R_{\alpha+\beta}$ yields the addition theorems of sine and cosine for free.
:::

The product of matrices is defined so that it corresponds to the composition of maps; associativity needs no separate verification then. A change of basis replaces $A$ by $P^{-1}AP$, and quantities that do not change under this operation, such as $\det A$ and the trace, belong to the map itself rather than to the chosen coordinates.
""",
    "linear-algebra/inner-products": r"""
# Inner products, length and angle

Geometry enters linear algebra through a single device: the inner product. Once it is available, words such as "orthogonal", "distance" and "projection" make sense even in spaces of functions.

:::definition Inner product
An inner product on a real vector space $V$ assigns to each pair $u,v$ a number $\langle u,v\rangle$ such that it is linear in the first argument, symmetric, and satisfies $\langle v,v\rangle>0$ for every $v\neq 0$.
:::

The standard example on $\mathbb{R}^n$ is $\langle x,y\rangle=x_1y_1+\cdots+x_ny_n$. For continuous functions on $[0,1]$ one takes $$\langle f,g\rangle=\int_0^1 f(t)g(t)\,dt.$$ The length of a vector is $\|v\|=\sqrt{\langle v,v\rangle}$.

:::theorem Cauchy–Schwarz
For all $u,v\in V$ we have $|\langle u,v\rangle|\le\|u\|\,\|v\|$, with equality if and only if the vectors are linearly dependent.
:::

:::proof
We may assume $v\neq 0$. For real $t$ the expression $p(t)=\|u-tv\|^2$ is never negative. Expanding gives $p(t)=\|u\|^2-2t\langle u,v\rangle+t^2\|v\|^2$. Its minimum is attained at $t_0=\langle u,v\rangle/\|v\|^2$, where $p(t_0)=\|u\|^2-\langle u,v\rangle^2/\|v\|^2\ge 0$. This is the inequality; equality forces $u=t_0v$.
:::

## Orthonormal bases

Vectors $e_1,\dots,e_n$ are orthonormal when $\langle e_i,e_j\rangle$ equals $1$ for $i=j$ and $0$ otherwise. Coordinates with respect to such a basis cost nothing: $v=\sum_{i}\langle v,e_i\rangle e_i$, and the theorem of Pythagoras becomes $\|v\|^2=\sum_i\langle v,e_i\rangle^2$.

The procedure of Gram and Schmidt converts an arbitrary basis into an orthonormal one. Having constructed $e_1,\dots,e_{k-1}$, subtract from $v_k$ its components along them, $$w_k=v_k-\sum_{i=1}^{k-1}\langle v_k,e_i\rangle e_i,$$ and divide by the length of what remains.

:::example Legendre polynomials
Applied to $1,x,x^2$ on the interval $[-1,1]$, the procedure yields, up to scaling, the polynomials $1$, $x$ and $x^2-\frac13$. They reappear in numerical integration.
:::

:::remark
Numerically the procedure is delicate: rounding errors destroy orthogonality when the vectors are nearly parallel. In practice one uses Householder reflections, which compute the same factorisation $A=QR$ in a stable way.
:::
""",
    "calculus/limits": r"""
# Limits of sequences

Analysis begins with one idea: a quantity may come as close as we please to a value without ever reaching it. The purpose of this lecture is to say precisely what that means and to collect rules that spare us from returning to the definition each time.

:::definition Convergence
A sequence $(a_n)$ of real numbers converges to $a$ if for every $\varepsilon>0$ there is an index $N$ such that $|a_n-a|<\varepsilon$ for all $n\ge N$. We then write $\lim_{n\to\infty}a_n=a$.
:::

The order of the quantifiers is the whole point: first somebody names a tolerance $\varepsilon$, and afterwards we are allowed to choose $N$. For instance $\frac1n\to 0$, since $N>\frac{1}{\varepsilon}$ will do.

:::lemma Uniqueness
A sequence has at most one limit.
:::

:::proof
Suppose that $a\neq b$ are both limits and put $\varepsilon=\frac{|a-b|}{2}$. From some index on, $|a_n-a|<\varepsilon$ and $|a_n-b|<\varepsilon$. The triangle inequality gives $|a-b|\le|a-a_n|+|a_n-b|<2\varepsilon=|a-b|$, which is absurd.
:::

## Rules

If $a_n\to a$ and $b_n\to b$, then $a_n+b_n\to a+b$ and $a_nb_n\to ab$; moreover $\frac{a_n}{b_n}\to\frac ab$ provided that $b\neq 0$. With these rules most rational expressions are routine: $$\lim_{n\to\infty}\frac{3n^2-n+4}{2n^2+5}=\lim_{n\to\infty}\frac{3-\frac1n+\frac{4}{n^2}}{2+\frac{5}{n^2}}=\frac32.$$

:::theorem Monotone convergence
Every increasing sequence that is bounded above converges, and its limit is the supremum of its terms.
:::

:::proof
Let $s=\sup\{a_n\}$ and let $\varepsilon>0$. Since $s-\varepsilon$ is not an upper bound, some term satisfies $a_N>s-\varepsilon$. All later terms are at least as large and none exceeds $s$, so $|a_n-s|<\varepsilon$ for $n\ge N$.
:::

:::example Square roots by averaging
Let $x_1=2$ and $x_{n+1}=\frac12\left(x_n+\frac{2}{x_n}\right)$. All terms satisfy $x_n\ge\sqrt2$ by the inequality between arithmetic and geometric mean, and the sequence decreases. Its limit $x$ obeys $x=\frac12\left(x+\frac2x\right)$, that is $x^2=2$. Already $x_5$ agrees with $\sqrt2$ to more than ten digits.
:::
""",
    "calculus/mean-value-theorem": r"""
# The mean value theorem and what follows from it

Derivatives describe a function near a single point. The theorem of this section is the bridge from such local information to statements about a whole interval, and nearly everything in a first course rests upon it.

:::theorem Rolle
Let $f$ be continuous on $[a,b]$ and differentiable on $(a,b)$ with $f(a)=f(b)$. Then $f'(\xi)=0$ for some $\xi\in(a,b)$.
:::

:::proof
By the extreme value theorem $f$ attains a maximum and a minimum. If both are attained at the ends of the interval, $f$ is constant and any $\xi$ will do. Otherwise an extremum lies inside, and there the difference quotients from the left and from the right have opposite signs, so the derivative must vanish.
:::

:::theorem Mean value theorem
If $f$ is continuous on $[a,b]$ and differentiable on $(a,b)$, there is a point $\xi\in(a,b)$ with $$f'(\xi)=\frac{f(b)-f(a)}{b-a}.$$
:::

:::proof
Subtract the chord: the function $g(x)=f(x)-\frac{f(b)-f(a)}{b-a}(x-a)$ satisfies $g(a)=g(b)$, so Rolle's theorem applies to it.
:::

## Consequences

A function with $f'=0$ on an interval is constant there. If $f'>0$ then $f$ is strictly increasing, since $f(y)-f(x)=f'(\xi)(y-x)>0$ whenever $x<y$. Two antiderivatives of the same function differ by a constant; this is the reason for the "$+C$" in tables of integrals.

:::example An inequality for the logarithm
Apply the theorem to $\ln$ on $[1,1+x]$ with $x>0$. We obtain $\ln(1+x)=\frac{x}{\xi}$ for some $\xi$ between $1$ and $1+x$, hence $$\frac{x}{1+x}<\ln(1+x)<x.$$ Taking $x=\frac1n$ and summing shows that the harmonic numbers grow like $\ln n$.
:::

There is also a version for two functions, due to Cauchy: under the same hypotheses $\left(f(b)-f(a)\right)g'(\xi)=\left(g(b)-g(a)\right)f'(\xi)$. From it one derives the rule of de l'Hospital for limits of the form $\frac00$; the rule is convenient, but a short Taylor expansion usually explains more.
""",
    "number-theory/congruences": r"""
# Congruences and the theorem of Fermat

Gauss introduced a notation that turns statements about divisibility into equations. Let $m$ be a positive integer. We say that $a$ is congruent to $b$ modulo $m$, written $a\equiv b\pmod{m}$, when $m$ divides $a-b$.

Congruences may be added and multiplied: from $a\equiv b$ and $c\equiv d$ follow $a+c\equiv b+d$ and $ac\equiv bd$. Division is more subtle, for $6\equiv 2\pmod{4}$ and still $3$ is not congruent to $1$ after the factor two has been cancelled.

:::lemma Cancellation
If $ca\equiv cb\pmod{m}$ and $\gcd(c,m)=1$, then $a\equiv b\pmod{m}$.
:::

:::proof
By hypothesis $m$ divides $c(a-b)$. As $m$ shares no prime factor with $c$, it divides $a-b$.
:::

:::theorem Fermat
Let $p$ be a prime number that does not divide $a$. Then $a^{p-1}\equiv 1\pmod{p}$.
:::

:::proof
Multiply the residues $1,2,\dots,p-1$ by $a$. By the lemma the products are pairwise incongruent and none of them is zero, so they are the same residues in another order. Comparing the products of all of them gives $$a^{p-1}\cdot(p-1)!\equiv(p-1)!\pmod{p},$$ and $(p-1)!$ may be cancelled.
:::

:::example A large power
What is the remainder of $7^{222}$ on division by $11$? Fermat gives $7^{10}\equiv 1$, and $222=22\cdot 10+2$, so $7^{222}\equiv 7^2=49\equiv 5\pmod{11}$.
:::

The converse is false. The number $561=3\cdot 11\cdot 17$ satisfies $a^{560}\equiv 1$ for every $a$ prime to it and yet is composite; such integers are named after Carmichael. Practical primality tests therefore look at square roots of one as well: if $n$ is prime, $x^2\equiv 1\pmod{n}$ has only the solutions $x\equiv\pm 1$.

Euler extended the theorem to composite moduli. With $\varphi(m)$ denoting the number of residues prime to $m$, one has $a^{\varphi(m)}\equiv 1\pmod{m}$ whenever $\gcd(a,m)=1$. The proof is the same, word for word. Public-key cryptography after Rivest, Shamir and Adleman uses it with $m=pq$, where $\varphi(m)=(p-1)(q-1)$.
""",
    "number-theory/primes": r"""
# Prime numbers: unique factorisation and how many there are

A prime is an integer $p>1$ whose only positive divisors are $1$ and $p$. The primes are the atoms of multiplication, and this lecture proves the two oldest theorems about them.

:::lemma Euclid's lemma
If a prime $p$ divides a product $ab$, then it divides $a$ or $b$.
:::

:::proof
Suppose $p$ does not divide $a$. Then $\gcd(a,p)=1$, and by the extended algorithm of Euclid there are integers $x,y$ with $ax+py=1$. Multiplying by $b$ gives $abx+pby=b$. Both terms on the left are divisible by $p$, hence so is $b$.
:::

:::theorem Fundamental theorem of arithmetic
Every integer $n>1$ can be written as a product of primes, and the factors are unique up to their order.
:::

Existence is a simple induction: either $n$ is prime or $n=ab$ with smaller factors that can be decomposed. For uniqueness compare two decompositions $p_1\cdots p_r=q_1\cdots q_s$. By the lemma $p_1$ divides some $q_j$, hence equals it; cancel this factor and repeat.

:::theorem Infinitude of primes
There are infinitely many primes.
:::

:::proof
Given primes $p_1,\dots,p_k$, consider $N=p_1p_2\cdots p_k+1$. Any prime divisor of $N$ differs from all $p_i$, because each $p_i$ leaves the remainder $1$. So no finite list is complete.
:::

## How dense are they?

Let $\pi(x)$ be the number of primes up to $x$. A table suggests that the primes thin out slowly.

| $x$ | $\pi(x)$ | $x/\ln x$ |
| $10^2$ | $25$ | $22$ |
| $10^4$ | $1229$ | $1086$ |
| $10^6$ | $78498$ | $72382$ |

The prime number theorem, conjectured by Gauss and Legendre and proved by Hadamard and de la Vallée Poussin, states that $$\lim_{x\to\infty}\frac{\pi(x)\ln x}{x}=1.$$ Much sharper statements would follow from the hypothesis of Riemann on the zeros of $\zeta(s)=\sum_{n=1}^{\infty}n^{-s}$, which is still open.
""",
    "probability/expectation": r"""
# Random variables and expectation

A random variable attaches a number to every outcome of an experiment. Its distribution may be complicated, but two numbers already tell a good deal: where its values are centred and how widely they scatter.

:::definition Expectation
If $X$ takes the values $x_1,x_2,\dots$ with probabilities $p_1,p_2,\dots$, its expectation is $$E(X)=\sum_{i}x_ip_i,$$ provided that the series converges absolutely.
:::

:::theorem Linearity
For random variables $X,Y$ with finite expectation, $E(aX+bY)=aE(X)+bE(Y)$. No independence is needed.
:::

This innocent rule is surprisingly strong. Suppose that $n$ guests hand in their hats and get them back at random. Let $X_i$ be $1$ if guest $i$ receives the right hat and $0$ otherwise. Then $E(X_i)=\frac1n$, and the expected number of lucky guests is $n\cdot\frac1n=1$, whatever $n$ is. Computing the distribution itself would be far more laborious.

:::definition Variance
The variance of $X$ with mean $\mu=E(X)$ is $\operatorname{Var}(X)=E\left((X-\mu)^2\right)=E(X^2)-\mu^2$.
:::

:::theorem Chebyshev's inequality
For every $t>0$ we have $$P(|X-\mu|\ge t)\le\frac{\operatorname{Var}(X)}{t^2}.$$
:::

:::proof
Let $A$ be the event $|X-\mu|\ge t$ and $\mathbf{1}_A$ its indicator. Then $(X-\mu)^2\ge t^2\mathbf{1}_A$, and taking expectations on both sides gives $\operatorname{Var}(X)\ge t^2P(A)$.
:::

:::corollary Weak law of large numbers
Let $X_1,X_2,\dots$ be independent with common mean $\mu$ and variance $\sigma^2$. Their averages satisfy $P\left(\left|\frac{X_1+\cdots+X_n}{n}-\mu\right|\ge t\right)\le\frac{\sigma^2}{nt^2}\to 0$.
:::

The bound is crude. For a fair coin tossed a thousand times it says that the relative frequency of heads deviates from one half by $0.05$ or more with probability at most $0.1$; the true value is near $0.0017$.
""",
    "geometry/triangle-centres": r"""
# Remarkable points of the triangle

Let $ABC$ be a triangle with side lengths $a=BC$, $b=CA$ and $c=AB$. It is a small miracle, repeated several times, that three lines which have no reason to meet in one point do so all the same.

:::theorem Centroid
The three medians meet in a point $G$, which divides each of them in the ratio $2:1$, counted from the vertex.
:::

:::proof
Use position vectors. The midpoint of $BC$ is $\frac12(\vec B+\vec C)$. The point that divides the median from $A$ in the ratio $2:1$ is $$\frac13\vec A+\frac23\cdot\frac12(\vec B+\vec C)=\frac13(\vec A+\vec B+\vec C).$$ The expression is symmetric in the vertices, so the other medians pass through the same point.
:::

:::theorem Circumcentre
The perpendicular bisectors of the sides meet in a point $O$ that has equal distance $R$ from all vertices.
:::

A point on the bisector of $AB$ is equally far from $A$ and $B$; a point on the bisector of $BC$ is equally far from $B$ and $C$. Their intersection is therefore equally far from all three. The radius follows from the law of sines, $$\frac{a}{\sin\alpha}=\frac{b}{\sin\beta}=\frac{c}{\sin\gamma}=2R.$$

:::theorem Incentre
The bisectors of the angles meet in the centre $I$ of the inscribed circle. Its radius is $r=\frac{2S}{a+b+c}$, where $S$ denotes the area.
:::

:::proof
Points of an angle bisector have equal distance from both arms. So the intersection of two bisectors has the same distance $r$ from all three sides and lies on the third. Joining $I$ to the vertices cuts the triangle into three pieces of height $r$, whence $S=\frac12(a+b+c)r$.
:::

## The Euler line

Finally there is the orthocentre $H$, in which the altitudes meet. With the origin in $O$ one has $\vec H=\vec A+\vec B+\vec C$: indeed $(\vec H-\vec A)\cdot(\vec B-\vec C)=(\vec B+\vec C)\cdot(\vec B-\vec C)=R^2-R^2=0$. Comparing with the centroid, $\vec H=3\vec G$. The points $O$, $G$ and $H$ lie on one line, and $OH=3\,OG$. Only in equilateral triangles do they coincide.
""",
    "calculus/power-series": r"""
# Power series

Polynomials are the functions we understand best. Power series are polynomials that never end, and inside their disc of convergence they are hardly less well behaved.

:::definition
A power series about $0$ is an expression $\sum_{n=0}^{\infty}c_nx^n$. Its radius of convergence $\rho$ is the supremum of all $r\ge 0$ for which the numbers $|c_n|r^n$ stay bounded.
:::

:::proposition
For $|x|<\rho$ the series converges absolutely, for $|x|>\rho$ it diverges.
:::

:::proof
Let $|x|<r<\rho$ and let $|c_n|r^n\le M$. Then $|c_nx^n|\le M\left(\frac{|x|}{r}\right)^n$, and the geometric series on the right converges. If $|x|>\rho$, the terms are unbounded, so they do not tend to zero.
:::

When the quotients have a limit the radius is $\rho=\lim_{n\to\infty}\left|\frac{c_n}{c_{n+1}}\right|$. So $\sum\frac{x^n}{n!}$ converges everywhere, $\sum n!\,x^n$ only at the origin, and the geometric series has $\rho=1$.

:::theorem Term by term
Inside its interval of convergence a power series may be differentiated and integrated term by term, and the radius does not change.
:::

From $\frac{1}{1-x}=\sum_{n\ge 0}x^n$ we get, by differentiating, $\frac{1}{(1-x)^2}=\sum_{n\ge 0}(n+1)x^n$. Integrating $\frac{1}{1+x^2}=\sum_{n\ge 0}(-1)^nx^{2n}$ leads to $$\arctan x=x-\frac{x^3}{3}+\frac{x^5}{5}-\frac{x^7}{7}+\cdots$$ for $|x|<1$, and a theorem of Abel justifies putting $x=1$: the sum is $\frac{\pi}{4}$. The series is pretty and useless, for hundreds of terms are needed for two digits. Machin's formula $\frac{\pi}{4}=4\arctan\frac15-\arctan\frac{1}{239}$ does far better.

:::remark
A function may have derivatives of all orders without being the sum of its Taylor series; $f(x)=e^{-1/x^2}$ with $f(0)=0$ is the usual warning, as all its derivatives at the origin vanish.
:::
""",
    "algebra/groups": r"""
# Groups and Lagrange's theorem

Symmetries can be carried out one after the other and undone. The notion of a group keeps precisely these two features and forgets everything else.

:::definition Group
A group is a set $G$ with an associative product such that there is a neutral element $e$ with $eg=ge=g$, and every $g\in G$ has an inverse $g^{-1}$ with $gg^{-1}=g^{-1}g=e$.
:::

Examples are the integers with addition, the nonzero rationals with multiplication, the permutations of $n$ objects, which form the group $S_n$ of order $n!$, and the eight symmetries of a square. The last two are not commutative.

A subgroup $H\subseteq G$ is a nonempty subset that is closed under products and inverses. Its left cosets are the sets $gH=\{gh: h\in H\}$.

:::lemma
Two left cosets of $H$ are either equal or disjoint, and each of them has as many elements as $H$.
:::

:::proof
If $g_1h_1=g_2h_2$, then $g_1=g_2h_2h_1^{-1}\in g_2H$ and therefore $g_1H=g_2H$. The map $h\mapsto gh$ is a bijection from $H$ to $gH$, its inverse being multiplication by $g^{-1}$.
:::

:::theorem Lagrange
If $G$ is finite, the order of every subgroup divides the order of $G$: $$|G|=[G:H]\cdot|H|.$$
:::

The proof is a matter of counting: $G$ is the disjoint union of $[G:H]$ cosets of equal size. As a corollary the order of each element divides $|G|$, whence $g^{|G|}=e$. Applied to the nonzero residues modulo a prime this is the little theorem of Fermat once more, and a group of prime order is cyclic because it has no room for proper subgroups.

:::example
The group $S_3$ has six elements. Its subgroups have order $1$, $2$, $3$ or $6$: the trivial one, three generated by a transposition, one generated by a rotation, and the whole group.
:::
""",
}
