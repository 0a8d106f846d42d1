# ruff: noqa: E501 (running text and HTML are not broken)
r"""The benchmark that the demo's recipe decontaminates against: problems written by us, with solutions and answers.

None of them comes from a template of the crawl, so that a page that contains one has it on purpose (module `leaks`).
"""

from .page import plain

_EN = (
    # question, solution, answer
    (
        r"A snail climbs $5$ feet up a well every day and slides back $3$ feet every night. The well is $27$ feet deep. On which day does the snail reach the top?",
        r"After each full day and night the snail has gained $2$ feet. After $11$ days and nights it is at $22$ feet. On day $12$ it climbs the last $5$ feet.",
        "12",
    ),
    (
        r"Mira has three times as many coins as Tom. After she gives him $14$ coins, both have the same number. How many coins did Mira have at first?",
        r"Let Tom have $t$ coins. Then $3t-14=t+14$, so $t=14$ and Mira had $42$ coins.",
        "42",
    ),
    (
        r"A tank that is one third full contains $18$ litres more than when it is one fifth full. What is the capacity of the tank in litres?",
        r"The difference is $\frac13-\frac15=\frac{2}{15}$ of the capacity, so the capacity is $18\cdot\frac{15}{2}=135$.",
        "135",
    ),
    (
        r"Seven identical bells ring at intervals of $2,3,4,5,6,7$ and $8$ minutes. They ring together at noon. After how many minutes do they ring together again?",
        r"The least common multiple of $2,\dots,8$ is $840$.",
        "840",
    ),
    (
        r"In a quiz every right answer earns $4$ points and every wrong one costs $1$ point. Lena answered all $30$ questions and scored $85$ points. How many answers were right?",
        r"With $r$ right answers $4r-(30-r)=85$, hence $5r=115$ and $r=23$.",
        "23",
    ),
    (
        r"A baker sells rolls in bags of $6$ and bags of $11$. What is the largest number of rolls that cannot be bought exactly?",
        r"For coprime bag sizes $a,b$ the largest such number is $ab-a-b=66-17=49$.",
        "49",
    ),
    (
        r"The digits of a two-digit number add up to $12$. Reversing the digits makes the number smaller by $36$. Find the number.",
        r"With digits $a,b$ we have $a+b=12$ and $9(a-b)=36$, so $a=8$, $b=4$.",
        "84",
    ),
    (
        r"Two candles of equal length burn down in $4$ and $6$ hours. They are lit together. After how many hours is one exactly twice as long as the other?",
        r"After $t$ hours $1-\frac t6=2\left(1-\frac t4\right)$, so $\frac t2-\frac t6=1$ and $t=3$.",
        "3",
    ),
    (
        r"What is the sum of all positive divisors of $360$?",
        r"Since $360=2^3\cdot 3^2\cdot 5$, the sum is $15\cdot 13\cdot 6=1170$.",
        "1170",
    ),
    (r"How many zeros stand at the end of $125!$ in decimal notation?", r"The exponent of $5$ is $25+5+1=31$.", "31"),
    (
        r"Let $f(x)=\frac{2x+1}{x-3}$. For which value of $x$ is $f(x)=f^{-1}(x)$ and $x$ positive? Give $x$ exactly.",
        r"The graphs meet where $f(x)=x$, that is $x^2-5x-1=0$. The positive root is $\frac{5+\sqrt{29}}{2}$.",
        r"\frac{5+\sqrt{29}}{2}",
    ),
    (
        r"Find all real numbers $x$ with $\sqrt{2x+7}=x-4$.",
        r"Squaring gives $x^2-10x+9=0$, so $x=1$ or $x=9$; only $x=9$ satisfies the equation.",
        "9",
    ),
    (
        r"The polynomial $p(x)=x^3+ax^2+bx-12$ has the zeros $1$ and $3$. What is its third zero?",
        r"The product of the zeros is $12$, so the third one is $4$.",
        "4",
    ),
    (r"Compute $\sum_{k=1}^{20}k(k+1)$.", r"The sum is $\frac{20\cdot 21\cdot 22}{3}=3080$.", "3080"),
    (
        r"A regular hexagon is inscribed in a circle of radius $10$. What is the area between the circle and the hexagon?",
        r"The hexagon has area $6\cdot\frac{\sqrt3}{4}\cdot 100=150\sqrt3$, so the difference is $100\pi-150\sqrt3$.",
        r"100\pi-150\sqrt3",
    ),
    (
        r"In triangle $ABC$ the altitude from $C$ divides the side $AB$ into pieces of length $9$ and $16$, and the angle at $C$ is a right angle. Find the altitude.",
        r"By the altitude theorem $h^2=9\cdot 16=144$, so $h=12$.",
        "12",
    ),
    (
        r"How many integers between $1$ and $2000$ contain the digit $7$ at least once?",
        r"From $000$ to $999$ there are $1000-729=271$ such numbers, and as many from $1000$ to $1999$; together $542$.",
        "542",
    ),
    (
        r"Three dice are thrown. What is the probability that the largest of the three numbers is exactly $4$?",
        r"It is $\frac{4^3-3^3}{6^3}=\frac{37}{216}$.",
        r"\frac{37}{216}",
    ),
    (
        r"A stick of length $1$ is broken at two random points. What is the probability that the three pieces form a triangle?",
        r"The favourable region is a quarter of the unit triangle.",
        r"\frac14",
    ),
    (
        r"Solve $2\sin^2x+3\cos x=0$ for $0\le x\le\pi$.",
        r"With $c=\cos x$ we get $2c^2-3c-2=0$, so $c=-\frac12$ and $x=\frac{2\pi}{3}$.",
        r"\frac{2\pi}{3}",
    ),
    (
        r"The sequence $u_n$ satisfies $u_1=1$ and $u_{n+1}=\frac{u_n}{1+2u_n}$. What is $u_{50}$?",
        r"The reciprocals grow by $2$ each time, so $\frac{1}{u_{50}}=1+98=99$.",
        r"\frac{1}{99}",
    ),
    (
        r"Evaluate $\int_0^{\pi}x\sin x\,dx$.",
        r"By parts the integral is $[-x\cos x]_0^{\pi}+\int_0^{\pi}\cos x\,dx=\pi$.",
        r"\pi",
    ),
    (
        r"For which value of $k$ is a line with the direction $(3,4,2)$ parallel to the plane $2x-3y+kz=7$?",
        r"The normal is perpendicular to the direction: $6-12+2k=0$, so $k=3$.",
        "3",
    ),
    (
        r"Find the maximum of $xyz$ for positive numbers with $x+2y+3z=18$.",
        r"By the inequality of means $x\cdot 2y\cdot 3z\le 6^3$, so $xyz\le 36$.",
        "36",
    ),
    (
        r"Determine the rank of the matrix $\begin{pmatrix}1&2&3\\2&4&6\\1&0&1\end{pmatrix}$.",
        r"The second row is twice the first, the third is independent; the rank is $2$.",
        "2",
    ),
    (
        r"What is the remainder when $2^{1000}$ is divided by $13$?",
        r"Since $2^{12}\equiv 1$ and $1000=83\cdot 12+4$, the remainder is $2^4=16\equiv 3$.",
        "3",
    ),
    (
        r"How many group homomorphisms are there from the cyclic group of order $12$ to the cyclic group of order $18$?",
        r"Their number is $\gcd(12,18)=6$.",
        "6",
    ),
    (
        r"Compute the limit $\lim_{x\to 0}\frac{1-\cos 3x}{x^2}$.",
        r"Since $1-\cos 3x\approx\frac{9x^2}{2}$, the limit is $\frac92$.",
        r"\frac92",
    ),
    (
        r"An urn holds balls numbered $1$ to $40$. Five are drawn without replacement. What is the expected value of the largest number drawn?",
        r"It is $\frac{5}{6}\cdot 41=\frac{205}{6}$.",
        r"\frac{205}{6}",
    ),
    (
        r"Find the radius of convergence of $\sum_{n=1}^{\infty}\frac{n^n}{n!}x^n$.",
        r"The quotient of coefficients tends to $e$, so the radius is $\frac1e$.",
        r"\frac1e",
    ),
    (
        r"A farmer has $240$ metres of fence and a straight river bank. What is the largest rectangular field that he can enclose if the bank needs no fence?",
        r"With width $w$ the area is $w(240-2w)$, largest for $w=60$: $7200$ square metres.",
        "7200",
    ),
    (r"Let $a$ and $b$ be the roots of $x^2-7x+3=0$. Find $a^3+b^3$.", r"$a^3+b^3=7^3-3\cdot 3\cdot 7=280$.", "280"),
)
_ZH = (
    (
        r"一只蜗牛要从井底爬到井口，井深$20$尺，白天向上爬$7$尺，夜间下滑$3$尺，第几天可以爬出井口？",
        r"前$4$天后到达$16$尺，第$5$天再爬$4$尺即可爬出。",
        "5",
    ),
    (
        r"甲、乙、丙三人年龄之和是$76$岁，甲比乙大$5$岁，乙比丙大$4$岁，三人各多少岁？",
        r"丙为$(76-4-9)\div 3=21$岁，乙$25$岁，甲$30$岁。",
        "甲30岁，乙25岁，丙21岁",
    ),
    (
        r"一个两位数，十位数字与个位数字之和是$11$，把两个数字对调后所得的数比原数大$27$，求原来的两位数。",
        r"设十位为$a$，个位为$b$，$a+b=11$，$b-a=3$，所以$a=4$，$b=7$。",
        "47",
    ),
    (r"把一根绳子对折三次后，每段长$2.5$米，这根绳子原来长多少米？", r"对折三次分成$8$段，$2.5\times 8=20$米。", "20"),
    (
        r"一水池有进水管和排水管，单开进水管$6$小时注满，单开排水管$9$小时排空。两管齐开，多少小时可以注满空池？",
        r"每小时净注$\frac16-\frac19=\frac1{18}$，需要$18$小时。",
        "18",
    ),
    (
        r"商店以每件$80$元的价格卖出两件衣服，一件盈利$25\%$，另一件亏损$20\%$，卖这两件衣服总的是盈利还是亏损，相差多少元？",
        r"进价分别为$64$元和$100$元，共$164$元，售价共$160$元，亏损$4$元。",
        "亏损4元",
    ),
    (r"已知$x+\frac1x=4$，求$x^3+\frac{1}{x^3}$的值。", r"$x^3+\frac1{x^3}=4^3-3\times 4=52$。", "52"),
    (
        r"已知关于$x$的方程$x^2-2(m+1)x+m^2+5=0$的两个实数根$x_1,x_2$满足$(x_1-2)(x_2-2)=10$，求$m$的值。",
        r"由根与系数的关系得$m^2-4m+5=10$，解得$m=5$或$m=-1$；由判别式$m\ge 2$，所以$m=5$。",
        "5",
    ),
    (
        r"如图，矩形$ABCD$沿对角线$BD$折叠，$AB=6$，$BC=8$，点$C$落在$C'$处，$BC'$交$AD$于$E$，求重叠部分$\triangle BDE$的面积。",
        r"设$DE=BE=x$，则$(8-x)^2+36=x^2$，$x=\frac{25}{4}$，面积为$\frac12\cdot\frac{25}{4}\cdot 6=\frac{75}{4}$。",
        r"\frac{75}{4}",
    ),
    (
        r"已知函数$f(x)=x|x-4|$，若方程$f(x)=k$有三个不同的实数根，求$k$的取值范围。",
        r"在$[0,4]$上$f$的最大值为$f(2)=4$，所以$0<k<4$。",
        "0<k<4",
    ),
    (
        r"已知$\tan\alpha=2$，求$\frac{3\sin\alpha-\cos\alpha}{\sin\alpha+2\cos\alpha}$的值。",
        r"分子分母同除以$\cos\alpha$，得$\frac{6-1}{2+2}=\frac54$。",
        r"\frac54",
    ),
    (
        r"在数列$\{a_n\}$中，$a_1=2$，$a_{n+1}=3a_n+2$，求通项公式。",
        r"$a_{n+1}+1=3(a_n+1)$，所以$a_n=3^n-1$。",
        "3^n-1",
    ),
    (r"将$6$本不同的书分给甲、乙、丙三人，每人两本，共有多少种分法？", r"$C_6^2C_4^2C_2^2=90$。", "90"),
    (
        r"过抛物线$y^2=8x$的焦点作倾斜角为$60^\circ$的直线，交抛物线于$A$、$B$两点，求$|AB|$。",
        r"$|AB|=\frac{8}{\sin^260^\circ}=\frac{32}{3}$。",
        r"\frac{32}{3}",
    ),
    (
        r"正方体的棱长为$2$，求它的外接球的体积。",
        r"球的直径为$2\sqrt3$，体积为$\frac43\pi(\sqrt3)^3=4\sqrt3\pi$。",
        r"4\sqrt3\pi",
    ),
    (
        r"从$1,2,\dots,9$中任取三个不同的数，求这三个数之和为偶数的概率。",
        r"全为偶数有$4$种，两奇一偶有$10\times 4=40$种，概率为$\frac{44}{84}=\frac{11}{21}$。",
        r"\frac{11}{21}",
    ),
    (
        r"求曲线$y=\ln x$的过原点的切线方程。",
        r"设切点$(t,\ln t)$，$\frac1t=\frac{\ln t}{t}$，$t=e$，切线为$y=\frac xe$。",
        r"y=\frac xe",
    ),
    (r"已知复数$z$满足$(1+2i)z=3-4i$，求$|z|$。", r"$|z|=\frac{5}{\sqrt5}=\sqrt5$。", r"\sqrt5"),
    (
        r"求极限$\lim_{n\to\infty}\left(\frac{1}{n+1}+\frac{1}{n+2}+\cdots+\frac{1}{2n}\right)$。",
        r"化为定积分$\int_0^1\frac{dx}{1+x}=\ln 2$。",
        r"\ln 2",
    ),
    (r"设三阶方阵$A$的特征值为$1,-1,2$，求$|A^2-2A+3E|$。", r"对应的特征值为$2,6,3$，行列式为$36$。", "36"),
    (
        r"求幂级数$\sum_{n=1}^{\infty}nx^{n-1}$在$|x|<1$内的和函数。",
        r"逐项积分得$\frac{x}{1-x}$，求导得$\frac{1}{(1-x)^2}$。",
        r"\frac{1}{(1-x)^2}",
    ),
    (
        r"求由曲线$y=x^2$与$y=2x$所围成图形绕$x$轴旋转一周所得旋转体的体积。",
        r"$V=\pi\int_0^2(4x^2-x^4)\,dx=\frac{64}{15}\pi$。",
        r"\frac{64}{15}\pi",
    ),
    (
        r"袋中有$a$个白球和$b$个黑球，不放回地逐个取出，求第$k$次取到白球的概率。",
        r"由抽签的对称性，概率为$\frac{a}{a+b}$。",
        r"\frac{a}{a+b}",
    ),
    (
        r"求方程$7x+12y=220$的正整数解的组数。",
        r"由$12y\equiv 220\pmod 7$得$y\equiv 2\pmod 7$，$y=2,9,16$对应$x=28,16,4$，共$3$组。",
        "3",
    ),
    (
        r"有一列数$1,1,2,3,5,8,\dots$，从第三个数起每个数是前两个数之和，这列数的第$100$个数除以$4$的余数是多少？",
        r"除以$4$的余数以$6$为周期：$1,1,2,3,1,0$，$100=16\times 6+4$，余数为$3$。",
        "3",
    ),
)


def items() -> list[dict[str, object]]:
    """The problems as rows of benchmark.jsonl."""
    rows: list[dict[str, object]] = []
    for lang, problems in (("en", _EN), ("zh", _ZH)):
        for number, (question, solution, answer) in enumerate(problems, start=1):
            texts = {"question": plain(question), "solution": plain(solution), "answer": answer}
            rows.append({"id": f"demo-{lang}-{number:02}", "lang": lang, **texts})
    return rows


def question(item: str) -> str:
    """The markup of an item's question, by its id (demo-en-07)."""
    _, lang, number = item.split("-")
    return (_EN if lang == "en" else _ZH)[int(number) - 1][0]
