# ruff: noqa: E501 (sentences are not broken)
"""Exercises by school stage, written from the topics of curricula: what the shared sources lack.

No collection at hand states the stage of Chinese middle or high school exercises in numbers, so the topics of the
standards (义务教育数学课程标准, 普通高中数学课程标准), of first university courses and some of US standards (Common
Core) are written out as sentences, with numbers and forms of asking drawn at random. `#` is a number, `〔a|b〕` one of
its parts. The forms are common to all stages of a language, so that only topics tell them apart.
"""

import re
from collections.abc import Iterator
from random import Random

QUESTIONS = {
    "elementary": r"""
        一个长方形的长是#厘米，宽是#厘米，它的〔周长|面积〕是多少
        水果店运来〔苹果|梨|西瓜〕#千克，卖出了#千克，还剩多少千克
        小明有#枚邮票，小红的邮票是小明的#倍，两人一共有多少枚邮票
        一本书共#页，第一天看了全书的$\frac{1}{4}$，第二天看了全书的20%，还剩多少页没有看
        甲、乙两车同时从两地相对开出，甲车每小时行#千米，乙车每小时行#千米，经过#小时相遇，两地相距多少千米
        鸡兔同笼，共有#个头，#只脚，鸡和兔各有多少只
        计算：$\frac{3}{4}\times\frac{2}{9}+#\div\frac{1}{2}$
        竖式计算：$#.5\times#$，得数保留一位小数
        一个圆柱形水桶，底面半径是#分米，高是#分米，做这个水桶至少需要多少平方分米的铁皮
        学校买来#个足球，每个#元，又买来#个篮球，一共花了多少元
        把#米长的绳子平均分成#段，每段长多少米，每段占全长的几分之几
        #和#的最大公因数是多少，最小公倍数是多少
        六年级有男生#人，女生人数是男生的$\frac{4}{5}$，六年级共有学生多少人
        在一幅比例尺是$1:#00000$的地图上，量得两地的距离是#厘米，实际距离是多少千米
        王师傅#天加工零件#个，照这样计算，#天可以加工多少个零件
        一根长#米的木头，锯成每段#米，需要锯几次
        三角形的底是#厘米，高是#厘米，面积是多少平方厘米
        爸爸今年#岁，是小华年龄的#倍，再过几年爸爸的年龄是小华的#倍
        在一条长#米的路的一边植树，每隔#米种一棵，两端都种，一共要种多少棵树
        由#个棱长为1厘米的小正方体拼成的长方体，表面积最大是多少
        3.05吨等于多少千克，#分等于多少小时
        修一条路，甲队单独修要#天完成，乙队单独修要#天完成，两队合修几天可以完成
        有余数的除法中，除数是#，商是#，余数最大是多少，这时被除数是多少
        从#点到#点，钟面上时针转过了多少度
    """,
    "middle": r"""
        $-#$的〔相反数|绝对值|倒数|绝对值的相反数〕是
        在$-#$，$0$，$\sqrt{#}$，$\pi$，$\frac{22}{7}$，$3.14$中，〔无理数|有理数|负数|最小的数〕有
        #的〔平方根|算术平方根|立方根〕是
        某市今年的〔生产总值|人口|游客人数〕约为$#0000000$，用科学记数法表示为$a\times10^{n}$
        世界人口约$#$亿，将这个数据用科学记数法表示
        下列运算〔正确|错误〕的是，A. $a^{2}+a^{3}=a^{5}$ B. $a^{2}\cdot a^{3}=a^{6}$ C. $(a^{2})^{3}=a^{6}$ D. $(ab)^{2}=ab^{2}$
        下列计算结果正确的是，A. $\sqrt{2}+\sqrt{3}=\sqrt{5}$ B. $a^{6}\div a^{3}=a^{2}$ C. $(a-b)^{2}=a^{2}-b^{2}$ D. $-2(a-1)=-2a+2$
        分解因式：$〔x^{2}-#|ax^{2}-4a|m^{2}-6m+9|a^{3}-ab^{2}|2x^{2}-8〕=$
        因式分解：$x^{3}-#x$的结果为
        先化简，再求值：$\left(1-\frac{1}{x+1}\right)\div\frac{x^{2}-1}{x^{2}+2x+1}$，其中$x=\sqrt{#}$
        先化简，再求值：$(x+y)(x-y)+(x-y)^{2}$，其中$x=-#$，$y=#$
        化简：$\frac{a^{2}}{a-b}-\frac{b^{2}}{a-b}$的结果是
        计算：$|-#|+(\pi-3)^{0}-\sqrt{#}+2\sin 45^\circ$
        计算：$\left(\frac{1}{2}\right)^{-1}-\sqrt{12}+\tan 60^\circ-(-1)^{2024}$
        计算：$-#+(-#)\times#-(-#)$
        若代数式$\frac{1}{x-#}$有意义，则实数$x$的取值范围是
        若二次根式$\sqrt{x-#}$在实数范围内有意义，则$x$的取值范围是
        若单项式$2x^{m}y^{3}$与$-5x^{2}y^{n}$是同类项，则$m+n=$
        已知$a+b=#$，$ab=#$，则$a^{2}+b^{2}$的值为
        已知$x^{2}-2x-#=0$，则代数式$2x^{2}-4x+1$的值为
        若$|a-#|+(b+#)^{2}=0$，则$a+b$的值为
        解方程：$\frac{x-1}{2}-\frac{2x+1}{3}=1$，去分母，去括号，移项，合并同类项
        关于$x$的一元一次方程$#x+m=#$的解是$x=2$，则$m$的值为
        解方程组：$\begin{cases}x+y=#\\2x-y=#\end{cases}$
        二元一次方程组$\begin{cases}3x+2y=#\\x-y=#\end{cases}$的解是
        分式方程$\frac{2}{x-#}=\frac{3}{x}$的解为，注意检验增根
        解一元二次方程：$x^{2}-#x+#=0$，用〔配方法|公式法|因式分解法〕
        若关于$x$的一元二次方程$x^{2}-#x+m=0$有两个〔相等|不相等〕的实数根，则$m$的取值范围是
        已知$x_{1}$，$x_{2}$是一元二次方程$x^{2}-#x-1=0$的两个根，则$x_{1}+x_{2}$的值是
        不等式组$\begin{cases}2x-1>3\\x+#\le 8\end{cases}$的〔解集|整数解〕是，在数轴上表示
        解不等式$#(x-1)<2x+#$，并把它的解集在数轴上表示出来
        某种药品经过两次降价，每盒由原来的#0元降为#元，设平均每次降价的百分率为$x$，根据题意可列方程为
        某商品每件进价#元，售价#元，每天可售出#件，若每件降价1元则多售出#件，设每件降价$x$元，每天的销售利润为#00元，根据题意列方程
        《九章算术》中有一道题：今有〔人共买物|牛五羊二|善田|木长不知〕，设有$x$人，物价为$y$钱，根据题意可列方程组为
        我国古代数学著作《孙子算经》记载，有若干人乘车，每#人共乘一车，剩余#辆车，设共有$x$人，可列方程为
        为响应绿色出行，学校计划购买甲、乙两种〔树苗|图书|器材〕共#件，甲种每件#元，乙种每件#元，总费用不超过#00元，求最多购买甲种多少件
        甲、乙两个工程队合作完成一项工程，乙队单独完成的天数是甲队的1.5倍，设甲队单独完成需要$x$天，列分式方程
        已知一次函数$y=kx+b$的图象经过点$A(#,#)$和$B(0,-#)$，求这个一次函数的解析式
        一次函数$y=-#x+#$的图象不经过第〔一|二|三|四〕象限
        点$P(-#,#)$关于〔$x$轴|$y$轴|原点〕对称的点的坐标是，它在平面直角坐标系的第几象限
        反比例函数$y=\frac{k}{x}(k\ne0)$的图象经过点$(-#,#)$，则$k$的值为，当$x>0$时$y$随$x$的增大而
        一次函数$y=ax+b$与反比例函数$y=\frac{#}{x}$的图象交于$A$，$B$两点，求$\triangle AOB$的面积
        抛物线$y=〔2|-|3〕(x-#)^{2}+#$的顶点坐标是，对称轴是直线
        将抛物线$y=x^{2}$向〔左|右〕平移#个单位，再向〔上|下〕平移#个单位，得到的抛物线的解析式为
        二次函数$y=ax^{2}+bx+c(a\ne0)$的图象如图所示，对称轴为直线$x=1$，下列结论：①$abc>0$；②$2a+b=0$；③$b^{2}-4ac>0$，其中正确的个数是
        如图，抛物线$y=ax^{2}+bx+3$与$x$轴交于$A(-1,0)$，$B(3,0)$两点，与$y$轴交于点$C$，求抛物线的表达式和顶点坐标
        如图，直线$a\parallel b$，$\angle 1=#0^\circ$，则$\angle 2$的度数为，〔同位角|内错角|同旁内角|对顶角〕
        将一副三角板如图放置，直角顶点在直尺的一边上，若$\angle 1=#^\circ$，则$\angle 2=$
        如图，在$\triangle ABC$中，$AB=AC$，$\angle A=#0^\circ$，$BD$平分$\angle ABC$，则$\angle BDC$的度数是
        若一个三角形的两边长分别是#和#，则第三边的长可能是
        已知等腰三角形的两边长分别为#和#，则它的周长为
        一个多边形的内角和是$#00^\circ$，则这个多边形的边数是；正多边形的一个外角等于
        如图，已知$AB=DE$，$\angle B=\angle E$，$BC=EF$，求证：$\triangle ABC\cong\triangle DEF$
        如图，点$D$，$E$分别在$AB$，$AC$上，$DE\parallel BC$，若$AD:DB=#:#$，则$\triangle ADE$与$\triangle ABC$的〔面积|周长〕之比为，相似三角形
        如图，在$Rt\triangle ABC$中，$\angle C=90^\circ$，$AC=#$，$BC=#$，则斜边$AB$的长为，$\sin A$的值为
        如图，在菱形$ABCD$中，对角线$AC$，$BD$相交于点$O$，$AC=#$，$BD=#$，则菱形的边长为，面积为
        如图，在平行四边形$ABCD$中，$E$，$F$分别是$AB$，$CD$的中点，求证：四边形$AECF$是〔平行四边形|矩形|菱形〕
        如图，在矩形$ABCD$中，$AB=#$，$BC=#$，将$\triangle ABE$沿$AE$折叠，点$B$的对应点为$B'$，则$BE$的长为
        如图，正方形$ABCD$的边长为#，点$E$在边$BC$上，连接$AE$，过点$D$作$DF\perp AE$于点$F$，求$DF$的长
        如图，$AB$是$\odot O$的直径，点$C$，$D$在$\odot O$上，若$\angle ABC=#^\circ$，则$\angle D$的度数是，圆周角
        如图，$\odot O$的弦$AB=#$，圆心$O$到弦的距离为#，则$\odot O$的半径为，垂径定理
        如图，$PA$与$\odot O$相切于点$A$，$AB$是直径，$AC$是弦，求证：$CD$是$\odot O$的切线
        已知扇形的圆心角为$#0^\circ$，半径为#，则扇形的〔弧长|面积〕为
        圆锥的底面半径为#，母线长为#，则该圆锥的侧面积为，侧面展开图的圆心角
        如图，在正方形网格中，$\triangle ABC$的顶点都在格点上，将$\triangle ABC$绕点$O$顺时针旋转$90^\circ$，画出旋转后的图形
        下列图形中，既是轴对称图形又是中心对称图形的是
        如图是由#个相同的小正方体组成的几何体，它的〔主视图|左视图|俯视图〕是
        如图是一个正方体的表面展开图，与“〔数|美|中〕”字相对的面上的字是
        如图，用尺规作图作$\angle AOB$的平分线、线段$AB$的垂直平分线，保留作图痕迹
        如图，从热气球$C$处测得地面$A$，$B$两点的〔俯角|仰角〕分别为$30^\circ$和$45^\circ$，求〔塔|楼〕高，参考数据$\sqrt{3}\approx1.73$，$\tan 37^\circ\approx0.75$
        一艘轮船从位于灯塔$P$的北偏东$#^\circ$方向的$A$处沿正南方向航行，求此时轮船与灯塔的距离，结果保留根号
        某班#名同学的成绩分别为#，#，#，#，#，这组数据的〔中位数|众数|平均数|极差〕是
        甲、乙、丙、丁四名运动员的平均成绩相同，方差分别为$s^{2}=0.#$，则成绩最稳定的是
        为了解全校学生的〔视力|阅读时间|睡眠时间〕情况，随机抽取部分学生进行问卷调查，绘制成不完整的条形统计图和扇形统计图，请补全统计图，估计全校人数
        下列调查中，适合采用〔全面调查|普查|抽样调查〕的是
        一个不透明的袋子中装有#个红球和#个白球，这些球除颜色外都相同，从中随机摸出一个球，摸到红球的概率是
        用列表法或画树状图的方法，求两次摸出的小球上的数字之和为偶数的概率
        掷一枚质地均匀的骰子，下列事件是〔必然事件|随机事件|不可能事件〕的是
        观察下列等式，按照此规律，第$n$个图形中有多少个〔棋子|圆点|三角形〕，第#个数是
        如图，$OC$是$\angle AOB$的平分线，$\angle AOB$的余角是$#^\circ$，则$\angle AOB$的补角是
        如图，$DE$是$\triangle ABC$的中位线，$BC=#$，则$DE$的长为
        已知命题：对顶角相等，它的逆命题是〔真|假〕命题，举出一个反例
        小明骑自行车从家到图书馆，路程$y$（米）与时间$x$（分）之间的函数图象如图所示，根据图象求他的速度
        某学习小组探究：在$\triangle ABC$和$\triangle ADE$中，$AB=AC$，$AD=AE$，$\angle BAC=\angle DAE$，连接$BD$，$CE$，猜想线段$BD$与$CE$的数量关系并证明
        若$m$，$n$互为相反数，$a$，$b$互为倒数，则$m+n-ab=$
        数轴上点$A$表示的数是$-#$，将点$A$向右移动#个单位长度得到点$B$，则点$B$表示的数是
        如果温度上升$#^\circ C$记作$+#^\circ C$，那么下降$#^\circ C$记作
        若正比例函数$y=kx$的图象经过第二、四象限，则$k$的取值可以是，写出一个即可
        若$#a^{m-1}b^{3}$与$-a^{2}b^{n}$的和仍是单项式，则$m^{n}$的值为
        某地一天的最高气温是$#^\circ C$，最低气温是$-#^\circ C$，则这天的温差是
        实数$a$，$b$在数轴上的对应点的位置如图所示，则下列结论正确的是 A. $a+b>0$ B. $ab>0$ C. $|a|>|b|$ D. $a-b<0$
        估计$\sqrt{#}+1$的值在 A. 2和3之间 B. 3和4之间 C. 4和5之间 D. 5和6之间
        下列各数中，比$-#$小的数是 A. $-#$ B. $0$ C. $-1$ D. $#$
        下列各组数中，能作为直角三角形三边长的是 A. #，#，# B. 3，4，5 C. 5，6，7 D. 1，2，3
        用代数式表示：$a$的#倍与$b$的差的平方，某商品原价每件$a$元，打八折后的售价是
        若多项式$x^{2}+kx+#$是一个完全平方式，则$k=$
        计算：(1) $(-2a^{2})^{3}\div a^{4}$；(2) $(x+#)(x-#)-x(x-#)$
        若$x$，$y$满足$\begin{cases}2x+y=#\\x+2y=#\end{cases}$，则$x+y$的值为
        不等式$#x-1\ge #$的解集在数轴上表示正确的是
        若关于$x$的不等式组$\begin{cases}x>a\\x\le #\end{cases}$恰有#个整数解，则$a$的取值范围是
        关于$x$的分式方程$\frac{m}{x-2}+1=\frac{x}{2-x}$有增根，则$m$的值为
        已知关于$x$的方程$x^{2}-(k+#)x+k=0$，(1) 求证：无论$k$取何值，方程总有两个实数根；(2) 若方程的一个根是2，求另一个根
        一个两位数，十位上的数字与个位上的数字之和是#，把十位与个位数字对调后所得的数比原数大#，设个位数字为$x$，列方程
        某校八年级学生乘汽车去博物馆，一部分学生骑自行车先走，过了#分钟其余学生乘车出发，汽车的速度是骑车速度的2倍，设骑车的速度为$x$千米/时，列方程求解
        某水果店第一次用#00元购进一批樱桃，第二次用#00元购进，每千克的进价比第一次多了#元，求第一次购进的单价是每千克多少元
        某超市销售一种文具，进价为#元/件，当售价为#元/件时每天的销售量为#0件，销售单价每上涨1元，每天的销售量减少#件，(1) 写出$w$与$x$之间的函数关系式；(2) 当售价定为多少元时，每天获得的利润最大
        甲、乙两人沿同一路线从$A$地到$B$地，他们离开$A$地的距离$s$（km）与时间$t$（h）的函数关系如图所示，甲出发#小时后两人相遇，乙的速度是
        为了节约用水，某市规定每户每月用水不超过#吨时每吨收费#元，超过的部分每吨收费#元，设每户每月用水$x$吨，应缴水费$y$元，求$y$与$x$的函数关系式
        在平面直角坐标系$xOy$中，点$A(#,-#)$在第几象限，将点$A$向左平移#个单位得到的点的坐标为
        若点$A(-#,y_{1})$，$B(#,y_{2})$，$C(#,y_{3})$都在反比例函数$y=\frac{#}{x}$的图象上，则$y_{1}$，$y_{2}$，$y_{3}$的大小关系是
        直线$y=2x-#$与$x$轴的交点坐标是，将直线向上平移#个单位后的解析式为
        已知二次函数$y=x^{2}-#x+#$，当$-1\le x\le #$时，函数的最大值为
        二次函数$y=ax^{2}+bx+c$的$x$与$y$的部分对应值如表，则方程$ax^{2}+bx+c=0$的一个根的范围是
        如图，用一段长为#米的篱笆围成一个一边靠墙的矩形菜园，设垂直于墙的一边长为$x$米，面积为$y$平方米，求$y$关于$x$的函数解析式和菜园的最大面积
        如图，点$P$是反比例函数图象上一点，$PA\perp x$轴于点$A$，若$\triangle PAO$的面积为#，则$k=$
        如图，$AB\parallel CD$，$EF$交$AB$于点$E$，$\angle BEF$的平分线交$CD$于点$G$，若$\angle EFG=#^\circ$，则$\angle EGF=$
        如图，在$\triangle ABC$中，$\angle ACB=90^\circ$，$CD$是斜边$AB$上的中线，若$AB=#$，则$CD=$
        如图，在$\triangle ABC$中，$DE$垂直平分$BC$，交$AB$于点$D$，若$AB=#$，$AC=#$，则$\triangle ACD$的周长为
        如图，点$B$，$F$，$C$，$E$在同一直线上，$AC=DF$，$BF=CE$，$AC\parallel DF$，求证：$\angle A=\angle D$
        如图，在$\triangle ABC$中，$\angle C=90^\circ$，以点$A$为圆心，适当长为半径画弧，分别交$AC$，$AB$于点$M$，$N$，作射线$AP$交$BC$于点$D$，若$CD=#$，则点$D$到$AB$的距离是
        如图，平行四边形$ABCD$的对角线相交于点$O$，$E$是$CD$的中点，若$OE=#$，则$AD$的长为
        如图，在正方形$ABCD$中，点$E$，$F$分别在边$BC$，$CD$上，$BE=CF$，连接$AE$，$BF$相交于点$G$，(1) 求证：$AE\perp BF$；(2) 若$AB=#$，求$BG$的长
        如图，四边形$ABCD$内接于$\odot O$，若$\angle BCD=#0^\circ$，则$\angle BOD=$
        如图，$AB$为$\odot O$的直径，$C$为$\odot O$上一点，$AD$平分$\angle BAC$交$\odot O$于点$D$，$DE\perp AC$于点$E$，(1) 求证：$DE$是$\odot O$的切线；(2) 若$AE=#$，求阴影部分的面积
        如图，正六边形$ABCDEF$内接于$\odot O$，半径为#，则这个正六边形的边心距为，边长为
        如图，$\triangle ABC$与$\triangle DEF$是以点$O$为位似中心的位似图形，相似比为$#:#$，则它们的面积比为
        如图，身高#米的小明站在距路灯底部#米处，他的影子长为#米，则路灯的高度为，利用相似测量旗杆的高度
        如图，将$\triangle ABC$绕点$A$逆时针旋转得到$\triangle ADE$，若点$D$恰好在$BC$上，$\angle B=#0^\circ$，则旋转角的度数是
        在$Rt\triangle ABC$中，$\angle C=90^\circ$，$\tan A=\frac{3}{4}$，则$\cos B$的值是
        如图，某数学兴趣小组测量大楼的高度，在斜坡的坡底$A$处测得楼顶的仰角为$45^\circ$，沿坡度$i=1:#$的斜坡前进#米到达$D$处，求大楼的高度，精确到0.1米
        一组数据$#$，$#$，$x$，$#$的平均数是$#$，则$x=$，这组数据的众数和中位数分别是
        某校九年级进行了知识竞赛，随机抽取#名学生的成绩进行整理，成绩分为$A$，$B$，$C$，$D$四个等级，(1) 求$m$的值并补全条形统计图；(2) 扇形统计图中$B$所对应的圆心角的度数；(3) 估计该校达到优秀的人数
        从甲、乙、丙、丁#名学生中随机选取两名参加比赛，用树状图或列表法求恰好选中甲和乙的概率
        在一个不透明的口袋中有若干个黑球和#个白球，多次摸球试验后发现摸到白球的频率稳定在$0.#$附近，估计黑球的个数
        下列说法正确的是 A. 调查一批灯泡的使用寿命适合普查 B. 打开电视正在播放新闻是必然事件 C. 方差越大数据越稳定 D. 买一张彩票中奖是随机事件
        下列四个图案中，是轴对称图形但不是中心对称图形的是
        下列几何体中，主视图是三角形的是 A. 圆柱 B. 圆锥 C. 球 D. 正方体
        下列命题中，真命题是 A. 对角线相等的四边形是矩形 B. 对角线互相垂直的四边形是菱形 C. 两组对边分别相等的四边形是平行四边形 D. 四条边相等的四边形是正方形
        一个角的补角比它的余角的#倍少$#^\circ$，求这个角的度数；$#^\circ 30'=$
        如图，$C$是线段$AB$上一点，$M$是$AC$的中点，$N$是$BC$的中点，若$AB=#$ cm，则$MN=$
        定义一种新运算：对于任意实数$a$，$b$，规定$a\oplus b=a^{2}-ab$，若$x\oplus #=#$，则$x$的值为
        按如图所示的程序计算，若开始输入的$x$的值为#，则第$2024$次输出的结果为
        将从1开始的连续自然数按如图的规律排列，第$n$行的第一个数是，则2024在第几行
    """,
    "high": r"""
        已知集合$A=\{x|x^{2}-#x<0\}$，$B=\{x|x>#\}$，则$A〔\cap|\cup〕B=$
        设全集$U=\{1,2,3,4,5\}$，集合$A=\{1,#\}$，则$\complement_{U}A=$，子集的个数
        已知$i$是虚数单位，复数$z=\frac{#+i}{1-i}$，则$z$的〔共轭复数|虚部|模〕为，在复平面内对应的点位于第几象限
        命题“$\forall x\in R$，$x^{2}+#>0$”的否定是
        “$x>#$”是“$x^{2}>#$”的〔充分不必要条件|必要不充分条件|充要条件〕
        函数$f(x)=\sqrt{#-x}+\log_{2}(x-1)$的定义域为
        已知函数$f(x)$是定义在$R$上的〔奇函数|偶函数〕，当$x>0$时，$f(x)=x^{2}-#x$，则$f(-1)=$
        已知$a=2^{0.#}$，$b=\log_{3}#$，$c=\ln 2$，则$a,b,c$的大小关系是
        若函数$f(x)=\begin{cases}2^{x},x\le0\\\log_{2}x,x>0\end{cases}$，则$f(f(#))=$，零点个数
        函数$f(x)=\lg(x^{2}-#x)$的单调递增区间是，值域为
        曲线$y=x^{3}-#x+1$在点$(1,f(1))$处的切线方程为
        已知函数$f(x)=x\ln x-ax^{2}$，讨论$f(x)$的单调性，若$f(x)\le0$恒成立，求实数$a$的取值范围
        已知函数$f(x)=e^{x}-ax-1$，求函数的极值，证明：当$x>0$时$f'(x)>0$，导函数
        设等差数列$\{a_{n}\}$的前$n$项和为$S_{n}$，若$a_{3}=#$，$S_{5}=#$，求数列的通项公式
        等比数列$\{a_{n}\}$中，公比$q=#$，$a_{1}+a_{4}=#$，则$S_{n}=$
        数列$\{a_{n}\}$满足$a_{1}=1$，$a_{n+1}=2a_{n}+#$，设$b_{n}=\frac{1}{a_{n}a_{n+1}}$，求数列$\{b_{n}\}$的前$n$项和$T_{n}$
        已知向量$\overrightarrow{a}=(#,m)$，$\overrightarrow{b}=(1,-#)$，若$\overrightarrow{a}\perp\overrightarrow{b}$，则$m=$
        已知单位向量$\vec{a},\vec{b}$的夹角为$\frac{\pi}{3}$，则$|\vec{a}+#\vec{b}|=$，数量积
        已知$\sin\alpha=\frac{3}{5}$，$\alpha\in(\frac{\pi}{2},\pi)$，则$\cos(\alpha+\frac{\pi}{4})=$，$\tan 2\alpha=$
        函数$f(x)=\sin(\omega x+\varphi)$的最小正周期为$\pi$，将其图象向左平移$\frac{\pi}{6}$个单位，则$\varphi=$
        在$\triangle ABC$中，内角$A,B,C$的对边分别为$a,b,c$，已知$a\cos B=b\sin A$，求角$B$，余弦定理，正弦定理
        已知$\triangle ABC$的内角$A$，$B$，$C$的对边为$a,b,c$，若$b^{2}+c^{2}-a^{2}=bc$，$a=#$，求$\triangle ABC$面积的最大值
        若实数$x,y$满足约束条件$\begin{cases}x+y\ge1\\x-y\le#\\y\le2\end{cases}$，则$z=2x-y$的最大值为
        已知$a>0,b>0$，且$a+b=#$，则$\frac{1}{a}+\frac{4}{b}$的最小值为，基本不等式
        不等式$|x-#|+|x+1|\ge#$的解集为，不等式选讲
        已知椭圆$C:\frac{x^{2}}{a^{2}}+\frac{y^{2}}{b^{2}}=1(a>b>0)$的离心率为$\frac{1}{2}$，左、右焦点为$F_{1},F_{2}$，求椭圆的标准方程
        双曲线$\frac{x^{2}}{#}-\frac{y^{2}}{b^{2}}=1$的渐近线方程为$y=\pm2x$，则其离心率为
        已知抛物线$C:y^{2}=2px(p>0)$的焦点为$F$，准线为$l$，过$F$的直线交抛物线于$A,B$两点，求$|AB|$
        直线$l:kx-y+#=0$与圆$C:x^{2}+y^{2}-#x=0$相交于$A,B$两点，则弦长$|AB|$的最小值为，直线与圆的位置关系
        如图，在四棱锥$P-ABCD$中，$PA\perp$底面$ABCD$，$E$为$PC$的中点，证明：$BE\parallel$平面$PAD$，求二面角$P-AB-D$的余弦值
        在正方体$ABCD-A_{1}B_{1}C_{1}D_{1}$中，异面直线$A_{1}B$与$AC$所成的角为
        三棱柱$ABC-A_{1}B_{1}C_{1}$中，求证：平面$A_{1}BC\perp$平面$ABB_{1}A_{1}$，求直线与平面所成角的正弦值
        已知三棱锥的四个顶点都在球$O$的球面上，则球$O$的〔表面积|体积〕为，外接球
        设$\alpha,\beta$为两个不同的平面，$m,n$为两条不同的直线，若$m\subset\alpha$，$n\perp\beta$，则下列命题正确的是
        某几何体的三视图如图所示，则该几何体的体积为，三视图，单位：cm
        $(x-\frac{#}{x})^{6}$的展开式中常数项为，二项式系数，$x^{2}$的系数
        从#名男生和#名女生中选出3人参加活动，要求至少有一名女生，则不同的选法共有，排列组合
        #名志愿者分配到3个项目，每个项目至少1人，不同的分配方案共有多少种
        已知随机变量$X$服从正态分布$N(#,\sigma^{2})$，若$P(X>#)=0.2$，则$P(X<1)=$
        甲、乙两人独立破译密码，概率分别为$\frac{1}{3}$和$\frac{1}{4}$，求$X$的分布列和数学期望，相互独立事件
        某产品的广告费用$x$与销售额$y$的统计数据如表，根据线性回归方程$\hat{y}=\hat{b}x+\hat{a}$预测，相关系数
        根据列联表，能否有$99\%$的把握认为有关，独立性检验$K^{2}=\frac{n(ad-bc)^{2}}{(a+b)(c+d)(a+c)(b+d)}$
        采用〔分层抽样|系统抽样|简单随机抽样〕的方法抽取样本，频率分布直方图，样本容量为#0，茎叶图
        执行如图所示的程序框图，若输入$n=#$，则输出的$S$的值为
        在极坐标系中，曲线$C$的极坐标方程为$\rho=#\cos\theta$，直线$l$的参数方程为$\begin{cases}x=1+t\\y=2t\end{cases}$（$t$为参数），求直角坐标方程
        选修4-4：坐标系与参数方程；选修4-5：不等式选讲；选修4-1：几何证明选讲
        已知定义在$R$上的函数$f(x)$满足$f(x+2)=-f(x)$，周期函数，则$f(2024)=$
        用数学归纳法证明：$1+2+\cdots+2^{n}<2^{n+1}$对$n\in N^{*}$成立
        若幂函数$f(x)=x^{\alpha}$的图象过点$(2,\sqrt{#})$，指数函数$y=a^{x}(a>0,a\ne1)$在区间上的最大值为
        已知角$\theta$的终边经过点$P(-#,#)$，则$\cos\theta=$，诱导公式，弧度
        设$\{a_{n}\}$是公差不为零的等差数列，$a_{1},a_{2},a_{5}$成等比数列，则公差$d=$
        若$\int_{0}^{#}(2x+1)dx=$，定积分的几何意义
        已知圆$C$的圆心在直线$x-y=0$上且过点$A(#,0)$，求圆$C$的标准方程，过点$P$作圆的切线，求直线方程，斜率
        已知偶函数$f(x)$在$[0,+\infty)$上单调递减，则不等式$f(x-1)>f(#)$的解集为
        满足$|\alpha|\le#$，$f(x)=\cos^{2}x+\sqrt{3}\sin x\cos x$，求$f(x)$在区间$[0,\frac{\pi}{2}]$上的最大值和最小值
        已知函数$y=f(x)$与$y=a^{x}$互为反函数，函数图象恒过定点，则
    """,
    "university": r"""
        求极限$\lim_{x\to0}\frac{\sin x-x}{x^{3}}$，洛必达法则，等价无穷小
        用$\varepsilon-\delta$语言证明函数$f(x)$在点$x_{0}$处连续，一致连续
        判断级数$\sum_{n=1}^{\infty}\frac{1}{n^{#}}$的收敛性，绝对收敛还是条件收敛，求幂级数的收敛半径
        求微分方程$y''-#y'+#y=e^{x}$的通解，满足初始条件的特解
        计算二重积分$\iint_{D}xy\,dxdy$，其中$D$由直线和抛物线围成，极坐标变换
        计算曲线积分$\oint_{L}Pdx+Qdy$，格林公式，高斯公式，斯托克斯公式
        求函数$z=f(x,y)$的偏导数和全微分，在约束条件下的极值，拉格朗日乘数法
        设$A$为#阶方阵，$|A|=#$，求$|A^{*}|$，伴随矩阵，逆矩阵$A^{-1}$
        求矩阵$A=\begin{pmatrix}#&1\\2&#\end{pmatrix}$的特征值与特征向量，并判断是否可以对角化，相似矩阵
        设向量组$\alpha_{1},\alpha_{2},\alpha_{3}$线性无关，证明$\beta_{1},\beta_{2}$线性相关，矩阵的秩，基础解系
        求非齐次线性方程组$Ax=b$的通解，讨论参数$\lambda$取何值时有唯一解、无穷多解
        设二次型$f(x_{1},x_{2},x_{3})$经正交变换化为标准形，正定矩阵，合同
        设$V$是数域$P$上的线性空间，$T$是线性变换，证明核与像的维数之和等于$n$
        设$G$是有限群，$H$是$G$的子群，证明$|H|$整除$|G|$，正规子群，商群，同态基本定理
        设$R$是交换环，$I$是理想，证明商环$R/I$是域当且仅当$I$是极大理想
        证明紧致空间的闭子集是紧致的，拓扑空间，连通，开覆盖，豪斯多夫
        设$f$在$[a,b]$上连续，在$(a,b)$内可导，证明存在$\xi\in(a,b)$使得，罗尔定理，中值定理
        设随机变量$X$的概率密度为$f(x)$，求分布函数、数学期望与方差，$X$与$Y$的协方差，边缘密度
        设$X_{1},\cdots,X_{n}$是来自总体的简单随机样本，求参数$\theta$的最大似然估计和矩估计，无偏估计
        求函数$f(z)$在孤立奇点处的留数，解析函数，柯西积分公式，洛朗级数
        证明勒贝格可测函数列的控制收敛定理，测度，几乎处处收敛
        设$X$是巴拿赫空间，$T$是有界线性算子，证明$\|T\|$，希尔伯特空间，泛函
        求不定积分$\int\frac{dx}{1+x^{#}}$，分部积分，换元积分法
        将函数展开成〔傅里叶级数|麦克劳林级数|泰勒级数〕，求拉普拉斯变换
        求反常积分$\int_{0}^{+\infty}e^{-#x}dx$，判断敛散性
    """,
}  # fmt: skip

