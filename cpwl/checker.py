"""An independent checker of certificates: one file, exact integers, nothing else of cpwl, no floating-point number.

    python checker.py [--no-flint] [--max-work PRODUCTS] [--max-memory BYTES] CERTIFICATE [NETWORK ...]

Exit status: 0 accepted (what is proved is printed), 1 rejected (the rule that is broken, and where), 2 malformed, 3
refused (it would take more products of integers, or more memory, than is allowed: both are counted before they are
spent. By default so much is allowed as files of that size need, by a wide margin; "none" lifts a limit). The format,
its limits and the numbered rules are in proofs/certificate-format.md; proofs/, Theorems 2 to 7, show that the rules
imply the claims. The certificate proposes polygons, or simplices, points and values; the checker searches nothing,
tolerates nothing and repairs nothing. python-flint, when installed, multiplies integer matrices faster; the verdict is
the same.
"""

from __future__ import annotations

import sys

if __name__ == "__main__" and not (sys.flags.isolated or getattr(sys.flags, "safe_path", False)):
    sys.path.pop(0)  # the folder of this file, where others are called as modules of the standard library are

import base64
import binascii
import gc
import gzip
import hashlib
import json
import re
import zlib
from abc import ABC, abstractmethod
from array import array
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, reduce
from io import BytesIO
from itertools import chain, combinations, compress, islice, pairwise, product, repeat
from math import gcd, lcm, prod
from operator import add, and_, getitem, gt, itemgetter, lt, mul, or_, sub
from pathlib import Path
from typing import Any, ClassVar

FORMAT, VERSIONS = "cpwl-certificate", (1, 2, 3)
MAX_BYTES = 1 << 28
MAX_FLOAT_BYTES = 1 << 30
"""Of a file of a network with those that stand in long strings ``floats``."""
MAX_DIGITS = 4000
MAX_NODES = 1 << 12
MAX_CORNERS = 1 << 12
MAX_DIMENSION = 16
MAX_ENTRIES = 1 << 26
MAX_BITS = 1 << 12
BATCH_ENTRIES, BATCH_READS = 1 << 17, 1 << 21
KEPT_WEIGHTS = 1 << 20
FREE_WORK, WORK_A_CHARACTER = 1 << 22, 1 << 8
WORK_TO_READ, OF_A_VALUE, OF_A_PAIR, OF_AN_OPEN_UNIT, OF_AN_ARGUMENT, OF_A_NAME = 8, 8, 8, 16, 32, 256
"""Products that take as long as to read a character; to list a value; to look at a pair of arguments; to see whether a
unit is open; to find a function at a vertex and its sign; to find a vertex or a region, beside its functions."""
WORK_OF_A_CORNER = 15
"""Products for the turn of a polygon at a corner, and for the area under an edge."""
WORD, WORDS_A_PRODUCT, BASECASE = 64, 16, 32
"""Bits of a word; products of words that take as long as what else a product takes; from how many words on halves are
multiplied (Karatsuba)."""
LONG = 512
"""Bits from which on it is looked up how long numbers are, where bounds of it grow."""
OF_A_NUMBER, OF_A_CHARACTER, OF_AN_ENTRY, OF_A_WINDOW = 88, 64, 160, 400
"""Bytes for a number beside its digits, for a character of a file, for an entry of a node, for a window."""
MORE_WORK, MORE_WORK_A_BYTE, MORE_ROOM, MORE_ROOM_A_BYTE = 1 << 28, 1 << 13, 1 << 29, 1 << 13
"""The limits by default: so much, and so much for every byte of the files."""
RADIUS_BITS = 30
"""After the point, of what radii of shares are multiplied by."""
SLOW_PRODUCTS = 10**7
"""Products a second without python-flint, of numbers of some hundred bits."""


class Rejected(Exception):
    """A rule is broken: the claim is not proved."""


class Open(Rejected):
    """Numbers of so many bits leave a sign open: more may tell it."""


class Refused(Exception):
    """The certificate takes more work than is allowed: nothing is said of it."""


class Malformed(Exception):
    """The file is not of the format."""


def demand(holds: Any, rule: int, reason: str) -> None:
    """Raises ``Rejected`` unless a rule holds."""
    if not holds:
        raise Rejected(f"rule {rule}: {reason}")


def certain(holds: Any, rule: int, reason: str) -> None:
    """Raises ``Open`` unless numbers of so many bits tell a sign."""
    if not holds:
        raise Open(f"rule {rule}: {reason}; more bits may tell it")


def require(holds: Any, reason: str) -> None:
    """Raises ``Malformed`` unless the file is as the format wants it."""
    if not holds:
        raise Malformed(reason)


# ---- what a check takes ---------------------------------------------------------------------------------------------
@dataclass
class Work:
    """What a check takes: products of short integers, counted before they are made, and bytes, before they are held."""

    most: int | None = None
    done: int = 0
    announce: bool = False
    room: int | None = None
    """How many bytes there may be at a time."""
    kept: int = 0
    """Bytes that are held to the end."""
    peak: int = 0

    @classmethod
    def by_default(cls, size: int) -> Work:
        """What files of so many bytes may take where nothing else is said."""
        most, room = MORE_WORK + MORE_WORK_A_BYTE * size, MORE_ROOM + MORE_ROOM_A_BYTE * size
        return cls(most, announce=True, room=room)

    def spend(self, amount: int) -> None:
        """Raises ``Refused`` if so many more are too many."""
        self.done += amount
        if self.most is not None and self.done > self.most:
            raise Refused(
                f"it takes {self.done:,} products of integers or more, {self.most:,} are allowed (--max-work)"
            )

    def add(self, amount: int) -> None:
        """Counts what is bounded by the length of the files: it is not refused by itself."""
        self.done += amount

    def hold(self, size: int) -> None:
        """Raises ``Refused`` if so many bytes at a time, beside those that are kept, are too many."""
        self.peak = max(self.peak, self.kept + size)
        if self.room is not None and self.kept + size > self.room:
            raise Refused(
                f"it takes {self.kept + size:,} bytes of memory or more, {self.room:,} are allowed (--max-memory)"
            )

    def keep(self, size: int) -> None:
        """The same for bytes that are held to the end."""
        self.hold(size)
        self.kept += size

    def expect(self, amount: int) -> None:
        """Says, before a long check, how long it will take without python-flint."""
        seconds = amount // SLOW_PRODUCTS
        if self.announce and Matrix.flint is None and seconds >= 10:
            print(f"about {amount:,} products: {seconds:,} seconds or more without python-flint", file=sys.stderr)


