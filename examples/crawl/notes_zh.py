# ruff: noqa: E501 (running text and HTML are not broken)
r"""Lecture notes in Chinese, written for their own sake and not translated from the English ones."""

NOTES = {
    "gaodai/xiangliang-xianxing": r"""
# 向量组的线性相关性

线性相关与线性无关是线性代数中最基本的概念之一，后面的基、维数、秩都建立在它的上面。本讲只讨论实数域上的向量空间，结论对一般的数域同样成立。

:::definition 线性相关
设$\alpha_1,\alpha_2,\dots,\alpha_s$是向量空间$V$中的一组向量。如果存在不全为零的数$k_1,k_2,\dots,k_s$，使得$$k_1\alpha_1+k_2\alpha_2+\cdots+k_s\alpha_s=0,$$则称这组向量线性相关，否则称为线性无关。
:::

由定义可知，单独一个向量$\alpha$线性相关当且仅当$\alpha=0$；两个向量线性相关当且仅当它们成比例。含有零向量的向量组总是线性相关的。

:::theorem
向量组$\alpha_1,\dots,\alpha_s$（$s\ge 2$）线性相关的充分必要条件是其中至少有一个向量可以由其余向量线性表示。
:::

:::proof
必要性：设有不全为零的数使$\sum_{i=1}^{s}k_i\alpha_i=0$，不妨设$k_1\neq 0$，则$\alpha_1=-\frac{k_2}{k_1}\alpha_2-\cdots-\frac{k_s}{k_1}\alpha_s$。充分性：若$\alpha_1=l_2\alpha_2+\cdots+l_s\alpha_s$，移项后$\alpha_1$的系数为$1$，不为零，所以向量组线性相关。
:::

## 如何判断

把向量作为列排成矩阵$A$，问题就化为齐次方程组$Ax=0$是否有非零解。对$A$作初等行变换化为阶梯形，如果非零行的个数小于向量的个数，则向量组线性相关。

:::example
设$\alpha_1=(1,2,3)$，$\alpha_2=(2,1,0)$，$\alpha_3=(4,5,6)$。计算行列式$$\begin{vmatrix}1&2&4\\2&1&5\\3&0&6\end{vmatrix}=0,$$所以三个向量线性相关。事实上$\alpha_3=2\alpha_1+\alpha_2$。
:::

需要注意，“部分相关则整体相关，整体无关则部分无关”，反过来都不对。另外，把线性无关的向量组中每个向量添上若干分量，得到的向量组仍然线性无关。
""",
    "shufen/hanshu-jixian": r"""
# 函数极限的定义与性质

极限是数学分析的基石。直观地说，当自变量$x$无限接近某一点$x_0$时，函数值$f(x)$无限接近某个常数$A$。要把“无限接近”说清楚，就需要下面的语言。

:::definition 函数极限
设函数$f(x)$在$x_0$的某个去心邻域内有定义。如果对任意给定的$\varepsilon>0$，总存在$\delta>0$，使得当$0<|x-x_0|<\delta$时，都有$|f(x)-A|<\varepsilon$，则称$A$为$f(x)$当$x\to x_0$时的极限，记作$$\lim_{x\to x_0}f(x)=A.$$
:::

定义中不要求$f(x)$在$x_0$处有定义，极限只与附近的函数值有关。例如$f(x)=\frac{x^2-1}{x-1}$在$x=1$处没有定义，但$\lim_{x\to 1}f(x)=\lim_{x\to 1}(x+1)=2$。

:::theorem 夹逼准则
如果在$x_0$的某去心邻域内有$g(x)\le f(x)\le h(x)$，并且$\lim_{x\to x_0}g(x)=\lim_{x\to x_0}h(x)=A$，那么$\lim_{x\to x_0}f(x)=A$。
:::

:::proof
任给$\varepsilon>0$，由条件存在公共的$\delta>0$，当$0<|x-x_0|<\delta$时，$A-\varepsilon<g(x)$且$h(x)<A+\varepsilon$。于是$A-\varepsilon<g(x)\le f(x)\le h(x)<A+\varepsilon$，即$|f(x)-A|<\varepsilon$。
:::

:::example 第一个重要极限
证明$\lim_{x\to 0}\frac{\sin x}{x}=1$。当$0<x<\frac{\pi}{2}$时，比较单位圆中三角形与扇形的面积，得$\sin x<x<\tan x$，从而$\cos x<\frac{\sin x}{x}<1$。由夹逼准则即得结论，$x<0$的情形由奇偶性推出。
:::

第二个重要极限是$\lim_{n\to\infty}\left(1+\frac1n\right)^n=e$，它的存在性用单调有界定理证明：数列单调增加，并且小于$3$。利用它可以求出许多幂指函数的极限，例如$\lim_{x\to 0}(1+2x)^{\frac{1}{x}}=e^2$。
""",
    "shulun/tongyu": r"""
# 同余的基本性质

高斯在《算术研究》中引入了同余的记号，从此整除问题可以像等式一样进行运算。设$m$是正整数，如果$m\mid(a-b)$，就称$a$与$b$对模$m$同余，记作$a\equiv b\pmod{m}$。

同余是等价关系：它满足自反性、对称性和传递性。此外，若$a\equiv b$，$c\equiv d\pmod{m}$，则$a+c\equiv b+d$，$ac\equiv bd\pmod{m}$。反复使用乘法性质，可得$a^n\equiv b^n\pmod{m}$。

:::example 弃九法
因为$10\equiv 1\pmod{9}$，所以$10^k\equiv 1\pmod{9}$，一个正整数与它的各位数字之和对模$9$同余。例如$2027\equiv 2+0+2+7=11\equiv 2\pmod{9}$。这个办法可以用来检验乘法的结果。
:::

:::theorem 消去律
若$ac\equiv bc\pmod{m}$，且$\gcd(c,m)=d$，则$a\equiv b\pmod{\frac{m}{d}}$。
:::

:::proof
由条件$m\mid c(a-b)$，两边除以$d$得$\frac md\mid\frac cd(a-b)$。由于$\frac md$与$\frac cd$互素，所以$\frac md\mid(a-b)$。
:::

## 完全剩余系与欧拉函数

整数按模$m$分成$m$个剩余类，从每一类中各取一个数组成完全剩余系。与$m$互素的剩余类的个数记为$\varphi(m)$，称为欧拉函数。若$m$的标准分解为$p_1^{a_1}p_2^{a_2}\cdots p_k^{a_k}$，则$$\varphi(m)=m\left(1-\frac{1}{p_1}\right)\left(1-\frac{1}{p_2}\right)\cdots\left(1-\frac{1}{p_k}\right).$$

:::theorem 欧拉定理
若$\gcd(a,m)=1$，则$a^{\varphi(m)}\equiv 1\pmod{m}$。
:::

:::example
求$3^{100}$的末两位数字。$\varphi(100)=40$，所以$3^{40}\equiv 1\pmod{100}$，$3^{100}\equiv 3^{20}\pmod{100}$。而$3^5=243\equiv 43$，$3^{10}\equiv 43^2=1849\equiv 49$，$3^{20}\equiv 49^2=2401\equiv 1$，末两位是$01$。
:::
""",
    "gailv/suiji-bianliang": r"""
# 离散型随机变量及其数字特征

掷骰子、抽奖、检验产品，这些试验的结果都可以用一个数来表示，这个随试验结果而变化的数就叫做随机变量。若它的取值是有限个或可列个，就称为离散型随机变量。

:::definition 分布列
设离散型随机变量$X$的所有可能取值为$x_1,x_2,\dots$，且$P(X=x_i)=p_i$，则称这组等式为$X$的分布列。它满足$p_i\ge 0$和$\sum_i p_i=1$。
:::

| $X$ | $0$ | $1$ | $2$ |
| $P$ | $\frac14$ | $\frac12$ | $\frac14$ |

上表是抛两枚均匀硬币时正面个数的分布列。

:::definition 数学期望
若级数$\sum_i x_ip_i$绝对收敛，则称其和为$X$的数学期望，记作$E(X)=\sum_i x_ip_i$。
:::

期望反映随机变量取值的平均水平，它具有线性性质：$E(aX+bY+c)=aE(X)+bE(Y)+c$，不论$X$与$Y$是否独立。方差$D(X)=E\left[(X-E(X))^2\right]=E(X^2)-[E(X)]^2$刻画取值的离散程度，并且$D(aX+b)=a^2D(X)$。

:::example 二项分布
设每次试验成功的概率为$p$，独立重复$n$次，成功的次数$X$服从二项分布，$$P(X=k)=C_n^kp^k(1-p)^{n-k},\quad k=0,1,\dots,n.$$把$X$写成$n$个只取$0$和$1$的变量之和，立即得到$E(X)=np$，$D(X)=np(1-p)$，不必计算复杂的求和式。
:::

:::theorem 切比雪夫不等式
设$X$的期望为$\mu$，方差为$\sigma^2$，则对任意$\varepsilon>0$，$$P(|X-\mu|\ge\varepsilon)\le\frac{\sigma^2}{\varepsilon^2}.$$
:::

这个不等式只用到期望和方差，适用面广，但估计比较粗略。它的重要用途是证明大数定律：独立重复试验中，事件发生的频率依概率收敛于它的概率。
""",
    "jihe/yuan-de-xingzhi": r"""
# 圆的有关性质

圆是平面上到定点的距离等于定长的点的集合，定点叫做圆心，定长叫做半径。圆既是轴对称图形，又是中心对称图形，许多性质都可以从对称性推出。

:::theorem 垂径定理
垂直于弦的直径平分这条弦，并且平分弦所对的两条弧。
:::

:::proof
设直径$CD$垂直于弦$AB$，垂足为$M$。连接$OA$、$OB$，则$OA=OB$，$\triangle OAB$是等腰三角形，底边上的高$OM$也是中线，所以$AM=BM$。由轴对称性，弧$AC$与弧$BC$、弧$AD$与弧$BD$分别相等。
:::

:::example
圆的半径为$5$，圆心到弦$AB$的距离为$3$，则半弦长为$\sqrt{5^2-3^2}=4$，弦长$AB=8$。
:::

:::theorem 圆周角定理
一条弧所对的圆周角等于它所对的圆心角的一半。
:::

证明时要分三种情形：圆心在圆周角的一边上、内部、外部。第一种情形中，设$\angle BAC$的边$AB$经过圆心$O$，由$OA=OC$知$\angle A=\angle C$，而$\angle BOC$是$\triangle OAC$的外角，所以$\angle BOC=2\angle BAC$。后两种情形作过$A$的直径，化为第一种情形相加或相减。

:::corollary
直径所对的圆周角是直角；圆内接四边形的对角互补，即$\angle A+\angle C=180^\circ$。
:::

## 切线

过半径的外端并且垂直于这条半径的直线是圆的切线。从圆外一点$P$引两条切线，切点为$A$、$B$，则$PA=PB$，且$PO$平分$\angle APB$。若再过$P$作割线交圆于$C$、$D$，则有切割线定理$$PA^2=PC\cdot PD.$$它由$\triangle PAC$与$\triangle PDA$相似得到，因为弦切角$\angle PAC$等于所夹弧对的圆周角$\angle PDA$。
""",
    "weijifen/jifen-jisuan": r"""
# 定积分的换元法与应用

牛顿—莱布尼茨公式把定积分的计算归结为求原函数：若$F'(x)=f(x)$，则$$\int_a^b f(x)\,dx=F(b)-F(a).$$但是直接求原函数往往不容易，换元法和分部积分法是两件最常用的工具。

:::theorem 换元公式
设$f$在$[a,b]$上连续，$x=\varphi(t)$在$[\alpha,\beta]$上有连续导数，且$\varphi(\alpha)=a$，$\varphi(\beta)=b$，则$\int_a^b f(x)\,dx=\int_\alpha^\beta f(\varphi(t))\varphi'(t)\,dt$。
:::

使用换元公式时，积分限要同时改变，最后不必换回原来的变量，这是与不定积分不同的地方。

:::example 圆的面积
计算$\int_0^r\sqrt{r^2-x^2}\,dx$。令$x=r\sin t$，则$dx=r\cos t\,dt$，当$x$从$0$变到$r$时，$t$从$0$变到$\frac{\pi}{2}$。原式$=r^2\int_0^{\frac{\pi}{2}}\cos^2t\,dt=\frac{r^2}{2}\int_0^{\frac{\pi}{2}}(1+\cos 2t)\,dt=\frac{\pi r^2}{4}$。四个这样的区域拼成整个圆，面积为$\pi r^2$。
:::

利用对称性也能简化计算：若$f$是奇函数，则$\int_{-a}^a f(x)\,dx=0$；若$f$是偶函数，则$\int_{-a}^a f(x)\,dx=2\int_0^a f(x)\,dx$。

## 旋转体的体积

曲线$y=f(x)$（$a\le x\le b$）绕$x$轴旋转一周，所得旋转体的体积为$V=\pi\int_a^b[f(x)]^2\,dx$。

:::example 圆锥
直线$y=\frac{R}{h}x$在$[0,h]$上的一段绕$x$轴旋转得到圆锥，$$V=\pi\int_0^h\frac{R^2}{h^2}x^2\,dx=\frac{\pi R^2}{h^2}\cdot\frac{h^3}{3}=\frac13\pi R^2h.$$
:::

由此可见，圆锥的体积是同底等高圆柱的三分之一，小学时用实验得到的结论在这里得到了严格的证明。
""",
}
