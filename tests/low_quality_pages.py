"""Pages that nobody wants to learn from, made from a seed, in English and Chinese, each with the reasons that fit it.

They were written from what such pages look like, not from what `curation/quality.py` looks for: the words are other
ones where the kind allows it.
"""

import random
import string
from collections.abc import Iterator
from typing import NamedTuple


class LowQualityPage(NamedTuple):
    """A text, its language, the family that it is one of, and the reasons for which it may be dropped."""

    family: str
    lang: str
    text: str
    reasons: tuple[str, ...]


REPEATS = ("repeated_lines", "repeated_5_grams", "repeated_10_grams", "top_2_gram", "top_3_gram", "top_4_gram")
NO_PROSE = ("few_distinct_words", "few_stop_words_en", "few_stop_words_zh", *REPEATS)

SENTENCES = {
    "en": [
        "A prime number has exactly two divisors, one and itself.",
        "The proof proceeds by induction on the number of edges of the graph.",
        "Every bounded sequence of real numbers has a convergent subsequence.",
        "To solve the equation, we first bring all terms to the left side.",
        "The area of a triangle is half the product of its base and its height.",
        "If two lines are parallel, then the alternate angles are equal.",
        "A function that is differentiable at a point is continuous there.",
        "We can now compare the coefficients on both sides and find the unknowns.",
        "The mean of a sample is an unbiased estimate of the mean of the population.",
        "Since the determinant does not vanish, the matrix has an inverse.",
        "Let us choose a basis in which the operator is diagonal.",
        "The remainder of the division tells us which class the integer is in.",
    ],
    "zh": [
        "一个质数恰好有两个因数，就是一和它本身。",
        "我们对图的边数进行归纳，从而证明这个结论。",
        "每一个有界的实数数列都有收敛的子列。",
        "解这个方程时，我们先把所有的项移到左边。",
        "三角形的面积等于底与高的乘积的一半。",
        "如果两条直线平行，那么它们的内错角相等。",
        "函数在一点可导，则它在这一点必定连续。",
        "比较等式两边的系数，就可以求出未知的数。",
        "样本的平均数是总体平均数的无偏估计。",
        "因为行列式不等于零，所以这个矩阵可逆。",
        "我们选取一组基，使得这个算子成为对角的。",
        "除法所得的余数告诉我们这个整数属于哪一类。",
    ],
}
KEYWORDS = {
    "en": [
        "calculator",
        "algebra",
        "solver",
        "fractions",
        "worksheet",
        "printable",
        "tutoring",
        "grade",
        "geometry",
        "homework",
        "answers",
        "pdf",
        "download",
        "free",
        "online",
        "quiz",
        "exam",
        "practice",
        "test",
        "prep",
        "ged",
        "sat",
        "act",
        "calculus",
        "statistics",
        "tutor",
        "cheap",
        "best",
        "review",
        "kids",
        "games",
        "puzzle",
        "college",
        "university",
        "scholarship",
        "degree",
        "laptop",
        "software",
        "app",
        "video",
        "lesson",
        "plan",
        "teacher",
        "classroom",
    ],
    "zh": [
        "奥数",
        "试卷",
        "答案",
        "下载",
        "免费",
        "初中",
        "高中",
        "小学",
        "培训班",
        "家教",
        "辅导",
        "数学题库",
        "电子版",
        "期末",
        "真题",
        "教案",
        "课件",
        "视频",
        "名师",
        "冲刺",
        "押题",
        "北京",
        "上海",
        "广州",
        "深圳",
        "价格",
        "排名",
        "哪家好",
        "电话",
        "地址",
        "补习",
        "网课",
        "打印",
    ],
}
CITIES = [
    "London",
    "Paris",
    "Austin",
    "Boston",
    "Denver",
    "Dublin",
    "Leeds",
    "Madrid",
    "Milan",
    "Oslo",
    "Perth",
    "Prague",
    "Rome",
    "Seattle",
    "Tampa",
    "Vienna",
]
CITIES_ZH = [
    "北京",
    "上海",
    "广州",
    "深圳",
    "杭州",
    "南京",
    "成都",
    "重庆",
    "武汉",
    "西安",
    "苏州",
    "天津",
    "青岛",
    "长沙",
    "郑州",
    "大连",
]


