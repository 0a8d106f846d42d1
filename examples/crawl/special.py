# ruff: noqa: E501 (running text and HTML are not broken)
"""Pages that should not come through: blocked, in other languages, broken, mislabelled, cut; and records beside pages.

Each function yields pages or, where HTTP itself is odd, `Raw` records with what should become of them.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from . import articles
from .page import Page, parse_blocks
from .sites import Site, render

CASINO = Site(
    "casino.example", "Lucky Palace", "en", "portal", ("Slots", "Roulette", "Bonus"), tagline="18+ Play responsibly"
)


@dataclass(frozen=True)
class Raw:
    """A record whose HTTP response is not a plain page.

    outcome: kept, dropped, quarantined or skipped. stage, reason: of the drop. payload, content_type, status, headers:
    of the response. cut: bytes removed from the end of the payload after Content-Length has been written.
    """

    url: str
    family: str
    lang: str
    payload: bytes
    content_type: str
    outcome: str
    stage: str | None = None
    reason: str | None = None
    status: str = "200 OK"
    headers: tuple[tuple[str, str], ...] = ()
    cut: int = 0
    corrupt: bool = False
    page: Page | None = None


_SPAM = (
    ("en", "Welcome bonus explained", r"""
# Welcome bonus: double your first deposit

Register today and receive a bonus of 100% up to \$500 on your first deposit, plus 50 free spins on the Pharaoh machine. The probability of the jackpot is one in 8 million, yet last month somebody from the valley won \$1,204,330!

Our mathematicians recommend the martingale: after each loss double your stake. With a bank of \$1000 you survive nine losses in a row."""),
    ("en", "Roulette systems", r"""
# Roulette systems that the house fears

Every number pays 35 to 1. Bet on red, wait for the ball, and multiply. Thousands of happy customers cannot be wrong: 97.3% of every dollar comes back to the players, which is better than any savings account."""),
    ("en", "VIP club", r"""
# Five steps to the VIP club

Collect points with each spin. At 10,000 points you become Silver, at 50,000 Gold, and from 200,000 points your personal manager calls you every week with an exclusive offer."""),
    ("zh", "新人礼包", r"""
# 注册即送新人礼包

首次存款双倍返还，最高可得五千元，另送免费旋转五十次。每日登录抽奖，累积积分兑换豪华礼品，客服二十四小时在线，存取款秒到账。"""),
)  # fmt: skip


def blocked() -> Iterator[Page]:
    """Spam on a domain that the recipe's blocklist names, its subdomain included."""
    for i, (lang, slug, source) in enumerate(_SPAM):
        host = CASINO.host if i % 2 == 0 else f"www.{CASINO.host}"
        site = replace(CASINO, host=host, lang=lang)
        page = Page(
            site.url(f"p/{i + 1}"),
            "blocked",
            lang,
            parse_blocks(source),
            math=False,
            home=site,
            related=(slug,),
        )
        yield page.dropped("blocklist", "blocked_domain")


