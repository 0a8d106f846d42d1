"""Tells by their words what headings and labels introduce: related links, a call to subscribe, replies, references."""

import re

_SECTION = re.compile(
    r"related(?: (?:posts?|articles?|questions?|topics?|links?|content|reading|pages?|entries|stories|products?|"
    r"videos?|threads?))?|"
    r"(?:you (?:may|might) )?also (?:like|enjoy|read|be interested in).*|you (?:may|might) (?:also )?(?:like|enjoy|"
    r"be interested).*|"
    r"(?:recent|popular|latest|top|trending|featured|more|similar|recommended|hot)(?: network)? (?:posts?|articles?|"
    r"questions?|comments?|"
    r"topics?|threads?|discussions?|stories|reading|pages?|news|videos?|from .*|in .*)|recommended(?: for you)?|"
    r"read next|up next|"
    r"next (?:article|post|steps?)|"
    r"(?:table of )?contents|on this page|in this (?:article|section|page|chapter|post|tutorial)|page contents|"
    r"categories|tags|"
    r"archives?|about the author|(?:post |page |site )?navigation|menu|search|log ?in|sign in|linked|trending|"
    r"blogroll|"
    r"advertisements?|sponsored.*|explore (?:more|further)|see also|(?:previous|next) topic|this page|quick search|"
    r"相关(?:文章|推荐|阅读|问题|内容|搜索|链接|主题|话题|试题|试卷|资料|视频)?|推荐(?:阅读|文章|内容)|猜你(?:喜欢|"
    r"感兴趣)|热门(?:文章|推荐|排行|标签|问题|搜索)?|"
    r"最新(?:文章|评论|发布|推荐)|其他类似问题|类似(?:问题|题目)|大家(?:都|还)在(?:看|搜)|目录|文章目录|本页(?:目录|"
    r"内容)|"
    r"友情链接|公告|标签|分类|为(?:你|您)推荐|更多(?:文章|推荐|阅读|相关).*|参见|另见|另请参阅|导航菜单|站内搜索|"
    r"随机文章|阅读排行.*|推荐排行.*|点击排行.*",
    re.IGNORECASE,
)
_CALL = re.compile(
    r"share(?: (?:this|on|it|via).*)?|(?:leave|post|add|write) (?:a |your )?(?:reply|comment|response|answer).*|"
    r"your answer|"
    r"subscribe(?: to .*)?|(?:our |the )?newsletter|(?:newsletter )?sign ?up.*|join (?:our|the) (?:newsletter|"
    r"mailing list|community).*|"
    r"follow (?:us|me).*|stay (?:connected|up to date|updated|in touch).*|发表(?:评论|回复|留言)|我要(?:评论|回答)|"
    r"分享到?.*",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"(?:all |\d[\d,]* |one |two |no )(?:answers?|comments?|responses?|repl(?:y|ies)|thoughts?)(?: on .*|"
    r" to [“‘'].*)?|"
    r"(?:answers?|comments?|responses?|replies) ?\(\d+\)|[\d,]+\s*(?:个|条)?(?:回答|评论|回复).*|(?:全部|所有|精彩|"
    r"最新)(?:评论|回答|回复).*|"
    r"re: .*|最佳答案|推荐答案|you must .*|not the answer you're looking for.*|post navigation|all \d+ comments|"
    r"discussion \(\d+\)|最新回答",
    re.IGNORECASE,
)
_REFERENCES = re.compile(
    r"(?:\d[\d.]*\s*)?(?:references?|bibliography|further reading|external links?|sources|notes|footnotes|"
    r"literature|citations|works cited|"
    r"(?:practice|sample)?\s*(?:problems|exercises)|practice.*|worksheets?|参考(?:文献|资料|链接)?(?:与.*)?|"
    r"外部链接|扩展阅读|延伸阅读|习题|练习题?|例题|注释|脚注).{0,12}",
    re.IGNORECASE,
)
_RECORD_FIELD = re.compile(
    r"title|canonical name|(?:date of )?creat(?:ion|ed)(?: on| by| date)?|(?:last )?modified(?: on| by)?|owner|"
    r"numerical id|author|entry type|classification|synonyms?|related topics?|defines|publisher|published|version|"
    r"licen[cs]e|updated|标题|作者|创建时间|更新时间|发布时间|来源|分类|标签",
    re.IGNORECASE,
)
_TOGGLE = re.compile(
    r"\W*(?:(?:click|tap|press)(?: here)? (?:to |for )?)?(?:(?:show|view|see|reveal|open|toggle|hide|check|"
    r"display)(?:/hide)?\s+)"
    r"(?:to (?:see|show) )?(?:the |full |a |an |my |detailed )*(?:worked |step-by-step )?(?:solutions?|answers?|"
    r"hints?|proofs?|explanations?)\W*|"
    r"\W*(?:点击|展开|查看|显示|隐藏|参考)+(?:本题|完整|详细|参考)?(?:答案|解析|解答|详解|提示|证明|答案与解析|"
    r"答案解析)(?:与解析|和解析)?\W*",
    re.IGNORECASE,
)


def is_record_field(name: str) -> bool:
    """Whether the first cell of a table's row names a field of a record about the page: its author, its date."""
    return len(name) <= 24 and _RECORD_FIELD.fullmatch(name) is not None


def begins_links(heading: str) -> bool:
    """Whether a heading stands over related links, a table of contents or the like."""
    return len(heading) <= 60 and _SECTION.fullmatch(heading.strip(" :：#¶»")) is not None


def begins_call(heading: str) -> bool:
    """Whether a heading asks the reader to comment, to share or to subscribe."""
    return len(heading) <= 60 and _CALL.fullmatch(heading.strip(" :：#¶»")) is not None


def is_label(heading: str) -> bool:
    """Whether a heading only counts or names what follows: "2 Answers", "Re: …"."""
    return len(heading) <= 120 and _LABEL.fullmatch(heading.strip(" :：#¶")) is not None


def begins_references(heading: str) -> bool:
    """Whether links under a heading are content: references, practice problems."""
    return len(heading) <= 60 and _REFERENCES.fullmatch(heading.strip(" :：#¶")) is not None


def is_toggle(text: str) -> bool:
    """Whether a text is what one clicks to see a solution."""
    return len(text) <= 60 and _TOGGLE.fullmatch(text) is not None
