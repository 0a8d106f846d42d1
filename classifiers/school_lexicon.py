"""School stage by knowledge points: which topics of the curriculum a problem's words name.

A bilingual lexicon of curriculum topics: grades 1-6, 7-9, 10-12 as in the Chinese curriculum, the courses of US schools
for English, university beyond. The classifiers count each list as a kind of its own (`mathmill.classifiers.kinds`) and
learn what it says; so a problem of a source that is like no training text is still known by its topics.
"""

import re
from collections.abc import Iterator

DECISIVE, STRONG, WEAK = "decisive", "strong", "weak"
"""Topics that no earlier stage has, that belong to a stage, that lean to it."""

TOPICS: dict[str, dict[str, str]] = {
    "elementary": {
        STRONG: """
            一共 还剩 多少元 多少千克 多少个 多少米 每天 平均每 苹果 小明 小红 小华 同学 铅笔 桔子 糖果 果园 书架 商店
            水果 鸡兔 兔 除数 被除数 余数 竖式 小数乘法 整除 因数 公因数 公倍数 最小公倍数 平均分 植树 盈亏 年龄 周长
            厘米 分米 千米 公顷 千克 吨 粉笔 练习本 工程队 甲乙两地 相遇 火柴 钟面 时针 分针 星期 巧克力 排队 桃 鸡 页
            本书 图书 车站 客车 货车 铁路 粮食 剪 绳子 页码 数字谜 抽屉原理 圆锥 圆柱 比例尺 涂色 积木 定义新运算
            apples|candies|marbles|cookies|stickers|pencils|are left|is left|were left|how many more|altogether|in all
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
            pythagorean|prealgebra|perimeter|circumference|order of operations
            prime factorization|equivalent fractions?|subtraction property|scientific notation|opposite of
            square roots?|mean, median|median|mode|linear equation|substitution property|supplementary|complementary
            coordinate|ordered pairs?|intercepts?|grade [7-9]|identity property|perfect square
        """,
        WEAK: """
            方程 未知 整数 自然数 三角形 正整数 化简 实数 代数 平方 常数 不等式
            equation|expression|decimal|fraction|negative|variable|evaluate|simplify|solve|translate
            multiply|divide|add|subtract|circle|triangle|angle
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
            compound interest|half-life|permutations?|combinations?|probability|amc|aime
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
            subgroups?|quotient group|finite field|congruences?|double integral|line integral
            uniform(?:ly)? converge[sd]?|uniform convergence|laplace transform|fourier|bayes
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
"""Topics by stage and strength. English ones stand between bars, with `s?` for what may be missing and `(?:a|b)`,
`[1-6]` for alternatives; Chinese ones between spaces."""


def topic_phrases() -> dict[str, list[str]]:
    """All topics written out, by stage and strength, the strongest first, for which a phrase of two lists counts."""
    strengths = (DECISIVE, STRONG, WEAK)
    return {
        f"{stage}, {strength}": [phrase for topic in _topics(lists[strength]) for phrase in _written_out(topic)]
        for strength in strengths
        for stage, lists in TOPICS.items()
        if strength in lists
    }


def _topics(words: str) -> Iterator[str]:
    for line in words.split("\n"):
        between = re.split(r"\|(?![^()]*\))", line) if line.isascii() else line.split()  # bars outside of brackets
        yield from filter(None, map(str.strip, between))


def _written_out(topic: str) -> Iterator[str]:
    """Expand the first alternative of a topic, then the rest."""
    match = re.search(r"\((?:\?:)([^()]*)\)(\??)|\[([^\]]*)\](\??)|([a-z])(\?)", topic)
    if match is None:
        yield topic
        return
    group, optional, letters, optional_letter, letter, optional_last = match.groups()
    if group is not None:
        choices = group.split("|")
    elif letters is not None:
        low, dash, high = letters.partition("-")
        choices = [chr(c) for c in range(ord(low), ord(high) + 1)] if dash else list(letters)
    else:
        choices = [letter]
    if optional or optional_letter or optional_last:
        choices.append("")
    for choice in choices:
        yield from _written_out(topic[: match.start()] + choice + topic[match.end() :])
