"""The parts of a page in which its scripts look for no formulas: `class="tex2jax_ignore"` and what is configured so.

Few pages have such classes, so nothing is asked at the elements of the others: `watching` makes a second dictionary of
openers, which is used where `Delimiters.ignore` names a class.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import islice
from typing import Any

from mathmill.curation.html.delimiters import Delimiters
from mathmill.curation.html.formulas import Source
from mathmill.curation.html.scan import Scanner, scanner
from mathmill.curation.html.walk import SKIP, Closer, Opener, Walker

_INLINE = frozenset((
    "span", "a", "b", "i", "em", "strong", "u", "s", "q", "font", "small", "big", "mark", "cite", "label", "abbr",
    "sub", "sup", "bdi", "bdo", "var", "dfn", "ins", "del", "nobr",
))  # fmt: skip


class Silent(Scanner):
    """Finds nothing."""

    def may_hold(self, text: str) -> bool:
        """Never."""
        return False


@lru_cache(maxsize=1)
def _silent() -> Silent:
    return Silent(Delimiters())


def first_scanner(delimiters: Delimiters) -> Scanner:
    """The scanner at the start of a page: a silent one where every element is ignored."""
    return _silent() if "*" in delimiters.ignore else scanner(delimiters)


def watching(openers: dict[str, Opener | None], delimiters: Delimiters) -> dict[str, Opener | None]:
    """Openers that turn the scanner off in elements with a class that is ignored, and on in those that are not."""
    if delimiters not in _made:
        if len(_made) >= _MOST_MADE:
            _made.clear()
        said = lru_cache(maxsize=1 << 12)(lambda class_: _scanner_for(class_, delimiters))
        _made[delimiters] = {tag: _watching(tag, opener, said) for tag, opener in openers.items()}
    return _made[delimiters]


_made: dict[Delimiters, dict[str, Opener | None]] = {}
_MOST_MADE = 64


def _scanner_for(class_: str, delimiters: Delimiters) -> Scanner | None:
    """The scanner that a class asks for, if it asks for one."""
    classes = class_.split()
    if not delimiters.process.isdisjoint(classes):
        return scanner(delimiters)
    return None if delimiters.ignore.isdisjoint(classes) else _silent()


def _watching(tag: str, opener: Opener | None, said: Callable[[str], Scanner | None]) -> Opener:
    def open_(walker: Walker, node: Any) -> Closer | str | None:
        class_ = node.attributes.get("class")
        wanted = said(class_) if class_ else None
        now = walker.scanner
        if wanted is None or wanted is now:
            return opener(walker, node) if opener is not None else None
        if tag in _INLINE:
            closer = opener(walker, node) if opener is not None else None
            if closer is SKIP:
                return SKIP
            if wanted is _silent():
                return _quote_at_end(closer, len(walker.pieces))
            return _scan_at_end(closer, wanted, len(walker.pieces), len(walker.objects))
        walker.flush()
        walker.scanner = wanted
        closer = opener(walker, node) if opener is not None else None
        if closer is SKIP:
            walker.scanner = now
            return SKIP
        return _restore_at_end(closer, now)

    return open_


def _restore_at_end(closer: Any, before: Scanner) -> Closer:
    def close(walker: Walker) -> None:
        if closer is not None:
            closer(walker)
        walker.flush()
        walker.scanner = before

    return close


def _quote_at_end(closer: Any, start: int) -> Closer:
    """Keep the text of an inline element from the scanner, as is done with inline code, but without backticks."""

    def close(walker: Walker) -> None:
        text = "".join(walker.pieces[start:])
        if text and "\0" not in text:
            walker.pieces[start:] = ["\0c"]
            walker.objects.append(" ".join(text.split()))
        if closer is not None:
            closer(walker)

    return close


def _scan_at_end(closer: Any, wanted: Scanner, start: int, first: int) -> Closer:
    """Find the formulas in an inline element of a paragraph that is otherwise ignored."""

    def close(walker: Walker) -> None:
        text = "".join(walker.pieces[start:])
        found = wanted.scan(text) if wanted.may_hold(text) else []
        if found:
            objects = iter(walker.objects[first:])
            del walker.pieces[start:], walker.objects[first:]
            at = 0
            for formula in found:
                _keep(walker, text[at : formula.start], objects)
                walker.formula(Source(formula.tex, formula.display, formula.encoding))
                at = formula.end
            _keep(walker, text[at:], objects)
        if closer is not None:
            closer(walker)

    return close


def _keep(walker: Walker, text: str, objects: Iterator[Source | str]) -> None:
    walker.pieces.append(text)
    walker.objects.extend(islice(objects, text.count("\0f") + text.count("\0c")))
