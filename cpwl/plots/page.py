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
from ..storage.files import replaced
from ..tiling.cells import cut_by_maximum
from .legends import marked
from .regions import INCOMPLETE, LIGHT, check_plane, pattern_hues, positive

if TYPE_CHECKING:
    from ..boundary.boundary import DecisionBoundary
    from ..tiling.tiling import Tiling

Color = Literal["slope", "area", "class", "pattern", "output"]

_LARGEST = 256 << 20
"""Bytes of arrays in a page: browsers hold strings of at most 512 MB, and a page should open in seconds."""

_BLOCK = 1 << 14
"""Regions whose patterns are held at once."""

_TYPES = {"f8": np.float64, "f4": np.float32, "i4": np.int32, "u2": np.uint16, "u1": np.uint8}


@dataclass(frozen=True)
class _Block:
    """Arrays one after the other, each at a multiple of 8 bytes: what ``unpack`` in view.js reads."""

    parts: list[bytes] = field(default_factory=list)
    index: dict[str, tuple[str, int, int]] = field(default_factory=dict)
    """Type, offset in bytes and number of entries of each array."""

    def add(self, name: str, kind: str, values: ArrayLike) -> None:
        array = np.asarray(values).astype(_TYPES[kind]).ravel()
        self.index[name] = (kind, sum(map(len, self.parts)), array.size)
        self.parts.append(array.tobytes() + bytes(-array.nbytes % 8))

    def text(self) -> str:
        """The block, compressed, as base64; ``ArgumentError`` when it is too large."""
        size = sum(map(len, self.parts))
        if size > _LARGEST:
            raise ArgumentError(
                f"the page would hold {size >> 20} MB, more than the {_LARGEST >> 20} MB that browsers open well. Take "
                "a smaller domain, or use part.plot()."
            )
        return base64.b64encode(zlib.compress(b"".join(self.parts), 6)).decode("ascii")


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
    _add_edges(block, partition)
    patterns = _add_patterns(block, partition)
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
    """The regions, cut by the largest output if there are several."""
    arrangement, parents, outputs = partition.arrangement, np.arange(len(partition)), partition.network.outputs
    if outputs > 1:
        cells, found = cut_by_maximum(partition, Ragged.of([range(outputs)]))
        arrangement, parents = cells.arrangement, cells.regions
        block.add("winners", "u2", found.winners[:, 0])
    block.add("vertices", "f8", np.asarray(arrangement.vertices, np.float64))
    block.add("corners", "i4", arrangement.regions.values)
    block.add("starts", "i4", arrangement.regions.offsets)
    block.add("parent", "i4", parents)


def _add_numbers(block: _Block, partition: Tiling) -> None:
    weight, bias = partition.affine_maps()
    block.add("maps", "f8", np.concatenate([weight, bias[:, :, None]], axis=2).astype(np.float64))
    block.add("areas", "f8", floats(partition.volumes()))
    ambiguous = np.zeros(len(partition), np.uint8)
    ambiguous[partition.ambiguous] = 1
    block.add("ambiguous", "u1", ambiguous)


def _add_edges(block: _Block, partition: Tiling) -> None:
    facets = partition.facets()
    block.add("sites", "f8", np.asarray(partition.vertices, np.float64))
    block.add("edges", "i4", facets.vertices.values)
    block.add("units", "i4", bending_units(partition, facets.regions))


def bending_units(partition: Tiling, sides: NDArray[np.int64]) -> NDArray[np.int64]:
    """For pairs of regions (F, 2) the first unit whose piece differs, int64 (F,).

    ``network.units`` where a side is -1 (no region is there), one more where no unit differs: that happens beside
    ambiguous regions alone.
    """
    units = partition.network.units
    found = np.full(len(sides), units)
    inner = np.flatnonzero((sides >= 0).all(axis=1))
    for start in range(0, len(inner), _BLOCK):
        rows = inner[start : start + _BLOCK]
        differs = partition.patterns(sides[rows, 0]) != partition.patterns(sides[rows, 1])
        found[rows] = np.where(differs.any(axis=1), differs.argmax(axis=1) if units else 0, units + 1)
    return found


def _pattern_blocks(partition: Tiling) -> Iterator[NDArray[np.int16]]:
    for start in range(0, len(partition), _BLOCK):
        yield partition.patterns(np.arange(start, min(start + _BLOCK, len(partition))))


def _add_patterns(block: _Block, partition: Tiling) -> dict[str, int]:
    """The patterns, packed, a unit with one piece on all regions kept once; bits of an entry and bytes of a row."""
    first = partition.patterns([0])[0]
    low, high = first.copy(), first.copy()
    for part in _pattern_blocks(partition):
        low, high = np.minimum(low, part.min(axis=0)), np.maximum(high, part.max(axis=0))
    varies = low != high
    bits = 1 if high[varies].max(initial=0) < 2 else 16
    packed = np.concatenate([_packed(part[:, varies], bits) for part in _pattern_blocks(partition)])
    block.add("patterns", "u1", packed)
    block.add("column", "i4", np.where(varies, np.cumsum(varies) - 1, -1))
    block.add("constant", "u2", first)
    block.add("hues", "f4", pattern_hues(partition))
    return {"bits": bits, "rowBytes": packed.shape[1]}


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
