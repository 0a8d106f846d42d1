# ruff: noqa: E501 (running text and HTML are not broken)
r"""A WordPress blog whose formulas are images of its `latex.php`."""

from collections.abc import Iterator

from .articles import article
from .page import Page
from .sites import Site

SITE = Site(
    "chalkdust.blog.example",
    "Chalk on my Sleeve",
    "en",
    "blog",
    ("About", "Archive", "Puzzles"),
    "plain",
    "wordpress_latex",
    "Notes of a travelling mathematician",
)

POSTS = {
    "2026/01/the-birthday-surprise": r"""
# The birthday surprise

At a conference dinner with thirty people I offered a bet that two of them shared a birthday. My neighbour took it, thinking of the $365$ days in a year, and lost.

The probability that $n$ birthdays are all different is $$\frac{365}{365}\cdot\frac{364}{365}\cdots\frac{365-n+1}{365}.$$ For $n=23$ this product has already dropped below one half, and for $n=30$ it is about $0.294$.

To see the order of magnitude without a machine, use $1-x\approx e^{-x}$. The product becomes roughly $e^{-\frac{n(n-1)}{730}}$, and it equals one half when $n(n-1)\approx 730\ln 2\approx 506$. Pairs matter, not people, and the number of pairs grows with the square of $n$.
""",
    "2026/01/fair-division": r"""
# Cutting a cake for three

One cuts, the other chooses: for two persons that is all. For three, Steinhaus found the following procedure during the war. The first player marks a piece that seems to be worth $\frac13$ to her. Each of the others may trim it if he finds it too large. Whoever trimmed last takes the piece, and the remaining two share the rest by cutting and choosing.

Why does everybody get a fair share? The last trimmer values the piece at exactly $\frac13$. The others think it is worth at most $\frac13$, so by their measure at least $1-\frac13=\frac23$ remains, of which they receive half or more.

With $n$ players the same idea needs about $\frac{n^2}{2}$ marks. Even and Paz improved this to the order of $n\log_2n$, by halving the cake again and again.
""",
    "2026/02/why-the-sum-of-digits": r"""
# Nines, digits and a waiter's trick

A waiter in Lisbon checks his bills by adding digits. If the digit sum of the total does not match that of the items, he starts afresh. He did not know why it works, so I told him on a napkin.

Since $10=9+1$, every power of ten leaves the remainder one on division by nine. A number $N=d_k\cdot 10^k+\cdots+d_1\cdot 10+d_0$ therefore has the same remainder as $d_k+\cdots+d_1+d_0$. Sums and products respect remainders, so they respect digit sums as well.

With eleven the signs alternate: $10\equiv -1\pmod{11}$, and $$N\equiv d_0-d_1+d_2-d_3+\cdots\pmod{11}.$$ That check detects swapped neighbouring digits, which nines never do. He gave me the coffee for free.
""",
    "2026/02/a-tower-of-blocks": r"""
# How far can a tower lean?

Stack bricks at the edge of a table, each shifted a little beyond the one below. How far can the top brick reach? Work from the top. A single brick of length $2$ can hang over by $1$. The pair has its centre of mass a quarter of a length further back, and so on; the overhangs are $1,\frac12,\frac13,\dots$

With $n$ bricks the total overhang is $$1+\frac12+\frac13+\cdots+\frac1n,$$ which exceeds every bound. In practice patience runs out: an overhang of ten units takes more than $12000$ bricks.

Allowing counterweights is far better. Paterson and Zwick showed that $n$ bricks can then reach a distance of the order of $n^{\frac13}$, and that nothing essentially better is possible.
""",
    "2026/03/prisoners-and-boxes": r"""
# A hundred prisoners

Each of $100$ prisoners must find his own number in one of $100$ boxes and may open only half of them. If all succeed they go free. Choosing at random, the chance is $2^{-100}$, hopeless. Yet there is a plan that works with a probability above thirty per cent.

Every prisoner starts with the box that bears his number and continues with the box whose number he has just found. He follows a cycle of the permutation, and succeeds if its length is at most $50$. Failure means that there is a cycle of length $k>50$, and there can be just one of those. The probability of a cycle of length $k$ is $\frac1k$, so the prisoners win with probability $$1-\sum_{k=51}^{100}\frac1k\approx 1-\ln 2\approx 0.31.$$

What I love about this is that the individual chances have not improved at all; they have merely been tied together.
""",
    "2026/03/counting-lattice-paths": r"""
# Paths in a city of squares

From my hotel to the lecture hall I walk $6$ blocks east and $4$ blocks north. How many shortest routes are there? A route is a word with six letters E and four letters N, so there are $\binom{10}{4}=210$ of them.

If I insist on never being further north than east, the count becomes a ballot problem. Reflect the first part of every bad path at the line $y=x+1$: bad paths correspond to arbitrary ones from a shifted starting point, and the good ones number $$\binom{10}{4}-\binom{10}{3}=210-120=90.$$

For a square grid the same argument produces the Catalan numbers $C_n=\frac{1}{n+1}\binom{2n}{n}$, which also count the ways to bracket a product.
""",
}


def pages() -> Iterator[Page]:
    """The blog's posts."""
    titles = tuple(source.strip().split("\n")[0][2:] for source in POSTS.values())
    for slug, source in POSTS.items():
        yield article(SITE, slug, source, "blog", related=titles[:4])
