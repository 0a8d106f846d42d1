r"""The commands that KaTeX knows, by the arguments that they take and the places where they may stand.

Made from the tables of KaTeX 0.19.1 (MIT licence, Khan Academy and other contributors, https://katex.org) by parsing
every one of them in each place. A key is ARGUMENTS:PLACES. Arguments, in order: `a` a group, `p` a group or a command
with its own arguments, `t` text, `m` math, `c` a colour, `s` a size, `r` anything in braces, `d` a delimiter; in
brackets and optional: `A` a group, `S` a size, `R` anything, `Q` the degree of a root. Places: `M` math, `T` text,
`A` as a script or an argument without braces, `L` before `\\limits`, `D` after `\\left`; `I` divides its group, as `\\over`.
"""

# ruff: noqa: E501

COMMANDS = {
    ":M": r"""
        approxcolon approxcoloncolon bmod dotsi iff impliedby implies minuso ratio simcolon simcoloncolon vcentcolon
    """,
    ":MA": r"""
        Alpha And Bbbk Beta Box Bumpeq Cap Chi Colonapprox Coloneq Coloneqq Colonsim Complex Cup Dagger Delta Diamond
        Doteq Epsilon Eqcolon Eqqcolon Eta Finv Game Gamma Harr Im Iota Join Kappa Lambda Larr Leftarrow Leftrightarrow
        Lleftarrow Longleftarrow Longleftrightarrow Longrightarrow Lrarr Lsh Mu N Nu Omega Omicron Phi Pi Psi R Rarr Re
        Reals Rho Rightarrow Rrightarrow Rsh Sigma Subset Supset Tau Theta Upsilon Vdash Vvdash Xi Z Zeta alef alefsym
        aleph allowbreak alpha amalg angle angln approx approxeq ast asymp backepsilon backprime backsim backsimeq
        barwedge because beta beth between bigcirc bigstar bigtriangledown bigtriangleup blacklozenge blacksquare
        blacktriangle blacktriangledown blacktriangleleft blacktriangleright bot bowtie boxdot boxminus boxplus boxtimes
        bull bullet bumpeq cap cdot cdotp cdots centerdot chi circ circeq circlearrowleft circlearrowright circledS
        circledast circledcirc circleddash clubs clubsuit cnums colon colonapprox coloncolon coloncolonapprox
        coloncolonequals coloncolonminus coloncolonsim coloneq coloneqq colonequals colonminus colonsim complement cong
        cup curlyeqprec curlyeqsucc curlyvee curlywedge curvearrowleft curvearrowright dagger daleth dashleftarrow
        dashrightarrow dashv dblcolon ddagger ddots delta diagdown diagup diamond diamonds diamondsuit digamma div
        divideontimes doteq doteqdot dotplus dotsb dotsm doublebarwedge doublecap doublecup downdownarrows
        downharpoonleft downharpoonright ell empty emptyset epsilon eqcirc eqcolon eqqcolon eqsim eqslantgtr eqslantless
        equalscolon equalscoloncolon equiv eta eth exist exists fallingdotseq flat forall frown gamma ge geq geqq
        geqslant gets gg ggg gggtr gimel gnapprox gneq gneqq gnsim gtrapprox gtrdot gtreqless gtreqqless gtrless gtrsim
        gvertneqq hArr harr hbar hearts heartsuit hookleftarrow hookrightarrow hslash image imageof imath in infin infty
        intercal iota isin jmath kappa lArr lBrace lambda land larr ldotp le leadsto leftarrow leftarrowtail
        leftharpoondown leftharpoonup leftleftarrows leftrightarrow leftrightarrows leftrightharpoons
        leftrightsquigarrow leftthreetimes leq leqq leqslant lessapprox lessdot lesseqgtr lesseqqgtr lessgtr lesssim lhd
        ll llbracket llcorner lll llless lnapprox lneq lneqq lnot lnsim longleftarrow longleftrightarrow longmapsto
        longrightarrow looparrowleft looparrowright lor lozenge lrArr lrarr lrcorner ltimes lvertneqq mapsfrom mapsto
        mathellipsis mathsterling measuredangle mho mid minuscolon minuscoloncolon models mp mu multimap nLeftarrow
        nLeftrightarrow nRightarrow nVDash nVdash nabla natnums natural ncong ne nearrow neg neq nexists ngeq ngeqq
        ngeqslant ngtr ni nleftarrow nleftrightarrow nleq nleqq nleqslant nless nmid nobreak not notin notni nparallel
        nprec npreceq nrightarrow nshortmid nshortparallel nsim nsubseteq nsubseteqq nsucc nsucceq nsupseteq nsupseteqq
        ntriangleleft ntrianglelefteq ntriangleright ntrianglerighteq nu nvDash nvdash nwarrow odot omega omicron ominus
        oplus origof oslash otimes owns parallel partial perp phi pi pitchfork plusmn pm prec precapprox preccurlyeq
        preceq precnapprox precneqq precnsim precsim prime propto psi rArr rBrace rarr real reals restriction rhd rho
        rightarrow rightarrowtail rightharpoondown rightharpoonup rightleftarrows rightleftharpoons rightrightarrows
        rightsquigarrow rightthreetimes risingdotseq rrbracket rtimes sdot searrow setminus sharp shortmid shortparallel
        sigma sim simeq smallfrown smallsetminus smallsmile smile spades spadesuit sphericalangle sqcap sqcup sqsubset
        sqsubseteq sqsupset sqsupseteq square star sub sube subset subseteq subseteqq subsetneq subsetneqq succ
        succapprox succcurlyeq succeq succnapprox succneqq succnsim succsim supe supset supseteq supseteqq supsetneq
        supsetneqq surd swarrow tau therefore theta thetasym thickapprox thicksim times to top triangle triangledown
        triangleleft trianglelefteq triangleq triangleright trianglerighteq twoheadleftarrow twoheadrightarrow ulcorner
        unlhd unrhd upharpoonleft upharpoonright uplus upsilon upuparrows urcorner vDash varDelta varGamma varLambda
        varOmega varPhi varPi varPsi varSigma varTheta varUpsilon varXi varepsilon varkappa varnothing varphi varpi
        varpropto varrho varsigma varsubsetneq varsubsetneqq varsupsetneq varsupsetneqq vartheta vartriangle
        vartriangleleft vartriangleright vdash vee veebar wedge weierp wp wr xi zeta
    """,
    ":MAD": r"""
        Darr Downarrow Uarr Uparrow Updownarrow Vert backslash dArr darr downarrow gt lVert lang langle lbrace lceil
        lfloor lgroup lmoustache lparen lt lvert rVert rang rangle rbrace rceil rfloor rgroup rmoustache rparen rvert
        uArr uarr uparrow updownarrow vert |
    """,
    ":MAL": r"""
        iiint iint int oiiint oiint oint
    """,
    ":MI": r"""
        atop brace brack choose over
    """,
    ":ML": r"""
        Pr arccos arcctg arcsin arctan arctg arg argmax argmin bigcap bigcup bigodot bigoplus bigotimes bigsqcup
        biguplus bigvee bigwedge ch coprod cos cosec cosh cot cotg coth csc ctg cth deg det dim exp gcd hom inf injlim
        intop ker lg lim liminf limsup ln log max min plim prod projlim sec sh sin sinh smallint sum sup tan tanh tg th
        varinjlim varliminf varlimsup varprojlim
    """,
    ":MT": r"""
        ! , : ; > AA DOTSB DOTSI DOTSX Huge LARGE Large aa bf cal displaystyle enskip enspace expandafter footnotesize
        huge it large mathstrut medspace negmedspace negthickspace negthinspace newline noexpand nonumber normalsize
        notag qquad quad relax rm rq scriptscriptstyle scriptsize scriptstyle sf sixptsize small textstyle thickspace
        thinspace tiny tt
    """,
    ":MTA": r"""
          # $ % & KaTeX LaTeX P S TeX _ checkmark circledR copyright dag ddag degree dots dotsc dotso dotsx ldots lq
        maltese nobreakspace ordinarycolon pounds sect space textcopyright textregistered varvdots vdots yen
    """,
    ":MTAD": r"""
        lbrack rbrack { }
    """,
    ":T": r"""
        AE O OE ae i j o oe ss textasciicircum textasciitilde textbackslash textbar textbardbl textbraceleft
        textbraceright textdagger textdaggerdbl textdegree textdollar textellipsis textemdash textendash textgreater
        textless textquotedblleft textquotedblright textquoteleft textquoteright textsterling textunderscore
    """,
    "Aa:M": r"""
        xLeftarrow xLeftrightarrow xRightarrow xhookleftarrow xhookrightarrow xleftarrow xleftequilibrium
        xleftharpoondown xleftharpoonup xleftrightarrow xleftrightharpoons xlongequal xmapsto xrightarrow
        xrightequilibrium xrightharpoondown xrightharpoonup xrightleftarrows xrightleftharpoons xtofrom
        xtwoheadleftarrow xtwoheadrightarrow
    """,
    "Aa:MT": r"""
        smash
    """,
    "Qa:M": r"""
        sqrt
    """,
    "Rr:M": r"""
        includegraphics
    """,
    "Sss:MT": r"""
        rule
    """,
    "a:M": r"""
        Bra Braket Ket Overrightarrow Set acute bar bcancel bm boldsymbol bra braket breve cancel check ddot dot grave
        hat ket mathring overbrace overbracket overgroup overleftarrow overleftharpoon overleftrightarrow overline
        overlinesegment overrightarrow overrightharpoon phase substack tilde underbrace underbracket undergroup
        underleftarrow underleftrightarrow underlinesegment underrightarrow utilde vcenter vec widecheck widehat
        widetilde xcancel
    """,
    "a:MA": r"""
        Bbb bold ddddot dddot frak mathbb mathbf mathcal mathfrak mathit mathnormal mathrm mathscr mathsf mathsfit
        mathtt mod pmod pod
    """,
    "a:ML": r"""
        operatornamewithlimits
    """,
    "a:MT": r"""
        blue blueA blueB blueC blueD blueE boxed clap goldA goldB goldC goldD goldE gray grayA grayB grayC grayD grayE
        grayF grayG grayH grayI green greenA greenB greenC greenD greenE hphantom kaBlue kaGreen llap maroonA maroonB
        maroonC maroonD maroonE mathclap mathllap mathrlap mintA mintB mintC orange phantom pink pmb purple purpleA
        purpleB purpleC purpleD purpleE red redA redB redC redD redE rlap sout tealA tealB tealC tealD tealE underbar
        underline vphantom
    """,
    "a:MTAD": r"""
        set
    """,
    "aa:M": r"""
        overset stackrel underset
    """,
    "aa:MA": r"""
        binom cfrac dbinom dfrac frac tbinom tfrac
    """,
    "c:MT": r"""
        color
    """,
    "ca:MT": r"""
        textcolor
    """,
    "cct:MT": r"""
        fcolorbox
    """,
    "ct:MT": r"""
        colorbox
    """,
    "d:M": r"""
        Big Bigg Biggl Biggm Biggr Bigl Bigm Bigr big bigg biggl biggm biggr bigl bigm bigr
    """,
    "m:M": r"""
        mathreflectbox
    """,
    "mmstmm:MA": r"""
        genfrac
    """,
    "p:M": r"""
        mathbin mathclose mathinner mathopen mathord mathpunct mathrel
    """,
    "p:ML": r"""
        mathop
    """,
    "p:MT": r"""
        " ' . = H ^ ` c r textcircled u v ~
    """,
    "pppp:M": r"""
        mathchoice
    """,
    "r:MT": r"""
        url
    """,
    "ra:MT": r"""
        href htmlClass htmlData htmlId htmlStyle
    """,
    "s:MI": r"""
        above
    """,
    "s:MT": r"""
        hskip kern mkern mskip
    """,
    "st:MT": r"""
        raisebox
    """,
    "t:M": r"""
        angl
    """,
    "t:MT": r"""
        fbox hbox reflectbox
    """,
    "t:MTA": r"""
        emph text textbf textit textmd textnormal textrm textsf texttt textup
    """,
}

