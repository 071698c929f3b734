"""Domains from the entries of a certificate: polygons, and polytopes by halfspaces (proofs/certificate-format.md)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from ..errors import ArgumentError, DomainError, FileFormatError
from ..geometry.domain import Domain
from ..geometry.polyhedra import vertices_of
from ..geometry.polytope import Polytope
from ..network.network import Network
from ..numbers.integers import common_scale, homogeneous, independent_rows
from .entries import float_of, floats_of, fraction


def domain_of(entry: Any, network: Network) -> Domain:
    """The domain of an entry, in the network's input space; raises ``FileFormatError``."""
    if "halfspaces" in entry:
        return _polyhedron(entry, network)
    polygon, origin, basis = (np.array(floats_of(entry[name]), np.float64) for name in ("polygon", "origin", "basis"))
    shape = network.input_shape
    domain = Domain.polygon(polygon, origin=origin.reshape(shape), basis=basis.reshape(*shape, 2))
    if not np.array_equal(domain.polytope.vertices, polygon):
        raise FileFormatError("domain.polygon must list the corners of a convex polygon counter-clockwise.")
    return domain


def _polyhedron(entry: Any, network: Network) -> Domain:
    """The domain of an entry with halfspaces."""
    origin, basis = (np.array(floats_of(entry[name]), np.float64) for name in ("origin", "basis"))
    if basis.ndim != 2 or origin.shape != basis.shape[:1] or len(origin) != network.inputs:
        raise FileFormatError(f"domain: origin and basis must have {network.inputs} rows, those of basis as long.")
    columns = common_scale(basis.T)[0]
    if len(independent_rows(columns.tolist(), basis.shape[1])) < basis.shape[1]:
        raise FileFormatError("domain: the columns of basis must be linearly independent.")
    rows = [[fraction(text) for text in row] for row in entry["halfspaces"]]
    if any(len(row) != basis.shape[1] + 1 for row in rows):
        raise FileFormatError(f"domain: a halfspace must have {basis.shape[1] + 1} numbers.")
    return Domain(_bounded(rows), origin, basis, network.input_shape)


def _bounded(rows: list[list[Fraction]]) -> Polytope:
    """The polytope that is the intersection of halfspaces [a, ..., c]: a u + c >= 0."""
    if all(sum(map(bool, row[:-1])) == 1 for row in rows):
        return _box(rows)
    try:
        corners = vertices_of(np.array([[row[-1], *row[:-1]] for row in rows], dtype=object))
    except ArgumentError:
        raise FileFormatError("domain: the halfspaces must bound a polytope.") from None
    vertices = np.array([[float_of(str(x)) for x in corner] for corner in corners], np.float64)
    if len(independent_rows(homogeneous(vertices).tolist(), len(rows[0]))) < len(rows[0]):
        raise FileFormatError("domain: the halfspaces must bound a polytope with an interior.")
    return Polytope(vertices)


def _box(rows: list[list[Fraction]]) -> Polytope:
    """The box that halfspaces along the axes bound."""
    ends: dict[tuple[int, bool], Fraction] = {}
    for *normal, offset in rows:
        axis = next(k for k, a in enumerate(normal) if a)
        side, end = (axis, normal[axis] > 0), -offset / normal[axis]
        ends[side] = (max if side[1] else min)(end, ends.get(side, end))
    try:
        low, high = ([float_of(str(ends[axis, side])) for axis in range(len(rows[0]) - 1)] for side in (True, False))
        return Polytope.box(low, high)
    except (KeyError, DomainError):
        raise FileFormatError("domain: the halfspaces must bound a polytope with an interior.") from None