QUESTIONS_EN = {
    "elementary": r"""
        What is the place value of the digit 7 in the number #7#
        A baker makes # trays of rolls with # rolls on each tray. How many rolls does the baker make
        What is the remainder when # is shared equally among # children
        A rectangle is # inches long and # inches wide. What is its 〔area|perimeter〕
    """,
    "middle": r"""
        Simplify: $-#-(-#)+(-#)$
        The ratio of boys to girls in a class is #:#. What is the unit rate
        A jacket costs \$#0 and is on sale for #% off. Find the sale price and the sales tax
        Use the distributive property to simplify $#(x-#)+#x$ and combine like terms
        Write #000000 in scientific notation
        Name the property of addition shown: $a+0=a$
        Find the circumference of a circle with diameter # inches, using $3.14$ for $\pi$
    """,
    "high": r"""
        The function $h$ is defined by $h(x)=#x^{2}-#x+#$. What is the value of $h(#)$
        In the $xy$-plane, line $k$ passes through the points $(0,#)$ and $(#,0)$. Which of the following is an equation of line $k$
        The graph of $y=f(x)$ in the $xy$-plane has a vertex at $(#,-#)$. Which equation could define $f$
        In the equation $y=#x+#$, $y$ models the total cost, in dollars, of renting equipment for $x$ hours. What is the best interpretation of the slope in this context
        The population of a city was #000 in 2010 and increases by #% each year. Which function models the population $t$ years after 2010, exponential growth
        A system of two linear equations $#x+y=#$, $kx-#y=#$ has no solution. If $k$ is a constant, what is the value of $k$
        If $\frac{x}{y}=#$ and $#x-y=#$, what is the value of $x$
        Which of the following is equivalent to $(x^{2}-#)(x+#)-x^{3}$
        What are the solutions to $x^{2}-#x+k=0$ where $k$ is a constant, in terms of $k$
        If $x-#$ is a factor of the polynomial $p(x)$, what is the value of $p(#)$
        A circle in the $xy$-plane has center $(#,-#)$ and radius $#$. What is an equation of the circle
        In a right triangle, the sine of angle $A$ is $\frac{3}{5}$. What is the cosine of angle $B$, in degrees or radians
        Lines $l$ and $m$ are parallel, and arc $AB$ subtends a central angle of $#0$ degrees. What is the length of the arc
        The scatterplot shows the relationship between two variables, with the line of best fit. What does the line predict for $x=#$
        A random sample of # students was surveyed about their plans, with a margin of error of #%. Which conclusion is best supported by the data in the two-way table
        If a student is selected at random from the table, what is the probability that the student chose biology
        The standard deviation of data set A is larger than that of data set B. Which statement about the means and medians must be true
        If $\sqrt{x+#}=x-#$, what is the solution set, checking for an extraneous solution
        What is the sum of the complex numbers $#+#i$ and $#-#i$, where $i=\sqrt{-1}$
        A company sells tickets for adults and children. Which system of inequalities represents the constraints on the number of hours and the budget
        The formula $V=\frac{1}{3}\pi r^{2}h$ gives the volume of a cone. Which expression gives $r$ in terms of $V$ and $h$
        A projectile is launched from a height of # feet and its height after $t$ seconds is $-16t^{2}+#t+#$. What is the maximum height
        For what value of $a$ does the equation $a(x-#)=#x+#$ have infinitely many solutions
        Given sets $A=\{1,#\}$ and $B=\{x\mid x<#\}$, find $A\cap B$
        Given vectors $a=(#,m)$ and $b=(1,#)$, if $a\perp b$ find $m$
        The eccentricity of the ellipse $\frac{x^{2}}{#}+\frac{y^{2}}{b^{2}}=1$ is $\frac{1}{2}$. Find the foci
        In triangle $ABC$, the sides opposite to angles $A,B,C$ are $a,b,c$. Given $a=#$ and $\cos B=\frac{1}{3}$, find the area
        Given the arithmetic sequence $\{a_n\}$ with the sum of the first $n$ terms $S_n$, find the general term formula
        Let $f(x)=x^{3}-#x$. Find the equation of the tangent line to the curve at $(1,f(1))$ and the intervals of monotonicity
        In the pyramid $P-ABCD$, $PA\perp$ plane $ABCD$. Find the sine of the dihedral angle
    """,
}  # fmt: skip
"""Topics of US school standards (Common Core) and Chinese ones in English; MATH and textbooks have their solutions."""

