"""A model's chat template: Jinja in a sandbox, with the same surroundings as in transformers, bounded in work and size.

Templates come with models and are hostile until shown otherwise: they see the messages and the names of the special
tokens, reach nothing else, cannot know the time, and every loop, call and value is charged to a budget, so that the
worst of them ends in one sentence after about a second.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import wraps
from typing import Any, NoReturn, TypeAlias

import jinja2
from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

from mathmill.core.config import digest
from mathmill.core.errors import ConfigError

Message: TypeAlias = Mapping[str, str]
"""`role` and `content`."""

ROLES = ("system", "developer", "user", "assistant", "tool")
"""What a message's role may be: a role is written as the template's own text, so it may not be free text."""

MAX_WORK = 300_000  # steps of loops, calls, and thousands of characters made, for one rendering
MAX_TEXT = 1 << 26  # characters of one value
MAX_OWN = 1 << 20  # characters that a rendering may have, and MAX_REPEATS times the messages' and MAX_HEADER for each
MAX_REPEATS = 16
MAX_HEADER = 1024
MAX_NUMBER = 10_000  # of an argument that may be a width or a count
MAX_SOURCE = 1 << 20  # characters of a template

_LOOP = ("first", "last", "index", "index0", "revindex", "revindex0", "length", "previtem", "nextitem")

_WIDTH = re.compile(r"\d{5}|\*")
"""In a format: a width or a precision that is too large or unknown."""

_FILTERS = (
    "abs", "capitalize", "count", "d", "default", "dictsort", "e", "escape", "first", "float", "groupby", "indent",
    "int", "items", "join", "last", "length", "list", "lower", "map", "max", "min", "reject", "rejectattr", "replace",
    "reverse", "round", "safe", "select", "selectattr", "sort", "string", "sum", "title", "trim", "unique", "upper",
)  # fmt: skip
"""The filters of Jinja that a template may use; the others pad, format or print."""

_MULTIPLY = ("replace", "join", "translate", "expandtabs", "format", "format_map")
"""Methods of strings whose result may be as long as the product of what they are given."""


class ChatTemplate:
    """A compiled template. Raises ConfigError where it is no template.

    special_tokens: what the template sees beside the messages: `bos_token`, `eos_token`, `pad_token`. date: what
    `strftime_now` formats (ISO 8601); without one, that function does not exist. digest: identifies the template and
    these. tested: the strings that it compares texts with or splits them at; written: the others. Not for several
    threads at once.
    """

    def __init__(self, source: str, special_tokens: Mapping[str, str] | None = None, date: str | None = None) -> None:
        self.source = source
        self._tokens = dict(special_tokens or {})
        self.digest = digest([source, self._tokens, date])
        self._sandbox = _Sandbox(date)
        if len(source) > MAX_SOURCE:
            raise ConfigError(f"the chat template has {len(source):,} characters; it may have {MAX_SOURCE:,}")
        try:
            tree = self._sandbox.parse(source)
            self.tested, self.written = _tested_strings(tree), _written_strings(tree)
            self._template = self._sandbox.from_string(source)
        except (jinja2.TemplateError, RecursionError, ValueError, SyntaxError, MemoryError) as error:
            raise ConfigError(f"the chat template is not valid: {_sentence(error)}") from error

    def text(self, messages: Sequence[Message], add_generation_prompt: bool = False) -> str:
        """Render a conversation.

        Raises RefusedError where the template does not take it, ConfigError where the template misbehaves.
        """
        values = {"messages": messages, "tools": None, "documents": None, **self._tokens}
        self._sandbox.work = 0
        try:
            pieces = list[str]()
            longest = MAX_OWN + sum(MAX_HEADER + MAX_REPEATS * len(message["content"]) for message in messages)
            length = 0
            context = self._template.new_context(values | {"add_generation_prompt": add_generation_prompt})
            for piece in self._template.root_render_func(context):
                pieces.append(piece)
                length += len(piece)
                self._sandbox.work += 1 + (len(piece) >> 10)
                if length > longest or self._sandbox.work > MAX_WORK:
                    raise _TooMuchError("it writes too much text")
            return "".join(pieces)
        except _TooMuchError as error:
            raise ConfigError(f"the chat template does more than a template may: {error}") from error
        except SecurityError as error:
            raise ConfigError(f"the chat template reaches for what is not its own: {error}") from error
        except (RecursionError, MemoryError, OverflowError) as error:
            raise ConfigError(f"the chat template does more than a template may: {_sentence(error)}") from error
        except (jinja2.TemplateError, TypeError, ValueError, LookupError, ArithmeticError, AttributeError) as error:
            raise RefusedError(_sentence(error)) from error


class RefusedError(ValueError):
    """A conversation that a template does not take, such as one that begins with the assistant."""


class _TooMuchError(Exception):
    """A template that uses up its budget."""


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja as transformers sets it up, with a budget."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self, date: str | None) -> None:
        super().__init__(trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols])
        self.work = 0
        self.filters = {name: self._charged(self.filters[name]) for name in _FILTERS}
        self.filters |= {"tojson": self._charged(_tojson), "_steps": self._steps, "_value": self.value}
        self.filters["_concat"] = lambda parts: self.value("".join(map(str, parts)))
        range_ = self.globals["range"]
        self.globals = {"range": range_, "raise_exception": _raise, "dict": _dict, "namespace": _Names}
        if date is not None:
            self.globals["strftime_now"] = _clock(date)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        return _charge(super()._parse(source, name, filename))

    def spend(self, value: Any) -> None:
        """Charge one step and what a value measures; values nested in themselves grow faster than anything."""
        size = len(value) if isinstance(value, str) else _size(value) if isinstance(value, list | tuple | dict) else 0
        if size > MAX_TEXT:
            raise _TooMuchError("it makes a value that is too large")
        self.work += 1 + (size >> 10)
        if self.work > MAX_WORK:
            raise _TooMuchError(f"it takes more than {MAX_WORK:,} steps")

    def value(self, value: Any) -> Any:
        """Charge a value that an expression has made, and return it."""
        self.spend(value)
        return value

    def getattr(self, obj: Any, attribute: str) -> Any:
        if type(obj) is dict and attribute in obj and not hasattr(dict, attribute):
            return obj[attribute]  # what Jinja does, at once: a message's fields are most of what templates ask for
        if type(obj) is LoopContext and attribute in _LOOP:
            return getattr(obj, attribute)
        return super().getattr(obj, attribute)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "+" and type(left) is type(right) is str:
            return self.value(left + right)
        if operator == "%" and isinstance(left, str) and _WIDTH.search(left):
            raise _TooMuchError("it pads a text too far")
        if operator in ("*", "**"):
            small, large = sorted(abs(side) if isinstance(side, int | float) else _size(side) for side in (left, right))
            is_product = operator == "*" and isinstance(left, int | float) and isinstance(right, int | float)
            if large > 1 << 32 if is_product else small * large > MAX_TEXT:
                raise _TooMuchError("it makes a value that is too large")
        return self.value(super().call_binop(context, operator, left, right))

    def call(__self, __context: Any, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        method = getattr(__obj, "__wrapped__", __obj)  # the sandbox wraps `format`
        owner = getattr(method, "__self__", None)
        if __obj is not __self.globals["range"]:  # which has a bound of its own
            _check_numbers((*args, *kwargs.values()))
        if isinstance(owner, str) and method.__name__ in _MULTIPLY:
            longest = max(map(_size, (*args, *kwargs.values())), default=0)
            if len(owner) * (1 + longest) > MAX_TEXT or (method.__name__ != "replace" and _WIDTH.search(owner)):
                raise _TooMuchError("it makes a text that is too long")
        return __self.value(super().call(__context, __obj, *args, **kwargs))

    def _charged(self, filter_: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(filter_)
        def charged(*args: Any, **kwargs: Any) -> Any:
            _check_numbers((*args[1:], *kwargs.values()))
            return self.value(filter_(*args, **kwargs))

        return charged

    def _steps(self, items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            self.spend(None)
            yield item


def _check_numbers(arguments: Iterable[Any]) -> None:
    for value in arguments:
        if isinstance(value, int) and abs(value) > MAX_NUMBER:
            raise _TooMuchError("it asks for a width or a count that is too large")


def _size(value: Any) -> int:
    """Characters of a value, each of its parts counted as 64, and no further than the bound."""
    size, left = 0, [value]
    while left and size <= MAX_TEXT:
        item = left.pop()
        if isinstance(item, str):
            size += len(item)
        elif isinstance(item, dict):
            left += [*item.keys(), *item.values()]
        elif isinstance(item, list | tuple):
            left += item
        size += 64 + 64 * len(left) * (len(left) > MAX_TEXT >> 6)
    return size


def _charge(tree: nodes.Template) -> nodes.Template:
    """Send what every loop goes through, and every list and joined text that is written out, through the budget."""
    for loop in tree.find_all(nodes.For):
        loop.iter = _filtered(loop.iter, "_steps")
    return _charged_values(tree)


def _charged_values(node: Any) -> Any:
    for name, child in node.iter_fields():
        if isinstance(child, nodes.Node):
            setattr(node, name, _charged_values(child))
        elif isinstance(child, list):
            setattr(node, name, [_charged_values(item) if isinstance(item, nodes.Node) else item for item in child])
    if isinstance(node, nodes.Concat):
        return _filtered(nodes.List(node.nodes, lineno=node.lineno), "_concat")
    if isinstance(node, nodes.List | nodes.Dict) or (isinstance(node, nodes.Tuple) and node.ctx == "load"):
        return node if _is_constant(node) else _filtered(node, "_value")
    return node


def _is_constant(node: nodes.Node) -> bool:
    return not any(True for _ in node.find_all((nodes.Name, nodes.Call, nodes.Filter)))


def _filtered(node: Any, name: str) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


def _tested_strings(tree: nodes.Template) -> tuple[str, ...]:
    """Strings that a template compares, splits or searches texts with, or keeps by a name; longest first."""
    found = set[str]()

    def add(values: Iterable[Any]) -> None:
        for value in values:
            if isinstance(value, nodes.Const | nodes.List | nodes.Tuple):
                constants = [value] if isinstance(value, nodes.Const) else value.find_all(nodes.Const)
                found.update(each.value for each in constants if isinstance(each.value, str) and each.value)

    for node in tree.find_all((nodes.Call, nodes.Filter, nodes.Test)):
        add(_arguments(node))
    for compare in tree.find_all(nodes.Compare):
        add([compare.expr, *(operand.expr for operand in compare.ops)])
    for assign in tree.find_all(nodes.Assign):
        add([assign.node])
    return tuple(sorted(found, key=lambda text: (-len(text), text)))


def _written_strings(tree: nodes.Template) -> tuple[str, ...]:
    """The strings of a template but for those that it compares texts with, or gives to their methods."""
    looked_for = set[int]()
    for node in tree.find_all((nodes.Compare, nodes.Test, nodes.Call)):
        if not isinstance(node, nodes.Call):
            looked_for.update(map(id, node.find_all(nodes.Const)))
        elif isinstance(node.node, nodes.Getattr):
            looked_for.update(
                id(const) for value in _arguments(node) for const in [value, *value.find_all(nodes.Const)]
            )
    constants = [node.value for node in tree.find_all(nodes.Const) if id(node) not in looked_for]
    texts = [node.data for node in tree.find_all(nodes.TemplateData)]
    return tuple(text for text in (*texts, *constants) if isinstance(text, str))


def _arguments(node: Any) -> list[nodes.Node]:
    return [*node.args, *(pair.value for pair in node.kwargs)]


class _Generation(Extension):
    """`{% generation %}`, by which some templates mark what is learned: read, and not needed."""

    tags = {"generation"}

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class _Names(Namespace):
    """`namespace()`, without names that begin with an underscore."""

    def __init__(*args: Any, **kwargs: Any) -> None:
        self, *rest = args
        values = dict(*rest, **kwargs)
        for name in values:
            _refuse_hidden(name)
        Namespace.__init__(self, values)

    def __setitem__(self, name: str, value: Any) -> None:
        _refuse_hidden(name)
        super().__setitem__(name, value)


def _refuse_hidden(name: Any) -> None:
    if isinstance(name, str) and name.startswith("_"):
        raise SecurityError(f"a namespace has no name {name!r}")


def _dict(*args: Any, **kwargs: Any) -> dict[Any, Any]:
    return dict(*args, **kwargs)


def _raise(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)


def _tojson(
    value: Any, ensure_ascii: bool = False, indent: Any = None, separators: Any = None, sort_keys: bool = False
) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _clock(date: str) -> Callable[[str], str]:
    from datetime import date as day

    return day.fromisoformat(date).strftime


def _sentence(error: BaseException) -> str:
    line = getattr(error, "lineno", None)
    text = (str(error) or type(error).__name__).splitlines()[0][:300]
    return f"{text} (line {line})" if line else text