def low_quality_pages(seeds: int = 2) -> Iterator[LowQualityPage]:
    """Yield `seeds` pages of each family and language."""
    for seed in range(seeds):
        for family, (make, reasons) in FAMILIES.items():
            for lang in ("en", "zh"):
                text = make(random.Random(f"{family} {lang} {seed}"), lang)
                if text:
                    yield LowQualityPage(family, lang, text, reasons)


def _prose(rng: random.Random, lang: str, count: int) -> str:
    return (" " if lang == "en" else "").join(rng.sample(SENTENCES[lang], count))


def _repeated_line(rng: random.Random, lang: str) -> str:
    line = _prose(rng, lang, 2)
    return "\n\n".join([_prose(rng, lang, 3), *[line] * 15])


def _repeated_article(rng: random.Random, lang: str) -> str:
    paragraphs = [_prose(rng, lang, 3) for _ in range(3)]
    return "\n\n".join(paragraphs * 3)


def _doorway(rng: random.Random, lang: str) -> str:
    cities = rng.sample(CITIES if lang == "en" else CITIES_ZH, 14)
    if lang == "en":
        said = "Are you looking for a qualified mathematics teacher in {0}? Our teachers in {0} come to your home."
    else:
        said = "您正在寻找{0}的数学家教吗？我们在{0}有很多优秀的数学老师，欢迎{0}的家长来电咨询。"
    return "\n\n".join(said.format(city) for city in cities)


def _stuffing(rng: random.Random, lang: str) -> str:
    words = rng.sample(KEYWORDS[lang], 6)
    return (" " if lang == "en" else "").join(rng.choice(words) for _ in range(200))


def _keyword_list(rng: random.Random, lang: str) -> str:
    blank = ", " if lang == "en" else "，"
    words = KEYWORDS[lang]
    return blank.join(" ".join(rng.sample(words, 3)) for _ in range(60))


def _casino(rng: random.Random, lang: str) -> str:
    if lang == "en":
        offers = [
            "Play at the best online casino and claim your welcome bonus today!",
            "Our sports betting site offers free spins and a no deposit bonus for every new player.",
            "Live casino games, slot machines and online poker with real money prizes are waiting.",
            "The jackpot grows every hour, so join the casino and bet now with a deposit bonus.",
            "Read the casino review and pick the betting site with the highest payout.",
        ]
    else:
        offers = [
            "新用户注册送彩金，真人百家乐和老虎机等你来玩。",
            "澳门新葡京娱乐城官网，提供体育投注与时时彩。",
            "本博彩平台首存返水高，快速提现，信誉第一。",
            "下载客户端，进入棋牌游戏，六合彩开奖结果实时更新。",
            "正规赌场在线开户，百家乐、北京赛车应有尽有。",
        ]
    return "\n\n".join(" ".join(rng.sample(offers, 3)) for _ in range(3))


def _essay_mill(rng: random.Random, lang: str) -> str:
    if lang == "en":
        offers = [
            "Do you need someone to write my essay for me? Our essay writing service never sleeps.",
            "Buy essays online from professional writers and get plagiarism free papers before the deadline.",
            "Our dissertation writing team and our assignment help are there for students of every subject.",
            "Place your order with a coupon code and our custom essay arrives with a money back guarantee.",
            "Say do my homework and one of our essay writers starts at once.",
        ]
    else:
        offers = [
            "专业代写论文，保证原创，论文查重包过，欢迎咨询客服。",
            "本工作室提供毕业论文代写、作业代写和论文发表服务，加微信详谈。",
            "留学生作业代写，代考替考，一对一服务，先写后付款。",
            "代写服务价格优惠，在线咨询，添加微信即可下单。",
            "期刊论文发表，代发论文，枪手团队十年经验。",
        ]
    return "\n\n".join(" ".join(rng.sample(offers, 4)) for _ in range(2))


