"""Blocks of a partition as tables in Parquet files, of a plane GeoParquet files too. Only this file uses pyarrow.

GeoParquet 1.1: a binary column of polygons in the form of the OGC's "simple features" (WKB), and metadata "geo".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..comparisons.judge import most_pieces
from ..errors import MissingDependencyError
from ..geometry.simplices import size_name
from ..network.network import Network
from ..numbers.rounding import floats
from ..regions.classes import certain_classes
from ..statistics.slopes import slope_norms
from ..statistics.statistics import eccentricities
from ..storage.files import opened, reading
from ..tiling.tiling import Tiling

if TYPE_CHECKING:
    import pyarrow

_GEO = {
    "version": "1.1.0",
    "primary_column": "geometry",
    "columns": {
        "geometry": {
            "encoding": "WKB",
            "geometry_types": ["Polygon"],
            "crs": None,
            "orientation": "counterclockwise",
            "edges": "planar",
        }
    },
}


_PANDAS = {
    "index_columns": [],
    "column_indexes": [],
    "columns": [
        {"name": "class", "field_name": "class", "pandas_type": "int64", "numpy_type": "Int64", "metadata": None}
    ],
    "pandas_version": "2.1",
}
"""What pandas wants to know to read classes as whole numbers, although some are missing."""

_ROWS = 1024
"""Regions whose maps are computed at once."""

_WRITTEN = 8 << 20
"""Bytes of patterns that are unpacked at once, which is most of what writing regions takes."""
_MOST_WRITTEN = 1 << 14
"""Regions that are written at once."""

_READ = 1 << 14
"""Regions that are read at once."""


class PartFile:
    """One Parquet file, of a row group or several for each block."""

    def __init__(self, path: str | PathLike[str], network: Network, *, dim: int, maps: bool) -> None:
        """``dim``: the dimension of the domain."""
        self._schema, self._maps = _schema(network, dim, maps=maps), maps
        parquet = _pyarrow("pyarrow.parquet")
        self._writer = parquet.ParquetWriter(fspath(path), self._schema, compression="zstd")

    def write(self, block: Tiling, first: int) -> None:
        """Adds the regions of a block, numbered from ``first`` on."""
        pa = _pyarrow("pyarrow")
        classes = certain_classes(block) if block.network.outputs > 1 else np.full(len(block), -1)
        areas, ambiguous = floats(block.volumes()), np.zeros(len(block), np.bool_)
        ambiguous[block.ambiguous] = True
        shapes = eccentricities(np.asarray(block.vertices, np.float64), block.regions)
        slopes = slope_norms(block)
        size = max(1, min(_MOST_WRITTEN, _WRITTEN // (8 * max(block.network.units, 1) * piece_bits(block.network))))
        for start in range(0, len(block), size):
            rows = np.arange(start, min(start + size, len(block)))
            columns = {
                "region": first + rows,
                **_shape_columns(block, rows),
                size_name(block.domain.dim): areas[rows],
                "eccentricity": shapes[rows],
                "slope": slopes[rows],
                "pattern": _binary(*_packed(block, rows)),
                "class": pa.array(classes[rows], mask=classes[rows] < 0),
                "ambiguous": ambiguous[rows],
                **(_map_columns(block, rows) if self._maps else {}),
            }
            self._writer.write_table(pa.table(columns, schema=self._schema), row_group_size=len(rows))

    def close(self) -> None:
        """Ends the file, which is none before."""
        self._writer.close()


@dataclass(frozen=True, eq=False)
class RegionRows:
    """Some rows of a file: numbers of n regions."""

    region: NDArray[np.int64]
    areas: NDArray[np.float64]
    corners: NDArray[np.int64]
    """How many corners each has, (n,)."""
    places: NDArray[np.float64]
    """The corners of all regions, one after the other, (corners.sum(), D)."""
    slopes: NDArray[np.float64]
    """The Frobenius norm of A, (n,)."""
    ambiguous: NDArray[np.bool_]
    classes: NDArray[np.int64]
    """The number of the output that is the largest on all of each, -1 where there is none."""


def read_regions(path: str | PathLike[str]) -> Iterator[RegionRows]:
    """The rows of a file that ``PartFile`` has written, some at a time, of the columns that numbers need."""
    with opened(path), reading(path, "a Parquet file of regions", "Write the partition again, to another folder."):
        yield from _rows(fspath(path))


def _rows(path: str) -> Iterator[RegionRows]:
    file = _pyarrow("pyarrow.parquet").ParquetFile(path)
    columns = file.schema_arrow.names
    axes = _axes(2 if "x" in columns else sum(re.fullmatch(r"u[0-9]+", name) is not None for name in columns))
    size = size_name(len(axes))
    names = ["region", size, "vertices", *axes, "slope", "ambiguous", "class"]
    for batch in file.iter_batches(batch_size=_READ, columns=names):
        column = {name: batch.column(name) for name in names}
        corners = column["vertices"].to_numpy()
        places = np.stack([np.asarray(column[axis].flatten()) for axis in axes], axis=1)
        plain = {name: column[name].to_numpy(zero_copy_only=False) for name in ("region", size, "slope", "ambiguous")}
        doubtful, classes = plain["ambiguous"].astype(np.bool_), column["class"].fill_null(-1).to_numpy()
        yield RegionRows(plain["region"], plain[size], corners, places, plain["slope"], doubtful, classes)


def require_pyarrow() -> None:
    """Raises ``MissingDependencyError`` unless Parquet files can be written."""
    _pyarrow("pyarrow")


def piece_bits(network: Network) -> int:
    """How many bits the column "pattern" has for each unit; the lowest comes first."""
    return max(1, (most_pieces(network) - 1).bit_length())


def _axes(dim: int) -> list[str]:
    """What the columns of coordinates of corners are called."""
    return ["x", "y"] if dim == 2 else [f"u{k + 1}" for k in range(dim)]


def _schema(network: Network, dim: int, *, maps: bool) -> pyarrow.Schema:
    pa = _pyarrow("pyarrow")
    numbers = pa.list_(pa.float64())
    columns = {
        "region": pa.int64(),
        **({"geometry": pa.binary()} if dim == 2 else {}),
        **dict.fromkeys(_axes(dim), numbers),
        size_name(dim): pa.float64(),
        "vertices": pa.int64(),
        "eccentricity": pa.float64(),
        "slope": pa.float64(),
        "pattern": pa.binary(),
        "class": pa.int64(),
        "ambiguous": pa.bool_(),
        **({"A": numbers, "b": numbers} if maps else {}),
    }
    about = {"units": network.units, "bits": piece_bits(network), "outputs": network.outputs}
    metadata = {**({"geo": _GEO} if dim == 2 else {}), "cpwl": about, "pandas": _PANDAS}
    return pa.schema(list(columns.items()), metadata={name: json.dumps(value) for name, value in metadata.items()})


def _shape_columns(block: Tiling, rows: NDArray[np.int64]) -> dict[str, Any]:
    regions = block.regions.take(rows)
    corners = block.vertices[regions.values].astype(np.float64)
    dim = block.domain.dim
    return {
        **({"geometry": _binary(*_polygons(corners, regions.counts))} if dim == 2 else {}),
        **{name: _lists(corners[:, k], regions.counts) for k, name in enumerate(_axes(dim))},
        "vertices": regions.counts,
    }


def _map_columns(block: Tiling, rows: NDArray[np.int64]) -> dict[str, Any]:
    batches = [rows[k : k + _ROWS] for k in range(0, len(rows), _ROWS)]
    weights, biases = zip(*map(block.affine_maps, batches), strict=True)
    named = {"A": np.concatenate(weights), "b": np.concatenate(biases)}
    return {
        name: _lists(values.astype(np.float64).ravel(), np.full(len(values), values[0].size))
        for name, values in named.items()
    }


def _packed(block: Tiling, rows: NDArray[np.int64]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The patterns of some regions, ``piece_bits`` for each unit, in bytes, and how many bytes each has."""
    bits = np.arange(piece_bits(block.network), dtype=np.int16)
    table = (block.patterns(rows)[:, :, None] >> bits & 1).astype(np.bool_).reshape(len(rows), -1)
    packed = np.packbits(table, axis=1, bitorder="little")
    return packed.ravel(), np.full(len(packed), packed.shape[1])


