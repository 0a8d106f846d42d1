"""Tell a number from its unit in an answer, carefully: `5x` has no unit, and `5 cm` is not `5 m`.

Known units have one name for their spellings in English and Chinese. An unknown word after a number ("5 apples", 3个)
counts what the question asks for and may be missing or differ; two known units must agree.
"""

import re
from fractions import Fraction

_SPELLINGS = {
    "%": "% percent pct 百分",
    "degree": "° degree degrees deg 度",
    "dollar": "$ dollar dollars usd 美元",
    "yuan": "¥ ￥ yuan rmb 元 块 块钱 圆 人民币",
    "jiao": "角 毛",
    "cent": "¢ cent cents 美分",
    "mm": "mm millimeter millimeters millimetre millimetres 毫米",
    "cm": "cm centimeter centimeters centimetre centimetres 厘米 公分",
    "dm": "dm decimeter decimeters 分米",
    "m": "m meter meters metre metres 米",
    "km": "km kilometer kilometers kilometre kilometres 千米 公里",
    "inch": "in inch inches 英寸",
    "foot": "ft foot feet 英尺",
    "yard": "yd yard yards 码",
    "mile": "mi mile miles 英里",
    "mg": "mg milligram milligrams 毫克",
    "g": "g gram grams 克",
    "kg": "kg kilogram kilograms 千克 公斤",
    "ton": "t ton tons tonne tonnes 吨",
    "ounce": "oz ounce ounces 盎司",
    "pound": "lb lbs pound pounds 磅",
    "ml": "ml milliliter milliliters millilitre millilitres 毫升",
    "l": "l L liter liters litre litres 升",
    "second": "s sec secs second seconds 秒 秒钟",
    "minute": "min mins minute minutes 分钟 分",
    "hour": "h hr hrs hour hours 小时 时 个小时",
    "day": "day days 天 日",
    "week": "week weeks 周 星期",
    "month": "month months 月 个月",
    "year": "year years 年 岁 years-old",
}
_BASE_UNITS = {
    "mm": ("m", "1/1000"), "cm": ("m", "1/100"), "dm": ("m", "1/10"), "m": ("m", "1"), "km": ("m", "1000"),
    "inch": ("foot", "1/12"), "foot": ("foot", "1"), "yard": ("foot", "3"), "mile": ("foot", "5280"),
    "mg": ("g", "1/1000"), "g": ("g", "1"), "kg": ("g", "1000"), "ml": ("l", "1/1000"), "l": ("l", "1"),
    "ounce": ("pound", "1/16"), "pound": ("pound", "1"), "second": ("second", "1"), "minute": ("second", "60"),
    "hour": ("second", "3600"), "day": ("second", "86400"), "week": ("second", "604800"),
    "cent": ("dollar", "1/100"), "dollar": ("dollar", "1"), "jiao": ("yuan", "1/10"), "yuan": ("yuan", "1"),
}  # fmt: skip
_NAMES = {spelling: name for name, spellings in _SPELLINGS.items() for spelling in spellings.split()}
_AREAS = {"square": "^2", "sq": "^2", "sq.": "^2", "平方": "^2", "cubic": "^3", "cu": "^3", "cu.": "^3", "立方": "^3"}

_COMMAND = re.compile(r"\\[A-Za-z]+")
_UNIT_START = re.compile(r"[A-Za-z%°¢\u3400-\u9fff]")
_UNIT = re.compile(r"[A-Za-z%°¢\u3400-\u9fff.][A-Za-z%°¢\u3400-\u9fff.'\- ]*(?:\s?(?:\^?\{?[23]\}?|[²³]))?")
_CONJUNCTION = re.compile(r"\b(?:and|or)\b|[或和与]|以及")
_PER = re.compile(r"\s*(?:/|\bper\b|每)\s*")
_CURRENCY = re.compile(r"(-?)\s*(?:US|HK|A)?([$¥￥])\s*(?=[-\d.\\])")
_CHINESE_COUNT = re.compile(
    "([零〇一二两三四五六七八九十百千万]{1,12})"
    "(个|只|条|本|张|人|名|天|年|岁|元|块|支|枝|棵|朵|头|匹|件|辆|架|座|间|层|排|行|页|次|遍|倍|套|双|对|箱|瓶|杯|袋|盒|米"
    "|厘米|千米|千克|小时|分钟|种|组|位)"
)
"""Only these follow a Chinese numeral: 三角形 is not three of anything."""


