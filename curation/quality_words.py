"""What the quality heuristics know of characters and words: classes of characters, stop words, phrases of bad pages.

The phrases are sequences of tokens, as `quality_counts` makes them: lower-case words without the punctuation between
them, and single characters of Chinese. Those of a kind are counted, never looked for alone, so that a lesson that
names a casino once stays. Sources: C4's policy phrases (Raffel et al. 2020) for some of BOILERPLATE; the rest is
what such pages say in English and Chinese.
"""

import unicodedata
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

SPACE, NEWLINE, LETTER, DIGIT, CHARACTER, PUNCTUATION, OPERATOR, SYMBOL, DAMAGE, IGNORED = range(10)
"""Classes of characters. CHARACTER: of a script without blanks between words, a word of its own. SYMBOL: what prose has
little of. DAMAGE: what broken encodings leave. IGNORED: invisible."""

PLACEHOLDER, BOILERPLATE, CONTINUED, SPAM = range(4)
"""Kinds of phrases. CONTINUED: the rest of the text is elsewhere."""

_ENGLISH = """the of and to a in is that for it as with be we by are on this if an or not have from can which you all at
let then so where was one but their has there any when each such how what these do his its they he our will i find your
use"""
STOP_WORDS = tuple(_ENGLISH.split())
"""The most frequent words of English prose, and of what exercises ask."""

STOP_CHARACTERS = (
    "的是在一有和不了为這这个個我们們到时時就也你而那得于於着之所以其如果与與及或则則"
    "若已被把从從由每但它此因何他当當设設且使吗呢求即又"
)
"""The most frequent characters of Chinese that are seldom part of a noun, and those of what exercises ask."""

