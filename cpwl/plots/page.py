"""The interactive page of a partition: one file for a browser, without a network; it draws with WebGL2.

The page (``view.html`` and ``view.js`` beside this file) holds everything as one compressed block of arrays. Regions
are looked up, and their numbers shown, in float64; the drawing itself is in float32.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from importlib import resources
from itertools import accumulate
from os import PathLike
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays.ragged import Ragged
from ..errors import ArgumentError, ShapeError
from ..numbers.rounding import floats
from ..runtime.ieee import ieee
from ..runtime.inputs import finite, one_of, optional, whole
from ..runtime.inputs import path as check_path
from ..statistics.slopes import near_one, solved, triangles
from ..storage.files import replaced
from ..tiling.cells import cut_by_maximum
from .legends import marked
from .regions import INCOMPLETE, LIGHT, check_plane, positive

if TYPE_CHECKING:
    from ..boundary.boundary import DecisionBoundary
    from ..geometry.arrangement import Arrangement
    from ..tiling.tiling import Tiling

Color = Literal["slope", "area", "class", "pattern", "output"]

_LARGEST = 256 << 20
"""Bytes of arrays in a page: browsers hold strings of at most 512 MB, and a page should open in seconds."""

_LEVEL = 4
"""Of the compression: the highest one takes eight times as long, for 2 % less."""

_PROVEN = 5e-6
"""The page computes a map from values at corners where this relative error is proved: it shows five digits."""

_BLOCK = 1 << 14
"""Regions whose patterns are held at once."""

_TYPES = {"f8": np.float64, "f4": np.float32, "i4": np.int32, "u2": np.uint16, "u1": np.uint8}


@dataclass(frozen=True)
class _Block:
    """Arrays one after the other, each at a multiple of 8 bytes: what ``unpack`` in view.js reads.

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


@ieee
def view(
    partition: Tiling,
    path: str | PathLike[str] | None = None,
    *,
    color: Color = "slope",
    boundary: DecisionBoundary | None = None,
    points: ArrayLike | None = None,
    labels: Sequence[str] | None = None,
    samples: int = 0,
    data: ArrayLike | None = None,
    data_labels: Sequence[Any] | None = None,
    title: str = "",
) -> Path | Page:
    """Writes the interactive page of a partition of a plane to a file, and returns its path.

    Without a path it returns the page itself, which a notebook shows in place (it is then part of the notebook's file);
    ``page.save(path)`` writes it.

    The page needs nothing else: no server, no network. It shows the regions, coloured by ``color`` at first ("output"
    is output 0; the page offers all of them), the edges layer by layer (each counts for the first unit whose piece
    differs on its two sides), and of the region under the mouse its affine map, area, class and pattern.
    ``boundary`` is drawn in red, with ``samples`` random points of it. ``points`` (n, 2), in slice coordinates, are
    marked, with ``labels`` beside them. ``data`` (N, ...), inputs wherever they lie, are marked at the nearest
    points of the slice; the page says how far from it they are, and their ``data_labels`` (numbers of classes give them
    the colours of these). Where inputs are images, (h, w) or (1 or 3, h, w), that of the point under the mouse is
    shown, and a switch shows those of points, data (their own) and samples beside their marks.

    Raises ``ArgumentError`` for an unknown colour, "class" with one output, samples without a boundary, labels without
    data, or more than a page can hold; ``ShapeError`` for points or data of another shape;
    ``UnsupportedDimensionError`` unless on a plane.
    """
    _check(partition, path, color, boundary, samples)
    samples = int(samples)
    inputs = _checked_data(partition, data, data_labels)
    block = _Block()
    _add_polygons(block, partition)
    _add_numbers(block, partition)
    pieces = _Patterns.of(partition)
    _add_edges(block, partition, pieces)
    patterns = _add_patterns(block, partition, pieces)
    marks = _add_marks(block, partition, boundary, points, labels, samples)
    image = _add_image(block, partition, marks.places, inputs)
    about = {
        "color": "output0" if color == "output" else color,
        "labels": marks.names,
        "data": _add_data(block, partition, inputs, data_labels, image),
        "image": image,
        **patterns,
    }
    head = json.dumps({**_head(partition), **about, "arrays": block.index}).replace("<", "\\u003c")
    page = Template(_resource("view.html"))
    shown = escape((title or f"{len(partition):,} regions") + ("" if partition.complete else f". {INCOMPLETE}"))
    text = page.substitute(title=shown, head=head, data=block.text(), script=_resource("view.js"))
    written = Page(text)
    return written if path is None else written.save(path)


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
        with replaced(path) as new:
            new.write_text(self.text, encoding="utf-8")
        return Path(path)


