"""What the pages of planes and of space share: their arrays, the patterns of regions, the file around them.

A page (``view.html``, ``page.js`` and one more script beside this file) holds everything as one compressed block of
arrays.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from importlib import resources
from os import PathLike
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ArgumentError
from ..runtime.inputs import path as check_path
from ..storage.files import replaced
from .palette import FRAME, line
from .regions import INCOMPLETE

if TYPE_CHECKING:
    from ..tiling.tiling import Tiling

_LARGEST = 256 << 20
"""Bytes of arrays in a page: browsers hold strings of at most 512 MB, and a page should open in seconds."""

_LEVEL = 4
"""Of the compression: the highest one takes eight times as long, for 2 % less."""

_BLOCK = 1 << 14
"""Regions whose patterns are held at once."""

_TYPES = {"f8": np.float64, "f4": np.float32, "i4": np.int32, "u2": np.uint16, "u1": np.uint8}


@dataclass(frozen=True)
class Block:
    """Arrays one after the other, each at a multiple of 8 bytes: what ``unpack`` in page.js reads.

    Of each array first all first bytes, then all second ones, and so on, which compresses better; indices as
    differences from the one before.
    """

    parts: list[bytes] = field(default_factory=list)
    index: dict[str, tuple[str, int, int, int]] = field(default_factory=dict)
    """Type, offset in bytes, number of entries, and whether they are differences, of each array."""

    def add(self, name: str, kind: str, values: ArrayLike, *, differences: bool = False) -> None:
        array = np.asarray(values).astype(_TYPES[kind]).ravel()
        self.index[name] = (kind, sum(map(len, self.parts)), array.size, int(differences))
        if differences:
            array = np.diff(array, prepend=array.dtype.type(0))
        data = np.ascontiguousarray(array.view(np.uint8).reshape(array.size, array.itemsize).T).tobytes()
        self.parts.append(data + bytes(-array.nbytes % 8))

    def text(self) -> str:
        """The block, compressed, as base64; ``ArgumentError`` when it is too large."""
        size = sum(map(len, self.parts))
        if size > _LARGEST:
            raise ArgumentError(
                f"the page would hold {size >> 20} MB, more than the {_LARGEST >> 20} MB that browsers open well. Take "
                "a smaller domain, or use part.plot()."
            )
        return base64.b64encode(zlib.compress(b"".join(self.parts), _LEVEL)).decode("ascii")


def html_path(name: str, value: str | PathLike[str]) -> Path:
    """The name of a file for a page: .html, or without an ending."""
    path = check_path(name, value)
    if path.suffix.lower() not in ("", ".html", ".htm"):
        raise ArgumentError(
            f"{name} must end with .html: it is a page for a browser, got {str(value)!r:.80}. A picture is written by "
            "part.plot().figure.savefig(...)."
        )
    return path


@dataclass(frozen=True, repr=False)
class Page:
    """An interactive page, as text: HTML that needs nothing else."""

    text: str
    height: int = 620
    """Of the frame in which a notebook shows it, in pixels."""

    def __repr__(self) -> str:
        return f"<Page: {len(self.text) / 1e6:.1f} MB of HTML; page.save(path) writes it, a notebook shows it>"

    def _repr_html_(self) -> str:
        style = f'width="100%" height="{self.height}" style="border:1px solid #ccc"'
        return f'<iframe {style} srcdoc="{escape(self.text)}"></iframe>'

    def save(self, path: str | PathLike[str]) -> Path:
        """Writes the page to a file for a browser, and returns its path."""
        with replaced(html_path("path", path)) as new:
            new.write_text(self.text, encoding="utf-8")
        return Path(path)


def written(
    title: str, complete: bool, head: dict[str, Any], block: Block, script: str, path: str | PathLike[str] | None
) -> Path | Page:
    """The page with these arrays and what is known beside them, drawn by a script; in a file, if one is named."""
    shown = escape(title + ("" if complete else f". {INCOMPLETE}"))
    known = json.dumps({**head, "arrays": block.index}).replace("<", "\\u003c")
    page = Template(_resource("view.html"))
    scripts = _resource("page.js") + _resource(script)
    made = Page(page.substitute(title=shown, head=known, data=block.text(), script=scripts))
    return made if path is None else made.save(path)


def _resource(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def layers(partition: Tiling) -> list[dict[str, Any]]:
    """The nodes with units, then two that stand for edges without one."""
    nodes, units = partition.network.nodes, partition.network.units
    layers: list[dict[str, Any]] = [
        {
            "name": f"layer {k + 1}: {nodes[i].name}",
            "units": [part.start, part.stop],
            "color": line(k),
            "selectable": True,
        }
        for k, (i, part) in enumerate(partition.network.unit_columns.items())
    ]
    for place, name in enumerate(("border", "no unit"), start=units):
        layers.append({"name": name, "units": [place, place + 1], "color": FRAME, "selectable": False})
    return layers


def fits_single(sizes: NDArray[np.float64]) -> bool:
    """Whether all sizes but zero are normal numbers of float32, which has all digits that are shown."""
    nonzero = sizes[sizes > 0]
    kind = np.finfo(np.float32)
    return bool(len(nonzero)) and bool(kind.tiny < nonzero.min()) and bool(nonzero.max() < kind.max)


@dataclass(frozen=True, eq=False)
class Patterns:
    """The activation patterns, packed; units with one piece on all regions are left out of the rows."""

    packed: NDArray[np.uint8]
    """(R, bytes)"""
    bits: int
    """Of a unit in a row: 1, or 16 where some unit has more than two pieces."""
    varying: NDArray[np.int64]
    """The units that rows have, increasing."""
    first: NDArray[np.int16]
    """The pattern of region 0."""

    @classmethod
    def of(cls, partition: Tiling, regions: NDArray[np.int64] | None = None) -> Patterns:
        """Those of some regions (all by default), of which a few are unpacked at a time, to see and then to pack."""
        chosen = np.arange(len(partition)) if regions is None else regions
        first = partition.patterns(chosen[:1])[0] if len(chosen) else np.zeros(partition.network.units, np.int16)
        low, high = first.copy(), first.copy()
        for part in _pattern_blocks(partition, chosen):
            np.minimum(low, part.min(axis=0), out=low)
            np.maximum(high, part.max(axis=0), out=high)
        varying = np.flatnonzero(low != high)
        bits = 1 if high[varying].max(initial=0) < 2 else 16
        packed = [_packed(part[:, varying], bits) for part in _pattern_blocks(partition, chosen)]
        return cls(np.concatenate(packed) if packed else np.zeros((0, 0), np.uint8), bits, varying, first)

    def differences(self, rows: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Where the patterns of some regions differ from those of others, (n, len(varying))."""
        if self.bits == 16:
            words, other_words = (np.ascontiguousarray(self.packed[part]).view("<u2") for part in (rows, others))
            return np.asarray(words != other_words)
        apart = np.unpackbits(self.packed[rows] ^ self.packed[others], axis=1, bitorder="little")
        return np.asarray(apart[:, : len(self.varying)].view(np.bool_))

    def bending(self, sides: NDArray[np.int64]) -> NDArray[np.int64]:
        """See ``bending_units``."""
        units = len(self.first)
        bending = np.full(len(sides), units)
        inner = np.flatnonzero((sides >= 0).all(axis=1))
        for start in range(0, len(inner), _BLOCK):
            rows = inner[start : start + _BLOCK]
            differs = self.differences(sides[rows, 0], sides[rows, 1])
            unit = self.varying[differs.argmax(axis=1)] if len(self.varying) else np.zeros(len(rows), np.int64)
            bending[rows] = np.where(differs.any(axis=1), unit, units + 1 if units else 0)
        return bending

    def hues(self) -> NDArray[np.float64]:
        """A number in [0, 1) for each region, a function of its pattern alone."""
        words = np.zeros((len(self.packed), -(-self.packed.shape[1] // 8) * 8), np.uint8)
        words[:, : self.packed.shape[1]] = self.packed
        keys = np.random.default_rng(0).integers(2**64, size=words.shape[1] // 8, dtype=np.uint64) | np.uint64(1)
        hashes = (words.view(np.uint64) * keys).sum(axis=1, dtype=np.uint64)
        hashes ^= hashes >> np.uint64(31)
        mixed = (hashes * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(11)
        return np.asarray(mixed.astype(np.float64) / 2**53)


def bending_units(partition: Tiling, sides: NDArray[np.int64]) -> NDArray[np.int64]:
    """For pairs of regions (F, 2) the first unit whose piece differs, int64 (F,).

    ``network.units`` where a side is -1 (no region is there), one more where no unit differs: that happens beside
    ambiguous regions alone.
    """
    return Patterns.of(partition).bending(sides)


def _pattern_blocks(partition: Tiling, regions: NDArray[np.int64]) -> Iterator[NDArray[np.int16]]:
    for start in range(0, len(regions), _BLOCK):
        yield partition.patterns(regions[start : start + _BLOCK])


def add_patterns(block: Block, pieces: Patterns, sides: NDArray[np.int64]) -> dict[str, int]:
    """The patterns as what differs from a neighbour's, which is one unit as a rule; bits and bytes of a row.

    ``sides``: pairs of neighbours (n, 2); -1 for none. Each region but the first of its part has a parent beside it,
    and the regions of no parent one anywhere.
    """
    parent = _tree(len(pieces.packed), sides)
    children = np.flatnonzero(parent >= 0)
    counts, columns, values = np.zeros(len(parent), np.int64), [], []
    for start in range(0, len(children), _BLOCK):
        rows = children[start : start + _BLOCK]
        row, column = np.nonzero(pieces.differences(rows, parent[rows]))
        counts[rows] = np.bincount(row, minlength=len(rows))
        columns.append(column)
        if pieces.bits == 16:
            values.append(np.ascontiguousarray(pieces.packed[rows]).view("<u2")[row, column])
    block.add("above", "i4", parent)
    block.add("changes", "i4", np.concatenate([[0], np.cumsum(counts)]), differences=True)
    block.add("changed", "i4", np.concatenate([np.zeros(0, np.int64), *columns]))
    block.add("changedTo", "u2", np.concatenate([np.zeros(0, np.uint16), *values]))
    block.add("root", "u1", pieces.packed[np.flatnonzero(parent < 0)[:1]])
    column = np.full(len(pieces.first), -1)
    column[pieces.varying] = np.arange(len(pieces.varying))
    block.add("column", "i4", column, differences=True)
    block.add("constant", "u2", pieces.first)
    block.add("hues", "u2", np.floor(pieces.hues() * 65536))
    return {"bits": pieces.bits, "rowBytes": pieces.packed.shape[1]}


def _tree(count: int, sides: NDArray[np.int64]) -> NDArray[np.int64]:
    """A tree over regions, int64 (R,), -1 at its root: parents are neighbours, but for one of each further part."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import breadth_first_order, connected_components

    if not count:
        return np.zeros(0, np.int64)
    inner = sides[(sides >= 0).all(axis=1)]
    graph = coo_array((np.ones(len(inner), np.int8), (inner[:, 0], inner[:, 1])), shape=(count, count)).tocsr()
    parent = np.full(count, -1, np.int64)
    starts = np.unique(connected_components(graph, directed=False)[1], return_index=True)[1]
    for start in starts.tolist():
        order, before = breadth_first_order(graph, start, directed=False)
        parent[order[1:]] = before[order[1:]]
        parent[start] = -1 if start == starts[0] else int(starts[0])
    return parent


def _packed(pieces: NDArray[np.int16], bits: int) -> NDArray[np.uint8]:
    if bits == 1:
        return np.packbits(pieces.astype(np.uint8), axis=1, bitorder="little")
    return np.ascontiguousarray(pieces, dtype="<u2").view(np.uint8)