def _polygons(corners: NDArray[np.float64], counts: NDArray[np.int64]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Polygons, whose corners lie one after the other, as WKB, and how many bytes each has.

    A polygon: byte order 1 (little), type 3, one ring, number of points (uint32 each), points; the last is the first.
    """
    sizes, closed = 13 + 16 * (counts + 1), counts + 1
    starts = np.cumsum(sizes) - sizes
    data = np.zeros(sizes.sum(), np.uint8)
    heads = np.zeros(len(counts), np.dtype([("order", "u1"), ("rest", "<u4", 3)]))
    heads["order"], heads["rest"] = 1, np.stack([np.full_like(counts, 3), np.ones_like(counts), closed], axis=1)
    data[starts[:, None] + np.arange(13)] = heads.view(np.uint8).reshape(-1, 13)
    row, first = np.repeat(np.arange(len(counts)), closed), np.cumsum(counts) - counts
    within = np.arange(len(row)) - np.repeat(np.cumsum(closed) - closed, closed)
    points = corners[first[row] + within % counts[row]].astype("<f8").view(np.uint8).reshape(-1, 16)
    data[(starts[row] + 13 + 16 * within)[:, None] + np.arange(16)] = points
    return data, sizes


def _lists(values: NDArray[np.float64], counts: NDArray[np.int64]) -> Any:
    pa = _pyarrow("pyarrow")
    return pa.ListArray.from_arrays(_offsets(counts), pa.array(np.ascontiguousarray(values)))


def _binary(data: NDArray[np.uint8], counts: NDArray[np.int64]) -> Any:
    pa = _pyarrow("pyarrow")
    buffers = [None, pa.py_buffer(_offsets(counts)), pa.py_buffer(np.ascontiguousarray(data))]
    return pa.Array.from_buffers(pa.binary(), len(counts), buffers)


def _offsets(counts: NDArray[np.int64]) -> NDArray[np.int32]:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)]).astype(np.int32)


def _pyarrow(name: str) -> Any:
    """A module of pyarrow."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingDependencyError(
            "folders of regions are Parquet files, which need pyarrow. Install cpwl[parquet]."
        ) from error
    return {"pyarrow": pyarrow, "pyarrow.parquet": pyarrow.parquet}[name]
