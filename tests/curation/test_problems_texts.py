# ruff: noqa: E501 (texts are written on one line)
"""Problems in realistic texts of many kinds, half of them Chinese: what is a question, its solution and its answer."""

import pytest

from mathmill.curation.problems import from_text

TEXTS: dict[str, tuple[str, list[tuple[str, str | None, str | None]]]] = {
    'zh paper, key table 题号 答案': (
        '2023年八年级数学期中试卷\n一、选择题（每小题3分，共9分）\n1. 下列各数中，是无理数的是（\u3000\u3000）\nA. 0\u3000\u3000B. $\\sqrt{2}$\u3000\u3000C. $\\frac{1}{3}$\u3000\u3000D. 3.14\n2. 若 $a>b$，则下列不等式成立的是（\u3000\u3000）\nA. $a-1<b-1$\u3000B. $2a>2b$\u3000C. $-a>-b$\u3000D. $a^2>b^2$\n3. $\\sqrt{16}$ 的值等于（\u3000\u3000）\nA. 4\u3000B. -4\u3000C. ±4\u3000D. 2\n二、填空题\n4. 计算：$\\sqrt{9}=$ ______．\n5. 若 $x^2=4$，则 $x=$ ______．\n三、解答题\n6.（本小题满分12分）解方程：$2x-1=3$．\n\n参考答案\n一、选择题\n题号 1 2 3\n答案 B B A\n二、填空题\n4. 3\u30005. $\\pm 2$\n三、解答题\n6. 解：移项得 $2x=4$，所以 $x=2$．\n',
        [
            ('下列各数中，是无理数的是（\u3000\u3000）\nA. 0\u3000\u3000B. $\\sqrt{2}$\u3000\u3000C. $\\frac{1}{3}$\u3000\u3000D. 3.14', 'B', 'B'),
            ('若 $a>b$，则下列不等式成立的是（\u3000\u3000）\nA. $a-1<b-1$\u3000B. $2a>2b$\u3000C. $-a>-b$\u3000D. $a^2>b^2$', 'B', 'B'),
            ('$\\sqrt{16}$ 的值等于（\u3000\u3000）\nA. 4\u3000B. -4\u3000C. ±4\u3000D. 2', 'A', 'A'),
            ('计算：$\\sqrt{9}=$ ______．', '3', '3'),
            ('若 $x^2=4$，则 $x=$ ______．', '$\\pm 2$', '\\pm 2'),
            ('解方程：$2x-1=3$．', '移项得 $2x=4$，所以 $x=2$．', '2'),
        ],
    ),
    'zh key as markdown table': (
        '一、单选题\n1．$2+3=$（ ）\nA．4 B．5 C．6 D．7\n2．$7-5=$（ ）\nA．1 B．2 C．3 D．4\n\n答案\n| 题号 | 1 | 2 |\n| --- | --- | --- |\n| 答案 | B | B |\n',
        [
            ('$2+3=$（ ）\nA．4 B．5 C．6 D．7', 'B', 'B'),
            ('$7-5=$（ ）\nA．1 B．2 C．3 D．4', 'B', 'B'),
        ],
    ),
    'zh 例 解 变式': (
        '【例1】已知 $\\triangle ABC$ 中，$a=3$，$b=4$，$C=90^\\circ$，求 $c$．\n解：由勾股定理，$c=\\sqrt{3^2+4^2}=5$．\n变式1 若 $a=5$，$b=12$，求 $c$．\n解 $c=\\sqrt{5^2+12^2}=13$．\n【变式2】已知 $c=10$，$a=6$，求 $b$．\n',
        [
            ('已知 $\\triangle ABC$ 中，$a=3$，$b=4$，$C=90^\\circ$，求 $c$．', '由勾股定理，$c=\\sqrt{3^2+4^2}=5$．', '5'),
            ('若 $a=5$，$b=12$，求 $c$．', '$c=\\sqrt{5^2+12^2}=13$．', '13'),
            ('已知 $c=10$，$a=6$，求 $b$．', None, None),
        ],
    ),
    'zh 答案 解析 分析 详解 点评': (
        '1．设集合 $A=\\{1,2\\}$，$B=\\{2,3\\}$，则 $A\\cap B=$（ ）\nA．$\\{1\\}$ B．$\\{2\\}$ C．$\\{3\\}$ D．$\\{1,2,3\\}$\n【答案】B\n【分析】直接求交集．\n【详解】因为 $A=\\{1,2\\}$，$B=\\{2,3\\}$，所以 $A\\cap B=\\{2\\}$．故选：B．\n【点评】本题考查交集，属于基础题．\n2．复数 $z=1+\\mathrm{i}$ 的模为（ ）\nA．1 B．$\\sqrt 2$ C．2 D．3\n【答案】B\n【解析】$|z|=\\sqrt{1+1}=\\sqrt 2$，故选B．\n',
        [
            ('设集合 $A=\\{1,2\\}$，$B=\\{2,3\\}$，则 $A\\cap B=$（ ）\nA．$\\{1\\}$ B．$\\{2\\}$ C．$\\{3\\}$ D．$\\{1,2,3\\}$', '直接求交集．\n【详解】因为 $A=\\{1,2\\}$，$B=\\{2,3\\}$，所以 $A\\cap B=\\{2\\}$．故选：B．', 'B'),
            ('复数 $z=1+\\mathrm{i}$ 的模为（ ）\nA．1 B．$\\sqrt 2$ C．2 D．3', '$|z|=\\sqrt{1+1}=\\sqrt 2$，故选B．', 'B'),
        ],
    ),
    'zh sub-questions': (
        '17．（本小题满分10分）\n在 $\\triangle ABC$ 中，$\\cos A=\\frac{3}{5}$．\n（1）求 $\\sin A$；\n（2）若 $b=5$，$c=3$，求 $a$．\n【解析】（1）因为 $\\cos A=\\frac35$，所以 $\\sin A=\\frac45$．\n（2）由余弦定理，$a^2=25+9-18=16$，所以 $a=4$．\n18．（本小题满分12分）\n已知数列 $\\{a_n\\}$ 满足 $a_1=1$，$a_{n+1}=2a_n$．\n（1）求通项公式；\n（2）求前 $n$ 项和．\n【解析】（1）$a_n=2^{n-1}$．\n（2）$S_n=2^n-1$．\n',
        [
            ('在 $\\triangle ABC$ 中，$\\cos A=\\frac{3}{5}$．\n（1）求 $\\sin A$；\n（2）若 $b=5$，$c=3$，求 $a$．', '（1）因为 $\\cos A=\\frac35$，所以 $\\sin A=\\frac45$．\n（2）由余弦定理，$a^2=25+9-18=16$，所以 $a=4$．', None),
            ('已知数列 $\\{a_n\\}$ 满足 $a_1=1$，$a_{n+1}=2a_n$．\n（1）求通项公式；\n（2）求前 $n$ 项和．', '（1）$a_n=2^{n-1}$．\n（2）$S_n=2^n-1$．', None),
        ],
    ),
    'zh range key 1-5 ABCDA': (
        '一、选择题\n1. 1+1等于（ ） A. 2 B. 3 C. 4 D. 5\n2. 2+1等于（ ） A. 2 B. 3 C. 4 D. 5\n3. 3+1等于（ ） A. 2 B. 3 C. 4 D. 5\n4. 4+1等于（ ） A. 2 B. 3 C. 4 D. 5\n5. 0+2等于（ ） A. 2 B. 3 C. 4 D. 5\n答案：\n1-5 ABCDA\n',
        [
            ('1+1等于（ ） A. 2 B. 3 C. 4 D. 5', 'A', 'A'),
            ('2+1等于（ ） A. 2 B. 3 C. 4 D. 5', 'B', 'B'),
            ('3+1等于（ ） A. 2 B. 3 C. 4 D. 5', 'C', 'C'),
            ('4+1等于（ ） A. 2 B. 3 C. 4 D. 5', 'D', 'D'),
            ('0+2等于（ ） A. 2 B. 3 C. 4 D. 5', 'A', 'A'),
        ],
    ),
    'zh key 1～5：ABCDA inline after heading': (
        '练习题\n1、计算 $1+1$。\n2、计算 $2+2$。\n3、计算 $3+3$。\n参考答案：1、2；2、4；3、6。\n',
        [
            ('计算 $1+1$。', '2', '2'),
            ('计算 $2+2$。', '4', '4'),
            ('计算 $3+3$。', '6。', '6'),
        ],
    ),
    'zh key with 1.A 2.B on one line': (
        '选择题\n1. 下列图形中，是轴对称图形的是（ ）\nA. 平行四边形 B. 等腰三角形\n2. 三角形内角和等于（ ）\nA. 90° B. 180°\n3. 下列是质数的是（ ）\nA. 9 B. 11\n【参考答案】\n1.B 2.B 3.B\n',
        [
            ('下列图形中，是轴对称图形的是（ ）\nA. 平行四边形 B. 等腰三角形', 'B', 'B'),
            ('三角形内角和等于（ ）\nA. 90° B. 180°', 'B', 'B'),
            ('下列是质数的是（ ）\nA. 9 B. 11', 'B', 'B'),
        ],
    ),
    'zh elementary word problems 答': (
        '应用题\n1. 小红有12支铅笔，送给小明3支，还剩多少支？\n解：12-3=9（支）\n答：还剩9支。\n2. 一个长方形长8厘米，宽5厘米，面积是多少平方厘米？\n解：8×5=40（平方厘米）\n答：面积是40平方厘米。\n',
        [
            ('小红有12支铅笔，送给小明3支，还剩多少支？', '12-3=9（支）\n答：还剩9支。', '9'),
            ('一个长方形长8厘米，宽5厘米，面积是多少平方厘米？', '8×5=40（平方厘米）\n答：面积是40平方厘米。', '40'),
        ],
    ),
    'zh 证明题': (
        '例3 求证：$\\sqrt{2}$ 是无理数．\n证明：假设 $\\sqrt2=\\frac{p}{q}$，$p,q$ 互质．则 $p^2=2q^2$，$p$ 为偶数，从而 $q$ 也为偶数，矛盾．∎\n例4（2019·全国卷）已知 $a,b>0$，证明 $a+b\\ge 2\\sqrt{ab}$．\n证：$a+b-2\\sqrt{ab}=(\\sqrt a-\\sqrt b)^2\\ge 0$．\n',
        [
            ('求证：$\\sqrt{2}$ 是无理数．', '假设 $\\sqrt2=\\frac{p}{q}$，$p,q$ 互质．则 $p^2=2q^2$，$p$ 为偶数，从而 $q$ 也为偶数，矛盾．', None),
            ('已知 $a,b>0$，证明 $a+b\\ge 2\\sqrt{ab}$．', '$a+b-2\\sqrt{ab}=(\\sqrt a-\\sqrt b)^2\\ge 0$．', None),
        ],
    ),
    'zh 题目/解答 forum': (
        '题目：求 $\\int x e^x\\,dx$。\n解答：用分部积分法，$\\int xe^x\\,dx=xe^x-\\int e^x\\,dx=(x-1)e^x+C$。\n',
        [
            ('求 $\\int x e^x\\,dx$。', '用分部积分法，$\\int xe^x\\,dx=xe^x-\\int e^x\\,dx=(x-1)e^x+C$。', None),
        ],
    ),
    'zh 问 答': (
        '问：为什么 $0.999\\cdots=1$？\n答：因为两者之差小于任意正数，所以相等。\n\n问：$\\pi$ 是有理数吗？\n答：不是。\n',
        [
            ('为什么 $0.999\\cdots=1$？', '因为两者之差小于任意正数，所以相等。', '因为两者之差小于任意正数，所以相等'),
            ('$\\pi$ 是有理数吗？', '不是。', '不是'),
        ],
    ),
    'zh CMATH bare': (
        '小王要将150千克含药量20%的农药稀释成含药量5%的药水．需要加水多少千克？\n答：450',
        [
            ('小王要将150千克含药量20%的农药稀释成含药量5%的药水．需要加水多少千克？', '450', '450'),
        ],
    ),
    'zh CMATH 问题 答案': (
        '问题：食堂运来105千克的萝卜，运来的青菜是萝卜的3倍，运来青菜多少千克？\n答案：315',
        [
            ('食堂运来105千克的萝卜，运来的青菜是萝卜的3倍，运来青菜多少千克？', '315', '315'),
        ],
    ),
    'zh 【题目】【解答】【答案】': (
        '【题目】甲、乙两地相距 240 千米，汽车 3 小时行完全程，平均每小时行多少千米？\n【解答】240÷3=80（千米/时）\n【答案】80千米/时\n',
        [
            ('甲、乙两地相距 240 千米，汽车 3 小时行完全程，平均每小时行多少千米？', '240÷3=80（千米/时）', '80千米/时'),
        ],
    ),
    'zh 解法一 解法二': (
        '例5 求 $1+2+\\cdots+10$ 的值．\n解法一：首尾配对得 $5\\times 11=55$．\n解法二：由公式 $\\frac{10\\times 11}{2}=55$．\n',
        [
            ('求 $1+2+\\cdots+10$ 的值．', '首尾配对得 $5\\times 11=55$．\n解法二：由公式 $\\frac{10\\times 11}{2}=55$．', '55'),
        ],
    ),
    'zh mock exam without answers': (
        '三、解答题（本大题共2小题，共20分）\n19．（10分）计算：$|-3|+\\sqrt{4}$．\n20．（10分）先化简，再求值：$(a+1)^2-a^2$，其中 $a=2$．\n',
        [
            ('计算：$|-3|+\\sqrt{4}$．', None, None),
            ('先化简，再求值：$(a+1)^2-a^2$，其中 $a=2$．', None, None),
        ],
    ),
    'zh 练一练 and 思考': (
        '练一练\n1. 用竖式计算 $25\\times 4$。\n2. 比较 $0.3$ 和 $\\frac13$ 的大小。\n',
        [
            ('用竖式计算 $25\\times 4$。', None, None),
            ('比较 $0.3$ 和 $\\frac13$ 的大小。', None, None),
        ],
    ),
    'zh 判断题': (
        '判断题\n1. 所有的偶数都是合数。（\u3000\u3000）\n2. $0$ 是自然数。（\u3000\u3000）\n答案：1. ×\u30002. √\n',
        [
            ('所有的偶数都是合数。（\u3000\u3000）', '×', '×'),
            ('$0$ 是自然数。（\u3000\u3000）', '√', '√'),
        ],
    ),
    'en exam sections': (
        'Part A\n1. What is the derivative of $x^3$?\n(A) $3x^2$ (B) $x^2$ (C) $3x$ (D) $x^4/4$\n2. What is $\\int 2x\\,dx$?\n(A) $x^2+C$ (B) $2$ (C) $x$ (D) $2x^2$\n\nPart B\n1. Find the limit $\\lim_{x\\to 0}\\frac{\\sin x}{x}$.\n2. Prove that $\\sqrt{3}$ is irrational.\n\nANSWER KEY\nPart A\n1. A\n2. A\nPart B\n1. 1\n2. Suppose $\\sqrt 3=p/q$ in lowest terms; then 3 divides both, a contradiction.\n',
        [
            ('What is the derivative of $x^3$?\n(A) $3x^2$ (B) $x^2$ (C) $3x$ (D) $x^4/4$', 'A', 'A'),
            ('What is $\\int 2x\\,dx$?\n(A) $x^2+C$ (B) $2$ (C) $x$ (D) $2x^2$', 'A', 'A'),
            ('Find the limit $\\lim_{x\\to 0}\\frac{\\sin x}{x}$.', '1', '1'),
            ('Prove that $\\sqrt{3}$ is irrational.', 'Suppose $\\sqrt 3=p/q$ in lowest terms; then 3 divides both, a contradiction.', None),
        ],
    ),
    'en Example named': (
        'Example 2.3.1 (Geometric series). Find the sum $\\sum_{n=0}^\\infty 2^{-n}$.\nSolution. The ratio is $1/2$, so the sum is $\\frac{1}{1-1/2}=2$.\n\nTheorem 2.3.2. A geometric series converges if $|r|<1$.\nProof. Sum the first terms.\n\nExample 2.3.3 (Harmonic series). The series $\\sum 1/n$ diverges, as we saw.\n',
        [
            ('Find the sum $\\sum_{n=0}^\\infty 2^{-n}$.', 'The ratio is $1/2$, so the sum is $\\frac{1}{1-1/2}=2$.', '2'),
        ],
    ),
    'latex source': (
        '\\section{Problems}\n\\begin{problem}\nLet $n$ be an integer. Show that $n^2+n$ is even.\n\\end{problem}\n\\begin{solution}\n$n^2+n=n(n+1)$ is a product of consecutive integers.\n\\end{solution}\n\n\\begin{exercise}[Warm-up]\\label{ex:one}\nCompute $2^{10}$.\n\\end{exercise}\n\\begin{answer}\n$1024$\n\\end{answer}\n',
        [
            ('Let $n$ be an integer. Show that $n^2+n$ is even.', '$n^2+n=n(n+1)$ is a product of consecutive integers.', None),
            ('Compute $2^{10}$.', '$1024$', '1024'),
        ],
    ),
    'latex enumerate questions': (
        '\\begin{questions}\n\\question What is $1+1$?\n\\begin{solution}\n$2$\n\\end{solution}\n\\question What is $2\\times 3$?\n\\begin{solution}\n$6$\n\\end{solution}\n\\end{questions}\n',
        [
            ('What is $1+1$?', '$2$', '2'),
            ('What is $2\\times 3$?', '$6$', '6'),
        ],
    ),
    'latex example nested proof': (
        '\\begin{example}\nFind all primes $p$ such that $p+2$ and $p+4$ are prime.\n\\end{example}\n\\begin{proof}[Solution]\nOne of three is divisible by $3$, so $p=3$.\n\\end{proof}\n\\begin{theorem}\nThere are infinitely many primes.\n\\end{theorem}\n\\begin{proof}\nEuclid.\n\\end{proof}\n',
        [
            ('Find all primes $p$ such that $p+2$ and $p+4$ are prime.', 'One of three is divisible by $3$, so $p=3$.', '3'),
        ],
    ),
    'md bold question answer': (
        '**Question:** A train travels 120 km in 2 hours. What is its speed?\n**Answer:** The speed is 120/2 = 60 km/h.\n\n**Question:** What is $5!$?\n**Answer:** $120$\n',
        [
            ('A train travels 120 km in 2 hours. What is its speed?', 'The speed is 120/2 = 60 km/h.', 'The speed is 120/2 = 60 km/h'),
            ('What is $5!$?', '$120$', '120'),
        ],
    ),
    'md Q A': (
        'Q: What is the capital of a set?\nA: There is none.\n\nQ: What is $7\\cdot 8$?\nA: $56$\n',
        [
            ('What is the capital of a set?', 'There is none.', 'There is none'),
            ('What is $7\\cdot 8$?', '$56$', '56'),
        ],
    ),
    'md ### Problem ### Solution': (
        '# Homework 3\n\n### Problem 1\nLet $f(x)=x^2-4x+3$. Find the roots of $f$.\n\n### Solution\nFactor: $f(x)=(x-1)(x-3)$. The roots are $\\boxed{1}$ and $\\boxed{3}$.\n\n### Problem 2\nCompute $\\int_0^1 x\\,dx$.\n\n### Solution\nIt equals $\\boxed{\\frac12}$.\n',
        [
            ('Let $f(x)=x^2-4x+3$. Find the roots of $f$.', 'Factor: $f(x)=(x-1)(x-3)$. The roots are $\\boxed{1}$ and $\\boxed{3}$.', '1, 3'),
            ('Compute $\\int_0^1 x\\,dx$.', 'It equals $\\boxed{\\frac12}$.', '\\frac12'),
        ],
    ),
    'gsm8k json lines': (
        '{"question": "Tom has 3 bags with 4 apples each. How many apples does he have?", "answer": "Tom has 3 * 4 = <<3*4=12>>12 apples.\\n#### 12"}\n{"question": "Ann reads 5 pages a day. How many in a week?", "answer": "5 * 7 = <<5*7=35>>35 pages.\\n#### 35"}\n',
        [
            ('Tom has 3 bags with 4 apples each. How many apples does he have?', 'Tom has 3 * 4 = <<3*4=12>>12 apples.\n#### 12', '12'),
            ('Ann reads 5 pages a day. How many in a week?', '5 * 7 = <<5*7=35>>35 pages.\n#### 35', '35'),
        ],
    ),
    'gsm8k Question Answer': (
        'Question: Tom has 3 bags with 4 apples each. How many apples does he have?\nAnswer: Tom has 3 * 4 = <<3*4=12>>12 apples.\n#### 12\n',
        [
            ('Tom has 3 bags with 4 apples each. How many apples does he have?', 'Tom has 3 * 4 = <<3*4=12>>12 apples.\n#### 12', '12'),
        ],
    ),
    'prompt Instruction Response': (
        '### Instruction:\nSolve $3x=12$ for $x$.\n\n### Response:\nDivide by 3: $x=4$. The answer is 4.\n',
        [
            ('Solve $3x=12$ for $x$.', 'Divide by 3: $x=4$. The answer is 4.', '4'),
        ],
    ),
    'en exercise set without solutions': (
        'Exercises 4.2\n1. Find the inverse of the matrix $A$.\n2. Show that $A^T A$ is symmetric.\n3. (a) Compute $\\det A$. (b) Is $A$ invertible?\n',
        [
            ('Find the inverse of the matrix $A$.', None, None),
            ('Show that $A^T A$ is symmetric.', None, None),
            ('(a) Compute $\\det A$. (b) Is $A$ invertible?', None, None),
        ],
    ),
    'en exercises even answers': (
        'Exercises\n1. Find $2+2$.\n2. Find $3+3$.\n3. Find $4+4$.\n\nAnswers to Odd-Numbered Exercises\n1. 4\n3. 8\n',
        [
            ('Find $2+2$.', '4', '4'),
            ('Find $3+3$.', None, None),
            ('Find $4+4$.', '8', '8'),
        ],
    ),
    'en olympiad': (
        'Problem 1 (IMO 1959/1). Prove that the fraction $\\frac{21n+4}{14n+3}$ is irreducible for every natural number $n$.\n\nSolution 1. $3(14n+3)-2(21n+4)=1$, so the two are coprime. $\\blacksquare$\n\nSolution 2. Use the Euclidean algorithm.\n\nProblem 2. Find all real $x$ with $x^2=2$.\n\nSolution. $x=\\pm\\sqrt 2$. $\\square$\n',
        [
            ('Prove that the fraction $\\frac{21n+4}{14n+3}$ is irreducible for every natural number $n$.', '$3(14n+3)-2(21n+4)=1$, so the two are coprime.', None),
            ('Find all real $x$ with $x^2=2$.', '$x=\\pm\\sqrt 2$.', 'x=\\pm\\sqrt 2'),
        ],
    ),
    'en mcq one line': (
        'Question 5. Which number is prime? A. 4 B. 6 C. 7 D. 9\nCorrect Answer: C\nExplanation: 7 has no divisors but 1 and itself.\n',
        [
            ('Which number is prime? A. 4 B. 6 C. 7 D. 9', '7 has no divisors but 1 and itself.', 'C'),
        ],
    ),
    'en mcq table': (
        '1. Which is even?\n| A. 3 | B. 5 |\n| C. 8 | D. 9 |\nAnswer: C\n2. Which is odd?\n| A. 2 | B. 5 |\nAnswer: B\n',
        [
            ('Which is even?\n| A. 3 | B. 5 |\n| C. 8 | D. 9 |', 'C', 'C'),
            ('Which is odd?\n| A. 2 | B. 5 |', 'B', 'B'),
        ],
    ),
    'en Ans: Sol:': (
        'Q1. Find the HCF of 12 and 18.\nSol. 12 = 2²·3 and 18 = 2·3², so HCF = 6.\nAns. 6\nQ2. Find the LCM of 4 and 6.\nSol: LCM = 12.\n',
        [
            ('Find the HCF of 12 and 18.', '12 = 2²·3 and 18 = 2·3², so HCF = 6.', '6'),
            ('Find the LCM of 4 and 6.', 'LCM = 12.', '12'),
        ],
    ),
    'en Example: Find': (
        'Example: Solve $x+3=7$.\nSolution: Subtract 3 from both sides: $x=4$.\n\nYour Turn: Solve $x-2=5$.\nAnswer: $x=7$\n',
        [
            ('Solve $x+3=7$.', 'Subtract 3 from both sides: $x=4$.', '4'),
            ('Solve $x-2=5$.', '$x=7$', '7'),
        ],
    ),
    'en sub-questions (a)(b) with solutions': (
        '3. Let $X$ be uniform on $[0,1]$.\n(a) Find $E[X]$.\n(b) Find $\\mathrm{Var}(X)$.\nSolution.\n(a) $E[X]=1/2$.\n(b) $\\mathrm{Var}(X)=1/12$.\n4. Let $Y=2X$. Find $E[Y]$.\nSolution. $E[Y]=1$.\n',
        [
            ('Let $X$ be uniform on $[0,1]$.\n(a) Find $E[X]$.\n(b) Find $\\mathrm{Var}(X)$.', '(a) $E[X]=1/2$.\n(b) $\\mathrm{Var}(X)=1/12$.', None),
            ('Let $Y=2X$. Find $E[Y]$.', '$E[Y]=1$.', '1'),
        ],
    ),
    'en MATH style': (
        'Problem: What is the value of $x$ if $2^x=8$?\n\nSolution: Since $8=2^3$, we have $x=\\boxed{3}$.\n',
        [
            ('What is the value of $x$ if $2^x=8$?', 'Since $8=2^3$, we have $x=\\boxed{3}$.', '3'),
        ],
    ),
    'en Problem with solution follows prose': (
        'We now turn to applications.\n\nProblem. A farmer has 100 m of fence. What is the largest rectangle?\n\nSolution. Let the sides be $x$ and $50-x$. The area $x(50-x)$ is largest at $x=25$. The answer is $625$.\n\nThis shows the power of calculus. In the next section we turn to integrals.\n',
        [
            ('A farmer has 100 m of fence. What is the largest rectangle?', 'Let the sides be $x$ and $50-x$. The area $x(50-x)$ is largest at $x=25$. The answer is $625$.\n\nThis shows the power of calculus. In the next section we turn to integrals.', '625'),
        ],
    ),
    'zh 选择题 选项 在表格': (
        '1．不等式 $2x>4$ 的解集是（ ）\n| A．$x>2$ | B．$x<2$ |\n| C．$x>4$ | D．$x<4$ |\n【答案】A\n',
        [
            ('不等式 $2x>4$ 的解集是（ ）\n| A．$x>2$ | B．$x<2$ |\n| C．$x>4$ | D．$x<4$ |', 'A', 'A'),
        ],
    ),
    'zh ①② sub-questions': (
        '练习3.1\n1. 计算：① $12+7$；② $15-8$。\n2. 解下列方程：\n① $x+5=9$；\n② $3x=12$。\n答案\n1. ① 19；② 7。\n2. ① $x=4$；② $x=4$。\n',
        [
            ('计算：① $12+7$；② $15-8$。', '① 19；② 7。', '① 19；② 7'),
            ('解下列方程：\n① $x+5=9$；\n② $3x=12$。', '① $x=4$；② $x=4$。', '① $x=4$；② $x=4$'),
        ],
    ),
    'zh 习题 number headings': (
        '习题 2.1\n1．求下列函数的定义域：\n（1）$y=\\sqrt{x}$；（2）$y=\\frac1x$．\n2．设 $f(x)=x+1$，求 $f(2)$．\n复习参考题\n1．求 $f(0)$．\n',
        [
            ('求下列函数的定义域：\n（1）$y=\\sqrt{x}$；（2）$y=\\frac1x$．', None, None),
            ('设 $f(x)=x+1$，求 $f(2)$．', None, None),
            ('求 $f(0)$．', None, None),
        ],
    ),
    'zh full-width brackets numbered': (
        '（1）计算 $3+4$。\n（2）计算 $5+6$。\n答案：（1）7；（2）11\n',
        [
            ('计算 $3+4$。', '7', '7'),
            ('计算 $5+6$。', '11', '11'),
        ],
    ),
    'zh 试题 第1题': (
        '第1题：甲数是12，乙数是甲数的3倍，乙数是多少？\n解析：12×3=36。\n答案：36\n第2题：把 $\\frac{6}{8}$ 化成最简分数。\n答案：$\\frac{3}{4}$\n',
        [
            ('甲数是12，乙数是甲数的3倍，乙数是多少？', '12×3=36。', '36'),
            ('把 $\\frac{6}{8}$ 化成最简分数。', '$\\frac{3}{4}$', '\\frac{3}{4}'),
        ],
    ),
    'zh 考点 then 题': (
        '考点一 集合的运算\n典例1 已知 $A=\\{x|x>1\\}$，求 $\\complement_R A$．\n解析 $\\complement_R A=\\{x|x\\le 1\\}$．\n答案 $\\{x|x\\le1\\}$\n',
        [
            ('已知 $A=\\{x|x>1\\}$，求 $\\complement_R A$．', '$\\complement_R A=\\{x|x\\le 1\\}$．', '\\{x|x\\le1\\}'),
        ],
    ),
    'zh 思路点拨 规范解答': (
        '【典例2】求函数 $y=x^2-2x$ 的最小值．\n【思路点拨】配方．\n【规范解答】$y=(x-1)^2-1$，最小值为 $-1$．\n【方法总结】二次函数求最值常用配方法．\n',
        [
            ('求函数 $y=x^2-2x$ 的最小值．', '配方．\n【规范解答】$y=(x-1)^2-1$，最小值为 $-1$．', None),
        ],
    ),
    'gsm8k bare': (
        'Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May. How many clips did Natalia sell altogether in April and May?\nNatalia sold 48/2 = <<48/2=24>>24 clips in May.\nNatalia sold 48+24 = <<48+24=72>>72 clips altogether in April and May.\n#### 72',
        [
            ('Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May. How many clips did Natalia sell altogether in April and May?', 'Natalia sold 48/2 = <<48/2=24>>24 clips in May.\nNatalia sold 48+24 = <<48+24=72>>72 clips altogether in April and May.\n#### 72', '72'),
        ],
    ),
    'math bare': (
        'Find the value of $x$ if $2x=8$.\n\nDividing by 2 we get $x=\\boxed{4}$.',
        [
            ('Find the value of $x$ if $2x=8$.', 'Dividing by 2 we get $x=\\boxed{4}$.', '4'),
        ],
    ),
    'cmath 题 + 答案 line': (
        '一本书有120页，小明已经看了45页，还剩多少页没看？答案：75',
        [
            ('一本书有120页，小明已经看了45页，还剩多少页没看？', '75', '75'),
        ],
    ),
    'cmath bare with space 答': (
        '小红买了3支铅笔，每支2元，一共花了多少元？ 答：6元',
        [
            ('小红买了3支铅笔，每支2元，一共花了多少元？', '6元', '6元'),
        ],
    ),
    'q newline a': (
        'Q1: What is 3^2?\nA1: 9\nQ2: What is 4^2?\nA2: 16',
        [
            ('What is 3^2?', '9', '9'),
            ('What is 4^2?', '16', '16'),
        ],
    ),
    'key after answers colon': (
        '1. Which is prime?\nA. 4 B. 5\n2. Which is even?\nA. 3 B. 8\n3. Which is odd?\nA. 3 B. 8\n\nAnswers: 1. B, 2. B, 3. A',
        [
            ('Which is prime?\nA. 4 B. 5', 'B', 'B'),
            ('Which is even?\nA. 3 B. 8', 'B', 'B'),
            ('Which is odd?\nA. 3 B. 8', 'A', 'A'),
        ],
    ),
    'key 1) a': (
        '1) What is 1+1?\na) 1 b) 2\n2) What is 2+2?\na) 4 b) 5\nAnswer Key:\n1) b\n2) a',
        [
            ('What is 1+1?\na) 1 b) 2', 'b', 'b'),
            ('What is 2+2?\na) 4 b) 5', 'a', 'a'),
        ],
    ),
    'zh 例 分析 解': (
        '例1．已知 $x+y=5$，$xy=6$，求 $x^2+y^2$ 的值．\n分析：利用完全平方公式．\n解：$x^2+y^2=(x+y)^2-2xy=25-12=13$．\n\n例2．（2020·北京卷）若 $a=\\log_2 8$，求 $a$．\n解：$a=3$．',
        [
            ('已知 $x+y=5$，$xy=6$，求 $x^2+y^2$ 的值．', '利用完全平方公式．\n解：$x^2+y^2=(x+y)^2-2xy=25-12=13$．', '13'),
            ('若 $a=\\log_2 8$，求 $a$．', '$a=3$．', '3'),
        ],
    ),
    'zh 【例】【解】': (
        '【例 3】计算 $\\int_0^1 2x\\,dx$.\n【思路】牛顿—莱布尼茨公式.\n【解】原式 $=[x^2]_0^1=1$.\n【注】注意上下限.',
        [
            ('计算 $\\int_0^1 2x\\,dx$.', '牛顿—莱布尼茨公式.\n【解】原式 $=[x^2]_0^1=1$.', '1'),
        ],
    ),
    'zh exam with 答案 per section': (
        '一、填空题\n1. $2\\times 3=$____。\n2. $4+4=$____。\n二、解答题\n3. 解方程 $x-1=2$。\n答案\n一、1. 6 2. 8\n二、3. $x=3$',
        [
            ('$2\\times 3=$____。', '6', '6'),
            ('$4+4=$____。', '8', '8'),
            ('解方程 $x-1=2$。', '$x=3$', '3'),
        ],
    ),
    'zh 答案与解析 per number': (
        '1. 若 $x^2=9$ 且 $x>0$，则 $x=$（  ）\nA. 3 B. -3\n2. $2^3=$（  ）\nA. 6 B. 8\n答案与解析\n1. A 【解析】因为 $x>0$，所以 $x=3$。\n2. B 【解析】$2^3=2\\times 2\\times 2=8$。',
        [
            ('若 $x^2=9$ 且 $x>0$，则 $x=$（  ）\nA. 3 B. -3', '因为 $x>0$，所以 $x=3$。', 'A'),
            ('$2^3=$（  ）\nA. 6 B. 8', '$2^3=2\\times 2\\times 2=8$。', 'B'),
        ],
    ),
    'zh key 1.【答案】': (
        '1. 求 $1+1$．\n2. 求 $2+3$．\n参考答案与试题解析\n1. 【答案】2\n【解析】$1+1=2$．\n2. 【答案】5\n【解析】$2+3=5$．',
        [
            ('求 $1+1$．', '$1+1=2$．', '2'),
            ('求 $2+3$．', '$2+3=5$．', '5'),
        ],
    ),
    'en AP style rubric': (
        "Question 1\nLet $f(x)=x^2$.\n(a) Find $f'(3)$.\n(b) Find $\\int_0^3 f(x)\\,dx$.\n\nSolution\n(a) $f'(3)=6$.\n(b) $9$.\n\nQuestion 2\nFind $g(2)$ if $g(x)=x+1$.\n\nSolution\n$g(2)=3$.",
        [
            ("Let $f(x)=x^2$.\n(a) Find $f'(3)$.\n(b) Find $\\int_0^3 f(x)\\,dx$.", "(a) $f'(3)=6$.\n(b) $9$.", None),
            ('Find $g(2)$ if $g(x)=x+1$.', '$g(2)=3$.', '3'),
        ],
    ),
    'en multi-paragraph solution': (
        'Problem 2. Find all integers $n$ with $n^2<5$.\n\nSolution. Since $2^2=4<5<9$, we need $|n|\\le 2$.\n\nSo $n\\in\\{-2,-1,0,1,2\\}$.\n\nAnswer. There are $5$ such integers.\n\nProblem 3. Compute $6\\cdot 7$.\n\nSolution. $42$.',
        [
            ('Find all integers $n$ with $n^2<5$.', 'Since $2^2=4<5<9$, we need $|n|\\le 2$.\n\nSo $n\\in\\{-2,-1,0,1,2\\}$.', 'There are $5$ such integers'),
            ('Compute $6\\cdot 7$.', '$42$.', '42'),
        ],
    ),
    'md numbered bold': (
        '**1.** What is $1+2$?\n\n**Solution:** $3$\n\n**2.** What is $2+2$?\n\n**Solution:** $4$',
        [
            ('What is $1+2$?', '$3$', '3'),
            ('What is $2+2$?', '$4$', '4'),
        ],
    ),
    'md headings Exercise X Solution': (
        '## Exercise 1: Warm up\n\nCompute $3!$.\n\n<details>\n<summary>Solution</summary>\n\n$3!=6$\n\n</details>\n',
        [
            ('Warm up\n\nCompute $3!$.', '$3!=6$', '6'),
        ],
    ),
    'zh 思考题 no solution': (
        '思考题：如果 $n$ 是奇数，$n^2$ 被 8 除余几？',
        [
            ('如果 $n$ 是奇数，$n^2$ 被 8 除余几？', None, None),
        ],
    ),
    'zh 小学 口算 list': (
        '口算练习\n1. $3+5=$\n2. $9-4=$\n3. $6\\times 7=$\n答案：1. 8 2. 5 3. 42',
        [
            ('$3+5=$', '8', '8'),
            ('$9-4=$', '5', '5'),
            ('$6\\times 7=$', '42', '42'),
        ],
    ),
}  # fmt: skip