def _check(partition: Tiling, path: Any, color: str, boundary: DecisionBoundary | None, samples: int) -> None:
    check_plane(partition, boundary)
    one_of("color", color, get_args(Color))
    whole("samples", samples, 0)
    optional(check_path, "path", path)
    if color == "class" and partition.network.outputs < 2:
        raise ArgumentError("color='class' needs a network with several outputs; this one has one. Use color='slope'.")
    if samples and boundary is None:
        raise ArgumentError("samples are drawn from a boundary: give boundary=part.decision_boundary().")


# ---- the page ------------------------------------------------------------------------------------------------------
def _resource(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _head(partition: Tiling) -> dict[str, Any]:
    """What the page knows of the partition beside the arrays."""
    corners = np.asarray(partition.domain.polytope.vertices, np.float64)
    low, high = corners.min(axis=0), corners.max(axis=0)
    areas = floats(partition.volumes())
    counts = (len(partition), "regions"), (len(partition.vertices), "vertices"), (partition.network.units, "units")
    return {
        "box": [*low.tolist(), *high.tolist()],
        "center": ((low + high) / 2).tolist(),
        "half": float((high - low).max() / 2),
        "regions": len(partition),
        "outputs": partition.network.outputs,
        "counts": ", ".join(f"{count:,} {what}" for count, what in counts),
        "smallArea": float(np.quantile(positive(areas), 0.05)),
        "palette": LIGHT,
        "layers": _layers(partition),
    }


def _layers(partition: Tiling) -> list[dict[str, Any]]:
    """The nodes with units, then two that stand for edges without one."""
    nodes, units = partition.network.nodes, partition.network.units
    layers: list[dict[str, Any]] = [
        {"name": f"layer {k}: {nodes[i].name}", "units": [part.start, part.stop], "selectable": True}
        for k, (i, part) in enumerate(partition.network.unit_columns.items(), start=1)
    ]
    layers.append({"name": "border", "units": [units, units + 1], "selectable": False})
    layers.append({"name": "no unit", "units": [units + 1, units + 2], "selectable": False})
    return layers


# ---- the arrays ----------------------------------------------------------------------------------------------------
def _add_polygons(block: _Block, partition: Tiling) -> None:
    """The regions, cut by the largest output if there are several, and the outputs at all corners."""
    arrangement, parents, outputs = partition.arrangement, np.arange(len(partition)), partition.network.outputs
    values = partition.outputs
    if outputs > 1:
        cells, by_maximum = cut_by_maximum(partition, Ragged.of([range(outputs)]))
        arrangement, parents, (values,) = cells.arrangement, cells.regions, by_maximum.fields
        block.add("winners", "u2", by_maximum.winners[:, 0])
    block.add("vertices", "f8", np.asarray(arrangement.vertices, np.float64))
    block.add("corners", "i4", arrangement.regions.values, differences=True)
    block.add("starts", "i4", arrangement.regions.offsets, differences=True)
    block.add("parent", "i4", parents, differences=True)
    _add_maps(block, partition, arrangement, parents, values)


def _add_maps(
    block: _Block, partition: Tiling, arrangement: Arrangement[Any], parents: NDArray[np.int64], values: Any
) -> None:
    """What the page makes the affine maps from: outputs at the corners of one polygon of each region, its largest.

    Where the bounds do not prove that enough digits come out, the map itself.
    """
    places, numbers = np.asarray(arrangement.vertices, np.float64), floats(values.to_numpy())
    near, *_ = near_one(places, np.zeros(len(places)))  # as products would overflow, or vanish
    corners = triangles(near, arrangement.regions)
    sides = near[corners[:, 1:]] - near[corners[:, :1]]
    sizes = np.abs(sides[:, 0, 0] * sides[:, 1, 1] - sides[:, 0, 1] * sides[:, 1, 0])
    order = np.lexsort((sizes, parents))
    holder = order[np.searchsorted(parents[order], np.arange(len(partition)), side="right") - 1]
    chosen = corners[holder]
    rounding = 2.0**-52
    apart = np.asarray(arrangement.coordinates().errors()) + rounding * np.abs(places).max(axis=1)
    off = np.asarray(values.errors()) + rounding * np.abs(numbers).max(axis=1, initial=0.0)
    with np.errstate(over="ignore", invalid="ignore"):  # the page computes in this scale: what overflows is given
        slopes, errors = solved(places[chosen], numbers[chosen], apart[chosen], off[chosen])
    given = np.flatnonzero(~(errors <= _PROVEN * slopes))
    weight, bias = partition.affine_maps(given)
    block.add("values", "f8", numbers)
    block.add("holder", "i4", holder, differences=True)
    block.add("given", "i4", given, differences=True)
    block.add("givenMaps", "f8", np.concatenate([weight, bias[:, :, None]], axis=2).astype(np.float64))


def _add_numbers(block: _Block, partition: Tiling) -> None:
    block.add("areas", "f4" if _fits_single(partition) else "f8", floats(partition.volumes()))
    ambiguous = np.zeros(len(partition), np.uint8)
    ambiguous[partition.ambiguous] = 1
    block.add("ambiguous", "u1", ambiguous)


def _fits_single(partition: Tiling) -> bool:
    """Whether all areas are normal numbers of float32, which has all digits that are shown."""
    areas = floats(partition.volumes())
    nonzero = areas[areas > 0]
    kind = np.finfo(np.float32)
    return bool(len(nonzero)) and bool(kind.tiny < nonzero.min()) and bool(nonzero.max() < kind.max)


def _add_edges(block: _Block, partition: Tiling, pieces: _Patterns) -> None:
    facets = partition.facets()
    if not np.array_equal(np.asarray(partition.vertices, np.float64), _first_vertices(block, len(partition.vertices))):
        block.add("sites", "f8", np.asarray(partition.vertices, np.float64))
    block.add("edges", "i4", facets.vertices.values, differences=True)
    block.add("units", "i4", pieces.bending(facets.regions))


def _first_vertices(block: _Block, count: int) -> NDArray[np.float64]:
    """The first corners that the block has already."""
    _, offset, size, _ = block.index["vertices"]
    data = next(part for start, part in zip(_offsets(block), block.parts, strict=True) if start == offset)
    rows = np.frombuffer(data, np.uint8, 8 * size).reshape(8, size).T
    return np.ascontiguousarray(rows).view(np.float64).reshape(-1, 2)[:count]


def _offsets(block: _Block) -> list[int]:
    return [0, *accumulate(map(len, block.parts))][:-1]


@dataclass(frozen=True, eq=False)
class _Patterns:
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
    def of(cls, partition: Tiling) -> _Patterns:
        """Those of a partition, of which some regions are unpacked at a time, once to see and once to pack."""
        first = partition.patterns([0])[0]
        low, high = first.copy(), first.copy()
        for part in _pattern_blocks(partition):
            np.minimum(low, part.min(axis=0), out=low)
            np.maximum(high, part.max(axis=0), out=high)
        varying = np.flatnonzero(low != high)
        bits = 1 if high[varying].max(initial=0) < 2 else 16
        packed = [_packed(part[:, varying], bits) for part in _pattern_blocks(partition)]
        return cls(np.concatenate(packed), bits, varying, first)

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
    return _Patterns.of(partition).bending(sides)


def _pattern_blocks(partition: Tiling) -> Iterator[NDArray[np.int16]]:
    for start in range(0, len(partition), _BLOCK):
        yield partition.patterns(np.arange(start, min(start + _BLOCK, len(partition))))


def _add_patterns(block: _Block, partition: Tiling, pieces: _Patterns) -> dict[str, int]:
    """The patterns as what differs from a neighbour's, which is one unit as a rule; bits and bytes of a row.

    Each region but the first of its part has a parent beside it, and the regions of no parent one anywhere.
    """
    parent = _parents(partition)
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
    block.add("root", "u1", pieces.packed[np.flatnonzero(parent < 0)[0]])
    column = np.full(len(pieces.first), -1)
    column[pieces.varying] = np.arange(len(pieces.varying))
    block.add("column", "i4", column, differences=True)
    block.add("constant", "u2", pieces.first)
    block.add("hues", "u2", np.floor(pieces.hues() * 65536))
    return {"bits": pieces.bits, "rowBytes": pieces.packed.shape[1]}


def _parents(partition: Tiling) -> NDArray[np.int64]:
    """A tree over the regions, int64 (R,), -1 at its root: parents share a facet, but for one of each further part."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import breadth_first_order, connected_components

    sides, count = partition.facets().regions, len(partition)
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


@dataclass(frozen=True, eq=False)
class _Marks:
    places: NDArray[np.float64]
    """Slice coordinates of all points and samples (n, 2)."""
    names: list[str]
    """Of the points."""


def _add_marks(
    block: _Block,
    partition: Tiling,
    boundary: DecisionBoundary | None,
    points: ArrayLike | None,
    labels: Sequence[str] | None,
    samples: int,
) -> _Marks:
    """The boundary, points and samples; those that are not given are no arrays of the page."""
    places: list[NDArray[np.float64]] = [np.zeros((0, 2))]
    names: list[str] = []
    if points is not None:
        given, names = marked(points, labels)
        block.add("points", "f8", given)
        places.append(given)
    if boundary is not None:
        block.add("boundary", "f8", np.asarray(boundary.ends, np.float64))
    if boundary is not None and samples:
        drawn = np.asarray(boundary.sample_slice(samples)[0], np.float64)
        block.add("samples", "f8", drawn)
        places.append(drawn)
    return _Marks(np.concatenate(places), names)


def _checked_data(
    partition: Tiling, data: ArrayLike | None, labels: Sequence[Any] | None
) -> NDArray[np.float64] | None:
    if data is None:
        if labels is not None:
            raise ArgumentError("data_labels go with data: give the inputs that they belong to.")
        return None
    inputs = finite("data", data)
    if inputs.shape[1:] != partition.domain.shape or inputs.ndim != len(partition.domain.shape) + 1:
        raise ShapeError(f"data must have shape (N, *{partition.domain.shape}), inputs, got {inputs.shape}.")
    if labels is not None and len(labels) != len(inputs):
        raise ShapeError(f"data_labels must be one for each of the {len(inputs)} inputs, got {len(labels)}.")
    return inputs


def _add_data(
    block: _Block,
    partition: Tiling,
    inputs: NDArray[np.float64] | None,
    labels: Sequence[Any] | None,
    image: dict[str, float] | None,
) -> dict[str, Any] | None:
    """Where inputs lie and how far from the slice, their images in 256 grey levels; names and kinds by their labels."""
    if inputs is None:
        return None
    places = partition.to_slice(inputs)
    apart = (np.asarray(partition.to_input(places), np.float64) - inputs).reshape(len(inputs), -1)
    block.add("data", "f8", places)
    block.add("apart", "f8", np.linalg.norm(apart, axis=1))
    if image is not None:
        grey = (inputs - image["low"]) / (image["high"] - image["low"])
        block.add("pictures", "u1", np.rint(255 * grey.clip(0, 1)))
    values = [""] * len(inputs) if labels is None else np.asarray(labels).tolist()
    if all(isinstance(value, int) and value >= 0 for value in values):
        return {"names": [f"class {value}" for value in values], "kinds": values}
    kinds = {name: k for k, name in enumerate(sorted(set(map(str, values))))}
    return {"names": list(map(str, values)), "kinds": [kinds[str(value)] for value in values]}


def _add_image(
    block: _Block, partition: Tiling, places: NDArray[np.float64], data: NDArray[np.float64] | None
) -> dict[str, float] | None:
    """The inputs as functions of the slice coordinates, if they are images; black and white are those of the data or,
    without any, of the inputs at ``places`` (at the domain's corners, if there are none)."""
    shape, domain = partition.network.input_shape, partition.domain
    if len(shape) == 2:
        shape = (1, *shape)
    if len(shape) != 3 or shape[0] not in (1, 3):
        return None
    block.add("inputs", "f8", np.concatenate([domain.origin[:, None], domain.basis], axis=1))
    seen = np.asarray(domain.to_input(places if len(places) else domain.polytope.vertices), np.float64)
    seen = seen if data is None or not len(data) else data
    low, high = float(seen.min()), float(seen.max())
    return {"channels": shape[0], "height": shape[1], "width": shape[2], "low": low, "high": max(high, low + 1e-30)}
