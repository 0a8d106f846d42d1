# ruff: noqa: E501 (running text and HTML are not broken)
r"""Short Chinese articles on single topics, for the encodings that Chinese sites use."""

ARTICLES = {
    # encoding: (slug, source)
    "bbcode_tex": (
        "thread-77301-1-1.html",
        r"""
# 裂项相消法求和

数列求和的题目中，裂项是非常实用的技巧。它的关键是把每一项写成两项之差，使中间的项互相抵消。

最常见的形式是$\frac{1}{n(n+1)}=\frac1n-\frac{1}{n+1}$，于是前$n$项的和为

$$S_n=1-\frac{1}{n+1}=\frac{n}{n+1}.$$

如果分母中两个因数相差$2$，则要乘上系数：$\frac{1}{n(n+2)}=\frac12\left(\frac1n-\frac{1}{n+2}\right)$，相消以后首尾各剩两项，千万不要漏掉。

含根号的分式先分母有理化，例如$\frac{1}{\sqrt{n+1}+\sqrt n}=\sqrt{n+1}-\sqrt n$，前$99$项的和恰好是$9$。
""",
    ),
    "bbcode_math": (
        "viewthread.php?tid=3382",
        r"""
# 均值不等式使用时的三个条件

很多同学记住了公式$\frac{a+b}{2}\ge\sqrt{ab}$，做题却常常出错，原因是忽视了“一正、二定、三相等”。

所谓一正，是指$a$和$b$都必须是正数；二定是指和或积为定值；三相等是指等号成立的条件能够取到。例如求$x+\frac4x$（$x>0$）的最小值，积为定值$4$，当$x=2$时取得最小值$4$。

但若把条件改成$x\ge 3$，等号就取不到了。此时函数$f(x)=x+\frac4x$在$[3,+\infty)$上单调增加，最小值应为$f(3)=\frac{13}{3}$。
""",
    ),
    "mathml_presentation": (
        "baike/gougu.html",
        r"""
# 勾股定理的赵爽证法

三国时期的数学家赵爽为《周髀算经》作注，用一幅“弦图”给出了勾股定理的证明。四个全等的直角三角形拼成一个边长为$c$的大正方形，中间留下一个边长为$b-a$的小正方形。

从面积看，大正方形等于四个三角形与小正方形之和，即

$$c^2=4\cdot\frac{ab}{2}+(b-a)^2.$$

右边展开得$2ab+b^2-2ab+a^2=a^2+b^2$，所以$a^2+b^2=c^2$。这个证明只用到面积的割补，简洁而优美，后来被选为国际数学家大会的会标。
""",
    ),
    "mathjax3": (
        "articles/daoshu-dandiao",
        r"""
# 用导数研究函数的单调性

设函数$f(x)$在区间$I$上可导。若$f'(x)>0$恒成立，则$f(x)$在$I$上单调递增；若$f'(x)<0$恒成立，则单调递减。需要强调的是，反过来只能得到$f'(x)\ge 0$，例如$y=x^3$单调递增，但在原点处导数为零。

讨论含参数的函数时，往往要对参数分类。考虑$f(x)=\ln x-ax$，其导数为$f'(x)=\frac1x-a=\frac{1-ax}{x}$。当$a\le 0$时，$f'(x)>0$，函数在$(0,+\infty)$上递增；当$a>0$时，函数在$\left(0,\frac1a\right)$上递增，在$\left(\frac1a,+\infty\right)$上递减，最大值为

$$f\left(\frac1a\right)=-\ln a-1.$$

由此可以讨论方程$\ln x=ax$的根的个数：当$0<a<\frac1e$时有两个根，当$a=\frac1e$时只有一个根。
""",
    ),
    "katex": (
        "blog/pailie-zuhe",
        r"""
# 排列与组合：先选后排

从$n$个不同元素中取出$m$个排成一列，第一个位置有$n$种选法，第二个位置有$n-1$种，依此类推，排列数为$A_n^m=n(n-1)\cdots(n-m+1)$。如果不考虑顺序，每一个组合对应$m!$个排列，所以$C_n^m=\frac{A_n^m}{m!}$。

处理“在”与“不在”、“邻”与“不邻”的问题有固定的套路：相邻用捆绑法，不相邻用插空法。例如$5$名男生和$3$名女生排成一排，要求女生互不相邻，先排男生有$5!=120$种，再把女生插入$6$个空位中的$3$个，有$A_6^3=120$种，共$$120\times 120=14400$$种排法。
""",
    ),
    "wordpress_latex": (
        "?p=218",
        r"""
# 读书笔记：欧拉公式为什么美

第一次看到$e^{i\pi}+1=0$时，我并不觉得它有什么特别，直到把指数函数展开成级数。令$x=i\theta$，把实部与虚部分开，正好是余弦和正弦的展开式，于是

$$e^{i\theta}=\cos\theta+i\sin\theta.$$

取$\theta=\pi$就得到了那个著名的等式。更有用的是它的推论：由$e^{i(\alpha+\beta)}=e^{i\alpha}e^{i\beta}$，比较两边的实部，立刻得到$\cos(\alpha+\beta)=\cos\alpha\cos\beta-\sin\alpha\sin\beta$，再也不用死记硬背。
""",
    ),
    "mathml_annotation_xtex": (
        "kejian/juzhen-chengfa.html",
        r"""
# 矩阵乘法为什么这样定义

初学者常常奇怪，矩阵的乘法为什么不是对应元素相乘。原因在于矩阵表示线性变换，乘法应当对应变换的复合。设$y=Bx$，$z=Ay$，则$z=A(Bx)=(AB)x$，把坐标逐个代入，就得到

$$c_{ij}=\sum_{k=1}^{n}a_{ik}b_{kj}.$$

由于变换的复合一般不能交换次序，所以$AB$与$BA$通常不相等。例如$A=\begin{pmatrix}0&1\\0&0\end{pmatrix}$，$B=\begin{pmatrix}0&0\\1&0\end{pmatrix}$，两个乘积分别只有左上角和右下角的元素为$1$。结合律$(AB)C=A(BC)$却总是成立的，无须繁琐的验证。
""",
    ),
}