SOLUTIONS = {
    "elementary": """
        #×#=#0（元），#0-#=#（元），答：还剩#元
        先求出每份是多少，再求一共有多少，列式为#+#×#
        路程除以速度和就是相遇时间
        假设全是鸡，则脚数少了#只，每只兔比鸡多2只脚
        把全书看作单位“1”，分率相加，再用除法求总页数
        根据长方形的周长公式，（长+宽）×2
    """,
    "middle": r"""
        移项，得$#x=#$，合并同类项，系数化为1，得$x=#$
        ∵四边形$ABCD$是平行四边形，∴$AB\parallel CD$，$AB=CD$
        在$\triangle ABD$和$\triangle ACE$中，∴$\triangle ABD\cong\triangle ACE$（SAS），∴$BD=CE$
        由勾股定理，得$AB=\sqrt{AC^{2}+BC^{2}}=#$
        解不等式①，得$x>#$，解不等式②，得$x\le#$，∴不等式组的解集为
        把点$A(#,#)$代入$y=kx+b$，用待定系数法求出解析式
        ∵$AB$是$\odot O$的直径，∴$\angle ACB=90^\circ$
        将这组数据从小到大排列，处在中间位置的数是中位数
        画树状图，共有#种等可能的结果，其中符合条件的有#种
        原式$=(x+#)(x-#)$，经检验，$x=#$是原分式方程的解
        ∵$\Delta=b^{2}-4ac>0$，∴方程有两个不相等的实数根
    """,
    "high": r"""
        由题意知$f'(x)=#x-a$，令$f'(x)=0$，当$x\in(0,+\infty)$时$f(x)$单调递增
        设等差数列的公差为$d$，则$a_{1}+#d=#$，所以$a_{n}=#n-1$
        由余弦定理得$a^{2}=b^{2}+c^{2}-2bc\cos A$，所以$\cos A=\frac{1}{2}$
        联立直线与椭圆方程，由韦达定理得$x_{1}+x_{2}$，代入$\overrightarrow{OA}\cdot\overrightarrow{OB}=0$
        以$A$为坐标原点建立空间直角坐标系，设平面的法向量为$\vec{n}=(x,y,z)$
        因为$A=\{x|x<#\}$，所以$A\cap B$，故选：B
        随机变量$X$的所有可能取值为0,1,2，分布列为，$E(X)=#$
        $f(x)=2\sin(2x+\frac{\pi}{6})$，所以最小正周期$T=\pi$
        因为$PA\perp$平面$ABCD$，$BC\subset$平面$ABCD$，所以$PA\perp BC$
    """,
    "university": r"""
        由洛必达法则，极限存在，故级数收敛，收敛半径为$R=#$
        特征方程为$r^{2}-#r+#=0$，通解为$y=C_{1}e^{x}+C_{2}e^{2x}$
        $|\lambda E-A|=0$，特征值为$\lambda_{1}=#$，对应的特征向量为
        由拉格朗日中值定理，存在$\xi$，使得结论成立
        由同态基本定理，$G/\ker f\cong\mathrm{Im} f$
        对任意$\varepsilon>0$，存在$\delta>0$，当$|x-x_{0}|<\delta$时
    """,
}  # fmt: skip
"""Sentences of solutions."""

