"""How a float partition with exact predicates differs from that of the exact backend: not at all, or a list of how."""

from __future__ import annotations

from collections import Counter, defaultdict
from fractions import Fraction

import numpy as np

import cpwl
from cpwl.geometry.ladder import INTEGERS
from cpwl.network import Network

Corner = frozenset[bytes]
"""A vertex by the patterns of all regions around it, and an empty one for outside."""


def disagreements(network: Network, domain: cpwl.Domain, *, device: str | None = None) -> list[str]:
    """What differs between the two, in words: regions by pattern, vertices by the regions around them, boundaries."""
    quick = cpwl.partition(network, domain, device=device)
    exact = cpwl.partition(network, domain, backend="exact")
    if quick.recut:
        return [f"a self-check failed, and {quick.recut} cells were cut again"]
    if len(quick.ambiguous):
        return [f"{len(quick.ambiguous)} regions are ambiguous"]
    mine, true = (Counter(row.tobytes() for row in part.patterns()) for part in (quick, exact))
    if mine != true:
        return [f"{len(quick)} regions, {len(exact)} exactly; {len(mine - true)} too many, {len(true - mine)} missing"]
    corners = corners_of(quick), corners_of(exact)
    if Counter(corners[0].values()) != Counter(corners[1].values()):
        return [f"{len(quick.vertices)} vertices, {len(exact.vertices)} exactly, between other regions"]
    found = _displaced(quick, exact, corners)
    return found + _boundaries(quick, exact) if domain.dim == 2 else found


def corners_of(part: cpwl.Partition) -> dict[int, Corner]:
    """Each vertex by the regions around it."""
    names = [*(row.tobytes() for row in part.patterns()), b"outside"]
    around: dict[int, set[bytes]] = defaultdict(set)
    facets = part.facets()
    for ends, sides in zip(facets.vertices, facets.regions.tolist(), strict=True):
        for vertex in ends.tolist():
            around[vertex] |= {names[side] for side in sides}
    return {vertex: frozenset(found) for vertex, found in around.items()}


def _displaced(
    quick: cpwl.Partition, exact: cpwl.Partition, corners: tuple[dict[int, Corner], dict[int, Corner]]
) -> list[str]:
    """Vertices that are further from every exact one between the same regions than their error bound says; outputs."""
    places = defaultdict(list)
    for vertex, corner in corners[1].items():
        places[corner].append(vertex)
    pairs = (
        ("its place", quick.arrangement.coordinates().errors(), quick.vertices, exact.vertices),
        ("its output", quick.outputs.errors(), quick.outputs.to_numpy(), exact.outputs.to_numpy()),
    )
    found = []
    for what, errors, mine, true in pairs:
        for vertex, corner in corners[0].items():
            here = np.array([Fraction(x) for x in mine[vertex].tolist()], dtype=object)
            if min(((here - true[place]) ** 2).sum() for place in places[corner]) > Fraction(errors[vertex]) ** 2:
                found.append(f"{what} at vertex {vertex} is not within its bound {errors[vertex]} of the exact one")
    return found


def _boundaries(quick: cpwl.Partition, exact: cpwl.Partition) -> list[str]:
    if quick.network.outputs > 1:
        wanted: list[dict[str, object]] = [
            {},
            {"classes": (0, quick.network.outputs - 1)},
            {"classes": (0, 1), "everywhere": True},
        ]
    else:
        values = np.sort(quick.outputs.to_numpy()[:, 0])
        wanted = [{"level": float(level)} for level in (0.0, values[len(values) // 2], values.mean())]
    return [text for options in wanted for text in _boundary(quick, exact, options)]


def _boundary(quick: cpwl.Partition, exact: cpwl.Partition, options: dict[str, object]) -> list[str]:
    mine, true = (part.decision_boundary(**options) for part in (quick, exact))  # type: ignore[arg-type]
    names = [[row.tobytes() for row in part.patterns()] for part in (quick, exact)]
    pairs = [Counter(map(tuple, boundary.pairs.tolist())) for boundary in (mine, true)]
    ties = [{(rows[r], pair) for r, pair in b.ties} for rows, b in zip(names, (mine, true), strict=True)]
    found = []
    if len(mine.undecided) or pairs[0] != pairs[1]:
        found.append(f"boundary {options}: {len(mine)} segments, {len(true)} exactly; {len(mine.undecided)} undecided")
    if ties[0] != ties[1]:
        found.append(f"boundary {options}: {len(ties[0])} ties, {len(ties[1])} exactly")
    size, dim = float(np.abs(quick.vertices).max()), quick.domain.dim
    moved = (4 * mine.slack.sum() + 2.0**-40 * size) * (1 if dim == 2 else dim * (4 * size) ** (dim - 2))
    if abs(mine.measures().sum() - true.measures().sum()) > moved:
        found.append(f"boundary {options}: length {mine.measures().sum()}, {true.measures().sum()} exactly")
    return found


def lines_elsewhere(part: cpwl.Partition) -> list[int]:
    """Facets with an end that is not, within its bound, a zero of the function that names their line: none if right."""
    predicates, facets = part.exact_predicates(), part.facets()
    assert predicates is not None and facets.walls is not None
    forms = predicates.exact_walls()(facets.regions[:, 0], facets.walls, INTEGERS).values.tolist()
    errors = part.arrangement.coordinates().errors()
    found = []
    for k, (ends, form) in enumerate(zip(facets.vertices, forms, strict=True)):
        a, b, c = (int(x) for x in form)
        steepness = float(np.hypot(float(Fraction(a)), float(Fraction(b))))
        values = [abs(float(a * Fraction(u) + b * Fraction(v) + c)) for u, v in part.vertices[ends].tolist()]
        rounded = 1 + 2.0**-50  # of the steepness and of its product
        if steepness == 0 or (np.array(values) > steepness * errors[ends] * rounded).any():
            found.append(k)
    return found
