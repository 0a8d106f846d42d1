# ruff: noqa: E501 (pages are written on one line)
"""Constructs of Presentation MathML, one by one, and the LaTeX that a mathematician would write for them."""

import pytest

from mathmill.core.mathml import mathml_to_latex

CONSTRUCTS = {
    'prime in mrow': (
        '<msup><mi>f</mi><mrow><mo>′</mo><mo>′</mo></mrow></msup>',
        "f''",
    ),
    'prime ascii': (
        "<msup><mi>f</mi><mo>'</mo></msup>",
        "f'",
    ),
    'prime and 2': (
        '<msup><mi>f</mi><mrow><mo>′</mo><mn>2</mn></mrow></msup>',
        "f'^{2}",
    ),
    'msubsup prime': (
        '<msubsup><mi>f</mi><mi>n</mi><mo>′</mo></msubsup>',
        "f'_{n}",
    ),
    'f prime row': (
        '<mi>f</mi><mo>′</mo><mo>(</mo><mi>x</mi><mo>)</mo>',
        "f'(x)",
    ),
    'mixed fraction': (
        '<mn>2</mn><mo>&#x2064;</mo><mfrac><mn>1</mn><mn>2</mn></mfrac>',
        '2\\frac{1}{2}',
    ),
    'invisible': (
        '<mn>2</mn><mo>&InvisibleTimes;</mo><mi>x</mi><mi>sin</mi><mo>&ApplyFunction;</mo><mi>y</mi>',
        '2x\\sin y',
    ),
    'sin paren': (
        '<mi>sin</mi><mo>(</mo><mi>x</mi><mo>)</mo>',
        '\\sin(x)',
    ),
    'log sub': (
        '<msub><mi>log</mi><mn>2</mn></msub><mi>x</mi>',
        '\\log_{2}x',
    ),
    'sin sq': (
        '<msup><mi>sin</mi><mn>2</mn></msup><mi>x</mi>',
        '\\sin^{2}x',
    ),
    'lim': (
        '<munder><mo movablelimits="true">lim</mo><mrow><mi>n</mi><mo>→</mo><mi>∞</mi></mrow></munder><msub><mi>a</mi><mi>n</mi></msub>',
        '\\lim_{n\\to\\infty}a_{n}',
    ),
    'limsup': (
        '<munder><mrow><mi>lim</mi><mspace width="0.1667em"/><mi>sup</mi></mrow><mrow><mi>n</mi></mrow></munder><mi>x</mi>',
        '\\limsup_{n}x',
    ),
    'argmax': (
        '<munder><mrow><mi>arg</mi><mo>&#8289;</mo><mi>max</mi></mrow><mi>x</mi></munder><mi>f</mi>',
        '\\operatorname*{arg\\,max}_{x}f',
    ),
    'argmax2': (
        '<munder><mi>argmax</mi><mi>x</mi></munder><mi>f</mi>',
        '\\operatorname*{argmax}_{x}f',
    ),
    'int': (
        '<msubsup><mo>∫</mo><mn>0</mn><mn>1</mn></msubsup><mi>x</mi><mspace width="0.17em"/><mi mathvariant="normal">d</mi><mi>x</mi>',
        '\\int_{0}^{1}x\\,\\mathrm{d}x',
    ),
    'int munderover': (
        '<munderover><mo>∫</mo><mn>0</mn><mn>1</mn></munderover><mi>x</mi><mo>ⅆ</mo><mi>x</mi>',
        '\\int_{0}^{1}xdx',
    ),
    'eulers': (
        '<msup><mi>ⅇ</mi><mrow><mi>ⅈ</mi><mi>π</mi></mrow></msup>',
        'e^{i\\pi}',
    ),
    'det bars': (
        '<mo>|</mo><mtable><mtr><mtd><mi>a</mi></mtd><mtd><mi>b</mi></mtd></mtr><mtr><mtd><mi>c</mi></mtd><mtd><mi>d</mi></mtd></mtr></mtable><mo>|</mo>',
        '\\begin{vmatrix} a & b \\\\ c & d \\end{vmatrix}',
    ),
    'two matrices': (
        '<mi>A</mi><mo>=</mo><mo>(</mo><mtable><mtr><mtd><mn>1</mn></mtd></mtr><mtr><mtd><mn>2</mn></mtd></mtr></mtable><mo>)</mo><mo>+</mo><mo>[</mo><mtable><mtr><mtd><mn>3</mn></mtd></mtr><mtr><mtd><mn>4</mn></mtd></mtr></mtable><mo>]</mo>',
        'A=\\begin{pmatrix} 1 \\\\ 2 \\end{pmatrix}+\\begin{bmatrix} 3 \\\\ 4 \\end{bmatrix}',
    ),
    'mfenced matrix': (
        '<mfenced open="[" close="]"><mtable><mtr><mtd><mn>1</mn></mtd><mtd><mn>0</mn></mtd></mtr></mtable></mfenced>',
        '\\begin{bmatrix} 1 & 0 \\end{bmatrix}',
    ),
    'mfenced cases': (
        '<mfenced open="{" close=""><mtable><mtr><mtd><mi>x</mi></mtd><mtd><mtext>if </mtext><mi>x</mi><mo>≥</mo><mn>0</mn></mtd></mtr><mtr><mtd><mo>−</mo><mi>x</mi></mtd><mtd><mtext>otherwise</mtext></mtd></mtr></mtable></mfenced>',
        '\\begin{cases} x & \\text{if }x\\ge0 \\\\ -x & \\text{otherwise} \\end{cases}',
    ),
    'mfenced seps': (
        '<mfenced open="{" close="}" separators=";,"><mi>a</mi><mi>b</mi><mi>c</mi></mfenced>',
        '\\{a;b,c\\}',
    ),
    'mfenced nosep': (
        '<mfenced separators=""><mrow><mi>a</mi></mrow><mi>b</mi></mfenced>',
        '(ab)',
    ),
    'mfenced abs': (
        '<mfenced open="|" close="|"><mfrac><mi>a</mi><mi>b</mi></mfrac></mfenced>',
        '\\left|\\frac{a}{b}\\right|',
    ),
    'mfenced sq': (
        '<msup><mfenced><mrow><mi>x</mi><mo>+</mo><mn>1</mn></mrow></mfenced><mn>2</mn></msup>',
        '(x+1)^{2}',
    ),
    'interval': (
        '<mo>[</mo><mn>0</mn><mo>,</mo><mn>1</mn><mo>)</mo>',
        '[0,1)',
    ),
    'floor': (
        '<mrow><mo>⌊</mo><mfrac><mi>n</mi><mn>2</mn></mfrac><mo>⌋</mo></mrow>',
        '\\left\\lfloor\\frac{n}{2}\\right\\rfloor',
    ),
    'set builder': (
        '<mrow><mo>{</mo><mi>x</mi><mo>∈</mo><mi>ℝ</mi><mo>∣</mo><mi>x</mi><mo>&gt;</mo><mn>0</mn><mo>}</mo></mrow>',
        '\\{x\\in\\mathbb{R}\\mid x>0\\}',
    ),
    'norm': (
        '<mrow><mo>‖</mo><mi>x</mi><mo>‖</mo></mrow>',
        '\\|x\\|',
    ),
    'prescripts': (
        '<mmultiscripts><mi>U</mi><none/><none/><mprescripts/><mn>92</mn><mn>238</mn></mmultiscripts>',
        '{}_{92}^{238}U',
    ),
    'binom coefficient': (
        '<mrow><mo>(</mo><mfrac linethickness="0pt"><mi>n</mi><mi>k</mi></mfrac><mo>)</mo></mrow>',
        '\\binom{n}{k}',
    ),
    'nCr': (
        '<msub><mrow/><mi>n</mi></msub><msub><mi>C</mi><mi>r</mi></msub>',
        '{}_{n}C_{r}',
    ),
    'hat': (
        '<mover accent="true"><mi>x</mi><mo>^</mo></mover>',
        '\\hat{x}',
    ),
    'bar stretchy': (
        '<mover><mi>x</mi><mo stretchy="true">¯</mo></mover>',
        '\\overline{x}',
    ),
    'overline': (
        '<mover><mrow><mi>A</mi><mi>B</mi></mrow><mo>¯</mo></mover>',
        '\\overline{AB}',
    ),
    'vec combining': (
        '<mover accent="true"><mi>v</mi><mo>⃗</mo></mover>',
        '\\vec{v}',
    ),
    'tilde': (
        '<mover><mi>x</mi><mo>~</mo></mover>',
        '\\tilde{x}',
    ),
    'ddot': (
        '<mover><mi>x</mi><mo>¨</mo></mover>',
        '\\ddot{x}',
    ),
    'arc': (
        '<mover><mrow><mi>A</mi><mi>B</mi></mrow><mo>⏜</mo></mover>',
        '\\overset{\\frown}{AB}',
    ),
    'overbrace': (
        '<mover><mover><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow><mo>⏞</mo></mover><mi>n</mi></mover>',
        '\\overbrace{a+b}^{n}',
    ),
    'underline': (
        '<munder><mi>x</mi><mo>_</mo></munder>',
        '\\underline{x}',
    ),
    'overset': (
        '<mover><mo>=</mo><mi>?</mi></mover>',
        '\\overset{?}{=}',
    ),
    'def': (
        '<mover><mo>=</mo><mi>def</mi></mover>',
        '\\overset{\\mathrm{def}}{=}',
    ),
    'xarrow': (
        '<mover><mo>→</mo><mi>f</mi></mover>',
        '\\xrightarrow{f}',
    ),
    'chem arrow': (
        '<mi>A</mi><mover><mo>⇌</mo><mi>k</mi></mover><mi>B</mi>',
        'A\\overset{k}{\\rightleftharpoons}B',
    ),
    'chem': (
        '<msub><mi mathvariant="normal">H</mi><mn>2</mn></msub><mi mathvariant="normal">O</mi>',
        '\\mathrm{H}_{2}\\mathrm{O}',
    ),
    'ion': (
        '<msubsup><mi>SO</mi><mn>4</mn><mrow><mn>2</mn><mo>−</mo></mrow></msubsup>',
        '\\mathrm{SO}_{4}^{2-}',
    ),
    'unit': (
        '<mn>9.8</mn><mspace width="0.2em"/><mfrac><mi mathvariant="normal">m</mi><msup><mi mathvariant="normal">s</mi><mn>2</mn></msup></mfrac>',
        '9.8\\:\\frac{\\mathrm{m}}{\\mathrm{s}^{2}}',
    ),
    'degC': (
        '<mn>20</mn><mo>°</mo><mi mathvariant="normal">C</mi>',
        '20^{\\circ}\\mathrm{C}',
    ),
    'percent': (
        '<mn>5</mn><mo>%</mo>',
        '5\\%',
    ),
    'dollar': (
        '<mi>$</mi><mn>5</mn>',
        '\\$5',
    ),
    'mtext dollar': (
        '<mtext>cost $5 &amp; up</mtext>',
        '\\text{cost \\$5 \\& up}',
    ),
    'thousands': (
        '<mn>1,234.5</mn>',
        '1,234.5',
    ),
    'mn space': (
        '<mn>1 000</mn>',
        '1\\,000',
    ),
    'neg': (
        '<mn>−5</mn>',
        '-5',
    ),
    'mn neg': (
        '<mo>-</mo><mn>5</mn>',
        '-5',
    ),
    'bb': (
        '<mi mathvariant="double-struck">R</mi><mi>ℤ</mi><mi>ℕ</mi><mi>ℂ</mi><mi>ℚ</mi>',
        '\\mathbb{R}\\mathbb{Z}\\mathbb{N}\\mathbb{C}\\mathbb{Q}',
    ),
    'frak': (
        '<mi>𝔤</mi><mi mathvariant="fraktur">g</mi><mi>ℌ</mi>',
        '\\mathfrak{g}\\mathfrak{g}\\mathfrak{H}',
    ),
    'script': (
        '<mi>ℒ</mi><mi>𝓛</mi><mi mathvariant="script">L</mi>',
        '\\mathcal{L}\\mathcal{L}\\mathcal{L}',
    ),
    'bold vec': (
        '<mi mathvariant="bold">x</mi><mi>𝐱</mi><mi mathvariant="bold-italic">x</mi><mi>𝜷</mi>',
        '\\mathbf{x}\\mathbf{x}\\boldsymbol{x}\\boldsymbol{\\beta}',
    ),
    'sans': (
        '<mi>𝖠</mi><mi mathvariant="sans-serif">A</mi><mi>𝙰</mi>',
        '\\mathsf{A}\\mathsf{A}\\mathtt{A}',
    ),
    'phi': (
        '<mi>φ</mi><mi>ϕ</mi><mi>ε</mi><mi>ϵ</mi><mi>ϑ</mi><mi>𝜑</mi><mi>𝜙</mi>',
        '\\varphi\\phi\\varepsilon\\epsilon\\vartheta\\varphi\\phi',
    ),
    'hbar': (
        '<mi>ℏ</mi><mi>ℓ</mi><mi>∂</mi><mi>∇</mi>',
        '\\hbar\\ell\\partial\\nabla',
    ),
    'relations': (
        '<mi>a</mi><mo>≤</mo><mi>b</mi><mo>≠</mo><mi>c</mi><mo>≈</mo><mi>d</mi><mo>≡</mo><mi>e</mi><mo>∉</mo><mi>S</mi>',
        'a\\le b\\ne c\\approx d\\equiv e\\notin S',
    ),
    'ascii ops': (
        '<mi>a</mi><mo>&lt;=</mo><mi>b</mi><mo>!=</mo><mi>c</mi><mo>-&gt;</mo><mi>d</mi>',
        'a\\le b\\ne c\\to d',
    ),
    'mod': (
        '<mi>a</mi><mo>≡</mo><mi>b</mi><mspace width="1em"/><mo>(</mo><mi>mod</mi><mspace width="0.333em"/><mi>n</mi><mo>)</mo>',
        'a\\equiv b\\pmod{n}',
    ),
    'bmod': (
        '<mi>a</mi><mo>mod</mo><mi>n</mi>',
        'a\\bmod n',
    ),
    'ellipsis': (
        '<mn>1</mn><mo>,</mo><mo>…</mo><mo>,</mo><mi>n</mi><mo>⋯</mo>',
        '1,\\ldots,n\\cdots',
    ),
    'chinese': (
        '<msub><mi>S</mi><mtext>三角形</mtext></msub><mo>=</mo><mi>面积</mi>',
        'S_{\\text{三角形}}=\\text{面积}',
    ),
    'menclose': (
        '<menclose notation="box"><mn>5</mn></menclose><menclose notation="updiagonalstrike"><mi>x</mi></menclose><menclose notation="longdiv"><mn>12</mn></menclose><menclose notation="radical"><mi>y</mi></menclose>',
        '\\boxed{5}\\cancel{x}\\overline{)12}\\sqrt{y}',
    ),
    'phantom': (
        '<mi>a</mi><mphantom><mi>b</mi></mphantom><mi>c</mi>',
        'a\\phantom{b}c',
    ),
    'mpadded': (
        '<mpadded width="0"><mi>x</mi></mpadded>',
        'x',
    ),
    'merror': (
        '<merror><mtext>bad</mtext></merror>',
        '\\text{bad}',
    ),
    'ms': (
        '<ms>abc</ms>',
        '\\text{"abc"}',
    ),
    'maction': (
        '<maction actiontype="toggle" selection="2"><mi>a</mi><mi>b</mi></maction>',
        'b',
    ),
    'mstyle variant': (
        '<mstyle mathvariant="bold"><mi>v</mi></mstyle>',
        '\\mathbf{v}',
    ),
    'mstyle color': (
        '<mstyle mathcolor="red" displaystyle="true"><mfrac><mn>1</mn><mn>2</mn></mfrac></mstyle>',
        '\\frac{1}{2}',
    ),
    'align': (
        '<mtable columnalign="right left" displaystyle="true"><mtr><mtd><mi>x</mi></mtd><mtd><mo>=</mo><mn>1</mn></mtd></mtr><mtr><mtd></mtd><mtd><mo>=</mo><mn>2</mn></mtd></mtr></mtable>',
        '\\begin{aligned} x & =1 \\\\  & =2 \\end{aligned}',
    ),
    'align on mtd': (
        '<mtable><mtr><mtd columnalign="right"><mi>x</mi></mtd><mtd columnalign="left"><mi>y</mi></mtd></mtr></mtable>',
        '\\begin{aligned} x & y \\end{aligned}',
    ),
    'eqnarray 3 col': (
        '<mtable columnalign="right center left"><mtr><mtd><mi>x</mi></mtd><mtd><mo>=</mo></mtd><mtd><mn>1</mn></mtd></mtr><mtr><mtd/><mtd><mo>=</mo></mtd><mtd><mn>2</mn></mtd></mtr></mtable>',
        '\\begin{array}{rcl} x & = & 1 \\\\  & = & 2 \\end{array}',
    ),
    'augmented': (
        '<mo>[</mo><mtable columnlines="none solid"><mtr><mtd><mn>1</mn></mtd><mtd><mn>2</mn></mtd><mtd><mn>3</mn></mtd></mtr></mtable><mo>]</mo>',
        '\\left[\\begin{array}{cc|c} 1 & 2 & 3 \\end{array}\\right]',
    ),
    'labeled': (
        '<mtable><mlabeledtr><mtd><mtext>(1)</mtext></mtd><mtd><mi>E</mi><mo>=</mo><mi>m</mi></mtd></mlabeledtr></mtable>',
        'E=m',
    ),
    'nested table in cases': (
        '<mo>{</mo><mtable><mtr><mtd><mi>x</mi><mo>+</mo><mi>y</mi><mo>=</mo><mn>1</mn></mtd></mtr><mtr><mtd><mi>x</mi><mo>−</mo><mi>y</mi><mo>=</mo><mn>0</mn></mtd></mtr></mtable>',
        '\\begin{cases} x+y=1 \\\\ x-y=0 \\end{cases}',
    ),
    'matrix exponent': (
        '<msup><mrow><mo>(</mo><mtable><mtr><mtd><mn>1</mn></mtd></mtr></mtable><mo>)</mo></mrow><mi>T</mi></msup>',
        '\\begin{pmatrix} 1 \\end{pmatrix}^{T}',
    ),
    'frac exponent': (
        '<msup><mrow><mo>(</mo><mfrac><mi>a</mi><mi>b</mi></mfrac><mo>)</mo></mrow><mi>n</mi></msup>',
        '\\left(\\frac{a}{b}\\right)^{n}',
    ),
    'script of scripted': (
        '<msup><msub><mi>x</mi><mn>1</mn></msub><mn>2</mn></msup>',
        '{x_{1}}^{2}',
    ),
    'empty base': (
        '<msup><mrow></mrow><mn>2</mn></msup><mi>H</mi>',
        '{}^{2}H',
    ),
    'neg exp': (
        '<msup><mn>10</mn><mrow><mo>−</mo><mn>3</mn></mrow></msup>',
        '10^{-3}',
    ),
    'frac base': (
        '<msup><mfrac><mi>a</mi><mi>b</mi></mfrac><mn>2</mn></msup>',
        '{\\frac{a}{b}}^{2}',
    ),
    'sqrt exp': (
        '<msup><msqrt><mi>x</mi></msqrt><mn>2</mn></msup>',
        '{\\sqrt{x}}^{2}',
    ),
    'multi digit': (
        '<msup><mn>12</mn><mn>2</mn></msup>',
        '12^{2}',
    ),
    'greek then letter': (
        '<mi>π</mi><mi>r</mi><mo>Δ</mo><mi>x</mi>',
        '\\pi r\\Delta x',
    ),
    'cdot letter': (
        '<mi>a</mi><mo>⋅</mo><mi>b</mi><mo>×</mo><mi>c</mi>',
        'a\\cdot b\\times c',
    ),
    'sum no mo': (
        '<munderover><mi>∑</mi><mi>i</mi><mi>n</mi></munderover>',
        '\\sum_{i}^{n}',
    ),
    'sum stretchy': (
        '<munderover><mstyle displaystyle="true"><mo>∑</mo></mstyle><mrow><mi>k</mi><mo>=</mo><mn>0</mn></mrow><mi>∞</mi></munderover>',
        '\\sum_{k=0}^{\\infty}',
    ),
    'bigcup': (
        '<munder><mo>⋃</mo><mi>i</mi></munder><msub><mi>A</mi><mi>i</mi></msub>',
        '\\bigcup_{i}A_{i}',
    ),
    'text in mi': (
        '<mi>area</mi><mo>=</mo><mi>b</mi>',
        '\\mathrm{area}=b',
    ),
    'quoted html in mtext': (
        '<mtext>if <b>x</b> is <em>odd</em></mtext>',
        '\\text{if x is odd}',
    ),
    'nbsp mtext': (
        '<mi>x</mi><mtext>&nbsp;</mtext><mi>y</mi>',
        'x\\ y',
    ),
    'mtext spaces': (
        '<mi>x</mi><mtext> and </mtext><mi>y</mi>',
        'x\\text{ and }y',
    ),
    'comment': (
        '<!-- c --><mi>x</mi>',
        'x',
    ),
    'mrow text': (
        '<mrow>x</mrow>',
        'x',
    ),
    'stackrel': (
        '<mover><mrow><mo>→</mo></mrow><mrow><mi>d</mi></mrow></mover>',
        '\\xrightarrow{d}',
    ),
    'not in': (
        '<mi>x</mi><mo>∉</mo><mi>A</mi>',
        'x\\notin A',
    ),
    'slash not': (
        '<mi>a</mi><mo>≢</mo><mi>b</mi>',
        'a\\not\\equiv b',
    ),
    'wide tilde': (
        '<mover><mi>ABC</mi><mo>˜</mo></mover>',
        '\\widetilde{\\mathrm{ABC}}',
    ),
    'sqrt nested': (
        '<msqrt><mn>2</mn><mo>+</mo><msqrt><mn>3</mn></msqrt></msqrt>',
        '\\sqrt{2+\\sqrt{3}}',
    ),
    'mroot': (
        '<mroot><mrow><mi>x</mi><mo>+</mo><mn>1</mn></mrow><mn>3</mn></mroot>',
        '\\sqrt[3]{x+1}',
    ),
    'bevel': (
        '<mfrac bevelled="true"><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow><mn>2</mn></mfrac>',
        '\\frac{a+b}{2}',
    ),
    'operator op': (
        '<mo>rank</mo><mo>(</mo><mi>A</mi><mo>)</mo>',
        '\\operatorname{rank}(A)',
    ),
    'semicolon': (
        '<mi>f</mi><mo>:</mo><mi>X</mi><mo>→</mo><mi>Y</mi>',
        'f:X\\to Y',
    ),
    'backslash': (
        '<mi>A</mi><mo>\\</mo><mi>B</mi>',
        'A\\backslash B',
    ),
    'amp': (
        '<mi>a</mi><mo>&amp;</mo><mi>b</mi>',
        'a\\&b',
    ),
    'underscore': (
        '<mi>a_1</mi>',
        'a\\_1',
    ),
    'caret': (
        '<mi>x</mi><mo>^</mo><mn>2</mn>',
        'x^{2}',
    ),
    'supers unicode': (
        '<mi>x²</mi>',
        'x^{2}',
    ),
    'therefore': (
        '<mo>∴</mo><mi>x</mi><mo>∵</mo>',
        '\\therefore x\\because',
    ),
    'angle': (
        '<mo>∠</mo><mi>ABC</mi><mo>=</mo><mn>90</mn><mo>°</mo>',
        '\\angle\\mathrm{ABC}=90^{\\circ}',
    ),
    'triangle': (
        '<mo>△</mo><mi>ABC</mi><mo>≅</mo><mo>△</mo><mi>DEF</mi>',
        '\\triangle\\mathrm{ABC}\\cong\\triangle\\mathrm{DEF}',
    ),
    'parallel': (
        '<mi>AB</mi><mo>∥</mo><mi>CD</mi><mo>⟂</mo><mi>EF</mi>',
        '\\mathrm{AB}\\parallel\\mathrm{CD}\\perp\\mathrm{EF}',
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CONSTRUCTS)
def test_a_construct_becomes_the_latex_that_one_would_write(name: str) -> None:
    mathml, latex = CONSTRUCTS[name]
    assert mathml_to_latex(f"<math>{mathml}</math>") == latex
