"""Arrangements and fields of the torch backend as plain arrays, and back, bit for bit."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...errors import FileFormatError
from ...storage.named_arrays import Arrays, Stored
from ..lattice.persist import is_lattice, lattice_from_arrays, lattice_to_arrays
from .arrangement import TorchArrangement
from .complex.complex import Complex
from .complex.segments import as_numpy
from .fields.field import FloatField, Sharp
from .solid.arrangement import TorchLatticeArrangement

Kind = TorchArrangement | TorchLatticeArrangement


def arrangement_to_arrays(arrangement: Kind) -> Arrays:
    """The arrays that ``arrangement_from_arrays`` reads."""
    if isinstance(arrangement, TorchLatticeArrangement):
        return {
            **lattice_to_arrays(arrangement.lattice),
            "vertices": arrangement.vertices,
            "error": arrangement.coordinates().errors(),
            "sharp": arrangement.sharp,
            "parents": arrangement.parents,
            "ambiguous": arrangement.ambiguous,
            "generation": np.array(arrangement.generation),
            **({} if arrangement.names is None else {"names": arrangement.names}),
        }
    cells = arrangement._complex
    tensors = {
        "vertices": arrangement._points.values,
        "error": arrangement._points.error,
        "birth": arrangement._birth,
        "edges": cells.edges,
        "edge_marks": cells.marks,
        "half_edge": cells.half_edge,
        "forward": cells.forward,
        "offsets": cells.offsets,
        "parents": arrangement._parents,
        "ambiguous": arrangement._ambiguous,
    }
    return {name: as_numpy(tensor) for name, tensor in tensors.items()} | {
        "generation": np.array(arrangement.generation),
        "sharp": np.array(arrangement._sharp),
    }


def arrangement_from_arrays(stored: Stored, device: str | None = None) -> Kind:
    """The arrangement on ``device``; ``FileFormatError`` for arrays that are not those of a complex."""
    place = torch.device("cpu" if device is None else device)
    if is_lattice(stored):
        return _lattice_arrangement(stored, place)
    vertices = stored.floats("vertices", -1, 2)
    cells = _complex(stored, len(vertices), place)
    return TorchArrangement(
        FloatField(_tensor(vertices, place), _tensor(stored.bounds("error", len(vertices)), place)),
        _tensor(stored.integers("birth", len(vertices)), place),
        cells,
        _tensor(stored.integers("parents", cells.cells), place),
        _tensor(stored.booleans("ambiguous", cells.cells), place),
        int(stored.integers("generation")),
        _sharp=int(stored.integers("sharp", low=-1)) if "sharp" in stored else -1,
    )


def field_to_arrays(field: FloatField) -> Arrays:
    """The arrays that ``field_from_arrays`` reads."""
    tensors = {"values": field.values, "error": field.error, "fresh": field.fresh, "weights": field.weights}
    if field.sharp is not None:
        tensors |= {"row": field.sharp.row, "column": field.sharp.column, "floor": field.sharp.floor}
        tensors["share"] = field.sharp.share
    return {name: as_numpy(tensor) for name, tensor in tensors.items() if tensor is not None}


def field_from_arrays(stored: Stored, rows: int, columns: int, device: str | None = None) -> FloatField:
    """The field on ``device``; ``FileFormatError`` for arrays of other shapes, or numbers that are not finite."""
    place = torch.device("cpu" if device is None else device)

    def bound(name: str, length: int) -> Tensor:
        return _tensor(stored.bounds(name, length), place)

    def sharp() -> Sharp:
        share = bound("share", rows) if "share" in stored else None
        return Sharp(bound("row", rows), bound("column", columns), bound("floor", columns), share)

    return FloatField(
        _tensor(stored.floats("values", rows, columns), place),
        bound("error", rows),
        sharp() if "row" in stored else None,
        bound("fresh", rows) if "fresh" in stored else None,
        _tensor(stored.floats("weights", rows), place) if "weights" in stored else None,
    )


def _lattice_arrangement(stored: Stored, device: torch.device) -> TorchLatticeArrangement:
    vertices = stored.floats("vertices", -1, int(stored.integers("dim", low=1)))
    lattice = lattice_from_arrays(stored, len(vertices))
    error = stored.bounds("error", len(vertices))
    return TorchLatticeArrangement(
        FloatField(_tensor(vertices, device), _tensor(error, device)),
        lattice,
        stored.integers("parents", len(lattice)),
        int(stored.integers("generation")),
        stored.booleans("ambiguous", len(lattice)),
        stored.booleans("sharp", len(vertices)),
        stored.integers("names", len(vertices), low=-(2**63)) if "names" in stored else None,
    )


def _complex(stored: Stored, vertices: int, device: torch.device) -> Complex:
    edges = stored.integers("edges", -1, 2, below=vertices)
    half_edge = stored.integers("half_edge", -1, below=len(edges))
    arrays = (
        edges,
        stored.integers("edge_marks", len(edges), 2),
        half_edge,
        stored.booleans("forward", len(half_edge)),
        stored.offsets("offsets", len(half_edge), shortest=3),
    )
    cells = Complex(*(_tensor(values, device) for values in arrays))
    _check_cycles(cells)
    return cells


def _check_cycles(cells: Complex) -> None:
    """Every half-edge ends where the next one around its cell begins, and none is used twice."""
    directed = cells.half_edge * 2 + (~cells.forward).long()
    ends = cells.edges.view(-1)[directed ^ 1]
    if not torch.equal(ends, cells.origin[cells.successor]):
        raise FileFormatError("arrays half_edge, forward and offsets must go around each region; a cycle is broken")
    if bool((torch.bincount(directed) > 1).any()):
        raise FileFormatError("arrays half_edge and forward must use each side of an edge once; here one is used twice")


def _tensor(values: NDArray[np.generic], device: torch.device) -> Tensor:
    return torch.as_tensor(values, device=device)