PROSE = {
    "zh prose 例如": "函数的概念在数学中非常重要。例如，$f(x)=x^2$ 就是一个函数。解释这一概念需要集合。\n例如我们可以考虑 $g(x)=2x$。分析可知它是奇函数。证明留给读者。\n问题在于如何推广。解决的办法有两种：第一种是代数的，第二种是几何的。\n",
    "en prose examples and solutions": "The solution of the heat equation is smooth. Example: metals. In this section we describe several solution methods.\nProblem areas include stability. The exercise of judgement is needed. Answer quality varies.\nProof that the method converges is given in Chapter 5. Question the assumptions.\nFor example, see Figure 3. Solution curves are shown in blue.\n",
    "zh 国庆 prose numbered list": "学习方法\n1. 认真听讲，做好笔记。\n2. 及时复习，独立完成作业。\n3. 多总结，多反思。\n",
    "zh recipe of steps with 解": "解方程的步骤\n1. 去分母；\n2. 去括号；\n3. 移项、合并同类项；\n4. 系数化为1。\n",
    "en changelog": "Release notes\n1. Fixed a problem with login.\n2. Solution explorer now opens faster.\n3. What's new: dark mode.\n",
    "en FAQ non math": "## How do I reset my password?\nClick on the link.\n## Where can I find my invoices?\nIn your account.\n",
    "zh 对话 prose": "记者问他为什么选择数学。他回答说，数学很美。\n我的解释是：兴趣最重要。答案其实很简单。\n例外总是存在的。",
    "en interview": "The interviewer asked a question. The answer: patience. Problem solved.\nExample: my father. He was a teacher.\nIn conclusion, the solution is simple.",
    "en code doc": "Example:\n\n    >>> add(1, 2)\n    3\n\nNote: see also `sub`.\nExample 2:\n\n    >>> sub(2, 1)\n    1\n",
}


@pytest.mark.parametrize("name", TEXTS)
def test_the_problems_of_a_text_are_found(name: str) -> None:
    text, expected = TEXTS[name]
    assert [(p.question, p.solution, p.answer) for p in from_text(text)] == expected


@pytest.mark.parametrize("name", PROSE)
def test_prose_that_only_sounds_like_problems_gives_none(name: str) -> None:
    assert from_text(PROSE[name]) == []
