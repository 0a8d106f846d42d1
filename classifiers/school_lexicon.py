"""School stage by knowledge points: which topics of the curriculum a problem's words and formulas name.

A bilingual lexicon of curriculum topics (grades 1-6, 7-9, 10-12 as in the Chinese curriculum, the courses of US schools
for English, university beyond) gives evidence for each stage; formulas add theirs, since an unknown, a radical or a
sine says as much as a word. Probabilities are the softmax of the summed evidence and a prior.
"""

import re
from collections.abc import Iterable, Sequence

import numpy as np

from mathmill.core.schemas import SCHOOL_STAGES

PRIOR = (0.30, 0.34, 0.30, 0.06)
"""Of the stages, in the order of SCHOOL_STAGES, when a problem names no topic."""

DECISIVE, STRONG, WEAK = 4.0, 2.2, 0.9
"""Evidence, in nats, of a topic that no earlier stage has, one that belongs to a stage, and one that leans to it."""

_MAX_CHARS = 4_000
_SOLUTION_WEIGHT = 0.4  # a solution repeats its question's topic, and uses tools from beyond it

TOPICS: dict[str, dict[float, str]] = {
    "elementary": {
        STRONG: """
            一共 还剩 多少元 多少千克 多少个 多少米 每天 平均每 苹果 小明 小红 小华 同学 铅笔 桔子 糖果 果园 书架 商店
            水果 鸡兔 兔 除数 被除数 余数 竖式 小数乘法 整除 因数 公因数 公倍数 最小公倍数 平均分 植树 盈亏 年龄 周长
            厘米 分米 千米 公顷 千克 吨 粉笔 练习本 工程队 甲乙两地 相遇 火柴 钟面 时针 分针 星期 巧克力 排队 桃 鸡 页
            本书 图书 车站 客车 货车 铁路 粮食 剪 绳子 页码 数字谜 抽屉原理 圆锥 圆柱 比例尺 涂色 积木 定义新运算
            apples|candies|marbles|cookies|stickers|pencils|how many .{0,40} left|how many more|altogether|in all
            each box|crayons|dollars|cents|cupcakes|toys|balloons|slices|baskets|seashells|sandwiches|pages|eggs
            oranges|birds|rounded? to the nearest|place value|word names?|remainder|times table|kindergarten
            grade [1-6]
        """,
        WEAK: """
            多少 剩下 原来 买 卖 用去 乘积 面积 长方形 正方形 正方体 长方体 分数 百分之 人 元 天 只 米 小时 谁 每 个位
            奇数 偶数
            how many|total|bought|sold|gave|hours|minutes|miles|whole numbers?|bags|children|students|friends|money
            cost
        """,
    },
    "middle": {
        STRONG: """
            有理数 负数 相反数 绝对值 数轴 单项式 多项式 合并同类项 同类项 整式 因式分解 一元一次方程 二元一次方程组
            一元二次方程 不等式组 分式方程 分式 平方根 立方根 算术平方根 二次根式 无理数 勾股定理 全等 相似三角形
            平行四边形 菱形 梯形 轴对称 中心对称 一次函数 正比例函数 反比例函数 二次函数 内错角 同位角 补角 余角
            圆周角 切线长 中位线 中位数 众数 解方程 初中 中考 代数式 同解 未知数 次数 整数解 弦 扇形 平面直角坐标系
            integers?|combine like terms|like terms|distributive property|proportions?|unit rate|ratio|percent of
            discount|simple interest|commission|sales tax|mixed numbers?|improper fraction|reciprocal
            least common (?:denominator|multiple)|algebraic expression|word phrase|absolute value|additive inverse
            pythagorean|prealgebra|translate .{0,30}equation|perimeter|circumference|order of operations
            prime factorization|equivalent fractions?|subtraction property|scientific notation|opposite of
            square roots?|mean, median|median|mode|linear equation|substitution property|supplementary|complementary
            coordinate|ordered pairs?|intercepts?|grade [7-9]|identity property|perfect square
        """,
        WEAK: """
            方程 未知 整数 自然数 三角形 正整数 化简 实数 代数 平方 常数 不等式
            equation|expression|decimal|fraction|negative|variable|evaluate|simplify|solve|translate
            simplify.{0,20}fraction|multiply|divide|add|subtract|circle|triangle|angle
        """,
    },
    "high": {
        STRONG: """
            集合 函数 定义域 值域 奇函数 偶函数 单调 周期 对数 指数函数 幂函数 三角函数 正弦 余弦 正切 弧度 向量
            等差数列 等比数列 数列 前项和 通项 复数 虚数 虚部 实部 椭圆 双曲线 抛物线 离心率 焦点 准线 导数 切线方程
            极值 极大值 二项式 展开式 排列 概率 独立 分布列 期望 方差 棱锥 棱柱 三棱锥 二面角 异面直线 四面体 外接球
            平面 直线方程 斜率 充分 必要条件 命题 命题的否定 数学归纳法 均值不等式 恒成立 零点 反函数 高中 高考
            取值范围 高一 高二 高三 锐角 内角 线性规划 样本 随机变量 终边 诱导公式 渐近线 圆的方程 夹角 模长 正弦定理
            余弦定理 通项公式 柯西 最大值 最小值 竞赛 联赛
            logarithm|logarithmic|exponential|inverse function|domain and range|domain|range|function|composition
            rational exponents?|radical|complex numbers?|imaginary|quadratic formula|quadratic|completing the square
            complete the square|discriminant|parabola|hyperbola|ellipse|vertex|asymptote|conic|sequence
            arithmetic series|geometric series|series|binomial theorem|trigonometric|sine|cosine|tangent|radians?
            vectors?|matrix|determinant|cramer|systems? of (?:linear )?equations|systems? of inequalities|polynomial
            synthetic division|factor(?:ed)? completely|factor|greatest common factor|rational
            expression.{0,20}denominator|compound interest|half-life|permutations?|combinations?|probability|amc|aime
            standard form|center and radius|end behavior|vertical line test|perpendicular|slope
            varies (?:directly|inversely)
        """,
        WEAK: """
            直线 坐标 满足 设 区间 最值 成立 体积 图象 图像 任意 根 解析式 对称轴 增 减
            graph|inequality|roots?|interval notation|interval|real numbers?|maximum|minimum|zeros?|tangent line
            sphere
        """,
    },
    "university": {
        DECISIVE: r"""
            微分方程 初始条件 通解 特解 偏导 重积分 曲线积分 拉格朗日乘数 麦克劳林 泰勒展开 高斯消元 特征值 特征向量
            同余方程 逆元 子群 商群 交换环 有限域 线性空间 线性变换 一致收敛 贝叶斯 全概率 拉普拉斯变换 傅里叶
            differential equations?|initial value problem|partial derivatives?|lagrange multipliers?|maclaurin
            taylor (?:series|polynomial|expansion)|gaussian elimination|eigenvalues?|eigenvectors?|vector spaces?
            subgroups?|quotient group|finite field|congruences?|inverse of .{1,20} modulo|double integral|line integral
            uniform(?:ly)? converge\w*|laplace transform|fourier|bayes
        """,
        STRONG: """
            极限 一致连续 收敛 无穷级数 幂级数 矩阵 行列式 线性空间
            线性无关 同构 拓扑 流形 测度 泛函 希尔伯特 巴拿赫 勒贝格 傅里叶 拉普拉斯 泰勒 柯西积分 留数 全纯 解析函数
            紧致 度量空间 同态 有限群 概率空间 鞅 马尔可夫 梯度 散度 旋度 不定积分 定积分 大学 高等数学
            数学分析
            linear(?:ly)? independent|linear map|integral|improper integral|converges?|uniformly|cauchy sequence
            metric space|topology|topological|compact|manifold|homomorphism|isomorphism|isomorphic|abelian|group|ring
            ideal|module|field extension|galois|functor|category|scheme|sheaf|cohomology|measure space|measurable
            lebesgue|banach|hilbert|laplace|residue|holomorphic|meromorphic|stochastic
            martingale|random variable|theorem|lemma|epsilon|derivatives?|gradient|recurrence relation
            generating function|graph theory|bipartite|injective|surjective|bijection|equivalence relation|induction
            contrapositive|predicate
        """,
        WEAK: """
            积分 微分 连续 证明 定理 引理 导数
            limit|continuous|prove|proof|differentiable|vertices|edges|finite set|subset
        """,
    },
}  # fmt: skip
"""Topics by stage and weight: words and patterns, of which those of ASCII letters match at word boundaries."""