_FOREIGN = (
    ("de", "mathe.example", "Binomische Formeln", "tex_paren", r"""
# Die binomischen Formeln

Wer mit Klammern rechnet, begegnet immer wieder denselben drei Umformungen. Die erste lautet $(a+b)^2=a^2+2ab+b^2$, die zweite unterscheidet sich nur durch das Vorzeichen des mittleren Gliedes, und die dritte verwandelt ein Produkt in eine Differenz: $(a+b)(a-b)=a^2-b^2$.

Man kann sie sich anschaulich merken: Ein Quadrat mit der Seite $a+b$ zerfällt in zwei kleinere Quadrate und zwei gleiche Rechtecke. Mit ihrer Hilfe rechnet man auch im Kopf, zum Beispiel $51^2=2500+100+1=2601$ oder $98\cdot 102=10000-4=9996$."""),
    ("de", "wanderwege.example", "Wanderung zum See", None, r"""
# Rundwanderung zum Schwarzen See

Der Weg beginnt am Parkplatz hinter der alten Mühle und führt zunächst gemächlich durch einen lichten Buchenwald. Nach etwa einer halben Stunde öffnet sich der Blick auf die gegenüberliegenden Hänge, an denen im Herbst die Lärchen leuchten. Am See laden mehrere Bänke zur Rast ein; die Hütte hat von Mai bis Oktober geöffnet und ist für ihren Apfelkuchen bekannt. Für den Rückweg empfehlen wir den schmalen Pfad entlang des Baches, der allerdings nach starkem Regen rutschig sein kann."""),
    ("fr", "cours.example", "Les suites arithmétiques", "tex_dollar", r"""
# Les suites arithmétiques

On dit qu'une suite est arithmétique lorsque chaque terme s'obtient en ajoutant au précédent un même nombre, appelé la raison. Si $r$ désigne la raison, on a donc $u_{n+1}=u_n+r$ et, par récurrence, $u_n=u_0+nr$.

La somme des premiers termes se calcule en regroupant le premier avec le dernier, le deuxième avec l'avant-dernier, et ainsi de suite : $$S=\frac{n(u_1+u_n)}{2}.$$ On raconte que le jeune Gauss aurait trouvé cette formule à l'école pour additionner les entiers de un à cent."""),
    ("fr", "recettes.example", "Tarte aux poireaux", None, r"""
# Tarte aux poireaux de ma grand-mère

Commencez par préparer la pâte la veille, car elle se travaille beaucoup mieux après une nuit au frais. Lavez soigneusement les poireaux, coupez-les en fines rondelles et faites-les fondre doucement dans une noix de beurre pendant une vingtaine de minutes. Battez les œufs avec la crème, salez, poivrez et ajoutez une pincée de muscade. Versez le tout sur le fond de tarte et laissez cuire jusqu'à ce que la surface soit bien dorée. Servez tiède avec une salade verte."""),
    ("ru", "zadachi.example", "Квадратные уравнения", "tex_paren", r"""
# Квадратные уравнения и теорема Виета

Уравнение вида $ax^2+bx+c=0$, где $a\neq 0$, называется квадратным. Число его корней зависит от дискриминанта $D=b^2-4ac$: если он положителен, корней два, если равен нулю, корень один, а при отрицательном дискриминанте действительных корней нет.

Теорема Виета утверждает, что сумма корней приведённого уравнения равна второму коэффициенту, взятому с противоположным знаком, а произведение корней равно свободному члену: $x_1+x_2=-p$ и $x_1x_2=q$. С её помощью корни часто удаётся подобрать устно."""),
    ("ru", "gorod.example", "Городская ярмарка", None, r"""
# В субботу откроется городская ярмарка

Жителей и гостей города приглашают на центральную площадь, где с девяти утра будут работать палатки с овощами, мёдом, сыром и домашней выпечкой. Для детей подготовят представление кукольного театра и мастер-класс по лепке из глины. Вечером выступит духовой оркестр, а после захода солнца зрители увидят световое шоу на фасаде библиотеки. Организаторы просят воспользоваться общественным транспортом, поскольку соседние улицы будут закрыты для автомобилей."""),
    ("ja", "suugaku.example", "三平方の定理", "tex_paren", r"""
# 三平方の定理とその利用

直角三角形の直角をはさむ二辺の長さを$a$、$b$とし、斜辺の長さを$c$とすると、いつでも$a^2+b^2=c^2$という関係が成り立ちます。これを三平方の定理といい、ピタゴラスの定理とも呼ばれています。

たとえば、縦が$5$、横が$12$の長方形の対角線の長さを求めてみましょう。対角線の長さを$x$とすると$x^2=25+144=169$となり、$x$は正の数なので$x=13$と分かります。座標平面上の二点の距離も、この定理を使って計算することができます。"""),
    ("ja", "ryokou.example", "温泉の旅", None, r"""
# 山あいの静かな温泉へ

週末を利用して、列車とバスを乗り継ぎ、山あいの小さな温泉町を訪ねました。駅前の食堂で名物のそばを食べてから、川沿いの道をゆっくり歩いて宿へ向かいます。露天風呂からは色づき始めた山々が見え、耳に入るのは水の音と鳥の声だけでした。夕食には地元でとれた山菜や川魚が並び、どれも素朴でやさしい味わいです。翌朝は早起きをして朝市をのぞき、漬物とりんごをおみやげに買いました。"""),
)  # fmt: skip


def foreign() -> Iterator[Page]:
    """Math and other pages in German, French, Russian and Japanese."""
    for lang, host, name, encoding, source in _FOREIGN:
        site = Site(host, name, lang, "old", ("A", "B", "C"), encoding=encoding, tagline=name)
        page = Page(
            site.url("index.html"),
            "foreign",
            lang,
            parse_blocks(source),
            encoding=encoding,
            math=encoding is not None,
            home=site,
        )
        yield page.dropped("language", "other_language")


def png(width: int, height: int) -> bytes:
    """A small grey picture, written by hand."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = b"".join(b"\x00" + bytes((x * 7 + y * 13) % 256 for x in range(width)) for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


_PDF = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [] /Count 0 >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n"

_CHARSET = {
    "utf8-called-latin1": ("en", "text/html; charset=iso-8859-1", "utf-8", r"""
# Möbius strips and the sign of a number

August Möbius is known for his one-sided strip, but number theorists cherish his function. It assigns to $n=p_1p_2\cdots p_k$ with distinct primes the value $\mu(n)=(-1)^k$, and zero to every number that a square greater than one divides. Its sum over all divisors, $\sum_{d\mid n}\mu(d)$, vanishes unless $n=1$.

From this comes the formula of inversion: if $g(n)=\sum_{d\mid n}f(d)$, then $f(n)=\sum_{d\mid n}\mu(d)g\left(\frac nd\right)$. Erdős, Pólya and Szegő proved many results with it – “naïve” counting is turned into exact counting."""),
    "gbk-declared": ("zh", "text/html; charset=gbk", "gbk", r"""
