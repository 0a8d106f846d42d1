# ruff: noqa: E501 (pages are written on one line)
"""Formulas of which a page holds only what MathJax 3, MathJax 4 and KaTeX drew; the markup is theirs, without glyph outlines."""

import pytest

from mathmill.curation.extract import extract_html

DRAWN = {
    '\\overline{S} katex_html': (
        '<span class="katex"><span class="katex-html" aria-hidden="true"><span class="katex-base"><span class="katex-strut" style="height:0.8833em;"></span><span class="mord katex-overline"><span class="vlist-t"><span class="vlist-r"><span class="vlist" style="height:0.8833em;"><span style="top:-3em;"><span class="pstrut" style="height:3em;"></span><span class="mord"><span class="mord mathnormal" style="margin-right:0.0576em;">S</span></span></span><span style="top:-3.8033em;"><span class="pstrut" style="height:3em;"></span><span class="overline-line" style="border-bottom-width:0.04em;"></span></span></span></span></span></span></span></span></span>',
        'a $\\overline{S}$ b',
    ),
    '\\overline{S} chtml': (
        '<mjx-container class="MathJax" jax="CHTML"><mjx-math class=" MJX-TEX"><mjx-mover><mjx-over style="padding-bottom: 0.18em; margin-bottom: -0.248em;"><mjx-mo class="mjx-n"><mjx-stretchy-h style="width: 0.645em;" class="mjx-c2013"><mjx-ext><mjx-c></mjx-c></mjx-ext></mjx-stretchy-h></mjx-mo></mjx-over><mjx-base><mjx-mi class="mjx-i"><mjx-c class="mjx-c1D446 TEX-I"></mjx-c></mjx-mi></mjx-base></mjx-mover></mjx-math></mjx-container>',
        'a $\\overline{S}$ b',
    ),
    '\\overline{S} svg': (
        '<mjx-container class="MathJax" jax="SVG"><svg style="vertical-align: -0.05ex;" xmlns="http://www.w3.org/2000/svg" width="1.459ex" height="2.362ex" role="img" focusable="false" viewBox="0 -1022 645 1044"><g stroke="currentColor" fill="currentColor" stroke-width="0" transform="scale(1,-1)"><g data-mml-node="math"><g data-mml-node="mover"><g data-mml-node="mi"><path data-c="1D446"></path></g><g data-mml-node="mo" transform="translate(0,637)"><svg width="645" height="237" x="0" y="148" viewBox="161.3 148 645 237"><path data-c="2013" transform="scale(1.935,1)"></path></svg></g></g></g></g></svg></mjx-container>',
        'a $\\overline{S}$ b',
    ),
    '\\overline{S} chtml4': (
        '<mjx-container class="MathJax" jax="CHTML" overflow="overflow"><mjx-math class="NCM-N"><mjx-mover><mjx-over style="padding-bottom: 0.18em; margin-bottom: -0.23em;"><mjx-mo><mjx-stretchy-h style="width: 0.645em;" class="mjx-c2015"><mjx-ext><mjx-spacer>――</mjx-spacer></mjx-ext></mjx-stretchy-h></mjx-mo></mjx-over><mjx-base><mjx-mi><mjx-c class="mjx-c1D446">𝑆</mjx-c></mjx-mi></mjx-base></mjx-mover></mjx-math></mjx-container>',
        'a $\\overline{S}$ b',
    ),
    '\\overline{S} svg4': (
        '<mjx-container class="MathJax" jax="SVG" overflow="overflow"><svg style="vertical-align: -0.05ex;" xmlns="http://www.w3.org/2000/svg" width="1.459ex" height="2.369ex" role="img" focusable="false" viewBox="0 -1025 645 1047"><g stroke="currentColor" fill="currentColor" stroke-width="0" transform="scale(1,-1)"><g data-mml-node="math"><g data-mml-node="mover"><g data-mml-node="mi"><path data-c="1D446"></path></g><g data-mml-node="mo" transform="translate(0,655)"><svg width="645" height="180" x="0" y="160" viewBox="161.2 160 645 180"><path data-c="2015" transform="scale(0.84,1)"></path></svg></g></g></g></g></svg></mjx-container>',
        'a $\\overline{S}$ b',
    ),
    '\\mathcal{O}_S katex_html': (
        '<span class="katex"><span class="katex-html" aria-hidden="true"><span class="katex-base"><span class="katex-strut" style="height:0.8333em;vertical-align:-0.15em;"></span><span class="mord"><span class="mord mathcal" style="margin-right:0.0278em;">O</span><span class="msupsub"><span class="vlist-t vlist-t2"><span class="vlist-r"><span class="vlist" style="height:0.3283em;"><span style="top:-2.55em;margin-left:-0.0278em;margin-right:0.05em;"><span class="pstrut" style="height:2.7em;"></span><span class="katex-sizing reset-size6 size3 mtight"><span class="mord mathnormal mtight" style="margin-right:0.0576em;">S</span></span></span></span><span class="vlist-s">\u200b</span></span><span class="vlist-r"><span class="vlist" style="height:0.15em;"><span></span></span></span></span></span></span></span></span></span>',
        'a $\\mathcal{O}_{S}$ b',
    ),
    '\\mathcal{O}_S chtml': (
        '<mjx-container class="MathJax" jax="CHTML"><mjx-math class=" MJX-TEX"><mjx-msub><mjx-TeXAtom texclass="ORD"><mjx-mi class="mjx-cal mjx-i"><mjx-c class="mjx-c4F TEX-C"></mjx-c></mjx-mi></mjx-TeXAtom><mjx-script style="vertical-align: -0.15em;"><mjx-mi class="mjx-i" size="s"><mjx-c class="mjx-c1D446 TEX-I"></mjx-c></mjx-mi></mjx-script></mjx-msub></mjx-math></mjx-container>',
        'a $\\mathcal{O}_{S}$ b',
    ),
    '\\mathcal{O}_S svg': (
        '<mjx-container class="MathJax" jax="SVG"><svg style="vertical-align: -0.375ex;" xmlns="http://www.w3.org/2000/svg" width="3.021ex" height="1.97ex" role="img" focusable="false" viewBox="0 -705 1335.1 870.6"><g stroke="currentColor" fill="currentColor" stroke-width="0" transform="scale(1,-1)"><g data-mml-node="math"><g data-mml-node="msub"><g data-mml-node="TeXAtom" data-mjx-texclass="ORD"><g data-mml-node="mi"><path data-c="4F"></path></g></g><g data-mml-node="mi" transform="translate(829,-150) scale(0.707)"><path data-c="1D446"></path></g></g></g></g></svg></mjx-container>',
        'a $O_{S}$ b',
    ),
    '\\mathcal{O}_S chtml4': (
        '<mjx-container class="MathJax" jax="CHTML" overflow="overflow"><mjx-math class="NCM-N"><mjx-msub><mjx-TeXAtom texclass="ORD"><mjx-mi><mjx-c class="mjx-c1D442">𝑂</mjx-c></mjx-mi></mjx-TeXAtom><mjx-script style="vertical-align: -0.15em;"><mjx-mi size="s"><mjx-c class="mjx-c1D446">𝑆</mjx-c></mjx-mi></mjx-script></mjx-msub></mjx-math></mjx-container>',
        'a $O_{S}$ b',
    ),
    '\\mathcal{O}_S svg4': (
        '<mjx-container class="MathJax" jax="SVG" overflow="overflow"><svg style="vertical-align: -0.375ex;" xmlns="http://www.w3.org/2000/svg" width="2.946ex" height="1.97ex" role="img" focusable="false" viewBox="0 -705 1302.1 870.6"><g stroke="currentColor" fill="currentColor" stroke-width="0" transform="scale(1,-1)"><g data-mml-node="math"><g data-mml-node="msub"><g data-mml-node="TeXAtom" data-mjx-texclass="ORD"><g data-mml-node="mi"><path data-c="1D442"></path></g></g><g data-mml-node="mi" transform="translate(796,-150) scale(0.707)"><path data-c="1D446"></path></g></g></g></g></svg></mjx-container>',
        'a $O_{S}$ b',
    ),
    'p\\neq 2 katex_html': (
        '<span class="katex"><span class="katex-html" aria-hidden="true"><span class="katex-base"><span class="katex-strut" style="height:0.8889em;vertical-align:-0.1944em;"></span><span class="mord mathnormal">p</span><span class="mspace" style="margin-right:0.2778em;"></span><span class="mrel"><span class="mrel"><span class="mord katex-vbox"><span class="katex-thinbox"><span class="rlap"><span class="katex-strut" style="height:0.8889em;vertical-align:-0.1944em;"></span><span class="katex-inner"><span class="mord"><span class="mrel">\ue020</span></span></span><span class="katex-fix"></span></span></span></span></span><span class="mspace nobreak"></span><span class="mrel">=</span></span><span class="mspace" style="margin-right:0.2778em;"></span></span><span class="katex-base"><span class="katex-strut" style="height:0.6444em;"></span><span class="mord">2</span></span></span></span>',
        'a $p\\ne2$ b',
    ),
    'p\\neq 2 chtml': (
        '<mjx-container class="MathJax" jax="CHTML"><mjx-math class=" MJX-TEX"><mjx-mi class="mjx-i"><mjx-c class="mjx-c1D45D TEX-I"></mjx-c></mjx-mi><mjx-mo class="mjx-n" space="4"><mjx-c class="mjx-c2260"></mjx-c></mjx-mo><mjx-mn class="mjx-n" space="4"><mjx-c class="mjx-c32"></mjx-c></mjx-mn></mjx-math></mjx-container>',
        'a $p\\ne2$ b',
    ),
    'p\\neq 2 svg': (
        '<mjx-container class="MathJax" jax="SVG"><svg style="vertical-align: -0.486ex;" xmlns="http://www.w3.org/2000/svg" width="5.286ex" height="2.106ex" role="img" focusable="false" viewBox="0 -716 2336.6 931"><g stroke="currentColor" fill="currentColor" stroke-width="0" transform="scale(1,-1)"><g data-mml-node="math"><g data-mml-node="mi"><path data-c="1D45D"></path></g><g data-mml-node="mo" transform="translate(780.8,0)"><path data-c="2260"></path></g><g data-mml-node="mn" transform="translate(1836.6,0)"><path data-c="32"></path></g></g></g></svg></mjx-container>',
        'a $p\\ne2$ b',
    ),
    'p\\neq 2 chtml4': (
        '<mjx-container class="MathJax" jax="CHTML" overflow="overflow"><mjx-math breakable="true" class="NCM-N"><mjx-mi><mjx-c class="mjx-c1D45D">𝑝</mjx-c></mjx-mi><mjx-break size="4"> </mjx-break><mjx-mo><mjx-c class="mjx-c2260">≠</mjx-c></mjx-mo><mjx-mn space="4"><mjx-c class="mjx-c32">2</mjx-c></mjx-mn></mjx-math></mjx-container>',
        'a $p\\ne2$ b',
    ),
    'p\\neq 2 svg4': (
        '<mjx-container class="MathJax" jax="SVG" overflow="overflow"><svg style="vertical-align: -0.566ex;" xmlns="http://www.w3.org/2000/svg" width="1.138ex" height="2.262ex" role="img" focusable="false" viewBox="0 -750 503 1000"><g stroke="currentColor" fill="currentColor" stroke-width="0" transform="scale(1,-1)"><g data-mml-node="math"><g data-mml-node="mi"><path data-c="1D45D"></path></g></g></g></svg><mjx-break size="4"> </mjx-break><svg style="vertical-align: -0.566ex;" xmlns="http://www.w3.org/2000/svg" width="3.52ex" height="2.262ex" role="img" focusable="false" viewBox="0 -750 1555.8 1000"><g stroke="currentColor" fill="currentColor" stroke-width="0" transform="scale(1,-1)"><g data-mml-node="math"><g data-mml-node="mo"><path data-c="2260"></path></g><g data-mml-node="mn" transform="translate(1055.8,0)"><path data-c="32"></path></g></g></g></svg></mjx-container>',
        'a $p\\ne2$ b',
    ),
    'n \\pmod{p^s} katex_html': (
        '<span class="katex"><span class="katex-html" aria-hidden="true"><span class="katex-base"><span class="katex-strut" style="height:0.4306em;"></span><span class="mord mathnormal">n</span><span class="mspace allowbreak"></span><span class="mspace" style="margin-right:0.4444em;"></span></span><span class="katex-base"><span class="katex-strut" style="height:1em;vertical-align:-0.25em;"></span><span class="mopen">(</span><span class="mord"><span class="mord"><span class="mord mathrm">mod</span></span></span><span class="mspace" style="margin-right:0.3333em;"></span><span class="mord"><span class="mord mathnormal">p</span><span class="msupsub"><span class="vlist-t"><span class="vlist-r"><span class="vlist" style="height:0.6644em;"><span style="top:-3.063em;margin-right:0.05em;"><span class="pstrut" style="height:2.7em;"></span><span class="katex-sizing reset-size6 size3 mtight"><span class="mord mathnormal mtight">s</span></span></span></span></span></span></span></span><span class="mclose">)</span></span></span></span>',
        'a $n\\pmod{p^{s}}$ b',
    ),
    'n \\pmod{p^s} chtml': (
        '<mjx-container class="MathJax" jax="CHTML"><mjx-math class=" MJX-TEX"><mjx-mi class="mjx-i"><mjx-c class="mjx-c1D45B TEX-I"></mjx-c></mjx-mi><mjx-mspace style="width: 0.444em;"></mjx-mspace><mjx-mo class="mjx-n"><mjx-c class="mjx-c28"></mjx-c></mjx-mo><mjx-mi class="mjx-n"><mjx-c class="mjx-c6D"></mjx-c><mjx-c class="mjx-c6F"></mjx-c><mjx-c class="mjx-c64"></mjx-c></mjx-mi><mjx-mspace style="width: 0.333em;"></mjx-mspace><mjx-msup space="2"><mjx-mi class="mjx-i"><mjx-c class="mjx-c1D45D TEX-I"></mjx-c></mjx-mi><mjx-script style="vertical-align: 0.363em;"><mjx-mi class="mjx-i" size="s"><mjx-c class="mjx-c1D460 TEX-I"></mjx-c></mjx-mi></mjx-script></mjx-msup><mjx-mo class="mjx-n"><mjx-c class="mjx-c29"></mjx-c></mjx-mo></mjx-math></mjx-container>',
        'a $n\\pmod{p^{s}}$ b',
    ),
    'n \\pmod{p^s} svg': (
        '<mjx-container class="MathJax" jax="SVG"><svg style="vertical-align: -0.566ex;" xmlns="http://www.w3.org/2000/svg" width="11.602ex" height="2.262ex" role="img" focusable="false" viewBox="0 -750 5128.3 1000"><g stroke="currentColor" fill="currentColor" stroke-width="0" transform="scale(1,-1)"><g data-mml-node="math"><g data-mml-node="mi"><path data-c="1D45B"></path></g><g data-mml-node="mspace" transform="translate(600,0)"></g><g data-mml-node="mo" transform="translate(1044,0)"><path data-c="28"></path></g><g data-mml-node="mi" transform="translate(1433,0)"><path data-c="6D"></path><path data-c="6F" transform="translate(833,0)"></path><path data-c="64" transform="translate(1333,0)"></path></g><g data-mml-node="mspace" transform="translate(3322,0)"></g><g data-mml-node="msup" transform="translate(3821.7,0)"><g data-mml-node="mi"><path data-c="1D45D"></path></g><g data-mml-node="mi" transform="translate(536,363) scale(0.707)"><path data-c="1D460"></path></g></g><g data-mml-node="mo" transform="translate(4739.3,0)"><path data-c="29"></path></g></g></g></svg></mjx-container>',
        'a $n\\pmod{p^{s}}$ b',
    ),
    'n \\pmod{p^s} chtml4': (
        '<mjx-container class="MathJax" jax="CHTML" overflow="overflow"><mjx-math class="NCM-N"><mjx-mi><mjx-c class="mjx-c1D45B">𝑛</mjx-c></mjx-mi><mjx-mspace style="width: 0.444em;"></mjx-mspace><mjx-mo><mjx-c class="mjx-c28">(</mjx-c></mjx-mo><mjx-mi><mjx-c class="mjx-c6D" noic="true" style="padding-top: 0.694em;">m</mjx-c><mjx-c class="mjx-c6F" noic="true" style="padding-top: 0.694em;">o</mjx-c><mjx-c class="mjx-c64" style="padding-top: 0.694em;">d</mjx-c></mjx-mi><mjx-mspace style="width: 0.333em;"></mjx-mspace><mjx-msup space="2"><mjx-mi><mjx-c class="mjx-c1D45D">𝑝</mjx-c></mjx-mi><mjx-script style="vertical-align: 0.363em;"><mjx-mi size="s"><mjx-c class="mjx-c1D460">𝑠</mjx-c></mjx-mi></mjx-script></mjx-msup><mjx-mo><mjx-c class="mjx-c29">)</mjx-c></mjx-mo></mjx-math></mjx-container>',
        'a $n\\pmod{p^{s}}$ b',
    ),
    'n \\pmod{p^s} svg4': (
        '<mjx-container class="MathJax" jax="SVG" overflow="overflow"><svg style="vertical-align: -0.561ex;" xmlns="http://www.w3.org/2000/svg" width="11.602ex" height="2.253ex" role="img" focusable="false" viewBox="0 -748 5128.3 996"><g stroke="currentColor" fill="currentColor" stroke-width="0" transform="scale(1,-1)"><g data-mml-node="math"><g data-mml-node="mi"><path data-c="1D45B"></path></g><g data-mml-node="mspace" transform="translate(600,0)"></g><g data-mml-node="mo" transform="translate(1044,0)"><path data-c="28"></path></g><g data-mml-node="mi" transform="translate(1433,0)"><path data-c="6D"></path><path data-c="6F" transform="translate(833,0)"></path><path data-c="64" transform="translate(1333,0)"></path></g><g data-mml-node="mspace" transform="translate(3322,0)"></g><g data-mml-node="msup" transform="translate(3821.7,0)"><g data-mml-node="mi"><path data-c="1D45D"></path></g><g data-mml-node="mi" transform="translate(536,363) scale(0.707)"><path data-c="1D460"></path></g></g><g data-mml-node="mo" transform="translate(4739.3,0)"><path data-c="29"></path></g></g></g></svg></mjx-container>',
        'a $n\\pmod{p^{s}}$ b',
    ),
    '\\binom{4}{1} katex_html': (
        '<span class="katex"><span class="katex-html" aria-hidden="true"><span class="katex-base"><span class="katex-strut" style="height:1.2451em;vertical-align:-0.35em;"></span><span class="mord"><span class="mopen delimcenter" style="top:0em;"><span class="delimsizing size1">(</span></span><span class="mfrac"><span class="vlist-t vlist-t2"><span class="vlist-r"><span class="vlist" style="height:0.8951em;"><span style="top:-2.355em;"><span class="pstrut" style="height:2.7em;"></span><span class="katex-sizing reset-size6 size3 mtight"><span class="mord mtight"><span class="mord mtight">1</span></span></span></span><span style="top:-3.144em;"><span class="pstrut" style="height:2.7em;"></span><span class="katex-sizing reset-size6 size3 mtight"><span class="mord mtight"><span class="mord mtight">4</span></span></span></span></span><span class="vlist-s">\u200b</span></span><span class="vlist-r"><span class="vlist" style="height:0.345em;"><span></span></span></span></span></span><span class="mclose delimcenter" style="top:0em;"><span class="delimsizing size1">)</span></span></span></span></span></span>',
        'a $\\binom{4}{1}$ b',
    ),
    '\\binom{4}{1} chtml': (
        '<mjx-container class="MathJax" jax="CHTML"><mjx-math class=" MJX-TEX"><mjx-mrow><mjx-TeXAtom texclass="OPEN"><mjx-mo class="mjx-sop"><mjx-c class="mjx-c28 TEX-S1"></mjx-c></mjx-mo></mjx-TeXAtom><mjx-mfrac><mjx-frac style="vertical-align: -0.345em;" atop="true" delims="true"><mjx-num style="padding-bottom: 0.318em;"><mjx-mn class="mjx-n" size="s"><mjx-c class="mjx-c34"></mjx-c></mjx-mn></mjx-num><mjx-den><mjx-mn class="mjx-n" size="s"><mjx-c class="mjx-c31"></mjx-c></mjx-mn></mjx-den></mjx-frac></mjx-mfrac><mjx-TeXAtom texclass="CLOSE"><mjx-mo class="mjx-sop"><mjx-c class="mjx-c29 TEX-S1"></mjx-c></mjx-mo></mjx-TeXAtom></mjx-mrow></mjx-math></mjx-container>',
        'a $\\binom{4}{1}$ b',
    ),
    '\\binom{4}{1} svg': (
        '<mjx-container class="MathJax" jax="SVG"><svg style="vertical-align: -0.791ex;" xmlns="http://www.w3.org/2000/svg" width="2.872ex" height="2.878ex" role="img" focusable="false" viewBox="0 -922.7 1269.6 1272.2"><g stroke="currentColor" fill="currentColor" stroke-width="0" transform="scale(1,-1)"><g data-mml-node="math"><g data-mml-node="mrow"><g data-mml-node="TeXAtom" data-mjx-texclass="OPEN"><g data-mml-node="mo" transform="translate(0 -0.5)"><path data-c="28"></path></g></g><g data-mml-node="mfrac" transform="translate(458,0)"><g data-mml-node="mn" transform="translate(0,444) scale(0.707)"><path data-c="34"></path></g><g data-mml-node="mn" transform="translate(0,-345) scale(0.707)"><path data-c="31"></path></g></g><g data-mml-node="TeXAtom" data-mjx-texclass="CLOSE" transform="translate(811.6,0)"><g data-mml-node="mo" transform="translate(0 -0.5)"><path data-c="29"></path></g></g></g></g></g></svg></mjx-container>',
        'a $\\binom{4}{1}$ b',
    ),
    '\\binom{4}{1} chtml4': (
        '<mjx-container class="MathJax" jax="CHTML" overflow="overflow"><mjx-math class="NCM-N"><mjx-mrow><mjx-TeXAtom texclass="OPEN"><mjx-mo><mjx-c class="mjx-c28 NCM-S3">(</mjx-c></mjx-mo></mjx-TeXAtom><mjx-mfrac><mjx-frac style="vertical-align: -0.345em;" atop="true" delims="true"><mjx-num style="padding-bottom: 0.318em;"><mjx-mn size="s"><mjx-c class="mjx-c34">4</mjx-c></mjx-mn></mjx-num><mjx-den><mjx-mn size="s"><mjx-c class="mjx-c31">1</mjx-c></mjx-mn></mjx-den></mjx-frac></mjx-mfrac><mjx-TeXAtom texclass="CLOSE"><mjx-mo><mjx-c class="mjx-c29 NCM-S3">)</mjx-c></mjx-mo></mjx-TeXAtom></mjx-mrow></mjx-math></mjx-container>',
        'a $\\binom{4}{1}$ b',
    ),
    '\\binom{4}{1} svg4': (
        '<mjx-container class="MathJax" jax="SVG" overflow="overflow"><svg style="vertical-align: -1.068ex;" xmlns="http://www.w3.org/2000/svg" width="3.166ex" height="3.267ex" role="img" focusable="false" viewBox="0 -972 1399.6 1444"><g stroke="currentColor" fill="currentColor" stroke-width="0" transform="scale(1,-1)"><g data-mml-node="math"><g data-mml-node="mrow"><g data-mml-node="TeXAtom" data-mjx-texclass="OPEN"><g data-mml-node="mo"><path data-c="28"></path></g></g><g data-mml-node="mfrac" transform="translate(523,0)"><g data-mml-node="mn" transform="translate(0,444) scale(0.707)"><path data-c="34"></path></g><g data-mml-node="mn" transform="translate(0,-345) scale(0.707)"><path data-c="31"></path></g></g><g data-mml-node="TeXAtom" data-mjx-texclass="CLOSE" transform="translate(876.6,0)"><g data-mml-node="mo"><path data-c="29"></path></g></g></g></g></g></svg></mjx-container>',
        'a $\\binom{4}{1}$ b',
    ),
    '\\boxed{b} katex_html': (
        '<span class="katex"><span class="katex-html" aria-hidden="true"><span class="katex-base"><span class="katex-strut" style="height:1.3744em;vertical-align:-0.34em;"></span><span class="mord"><span class="vlist-t vlist-t2"><span class="vlist-r"><span class="vlist" style="height:1.0344em;"><span style="top:-3.3744em;"><span class="pstrut" style="height:3.3744em;"></span><span class="boxpad"><span class="mord"><span class="mord"><span class="mord mathnormal">b</span></span></span></span></span><span style="top:-3.0344em;"><span class="pstrut" style="height:3.3744em;"></span><span class="katex-stretchy fbox" style="height:1.3744em;border-style:solid;border-width:0.04em;"></span></span></span><span class="vlist-s">\u200b</span></span><span class="vlist-r"><span class="vlist" style="height:0.34em;"><span></span></span></span></span></span></span></span></span>',
        'a $\\boxed{b}$ b',
    ),
    '\\boxed{b} chtml': (
        '<mjx-container class="MathJax" jax="CHTML"><mjx-math class=" MJX-TEX"><mjx-menclose><mjx-box style="border: 0.067em solid; padding: 0.2em;"><mjx-TeXAtom texclass="ORD"><mjx-mstyle><mjx-TeXAtom texclass="ORD"><mjx-mi class="mjx-i"><mjx-c class="mjx-c1D44F TEX-I"></mjx-c></mjx-mi></mjx-TeXAtom></mjx-mstyle></mjx-TeXAtom></mjx-box></mjx-menclose></mjx-math></mjx-container>',
        'a $\\boxed{b}$ b',
    ),
    '\\boxed{b} svg': (
        '<mjx-container class="MathJax" jax="SVG"><svg style="vertical-align: -0.629ex;" xmlns="http://www.w3.org/2000/svg" width="2.179ex" height="2.803ex" role="img" focusable="false" viewBox="0 -961 963 1239"><g stroke="currentColor" fill="currentColor" stroke-width="0" transform="scale(1,-1)"><g data-mml-node="math"><g data-mml-node="menclose"><g transform="translate(267, 0)"><g data-mml-node="TeXAtom" data-mjx-texclass="ORD"><g data-mml-node="mstyle"><g data-mml-node="TeXAtom" data-mjx-texclass="ORD"><g data-mml-node="mi"><path data-c="1D44F"></path></g></g></g></g></g><rect x="33.5" y="-244.5" width="896" height="1172" fill="none" stroke-width="67"></rect></g></g></g></svg></mjx-container>',
        'a $\\boxed{b}$ b',
    ),
    '\\boxed{b} chtml4': (
        '<mjx-container class="MathJax" jax="CHTML" overflow="overflow"><mjx-math class="NCM-N"><mjx-menclose><mjx-box style="border: 0.067em solid; padding: 0.2em;"><mjx-TeXAtom texclass="ORD"><mjx-mstyle><mjx-TeXAtom texclass="ORD"><mjx-mi><mjx-c class="mjx-c1D44F">𝑏</mjx-c></mjx-mi></mjx-TeXAtom></mjx-mstyle></mjx-TeXAtom></mjx-box></mjx-menclose></mjx-math></mjx-container>',
        'a $\\boxed{b}$ b',
    ),
    '\\boxed{b} svg4': (
        '<mjx-container class="MathJax" jax="SVG" overflow="overflow"><svg style="vertical-align: -0.629ex;" xmlns="http://www.w3.org/2000/svg" width="2.179ex" height="2.803ex" role="img" focusable="false" viewBox="0 -961 963 1239"><g stroke="currentColor" fill="currentColor" stroke-width="0" transform="scale(1,-1)"><g data-mml-node="math"><g data-mml-node="menclose"><g transform="translate(267, 0)"><g data-mml-node="TeXAtom" data-mjx-texclass="ORD"><g data-mml-node="mstyle"><g data-mml-node="TeXAtom" data-mjx-texclass="ORD"><g data-mml-node="mi"><path data-c="1D44F"></path></g></g></g></g></g><rect x="33.5" y="-244.5" width="896" height="1172" fill="none" stroke-width="67"></rect></g></g></g></svg></mjx-container>',
        'a $\\boxed{b}$ b',
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DRAWN)
def test_a_drawn_formula_is_read_back(name: str) -> None:
    html, expected = DRAWN[name]
    assert extract_html(f"<html><body><p>a {html} b</p></body></html>".encode()).text == expected


def test_a_drawing_larger_than_any_formula_is_left_out_at_once() -> None:
    page = '<p>a <span class="katex">' + '<span class="vlist-t"><span class="vlist">x</span>' * 60_000
    assert extract_html(page.encode()).text == "a"