FORMULA_EVIDENCE: tuple[tuple[str, tuple[float, float, float, float]], ...] = (
    (
        r"[a-zA-Z]\s*\}*\s*\^|\b[2-9]\s*[xyzabmn]\b|\$[^$]{0,40}(?<![a-zA-Z\\])[xyzabcmnpq](?![a-zA-Z])",
        (-1.6, 0.8, 0.8, 0.2),
    ),
    (r"\\sqrt|√", (-1.5, 0.2, 0.8, 0.0)),
    (r"\\sqrt\[|\^\{?\\(?:frac|dfrac)|\\root", (-1.0, -1.0, 1.5, 0.0)),
    (r"\\(?:sin|cos|tan|cot|sec|csc)\b|\b(?:sin|cos|tan)\b", (-2.0, -0.5, 2.2, 0.6)),
    (r"\\(?:log|ln|lg)\b|\b(?:log|ln|lg)\b|\\text\{log\}|\\text\{ln\}", (-2.0, -1.5, 2.2, 0.4)),
    (r"[fgh]\s*(?:\\left)?\(\s*[a-z0-9+\-]|[fgh]\^\{-1\}", (-2.0, -0.3, 2.0, 0.5)),
    (r"\\(?:int|iint|oint|partial|nabla)\b|\\lim\b|\bd[xt]\b|∫|∂", (-2.0, -2.0, 0.3, 2.5)),
    (
        r"\\(?:mathbb|mathcal|mathfrak|otimes|oplus|forall|exists|epsilon|varepsilon|rightarrow|hookrightarrow)\b",
        (-2, -1.5, 0.6, 2.0),
    ),
    (r"\\(?:vec|overrightarrow|alpha|beta|theta|omega)\b|\\in\b|\\cap|\\cup|\\complement", (-1.5, -0.8, 1.6, 0.5)),
    (r"\\begin\{(?:p|b|v)matrix\}|\\det\b", (-2.0, -2.0, 1.0, 1.6)),
    (r"\\left\\?\{|\{\{[a-zA-Z]\}_\{|[a-z]_\{?n", (-1.2, -0.4, 1.4, 0.5)),
    (r"\\begin\{(?:cases|array)\}", (-1.2, 0.3, 0.9, 0.2)),
    (r"\\mathrm\{-[0-9]|\$-[0-9]", (-1.0, 0.8, 0.2, 0.0)),
    (r"\\(?:le|ge|leq|geq|leqslant|geqslant)\b|[≤≥]", (-0.8, 0.2, 0.6, 0.2)),
    (r"x\s*\}*\s*\^\s*\{?2|\{x\}\^\{2\}", (-1.0, 0.2, 0.7, 0.0)),
    (r"\(x[+\-]?y?[^)]{0,12}\)\s*\}*\s*\^", (-0.5, 0.2, 0.4, 0.0)),
)
"""Evidence that a formula gives for each stage, in nats, once per problem."""