def _cookies(rng: random.Random, lang: str) -> str:
    if lang == "en":
        lines = [
            "This website uses cookies to improve your experience while you navigate through the pages.",
            "By clicking you accept all cookies as described in our privacy policy.",
            "You can change your cookie settings at any time in your browser.",
            "Please enable JavaScript to view the comments on this page.",
            "Read our terms of service and our cookie policy for more information.",
            "All rights reserved. No part of this site may be copied.",
            "Sign up for our newsletter and follow us on all channels.",
        ]
    else:
        lines = [
            "本网站使用Cookie来改善您的浏览体验，继续浏览即表示您同意我们的隐私政策。",
            "请启用JavaScript以查看本页面的全部内容。",
            "使用本网站前请阅读用户协议与隐私声明。",
            "版权所有，未经许可不得转载本站的任何内容。",
            "关于我们，联系我们，网站地图，友情链接，加入收藏。",
            "扫码关注微信公众号，第一时间获得更新。",
            "请登录后发表评论，忘记密码请点击这里。",
        ]
    return "\n\n".join([*rng.sample(lines, 6), rng.choice(SENTENCES[lang])])


def _lorem(rng: random.Random, lang: str) -> str:
    latin = """Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore et
dolore magna aliqua. Ut enim ad minim veniam, quis nostrud exercitation ullamco laboris nisi ut aliquip ex ea commodo
consequat. Duis aute irure dolor in reprehenderit in voluptate velit esse cillum dolore eu fugiat nulla pariatur."""
    return f"# {rng.choice(SENTENCES[lang])}\n\n{latin}\n\n{rng.choice(SENTENCES[lang])}"


def _link_farm(rng: random.Random, lang: str) -> str:
    names = ["".join(rng.choices(string.ascii_lowercase, k=9)) for _ in range(25)]
    return "\n".join(
        f"{rng.choice(KEYWORDS[lang])} https://www.{name}.example/{name[::-1]}/index.html" for name in names
    )


def _teasers(rng: random.Random, lang: str) -> str:
    more = ("Read more", "Continue reading →", "…") if lang == "en" else ("阅读全文", "查看更多 >>", "……")
    parts = []
    for _ in range(8):
        begun = _prose(rng, lang, 2)[:-6] + rng.choice(("...", "…"))
        parts.append(f"## {rng.choice(SENTENCES[lang])[:-1]}\n\n{begun}\n\n{rng.choice(more)}")
    return "\n\n".join(parts)


def _wall(rng: random.Random, lang: str) -> str:
    end = ("Log in to continue reading", "Subscribe to read the full article", "Continue reading »", "Read more...")
    end_zh = ("登录后查看剩余内容", "开通会员阅读全文", "点击展开全文", "下载完整版查看更多")
    return f"{_prose(rng, lang, 4)}\n\n{rng.choice(end if lang == 'en' else end_zh)}"


def _half_sentences(rng: random.Random, lang: str) -> str:
    keep = 0.7
    paragraphs = []
    for _ in range(9):
        text = _prose(rng, lang, 4)
        text = text[: int(len(text) * keep)]
        paragraphs.append(text.rstrip(" ,.，。") if lang == "zh" else text.rsplit(" ", 1)[0].rstrip(" ,."))
    return "\n\n".join(paragraphs)


def _half_formulas(rng: random.Random, lang: str) -> str:
    broken = (r"$\frac{a}{b", r"$x^2 + y^2 =", r"\(\sqrt{2", r"\[\int_0^1 f(x)", r"$\alpha_{n+1}")
    return "\n\n".join(f"{rng.choice(SENTENCES[lang])[:-1]} {rng.choice(broken)}" for _ in range(10))


def _numbers(rng: random.Random, lang: str) -> str:
    head = "Random numbers" if lang == "en" else "随机数表"
    return head + "\n\n" + "\n".join(" ".join(f"{rng.randrange(10**5):05d}" for _ in range(10)) for _ in range(40))