PHRASES: dict[int, str] = {
    PLACEHOLDER: """lorem ipsum|dolor sit amet|consectetur adipiscing elit|consectetuer adipiscing elit|sed do eiusmod
tempor|ut labore et dolore|dolore magna aliqua|ut enim ad minim veniam|quis nostrud exercitation|duis aute irure|
excepteur sint occaecat|cupidatat non proident|your text here|insert text here|sample text goes here|
this is a placeholder|请在此输入|此处为占位|占位文字|示例文本|此处输入文字""",
    BOILERPLATE: """terms of use|terms of service|terms and conditions|privacy policy|cookie policy|uses cookies|
use of cookies|use cookies|accept cookies|accept all cookies|cookie settings|cookie preferences|all rights reserved|
enable javascript|javascript is disabled|javascript is required|javascript is not enabled|requires javascript|
turn on javascript|javascript enabled|please log in|please sign in|sign up for our newsletter|subscribe to our|
share on facebook|share on twitter|share this|follow us on|add to cart|add to wishlist|shopping cart|powered by|
your email address will not be published|leave a comment|leave a reply|required fields are marked|
skip to content|skip to main content|back to top|forgot your password|create an account|contact us|
this page cannot be displayed|page not found|access denied|disable your ad blocker|disable adblock|
personal data|third party cookies|by continuing to use|by using this site|by using our|
隐私政策|隐私声明|使用条款|服务条款|用户协议|版权所有|版权声明|免责声明|网站地图|联系我们|关于我们|加入收藏|设为首页|
使用cookie|cookie政策|启用javascript|开启javascript|请登录|登录注册|登录后|免费注册|忘记密码|
扫码关注|扫一扫|关注公众号|微信公众号|分享到|友情链接|返回顶部|未经许可不得转载|转载请注明|侵权请联系|备案号|icp备|
网安备|客服热线|意见反馈|发表评论|上一篇|下一篇|相关推荐|猜你喜欢|热门推荐|广告合作|举报电话|法律声明""",
    CONTINUED: """read more|read the rest|read the full article|read the full story|continue reading|keep reading|
view more|show more|see more|load more|click here to continue|to be continued|full text|more details|learn more|
sign in to continue|log in to continue|login to continue|subscribe to continue|sign up to continue|
sign in to read|log in to read|subscribe to read|register to read|sign up to read|
log in to view|sign in to view|login to view|subscribe to view|register to view|upgrade to view|unlock the full|
view the full|
阅读全文|查看全文|展开全文|全文阅读|阅读更多|查看更多|点击查看|点击阅读|继续阅读|展开阅读|显示更多|查看详情|更多内容|
未完待续|登录后查看|登录后可见|登录后阅读|登录查看|登录后继续|付费阅读|购买后查看|开通会员|会员可见|剩余内容|剩余未读|
下载后查看|下载完整|查看剩余|余下全文|点击展开|关注后阅读|回复可见""",
    SPAM: """casino|casinos|online casino|casino online|casino bonus|best casino|casino games|live casino|live dealer|
online poker|poker online|online betting|sports betting|sportsbook|betting site|betting sites|betting odds|free spins|
slot machines|online slots|slot games|slots online|no deposit|deposit bonus|welcome bonus|jackpot|bet now|play now|
real money|
essay writing|essay writer|essay writers|write my essay|write my paper|write my thesis|write your essay|custom essay|
custom essays|custom paper|custom papers|essay service|buy essay|buy essays|buy an essay|buy essays online|
buy essay online|cheap essay|cheap essays|cheap essay writing service|essay writing service|essay writing services|
essay help|essay online|research paper writing|paper writing service|dissertation writing|assignment help|
homework help service|do my homework|do my assignment|thesis writing|professional writers|expert writers|
academic writers|plagiarism free|plagiarism free papers|order now|order your|place your order|buy now|buy online|
buy cheap|cheap online|for sale|discount code|huge discount|coupon code|coupon codes|promo code|promo codes|
free shipping|free delivery|best price|best prices|lowest price|low price|money back|money back guarantee|
limited offer|limited time offer|special offer|click here|click now|call now|act now|sign up now|
satisfaction guaranteed|
viagra|cialis|levitra|tramadol|online pharmacy|without prescription|no prescription|weight loss|diet pills|
payday loan|payday loans|personal loans|cash advance|bad credit|no credit check|instant approval|earn money|
make money|make money online|work from home|passive income|get rich|forex signals|buy bitcoin|crypto investment|
replica watches|fake watches|louis vuitton|designer handbags|escort|escorts|hot girls|xxx|porn|adult dating|
seo services|seo service|seo agency|seo company|backlinks|google ranking|
娱乐城|博彩|赌场|赌博|真人视讯|真人娱乐|真人百家乐|真人荷官|百家乐|时时彩|六合彩|北京赛车|彩票平台|彩票投注|彩票网|在线投注|投注平台|投注网|
澳门赌场|澳门娱乐|澳门新葡京|澳门威尼斯人|威尼斯人|葡京|新葡京|太阳城|老虎机|棋牌游戏|棋牌|体育投注|体育博彩|菠菜|注册送|
送彩金|彩金|首存|返水|充值送|在线充值|秒提现|快速提现|极速提现|在线开户|开户送|开户|娱乐平台|娱乐官网|娱乐注册|官网|客户端下载|
app下载|手机版下载|
代写|代写论文|论文代写|毕业论文代写|代写作业|作业代写|代写服务|代考|替考|代做|代发论文|论文发表|包过|包发表|枪手|留学生作业|
留学生代写|原创论文|保证原创|论文查重|办证|代办|代开发票|开发票|刻章|加微信|加qq|微信号|添加微信|联系qq|咨询电话|免费咨询|在线咨询|
立即咨询|欢迎咨询|咨询客服|在线客服|点击进入|点击领取|点击注册|立即注册|立即购买|限时优惠|厂家直销|诚信经营|包邮|价格优惠|
网贷|小额贷款|无抵押|秒批|秒到账|套现|刷单|网络兼职|兼职赚钱|日赚|月入过万|轻松赚钱|快速赚钱|
减肥药|丰胸|壮阳|伟哥|春药|迷药|祛斑|约炮|一夜情|成人视频|上门服务|
网络推广|推广引流|外链|排名优化|网站优化|关键词排名|关键词优化|seo优化|私服|外挂|破解版""",
}
"""By kind, separated by bars. A phrase of SPAM may also occur in a lesson: what counts is their share."""

MOJIBAKE = "锟锛銆鈥鐨鏄鍙鍦涓烫屯"
"""Characters that hardly occur but as UTF-8 or uninitialised memory read as GBK."""

_NO_BLANKS = (
    (0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x2E80, 0x2FDF), (0x3005, 0x3007), (0x3041, 0x30FA),
    (0x30FC, 0x30FF), (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0xFF66, 0xFF9F),
)  # fmt: skip
_CLASS_OF_CATEGORY = {"L": LETTER, "M": LETTER, "N": DIGIT, "P": PUNCTUATION, "Z": SPACE, "S": SYMBOL, "C": DAMAGE}