def _compile() -> tuple[re.Pattern[str], list[tuple[int, float]]]:
    """Build one pattern with a group for each list of topics; returns it and the (stage, weight) of each group."""
    groups, meaning = [], []
    for stage, lists in TOPICS.items():
        for weight, words in lists.items():
            chinese = [w for line in words.split("\n") if not line.isascii() for w in line.split()]
            english = "|".join(line.strip() for line in words.split("\n") if line.isascii() and line.strip())
            mixed = [w for w in chinese if w.isascii()]
            chinese = sorted((w for w in chinese if not w.isascii()), key=lambda w: (-len(w), w))
            alternatives = "|".join(filter(None, [english, *mixed]))
            groups.append(f"(\\b(?:{alternatives})\\b|{'|'.join(map(re.escape, chinese))})")
            meaning.append((SCHOOL_STAGES.index(stage), weight))
    return re.compile("|".join(groups), re.IGNORECASE), meaning


_TOPIC, _MEANING = _compile()
_FORMULAS = tuple((re.compile(pattern), np.array(evidence)) for pattern, evidence in FORMULA_EVIDENCE)
_UNKNOWN = re.compile(r"(?<![a-zA-Z\\])[abcdfkmnpqrstuvxyz](?![a-zA-Z])")
_NUMBERS_ONLY = np.array((0.8, 0.3, -0.6, -0.6))  # no letter stands for a number
_EVERY = 4  # topics of one kind beyond this many add nothing


def evidence(text: str) -> np.ndarray:
    """Sum what a text's topics and formulas say for each stage: float64 (4,), nats."""
    text = text[:_MAX_CHARS]
    found: dict[int, set[str]] = {}
    for match in _TOPIC.finditer(text):
        found.setdefault(int(match.lastindex or 1) - 1, set()).add(match[0].casefold())
    result = np.zeros(len(SCHOOL_STAGES))
    for group, topics in found.items():
        stage, weight = _MEANING[group]
        result[stage] += weight * min(len(topics), _EVERY) ** 0.7
    if not _UNKNOWN.search(text):
        result += _NUMBERS_ONLY
    for pattern, amount in _FORMULAS:
        if pattern.search(text):
            result += amount
    return result


def predict_proba(questions: Sequence[str], solutions: Iterable[str | None]) -> np.ndarray:
    """Give each problem's probabilities of the school stages: float32 (n_problems, 4), multiples of 1/1024."""
    sums = [
        evidence(question) + (_SOLUTION_WEIGHT * evidence(solution) if solution else 0.0)
        for question, solution in zip(questions, solutions, strict=True)
    ]
    logits = np.array(sums).reshape(len(sums), len(SCHOOL_STAGES)) + np.log(PRIOR)
    odds = np.exp(logits - logits.max(axis=1, keepdims=True, initial=0.0))
    return (np.round(odds / odds.sum(axis=1, keepdims=True) * 1024) / 1024).astype(np.float32)