def _number_table(rng: random.Random, lang: str) -> str:
    head = "| id | value | price | count |" if lang == "en" else "| 编号 | 数值 | 价格 | 数量 |"
    rows = [f"| {i} | {rng.random():.6f} | {rng.uniform(1, 99):.2f} | {rng.randrange(999)} |" for i in range(60)]
    return "\n".join([head, "| --- | --- | --- | --- |", *rows])


def _random_letters(rng: random.Random, lang: str) -> str:
    if lang == "en":
        return " ".join("".join(rng.choices(string.ascii_lowercase, k=rng.randint(2, 9))) for _ in range(200))
    return "".join(chr(rng.randrange(0x4E00, 0x9FA5)) + ("，" if rng.random() < 0.1 else "") for _ in range(300))


def _base64(rng: random.Random, lang: str) -> str:
    alphabet = string.ascii_letters + string.digits + "+/"
    return rng.choice(SENTENCES[lang]) + "\n\n" + "\n".join("".join(rng.choices(alphabet, k=76)) for _ in range(30))


def _replacement(rng: random.Random, lang: str) -> str:
    text = _prose(rng, lang, 8)
    return "".join("\ufffd" if rng.random() < 0.06 else letter for letter in text)


def _mojibake(rng: random.Random, lang: str) -> str:
    text = _prose(rng, lang, 8)
    if lang == "en":
        text = text.replace(" the ", " “the” ").replace(",", "’s —")
        return text.encode().decode("cp1252", "replace")
    return text.encode().decode("gb18030", "replace")


def _symbols(rng: random.Random, lang: str) -> str:
    marks = ("★★★", "►►", "!!!!", "✿✿", "@@", "###", "☎☎", "♥♥♥")
    return "\n".join(
        f"{rng.choice(marks)} {rng.choice(KEYWORDS[lang])} {rng.choice(marks)} {rng.choice(SENTENCES[lang])[:12]}"
        for _ in range(30)
    )


def _menu(rng: random.Random, lang: str) -> str:
    return "\n".join(f"- {' '.join(rng.sample(KEYWORDS[lang], 2))}" for _ in range(40))


def _shell(rng: random.Random, lang: str) -> str:
    return rng.choice(
        ("404 Not Found. The page is gone.", "Loading ...") if lang == "en" else ("页面不存在。", "正在加载……")
    )


def _word_salad(rng: random.Random, lang: str) -> str:
    if lang == "zh":
        return ""
    consonants, vowels = "bcdfghklmnprstvz", "aeiou"
    syllables = [a + b for a in consonants for b in vowels]
    return ". ".join(
        " ".join("".join(rng.choices(syllables, k=rng.randint(2, 4))) for _ in range(8)) for _ in range(25)
    )


FAMILIES = {
    "one line again and again": (_repeated_line, REPEATS),
    "an article three times": (_repeated_article, REPEATS),
    "doorway page": (_doorway, REPEATS),
    "keyword stuffing": (_stuffing, NO_PROSE),
    "keyword list": (_keyword_list, NO_PROSE),
    "casino": (_casino, ("spam",)),
    "essay mill": (_essay_mill, ("spam",)),
    "cookies and terms": (_cookies, ("boilerplate",)),
    "lorem ipsum": (_lorem, ("placeholder_text",)),
    "link farm": (_link_farm, ("links",)),
    "list of teasers": (_teasers, ("cut_lines", "teaser", "ellipses")),
    "read-more wall": (_wall, ("teaser",)),
    "half sentences": (_half_sentences, ("cut_sentences",)),
    "half formulas": (_half_formulas, ("cut_formulas",)),
    "random numbers": (_numbers, ("number_dump",)),
    "table of numbers": (_number_table, ("number_dump",)),
    "random letters": (_random_letters, ("few_stop_words_en", "few_stop_words_zh")),
    "made-up words": (_word_salad, ("few_stop_words_en",)),
    "base64": (_base64, ("long_words",)),
    "U+FFFD": (_replacement, ("damaged_encoding",)),
    "mojibake": (_mojibake, ("damaged_encoding",)),
    "symbols": (_symbols, ("symbols", "punctuation")),
    "menu": (_menu, ("menu", *NO_PROSE)),
    "empty shell": (_shell, ("too_short",)),
}