@cache
def character_classes() -> npt.NDArray[np.uint8]:
    """The class of each character of the basic plane: uint8 (0x10000,)."""
    categories = [unicodedata.category(chr(point)) for point in range(0x10000)]
    classes = np.array([_CLASS_OF_CATEGORY[category[0]] for category in categories], np.uint8)
    for wanted, number in (("Sm", OPERATOR), ("Cf", IGNORED), ("Cn", LETTER), ("Sk", PUNCTUATION), ("Sc", PUNCTUATION)):
        classes[[category == wanted for category in categories]] = number
    for first, last in _NO_BLANKS:
        classes[first : last + 1] = CHARACTER
    classes[[ord(letter) for letter in "&|~−＾～｜"]] = PUNCTUATION
    classes[[ord(letter) for letter in "^×÷√°′″→⇒∈"]] = OPERATOR
    classes[[ord(letter) for letter in "#@§"]] = SYMBOL
    classes[0x2190:0x21FF] = OPERATOR  # arrows, used in proofs
    classes[0x2028:0x202A] = SPACE
    classes[[ord(letter) for letter in MOJIBAKE]] = DAMAGE
    classes[[0x09, 0x0B, 0x0C, 0x0D, 0x85]] = SPACE
    classes[0xFFFD] = DAMAGE
    classes[0x0A] = NEWLINE
    return classes


def tokens_of(phrase: str) -> list[str]:
    """Split a phrase into tokens as texts are split: words in lower case, single characters of scripts without blanks.

    Nothing else may be in it.
    """
    classes = character_classes()
    spaced = "".join(f" {letter} " if classes[ord(letter)] == CHARACTER else letter for letter in phrase.lower())
    return spaced.split()


class Vocabulary(NamedTuple):
    """Stop words and phrases, found by the keys of their tokens.

    keys: uint64 (a power of two,), 0 where nothing is; numbers: int16, the number of the token in the slot, from 1.
    is_stop: bool (n_tokens + 1,). firsts: int32 (n_tokens + 2,), the phrases that begin with each token, of those the
    longest first. bounds: int32 (n_phrases + 1,), where phrases begin in tokens: int16. kinds: int8 (n_phrases,).
    """

    keys: npt.NDArray[np.uint64]
    numbers: npt.NDArray[np.int16]
    is_stop: npt.NDArray[np.bool_]
    firsts: npt.NDArray[np.int32]
    bounds: npt.NDArray[np.int32]
    tokens: npt.NDArray[np.int16]
    kinds: npt.NDArray[np.int8]


_OFFSET, _PRIME, _MASK = 0xCBF29CE484222325, 0x100000001B3, (1 << 64) - 1


def token_key(token: str) -> int:
    """The key of a token, FNV-1a over its code points with the high bits folded in; never 0."""
    key = _OFFSET
    for letter in token:
        key = (key ^ ord(letter)) * _PRIME & _MASK
    return (key ^ key >> 32) | 1


@cache
def phrase_kinds() -> dict[tuple[str, ...], int]:
    """Every phrase as tokens, with its kind."""
    phrases = ((phrase, kind) for kind, text in PHRASES.items() for phrase in text.replace("\n", " ").split("|"))
    return {tuple(tokens_of(phrase)): kind for phrase, kind in phrases if phrase.strip()}


@cache
def vocabulary() -> Vocabulary:
    """Index stop words and phrases."""
    kinds = phrase_kinds()
    stops = [*STOP_WORDS, *STOP_CHARACTERS]
    numbers = {token: i for i, token in enumerate(dict.fromkeys([*stops, *(t for p in kinds for t in p)]), 1)}
    size = 1 << (4 * len(numbers)).bit_length()
    keys, slots = np.zeros(size, np.uint64), np.zeros(size, np.int16)
    for token, number in numbers.items():
        slot = token_key(token) >> 16 & (size - 1)
        while keys[slot]:
            slot = (slot + 1) & (size - 1)
        keys[slot], slots[slot] = token_key(token), number
    is_stop = np.zeros(len(numbers) + 1, np.bool_)
    is_stop[[numbers[token] for token in stops]] = True
    ordered = sorted(kinds, key=lambda phrase: (numbers[phrase[0]], -len(phrase), phrase))
    firsts = np.searchsorted([numbers[phrase[0]] for phrase in ordered], np.arange(len(numbers) + 2))
    return Vocabulary(
        keys,
        slots,
        is_stop,
        firsts.astype(np.int32),
        np.cumsum([0, *map(len, ordered)]).astype(np.int32),
        np.array([numbers[token] for phrase in ordered for token in phrase], np.int16),
        np.array([kinds[phrase] for phrase in ordered], np.int8),
    )
