"""Partitions in files: one .npz archive of plain arrays with a JSON header, no pickle, every number bit for bit.

The archive holds ``header`` (JSON in bytes: format, version, backend, shapes and types of all other arrays, the
network's nodes, the steps) and the arrays ``network.*``, ``domain.*``, ``arrangement.*``, ``outputs.*``, ``steps.*``.
Coordinates of an exact partition are decimal integers of any length, in texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from os import PathLike
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from .. import backends
from ..arrays.bits import BitMatrix
from ..errors import FileFormatError
from ..fields.predicates import Names
from ..geometry.arrangement import Arrangement
from ..geometry.domain import Domain
from ..geometry.polytope import Polytope
from ..network.network import Network
from ..network.operators import Max, Piecewise
from ..network.serial import network_from_arrays, network_to_arrays
from ..storage import archive
from ..storage.named_arrays import Arrays, Stored, prefixed
from .history import Step
from .pieces import LevelPieces, Pieces, WinnerPieces
from .pruning import Pruned
from .tiling import Tiling

FORMAT = "cpwl-partition"
VERSION = 2

T = TypeVar("T", bound=Tiling)


def save(partition: Tiling, path: str | PathLike[str]) -> None:
    """Writes the partition, with its network and domain, to one .npz file of exactly that name; ``load`` reads it."""
    persist = backends.get(partition.backend, partition.device).persistence
    header, network = network_to_arrays(partition.network)
    steps = [_step_arrays(step) for step in partition.steps]
    arrays = {
        **prefixed("network", network),
        **prefixed("domain", domain_arrays(partition.domain)),
        **prefixed("arrangement", persist.arrangement_to_arrays(partition.arrangement)),
        **prefixed("outputs", persist.field_to_arrays(partition.outputs)),
        **prefixed("lines", {} if partition.walls is None else vars(partition.walls)),
        **{name: values for i, step in enumerate(steps) for name, values in prefixed(f"steps.{i}", step).items()},
    }
    content = {
        "format": FORMAT,
        "version": VERSION,
        "backend": partition.backend,
        "predicates": partition.predicates,
        "settled": partition.settled,
        "recut": partition.recut,
        "complete": partition.complete,
        **_pruned_header(partition.pruned),
        "network": header,
        "steps": [step.node for step in partition.steps],
        "arrays": {name: _description(values) for name, values in arrays.items()},
    }
    archive.write(path, content, arrays)


def read(path: str | PathLike[str], device: str | None, kind: type[T]) -> T:
    """The tiling, of that kind, in a file that ``save`` wrote; one of the torch backend is put on ``device``."""
    header, arrays = archive.read(path)
    _check_header(header, arrays)
    stored = Stored(arrays)
    network = network_from_arrays(header["network"], stored.part("network").arrays)
    domain = domain_from_arrays(stored.part("domain"))
    domain.check_input(network.input_shape)
    backend = backends.get(header["backend"], device)
    persist, device = backend.persistence, backend.device
    arrangement = persist.arrangement_from_arrays(stored.part("arrangement"), device)
    if arrangement.dim != domain.dim:
        raise FileFormatError(f"its regions must be of dimension {domain.dim}, as the domain; got {arrangement.dim}")
    outputs = persist.field_from_arrays(stored.part("outputs"), len(arrangement.vertices), network.outputs, device)
    steps = _steps(header["steps"], stored.part("steps"), network, len(arrangement))
    return kind(
        network=network,
        domain=domain,
        arrangement=arrangement,
        steps=steps,
        outputs=outputs,
        backend=header["backend"],
        device=device,
        predicates=header["predicates"],
        settled=header["settled"],
        recut=header.get("recut", 0),
        complete=header.get("complete", True),
        pruned=_pruned(header.get("pruned"), network),
        walls=_walls(header, stored.part("lines"), network, domain, arrangement),
    )


# ---- the header ----------------------------------------------------------------------------------------------------
def _description(values: NDArray[Any]) -> list[Any]:
    return [str(values.dtype), list(values.shape)]


def _check_header(header: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> None:
    if header.get("format") != FORMAT:
        raise FileFormatError(f"its header must be of format {FORMAT!r}")
    if header.get("version") != VERSION:
        raise FileFormatError(f"it has version {header.get('version')!r} of the format; this cpwl reads {VERSION}")
    if header.get("backend") not in backends.names():
        raise FileFormatError(f"its backend must be one of {backends.names()}, got {header.get('backend')!r}")
    if header.get("predicates") not in ("exact", "float"):
        raise FileFormatError(f"its predicates must be 'exact' or 'float', got {header.get('predicates')!r}")
    if not isinstance(header.get("settled"), int) or header["settled"] < 0:
        raise FileFormatError(f"its number of settled decisions must be a number >= 0, got {header.get('settled')!r}")
    if not isinstance(header.get("recut", 0), int) or header.get("recut", 0) < 0:
        raise FileFormatError(f"its number of cells cut again must be a number >= 0, got {header['recut']!r}")
    if not isinstance(header.get("complete", True), bool):
        raise FileFormatError(f"whether it is complete must be true or false, got {header['complete']!r}")
    if not isinstance(header.get("network"), dict) or not isinstance(header.get("steps"), list):
        raise FileFormatError("its header must describe a network and steps")
    _check_listed(header.get("arrays"), arrays)


def _pruned_header(pruned: Pruned | None) -> dict[str, Any]:
    """What a pruned sweep has left out, without what it looked for; nothing of another."""
    if pruned is None:
        return {}
    return {"pruned": {"dropped": sorted(pruned.dropped.items()), "finished": pruned.finished}}


def _pruned(listed: Any, network: Network) -> Pruned | None:
    if listed is None:
        return None
    pairs = listed.get("dropped") if isinstance(listed, dict) else None
    if not isinstance(pairs, list) or not isinstance(listed.get("finished"), bool):
        raise FileFormatError(f"what it says of dropped regions must be numbers by node, got {listed!r:.60}")
    for pair in pairs:
        good = isinstance(pair, list) and len(pair) == 2 and all(type(number) is int for number in pair)
        if not good or not 0 <= pair[0] < len(network.nodes) or pair[1] < 0:
            raise FileFormatError(f"dropped regions must be a node and how many there were, got {pair!r:.60}")
    return Pruned(None, dict(pairs), listed["finished"])


def _check_listed(listed: Any, arrays: Mapping[str, NDArray[Any]]) -> None:
    described = {name: _description(values) for name, values in arrays.items()}
    if not isinstance(listed, dict) or listed != described:
        names = listed if isinstance(listed, dict) else {}
        wrong = sorted(name for name in {*names, *described} if names.get(name) != described.get(name))
        raise FileFormatError(f"its header and its arrays disagree about {', '.join(wrong[:3])}")


# ---- the domain ----------------------------------------------------------------------------------------------------
def domain_arrays(domain: Domain) -> Arrays:
    """The arrays that make up a domain, as files keep them."""
    return {
        "vertices": domain.polytope.vertices,
        "origin": domain.origin,
        "basis": domain.basis,
        "shape": np.array(domain.shape, np.int64),
    }


def domain_from_arrays(stored: Stored) -> Domain:
    """The domain that ``domain_arrays`` took apart; raises ``FileFormatError`` for anything not well formed."""
    shape = tuple(stored.integers("shape", -1, low=1).tolist())
    vertices = stored.floats("vertices", -1, -1)
    dim, inputs = vertices.shape[1], prod(shape)
    origin, basis = stored.floats("origin", inputs), stored.floats("basis", inputs, dim)
    embedding = origin.reshape(shape), basis.reshape(*shape, dim)
    if dim == 2:
        domain = Domain.polygon(vertices, *embedding)
    else:
        domain = Domain.of_polytope(Polytope.of_vertices(vertices), *embedding)
    if not np.array_equal(domain.polytope.vertices, vertices):
        what = "a strictly convex polygon, counter-clockwise" if dim == 2 else "the vertices of a polytope, each once"
        raise FileFormatError(f"array domain.vertices must hold {what}")
    return domain


# ---- the walls -----------------------------------------------------------------------------------------------------
def _walls(
    header: dict[str, Any], stored: Stored, network: Network, domain: Domain, arrangement: Arrangement[Any]
) -> Names | None:
    """The functions behind the walls of a float arrangement whose decisions were exact."""
    numbers = arrangement.facets().walls
    if arrangement.exact or numbers is None or header["predicates"] != "exact":
        return None
    stages = len(network.nonlinear)
    stage = stored.integers("stage", -1, low=-1, below=stages + 1)
    read = [network.nodes[i].inputs[0] for i in network.nonlinear]
    sizes = np.array([*(network.nodes[i].size for i in read), network.outputs, len(domain.polytope.sides)])[stage]
    first, second = (stored.integers(name, len(stage), low=low) for name, low in (("first", 0), ("second", -1)))
    if (np.maximum(first, second) >= sizes).any() or numbers.max(initial=0) >= len(stage):
        raise FileFormatError("arrays lines.* must name a function of the network for each wall")
    return Names(stage, first, second, stored.floats("level", len(stage)))


# ---- the steps -----------------------------------------------------------------------------------------------------
def _step_arrays(step: Step) -> Arrays:
    if isinstance(step.pieces, LevelPieces):
        return {"parents": step.parents, "below": step.pieces.below.packed}
    assert isinstance(step.pieces, WinnerPieces)
    return {"parents": step.parents, "winners": step.pieces.winners.astype(np.int64)}


def _steps(nodes: list[Any], stored: Stored, network: Network, regions: int) -> tuple[Step, ...]:
    if tuple(nodes) != network.nonlinear:
        raise FileFormatError(f"its steps must be those of nodes {network.nonlinear}, got {nodes!r:.80}")
    steps: list[Step] = []
    before = 1
    for i, node in enumerate(network.nonlinear):
        part = stored.part(str(i))
        parents = part.integers("parents", -1, below=before)
        steps.append(Step(node, parents, _pieces(part, network, node, len(parents))))
        before = len(parents)
    if before != regions:
        raise FileFormatError(f"its last step must have as many regions as the arrangement, {regions}; got {before}")
    return tuple(steps)


def _pieces(stored: Stored, network: Network, index: int, regions: int) -> Pieces:
    node = network.nodes[index]
    if isinstance(node.op, Piecewise):
        columns = node.size * len(node.op.breakpoints)
        packed = stored.octets("below", regions, -(-columns // 8))
        return LevelPieces(BitMatrix(packed, columns), len(node.op.breakpoints))
    assert isinstance(node.op, Max)
    arguments = network.nodes[node.inputs[0]].shape[-1]
    return WinnerPieces(stored.integers("winners", regions, node.size, below=arguments).astype(np.int16))
