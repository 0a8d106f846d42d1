"""Whether a numbered text asks for something, as a problem does, or only states it, as the items of other lists do."""

import re

_ASKS = re.compile(
    r"[?？]|[（(][ \t\u3000]*[)）]|_{3,}|(?:\\_){2,}|＿{2,}"
    r"|(?:^\W*|[.,;:] )"
    r"(?:Find|Solve|Prove|Show that|Compute|Evaluate|Simplify|Determine|Calculate|Factor|Express|Verify)\b"
    r"|^\W*(?:How|What|Which|Graph|Use|Write|Let|Suppose|Given|Show|Sketch)\b[^\n]*[$\\=]"
    r"|(?<![要需请追寻力谋征恳乞])求(?![助职生救])|求证|(?<!身份)证明(?![书材人])|计算(?![机器量])|解方程|解不等式|化简|已知|因式分解"
    r"|[设若](?=[ \t]*[$\\A-Za-z△∠])|判断(?!语句)|比较[^\n]{0,40}大小|画出|写出|解下列|如图|填空|多少|求解下"
)
_PRINTED = re.compile(
    r"[（(][ \t\u3000]*[)）]|_{3,}|＿{2,}"
    r"|[（(](?:本?小?题)?(?:满分|共)?[ \t]*[0-9]{1,2}[ \t]*(?:分|points?|marks?)[^()（）]{0,20}[)）]"
)


_TASK = re.compile(
    r"[$\\=+]|^\W*(?:Explain|Describe|Discuss|State|Define|List|Draw|Plot|Sketch|Construct|Derive|Give|Consider|Name|Check|Estimate"
    r"|Round|Convert|Identify|Show|Use|Write|Let|Suppose|Graph|Multiply|Divide|Add|Subtract|Expand|Reduce|Order|Compare|Translate"
    r"|Implement|Repeat|Try|Can|Is|Are|Does|Do|If)\b"
)
MAX_TITLE_CHARS = 60
"""What is listed under a heading of exercises, sets no task and is shorter, is a link to one."""
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)


def sets_task(item: str) -> bool:
    """Whether an item under a heading of exercises is one, not the title of a linked page."""
    return len(item) > MAX_TITLE_CHARS or asks(item) or _TASK.search(item) is not None


def asks(question: str) -> bool:
    """Whether a text, without white space around it, poses a question or a task of mathematics."""
    return _ASKS.search(_CODE.sub("", question) if "`" in question else question) is not None


def is_printed(question: str) -> bool:
    """Whether it has the signs of an exam paper: a blank to fill in, the score that it gives."""
    return _PRINTED.search(question) is not None