def split_unit(text: str) -> tuple[str, str]:
    """Split `12.5 square feet` into "12.5" and "foot^2"; a text without a unit comes back with an empty one."""
    if (match := _CURRENCY.match(text)) and not _CONJUNCTION.search(text):
        rest = text[match.end() :]
        amount, unit = split_unit(rest)
        return match[1] + (amount if unit == "dollar" else rest), _NAMES[match[2]]
    if match := _CHINESE_COUNT.fullmatch(text):
        return match[1], _NAMES.get(match[2], match[2])
    start = _unit_start(text)
    if start is None:
        return text, ""
    amount, tail = text[:start].rstrip(), text[start:].strip()
    spaced = text[start - 1].isspace()
    parts = _PER.split(tail)
    if _CONJUNCTION.match(tail) or not amount or len(parts) > 3 or not all(_UNIT.fullmatch(part) for part in parts):
        return text, ""
    names = [_name(part) for part in parts]
    if not all(names):
        return text, ""
    first = parts[0]
    is_known = names[0].split("^")[0] in _SPELLINGS
    if not first[0].isascii() or first[0] in "%°¢":
        return amount, "/".join(names)
    if len(first) == 1 or re.fullmatch(r"[A-Za-z]\^?\{?[23]\}?", first):
        return (amount, "/".join(names)) if is_known and spaced else (text, "")
    return (amount, "/".join(names)) if is_known or (spaced and len(first) > 2) else (text, "")


def _unit_start(text: str) -> int | None:
    """Where the first letter stands that belongs to no LaTeX command."""
    hidden = _COMMAND.sub(lambda match: "\\" * len(match[0]), text)
    match = _UNIT_START.search(hidden)
    return match.start() if match is not None and match.start() > 0 else None


def _name(unit: str) -> str:
    """One name for a unit: "square feet", "ft^2", 平方英尺 are foot^2."""
    unit = unit.strip()
    power = ""
    if match := re.search(r"\s?(?:\^?\{?([23])\}?|([²³]))$", unit):
        power = "^" + (match[1] or ("2" if match[2] == "²" else "3"))
        unit = unit[: match.start()]
    lowered = unit.casefold().strip(". ")
    for prefix, value in _AREAS.items():
        if lowered.startswith(prefix) and lowered != prefix:
            power, lowered = value, lowered[len(prefix) :].strip(" -")
            break
    return _NAMES.get(unit, _NAMES.get(lowered, lowered)) + power


def same_unit(a: str, b: str) -> bool:
    """Whether two units agree: one missing, equal, or one of them a word for things that are counted."""
    if not a or not b or a == b:
        return True
    return any(part.split("^")[0] not in _SPELLINGS for unit in (a, b) for part in unit.split("/"))


def in_base_unit(unit: str) -> tuple[str, Fraction] | None:
    """What a unit measures, and how many base units it is: "cm^2" is ("m^2", 1/10000)."""
    kinds: list[str] = []
    factor = Fraction(1)
    for place, part in enumerate(unit.split("/")):
        name, _, power = part.partition("^")
        if name not in _BASE_UNITS:
            return None
        base, size = _BASE_UNITS[name]
        kinds.append(base + ("^" + power if power else ""))
        share = Fraction(size) ** int(power or 1)
        factor = factor / share if place else factor * share
    return "/".join(kinds), factor