SPECIAL = {
    "begin::M": "begin",
    "end::M": "end",
    "left::M": "left",
    "right::M": "right",
    "middle::M": "middle",
    "new row::MT": r"\ newline",
    "cr::M": "cr",
    "rule::MT": "hline hdashline",
    "limits::M": "limits nolimits",
    "definition::MT": "def gdef edef xdef let futurelet global long newcommand renewcommand providecommand TextOrMath",
    "verbatim::MT": "verb",
    "open math::T": "(",
    "close math::MT": ")",
    "open group::MT": "begingroup bgroup",
    "close group::MT": "endgroup egroup",
    "tag:t:MT": "tag",
    "starred:a:ML": "operatorname",
    "starred:s:MT": "hspace",
    "code point::MT": "char",
}
r"""What is more than its arguments, as KIND:ARGUMENTS:PLACES. A formula that defines commands is not looked at further."""

ENVIRONMENTS = {
    "": "matrix pmatrix bmatrix Bmatrix vmatrix Vmatrix smallmatrix cases dcases rcases drcases aligned gathered",
    "option": "matrix* pmatrix* bmatrix* Bmatrix* vmatrix* Vmatrix*",
    "columns": "array darray subarray",
    "two": "split",
    "number": "alignedat",
    "display numbered": "align align* gather gather*",
    "display numbered one": "equation equation*",
    "display numbered number": "alignat alignat*",
    "display diagram": "CD",
}
"""`display`: not in a line of text. `one`, `two`: columns at most. Others: what follows the name."""