# 十字相乘法的步骤

十字相乘法是分解二次三项式的常用方法。对于$x^2+px+q$，如果能找到两个整数$a$、$b$，使得$ab=q$，$a+b=p$，那么$x^2+px+q=(x+a)(x+b)$。例如$x^2-x-12=(x-4)(x+3)$，因为$-4$与$3$的积是$-12$，和是$-1$。

当二次项系数不是$1$时，要把二次项系数也分解成两个因数的积，写成上下两行，交叉相乘再相加，凑出一次项的系数。例如$2x^2+7x+3=(2x+1)(x+3)$。熟练以后可以口算完成，但是一定要展开检验一遍，防止符号出错。"""),
    "gbk-undeclared": ("zh", "text/html", "gbk", r"""
# 角平分线定理的证明

三角形内角的平分线把对边分成两条线段，这两条线段的比等于夹这个角的两边的比。设$AD$是$\triangle ABC$的角平分线，点$D$在$BC$上，我们来证明$\frac{BD}{DC}=\frac{AB}{AC}$。

过点$C$作$AD$的平行线，交$BA$的延长线于点$E$。由平行线的性质，$\angle ACE=\angle CAD$，$\angle AEC=\angle BAD$，而$AD$平分$\angle BAC$，所以$\angle ACE=\angle AEC$，从而$AE=AC$。再由平行线分线段成比例，$\frac{BD}{DC}=\frac{BA}{AE}=\frac{AB}{AC}$。

这个定理还可以用面积来证明：点$D$到两边的距离相等，所以两个小三角形的面积之比等于$AB$与$AC$的比，同时又等于$BD$与$DC$的比。"""),
}  # fmt: skip


def charsets() -> Iterator[Raw]:
    """Math pages whose character set is mislabelled or has to be detected."""
    for slug, (lang, content_type, charset, source) in _CHARSET.items():
        site = Site("charsets.example", "Old pages", lang, "old", ("Index",), encoding="tex_paren", tagline="1999-2026")
        page = articles.article(site, slug, source, "charsets")
        html = render(page)
        declared = "charset=gbk" if slug == "gbk-declared" else "charset=utf-8"
        meta = '<META HTTP-EQUIV="Content-Type" CONTENT="text/html; charset=utf-8">'
        html = html.replace(meta, "" if slug != "gbk-declared" else meta.replace("charset=utf-8", declared))
        yield Raw(page.url, "charsets", lang, html.encode(charset), content_type, "kept", page=page)


def broken(sound: list[Page]) -> Iterator[Raw]:
    """Responses that are no pages, or only part of one. sound: pages to cut and to damage."""
    url = "https://broken.example/"
    utf8 = "text/html; charset=utf-8"
    shell = "<!DOCTYPE html>\n<html><head><title>Loading…</title><script>app.mount('#root')</script></head><body><div id=\"root\"></div></body></html>\n"
    yield Raw(url + "empty", "broken", "en", b"", utf8, "dropped", "read", "empty")
    yield Raw(url + "app", "broken", "en", shell.encode(), utf8, "dropped", "extract", "empty_text")
    yield Raw(url + "figure.png", "broken", "en", png(48, 32), "image/png", "dropped", "read", "not_html")
    yield Raw(url + "sheet.pdf", "broken", "en", _PDF, "application/pdf", "dropped", "read", "not_html")
    yield Raw(url + "picture-as-html", "broken", "en", png(64, 64), utf8, "dropped", "extract", "not_html")
    missing = b"<html><head><title>404 Not Found</title></head><body><h1>Not Found</h1><p>The requested URL was not found on this server.</p></body></html>"
    yield Raw(url + "gone", "broken", "en", missing, utf8, "dropped", "read", "http_status", status="404 Not Found")
    failed = b"<html><body><h1>502 Bad Gateway</h1><p>Try $x$ again later.</p></body></html>"
    yield Raw(url + "busy", "broken", "en", failed, utf8, "dropped", "read", "http_status", status="502 Bad Gateway")
    moved = (("Location", url + "new"),)
    yield Raw(
        url + "old",
        "broken",
        "en",
        b"",
        utf8,
        "dropped",
        "read",
        "http_status",
        status="301 Moved Permanently",
        headers=moved,
    )
    truncated, cut, damaged = sound
    html = render(truncated).encode()
    yield Raw(truncated.url, "broken", truncated.lang, html[: html.rindex(b"</p>") + 4], utf8, "kept", page=truncated)
    html = render(cut).encode()
    yield Raw(cut.url, "broken", cut.lang, html, utf8, "kept", cut=len(html) - html.rindex(b"</main>"), page=cut)
    html = render(damaged).encode()
    yield Raw(
        damaged.url,
        "broken",
        damaged.lang,
        html,
        utf8,
        "quarantined",
        "read",
        "corrupt_member",
        corrupt=True,
        page=damaged,
    )