_OPENINGS = {
    "zh": ("", "", "", "如图，", "已知：", "(5分)", "1. ", "（本题满分10分）"),
    "en": ("", "", "", "1. ", "Question: "),
}
_ENDINGS = {
    "zh": (
        "．",
        "。",
        "（　）",
        "(    ).",
        "______．",
        "\\_\\_\\_\\_.",
        "？",
        "是多少？",
        "（ ） A. $#$ B. $#$ C. $#$ D. $#$",
    ),
    "en": ("?", ".", "? A. $#$ B. $#$ C. $#$ D. $#$", "? (A)# (B)# (C)# (D)#"),
}


def exercises(seed: int, times: int) -> Iterator[dict[str, str]]:
    """Yield for each topic `times` exercises: stage, lang, number of the topic, question, solution (English: none)."""
    rng = Random(seed)
    topics = [
        (lang, stage, line.strip())
        for lang, part in (("zh", QUESTIONS), ("en", QUESTIONS_EN))
        for stage, lines in part.items()
        for line in lines.strip().split("\n")
    ]
    for number, (lang, stage, topic) in enumerate(topics):
        steps = [line.strip() for line in SOLUTIONS[stage].strip().split("\n")]
        for _ in range(times):
            question = rng.choice(_OPENINGS[lang]) + topic + rng.choice(_ENDINGS[lang])
            solution = "．".join(rng.sample(steps, 2)) if lang == "zh" else ""
            yield {
                "stage": stage, "lang": lang, "topic": str(number),
                "question": _written(question, rng), "solution": _written(solution, rng),
            }  # fmt: skip


def _written(line: str, rng: Random) -> str:
    chosen = re.sub(r"〔([^〕]*)〕", lambda match: rng.choice(match[1].split("|")), line)
    return re.sub("#", lambda _: str(rng.randint(2, rng.choice((9, 9, 20)))), chosen)
