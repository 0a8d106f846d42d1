"""What numba lacks for reading bytes fast: 64 of them compared at once, loads without alignment, the first set bit.

A mask has a bit for each of 64 bytes. LLVM makes vector instructions of it on every processor; it takes 0.06 ns a byte
where a loop over bytes with a table takes 2.
"""

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

WIDTH = 64
_VECTOR = ir.VectorType(ir.IntType(8), WIDTH)
_WORD = ir.IntType(64)

TEXT_SIGNS = b"$&\\=+^*"
TAG_SIGNS = b"$&\\"
LEADS = b"\xc2\xc3\xce\xcf\xe2\xf0"
"""Bytes that Greek letters and symbols of mathematics begin with in UTF-8."""


def ends_word(byte: int) -> bool:
    """Whether a byte ends words: blanks, quotes, brackets, `*+,:;<`; others do so too, but stand in what is sought."""
    return byte < 0x23 or 0x27 <= byte < 0x2D or 0x3A <= byte < 0x3D


def _all(byte: int) -> ir.Constant:
    return ir.Constant(_VECTOR, [byte] * WIDTH)


@intrinsic
def _masks(context: Any, address: Any) -> Any:
    """Masks of the 64 bytes at an address, which must all be readable.

    Returns eight uint64: ASCII letters, upper-case letters, `<`, `>`, TEXT_SIGNS or one of LEADS, TAG_SIGNS or one of
    LEADS, bytes from 0x80 on, and bytes that end words (`ends_word`).
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        compare = _Compare(builder, arguments[0])
        lead = compare.any_of(LEADS)
        found = [
            compare.letters(),
            compare.within(compare.bytes, ord("A"), 26),
            compare.any_of(b"<"),
            compare.any_of(b">"),
            builder.or_(lead, compare.any_of(TEXT_SIGNS)),
            builder.or_(lead, compare.any_of(TAG_SIGNS)),
            builder.icmp_unsigned(">=", compare.bytes, _all(0x80)),
            compare.ends(),
        ]
        return context.make_tuple(builder, signature.return_type, [builder.bitcast(mask, _WORD) for mask in found])

    return types.UniTuple(types.uint64, 8)(types.uintp), generate  # type: ignore[no-untyped-call]


@intrinsic
def _tag_masks(context: Any, address: Any) -> Any:
    """What of the 64 bytes at an address, if it is `<`, begins: 66 bytes must be readable.

    Returns three uint64: any tag (`<` before a letter, `/`, `!` or `?`), one that may be `<script` or `<style`, and one
    that may be of math or a script above or below the line (`<m`, `<d-`, `<su`).
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        following = [_Compare(builder, builder.add(arguments[0], ir.Constant(_WORD, i))) for i in (1, 2)]
        second, third = following
        is_s = second.any_of(b"sS")
        found = [
            builder.or_(second.letters(), second.any_of(b"/!?")),
            builder.and_(is_s, third.any_of(b"cCtT")),
            builder.or_(
                builder.or_(second.any_of(b"mM"), builder.and_(second.any_of(b"dD"), third.any_of(b"-"))),
                builder.and_(is_s, third.any_of(b"uU")),
            ),
        ]
        return context.make_tuple(builder, signature.return_type, [builder.bitcast(mask, _WORD) for mask in found])

    return types.UniTuple(types.uint64, 3)(types.uintp), generate  # type: ignore[no-untyped-call]


class _Compare:
    """Comparisons of the 64 bytes at an address."""

    def __init__(self, builder: Any, address: Any) -> None:
        self._builder = builder
        self.bytes = builder.load(builder.inttoptr(address, _VECTOR.as_pointer()), align=1)

    def any_of(self, signs: bytes) -> Any:
        found = [self._builder.icmp_unsigned("==", self.bytes, _all(sign)) for sign in signs]
        while len(found) > 1:
            found.append(self._builder.or_(found.pop(0), found.pop(0)))
        return found[0]

    def within(self, vector: Any, first: int, n: int) -> Any:
        return self._builder.icmp_unsigned("<", self._builder.sub(vector, _all(first)), _all(n))

    def letters(self) -> Any:
        return self.within(self._builder.or_(self.bytes, _all(0x20)), ord("a"), 26)

    def ends(self) -> Any:
        either = self._builder.or_(self.within(self.bytes, 0, 0x23), self.within(self.bytes, ord("'"), 6))
        return self._builder.or_(either, self.within(self.bytes, ord(":"), 3))


@intrinsic
def _load(context: Any, address: Any) -> Any:
    """The eight bytes at an address as uint64, the first one lowest."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(builder.inttoptr(arguments[0], _WORD.as_pointer()), align=1)

    return types.uint64(types.uintp), generate


@intrinsic
def _first_bit(context: Any, mask: Any) -> Any:
    """The place of the lowest set bit of a mask that is not 0."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], cgutils.true_bit)

    return types.uint64(types.uint64), generate


@intrinsic
def _count_bits(context: Any, mask: Any) -> Any:
    """How many bits of a mask are set."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


# numba's decorator types these as they are written, not as they are called
masks: Any = _masks
tag_masks: Any = _tag_masks
load: Any = _load
first_bit: Any = _first_bit
count_bits: Any = _count_bits