def products(count: int, left: int = 0, right: int = 0) -> int:
    """What so many products of numbers of so many bits take, in products of short ones."""
    few, many = sorted((1 + left // WORD, 1 + right // WORD))
    return count + count * -(-many // few) * square(few) // WORDS_A_PRODUCT


def square(words: int) -> int:
    """Products of words for a product of two numbers of so many words, by Karatsuba's rule."""
    return words * words if words <= BASECASE else 3 * square((words + 1) // 2) + 5 * words


def room_for(count: int, length: int) -> int:
    """The bytes of so many numbers of so many bits in lists."""
    return count * (OF_A_NUMBER + length // 7)


def length_of(rows: Iterable[Sequence[Any]]) -> int:
    """How many bits the longest of some numbers has."""
    return max((int(max(max(row), -min(row))).bit_length() for row in rows if row), default=0)


# ---- reading -------------------------------------------------------------------------------------------------------
def parse(data: bytes, most: int = 0, work: Work | None = None) -> Any:
    """The JSON value in a file, compressed or not: no floating-point number, no escapes, no key given twice.

    ``most``: how many bytes it may have with those in long strings ``floats``, if more than without them. What reading
    may take is kept by ``work``.
    """
    most = max(most, MAX_BYTES)
    if data[:2] == b"\x1f\x8b":
        data = decompressed(data, most)
        require(len(data) <= most, f"the file unpacks to more than {most} bytes")
    require(len(data) <= most, f"the file has more than {most} bytes")
    apart = sum(match.end() - match.start() for match in FLOATS.finditer(data))
    require(len(data) - apart <= MAX_BYTES, f"the file has more than {MAX_BYTES} bytes that are not in floats")
    if work is not None:
        work.add(WORK_TO_READ * len(data))
        work.keep(OF_A_CHARACTER * (len(data) - apart) + OF_A_CHARACTER // 4 * apart)
    require(data[:4] != b"PK\x03\x04", "the file is an archive, such as a partition, and not a certificate")
    require(b"\\" not in data and data.isascii(), "the file must be ASCII without backslashes")
    try:
        return json.loads(
            data.decode("ascii"),
            object_pairs_hook=unique,
            parse_int=small,
            parse_float=refused,
            parse_constant=refused,
        )
    except ValueError as error:
        raise Malformed(f"the file is not JSON: {error}") from None


FLOATS = re.compile(rb'"floats": ?"[^"]{4096,}"')
"""Long strings only: of short ones, in objects of their own, the objects would take the memory."""


def decompressed(data: bytes, most: int) -> bytes:
    """The content of a gzip file, not more than one byte above the limit of it."""
    try:
        with gzip.GzipFile(fileobj=BytesIO(data)) as file:
            return at_most(file, most + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise Malformed(f"the file is not gzip: {error}") from None


def at_most(file: Any, most: int) -> bytes:
    """The first so many bytes of a file: no more are held than there are."""
    parts, left = [], most
    while left and (part := file.read(min(left, 1 << 20))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, whose keys must differ."""
    require(len({key for key, _ in pairs}) == len(pairs), "an object has a key twice")
    return dict(pairs)


def small(text: str) -> int:
    """A JSON integer: an index, a size or a count."""
    require(len(text) <= 12, "an integer has more than 12 characters; longer numbers are strings")
    return int(text)


def refused(text: str) -> Any:
    """Raises: numbers that are not integers are strings."""
    raise Malformed(f"{text[:20]} is not an integer; numbers are strings 'p' or 'p/q'")


def members(entry: Any, what: str, *keys: str) -> list[Any]:
    """The members of an object with exactly the given keys, in that order."""
    require(isinstance(entry, dict) and set(entry) == set(keys), f"{what} must be an object of {', '.join(keys)}")
    return [entry[key] for key in keys]


def integer(value: Any, low: int, high: int, what: str) -> int:
    """An integer in low .. high."""
    require(type(value) is int and low <= value <= high, f"{what} must be an integer in {low} .. {high}")
    return int(value)


def integers(values: Any, low: int, high: int, what: str) -> list[int]:
    """A list of integers in low .. high."""
    require(isinstance(values, list), f"{what} must be a list")
    return [integer(value, low, high, what) for value in values]


Ratio = tuple[int, int]
"""A numerator and a positive denominator without a common factor."""
NUMBER = re.compile(r"(0|-?[1-9][0-9]*)(?:/([1-9][0-9]*))?")


def ratio(text: Any) -> Ratio:
    """The number that a string 'p' or 'p/q' stands for."""
    match = NUMBER.fullmatch(text) if isinstance(text, str) and len(text) <= 2 * MAX_DIGITS else None
    if match is None or max(len(part or "") for part in match.groups()) > MAX_DIGITS:
        raise Malformed(f"a number must be a string 'p' or 'p/q' of at most {MAX_DIGITS} digits each")
    p, q = int(match[1]), int(match[2] or 1)
    require(gcd(p, q) == 1 and (q > 1 or match[2] is None), "a number must be in lowest terms")
    return p, q


def written(p: Any, q: Any) -> str:
    """The number p / q as it stands in a certificate, and a decimal beside it when that is long."""
    text = str(p) if q == 1 else f"{p}/{q}"
    return text if len(text) <= 12 else f"{text} (about {decimal(p, q)})"


def decimal(p: Any, q: Any) -> str:
    """p / q in seven significant digits, cut off and not rounded: integers alone, of any size."""
    size, common = abs(int(p)), int(q)
    if not size:
        return "0"
    power = (size.bit_length() - common.bit_length()) * 30103 // 100000 + 1
    while size * 10 ** max(-power, 0) < common * 10 ** max(power, 0):
        power -= 1
    digits = str(size * 10 ** max(6 - power, 0) // (common * 10 ** max(power - 6, 0)))
    sign = "-" if p < 0 else ""
    if not -5 <= power < 7:
        return f"{sign}{digits[0]}.{digits[1:]}e{power}"
    padded = "0" * max(-power, 0) + digits
    whole, rest = padded[: max(power, 0) + 1], padded[max(power, 0) + 1 :].rstrip("0")
    return f"{sign}{whole}.{rest}" if rest else f"{sign}{whole}"


def ratios(values: Any) -> list[Ratio]:
    """The numbers of a list."""
    require(isinstance(values, list), "numbers must stand in a list")
    return [ratio(value) for value in values]


Scaled = tuple[list[int], int]
"""Integers, and one positive divisor of all of them."""


def common_scale(values: Sequence[Ratio]) -> Scaled:
    """Integers and one positive divisor of all of them that stand for the given numbers."""
    scale = 1
    for q in {q for _, q in values}:
        scale = lcm(scale, q)
        require(scale.bit_length() <= MAX_BITS, f"a common denominator has more than {MAX_BITS} bits")
    factors = {q: scale // q for q in {q for _, q in values}}
    return limited([p * factors[q] for p, q in values], scale)


def limited(numerators: list[int], scale: int) -> Scaled:
    """The same numbers over the same denominator, if all are short enough."""
    require(scale.bit_length() <= MAX_BITS, f"a common denominator has more than {MAX_BITS} bits")
    require(all(p.bit_length() <= MAX_BITS for p in numerators), f"a scaled number has more than {MAX_BITS} bits")
    return numerators, scale


Shape = tuple[int, ...]


def shape_of(values: Any, what: str) -> Shape:
    """The shape of a tensor."""
    shape = tuple(integers(values, 1, MAX_ENTRIES, f"{what}: a shape"))
    require(len(shape) <= 16 and prod(shape) <= MAX_ENTRIES, f"{what}: more than {MAX_ENTRIES} entries")
    return shape


def tensor(entry: Any, what: str) -> tuple[Shape, list[Ratio]]:
    """The shape and the entries of a tensor of numbers."""
    shape, values = members(entry, what, "shape", "values")
    size, numbers = shape_of(shape, what), ratios(values)
    require(len(numbers) == prod(size), f"{what} must have as many values as its shape says")
    return size, numbers


Weight = tuple[int, Callable[[], Scaled]]
"""How many bits some numbers have at most, and what makes them."""


def weights(entry: Any, what: str) -> tuple[Shape, Weight]:
    """The shape of a weight, and its numbers: given like those of other tensors, or as float64 words."""
    if not (isinstance(entry, dict) and "floats" in entry):
        size, numbers = tensor(entry, what)
        scaled_numbers = common_scale(numbers)
        return size, (length_of(scaled_numbers[:1]), lambda: scaled_numbers)
    shape, text = members(entry, what, "shape", "floats")
    size, words = shape_of(shape, what), words_of(text, what)
    require(len(words) == prod(size), f"{what} must have as many floats as its shape says")
    heads = {word >> 52 for word in words}
    require(not heads & {0x7FF, 0xFFF}, f"{what} has a float that is infinite or no number")
    require(0x800 not in heads or NEGATIVE_ZERO not in words, f"{what} has a float that is -0")
    least = least_exponent(words, heads)
    length = 53 + max(max(head & 0x7FF for head in heads), 1) - min(least, 1075)
    return size, (length, lambda: dyadic(words, heads, least))


NEGATIVE_ZERO = 1 << 63


def words_of(text: Any, what: str) -> array[int]:
    """The words in a text of base64, without a loss: the one text that stands for them."""
    require(isinstance(text, str) and len(text) <= MAX_FLOAT_BYTES, f"{what}: floats must be text")
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed(f"{what}: floats must be base64") from None
    words: array[int] = array("Q")
    fits = words.itemsize == 8 and len(data) % 8 == 0 and base64.b64encode(data).decode("ascii") == text
    require(fits, f"{what}: floats must be base64 of words of 8 bytes")
    words.frombytes(data)
    if sys.byteorder == "big":
        words.byteswap()
    return words


def least_exponent(words: array[int], heads: set[int]) -> int:
    """The least exponent of words that are not 0; 0 stands for 1."""
    faint = not heads.isdisjoint((0, 0x800)) and any(word % NEGATIVE_ZERO for word in words if not word >> 52 & 0x7FF)
    return 1 if faint else min((head & 0x7FF for head in heads if head & 0x7FF), default=1)


def dyadic(words: array[int], heads: set[int], least: int) -> Scaled:
    """The numbers that float64 words stand for: (-1)^sign 2^(exponent - 1075) mantissa, of the mantissa's 53 bits.

    ``heads`` are the sign bits and exponents that occur, ``least`` the least exponent. An exponent 0 stands for 1, and
    its mantissa has 52 bits.
    """
    factors = {head: (1 << max((head & 0x7FF) - least, 0)) * (-1 if head >> 11 else 1) for head in heads}
    hidden = {head: 1 << 52 if head & 0x7FF else 0 for head in heads}
    mask = (1 << 52) - 1
    numerators = [(word & mask | hidden[word >> 52]) * factors[word >> 52] for word in words]
    common = reduce(or_, numerators)
    if not common:
        return numerators, 1
    even = (common & -common).bit_length() - 1
    up, down = max(least - 1075 + even, 0), max(1075 - least - even, 0)
    return [(x >> even) << up for x in numerators] if even or up else numerators, 1 << down


# ---- operators: each is checked against the shapes and becomes a function of exact fields --------------------------
Field = tuple[list[list[Any]], list[int]]
"""Integers, one row a point, and the positive denominator of each row."""
Apply = Callable[[list[Field]], Field]


class Linear(ABC):
    """A linear operator, and what it adds."""

    length: int
    """How many bits its numbers have over their common denominator, at most."""
    terms: int
    """How many products make an entry, at most."""
    numbers: int
    """How many numbers it has."""

    @abstractmethod
    def __call__(self, fields: list[Field]) -> Field:
        """What it makes of fields."""

    @abstractmethod
    def with_errors(self, fields: list[Field], errors: list[Field]) -> tuple[Field, Field]:
        """What it makes of fields, and of errors in them: as much as magnitudes of all numbers make, or more.

        Nothing is added to the latter.
        """

    def ready(self) -> Linear:
        """The same, with all that is made of its numbers at hand: to be asked several times."""
        return self


@dataclass(frozen=True)
class Units:
    """What the units of a node say of a region, from two bit masks of each of its vertices joined by "or"."""

    masks: Callable[[Field], list[tuple[int, int]]]
    pattern: Callable[[int, int], int]
    """The canonical pieces, coded as one integer; -1 - j when unit j has none (in the order of the masks)."""
    bends: Callable[[Enclose, int], Bends]
    """What an enclosure of the arguments leaves open: see ``Steps`` and ``Contests``."""
    length: int = 0
    """How many bits the numbers of the pieces have, at most."""


@dataclass(frozen=True)
class Node:
    """One operator of a network."""

    inputs: list[int]
    shape: Shape
    work: int
    """What it takes to evaluate this and all nodes before it at a point: see ``work_of``."""
    apply: Apply
    units: Units | None = None
    cost: int = 0
    """What it takes to evaluate this node alone."""
    linear: Linear | None = None
    entry: Any = None
    """What stands in the file."""

    @property
    def size(self) -> int:
        """The number of its entries."""
        return prod(self.shape)

    @property
    def length(self) -> int:
        """How many bits the numbers have by which it multiplies, at most."""
        return self.linear.length if self.linear is not None else self.units.length if self.units is not None else 0


def aligned(fields: list[Field]) -> Field:
    """The rows of several fields side by side, over common denominators."""
    if all(denominators == fields[0][1] for _, denominators in fields):
        return [list(chain(*row)) for row in zip(*(rows for rows, _ in fields), strict=True)], fields[0][1]
    scales = [lcm(*row) for row in zip(*(denominators for _, denominators in fields), strict=True)]
    parts = [
        [[x * (scale // q) for x in row] for row, q, scale in zip(rows, denominators, scales, strict=True)]
        for rows, denominators in fields
    ]
    return [list(chain(*row)) for row in zip(*parts, strict=True)], scales


def flint_matrices() -> Any:
    """The integer matrices of python-flint; None when it is not installed."""
    try:
        from flint import fmpz_mat
    except ImportError:
        return None
    return fmpz_mat


class Matrix:
    """A matrix of integers, given by its columns, to be multiplied from the left by many rows at once."""

    flint: ClassVar[Any] = flint_matrices()

    def __init__(self, columns: list[list[int]]) -> None:
        self.columns = columns if self.flint is None else []
        self.matrix = self.flint(columns).transpose() if self.flint is not None else None

    def times(self, rows: Sequence[Sequence[Any]]) -> list[Any]:
        """Each row times the matrix: the numbers of all of them, row by row."""
        if self.flint is not None:
            entries: list[Any] = (self.flint(rows) * self.matrix).entries()
            return entries
        return [sum(map(mul, row, column)) for row in rows for column in self.columns]


class Affine(Linear):
    """Windows of the entries times the rows of a weight, and a bias.

    Entries are those of slabs, one after the other, each of so many channels; slab i belongs to group i of so many, in
    turns. A window reads the same entries of all channels of a slab. Large weights are made anew where they are wanted,
    so that not all of a network are held.
    """

    def __init__(
        self,
        weight: Weight,
        bias: list[Ratio],
        reads: list[list[int]],
        slabs: tuple[int, int, int],
        order: list[int] | None,
        groups: int = 1,
    ) -> None:
        """``reads``: the entries of a window, -1 for zero; ``slabs``: how many, of how many channels and entries each.

        The results, group by group, slab by slab, window by window, are brought into the given order.
        """
        count, self._channels, self._area = slabs
        self._weight, self._bias, self._count = weight[1], bias, len(bias) // groups
        firsts = [range(g * self._channels, count * self._channels, groups * self._channels) for g in range(groups)]
        places: Sequence[int] = range(count * self._channels * self._area)
        if len(reads) * len(reads[0]) >= self._area:
            places = list(places)  # each number once, however often it is read
        self._slabs = [
            [(first * self._area, self._pickers(first, reads, places)) for first in group] for group in firsts
        ]
        self._reads = reads
        self._ordered = None if order is None or order == list(range(len(order))) else picker(order)
        width = self._channels * len(reads[0])
        self.terms, self.numbers = width + 1, (width + 1) * len(bias)
        self._size = max(1, BATCH_READS // (width + 1))
        self._kept = self._made() if width * len(bias) <= KEPT_WEIGHTS else None
        self.length = min(weight[0] + lcm(*(q for _, q in bias)).bit_length(), MAX_BITS)
        if self._kept is not None:
            self.length = max(length_of([self._kept[0]]), self._kept[2].bit_length())

    def _pickers(
        self, first: int, reads: list[list[int]], places: Sequence[int]
    ) -> list[Callable[[Sequence[Any]], tuple[Any, ...]]]:
        starts = [channel * self._area for channel in range(first, first + self._channels)]
        return [picker([i if i < 0 else places[start + i] for start in starts for i in read]) for read in reads]

    def ready(self) -> Affine:
        made = copy(self)
        made._kept = self._kept or self._made()
        return made

    def __call__(self, fields: list[Field]) -> Field:
        ((rows, denominators),) = fields
        _, matrices, scale = self._kept or self._made()
        return self._mapped(rows, denominators, matrices), [q * scale for q in denominators]

    def with_errors(self, fields: list[Field], errors: list[Field]) -> tuple[Field, Field]:
        ((rows, denominators),), ((around, ones),) = fields, errors
        numerators, matrices, scale = self._kept or self._made()
        made = self._mapped(rows, denominators, matrices), [q * scale for q in denominators]
        # Errors need few digits: what they are multiplied by is rounded up first.
        coarse = max(max(map(abs, (max(numerators), min(numerators)))).bit_length() - RADIUS_BITS, 0)
        sizes = self._matrices([upward(abs(x), coarse) for x in numerators], [0] * len(self._bias))
        grown = [[x << coarse for x in row] for row in self._mapped(around, ones, sizes)]
        return made, (grown, [q * scale for q in ones])

    def _made(self) -> tuple[list[int], list[Matrix], int]:
        """The numbers of the weight, the matrices with the bias, and the denominator of both."""
        (numerators, divisor), (constants, unit) = self._weight(), common_scale(self._bias)
        scale = lcm(divisor, unit)
        if scale > divisor:
            numerators = [x * (scale // divisor) for x in numerators]
        constants = [x * (scale // unit) for x in constants]
        longest = max(scale.bit_length(), *(x.bit_length() for x in (max(numerators), min(numerators), *constants)))
        require(longest <= MAX_BITS, f"numbers over a common denominator have more than {MAX_BITS} bits")
        return numerators, self._matrices(numerators, constants), scale

    def _matrices(self, numerators: list[int], constants: list[int]) -> list[Matrix]:
        """The rows of a weight, each with its constant, group by group."""
        width = len(numerators) // len(constants)
        rows = [[*numerators[i * width : (i + 1) * width], x] for i, x in enumerate(constants)]
        return [Matrix(rows[first : first + self._count]) for first in range(0, len(rows), self._count)]

    def _mapped(self, rows: list[list[Any]], denominators: list[Any], matrices: list[Matrix]) -> list[list[Any]]:
        points = [(*row, 0) for row in rows]  # index -1 reads the 0
        made: list[list[Any]] = [[] for _ in rows]
        for slabs, matrix in zip(self._slabs, matrices, strict=True):
            there = [self._there(row, q, slabs) for row, q in zip(points, denominators, strict=True)]
            results = self._products(matrix, self._windows(points, denominators, slabs, there))
            zeros = [0] * self._count
            for own, flags in zip(made, there, strict=True):
                own += chain.from_iterable(next(results) if flag else zeros for flag in flags)
        return made if self._ordered is None else [list(self._ordered(row)) for row in made]

    def _there(self, row: Sequence[Any], q: Any, slabs: list[tuple[int, Any]]) -> list[Any]:
        """For each window whether it may read a number that is not 0: rows of units that bend have few of them."""
        if q:
            return [True] * (len(slabs) * len(self._reads))
        starts = [[first + c * self._area for c in range(self._channels)] for first, _ in slabs]
        filled = bytes(map(bool, row))
        supports = [reduce(or_, (int.from_bytes(filled[i : i + self._area], "little") for i in of)) for of in starts]
        entries = [support.to_bytes(self._area + 1, "little") for support in supports]  # index -1 reads the last one, 0
        return [any(map(some.__getitem__, read)) for some in entries for read in self._reads]

    def _windows(
        self,
        points: list[tuple[Any, ...]],
        denominators: list[Any],
        slabs: list[tuple[int, Any]],
        there: list[list[Any]],
    ) -> Iterator[tuple[Any, ...]]:
        """What the windows read that may have other numbers than 0, point by point."""
        picks = [pick for _, pickers in slabs for pick in pickers]
        for row, q, flags in zip(points, denominators, there, strict=True):
            yield from ((*pick(row), q) for pick in compress(picks, flags))

    def _products(self, matrix: Matrix, windows: Iterator[tuple[Any, ...]]) -> Iterator[list[Any]]:
        """Each window times a matrix."""
        while some := list(islice(windows, self._size)):
            yield from split(matrix.times(some), len(some))


def split(values: list[Any], count: int) -> list[list[Any]]:
    """A list in so many parts of the same length."""
    return groups(values, len(values) // count)


def picker(index: Sequence[int]) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    """What takes the entries with some indices."""
    if len(index) == 1:
        return lambda row: (row[index[0]],)
    return itemgetter(*index)


def dense(entry: dict[str, Any], shape: Shape, inputs: list[Shape]) -> Linear:
    """Rule of shapes: weight (out, in), bias (out,), input (*s, in), output (*s, out)."""
    (rows, weight), (out, bias), source = weights(entry["weight"], "weight"), tensor(entry["bias"], "bias"), inputs[0]
    require(len(rows) == 2 and out == rows[:1] and source[-1:] == rows[1:], "Dense: weight and bias do not fit")
    require(shape == (*source[:-1], rows[0]), "Dense: the node has another shape")
    return Affine(weight, bias, [[0]], (prod(source[:-1]), rows[1], 1), None)


def convolution(entry: dict[str, Any], shape: Shape, inputs: list[Shape]) -> Linear:
    """Cross-correlation over the last d axes, with zero padding.

    Input (*s, C, *spatial), weight (O, C / groups, *kernel), bias (O,), output (*s, O, *out).
    """
    (kernel, weight), (out, bias) = weights(entry["weight"], "weight"), tensor(entry["bias"], "bias")
    d, groups = len(kernel) - 2, integer(entry["groups"], 1, MAX_ENTRIES, "groups")
    require(1 <= d <= 3 and len(inputs[0]) > d and out == kernel[:1], "Conv: weight, bias and input do not fit")
    count, channels, spatial = prod(inputs[0][: -d - 1]), inputs[0][-d - 1], inputs[0][-d:]
    require(kernel[0] % groups == 0 and channels == kernel[1] * groups, "Conv: the channels do not fit")
    axes = sliding(entry, kernel[2:], spatial)
    size = tuple(axis.places for axis in axes)
    require(shape == (*inputs[0][: -d - 1], kernel[0], *size), "Conv: the node has another shape")
    require(count * prod(size) * groups * prod(kernel[1:]) <= MAX_ENTRIES, "Conv: too many products")
    each, places = kernel[0] // groups, prod(size)
    results = product(range(count), range(groups), range(each), range(places))
    order = [((g * count + n) * places + p) * each + o for n, g, o, p in results]
    slabs = count * groups, kernel[1], prod(spatial)
    return Affine(weight, bias, windows_of(axes), slabs, order, groups)


@dataclass(frozen=True)
class Axis:
    """How a kernel moves along one axis."""

    length: int
    kernel: int
    stride: int
    dilation: int
    before: int
    """The padding before the first entry."""
    places: int
    """Of the output."""


def sliding(entry: dict[str, Any], kernel: Shape, spatial: Shape) -> list[Axis]:
    """How the kernel of a convolution moves along each axis."""
    require(isinstance(entry["padding"], list), "padding must be a list of pairs")
    padding = [integers(pair, 0, MAX_ENTRIES, "padding") for pair in entry["padding"]]
    stride, dilation = (integers(entry[key], 1, MAX_ENTRIES, key) for key in ("stride", "dilation"))
    fits = len(stride) == len(dilation) == len(padding) == len(kernel) and all(len(pair) == 2 for pair in padding)
    require(fits, "Conv: stride, dilation and padding must have one entry an axis")
    axes = []
    for n, k, step, gap, (before, after) in zip(spatial, kernel, stride, dilation, padding, strict=True):
        reach = n + before + after - gap * (k - 1) - 1
        require(reach >= 0, "Conv: the input is smaller than the kernel")
        axes.append(Axis(n, k, step, gap, before, reach // step + 1))
    require(prod(axis.places * axis.kernel for axis in axes) <= MAX_ENTRIES, "Conv: too many products")
    return axes


def windows_of(axes: list[Axis]) -> list[list[int]]:
    """For each place of the output what the kernel reads of a channel (-1: padding)."""
    reads = []
    for place in product(*(range(axis.places) for axis in axes)):
        index = [0]
        for at, axis in zip(place, axes, strict=True):
            along = [at * axis.stride - axis.before + axis.dilation * j for j in range(axis.kernel)]
            index = [i * axis.length + x if i >= 0 and 0 <= x < axis.length else -1 for i in index for x in along]
        reads.append(index)
    return reads


def broadcast(shape: Shape, target: Shape, what: str) -> list[int]:
    """For each entry of the target the entry of a tensor that broadcasts to it, as numpy has it."""
    require(len(shape) <= len(target), f"{what} does not broadcast to the input")
    index = [0]
    for have, want in zip((1,) * (len(target) - len(shape)) + shape, target, strict=True):
        require(have in (1, want), f"{what} does not broadcast to the input")
        index = [i * have + (j if have > 1 else 0) for i in index for j in range(want)]
    return index


class Scaling(Linear):
    """x -> factor x + shift, entry by entry."""

    terms = 2

    def __init__(self, factor: list[int], shift: list[int], scale: int) -> None:
        """Numbers over one denominator."""
        self._factor, self._shift, self._scale = factor, shift, scale
        self.numbers, self.length = len(factor), max(length_of([factor, shift]), scale.bit_length())

    @classmethod
    def of(cls, factors: Spread, shifts: Spread) -> Scaling:
        """Each number is brought to the common denominator once, however often it is read."""
        (own, places), (added, others) = factors, shifts
        numerators, scale = common_scale([*own, *added])
        return cls([numerators[i] for i in places], [numerators[len(own) + i] for i in others], scale)

    def __call__(self, fields: list[Field]) -> Field:
        ((rows, denominators),) = fields
        made = [
            [f * x + s * q for f, x, s in zip(self._factor, row, self._shift, strict=True)] if q
            else list(map(mul, self._factor, row))
            for row, q in zip(rows, denominators, strict=True)
        ]  # fmt: skip
        return made, [q * self._scale for q in denominators]

    def with_errors(self, fields: list[Field], errors: list[Field]) -> tuple[Field, Field]:
        return self(fields), Scaling(list(map(abs, self._factor)), [0] * self.numbers, self._scale)(errors)


Spread = tuple[list[Ratio], list[int]]
"""Numbers, and for each entry of a node which of them it reads."""


def spread(entry: Any, target: Shape, what: str) -> Spread:
    """The entries of a tensor, broadcast to a shape."""
    shape, values = tensor(entry, what)
    return values, broadcast(shape, target, what)


def scaling(entry: dict[str, Any], shape: Shape, inputs: list[Shape]) -> Linear:
    """x -> factor x + shift."""
    require(shape == inputs[0], "Scale: the node has another shape")
    return Scaling.of(spread(entry["factor"], shape, "factor"), spread(entry["shift"], shape, "shift"))


def division(entry: dict[str, Any], shape: Shape, inputs: list[Shape]) -> Linear:
    """x -> x / divisor."""
    require(shape == inputs[0], "Divide: the node has another shape")
    divisors, places = spread(entry["divisor"], shape, "divisor")
    require(all(p for p, _ in divisors), "Divide: a divisor is zero")
    return Scaling.of(([(q, p) if p > 0 else (-q, -p) for p, q in divisors], places), ([(0, 1)], [0] * prod(shape)))


class Summation(Linear):
    """The sum of some fields times integers over one denominator."""

    def __init__(self, coefficients: list[int], scale: int) -> None:
        self._coefficients, self._scale = coefficients, scale
        self.terms = self.numbers = len(coefficients)
        self.length = max(length_of([coefficients]), scale.bit_length())

    def __call__(self, fields: list[Field]) -> Field:
        rows, denominators = aligned(fields)
        made = []
        for row in rows:
            parts = split(row, self.terms)
            made.append([sum(map(mul, self._coefficients, terms)) for terms in zip(*parts, strict=True)])
        return made, [q * self._scale for q in denominators]

    def with_errors(self, fields: list[Field], errors: list[Field]) -> tuple[Field, Field]:
        return self(fields), Summation(list(map(abs, self._coefficients)), self._scale)(errors)


def summation(entry: dict[str, Any], shape: Shape, inputs: list[Shape]) -> Linear:
    """The sum of the inputs times their coefficients."""
    coefficients, scale = common_scale(ratios(entry["coefficients"]))
    require(len(coefficients) == len(inputs), "Sum: one coefficient an input is wanted")
    require(all(source == shape for source in inputs), "Sum: the inputs must have the shape of the node")
    return Summation(coefficients, scale)


class Gathering(Linear):
    """Entries of some fields, one after the other, by index; -1 is zero."""

    length = numbers = 0
    terms = 1

    def __init__(self, index: list[int]) -> None:
        self._take = picker(index)

    def __call__(self, fields: list[Field]) -> Field:
        rows, denominators = aligned(fields)
        return [list(self._take((*row, 0))) for row in rows], denominators

    def with_errors(self, fields: list[Field], errors: list[Field]) -> tuple[Field, Field]:
        return self(fields), self(errors)


def gathering(entry: dict[str, Any], shape: Shape, inputs: list[Shape]) -> Linear:
    """Entries of the inputs by index."""
    size, values = members(entry["index"], "index", "shape", "values")
    index = integers(values, -1, sum(map(prod, inputs)) - 1, "index")
    require(shape_of(size, "index") == shape and len(index) == prod(shape), "Gather: the node has another shape")
    return Gathering(index)


def piecewise(entry: dict[str, Any], shape: Shape, inputs: list[Shape]) -> tuple[Apply, Units]:
    """A continuous piecewise-linear function of each entry: breakpoints b, slopes s, its value at the first of b."""
    points = vector(entry["breakpoints"], "breakpoints")
    count = len(points)
    slopes_shape, slopes = tensor(entry["slopes"], "slopes")
    require(shape == inputs[0], "Piecewise: the node has another shape")
    require(all(p * s < r * q for (p, q), (r, s) in pairwise(points)), "Piecewise: breakpoints must increase")
    require(slopes_shape[:1] == (count + 1,), "Piecewise: one slope more than breakpoints is wanted")
    index, each = broadcast(slopes_shape[1:], shape, "slopes"), prod(slopes_shape[1:])
    common_scale(points), common_scale(slopes)  # before sums of their products become too large
    lines, scale = lines_of(groups(slopes, each), points, ratio(entry["value"]))
    rows = [zip(*pair, strict=True) for pair in zip(*(groups(part, each) for part in split(lines, 2)), strict=True)]
    kinds = list(zip(*rows, strict=True))
    units = [kinds[i] for i in index]
    return (lambda fields: on_pieces(fields[0], points, units, scale)), Units(
        lambda field: sides(field, points),
        lambda low, high: one_sided(low, high, prod(shape)),
        lambda enclosed, denominator: Steps(points, units, scale, enclosed, denominator),
        max(length_of([lines, *points]), scale.bit_length()),
    )


def vector(entry: Any, what: str) -> list[Ratio]:
    """The entries of a tensor of one axis."""
    shape, values = tensor(entry, what)
    require(len(shape) == 1, f"{what} must have one axis")
    return values


def lines_of(pieces: list[list[Ratio]], points: list[Ratio], value: Ratio) -> Scaled:
    """The slopes of pieces, and the values at zero of each piece's line (proofs/, Lemma 1), piece by piece."""
    numbers, scale = integral([*chain(*pieces), value])
    *slopes, (height,) = groups(numbers, len(pieces[0]))
    at, unit = integral(points)
    constants = [[height * unit - slope * at[0] for slope in slopes[0]]]
    for left, right, place in zip(slopes[:-1], slopes[1:], at, strict=True):
        constants.append([c + (s - r) * place for c, s, r in zip(constants[-1], left, right, strict=True)])
    lines = [*(s * unit for s in chain(*slopes)), *chain(*constants)]
    common = gcd(scale * unit, *lines)
    return limited([x // common for x in lines], scale * unit // common)


def gaps(row: list[Any], q: int, points: list[Ratio]) -> list[list[Any]]:
    """For each breakpoint numbers with the signs of the entries (over q) minus the breakpoint."""
    return [row if r == 0 else [h * s - r * q for h in row] for r, s in points]


def on_pieces(field: Field, points: list[Ratio], units: list[Any], scale: int) -> Field:
    """The values of a piecewise-linear function, from the slope and the intercept of each piece of each unit."""
    made = []
    for row, q in zip(*field, strict=True):
        pieces = [0] * len(row)
        for gap in gaps(row, q, points):
            pieces = [k + (x >= 0) for k, x in zip(pieces, gap, strict=True)]
        lines = map(getitem, units, pieces)
        made.append([slope * h + constant * q for h, (slope, constant) in zip(row, lines, strict=True)])
    return made, [q * scale for q in field[1]]


def sides(field: Field, points: list[Ratio]) -> list[tuple[int, int]]:
    """For each row the pairs (breakpoint, entry) with the entry below the breakpoint, and those with it above."""
    pairs = []
    for row, q in zip(*field, strict=True):
        differences = list(chain(*gaps(row, q, points)))
        pairs.append((bits([x < 0 for x in differences]), bits([x > 0 for x in differences])))
    return pairs


def one_sided(below: int, above: int, units: int) -> int:
    """The pairs (breakpoint, unit) with the unit somewhere below: they name its piece, unless it is somewhere above."""
    both = below & above
    return -1 - (both.bit_length() - 1) % units if both else below


def bits(flags: Iterable[int]) -> int:
    """The integer whose bit i is flag i."""
    return int(bytes(flags).translate(BINARY)[::-1] or b"0", 2)


BINARY = b"01" + bytes(254)
"""The digit of each flag."""


def groups(values: list[Any], size: int) -> list[list[Any]]:
    """A list in parts of a certain length."""
    return [values[i : i + size] for i in range(0, len(values), size)]


def maximum(shape: Shape, inputs: list[Shape]) -> tuple[Apply, Units]:
    """The maximum over the last axis."""
    require(inputs[0][:-1] == shape and len(inputs[0]) > 0, "Max: the node has another shape")
    k, units = inputs[0][-1], prod(shape)
    # A group has k bits, "argument i is not the largest", and a free one above them. Adding 1 to a group turns its
    # lowest 0 (the least index of a largest argument) into 1, all below it into 0; bit k becomes 1 if there is none.
    ones = bits([i == 0 for _ in range(units) for i in range(k + 1)])
    spilled = ones << k

    def masks(field: Field) -> list[tuple[int, int]]:
        rows = ([(group, max(group)) for group in groups(row, k)] for row in field[0])
        return [(bits([flag for g, top in row for flag in (*(x < top for x in g), False)]), 0) for row in rows]

    def pattern(low: int, _: int) -> int:
        sums = low + ones
        return -((sums & spilled).bit_length() // (k + 1)) if sums & spilled else sums & ~low

    return (lambda fields: ([[max(group) for group in groups(row, k)] for row in fields[0][0]], fields[0][1])), Units(
        masks, pattern, lambda enclosed, _: Contests(k, enclosed)
    )


LINEAR: dict[str, tuple[Callable[[dict[str, Any], Shape, list[Shape]], Linear], tuple[str, ...]]] = {
    "Dense": (dense, ("weight", "bias")),
    "Conv": (convolution, ("weight", "bias", "stride", "padding", "dilation", "groups")),
    "Scale": (scaling, ("factor", "shift")),
    "Divide": (division, ("divisor",)),
    "Sum": (summation, ("coefficients",)),
    "Gather": (gathering, ("index",)),
}


# ---- networks ------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Network:
    """The operators of a network in topological order, and the name of it."""

    nodes: list[Node]
    sha256: str
    budget: Work
    """What may be spent on evaluating it."""

    @property
    def outputs(self) -> int:
        """The number of outputs."""
        return prod(self.nodes[-1].shape)

    @classmethod
    def of(cls, entry: Any, given: dict[str, Any], beside: int = 0, work: Work | None = None) -> Network:
        """The network of an entry: in the entry itself, or among the given ones by its name.

        ``beside`` is the number of characters of the domain: how much work a network may be is bounded by the text.
        """
        budget = Work() if work is None else work
        require(isinstance(entry, dict) and isinstance(entry.get("sha256"), str), "a network must have a sha256")
        if "nodes" not in entry:
            (name,) = members(entry, "a network", "sha256")
            demand(name in given, 1, f"the network with the SHA-256 {name[:64]} is not among the files given")
            return cls(operators(given[name], beside, budget), name, budget)
        nodes, name = members(entry, "a network", "nodes", "sha256")
        demand(digest(nodes) == name, 1, f"the network does not have the SHA-256 {name[:64]}")
        return cls(operators(nodes, beside, budget), name, budget)


def difference(first: Network, second: Network) -> Network:
    """The first network minus the second: the nodes of the first, those of the second that it lacks, and a Sum.

    A node of the second is one of the first that has the same entry and reads the same nodes. The inputs have as many
    entries as each other, and not always one shape: a node that reads them is another one then.
    """
    nodes, places = list(first.nodes), [0]
    known: dict[str, int] = {}
    for k, node in enumerate(first.nodes):
        known.setdefault(digest(node.entry), k)
    apart = first.nodes[0].shape != second.nodes[0].shape
    for node in second.nodes[1:]:
        inputs = [places[j] for j in node.inputs]
        entry = {**node.entry, "inputs": inputs}
        same = None if apart and 0 in inputs else known.get(digest(entry))
        places.append(len(nodes) if same is None else same)
        if same is None:
            nodes.append(replace(node, inputs=inputs, work=nodes[-1].work + node.cost, entry=entry))
    size, ends = (first.outputs,), [len(first.nodes) - 1, places[-1]]
    entry = {"op": "Sum", "inputs": ends, "shape": list(size), "coefficients": ["1", "-1"]}
    linear, cost = summation(entry, size, [size, size]), work_of("Sum", entry, size, [size, size])
    nodes.append(Node(ends, size, nodes[-1].work + cost, linear, None, cost, linear, entry))
    return Network(nodes, "", first.budget)


def text_of(entry: Any) -> str:
    """An entry as JSON without spaces, keys sorted."""
    return json.dumps(entry, sort_keys=True, separators=(",", ":"))


def digest(entry: Any) -> str:
    """The SHA-256 of the text of an entry."""
    return hashlib.sha256(text_of(entry).encode("ascii")).hexdigest()


def operators(entries: Any, beside: int = 0, budget: Work | None = None) -> list[Node]:
    """The nodes of a network; see ``Network.of``."""
    require(isinstance(entries, list) and 1 < len(entries) <= MAX_NODES, f"a network has 2 to {MAX_NODES} nodes")
    most = FREE_WORK + WORK_A_CHARACTER * (len(text_of(entries)) + beside)
    plans: list[Plan] = []
    for i, entry in enumerate(entries):
        with telling(i):
            plans.append(planned(entry, plans, most))
    work = Work() if budget is None else budget
    room = sum(plan.room for plan in plans)
    work.add(plans[-1].work + room // 8)
    work.keep(room)
    made: list[Node] = []
    for i, (entry, plan) in enumerate(zip(entries, plans, strict=True)):
        with telling(i):
            made.append(operator(entry, plan, [made[j].shape for j in plan.inputs]))
    return made


@contextmanager
def telling(i: int) -> Iterator[None]:
    """Of what is malformed the number of the node is told."""
    try:
        yield
    except Malformed as error:
        raise Malformed(f"node {i}: {error}") from None


@dataclass(frozen=True)
class Plan:
    """What is known of a node before anything is made of it."""

    inputs: list[int]
    shape: Shape
    cost: int
    work: int
    """Of this and all nodes before it."""
    room: int


def work_of(op: str, entry: dict[str, Any], size: Shape, inputs: list[Shape]) -> int:
    """The entries that a node reads, and those that it makes, each once and as often as it has to be asked.

    So often are numbers of a weight that go into it, breakpoints, or pairs of arguments of a maximum.
    """
    asked = 0
    if op in ("Dense", "Conv"):
        held = "floats" if isinstance(entry["weight"], dict) and "floats" in entry["weight"] else "values"
        asked = prod(shape_of(members(entry["weight"], "weight", "shape", held)[0], "weight")[1:])
    elif op == "Piecewise":
        asked = prod(shape_of(members(entry["breakpoints"], "breakpoints", "shape", "values")[0], "breakpoints"))
    elif op == "Max":
        arguments = prod(inputs[0][-1:])
        asked = arguments * (arguments - 1) // 2
    return sum(map(prod, inputs)) + prod(size) * (1 + asked)


def room_of(op: str, entry: dict[str, Any], size: Shape, inputs: list[Shape]) -> int:
    """The bytes of what is made of a node beside the numbers of its text: of places of entries, and of windows."""
    entries = sum(map(prod, inputs)) + prod(size)
    if op not in ("Dense", "Conv"):
        return OF_AN_ENTRY * entries
    kernel = shape_of(entry["weight"]["shape"], "weight")
    parts = min(integer(entry["groups"], 1, MAX_ENTRIES, "groups"), kernel[0]) if op == "Conv" else 1
    windows = prod(size) // kernel[0] * parts
    return OF_AN_ENTRY * entries + windows * (OF_A_WINDOW + 8 * prod(kernel[1:]) + 40 * prod(kernel[2:]))


def planned(entry: Any, before: list[Plan], most: int) -> Plan:
    """The plan of an entry, after the given ones, if all together take no more work than ``most``."""
    require(isinstance(entry, dict) and isinstance(entry.get("op"), str), "a node must be an object with an op")
    op = entry["op"]
    require(op in LINEAR or op in ("Input", "Piecewise", "Max"), f"there is no operator {op[:20]}")
    keys = LINEAR[op][1] if op in LINEAR else ("breakpoints", "slopes", "value") if op == "Piecewise" else ()
    _, inputs, shape, *_ = members(entry, f"a node {op}", "op", "inputs", "shape", *keys)
    sources, size = integers(inputs, 0, len(before) - 1, "inputs"), shape_of(shape, "the node")
    require((op == "Input") == (not before) and (op == "Input") == (not sources), "only node 0 is an Input")
    require(op in ("Sum", "Gather") or len(sources) <= 1, f"{op} has one input")
    shapes = [before[i].shape for i in sources]
    require(sum(map(prod, shapes)) <= MAX_ENTRIES, "too many entries")
    cost = work_of(op, entry, size, shapes)
    work = (before[-1].work if before else 0) + cost
    require(work <= most, f"the network takes more than {most} products a point, the most for a file of its size")
    return Plan(sources, size, cost, work, room_of(op, entry, size, shapes))


def operator(entry: dict[str, Any], plan: Plan, inputs: list[Shape]) -> Node:
    """The node of an entry, which reads others of some shapes."""
    op, size = entry["op"], plan.shape
    if op == "Input":
        return Node([], size, plan.work, lambda fields: fields[0], entry=entry)
    if op in LINEAR:
        linear = LINEAR[op][0](entry, size, inputs)
        return Node(plan.inputs, size, plan.work, linear, None, plan.cost, linear, entry)
    apply, units = piecewise(entry, size, inputs) if op == "Piecewise" else maximum(size, inputs)
    return Node(plan.inputs, size, plan.work, apply, units, plan.cost, entry=entry)


@dataclass(frozen=True)
class Seen:
    """What a network is at a point: for each node with units a pair of masks, and the outputs, over one denominator."""

    masks: list[tuple[int, int]]
    outputs: list[Any]
    denominator: int


def evaluated(network: Network, frame: Field, points: Sequence[Point]) -> Iterator[Seen]:
    """The network at points, in coordinates that are given by the frame: the points at the origin and the unit vectors.

    What depends on no unit is an affine function of the coordinates, found from its values at those.
    """
    nodes, work = network.nodes, network.budget
    early = affine_nodes(nodes)
    work.expect(len(points) * nodes[-1].work + len(frame[0]) * sum(nodes[i].cost for i in early))
    late = [i for i in range(len(nodes)) if i not in early]
    read = {j for i in late for j in nodes[i].inputs} | {len(nodes) - 1}
    start: dict[int, AffineMap] = {}
    fields = Fields(nodes, early, work)
    for i in early:
        fields.make(i, frame)
        if i in read:
            start[i] = AffineMap(fields.of(i), work)
    size = max(1, BATCH_ENTRIES // max(node.size for node in nodes))
    for first in range(0, len(points), size):
        yield from batch(nodes, late, {i: f.at(points[first : first + size]) for i, f in start.items()}, work)


def affine_nodes(nodes: list[Node]) -> dict[int, None]:
    """Those that depend on no unit."""
    made: dict[int, None] = {}
    for i, node in enumerate(nodes):
        if node.units is None and all(j in made for j in node.inputs):
            made[i] = None
    return made


class Fields:
    """The fields of nodes at points: each is counted before it is made, and left when it was read for the last time."""

    def __init__(self, nodes: list[Node], made: Iterable[int], work: Work) -> None:
        """``made``: the nodes that will be."""
        self._nodes, self._work = nodes, work
        self._last = {j: i for i in made for j in nodes[i].inputs}
        self._fields: dict[int, tuple[Field, int]] = {}
        """With how long their numbers are."""
        self._held = 0

    def take(self, i: int, field: Field) -> None:
        """The field of a node that is known."""
        length = length_of([*field[0], field[1]])
        self._fields[i] = field, length
        self._held += self._room(field, length)

    def of(self, i: int) -> Field:
        """That of a node."""
        return self._fields[i][0]

    def leave(self, i: int) -> None:
        """Nobody reads a field any more."""
        self._held -= self._room(*self._fields.pop(i))

    def make(self, i: int, frame: Field | None = None) -> list[Field]:
        """What a node makes of what it reads, which is returned; of no node but of the frame if it is the first."""
        node = self._nodes[i]
        inputs = [self._fields[j] for j in node.inputs] or [(frame or ([], []), 0)]
        count, length = len(inputs[0][0][0]), max(length for _, length in inputs)
        self._work.spend(products(count * node.cost, length, node.length) + OF_A_VALUE * count * node.size)
        read = sum(prod(self._nodes[j].shape) for j in node.inputs)
        self._work.hold(self._held + room_for(count * (read + node.size), 2 * length + node.length))
        fields = [field for field, _ in inputs]
        self.take(i, node.apply(fields))
        for j in {j for j in node.inputs if self._last[j] == i}:
            self.leave(j)
        return fields

    @staticmethod
    def _room(field: Field, length: int) -> int:
        return room_for(len(field[0]) * len(field[0][0]) if field[0] else 0, length)


class AffineMap:
    """An affine function of the coordinates, from its values at the origin and the unit vectors."""

    def __init__(self, field: Field, work: Work) -> None:
        self._work, self._size = work, len(field[0]) * len(field[0][0])
        self.scale = lcm(*field[1])
        work.spend(products(self._size, length_of(field[0]), self.scale.bit_length()))
        origin, *units = ([int(x) * (self.scale // q) for x in row] for row, q in zip(*field, strict=True))
        rows = [[*(a - c for a in slopes), c] for c, *slopes in zip(origin, *units, strict=True)]
        self._length = length_of(rows)
        self.matrix = Matrix(rows)

    def at(self, points: Sequence[Point]) -> Field:
        """The values at points."""
        length = length_of(points)
        values = len(points) * self._size // len(points[0])
        self._work.spend(products(len(points) * self._size, length, self._length) + OF_A_VALUE * values)
        self._work.hold(room_for(len(points) * self._size, length + self._length))
        return split(self.matrix.times(list(points)), len(points)), [self.scale * point[-1] for point in points]


def batch(nodes: list[Node], late: list[int], start: dict[int, Field], work: Work) -> Iterator[Seen]:
    """The late nodes at some points, from the fields of the others."""
    fields, masks = Fields(nodes, late, work), list[list[tuple[int, int]]]()
    for i, field in start.items():
        fields.take(i, field)
    for i in late:
        (argument, *_) = fields.make(i)
        units = nodes[i].units
        if units is not None:
            masks.append(units.masks(argument))
    rows, denominators = fields.of(len(nodes) - 1)
    told = len(rows) * sum(nodes[i].size for i in late if nodes[i].units is not None)
    work.keep(room_for(len(rows) * len(rows[0]), length_of([*rows, denominators])) + told // 2)
    for point, (row, q) in enumerate(zip(rows, denominators, strict=True)):
        yield Seen([each[point] for each in masks], row, q)


# ---- points, polygons, simplices -----------------------------------------------------------------------------------
Point = tuple[int, ...]
"""Homogeneous coordinates (x, ..., w), w > 0."""


def integral(numbers: Sequence[Ratio]) -> tuple[list[int], int]:
    """Integers, and their least positive divisor, that stand for the given numbers."""
    scale = lcm(*(q for _, q in numbers))
    return [p * (scale // q) for p, q in numbers], scale


def point(entry: Any, dimension: int) -> Point:
    """The point with the numbers of a list."""
    numbers = ratios(entry)
    require(len(numbers) == dimension, f"a point must have {dimension} coordinates")
    coordinates, w = integral(numbers)
    return (*coordinates, w)


def line(p: Point, q: Point) -> Point:
    """The line through two points of the plane: its product with a point is positive on the left."""
    return p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2], p[0] * q[1] - p[1] * q[0]


def side(of: Point, p: Point) -> int:
    """A number with the sign of a point's distance from a line or a hyperplane."""
    return sum(map(mul, of, p))


def is_convex(polygon: Sequence[Point]) -> bool:
    """Whether a polygon turns strictly left at every corner and its directions go round exactly once."""
    if len(polygon) < 3:
        return False
    following = [*polygon[1:], polygon[0]]
    edges = [line(p, q) for p, q in zip(polygon, following, strict=True)]
    lefts = all(side(edge, p) > 0 for edge, p in zip(edges, [*following[1:], following[0]], strict=True))
    # A line (a, b, c) through p and q has the direction (b, -a). Upward: into the upper half plane, or to the right.
    upward = [a < 0 or (a == 0 and b > 0) for a, b, _ in edges]
    turns = sum(now and not was for was, now in zip([upward[-1], *upward[:-1]], upward, strict=True))
    return lefts and turns == 1


def total_area(edges: Sequence[tuple[Point, Point]], work: Work) -> Ratio:
    """Twice the signed area inside closed polygons given by all their edges (the shoelace formula)."""
    work.spend(sum(products(3, length_of([p]), length_of([q])) for p, q in edges))
    terms = [(p[0] * q[1] - p[1] * q[0], p[2] * q[2]) for p, q in edges] or [(0, 1)]
    while len(terms) > 1:
        couples = list(zip(terms[::2], [*terms[1::2], *[(0, 1)] * (len(terms) % 2)], strict=True))
        work.spend(sum(products(3, length_of([p]), length_of([q])) for p, q in couples))
        terms = [(p[0] * q[1] + q[0] * p[1], p[1] * q[1]) for p, q in couples]
    return terms[0]


def orientation(corners: Sequence[Sequence[Any]]) -> int:
    """The sign of the determinant of the points' homogeneous coordinates, as many as each has: 0 if they lie flat."""
    det = Matrix.flint(corners).det() if Matrix.flint is not None else determinant(corners)
    return int(det > 0) - int(det < 0)


def determinants(count: int, size: int, length: int) -> int:
    """What so many determinants take, of so many rows of numbers of so many bits: minors have more."""
    return products(count * size**3, size * length // 2, size * length // 2)


def determinant(matrix: Sequence[Sequence[int]]) -> int:
    """The determinant of a square matrix, by elimination in which every division leaves no remainder (Bareiss)."""
    rows, sign, before = [list(row) for row in matrix], 1, 1
    for k in range(len(rows) - 1):
        pivot = next((i for i in range(k, len(rows)) if rows[i][k]), None)
        if pivot is None:
            return 0
        if pivot != k:
            rows[k], rows[pivot], sign = rows[pivot], rows[k], -sign
        top = rows[k]
        for row in rows[k + 1 :]:
            row[k + 1 :] = [
                (x * top[k] - row[k] * y) // before for x, y in zip(row[k + 1 :], top[k + 1 :], strict=True)
            ]
        before = top[k]
    return sign * rows[-1][-1]


def scalar_products(points: Sequence[Sequence[Any]], others: Sequence[Sequence[Any]], size: int) -> int:
    """What it takes to multiply each of some points by each of others, of so many numbers."""
    if not points or not others:
        return 0
    length = length_of(others)
    return sum(products(len(others) * size, length_of([p]), length) for p in points)


@dataclass(frozen=True)
class Domain:
    """A convex polyhedron, and the points of the input space at the origin and the unit vectors of its coordinates."""

    dimension: int
    sides: list[Point]
    """Their products with a point are >= 0 if it lies inside."""
    frame: Field
    polygon: list[Point] | None
    """The corners, in version 1."""

    @classmethod
    def of(cls, entry: Any, networks: list[Network], version: int) -> Domain:
        """The domain of an entry, in the input space of the networks."""
        require(isinstance(entry, dict), "domain must be an object")
        shape = "polygon" if version == 1 or (version == 3 and "polygon" in entry) else "halfspaces"
        rows, origin, basis = members(entry, "domain", shape, "origin", "basis")
        require(isinstance(rows, list) and isinstance(basis, list), f"domain: {shape} and basis must be lists")
        require(len(rows) <= MAX_CORNERS, f"domain: {MAX_CORNERS} corners or halfspaces at most")
        if shape == "polygon":
            dimension, polygon = 2, [point(corner, 2) for corner in rows]
            demand(is_convex(polygon), 2, "the polygon of the domain must turn left at every corner and go round once")
            sides = [line(p, q) for p, q in zip(polygon, [*polygon[1:], polygon[0]], strict=True)]
            return cls(dimension, sides, frame_of(origin, basis, networks, dimension), polygon)
        require(basis and isinstance(basis[0], list), "domain: basis must be a list of rows")
        dimension = integer(len(basis[0]), 1, MAX_DIMENSION, "domain: the number of columns of basis")
        numbers = [ratios(row) for row in rows]
        require(all(len(row) == dimension + 1 for row in numbers), f"a halfspace must have {dimension + 1} numbers")
        sides = [tuple(integral(row)[0]) for row in numbers]
        demand(all(any(of[:-1]) for of in sides), 21, "a halfspace must have a coefficient that is not 0")
        return cls(dimension, sides, frame_of(origin, basis, networks, dimension), None)

    def outside(self, points: Sequence[Point], work: Work) -> int | None:
        """The first of some points that does not lie in the domain."""
        work.spend(scalar_products(points, self.sides, self.dimension + 1))
        return next((i for i, p in enumerate(points) if any(side(of, p) < 0 for of in self.sides)), None)


def frame_of(origin: Any, basis: list[Any], networks: list[Network], dimension: int) -> Field:
    """The points origin + basis u at u = 0 and the unit vectors."""
    inputs = prod(networks[0].nodes[0].shape)
    centre, columns = ratios(origin), [ratios(row) for row in basis]
    require(len(centre) == len(columns) == inputs, f"domain: origin and basis must have {inputs} rows")
    require(all(len(row) == dimension for row in columns), f"domain: basis must have {dimension} columns")
    start = [Fraction(*x) for x in centre]
    ends = [[x + Fraction(*row[k]) for x, row in zip(start, columns, strict=True)] for k in range(dimension)]
    scaled_rows = [common_scale([(x.numerator, x.denominator) for x in row]) for row in (start, *ends)]
    return [row for row, _ in scaled_rows], [scale for _, scale in scaled_rows]


# ---- tilings: rules 3 to 9 of polygons; 3, 22 to 25, 8 and 9 of simplices ------------------------------------------
@dataclass(frozen=True)
class Tiling:
    """Regions that are proved to be the partition of the domain by the networks together."""

    vertices: list[Point]
    seen: list[list[Seen]]
    """What each network is at each vertex."""
    regions: int


def tiling(networks: list[Network], domain: Domain, entry: Any) -> Tiling:
    """The partition that a proof lists (proofs/, Theorems 3 and 6)."""
    table, rows = members(entry, "proof", "vertices", "regions")
    require(isinstance(table, list) and 0 < len(table) <= MAX_ENTRIES, "vertices must be a list of points")
    require(isinstance(rows, list) and len(rows) <= MAX_ENTRIES, "regions must be a list")
    vertices = [point(p, domain.dimension) for p in table]
    if domain.polygon is None:
        simplices = [simplices_of(row, domain.dimension, len(vertices)) for row in rows]
        regions = [sorted(set(chain(*row))) for row in simplices]
    else:
        regions = [integers(row, 0, len(vertices) - 1, "a region") for row in rows]
    work = networks[0].budget
    outside = domain.outside(vertices, work)
    demand(outside is None, 3, f"vertex {outside} lies outside the domain")
    if domain.polygon is None:
        covered_by_simplices(domain, vertices, simplices, work)
    else:
        covered_by_polygons(domain, domain.polygon, vertices, regions, work)
    seen = [list(evaluated(network, domain.frame, vertices)) for network in networks]
    distinct_patterns(networks, seen, regions)
    return Tiling(vertices, seen, len(regions))


def covered_by_polygons(
    domain: Domain, polygon: list[Point], vertices: list[Point], regions: list[list[int]], work: Work
) -> None:
    """Rules 4 to 7: convex regions, whose edges meet in pairs or lie along the domain, and whose areas add up."""
    lengths = [length_of([p]) for p in vertices]
    work.spend(WORK_OF_A_CORNER * len(polygon))
    for r, region in enumerate(regions):
        length = max((lengths[v] for v in region), default=0)
        work.spend(products(WORK_OF_A_CORNER * len(region), 2 * length, length))
        convex = is_convex([vertices[v] for v in region])
        demand(convex, 4, f"region {r} is not a convex polygon, listed counter-clockwise")
    owner: dict[tuple[int, int], int] = {}
    for r, region in enumerate(regions):
        for edge in zip(region, [*region[1:], region[0]], strict=True):
            demand(edge not in owner, 5, f"region {r} and region {owner.get(edge)} lie on the same side of an edge")
            owner[edge] = r
    loose = [edge for edge in owner if edge[::-1] not in owner]
    work.spend(scalar_products([vertices[v] for edge in loose for v in edge], domain.sides, 3))
    for a, b in loose:
        along = any(side(of, vertices[a]) == 0 == side(of, vertices[b]) for of in domain.sides)
        demand(along, 6, f"region {owner[a, b]} has an edge inside the domain without a region beyond it")
    area, size = total_area([(vertices[a], vertices[b]) for a, b in loose], work)
    wanted, unit = total_area(list(zip(polygon, [*polygon[1:], polygon[0]], strict=True)), work)
    work.spend(products(2, area.bit_length(), unit.bit_length()) + products(2, wanted.bit_length(), size.bit_length()))
    demand(area * unit == wanted * size, 7, "the areas of the regions do not add up to that of the domain")


Simplex = list[int]
"""The numbers of D + 1 vertices, increasing."""


def simplices_of(entry: Any, dimension: int, vertices: int) -> list[Simplex]:
    """The simplices of a region."""
    require(isinstance(entry, list), "a region must be a list of simplices")
    simplices: list[Simplex] = entry
    for simplex in simplices:
        whole = isinstance(simplex, list) and len(simplex) == dimension + 1 and set(map(type, simplex)) == {int}
        require(
            whole and simplex[0] >= 0 and simplex[-1] < vertices and all(map(lt, simplex, simplex[1:])),
            f"a simplex must be {dimension + 1} numbers of vertices that increase",
        )
    return simplices


def covered_by_simplices(domain: Domain, vertices: list[Point], regions: list[list[Simplex]], work: Work) -> None:
    """Rules 22 to 25: simplices, whose facets meet in pairs or lie along the domain, cover it once.

    A facet has two orientations: that of the simplex without its vertex i, times (-1)^i.
    """
    demand(regions and all(regions), 24, "there must be a region, and a simplex in every region")
    lengths = [length_of([p]) for p in vertices]
    corners = exact_rows(vertices)
    sums: dict[tuple[int, ...], int] = {}
    for r, simplices in enumerate(regions):
        for simplex in simplices:
            work.spend(determinants(1, len(simplex), max(lengths[v] for v in simplex)))
            turn = orientation([corners[v] for v in simplex])
            demand(turn, 22, f"a simplex of region {r} is flat")
            for i in range(len(simplex)):
                facet = (*simplex[:i], *simplex[i + 1 :])
                sums[facet] = sums.get(facet, 0) + (turn if i % 2 == 0 else -turn)
    loose = [facet for facet, total in sums.items() if total]
    ends = set(chain(*loose))
    work.spend(scalar_products([vertices[v] for v in ends], domain.sides, domain.dimension + 1))
    on = {v: {k for k, of in enumerate(domain.sides) if side(of, vertices[v]) == 0} for v in ends}
    for facet in loose:
        along = set.intersection(*(on[v] for v in facet))
        demand(along, 23, f"the facet {list(facet)} inside the domain has more simplices on one side than on the other")
    covered_once(vertices, corners, list(chain(*regions)), work)


def exact_rows(points: list[Point]) -> list[Sequence[Any]]:
    """The points in integers of python-flint, when it is installed."""
    return Matrix.flint([list(p) for p in points]).tolist() if Matrix.flint is not None else list(points)


def covered_once(vertices: list[Point], corners: list[Sequence[Any]], simplices: list[Simplex], work: Work) -> None:
    """Rule 25: the centroid of the first simplex lies in no other one."""
    size = len(vertices[0])
    first = [vertices[v] for v in simplices[0]]
    scale = lcm(*(p[-1] for p in first))
    centroid = [sum(p[k] * (scale // p[-1]) for p in first) for k in range(len(first) - 1)]
    (centre,) = exact_rows([(*centroid, len(first) * scale)])
    own = length_of([centre])
    lengths = [length_of([p]) for p in vertices]
    work.spend(sum(products(2 * size, length, own) for length in lengths))
    beyond = [halves(p, centre) for p in corners]
    for i, simplex in enumerate(simplices[1:], 1):
        apart = beyond[simplex[0]]
        for v in simplex[1:]:
            apart &= beyond[v]
        work.spend(0 if apart else determinants(size + 1, size, max(own, *(lengths[v] for v in simplex))))
        demand(apart or not holds([corners[v] for v in simplex], centre), 25, f"simplices 0 and {i} overlap")


def halves(p: Sequence[Any], centre: Sequence[Any]) -> int:
    """On which sides of another point a point strictly lies, as bits: below and above, coordinate by coordinate."""
    gaps = [x * centre[-1] - c * p[-1] for x, c in zip(p[:-1], centre[:-1], strict=True)]
    return bits([flag for gap in gaps for flag in (gap < 0, gap > 0)])


def holds(corners: list[Sequence[Any]], p: Sequence[Any]) -> bool:
    """Whether a simplex contains a point."""
    turn = orientation(corners)
    return all(orientation([*corners[:i], p, *corners[i + 1 :]]) != -turn for i in range(len(corners)))


def distinct_patterns(networks: list[Network], seen: list[list[Seen]], regions: list[list[int]]) -> None:
    """Rules 8 and 9: every unit has a canonical piece on every region, and no two regions have all pieces in common."""
    known: dict[tuple[int, ...], int] = {}
    for r, region in enumerate(regions):
        key: list[int] = []
        for network, at in zip(networks, seen, strict=True):
            key += pattern(network, [at[v].masks for v in region], r)
        other = known.setdefault(tuple(key), r)
        demand(other == r, 9, f"region {r} and region {other} have the same pattern")


def pattern(network: Network, corners: list[list[tuple[int, int]]], region: int) -> list[int]:
    """The canonical pieces of the units of each node on a region, from the masks at its corners."""
    pieces = []
    nodes = [(i, node.units) for i, node in enumerate(network.nodes) if node.units is not None]
    for (i, units), masks in zip(nodes, zip(*corners, strict=True), strict=True):
        low = high = 0
        for below, above in masks:
            low, high = low | below, high | above
        piece = units.pattern(low, high)
        if piece < 0:  # a piece is a mask of all units, which is not to be written out
            demand(False, 8, f"on region {region} unit {-1 - piece} of node {i} has no one piece")
        pieces.append(piece)
    return pieces


# ---- version 3: vertices by name, in fixed-point numbers with a radius, rounded outward (proofs/, Theorem 7) --------
Name = tuple[int, int]
"""A function of a node's arguments: (unit, breakpoint), its argument minus that; where it is Max (i, j): x_i - x_j."""


Column = tuple[int, int | None, Ratio]
"""An entry, minus another one (None: none), minus a number."""
Enclose = Callable[["list[Column] | None"], tuple[list[Any], list[Any]]]
"""Least and largest values of functions (None: of each entry) at all vertices, at worst."""


class Bends(ABC):
    """The units of a node where an enclosure of the arguments leaves more than one piece."""

    names: list[Name]
    """The functions whose signs decide, whose bits the masks (below, above) hold, unit by unit."""
    open: int
    """How many units these are of."""
    further: list[Column]
    """What has to be known of a vertex beside these functions so that they tell all entries of the node there."""
    scale: int
    """The denominator of all slopes and constants."""
    divisor: int
    """That of the factors of ``jumps``, a multiple of the scale."""
    bent: list[int]
    """The units that have another piece as well as the one that is fixed; known once they are settled."""
    cost: int
    """What it takes to find pieces from masks."""

    @abstractmethod
    def column(self, name: Name) -> Column:
        """The function of that name."""

    @abstractmethod
    def pattern(self, below: int, above: int) -> Any:
        """The canonical pieces of these units, from masks of all corners; None where one has none."""

    def implied(self, zero: int) -> int:
        """The functions that vanish where the given ones do, as bits: these, and, of maxima, differences of equals."""
        return zero

    @abstractmethod
    def settle(self, below: int, above: int) -> None:
        """Fixes a piece for every unit, from the masks of all vertices joined."""

    @abstractmethod
    def rows(self, rows: list[list[Any]], errors: list[Any], denominator: int) -> tuple[list[list[Any]], list[Any]]:
        """The node's rows and their errors on the pieces that are fixed, times the scale."""

    @abstractmethod
    def excess(self, balls: Balls, below: int, above: int) -> Balls:
        """What the units that bend are at a vertex, beyond the piece that is fixed, from the functions there."""

    @abstractmethod
    def jumps(self, pattern: Any) -> list[list[tuple[int, int]]]:
        """The same on pieces that ``pattern`` gave, as sums of (function, factor) over the divisor."""

    @abstractmethod
    def entries(self, balls: Balls, below: int, above: int, denominator: int) -> Balls:
        """All entries of the node at a vertex, from the functions there and what further is known."""


Ball = tuple[Any, Any]
"""A number is at most the second integer away from the first one: both are multiples of one unit, 2^-bits."""

Balls = tuple[list[Any], list[Any]]
"""The centres of balls, and their radii."""


def outward(numerator: Any, radius: Any, divisor: Any) -> Ball:
    """A ball that holds all quotients of the numbers in a ball by a positive divisor."""
    centre, rest = divmod(numerator, divisor)
    return centre, -(-radius // divisor) + (1 if rest else 0)


def quotients(rows: list[list[Any]], errors: list[Any], divisor: int) -> tuple[list[list[Any]], list[Any]]:
    """Rows, of which each column has an error, divided by a positive number, rounded down, and the errors then."""
    made, rests = rounded(rows, divisor)
    return made, widened(errors, divisor, rests)


def rounded(rows: list[list[Any]], divisor: int) -> tuple[list[list[Any]], list[Any]]:
    """Rows divided by a positive number, rounded down, and for each column something that is 0 if all was divisible."""
    if divisor == 1:
        return rows, [0] * len(rows[0])
    if divisor & (divisor - 1):
        rests: list[Any] = [any(column) for column in zip(*([x % divisor for x in row] for row in rows), strict=True)]
        return [[x // divisor for x in row] for row in rows], rests
    shift, mask = divisor.bit_length() - 1, divisor - 1
    rests = [x & mask for x in reduce(lambda union, more: list(map(or_, union, more)), rows)]
    return [[x >> shift for x in row] for row in rows], rests


def widened(errors: list[Any], divisor: int, rests: list[Any]) -> list[Any]:
    """The errors of columns that were divided by a positive number, and rounded where a rest is not 0."""
    return [-(-e // divisor) + (1 if rest else 0) for e, rest in zip(errors, rests, strict=True)]


class Steps(Bends):
    """Activations whose argument may be on more than one side of some breakpoints."""

    def __init__(self, points: list[Ratio], lines: list[Any], scale: int, enclosed: Enclose, denominator: int):
        """``enclosed`` gives bounds over ``denominator``."""
        low, high = enclosed(None)
        self._points, self._lines, self.scale = points, lines, scale
        self.divisor = scale * lcm(*(q for _, q in points))
        self._pieces, self.names = [0] * len(low), []
        for k, (p, q) in enumerate(points):
            level = p * denominator
            for j, (x, y) in enumerate(zip(low, high, strict=True)):
                if x * q >= level:
                    self._pieces[j] += 1
                elif y * q >= level:
                    self.names.append((j, k))
        self.names.sort()
        named = {j: i for i, (j, _) in reversed(list(enumerate(self.names)))}
        others = [j for j in range(len(low)) if j not in named and lines[j][self._pieces[j]][0]]
        self.open, self.further = len(named), [(j, None, (0, 1)) for j in others]
        self.cost = len(self.names) // WORD + 1
        self._known = named | {j: len(self.names) + i for i, j in enumerate(others)}
        """Of each unit that is not constant the place of a function from which its argument follows."""

    def column(self, name: Name) -> Column:
        return name[0], None, self._points[name[1]]

    def pattern(self, below: int, above: int) -> Any:
        return None if below & above else below

    def settle(self, below: int, above: int) -> None:
        self._steps: dict[int, list[tuple[int, int, int]]] = {}
        signs = zip(self.names, digits(below, len(self.names)), digits(above, len(self.names)), strict=True)
        for i, ((j, k), low, high) in enumerate(signs):
            if low == "0":
                self._pieces[j] += 1
            elif high == "1":
                rise = self._lines[j][k + 1][0] - self._lines[j][k][0]
                self._steps.setdefault(j, []).append((i, rise, self.scale * self._points[k][1]))
        plain = all(len(steps) == 1 and steps[0][1] == steps[0][2] for steps in self._steps.values())
        self._plain = Selection([steps[0][0] for steps in self._steps.values()], 0) if plain else None
        places = [self._place(j) for j in range(len(self._pieces))] if plain else [None]
        always = scattered([i for j, i in self._known.items() if j not in self._steps], len(self.names + self.further))
        self.bent = list(self._steps)
        self._clipped = None if None in places else Selection([i for i in places if i is not None], always)
        self._affine = [self._line(j) for j in range(len(self._pieces))] if self._clipped is None else []

    def _place(self, j: int) -> int | None:
        """The function that a unit is, where it is positive if the unit has a step; -1: it is 0; None: it is another.

        Its only step is one of the function itself.
        """
        i, (slope, constant) = self._known.get(j, -1), self._lines[j][self._pieces[j]]
        if j in self._steps:
            return None if slope or constant else self._steps[j][0][0]
        if not slope:
            return None if constant else -1
        return None if constant or slope != self.scale or self._level(i) != (0, 1) else i

    def _level(self, i: int) -> Ratio:
        """What a function is less than an argument, times its denominator."""
        return self._points[self.names[i][1]] if 0 <= i < len(self.names) else (0, 1)

    def _line(self, j: int) -> tuple[int, int, int, int]:
        """A unit on its piece: a function (-1: 0) times a number, and a constant, over a divisor."""
        i, (slope, constant) = self._known.get(j, -1), self._lines[j][self._pieces[j]]
        p, q = self._level(i)
        return i, slope, slope * p + constant * q, q * self.scale

    def rows(self, rows: list[list[Any]], errors: list[Any], denominator: int) -> tuple[list[list[Any]], list[Any]]:
        slopes, constants = zip(*map(getitem, self._lines, self._pieces), strict=True)
        made = [list(map(mul, slopes, row)) for row in rows]
        made[0] = [y + c * denominator for y, c in zip(made[0], constants, strict=True)]
        return made, list(map(mul, map(abs, slopes), errors))

    def excess(self, balls: Balls, below: int, above: int) -> Balls:
        if self._plain is not None:
            return self._plain.of(balls, above)
        flags = digits(above, len(self.names))
        risen = [self._risen(j, balls, flags) for j in self._steps]
        return [centre for centre, _ in risen], [radius for _, radius in risen]

    def _risen(self, j: int, balls: Balls, above: str) -> Ball:
        """What one unit is beyond its piece."""
        centre = radius = 0
        for i, rise, divisor in self._steps.get(j, ()):
            if above[i] == "1":
                x, e = balls[0][i], balls[1][i]
                if rise != divisor:
                    x, e = outward(rise * x, abs(rise) * e, divisor)
                centre, radius = centre + x, radius + e
        return centre, radius

    def jumps(self, pattern: Any) -> list[list[tuple[int, int]]]:
        below = digits(pattern, len(self.names))
        return [
            [(i, rise * (self.divisor // divisor)) for i, rise, divisor in steps if below[i] == "0"]
            for steps in self._steps.values()
        ]

    def entries(self, balls: Balls, below: int, above: int, denominator: int) -> Balls:
        if self._clipped is not None:
            return self._clipped.of(balls, above)
        known, around = ([*part, 0] for part in balls)  # place -1 holds the 0
        centres, radii = [], []
        for i, slope, constant, divisor in self._affine:
            centre, radius = outward(slope * known[i] + constant * denominator, abs(slope) * around[i], divisor)
            centres.append(centre)
            radii.append(radius)
        flags = digits(above, len(self.names))
        for j in self._steps:
            more, error = self._risen(j, balls, flags)
            centres[j] += more
            radii[j] += error
        return centres, radii


class Selection:
    """Some numbers, and 0 where they are not positive."""

    def __init__(self, places: list[int], always: int) -> None:
        """``places``: which numbers (-1: 0); ``always``: those that are not asked whether they are positive."""
        self._take, self._always = picker(places) if places else None, always

    def of(self, balls: Balls, above: int) -> Balls:
        if self._take is None:
            return [], []
        flags = digits(self._always | above, len(balls[0]))
        centres, radii = (
            [*(x if flag == "1" else 0 for x, flag in zip(part, flags, strict=True)), 0] for part in balls
        )
        return list(self._take(centres)), list(self._take(radii))


class Contests(Bends):
    """Maxima of which more than one argument may be the largest."""

    def __init__(self, k: int, enclosed: Enclose) -> None:
        """``enclosed`` gives bounds of the arguments, k for each unit, and of their differences."""
        low, high = enclosed(None)
        leasts = [max(low[first : first + k]) for first in range(0, len(low), k)]
        groups = [[i for i in range(k * unit, k * unit + k) if high[i] >= least] for unit, least in enumerate(leasts)]
        pairs = [pair for rivals in groups for pair in combinations(rivals, 2)]
        bounds = zip(pairs, *enclosed([(i, j, (0, 1)) for i, j in pairs]), strict=True)
        out = {j if least >= 0 else i for (i, j), least, most in bounds if least >= 0 or most < 0}
        self._winners: list[int] = []
        self._groups: list[tuple[int, list[int], dict[Name, int]]] = []
        self.names = []
        for unit, group in enumerate(groups):
            rivals = [i for i in group if i not in out]
            self._winners.append(rivals[0])
            if len(rivals) > 1:
                own = list(combinations(rivals, 2))
                self._groups.append((unit, rivals, {pair: len(self.names) + i for i, pair in enumerate(own)}))
                self.names += own
        self.open, self.further = len(self._groups), [(i, None, (0, 1)) for i in self._winners]
        self.cost = OF_A_PAIR * len(self.names) + 1
        self.scale = self.divisor = 1

    def column(self, name: Name) -> Column:
        return *name, (0, 1)

    def pattern(self, below: int, above: int) -> Any:
        winners = self._largest(below, above)
        return None if None in winners else winners

    def _largest(self, below: int, above: int) -> tuple[int | None, ...]:
        """Of each group the least argument that is smaller than no other one; None where there is none."""
        low, high = (digits(mask, len(self.names)) for mask in (below, above))
        return tuple(largest(rivals, pairs, low, high) for _, rivals, pairs in self._groups)

    def implied(self, zero: int) -> int:
        vanishes, told = digits(zero, len(self.names)), list[int]()
        for _, rivals, pairs in self._groups:
            equal = {rival: {rival} for rival in rivals}
            for (i, j), k in pairs.items():
                if vanishes[k] == "1" and equal[i] is not equal[j]:
                    equal[i] |= equal[j]
                    for rival in equal[j]:
                        equal[rival] = equal[i]
            told += [k for (i, j), k in pairs.items() if equal[i] is equal[j]]
        return scattered(told, len(self.names)) | zero

    def settle(self, below: int, above: int) -> None:
        self._bent: list[tuple[int, int, dict[Name, int]]] = []
        winners = self._largest(below, above)
        for group, (winner, (unit, rivals, pairs)) in enumerate(zip(winners, self._groups, strict=True)):
            self._winners[unit] = rivals[0] if winner is None else winner
            if winner is None:
                self._bent.append((group, rivals[0], pairs))
        self.bent = [self._groups[group][0] for group, _, _ in self._bent]

    def rows(self, rows: list[list[Any]], errors: list[Any], denominator: int) -> tuple[list[list[Any]], list[Any]]:
        take = picker(self._winners)
        return [list(take(row)) for row in rows], list(take(errors))

    def excess(self, balls: Balls, below: int, above: int) -> Balls:
        jumps = self.jumps(self.pattern(below, above))
        centres = [sum(factor * balls[0][i] for i, factor in jump) for jump in jumps]
        return centres, [sum(balls[1][i] for i, _ in jump) for jump in jumps]

    def jumps(self, pattern: Any) -> list[list[tuple[int, int]]]:
        return [
            [] if pattern[group] == fixed else [(pairs[fixed, pattern[group]], -1)]
            for group, fixed, pairs in self._bent
        ]

    def entries(self, balls: Balls, below: int, above: int, denominator: int) -> Balls:
        centres, radii = (part[len(self.names) :] for part in balls)
        winners = self._largest(below, above)
        for winner, (unit, rivals, pairs) in zip(winners, self._groups, strict=True):
            assert winner is not None
            if winner != rivals[0]:
                i = pairs[rivals[0], winner]
                centres[unit] -= balls[0][i]
                radii[unit] += balls[1][i]
        return centres, radii


def largest(rivals: list[int], pairs: dict[Name, int], below: str, above: str) -> int | None:
    """The least of the rivals that is smaller than no other one, where pairs of them have these signs."""
    smaller = {name[0] for name, i in pairs.items() if below[i] == "1"}
    smaller |= {name[1] for name, i in pairs.items() if above[i] == "1"}
    return next((rival for rival in rivals if rival not in smaller), None)


# ---- version 3: rows, of which every vertex has a combination -------------------------------------------------------
@dataclass
class Rows:
    """Integers, row by row: first some that are listed, then those of units, which are 0 but for one entry; then zeros.

    Nothing is held of the latter two.
    """

    listed: list[list[Any]]
    units: Sequence[int] = ()
    """For each of the further rows the column in which it has the entry."""
    entry: int = 1
    length: int = 0
    """How many bits the numbers have, at most."""

    def __len__(self) -> int:
        return len(self.listed) + len(self.units)

    @property
    def width(self) -> int:
        """The number of columns."""
        return len(self.listed[0])

    @property
    def room(self) -> int:
        """How many bytes they hold."""
        return room_for(len(self.listed) * self.width, self.length)

    def some(self, first: int, last: int) -> list[list[Any]]:
        """Those from the first to before the last."""
        own, width = len(self.listed), self.width
        units = self.units[max(first - own, 0) : max(last - own, 0)]
        rows = [*self.listed[first:last], *(unit_row(j, width, self.entry) for j in units)]
        return rows + [[0] * width] * (last - first - len(rows))

    def whole(self) -> list[list[Any]]:
        """All that are not zeros for sure."""
        return self.some(0, len(self)) if self.units else self.listed

    def columns(self, wanted: list[Column]) -> list[list[Any]]:
        """Some entries of each row, or differences of two."""
        made = [[row[i] if j is None else row[i] - row[j] for i, j, _ in wanted] for row in self.listed]
        place = {j: len(made) + k for k, j in enumerate(self.units)}
        made += [[0] * len(wanted) for _ in self.units]
        for column, (i, j, _) in enumerate(wanted if place else ()):
            if i in place:
                made[place[i]][column] += self.entry
            if j in place:
                made[place[j]][column] -= self.entry
        return made

    def combined(self, factors: Sequence[list[Any]]) -> list[list[Any]]:
        """For each list of factors the sum of all rows times these."""
        own = len(self.listed)
        made = product_of([leading(row, own) for row in factors], self.listed)
        for sums, row in zip(made, factors if self.units else (), strict=False):
            for j, factor in zip(self.units, row[own:], strict=True):
                sums[j] += factor * self.entry
        return made

    def magnitudes(self) -> Rows:
        """The magnitudes of all numbers; how long these are is looked up, if they may be long."""
        listed = [list(map(abs, row)) for row in self.listed]
        if self.length > LONG and self.width:
            self.length = int(max(self.entry, *map(max, listed))).bit_length()
        return Rows(listed, self.units, self.entry, self.length)


@dataclass(frozen=True)
class Spanned:
    """The values of a node: a constant row and others, of which a vertex has a combination; rows that lack are zero."""

    rows: Rows
    errors: list[Any]
    """How far each column is off in every row, at most."""

    def columns(self, wanted: list[Column]) -> Spanned:
        """Some entries, or differences of two."""
        rows = Rows(self.rows.columns(wanted), length=self.rows.length + 1)
        return Spanned(rows, [self.errors[i] + (0 if j is None else self.errors[j]) for i, j, _ in wanted])


# ---- version 3: vertices by name ------------------------------------------------------------------------------------
@dataclass
class Vertex:
    """A point: the balls of its shares in the rows, and, of each node with units, the masks of its functions' signs."""

    shares: Balls
    masks: list[tuple[int, int]]
    sides: int
    """Those of the domain on which it lies, as bits."""


@dataclass
class Stage:
    """A node with units, where an enclosure leaves some open."""

    node: int
    bends: Bends
    whole: bool
    """Whether its entries are the rows after it."""
    work: Work

    def __post_init__(self) -> None:
        self._known: dict[tuple[int, int], Any] = {}

    def pattern(self, masks: tuple[int, int]) -> Any:
        """The canonical pieces of its units, worked out once for the same masks; None where one has none."""
        if masks not in self._known:
            self.work.spend(self.bends.cost)
            self.work.keep(OF_AN_ENTRY + 8 * self.bends.cost)
            self._known[masks] = self.bends.pattern(*masks)
        return self._known[masks]


class Passage:
    """A network on its way through vertices that are given by name, node by node (proofs/, Theorem 7)."""

    def __init__(self, network: Network, domain: Domain, precision: int) -> None:
        self._nodes, self._domain, self.precision, self._work = network.nodes, domain, precision, network.budget
        self._one, self._first = 1 << precision, 1 + domain.dimension
        self._fields: dict[int, Spanned] = {}
        self._last = {j: i for i, node in enumerate(self._nodes) for j in node.inputs}
        self._rows, self._masks = self._first, 0
        self.stages: list[Stage] = []
        self.vertices: list[Vertex] = []
        self._points: list[Point] = []
        self._zeros = Zeros(network.nodes, domain, self._work)

    def run(self, points: list[Point], names: Sequence[Sequence[int]]) -> Spanned:
        """The output, after all vertices have been made: first some by coordinates, then others by name."""
        self._work.expect(self._expected(len(points), names))
        outside = self._domain.outside(points, self._work)
        demand(outside is None, 3, f"vertex {outside} lies outside the domain")
        self._work.spend(scalar_products(points, self._domain.sides, self._first))
        self._points, self.vertices = points, [self._corner(p) for p in points]
        self._fields[0] = embedded(self._domain.frame, self._one)
        left = deque(names)
        for i, node in enumerate(self._nodes[1:], 1):
            inputs = [self._fields[j] for j in node.inputs]
            self._fields[i] = self._linear(node, inputs) if node.units is None else self._bent(i, node, inputs[0], left)
            for j in {j for j in node.inputs if self._last[j] == i}:
                del self._fields[j]
        demand(not left, 26, f"vertex {len(self.vertices)} names no node with units, or one before that of another")
        return self._fields[len(self._nodes) - 1]

    def _expected(self, points: int, names: Sequence[Sequence[int]]) -> int:
        """About how many products there will be, if each function that is named makes a row of its own."""
        bent = Counter(node for node, *_ in {tuple(name[2:]) for name in names})
        made, rows = 0, self._first
        for i, node in enumerate(self._nodes):
            made += rows * (node.cost + 2 * bent[i] * (points + len(names)))
            rows = min(rows + bent[i], self._first + prod(node.shape)) if bent[i] else rows
        return made

    def count_masks(self, count: int) -> None:
        """Those of so many vertices, of all nodes so far, are read."""
        self._work.spend(OF_A_NAME + count * self._masks)

    def _corner(self, p: Point) -> Vertex:
        balls = [(self._one, 0), *(outward(x * self._one, 0, p[-1]) for x in p[:-1])]
        shares = [x for x, _ in balls], [e for _, e in balls]
        return Vertex(shares, [], bits([side(of, p) == 0 for of in self._domain.sides]))

    def _linear(self, node: Node, inputs: list[Spanned]) -> Spanned:
        """What a linear node makes: so many rows at a time that those of units do not take much."""
        assert node.linear is not None
        count, length = max(len(field.rows) for field in inputs), max(field.rows.length for field in inputs)
        grown = length + node.length + node.linear.terms.bit_length()
        self._work.spend(products((count + 1) * node.cost, max(length, self.precision), node.length))
        size = max(1, BATCH_ENTRIES // max(node.size, *(field.rows.width for field in inputs)))
        made_at_a_time = room_for(3 * min(size, count) * node.size, grown)
        self._hold(
            room_for(count * node.size, length) + made_at_a_time + room_for(3 * node.linear.numbers, node.length)
        )
        linear = node.linear.ready()
        weights = [self._one, *[0] * (count - 1)]
        (made, scales), ((errors,), (own,)) = linear.with_errors(
            [(field.rows.some(0, min(size, count)), weights[:size]) for field in inputs],
            [([field.errors], [self._one]) for field in inputs],
        )
        scale = scales[0] // self._one
        rows, rests = rounded(made, scale)
        for first in range(size, count, size):
            last = min(first + size, count)
            made, _ = linear([(field.rows.some(first, last), weights[first:last]) for field in inputs])
            more, others = rounded(made, scale)
            rows, rests = rows + more, list(map(or_, rests, others))
        rounding = widened([0] * len(errors), scale, rests)
        return Spanned(
            Rows(rows, length=max(grown - scale.bit_length() + 2, 1)),
            [r - (-e * self._one // own) for r, e in zip(rounding, errors, strict=True)],
        )

    def _hold(self, size: int) -> None:
        """Counts so many bytes beside all fields and shares."""
        shares = room_for(2 * len(self.vertices) * self._rows, self.precision)
        self._work.hold(size + shares + sum(field.rows.room for field in self._fields.values()))

    def _bent(self, i: int, node: Node, field: Spanned, left: deque[Sequence[int]]) -> Spanned:
        """What a node with units makes, and the vertices that it names."""
        assert node.units is not None
        self._work.spend(products(OF_AN_OPEN_UNIT * node.cost, 2 * self.precision, node.length))
        bends = node.units.bends(lambda columns: self._enclosed(field, columns), self._one**2)
        whole, asked = self._is_narrow(i, node, bends), range(len(bends.names))
        self.stages.append(Stage(i, bends, whole, self._work))
        self._masks += 1 + len(bends.names) // WORD
        columns = [bends.column(name) for name in bends.names] + (bends.further if whole else [])
        balls = self._functions(field, columns)
        for v, (vertex, ball) in enumerate(zip(self.vertices, balls, strict=True)):
            vertex.masks.append(self._signs(ball, asked, v))
        index = {name: k for k, name in enumerate(bends.names)}
        kept = self._first if whole else self._rows
        while left and left[0][2] == i:
            p, q, _, *name = left.popleft()
            balls.append(self._add(p, q, index.get((name[0], name[1])), balls, kept))
        for v, vertex in enumerate(self.vertices if self._zeros else []):
            fits = self.stages[-1].pattern(vertex.masks[-1]) is not None
            certain(fits, 29, f"at vertex {v} signs of functions of node {i} contradict each other")
        bends.settle(*joined([vertex.masks[-1] for vertex in self.vertices]))
        if whole:
            return self._spanned_by_entries(bends, balls, node.size)
        return self._on_pieces(node, field, bends, balls)

    def _on_pieces(self, node: Node, field: Spanned, bends: Bends, balls: list[Balls]) -> Spanned:
        """The rows on the pieces that are fixed, and one for each unit that bends, whose share is what it is beyond."""
        count, bent, length = len(field.rows), len(bends.bent), max(field.rows.length, self.precision) + node.length
        self._work.spend(products(count * node.size, length) + len(self.vertices) * (bent + bends.cost))
        self._hold(room_for(2 * count * node.size, length) + room_for(2 * len(self.vertices) * bent, self.precision))
        rows, errors = quotients(*bends.rows(field.rows.whole(), field.errors, self._one), bends.scale)
        for vertex, ball in zip(self.vertices, balls, strict=True):
            for share, more in zip(vertex.shares, bends.excess(ball, *vertex.masks[-1]), strict=True):
                share.extend(more)
        made = Rows(padded(rows, self._rows), bends.bent, self._one, length - bends.scale.bit_length() + 2)
        self._rows = len(made)
        return Spanned(made, errors)

    def _is_narrow(self, i: int, node: Node, bends: Bends) -> bool:
        """Whether a node has fewer entries than there may be rows after it, and nothing else is read later."""
        fewer = self._first + prod(node.shape) < self._rows + bends.open
        return fewer and all(self._last.get(j, 0) <= i for j in self._fields)

    def _spanned_by_entries(self, bends: Bends, balls: list[Balls], size: int) -> Spanned:
        """A field whose own entries are the shares."""
        self._work.spend(len(self.vertices) * (2 * OF_AN_ARGUMENT * size + bends.cost) + self._first * size)
        self._hold(room_for(2 * len(self.vertices) * size, self.precision))
        for vertex, ball in zip(self.vertices, balls, strict=True):
            made = bends.entries(ball, *vertex.masks[-1], self._one)
            centres, radii = ([*old[: self._first], *new] for old, new in zip(vertex.shares, made, strict=True))
            vertex.shares = centres, radii
        self._rows = self._first + size
        rows = Rows([[0] * size] * self._first, range(size), self._one, self.precision + 1)
        return Spanned(rows, [0] * size)

    def _enclosed(self, whole: Spanned, columns: list[Column] | None) -> tuple[list[Any], list[Any]]:
        """Bounds of functions (None: each entry) at all vertices, over the square of the denominator of all numbers."""
        count, width = len(whole.rows), len(whole.errors if columns is None else columns)
        length = max(whole.rows.length, self.precision)
        self._work.spend(products(2 * count * (width + len(self.vertices)), length, self.precision))
        self._hold(room_for(2 * len(whole.rows.listed) * width, length) + 8 * count * (0 if columns is None else width))
        field = whole if columns is None else whole.columns(columns)
        centres, radii = (
            list(zip(*(leading(vertex.shares[k], count) for vertex in self.vertices), strict=True)) for k in (0, 1)
        )
        low = [min(map(sub, c, e)) for c, e in zip(centres, radii, strict=True)]
        high = [max(map(add, c, e)) for c, e in zip(centres, radii, strict=True)]
        middle = [(x + y) >> 1 for x, y in zip(low, high, strict=True)]
        reach = [y - m for y, m in zip(high, middle, strict=True)]
        (centre,), (around,) = field.rows.combined([middle]), field.rows.magnitudes().combined([reach])
        size = sum(map(abs, middle)) + sum(reach)
        around = [x + size * e for x, e in zip(around, field.errors, strict=True)]
        return list(map(sub, centre, around)), list(map(add, centre, around))

    def at(self, field: Spanned) -> list[Balls]:
        """The entries of a field at each vertex."""
        count, width, length = len(field.rows), len(field.errors), max(field.rows.length, self.precision)
        asked = width * len(self.vertices)
        self._work.spend(products(2 * count * asked, length, self.precision) + OF_AN_ARGUMENT * asked)
        listed = len(field.rows.listed)
        self._hold(room_for(3 * (len(self.vertices) + listed) * width, length) + self._copied(count))
        shares, around = ([leading(vertex.shares[k], count) for vertex in self.vertices] for k in (0, 1))
        # Radii need few digits: what they are multiplied by is rounded up first.
        coarse, own = max(self.precision - RADIUS_BITS, 0), len(field.rows.listed)
        sizes = [[upward(abs(x), coarse) for x in row] for row in field.rows.listed]
        if any(field.errors):
            reach = [upward(sum(map(abs, c)) + sum(e), coarse) for c, e in zip(shares, around, strict=True)]
            around = [[*e[:own], size, *e[own:]] for e, size in zip(around, reach, strict=True)]
            sizes.append(field.errors)
        radii = Rows(sizes, field.rows.units, upward(field.rows.entry, coarse)).combined(around)
        shift, mask, fine = self.precision, self._one - 1, self.precision - coarse
        return [
            (
                [x >> shift for x in centre],
                [(r >> fine) + 2 if r or x & mask else 0 for x, r in zip(centre, row, strict=True)],
            )
            for centre, row in zip(field.rows.combined(shares), radii, strict=True)
        ]

    def _copied(self, count: int) -> int:
        """The bytes of copies of so many shares of all vertices, to be multiplied."""
        return room_for(2 * len(self.vertices) * count, self.precision)

    def _functions(self, field: Spanned, columns: list[Column]) -> list[Balls]:
        """Functions at each vertex, each up to a positive factor."""
        self._work.spend(len(field.rows) * len(columns))
        self._hold(room_for(len(field.rows) * len(columns), field.rows.length))
        balls = self.at(field.columns(columns))
        if all(level == (0, 1) for _, _, level in columns):
            return balls
        levels = [(p * self._one, q) for _, _, (p, q) in columns]
        return [
            (
                [x * q - p for x, (p, q) in zip(centres, levels, strict=True)],
                [e * q for e, (_, q) in zip(radii, levels, strict=True)],
            )
            for centres, radii in balls
        ]

    def _signs(self, ball: Balls, asked: Sequence[int], v: int) -> tuple[int, int]:
        """Masks of the functions asked for that are negative at a vertex, and of those that are positive.

        What may vanish is supposed to, if it is small: its ball becomes that of 0.
        """
        centres, radii = ([part[k] for k in asked] for part in ball)
        everyone, most = (1 << len(centres)) - 1, max(radii, default=0)
        below, above = bits(map(lt, centres, repeat(-most))), bits(map(gt, centres, repeat(most)))
        if below | above == everyone:
            return below, above
        below = bits([x < -e for x, e in zip(centres, radii, strict=True)])
        above = bits([x > e for x, e in zip(centres, radii, strict=True)])
        zero = bits([not x and not e for x, e in zip(centres, radii, strict=True)])
        stage = len(self.stages) - 1
        for n in ones(everyone & ~(below | above | zero)):
            near, k = abs(centres[n]) + radii[n] < self._one >> self.precision // 2, asked[n]
            certain(near, 28, f"at vertex {v} the sign of a function of node {self.stages[stage].node} is open")
            ball[0][k] = ball[1][k] = 0
            self._zeros.suppose(v, stage, k)
        return below, above

    def _add(self, p: int, q: int, k: int | None, balls: list[Balls], kept: int) -> Balls:
        """Makes the vertex between two others at which function k vanishes, with so many shares; its functions."""
        v, stage = len(self.vertices), self.stages[-1]
        demand(p < v and q < v, 26, f"vertex {v} lies between others that do not come before it")
        start, end = self.vertices[p], self.vertices[q]
        masks = self.one_piece(p, q, f"vertex {v}", self.stages[:-1])
        opposite = k is not None and masks[-1][0] >> k & masks[-1][1] >> k & 1
        demand(opposite, 27, f"vertex {v} lies between others that its function of node {stage.node} does not separate")
        assert k is not None
        ball, far = balls[p], balls[q]
        count = kept + len(ball[0])
        self._work.spend(products(4 * count, self.precision, self.precision) + OF_AN_ARGUMENT * count)
        self._work.spend(stage.bends.cost)
        self.count_masks(2)
        self._hold(room_for(2 * len(balls) * len(ball[0]), self.precision))
        share = ratio_of(abs(ball[0][k]), ball[1][k], abs(far[0][k]), far[1][k], self.precision)
        near, beyond = (tuple(leading(part, kept) for part in vertex.shares) for vertex in (start, end))
        middle = between(ball, far, share, self.precision)
        bends, (below, above) = stage.bends, masks[-1]
        zero = bends.implied(~(below | above) & ((1 << len(bends.names)) - 1) | 1 << k)
        for m in ones(zero):
            middle[0][m] = middle[1][m] = 0
        masks[-1] = self._crossed(middle, below & ~zero, above & ~zero, v)
        shares = between((near[0], near[1]), (beyond[0], beyond[1]), share, self.precision)
        self.vertices.append(Vertex(shares, masks, start.sides & end.sides))
        return middle

    def one_piece(self, p: int, q: int, what: str, stages: Sequence[Stage] | None = None) -> list[tuple[int, int]]:
        """The masks of two vertices joined, if no unit of some nodes (all) takes two pieces between these."""
        pairs = zip(self.vertices[p].masks, self.vertices[q].masks, strict=True)
        masks = [(a | c, b | d) for (a, b), (c, d) in pairs]
        for stage, pair in zip(self.stages if stages is None else stages, masks, strict=False):
            fits = stage.pattern(pair) is not None
            demand(fits, 26, f"{what} lies between points on two sides of a unit of node {stage.node}")
        return masks

    def _crossed(self, ball: Balls, below: int, above: int, v: int) -> tuple[int, int]:
        """The masks at a vertex from those of the ends joined: where they differ, from the functions themselves."""
        both = below & above
        if not both:
            return below, above
        index = list(ones(both))
        low, high = self._signs(ball, index, v)
        size = len(ball[0])
        return (
            below & ~both | scattered([index[n] for n in ones(low)], size),
            above & ~both | scattered([index[n] for n in ones(high)], size),
        )

    def settle(self, regions: Iterable[Masks] = ()) -> None:
        """Rule 29: what was supposed to vanish does; rule 19: so does the output on some regions, given by masks."""
        self._work.expect(self._rows * self._nodes[-1].work if self._zeros or regions else 0)
        self._zeros.prove(self.stages, self.vertices, self._points, regions)


# ---- version 3: zeros that no name tells (rule 29) ------------------------------------------------------------------
class Zeros:
    """Functions that are supposed to vanish at vertices, and the proof that they do (Theorem 7 (f))."""

    def __init__(self, nodes: list[Node], domain: Domain, work: Work) -> None:
        self._nodes, self._domain, self._work = nodes, domain, work
        self._supposed: dict[int, dict[int, set[int]]] = {}
        """By vertex and by stage."""

    def __bool__(self) -> bool:
        return bool(self._supposed)

    def suppose(self, vertex: int, stage: int, function: int) -> None:
        """That a function of a stage vanishes at a vertex."""
        self._work.spend(2 * OF_AN_ARGUMENT)
        self._work.keep(OF_AN_ENTRY)
        self._supposed.setdefault(vertex, {}).setdefault(stage, set()).add(function)

    def prove(
        self, stages: list[Stage], vertices: list[Vertex], points: list[Point], regions: Iterable[Masks] = ()
    ) -> None:
        """Proves it of all that is supposed, and of the output on some regions; the first vertices are points."""
        tasks: dict[tuple[Any, ...], tuple[Masks, list[int]]] = {}

        def task(masks: Masks) -> list[int]:
            key = tuple(stage.pattern(pair) for stage, pair in zip(stages, masks, strict=True))
            return tasks.setdefault(key, (masks, []))[1]

        for masks in regions:
            task(masks)
        silent = len(tasks)
        for v in self._supposed:
            task(vertices[v].masks).append(v)
        if not tasks:
            return
        forms, apart = Forms(self._nodes, self._domain, stages, self._work), []
        made = forms.on([masks for masks, _ in tasks.values()])
        for n, ((functions, output), (_, there)) in enumerate(zip(made, tasks.values(), strict=True)):
            for v in there:
                self._prove(v, vertices[v], points[v] if v < len(points) else None, stages, functions)
            if n < silent and any(map(any, output)):
                apart.append(n)
        demand(not apart, 19, f"the outputs differ on region {min(apart, default=0)}")

    def _prove(
        self, v: int, vertex: Vertex, point: Point | None, stages: list[Stage], functions: list[list[list[Any]]]
    ) -> None:
        """Rule 29 at a vertex: by what else vanishes there if it is named, and is of no later node, nor supposed."""
        self._work.spend(OF_A_NAME + sum(1 + len(stage.bends.names) // WORD for stage in stages))
        known = Independent(self._domain.dimension, self._work)
        known.extend([of[-1], *of[:-1]] for k, of in enumerate(self._domain.sides) if vertex.sides >> k & 1)
        for k, (rows, (below, above)) in enumerate(zip(functions, vertex.masks, strict=True)):
            doubted = self._supposed[v].get(k, set())
            forms = [[row[j] for row in rows] for j in doubted]
            if point is not None:
                proved = self._vanish(point, forms)
            else:
                zeros = ones(~(below | above) & (1 << len(rows[0])) - 1)
                known.extend([row[j] for row in rows] for j in zeros if j not in doubted)
                proved = not doubted or known.span(forms)
            node = stages[k].node
            certain(proved, 29, f"at vertex {v} a function of node {node} is near 0, and may not be 0")

    def _vanish(self, point: Point, forms: list[list[Any]]) -> bool:
        """Whether affine functions vanish at a point by coordinates."""
        *coordinates, w = point
        self._work.spend(products(len(point) * len(forms), length_of(forms), length_of([point])))
        return not any(sum(map(mul, form, (w, *coordinates))) for form in forms)


class Independent:
    """Affine functions that vanish at a point, as rows of integers: at most as many as are independent there.

    Each is reduced by those before it, with divisions that leave no remainder (Bareiss): numbers are determinants.
    """

    def __init__(self, dimension: int, work: Work) -> None:
        self._dimension, self._work = dimension, work
        self._rows: list[tuple[int, list[Any]]] = []
        """Each with the place of a number in it that is not 0, where all after it have 0."""

    def extend(self, rows: Iterable[list[Any]]) -> None:
        """More functions that vanish there; nobody asks for them where there are enough."""
        more = iter(rows)
        while len(self._rows) < self._dimension and (row := next(more, None)) is not None:
            left = self._reduced(row)
            place = next((k for k, x in enumerate(left) if x), None)
            if place is not None:
                self._rows.append((place, left))

    def span(self, rows: list[list[Any]]) -> bool:
        """Whether the given functions are combinations of these, so that they vanish there."""
        return not any(any(self._reduced(row)) for row in rows)

    def _reduced(self, row: list[Any]) -> list[Any]:
        before = 1
        self._work.spend(2 * len(row))
        for k, pivot in self._rows:
            self._work.spend(products(2 * len(row), length_of([row]), length_of([pivot])))
            row = [(x * pivot[k] - y * row[k]) // before for x, y in zip(row, pivot, strict=True)]
            before = pivot[k]
        return row


def ratio_of(near: Any, error: Any, far: Any, other: Any, precision: int) -> Ball:
    """The ball of x / (x + y), for positive numbers x and y in two balls: it grows with x, and falls with y."""
    least, most = (max(near - error, 0), far + other), (near + error, max(far - other, 0))
    low = (least[0] << precision) // sum(least)
    high = -((-most[0] << precision) // sum(most))
    middle = (low + high) >> 1
    return middle, high - middle


def between(start: Balls, end: Balls, share: Ball, precision: int) -> Balls:
    """The balls of (1 - t) x + t y, for a t in a ball within 0 .. 1."""
    (t, spread), steps = share, list(map(sub, end[0], start[0]))
    centres = [x + (t * step >> precision) for x, step in zip(start[0], steps, strict=True)]
    more = (spread * max(max(steps, default=0), -min(steps, default=0)) >> precision) + 2
    radii = [(e if e > f else f) + (more if step else 0) for e, f, step in zip(start[1], end[1], steps, strict=True)]
    return centres, radii


Masks = list[tuple[int, int]]
"""Of each node with units the functions that are negative, and those that are positive."""


# ---- version 3: exact rows ------------------------------------------------------------------------------------------
class Forms:
    """The affine functions that the nodes of a network are where its units are on given pieces, without rounding.

    A constant row, one for each coordinate and one for each unit that bends, as integers over one denominator, pass
    the nodes once; a function on some pieces is a combination of these (Theorem 7 (f)).
    """

    def __init__(self, nodes: list[Node], domain: Domain, stages: list[Stage], work: Work) -> None:
        self._first, self._stages, self._work = 1 + domain.dimension, stages, work
        self._rows = self._first
        self._functions: list[list[list[Any]]] = []
        """The rows of the functions of each stage, and of its entries on the pieces that are fixed (or none)."""
        self._entries: list[list[list[Any]]] = []
        last = {j: i for i, node in enumerate(nodes) for j in node.inputs}
        self._fields, left = {0: frame_rows(domain.frame)}, iter(stages)
        for i, node in enumerate(nodes[1:], 1):
            inputs = [self._fields[j] for j in node.inputs]
            made = self._linear(node, inputs) if node.units is None else self._bent(node, next(left), inputs[0])
            self._fields[i] = made
            for j in {j for j in node.inputs if last[j] == i}:
                del self._fields[j]
        self._output = self._fields.pop(len(nodes) - 1)[0].whole()
        self._fields.clear()

    def _linear(self, node: Node, inputs: list[ExactRows]) -> ExactRows:
        assert node.linear is not None
        count, common = max(len(rows) for rows, _ in inputs), lcm(*(q for _, q in inputs))
        length = max(rows.length + (common // q).bit_length() for rows, q in inputs)
        self._count(count * node.cost, count * node.size, length, node.length)
        linear, size = node.linear.ready(), max(1, BATCH_ENTRIES // max(node.size, *(f.width for f, _ in inputs)))
        weights, made, scale = [common, *[0] * (count - 1)], list[list[Any]](), common
        for first in range(0, count, size):
            last = min(first + size, count)
            some = [multiplied(rows.some(first, last), common // q) for rows, q in inputs]
            more, scales = linear([(rows, weights[first:last]) for rows in some])
            made += more
            scale = scales[0] if first == 0 else scale
        return Rows(made, length=length_of(made)), scale

    def _count(self, count: int, entries: int, left: int, right: int) -> None:
        """So many products of numbers of so many bits, which make so many entries."""
        self._work.spend(products(count, left, right))
        held = sum(rows.room for rows, _ in self._fields.values())
        told = sum(room_for(len(rows) * len(rows[0]), 0) for rows in self._functions)
        self._work.hold(room_for(2 * entries, left + right) + held + told)

    def _bent(self, node: Node, stage: Stage, field: ExactRows) -> ExactRows:
        """The rows after a node with units: what they are beyond the pieces that are fixed has a row for each."""
        (rows, q), bends = field, stage.bends
        columns = [bends.column(name) for name in bends.names]
        length = max(rows.length, q.bit_length()) + node.length + bends.divisor.bit_length()
        entries = len(rows) * (len(columns) + node.size) + len(bends.bent)
        self._count(entries, entries, max(rows.length, q.bit_length()), length)
        functions = [list(map(mul, (d for _, _, (_, d) in columns), row)) for row in rows.columns(columns)]
        functions[0] = [x - p * q for x, (_, _, (p, _)) in zip(functions[0], columns, strict=True)]
        self._functions.append(functions)
        width, given = rows.width, rows.whole()
        fixed = multiplied(bends.rows(given, [0] * width, q)[0], bends.divisor // bends.scale)
        self._entries.append(fixed if stage.whole else [])
        if stage.whole:
            made = Rows([[0] * node.size] * self._first, range(node.size), 1, 1)
        else:
            made = Rows(padded(fixed, self._rows), bends.bent, 1, length_of(fixed))
        self._rows = len(made)
        return made, q * bends.divisor

    def on(self, patterns: Sequence[Masks]) -> Iterator[tuple[list[list[list[Any]]], list[list[Any]]]]:
        """For each of some pieces the functions of all stages, and the outputs: constants, and slopes along each axis.

        Those of a stage, and the outputs, are up to a positive factor.
        """
        size = max(1, BATCH_ENTRIES // (self._first * max(map(len, (*self._functions, *self._entries, self._output)))))
        for start in range(0, len(patterns), size):
            yield from self._batch(patterns[start : start + size])

    def _batch(self, patterns: Sequence[Masks]) -> Iterator[tuple[list[list[list[Any]]], list[list[Any]]]]:
        shares = [unit_row(k, self._first, 1) for _ in patterns for k in range(self._first)]
        told = []
        for k, (stage, rows, fixed) in enumerate(zip(self._stages, self._functions, self._entries, strict=True)):
            values = self._combined(shares, rows)
            told.append(values)
            excess = []
            for own, masks in zip(groups(values, self._first), patterns, strict=True):
                jumps = stage.bends.jumps(stage.pattern(masks[k]))
                count, length = self._first * sum(map(len, jumps)), stage.bends.divisor.bit_length()
                self._work.spend(products(count, length_of(own), length) + len(jumps))
                excess += [[sum([factor * value[i] for i, factor in jump]) for jump in jumps] for value in own]
            if stage.whole:
                entries = self._combined(shares, fixed)
                for made, more in zip(entries, excess, strict=True):
                    for unit, x in zip(stage.bends.bent, more, strict=True):
                        made[unit] += x
                excess = entries
                shares = [row[: self._first] for row in shares]
            shares = [row + more for row, more in zip(shares, excess, strict=True)]
        outputs = groups(self._combined(shares, self._output), self._first)
        by_stage = [groups(values, self._first) for values in told]
        yield from (([values[n] for values in by_stage], output) for n, output in enumerate(outputs))

    def _combined(self, shares: list[list[Any]], rows: list[list[Any]]) -> list[list[Any]]:
        kept = [k for k, row in enumerate(rows) if any(row)] or [0]
        some, wanted = list(map(picker(kept), shares)), [rows[k] for k in kept]
        lengths = length_of(some), length_of(wanted)
        self._work.spend(products(len(some) * len(kept) * len(rows[0]), *lengths))
        self._work.hold(room_for(2 * len(some) * len(rows[0]) + len(kept) * (len(some) + len(rows[0])), sum(lengths)))
        return product_of(some, wanted)


ExactRows = tuple[Rows, int]
"""Rows of integers, and the denominator of all of them."""


def multiplied(rows: list[list[Any]], factor: int) -> list[list[Any]]:
    """All entries times a number."""
    return rows if factor == 1 else [[x * factor for x in row] for row in rows]


def frame_rows(frame: Field) -> ExactRows:
    """The constant row and one for each coordinate, of the points origin + basis u."""
    rows, scales = frame
    common = lcm(*scales)
    origin, *ends = ([x * (common // q) for x in row] for row, q in zip(rows, scales, strict=True))
    made = [origin, *(list(map(sub, end, origin)) for end in ends)]
    return Rows(made, length=length_of(made)), common


# ---- version 3: small parts -----------------------------------------------------------------------------------------
def leading(values: list[Any], count: int) -> list[Any]:
    """The first so many values."""
    return values if len(values) == count else values[:count]


def upward(x: Any, shift: int) -> Any:
    """The quotient by a power of 2, rounded up."""
    return -(-x >> shift)


def digits(mask: int, count: int) -> str:
    """So many bits of a mask, the first one first."""
    return f"{1 << count | mask:b}"[:0:-1]


def scattered(places: Iterable[int], count: int) -> int:
    """The mask of so many bits with 1 at some places."""
    flags = bytearray(count)
    for place in places:
        flags[place] = 1
    return bits(flags)


def ones(mask: int) -> Iterator[int]:
    """The places of the bits of a mask that are 1."""
    return (i for i, digit in enumerate(reversed(f"{mask:b}")) if digit == "1")


def joined(masks: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """Masks of several vertices joined by "or"."""
    below = above = 0
    for low, high in masks:
        below, above = below | low, above | high
    return below, above


def embedded(frame: Field, denominator: int) -> Spanned:
    """The constant row and one for each coordinate, of the points origin + basis u."""
    exact, q = frame_rows(frame)
    balls = [[outward(x * denominator, 0, q) for x in row] for row in exact.listed]
    rows = [[x for x, _ in row] for row in balls]
    errors = [max(e for _, e in column) for column in zip(*balls, strict=True)]
    return Spanned(Rows(rows, length=length_of(rows)), errors)


def padded(rows: list[list[Any]], count: int) -> list[list[Any]]:
    """So many rows, the last ones zero."""
    return rows + [[0] * len(rows[0])] * (count - len(rows))


def unit_row(j: int, size: int, entry: int) -> list[Any]:
    """A row with one entry."""
    row = [0] * size
    row[j] = entry
    return row


def product_of(left: Sequence[Sequence[Any]], right: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """The product of two matrices of integers, given by their rows."""
    if not right[0]:
        return [[] for _ in left]
    if Matrix.flint is not None and len(right[0]) > 1:
        rows: list[list[Any]] = (Matrix.flint(left) * Matrix.flint(right)).tolist()
        return rows
    columns = list(zip(*right, strict=True))
    return [[sum(map(mul, row, column)) for column in columns] for row in left]


# ---- version 3: tilings ---------------------------------------------------------------------------------------------
def orientation_of(corners: list[Balls]) -> int:
    """The sign of the determinant of the steps from the first of D + 1 points to the others; 0 where it is open.

    A determinant is linear in each row, and at most the product of the rows' sums of magnitudes.
    """
    (centre, radii), *others = corners
    rows = [list(map(sub, c, centre)) for c, _ in others]
    sizes, errors = [sum(map(abs, row)) for row in rows], [sum(e) + sum(radii) for _, e in others]
    value = Matrix.flint(rows).det() if Matrix.flint is not None and len(rows) > 2 else determinant(rows)
    reach = prod(map(add, sizes, errors)) - prod(sizes)
    return int(value > reach) - int(value < -reach)


def covered_by_names(places: list[Balls], sides: list[int], regions: list[list[Simplex]], work: Work) -> None:
    """Rules 22 to 25 for vertices in balls: what they leave open is rejected."""
    demand(regions and all(regions), 24, "there must be a region, and a simplex in every region")
    dimension, length = len(places[0][0]), length_of(part for place in places for part in place)
    work.spend(determinants(sum(map(len, regions)), dimension + 1, length) + 2 * (dimension + 1) * len(places))
    sums: dict[tuple[int, ...], int] = {}
    turns = []
    for r, simplices in enumerate(regions):
        for simplex in simplices:
            turn = orientation_of([places[v] for v in simplex])
            certain(turn, 22, f"a simplex of region {r} is flat, or may be")
            turns.append(turn)
            for i in range(len(simplex)):
                facet = (*simplex[:i], *simplex[i + 1 :])
                sums[facet] = sums.get(facet, 0) + (turn if i % 2 == 0 else -turn)
    for facet, total in sums.items():
        along = reduce(and_, (sides[v] for v in facet))
        reason = f"the facet {list(facet)} inside the domain has more simplices on one side than on the other"
        demand(not total or along, 23, reason)
    covered_once_by_names(places, list(chain(*regions)), turns, length, work)


def covered_once_by_names(
    places: list[Balls], simplices: list[Simplex], turns: list[int], length: int, work: Work
) -> None:
    """Rule 25: the centroid of the first simplex lies in no other one, of which the orientations are known."""
    dimension, (first, *others) = len(places[0][0]), simplices
    count = len(first)
    centre = [sum(c) for c in zip(*(places[v][0] for v in first), strict=True)]
    around = [sum(e) for e in zip(*(places[v][1] for v in first), strict=True)]
    grown = [([count * x for x in c], [count * e for e in radii]) for c, radii in places]
    beyond = [
        bits([x + e < y - f for x, e, y, f in both] + [x - e > y + f for x, e, y, f in both])
        for both in (list(zip(*place, centre, around, strict=True)) for place in grown)
    ]
    for k, (simplex, turn) in enumerate(zip(others, turns[1:], strict=True), 1):
        apart = reduce(and_, (beyond[v] for v in simplex))
        work.spend(0 if apart else determinants(dimension + 1, dimension + 1, length))
        corners = [] if apart else [grown[v] for v in simplex]
        ways = (orientation_of([*corners[:i], (centre, around), *corners[i + 1 :]]) for i in range(len(corners)))
        certain(apart or -turn in ways, 25, f"simplices 0 and {k} overlap, or may")


@dataclass(frozen=True)
class Named:
    """Regions that are proved to be the partition, with vertices by name."""

    places: list[Balls]
    regions: int
    one: int
    """The denominator of all balls."""
    passage: Passage
    output: Spanned

    @cached_property
    def outputs(self) -> list[Balls]:
        """The outputs at each vertex."""
        return self.passage.at(self.output)


def named_tiling(network: Network, domain: Domain, entry: Any, *, vanishing: bool = False) -> Named:
    """The partition that a proof of version 3 lists (proofs/, Theorem 7); ``vanishing``: the outputs are to be 0."""
    precision, table, rows = members(entry, "proof", "bits", "vertices", "regions")
    integer(precision, 1, MAX_BITS, "bits")
    require(isinstance(table, list) and 0 < len(table) <= MAX_ENTRIES, "vertices must be a list")
    require(isinstance(rows, list) and len(rows) <= MAX_ENTRIES, "regions must be a list")
    given = next((v for v, row in enumerate(table) if is_name(row)), len(table))
    require(given and all(map(is_name, table[given:])), "vertices by name must follow some by coordinates")
    simplices = [simplices_of(row, domain.dimension, len(table)) for row in rows]
    passage = Passage(network, domain, precision)
    output = passage.run([point(row, domain.dimension) for row in table[:given]], table[given:])
    last = 1 + domain.dimension
    places = [(vertex.shares[0][1:last], vertex.shares[1][1:last]) for vertex in passage.vertices]
    covered_by_names(places, [vertex.sides for vertex in passage.vertices], simplices, network.budget)
    known: dict[tuple[Any, ...], int] = {}
    masks_of: list[Masks] = []
    for r, region in enumerate(simplices):
        passage.count_masks(len(region) * (domain.dimension + 1))
        corners = [passage.vertices[v].masks for v in set(chain(*region))]
        masks_of.append(list(map(joined, zip(*corners, strict=True))))
        key = []
        for stage, masks in zip(passage.stages, masks_of[-1], strict=True):
            key.append(stage.pattern(masks))
            demand(key[-1] is not None, 8, f"on region {r} a unit of node {stage.node} has no one piece")
        first = known.setdefault(tuple(key), r)
        demand(first == r, 9, f"region {r} and region {first} have the same pattern")
    passage.settle(masks_of if vanishing else ())
    return Named(places, len(rows), 1 << precision, passage, output)


def is_name(row: Any) -> bool:
    """Whether a vertex is given by name: two vertices, a node and two numbers that name a function of it."""
    return isinstance(row, list) and len(row) == 5 and all(type(x) is int and 0 <= x <= MAX_ENTRIES for x in row)


# ---- words ---------------------------------------------------------------------------------------------------------
def about(seen: Seen, k: int) -> str:
    """An output at a point, for people."""
    return f"about {decimal(seen.outputs[k], seen.denominator)}"


def near(place: Any) -> str:
    """A point, for people."""
    return f"the point near ({', '.join(decimal(*ratio(text)) for text in place)})"


# ---- claims --------------------------------------------------------------------------------------------------------
def output(value: Any, network: Network) -> int:
    """The number of an output."""
    return integer(value, 0, network.outputs - 1, "an output")


def at_points(networks: list[Network], domain: Domain, places: Any) -> list[Seen]:
    """What the network is at points of the domain (rule 10)."""
    require(isinstance(places, list) and len(places) <= MAX_ENTRIES, "points must be a list")
    points = [point(place, domain.dimension) for place in places]
    outside = domain.outside(points, networks[0].budget)
    demand(outside is None, 10, f"point {outside} lies outside the domain")
    return list(evaluated(networks[0], domain.frame, points))


def partition(networks: list[Network], domain: Domain, claim: Any, proof: Any) -> str:
    """The listed regions are exactly the activation regions of the network on the domain, and so many."""
    (regions,) = members(claim, "claim", "regions")
    integer(regions, 0, MAX_ENTRIES, "regions")
    count = tiling(networks, domain, proof).regions
    demand(count == regions, 11, f"{regions} regions are claimed, {count} are listed")
    shapes = "polygons" if domain.polygon is not None else "unions of simplices"
    return f"the listed {shapes} are exactly the regions of the network, {count} in number"


def extremum(networks: list[Network], domain: Domain, claim: Any, proof: Any) -> str:
    """An output has a certain largest (or smallest) value on the domain, and has it at a certain vertex."""
    k, sense, value, vertex = members(claim, "claim", "output", "sense", "value", "vertex")
    j, (p, q) = output(k, networks[0]), ratio(value)
    require(sense in ("maximum", "minimum"), "sense must be maximum or minimum")
    tiles = tiling(networks, domain, proof)
    here = integer(vertex, 0, len(tiles.vertices) - 1, "vertex")
    sign = 1 if sense == "maximum" else -1
    excess = [sign * (seen.outputs[j] * q - p * seen.denominator) for seen in tiles.seen[0]]
    demand(excess[here] == 0, 12, f"output {j} does not have the claimed value at vertex {here}")
    beyond = next((v for v, x in enumerate(excess) if x > 0), None)
    demand(beyond is None, 13, f"at vertex {beyond} output {j} is beyond the claimed {sense}")
    return f"the {sense} of output {j} is {written(p, q)}"


def constant_decision(networks: list[Network], domain: Domain, claim: Any, proof: Any) -> str:
    """One output is strictly larger than all others everywhere on the domain."""
    (c,) = members(claim, "claim", "class")
    k = output(c, networks[0])
    for v, seen in enumerate(tiling(networks, domain, proof).seen[0]):
        larger = all(seen.outputs[k] > x for j, x in enumerate(seen.outputs) if j != k)
        demand(larger, 14, f"at vertex {v} another output is not below output {k}")
    return f"output {k} is larger than all others"


def decision_counterexample(networks: list[Network], domain: Domain, claim: Any) -> str:
    """At a point another output is at least as large as that of the class."""
    place, c, other = members(claim, "claim", "point", "class", "other")
    k, j = output(c, networks[0]), output(other, networks[0])
    (seen,) = at_points(networks, domain, [place])
    demand(
        j != k and seen.outputs[j] >= seen.outputs[k], 15, f"output {j} is not another one that is at least output {k}"
    )
    return (
        f"at {near(place)} output {j} is {about(seen, j)} and output {k} is not larger, {about(seen, k)}: this refutes "
        f"that output {k} is larger than all others on the domain"
    )


def equality_sample(networks: list[Network], domain: Domain, claim: Any, *, largest: bool = False) -> str:
    """At every point the two outputs of its pair are equal, and, if so wanted, no other one is larger."""
    places, pairs = members(claim, "claim", "points", "pairs")
    evaluations = at_points(networks, domain, places)
    require(isinstance(pairs, list) and len(pairs) == len(evaluations), "one pair for each point is wanted")
    for i, (seen, pair) in enumerate(zip(evaluations, pairs, strict=True)):
        require(len(integers(pair, 0, networks[0].outputs - 1, "a pair")) == 2, "a pair must be two outputs")
        j, k = pair
        demand(j != k and seen.outputs[j] == seen.outputs[k], 16, f"at point {i} the outputs of the pair differ")
        demand(not largest or seen.outputs[j] == max(seen.outputs), 17, f"at point {i} another output is larger")
    return f"at {len(evaluations)} points two outputs are equal{' and none is larger' if largest else ''}"


def boundary_sample(networks: list[Network], domain: Domain, claim: Any) -> str:
    """Every point lies on the decision boundary of its pair: both outputs are equal and none is larger."""
    return equality_sample(networks, domain, claim, largest=True)


def level_sample(networks: list[Network], domain: Domain, claim: Any) -> str:
    """At every point the only output has a certain value."""
    places, level = members(claim, "claim", "points", "level")
    require(networks[0].outputs == 1, "a level set is that of a network with one output")
    (p, q), evaluations = ratio(level), at_points(networks, domain, places)
    for i, seen in enumerate(evaluations):
        demand(seen.outputs[0] * q == p * seen.denominator, 18, f"at point {i} the output is not at the level")
    return f"at {len(evaluations)} points the output is {written(p, q)}"


def equal_networks(networks: list[Network], domain: Domain, claim: Any, proof: Any) -> str:
    """Two networks have the same outputs everywhere on the domain."""
    members(claim, "claim")
    for v, (f, g) in enumerate(zip(*tiling(networks, domain, proof).seen, strict=True)):
        pairs = zip(f.outputs, g.outputs, strict=True)
        demand(all(x * g.denominator == y * f.denominator for x, y in pairs), 19, f"the outputs differ at vertex {v}")
    return "the two networks are equal"


def different_networks(networks: list[Network], domain: Domain, claim: Any) -> str:
    """An output of two networks differs at a point."""
    place, k = members(claim, "claim", "point", "output")
    j = output(k, networks[0])
    f, g = (at_points([network], domain, [place])[0] for network in networks)
    demand(f.outputs[j] * g.denominator != g.outputs[j] * f.denominator, 20, f"output {j} is equal at the point")
    return (
        f"at {near(place)} output {j} of the first network is {about(f, j)} and of the second {about(g, j)}: this "
        "refutes that the two networks are equal on the domain"
    )


# ---- claims of version 3 -------------------------------------------------------------------------------------------
def named_partition(networks: list[Network], domain: Domain, claim: Any, proof: Any) -> str:
    """The listed regions are exactly the activation regions of the network on the domain, and so many."""
    (regions,) = members(claim, "claim", "regions")
    integer(regions, 0, MAX_ENTRIES, "regions")
    count = named_tiling(networks[0], domain, proof).regions
    demand(count == regions, 11, f"{regions} regions are claimed, {count} are listed")
    return f"the listed unions of simplices are exactly the regions of the network, {count} in number"


def named_extremum(networks: list[Network], domain: Domain, claim: Any, proof: Any) -> str:
    """The largest (or smallest) value of an output on the domain lies within bounds, and so does that at a vertex."""
    k, sense, low, high, vertex = members(claim, "claim", "output", "sense", "low", "high", "vertex")
    j, (p, q), (r, s) = output(k, networks[0]), ratio(low), ratio(high)
    require(sense in ("maximum", "minimum"), "sense must be maximum or minimum")
    tiling = named_tiling(networks[0], domain, proof)
    here = integer(vertex, 0, len(tiling.outputs) - 1, "vertex")
    bounds = [(balls[0][j] - balls[1][j], balls[0][j] + balls[1][j]) for balls in tiling.outputs]
    inside = bounds[here][0] * q >= p * tiling.one and bounds[here][1] * s <= r * tiling.one
    certain(inside, 12, f"output {j} may be out of the claimed bounds at vertex {here}")
    largest = sense == "maximum"
    beyond = [v for v, (x, y) in enumerate(bounds) if (y * s > r * tiling.one if largest else x * q < p * tiling.one)]
    certain(not beyond, 13, f"at vertex {beyond[:1]} output {j} may be beyond the claimed {sense}")
    return f"the {sense} of output {j} lies between {written(p, q)} and {written(r, s)}"


def named_constant_decision(networks: list[Network], domain: Domain, claim: Any, proof: Any) -> str:
    """One output is strictly larger than all others everywhere on the domain."""
    (c,) = members(claim, "claim", "class")
    k = output(c, networks[0])
    for v, (centres, radii) in enumerate(named_tiling(networks[0], domain, proof).outputs):
        least = centres[k] - radii[k]
        larger = all(least > x + e for j, (x, e) in enumerate(zip(centres, radii, strict=True)) if j != k)
        certain(larger, 14, f"at vertex {v} another output may not be below output {k}")
    return f"output {k} is larger than all others"


def named_equal_networks(networks: list[Network], domain: Domain, claim: Any, proof: Any) -> str:
    """Two networks have the same outputs everywhere on the domain."""
    members(claim, "claim")
    named_tiling(difference(*networks), domain, proof, vanishing=True)
    return "the two networks are equal"


def named_equality_sample(networks: list[Network], domain: Domain, claim: Any, *, largest: bool = False) -> str:
    """Between the two ends of each segment lies one point where the two outputs of its pair are equal.

    If so wanted, no other output is larger there.
    """
    precision, segments, pairs = members(claim, "claim", "bits", "segments", "pairs")
    integer(precision, 1, MAX_BITS, "bits")
    require(isinstance(segments, list) and isinstance(pairs, list), "segments and pairs must be lists")
    require(
        len(segments) == len(pairs) <= MAX_ENTRIES and segments, "one pair for each segment is wanted, and one at all"
    )
    require(all(isinstance(ends, list) and len(ends) == 2 for ends in segments), "a segment must have two ends")
    passage = Passage(networks[0], domain, precision)
    balls = passage.at(passage.run([point(end, domain.dimension) for end in chain(*segments)], []))
    for i, pair in enumerate(pairs):
        require(len(integers(pair, 0, networks[0].outputs - 1, "a pair")) == 2, "a pair must be two outputs")
        equal_between(passage, (2 * i, 2 * i + 1), balls, pair, largest)
    passage.settle()
    return f"at {len(pairs)} points two outputs are equal{' and none is larger' if largest else ''}"


def equal_between(passage: Passage, ends: tuple[int, int], balls: list[Balls], pair: list[int], largest: bool) -> None:
    """Rules 26, 27 and 17 for one segment."""
    (p, q), (j, k) = ends, pair
    passage.one_piece(p, q, f"segment {p // 2}")
    gaps = [less(balls[v], j, k) for v in ends]
    opposite = all(abs(x) > e for x, e in gaps) and (gaps[0][0] > 0) != (gaps[1][0] > 0)
    certain(opposite, 27, f"segment {p // 2} may not lead from more of one output to more of the other")
    if not largest:
        return
    others = [m for m in range(len(balls[p][0])) if m not in pair]
    share = ratio_of(abs(gaps[0][0]), gaps[0][1], abs(gaps[1][0]), gaps[1][1], passage.precision)
    leads = [[less(balls[v], j, m) for m in others] for v in ends]
    start, end = (([x for x, _ in lead], [e for _, e in lead]) for lead in leads)
    centres, radii = between(start, end, share, passage.precision)
    for m, x, e in zip(others, centres, radii, strict=True):
        certain(x > e, 17, f"on segment {p // 2} output {m} may be larger where the pair is equal")


def less(balls: Balls, j: int, k: int) -> Ball:
    """Entry j minus entry k."""
    return balls[0][j] - balls[0][k], balls[1][j] + balls[1][k]


def named_boundary_sample(networks: list[Network], domain: Domain, claim: Any) -> str:
    """Between the ends of each segment lies one point of the decision boundary of its pair."""
    return named_equality_sample(networks, domain, claim, largest=True)


# ---- all kinds -----------------------------------------------------------------------------------------------------
KINDS: dict[str, tuple[Callable[..., str], int, bool]] = {
    "partition": (partition, 1, True),
    "extremum": (extremum, 1, True),
    "constant-decision": (constant_decision, 1, True),
    "decision-counterexample": (decision_counterexample, 1, False),
    "boundary-sample": (boundary_sample, 1, False),
    "equality-sample": (equality_sample, 1, False),
    "level-sample": (level_sample, 1, False),
    "equal-networks": (equal_networks, 2, True),
    "different-networks": (different_networks, 2, False),
}
"""What decides a kind of certificate, how many networks it is about, and whether it has a proof."""
NAMED: dict[str, tuple[Callable[..., str], int, bool]] = {
    "partition": (named_partition, 1, True),
    "extremum": (named_extremum, 1, True),
    "constant-decision": (named_constant_decision, 1, True),
    "boundary-sample": (named_boundary_sample, 1, False),
    "equality-sample": (named_equality_sample, 1, False),
    "equal-networks": (named_equal_networks, 2, True),
}
"""The same for version 3."""


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the search for cycles of objects: there are none here, and of millions of numbers it takes long."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@uncollected()
def check(certificate: bytes, networks: Sequence[bytes] = (), most: int | None = None, room: int | None = None) -> str:
    """What a certificate proves, in words; raises ``Rejected`` or ``Malformed``.

    ``networks`` are the files of networks that the certificate names by their SHA-256. ``most``: how many products of
    integers it may take, ``room``: how many bytes of memory; ``Refused`` is raised before there are more.
    """
    work = Work(most, room=room)
    files = [parsed("a file of a network", data, work, MAX_FLOAT_BYTES) for data in networks]
    return decided(parsed("the certificate", certificate, work), files, work)


def parsed(name: str, data: bytes, work: Work, most: int = 0) -> Any:
    """The JSON value in a file; an error begins with its name. ``most``: see ``parse``."""
    try:
        return parse(data, most, work)
    except RecursionError:
        raise Malformed(f"{name}: the file is nested too deeply") from None
    except Malformed as error:
        raise Malformed(f"{name}: {error}") from None


def decided(entry: Any, files: list[Any], budget: Work) -> str:
    """What the entry of a certificate proves, given the entries of networks."""
    require(isinstance(entry, dict) and entry.get("format") == FORMAT, f"the file is not of the format {FORMAT}")
    version = entry.get("version")
    require(type(version) is int and version in VERSIONS, f"the version must be one of {VERSIONS}")
    kind = entry.get("kind")
    kinds = NAMED if version == 3 else KINDS
    require(isinstance(kind, str) and kind in kinds, f"kind must be one of {', '.join(kinds)}")
    decide, count, proved = kinds[kind]
    keys = ("networks", "domain", "claim", *(("proof",) if proved else ()))
    _, _, _, *parts = members(entry, "the certificate", "format", "version", "kind", *keys)
    require(isinstance(parts[0], list) and len(parts[0]) == count, f"{kind} is about {count} network(s)")
    named = [members(file, "the file of a network", "nodes", "sha256") for file in files]
    given = {digest(nodes): nodes for nodes, _ in named}
    read = [Network.of(network, given, len(text_of(parts[1])), budget) for network in parts[0]]
    shapes = {(prod(network.nodes[0].shape), network.outputs) for network in read}
    require(len(shapes) == 1, "the networks must have as many inputs and outputs as each other")
    domain = Domain.of(parts[1], read, version)
    claim = decide(read, domain, *parts[2:])
    names = " and ".join(network.sha256 for network in read)
    return f"{kind}: {claim}; network {names}, domain {digest(parts[1])}"


def read_file(name: str, most: int) -> bytes:
    """The bytes of a file, not more than one above a limit."""
    with Path(name).open("rb") as file:
        return at_most(file, most + 1)


def options(arguments: Sequence[str]) -> tuple[list[str], dict[str, int | None]]:
    """The names of files, and the limits that are given."""
    names: list[str] = []
    limits: dict[str, int | None] = {}
    left = iter(arguments)
    for word in left:
        if word == "--no-flint":
            Matrix.flint = None
        elif word in LIMITS:
            number = next(left, "")
            fits = number == "none" or (number.isdecimal() and len(number) <= MAX_DIGITS)
            require(fits, f"{word} wants a number, or none")
            limits[word] = None if number == "none" else int(number)
        else:
            names.append(word)
    require(names, USAGE)
    return names, limits


LIMITS = "--max-work", "--max-memory"
USAGE = "usage: checker.py [--no-flint] [--max-work PRODUCTS] [--max-memory BYTES] CERTIFICATE [NETWORK ...]"


@uncollected()
def main(arguments: Sequence[str], further: Sequence[bytes] = ()) -> int:
    """Checks the files, and what further files of networks hold, and prints the verdict; returns the exit status."""
    try:
        names, limits = options(arguments)
        files = [(name, read_file(name, MAX_FLOAT_BYTES if k else MAX_BYTES)) for k, name in enumerate(names)]
        files += [("a file of a network", data) for data in further]
        work = Work.by_default(sum(len(data) for _, data in files))
        work.most, work.room = limits.get("--max-work", work.most), limits.get("--max-memory", work.room)
        entry, *networks = (parsed(*file, work, MAX_FLOAT_BYTES if k else 0) for k, file in enumerate(files))
        print(f"accepted: {decided(entry, networks, work)}")
    except Rejected as error:
        print(f"rejected: {error}")
        return 1
    except (Malformed, OSError) as error:
        print(f"malformed: {error}")
        return 2
    except Refused as error:
        print(f"refused: {error}")
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
