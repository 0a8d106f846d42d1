r"""Pairs of answers, judged by hand before the grader was tuned: equal or not, by topic, in both languages.

Arguable ones follow the decisions in docs/grading.md. Pairs are symmetric: each is checked in both directions. The
lists `HELD_OUT_*` were written together with the others and looked at only when the rules were finished.
"""

Pairs = dict[str, list[tuple[str, str]]]


EQUAL: Pairs = {
    "numbers": [
        ("0.5", "1/2"), (".5", r"\frac12"), (r"\dfrac{3}{4}", "0.75"), (r"\tfrac34", "3/4"), ("1,000", "1000"),
        ("12,345,678", "12345678"), ("1 1/2", "3/2"), (r"2\frac{1}{3}", r"\frac{7}{3}"), ("-1.50", "-3/2"), ("+7", "7"),
        (r"3\times10^4", "30000"), (r"1.2 \times 10^{-3}", "0.0012"), ("1.5e3", "1500"), ("2E-3", "0.002"),
        (r"0.\overline{3}", "1/3"), (r"0.1\dot{6}", "1/6"), (r"0.\overline{142857}", r"\frac{1}{7}"),
        ("2^{10}", "1024"), ("5!", "120"), ("10^{100}", r"10^{50}\times 10^{50}"), ("１２．５", "12.5"), ("－３", "-3"),
        ("½", "0.5"), (r"\frac{6}{4}", "1.5"), ("007", "7"), (r"-\frac{2}{3}", r"\frac{-2}{3}"),
        (r"\frac{2}{-3}", "-2/3"), ("6.02e23", r"6.02\times 10^{23}"), ("$5$", "5"), (r"\(5\)", "5"),
        (r"\frac{10}{2}", "5"), ("3^{-2}", "1/9"),
    ],
    "chinese numbers": [
        ("二", "2"), ("十二", "12"), ("一百零五", "105"), ("三分之一", r"\frac{1}{3}"), ("四分之三", "0.75"),
        ("百分之五十", "50%"), ("负三", "-3"), ("两", "2"), ("五分之二", "2/5"), ("三个", "3"), ("１２个", "12"),
        ("二十四", "24"), ("三万五千", "35000"), ("一又二分之一", "1.5"),
    ],
    "percentages and units": [
        ("50%", "0.5"), (r"50\%", "50"), ("5 cm", "5"), (r"5\text{ cm}", "5"), ("5厘米", "5 cm"),
        ("12平方厘米", r"12\text{cm}^2"), ("1 m", "100 cm"), ("2小时", "120分钟"), ("3 km", "3000 m"),
        ("1.5 kg", "1500克"), ("60 km/h", "60千米/时"), ("$5", "5"), (r"\$5", "5 dollars"), ("￥12", "12元"),
        ("$1,234.50", "1234.5"), (r"30^\circ", "30"), ("30°", "30度"), (r"60^{\circ}", r"\frac{\pi}{3}"),
        ("5 apples", "5"), ("3人", "3"), ("12 square feet", r"12\ \text{ft}^2"), ("80 miles per hour", "80"),
        (r"45\text{ minutes}", "45"), ("7天", "7"), ("200 ml", "0.2 l"), (r"3\pi\text{ cm}^2", r"3\pi"),
    ],
    "radicals": [
        (r"\frac{1}{\sqrt{2}}", r"\frac{\sqrt{2}}{2}"), (r"\sqrt{12}", r"2\sqrt{3}"), (r"2\sqrt3", r"\sqrt{12}"),
        (r"\sqrt{3+2\sqrt{2}}", r"1+\sqrt{2}"), (r"\sqrt[3]{8}", "2"), (r"\sqrt[3]{16}", r"2\sqrt[3]{2}"),
        ("√2/2", r"\frac{\sqrt2}{2}"), (r"\frac{\sqrt{5}+1}{2}", r"\frac{2}{\sqrt{5}-1}"), ("sqrt(2)", r"\sqrt{2}"),
        ("2^{1/2}", r"\sqrt{2}"), (r"\sqrt{\frac{1}{3}}", r"\frac{\sqrt{3}}{3}"), (r"5^{\frac{3}{2}}", r"5\sqrt5"),
        (r"\frac{3}{2}\sqrt{2}", r"\frac{3\sqrt{2}}{2}"), (r"\sqrt{16}", "4"), (r"(1+\sqrt2)^2", r"3+2\sqrt2"),
        (r"-\frac{\sqrt{3}}{3}", r"-\frac{1}{\sqrt3}"),
    ],
    "constants and functions": [
        (r"\sin 30^\circ", r"\frac12"), (r"\cos\frac{\pi}{6}", r"\frac{\sqrt3}{2}"), (r"\tan 60^\circ", r"\sqrt{3}"),
        (r"\sin\frac{\pi}{4}", r"\frac{\sqrt{2}}{2}"), (r"\log_2 8", "3"), (r"\lg 100", "2"), (r"\ln e^2", "2"),
        (r"\ln 8", r"3\ln 2"), (r"\log_{3}{9}", "2"), (r"e^{\ln 5}", "5"), (r"\arctan 1", r"\frac{\pi}{4}"),
        ("π/2", r"\frac{\pi}{2}"), (r"\frac{1}{2}\pi", r"\frac{\pi}{2}"), ("2pi", r"2\pi"), (r"\log_4 2", "0.5"),
        (r"\arcsin\frac{1}{2}", r"\frac{\pi}{6}"), (r"\frac{\pi}{6}", r"\pi/6"),
        (r"1-\frac{1}{\mathrm{e}}", r"\frac{e-1}{e}"), (r"\lfloor 3.7\rfloor", "3"), ("|-5|", "5"),
        (r"\log_2 3", r"\frac{\ln 3}{\ln 2}"), (r"\sin^2 x+\cos^2 x", "1"),
    ],
    "counting": [
        ("C_5^2", "10"), ("C_{5}^{2}", r"\binom{5}{2}"), ("A_5^2", "20"), (r"\mathrm{C}_6^3", "20"),
        ("A_{4}^{4}", "24"), ("C_4^1 C_3^2", "12"), (r"\binom{10}{3}", "120"), ("P_5^2", "20"),
        (r"\frac{C_3^2}{C_5^2}", "0.3"), ("2^5-1", "31"), (r"5\times 4\times 3", "60"), (r"\frac{10!}{8!}", "90"),
        (r"\sum_{k=1}^{10} k", "55"), ("C_{n}^{2}", r"\frac{n(n-1)}{2}"),
    ],
    "algebra": [
        ("(x+1)^2", "x^2+2x+1"), ("x(x-2)", "x^2-2x"), ("2(x+3)", "2x+6"), (r"\frac{x^2-1}{x-1}", "x+1"),
        ("a+b", "b+a"), ("3ab", "3ba"), (r"\frac{1}{x}+\frac{1}{y}", r"\frac{x+y}{xy}"), ("(a-b)(a+b)", "a^2-b^2"),
        ("-x+1", "1-x"), (r"\frac{n(n+1)}{2}", r"\frac{n^2+n}{2}"), ("2^{n+1}", r"2\cdot 2^n"),
        ("e^{x+1}", r"e\cdot e^x"), ("x²+1", "x^{2}+1"), (r"\sin 2x", r"2\sin x\cos x"),
        ("(x-1)(x-2)(x-3)", "x^3-6x^2+11x-6"), (r"\frac{1}{2}x", "x/2"), ("0.5x", r"\frac{x}{2}"),
        (r"\sqrt{x^2+1}", "(x^2+1)^{1/2}"), ("4x^2y", "4yx^2"), ("3n-1", "2+3(n-1)"), ("2*x+3", "2x+3"),
        ("x**2", "x^2"),
    ],
    "equations": [
        ("y=2x+1", "2x-y+1=0"), ("y=2x+1", "y-1=2x"), ("y=2x+1", "2x+1"), ("x=5", "5"), ("f(x)=x^2", "x^2"),
        ("x^2+y^2=4", "x^2+y^2-4=0"), (r"\frac{x^2}{4}+\frac{y^2}{3}=1", "3x^2+4y^2=12"), ("a_n=2n-1", "2n-1"),
        ("x+2y-3=0", "2x+4y=6"), ("(x-1)^2+y^2=1", "x^2+y^2-2x=0"), ("S_n=n^2", "n^2"), ("y=x", "x-y=0"),
        ("2+3=5", "5"), ("x=2 or x=3", "2, 3"), ("x_1=2,x_2=3", "x=3或x=2"), ("x=1,y=2", "(1,2)"),
        ("y^2=4x", r"x=\frac{y^2}{4}"), ("m=-1或m=2", "-1,2"), ("x=y=3", "x=3,y=3"),
    ],
    "intervals": [
        ("x>2", r"(2,\infty)"), (r"x \in (2,+\infty)", "x>2"), (r"(2,+\infty)", r"(2,\infty)"), (r"2\le x<5", "[2,5)"),
        ("x<1 or x>3", r"(-\infty,1)\cup(3,\infty)"), ("x<1或x>3", r"(3,+\infty)\cup(-\infty,1)"),
        (r"\{x|x>2\}", "x>2"), (r"\{x\mid -2\le x<1\}", "[-2,1)"), (r"a\geqslant 1", r"[1,+\infty)"),
        (r"\left[-\frac12, 2\right]", "[-0.5,2]"), (r"(-\infty, +\infty)", r"\mathbb{R}"), ("（1，+∞）", "x>1"),
        (r"x\ge\sqrt{4}", r"[2,\infty)"), (r"[1,2)\cup(2,3]", r"(2,3]\cup[1,2)"),
        (r"0<a\leqslant\frac{1}{2}", "(0,0.5]"), ("m<3且m≠1", r"m\neq 1, m<3"), (r"x\neq 2", r"\{x|x\ne 2\}"),
        (r"\{x|1<x<3, x\in\mathbf{R}\}", "(1,3)"), (r"[\frac{\sqrt2}{2},1]", r"[\frac{1}{\sqrt2},1]"),
    ],
    "sets and tuples": [
        (r"\{1,2\}", "{2,1}"), (r"\{1,2,3\}", "3,2,1"), ("1, 2", "1 and 2"), (r"\pm 3", "3,-3"),
        (r"2\pm\sqrt3", r"2+\sqrt3,2-\sqrt3"), (r"\frac{-1\pm\sqrt5}{2}", r"\frac{-1+\sqrt5}{2},\frac{-1-\sqrt5}{2}"),
        ("(1,2)", "(1, 2)"), ("(0.5,2)", r"\left(\frac12,2\right)"), ("A(1,2)", "(1,2)"),
        ("(1,2),(3,4)", "(3,4),(1,2)"), (r"\{0\}", "0"), (r"\{(1,2)\}", "(1,2)"),
        (r"\left(\sqrt{12},1\right)", r"(2\sqrt3,1)"), ("±1", "1或-1"),
        (r"\{\frac{1}{2}, 0.75\}", r"\{\frac34,\frac12\}"), (r"\varnothing", r"\emptyset"), (r"\emptyset", "空集"),
    ],
    "matrices and vectors": [
        (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", r"\begin{bmatrix}1&2\\3&4\end{bmatrix}"),
        (r"\begin{pmatrix}1\\2\end{pmatrix}", r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}"),
        (r"\begin{pmatrix}1/2\\0\end{pmatrix}", r"\begin{pmatrix}0.5\\0\end{pmatrix}"),
        (r"\begin{bmatrix}\frac{\sqrt2}{2}&0\\0&1\end{bmatrix}",
         r"\begin{pmatrix}\frac{1}{\sqrt2}&0\\0&1\end{pmatrix}"),
        (r"\begin{pmatrix}-1/3 \\ 2/3 \\ 5/3\end{pmatrix}", r"\begin{pmatrix}-\frac13\\\frac23\\\frac53\end{pmatrix}"),
    ],
    "several blanks": [
        ("3；5", "3; 5"), ("第一空：3；第二空：5", "3；5"), ("(1) 3 (2) 5", "3；5"), (r"$\frac12$；$2$", "0.5; 2"),
        ("①3；②5", "3;5"), ("(1)3；(2)5", "3；5"), ("-2；[1,3]", "-2; [1,3]"), ("3, 5", "3；5"),
    ],
    "choices": [
        ("B", "(B)"), ("B. 12", "B"), (r"\text{(C)}", "C"), ("ACD", "A, C, D"), ("选B", "B"), ("(A) 3", "A"),
        ("D.", "D"), ("A、C", "CA"), ("选项C", "C"), ("b", "(b)"), (r"\textbf{(E)}\ 5", "E"), ("Option B", "B"),
        ("Ｂ", "B"),
    ],
    "words": [
        ("Yes", "yes"), ("True", "true."), ("正确", "√"), ("错误", "×"), ("Yes", "是"), ("No", "no"), ("对", "正确"),
        ("错", "False"), ("the triangle", "Triangle"), ("无解", "no solution"), ("no solutions", r"\varnothing"),
        (r"\text{Evelyn}", "Evelyn"), ("星期三", "星期三。"), ("even", "Even"), (r"\infty", r"+\infty"),
        ("infinity", r"\infty"), ("does not exist", "DNE"), ("不存在", "does not exist"), ("3:00 p.m.", "3:00 PM"),
        ("等腰三角形", "等腰三角形。"), ("March 5", "3月5日"), ("A square", "square"),
    ],
    "complex numbers": [
        ("1+2i", "2i+1"), (r"\frac{1}{1+i}", r"\frac{1-i}{2}"), ("i^2", "-1"), ("(1+i)^2", "2i"),
        (r"-1-\sqrt3 i", r"-1-i\sqrt{3}"), ("|3+4i|", "5"), (r"2+\mathrm{i}", "2+i"), (r"e^{i\pi}", "-1"),
    ],
    "ratios and bases": [
        ("3:4", "3：4"), (r"1:\sqrt{2}", r"1:\sqrt2"), ("1:2:3", "1 : 2 : 3"), ("101_2", "101_{2}"), ("12:30", "12:30"),
        ("3∶4", "3:4"), ("2543_6", r"2543_{\text{6}}"),
    ],
    "families": [
        (r"k\pi+\frac{\pi}{4}(k\in\mathbb{Z})", r"\frac{\pi}{4}+k\pi, k\in\mathbf{Z}"),
        (r"x=2k\pi, k\in Z", r"2k\pi(k\in Z)"),
    ],
}  # fmt: skip

UNEQUAL: Pairs = {
    "numbers": [
        ("20166", "20165"), ("50", "0.5"), ("100", "1"), ("1.5", "1.50001"), ("0.3333", "1/3"), ("0.33", "1/3"),
        ("3.14", r"\pi"), ("1.57", r"\frac{\pi}{2}"), ("1.414", r"\sqrt2"), ("2", "-2"), ("12", "21"), ("1/2", "2/1"),
        ("2.5", "25"), ("1,234", "1.234"), ("1,2", "12"), ("1/2004!", "1/2006!"), ("2^{100}", "2^{101}"),
        ("9^{9^{9^9}}", "9^{9^{9^8}}"), ("9^{9^{9^9}}", "1"), ("10^{1000}", "10^{1000}+1"), ("1e9", "1e8"),
        ("123456789012345678901234567890", "123456789012345678901234567891"), ("0.000000001", "0"),
        ("999999999", "1000000000"), (r"0.\overline{3}", "0.3"), (r"2\frac{1}{3}", r"\frac{2}{3}"), ("100!", "101!"),
        ("2^{-1}", "2"), ("5", "five hundred"), ("0", "1"), ("1 000", "1"), (r"3\times10^4", r"3\times10^5"),
        ("7", "+-7"),
    ],
    "chinese numbers": [
        ("二", "三"), ("三分之一", "3"), ("四分之三", r"\frac43"), ("十二", "2"), ("三角形", "3"), ("一百零五", "150"),
        ("百分之五", "0.5"), ("第二象限", "2"),
    ],
    "percentages and units": [
        ("5 cm", "5 m"), ("5 ft", "5 ft^2"), ("5 hours", "5 minutes"), ("$5", "5 cents"), ("50%", "5"),
        ("1 m", "10 cm"), ("2小时", "60分钟"), ("5x", "5"), ("3元", "3角"), ("30°", "60°"),
        (r"30^\circ", r"\frac{\pi}{3}"), ("12平方厘米", "12厘米"), ("60 km/h", "60 m/s"), ("5克", "5千克"),
        (r"0.5\%", "0.5"), ("$5", "$50"), ("30", r"\frac{\pi}{6}"), ("100 cm", "1 cm"),
    ],
    "radicals": [
        (r"\sqrt{12}", r"3\sqrt{2}"), (r"\sqrt[3]{4}", r"\sqrt{4}"), (r"\sqrt{2}+\sqrt{3}", r"\sqrt{5}"),
        (r"\frac{1}{\sqrt2}", r"\sqrt2"), (r"1+\sqrt2", r"1-\sqrt2"), (r"2\sqrt{3}", "23"), (r"\sqrt{x^2}", "x"),
        (r"\sqrt{2}", "2"),
    ],
    "constants and functions": [
        (r"1-1/\mathrm e", r"1+1/\mathrm e"), (r"\sin 30^\circ", r"\frac{\sqrt3}{2}"), (r"\sin x", r"\cos x"),
        (r"\log_2 8", r"\log_8 2"), (r"\ln 2", r"\lg 2"), ("e^2", "2e"), (r"\frac{\pi}{2}", r"\frac{2}{\pi}"),
        (r"\sin 30", r"\frac{1}{2}"), (r"\ln(ab)", r"\ln a\ln b"), (r"1-\frac{1}{e}", "1"),
        (r"\frac{1}{\mathrm{e}}", "1"),
    ],
    "counting": [
        ("C_5^2", "C_5^1"), ("C_5^2", "20"), ("A_5^2", "10"), (r"\binom{5}{2}", r"\frac{5}{2}"), ("C_5^2", "A_5^2"),
        (r"\sum_{k=1}^{10} k", "45"), ("C_{5}^{2}", "25"),
    ],
    "algebra": [
        ("(x+1)^2", "x^2+1"), ("2(x+3)", "2x+3"), ("x^2", "x^3"), ("x_1", "x_2"), ("a+b", "a-b"), ("x", "y"),
        ("x+y", "x+z"), ("2x", "x^2"), (r"\frac{1}{x+1}", r"\frac1x+1"), ("-x^2", "(-x)^2"), ("ab", "a+b"), ("n", "N"),
        ("2^n", "n^2"), (r"\frac{a}{b}", r"\frac{b}{a}"), ("x^2+1", "x^2+1.0001"), ("|x|", "x"), ("(x+1)^2", "(x+1)^3"),
        ("x+1", "1"),
    ],
    "equations": [
        ("y=2x+1", "y=2x-1"), ("x=5", "y=5"), ("y=2x+1", "2x+y+1=0"), ("x=2,y=3", "x=3,y=2"),
        ("x^2+y^2=4", "x^2+y^2=2"), ("x=1,y=2", "(2,1)"), ("y=x^2", "y=x"), ("x^2=4", "x=2"), ("x^2+y^2=4", "4"),
        ("y=2x+1", "x=2y+1"), ("y^2=4x", "y^2=-4x"), ("x=5", "x=-5"),
    ],
    "intervals": [
        ("[2,5]", "[2,5)"), ("(2,5)", "[2,5]"), ("x>2", r"x\ge 2"), ("x>2", "x<2"), ("x<2 and x>1", "x<2 or x>1"),
        (r"(2,\infty)", r"(-\infty,2)"), (r"(-\infty,1)\cup(3,\infty)", r"(-\infty,1)"), ("x>2", "2"),
        ("2<x<5", r"2<x\le5"), (r"\{2,5\}", "[2,5]"), (r"[1,2)\cup(2,3]", "[1,3]"), ("x>2", "y=2"), (r"x\neq 2", "x=2"),
        ("(0,1)", "(0,1]"), (r"\mathbb{R}", r"(0,+\infty)"), ("m<3且m≠1", "m<3"),
    ],
    "sets and tuples": [
        ("(1,2)", "(2,1)"), (r"\{1,2\}", "(1,2)"), (r"\{1,2\}", r"\{1,2,3\}"), ("1,2", "1,3"), ("1,2", "1"),
        (r"\pm3", "3"), ("(1,2)", "1,2"), ("(1,2,3)", "(1,2)"), (r"\{0\}", r"\varnothing"), ("A(1,2)", "A(2,1)"),
        ("1,2", "1.2"), ("(1,2),(3,4)", "(1,3),(2,4)"),
    ],
    "matrices and vectors": [
        (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", r"\begin{pmatrix}1&3\\2&4\end{pmatrix}"),
        (r"\begin{pmatrix}1\\2\end{pmatrix}", r"\begin{pmatrix}2\\1\end{pmatrix}"),
        (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", "-2"),
        (r"\begin{pmatrix}1\\2\end{pmatrix}", r"\begin{pmatrix}1&2\end{pmatrix}"),
    ],
    "several blanks": [
        ("3；5", "5；3"), ("3；5", "3"), ("3；5", "35"), ("第一空：3；第二空：5", "5；3"), ("(1) 3 (2) 5", "3；6"),
        ("3；5", "3；5；7"),
    ],
    "choices": [
        ("a triangle", "A"), ("A triangle", "A"), ("A", "B"), ("AB", "BA"), ("ACD", "AC"), ("C", "c"), ("B", "12"),
        ("A", "Alice"), ("D", "4"), ("AB", "A"), ("选B", "选C"), ("B. 12", "C. 12"),
    ],
    "words": [
        ("Yes", "No"), ("正确", "错误"), ("√", "×"), ("True", "False"), ("无解", "0"), ("Evelyn", "Evan"),
        ("Monday", "Tuesday"), ("星期三", "星期四"), (r"\infty", r"-\infty"), ("No solution", "No"), ("12:00", "1:00"),
        ("3:00 p.m.", "3:00 a.m."), ("even", "odd"), ("triangle", "square"), ("March 5", "March 6"), ("", ""),
        ("5", ""), ("等腰三角形", "直角三角形"), ("cannot be determined", "5"), ("not a triangle", "a triangle"),
        ("增函数", "减函数"), ("大于", "小于"), (">", "<"),
    ],
    "complex numbers": [
        ("1+2i", "1-2i"), ("1+2i", "3"), ("i", "1"), ("1+2i", "2+i"), ("|3+4i|", "7"), (r"-1-\sqrt3", r"-1-\sqrt3 i"),
    ],
    "ratios and bases": [
        ("3:4", "3/4"), ("3:4", "4:3"), ("3:4", "0.75"), ("101_2", "101_3"), ("101_2", "5"), ("1:2:3", "1:2"),
        ("101_2", "101"),
    ],
    "families": [
        (r"k\pi+\frac{\pi}{4}(k\in\mathbb{Z})", r"2k\pi+\frac{\pi}{4}(k\in\mathbb{Z})"), (r"k\pi", r"\pi"),
    ],
}  # fmt: skip

HELD_OUT_EQUAL: Pairs = {
    "numbers": [
        ("0.125", r"\frac18"), ("-.25", r"-\frac14"), ("2,500.00", "2500"), ("3 3/4", "3.75"), ("4.5E2", "450"),
        (r"0.\overline{09}", r"\frac{1}{11}"), ("7^{-1}", "1/7"), ("４２", "42"), (r"\frac{-9}{-3}", "3"),
        (r"2^3\cdot 3^2", "72"),
    ],
    "chinese numbers": [
        ("七", "7"), ("三十六", "36"), ("五分之三", "0.6"), ("百分之二十", "0.2"), ("十五个", "15"),
        ("八分之七", r"\frac78"),
    ],
    "percentages and units": [
        (r"12.5\%", "0.125"), ("8米", "8"), ("3 hours", "180 minutes"), ("2千米", "2000米"), (r"\$18", "18"),
        (r"90^{\circ}", r"\frac{\pi}{2}"), ("25 cm²", "25平方厘米"), ("72 km/h", "72"), ("15 books", "15"),
        (r"6\ \mathrm{cm}", "6厘米"),
    ],
    "radicals": [
        (r"\sqrt{50}", r"5\sqrt{2}"), (r"\frac{6}{\sqrt3}", r"2\sqrt{3}"), (r"\sqrt{7-4\sqrt3}", r"2-\sqrt3"),
        (r"\sqrt[4]{81}", "3"), (r"\frac{\sqrt{6}}{3}", r"\sqrt{\frac{2}{3}}"), ("3√2", r"3\sqrt{2}"),
    ],
    "constants and functions": [
        (r"\cos 60^\circ", "0.5"), (r"\tan\frac{\pi}{4}", "1"), (r"\log_5 125", "3"), (r"2\ln 3", r"\ln 9"),
        (r"\frac{3\pi}{2}", r"1.5\pi"), (r"\cos^2\theta", r"1-\sin^2\theta"), (r"\lg 2+\lg 5", "1"),
    ],
    "counting": [
        ("C_7^3", "35"), ("A_6^2", "30"), ("C_{3}^{1}A_{4}^{2}", "36"), (r"\frac{6!}{3!}", "120"),
        (r"\frac{1}{C_6^2}", r"\frac{1}{15}"),
    ],
    "algebra": [
        ("(a+b)^2", "a^2+2ab+b^2"), ("(x+3)(x-1)", "x^2+2x-3"), (r"\frac{2x+4}{2}", "x+2"),
        (r"3^{n}\cdot 3", "3^{n+1}"), ("n^2-n", "n(n-1)"), (r"\frac{x}{3}-\frac{1}{2}", r"\frac{2x-3}{6}"),
    ],
    "equations": [
        ("y=-x+3", "x+y-3=0"), ("g(t)=3t", "3t"), ("x=-2", "-2"), ("(x-2)^2+(y+1)^2=9", "x^2+y^2-4x+2y-4=0"),
        (r"\frac{x^2}{9}-\frac{y^2}{16}=1", "16x^2-9y^2=144"), ("x=4或x=-1", "-1, 4"),
    ],
    "intervals": [
        (r"x\le 3", r"(-\infty,3]"), (r"\{x|-1<x<4\}", "(-1,4)"), (r"(-2,0)\cup(1,+\infty)", "-2<x<0或x>1"),
        ("a<-1", r"(-\infty,-1)"), (r"[0,\frac{\pi}{2}]", r"0\le\theta\le\frac{\pi}{2}"), (r"t\in[1,4)", "1≤t<4"),
    ],
    "sets and tuples": [
        (r"\{-1,0,1\}", "{1,0,-1}"), (r"\pm\sqrt{2}", r"\sqrt2,-\sqrt2"), ("(3,-4)", "（3，-4）"),
        (r"P(2,\frac{1}{2})", "(2,0.5)"), (r"1\pm i", "1+i, 1-i"), ("2和5", "5, 2"),
    ],
    "matrices and vectors": [
        (r"\begin{bmatrix}2\\-1\end{bmatrix}", r"\begin{pmatrix}2\\-1\end{pmatrix}"),
        (r"\begin{pmatrix}0.25&0\\0&1\end{pmatrix}", r"\begin{pmatrix}\frac14&0\\0&1\end{pmatrix}"),
    ],
    "several blanks": [
        ("8；-3", "8;-3"), (r"第一空：$\sqrt2$；第二空：$4$", r"\sqrt{2}；4"), ("(1) 0.5 (2) 7", "1/2；7"),
    ],
    "choices": [
        ("C", "（C）"), ("A. 3", "A"), ("BD", "B、D"), ("故选D", "D"),
    ],
    "words": [
        ("yes.", "Yes"), ("错误", "False"), ("no real solutions", "无实数解"), ("Tuesday", "tuesday"),
        ("an ellipse", "ellipse"),
    ],
    "complex numbers": [
        (r"\frac{2}{1-i}", "1+i"), ("-i", r"\frac{1}{i}"), ("3-4i", "-4i+3"),
    ],
    "ratios and bases": [
        ("2：1", "2:1"), (r"1:\sqrt3:2", r"1:\sqrt{3}:2"),
    ],
}  # fmt: skip

HELD_OUT_UNEQUAL: Pairs = {
    "numbers": [
        ("10001", "10000"), ("0.1", "1"), ("2/3", "0.667"), ("-5", "5"), ("1/100", "1"), ("31.4", r"10\pi"),
        ("3.0001", "3"), ("1024", "1023"),
    ],
    "chinese numbers": [
        ("七", "八"), ("二分之一", "2"), ("四边形", "4"),
    ],
    "percentages and units": [
        ("3 m", "3 km"), ("20%", "2"), ("3 hours", "3 days"), ("8平方米", "8立方米"), ("7y", "7"),
    ],
    "radicals": [
        (r"\sqrt{8}", r"4\sqrt2"), (r"\sqrt{3}", r"\frac{\sqrt3}{3}"), (r"2+\sqrt3", r"\sqrt{5}"),
    ],
    "constants and functions": [
        (r"\cos 60^\circ", r"\frac{\sqrt3}{2}"), (r"\ln 3", r"\log_3 e"), (r"\frac{\pi}{3}", "1.047"), ("2e", "2"),
    ],
    "counting": [
        ("C_7^3", "21"), ("A_6^2", "15"),
    ],
    "algebra": [
        ("(a+b)^2", "a^2+b^2"), ("3x", "x+3"), ("a_1", "a_n"), ("x^2-1", "(x-1)^2"), ("p", "q"),
    ],
    "equations": [
        ("y=-x+3", "y=x+3"), ("x^2+y^2=1", "x^2-y^2=1"), ("x=-2", "2"), ("x=3,y=-1", "(-1,3)"),
    ],
    "intervals": [
        ("[0,1)", "(0,1]"), ("x<3", "x>3"), (r"(1,2)\cup(3,4)", "(1,4)"), (r"(-\infty,0]", r"(-\infty,0)"),
    ],
    "sets and tuples": [
        ("(3,-4)", "(-4,3)"), ("1,2,3", "1,2,4"), ("[1,2]", r"\{1,2\}"),
    ],
    "several blanks": [
        ("8；-3", "-3；8"), ("1；2", "12"),
    ],
    "choices": [
        ("C", "D"), ("BD", "BC"), ("a circle", "A"), ("E", "e"),
    ],
    "words": [
        ("Yes", "False"), ("无解", "1"), ("ellipse", "circle"), ("10:30", "1:30"), ("上升", "下降"),
    ],
    "complex numbers": [
        ("1+i", "1-i"), ("2i", "2"),
    ],
    "ratios and bases": [
        ("2:1", "1:2"), ("2:1", "2"), ("77_8", "77_9"),
    ],
    "matrices and vectors": [
        (r"\begin{bmatrix}2\\-1\end{bmatrix}", r"\begin{bmatrix}-1\\2\end{bmatrix}"),
    ],
}  # fmt: skip
