"""The polygons of a boundary or level set in three dimensions as a mesh: how they meet, which way they face, how large.

Where two polygons meet they have vertices of one number, so whether a mesh is closed, what its Euler number is and how
many pieces it has are counted; nothing is welded, and no distance is compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...arrays.ragged import Ragged
from ...errors import ArgumentError, IncompleteWarning, check_solid
from ...numbers.norms import norms
from ...numbers.rounding import floats
from ...runtime.ieee import ieee
from ...runtime.inputs import instance
from ...runtime.notices import warn
from ..faces import BoundaryFaces
from .files import Content, as_meshio, as_pyvista, as_trimesh, write
from .incidence import Edges
from .measures import Polygons, exact_vectors, total
from .orientation import reversed_rows, turned
from .triangulate import triangulated

if TYPE_CHECKING:
    import pandas

Numbers = NDArray[np.int64]


@ieee
@dataclass(frozen=True, eq=False)
class SurfaceMesh:
    """S polygons in space, each in the plane in which one region's map has it; ``surface.mesh()`` makes it."""

    surface: BoundaryFaces
    vertices: NDArray[Any]
    """Slice coordinates (V, 3) of all corners, each once: float64, or Fractions when the partition is exact."""
    polygons: Ragged
    """The corners of each polygon, as indices into ``vertices``, S rows. From the side of larger values (that of the
    second class of its pair) they go around counter-clockwise: a normal points to where the function grows."""
    gradients: NDArray[np.float64]
    """The gradient of the function on each polygon's region, in slice coordinates, (S, 3): of the output, or of output
    j minus output i."""
    unoriented: Numbers
    """Polygons whose sides are not known: no polygon that hangs together with them is larger than its bounds."""

    def __len__(self) -> int:
        return len(self.polygons)

    def __repr__(self) -> str:
        kind = "closed" if self.closed else f"{len(self.border)} border edges, {len(self.degenerate)} degenerate edges"
        counts = f"{len(self):,} polygons, {len(self.vertices):,} vertices, {len(self.edges):,} edges"
        return f"<SurfaceMesh: {counts}, Euler number {self.euler}, {self.components} components, {kind}>"

    @property
    def regions(self) -> Numbers:
        """The region of the partition that each polygon lies in, (S,)."""
        return self.surface.regions

    @property
    def normals(self) -> NDArray[np.float64]:
        """Unit normals (S, 3), towards larger values: the gradients, scaled."""
        lengths = norms(self.gradients)[:, None]
        return np.asarray(np.divide(self.gradients, lengths, out=np.zeros_like(self.gradients), where=lengths > 0))

    # ---- how polygons meet -------------------------------------------------------------------------------------------
    @cached_property
    def _edges(self) -> Edges:
        return Edges(self.polygons, len(self.vertices))

    @property
    def edges(self) -> Numbers:
        """The two vertices of each edge, (E, 2)."""
        return self._edges.ends

    def sides(self) -> Numbers:
        """The lowest and the highest polygon at each edge, (E, 2); the second is -1 where there is one alone."""
        edges, row = self._edges, self._edges.polygons.row_of
        low, high = np.full(len(edges.degree), len(self)), np.full(len(edges.degree), -1)
        np.minimum.at(low, edges.at, row)
        np.maximum.at(high, edges.at, row)
        return np.stack([low, np.where(edges.degree > 1, high, -1)], axis=1)

    @cached_property
    def _on_border(self) -> NDArray[np.bool_]:
        return shared(self.surface.border, self.edges)

    @cached_property
    def _regular(self) -> NDArray[np.bool_]:
        """Edges with two polygons, beside no tie, each with the function below on one side and above on the other."""
        edges, surface = self._edges, self.surface
        regular = (edges.degree == 2) & ~shared(surface.tied, edges.ends)
        left, right = (edges.polygons.row_of[corner] for corner in edges.pairs(regular))
        alike = (surface.pairs[left] == surface.pairs[right]).all(axis=1)
        regular[regular] = alike & ~(surface.touching[left] | surface.touching[right])
        return np.asarray(regular)

    @cached_property
    def border(self) -> Numbers:
        """Edges at which the surface ends because the domain does: one polygon, on the domain's border."""
        return np.flatnonzero(self._ending)

    @property
    def _ending(self) -> NDArray[np.bool_]:
        edges, surface = self._edges, self.surface
        crossing = np.ones(len(edges.degree), np.bool_)
        crossing[edges.at[surface.touching[edges.polygons.row_of]]] = False
        return np.asarray((edges.degree == 1) & self._on_border & crossing & ~shared(surface.tied, edges.ends))

    @cached_property
    def degenerate(self) -> Numbers:
        """All other edges that have not just two polygons with the function below on one side and above on the other.

        Three polygons or more meet (three classes, or sheets that touch), a region on which the function vanishes
        throughout lies beside it, or the function has one sign on both sides of a polygon. They are listed, not mended.
        """
        return np.flatnonzero(~self._regular & ~self._ending)

    @cached_property
    def pinched(self) -> Numbers:
        """Vertices at which sheets touch that share no edge there."""
        return np.flatnonzero(self._edges.sheets() > 1)

    @property
    def closed(self) -> bool:
        """Whether every edge has two polygons, oriented alike: the surface has no border, and nothing is degenerate."""
        return bool(self._regular.all())

    @property
    def euler(self) -> int:
        """The number of vertices, less that of edges, plus that of polygons."""
        return len(self.vertices) - len(self.edges) + len(self)

    @cached_property
    def labels(self) -> Numbers:
        """The component of each polygon, (S,): those that share a vertex belong together. The largest area first."""
        labels = self._edges.components()
        if not len(labels):
            return labels
        order = np.argsort(-np.bincount(labels, self._polygons.areas), kind="stable")
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        return rank[labels]

    @property
    def components(self) -> int:
        """How many there are."""
        return int(self.labels.max(initial=-1)) + 1

    @property
    def genus(self) -> int | None:
        """The number of handles, of all components together; None where some edge or vertex is degenerate.

        Of a component with border loops, that of the surface with a disc glued into each.
        """
        genera = self._genera[0]
        return None if (genera < 0).any() else int(genera.sum())

    @cached_property
    def _genera(self) -> tuple[Numbers, Numbers, NDArray[np.int64]]:
        """For each component the genus (-1: none), the number of border loops, and V, E, F (n, 3)."""
        count, edges, row = self.components, self._edges, self._edges.polygons.row_of
        of_vertex = np.zeros(len(self.vertices), np.int64)
        of_vertex[self.polygons.values] = self.labels[row]
        of_edge = of_vertex[edges.ends[:, 0]]
        sizes = np.stack([np.bincount(part, minlength=count) for part in (of_vertex, of_edge, self.labels)], axis=1)
        piece, loose = edges.loops(self._ending)
        ending = np.flatnonzero(piece >= 0)
        first = np.unique(piece[ending], return_index=True)[1]
        loops = np.bincount(of_edge[ending[first]], minlength=count)
        bad = np.zeros(count, np.bool_)
        bad[of_edge[self.degenerate]] = True
        bad[of_vertex[self.pinched]] = True
        bad[of_edge[ending[first[loose > 0]]]] = True
        genus = (2 - (sizes[:, 0] - sizes[:, 1] + sizes[:, 2]) - loops) // 2
        return np.where(bad, -1, genus), loops, sizes

    # ---- how large ---------------------------------------------------------------------------------------------------
    @cached_property
    def _polygons(self) -> Polygons:
        return Polygons.of(self.vertices, self.polygons, self.surface.slack)

    def areas(self) -> NDArray[np.float64]:
        """The area of each polygon in slice coordinates, (S,)."""
        return self._polygons.measured(self._polygons.areas, 2)

    def area_errors(self) -> NDArray[np.float64]:
        """For each polygon a bound on how far ``areas`` is from the exact one, (S,); proofs/, Lemma 19."""
        return self._polygons.bounded(self._polygons.area_errors, self._polygons.areas, 2)

    @property
    def area(self) -> float:
        """The area of all polygons."""
        return self._area[0]

    @property
    def area_error(self) -> float:
        """A bound on how far ``area`` is from the exact one."""
        return self._area[1]

    @cached_property
    def _area(self) -> tuple[float, float]:
        """The area, and its bound."""
        return self._in_own_unit(total(self._polygons.areas, self._polygons.area_errors), 2)

    def _in_own_unit(self, total_and_bound: tuple[float, float], dim: int) -> tuple[float, float]:
        value, bound = total_and_bound
        return float(self._polygons.measured(value, dim)), float(self._polygons.bounded(bound, value, dim))

    @property
    def volume(self) -> Any:
        """The volume that a closed surface encloses: a Fraction when exact, else float64.

        Positive where the function is below the level inside (a solid), negative where it is above (a cavity, or a
        solid of a function that grows inwards). ``ArgumentError`` unless ``closed``: then a part of the domain's border
        encloses it as well; take ``cpwl.analysis.volume_below(part, level)``.
        """
        self._check_closed(np.ones(self.components, np.bool_))
        if self.vertices.dtype == object:
            return sum(self._exact_volumes(), Fraction(0))
        return self._enclosed[0]

    @property
    def volume_error(self) -> float:
        """A bound on how far ``volume`` is from the exact one; 0 when exact. See proofs/, Lemma 19."""
        self._check_closed(np.ones(self.components, np.bool_))
        return 0.0 if self.vertices.dtype == object else self._enclosed[1]

    @cached_property
    def _enclosed(self) -> tuple[float, float]:
        """The volume in float64, and its bound."""
        return self._in_own_unit(total(*self._cones), 3)

    @cached_property
    def _cones(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """For each polygon the volume of the cone over it, from the middle of its component; see ``Polygons``."""
        places, row = floats(self.vertices), self._edges.polygons.row_of
        low, high = np.full((self.components, 3), np.inf), np.full((self.components, 3), -np.inf)
        np.minimum.at(low, self.labels[row], places[self.polygons.values])
        np.maximum.at(high, self.labels[row], places[self.polygons.values])
        return self._polygons.cones((low / 2 + high / 2)[self.labels])

    def _exact_volumes(self) -> list[Fraction]:
        """That of each component."""
        sixfold = (self.vertices[self.polygons.values[self.polygons.offsets[:-1]]] * self._exact_vectors).sum(axis=1)
        volumes = [Fraction(0)] * self.components
        for label, value in zip(self.labels.tolist(), np.atleast_1d(sixfold).tolist(), strict=True):
            volumes[label] += value / 6
        return volumes

    @cached_property
    def _exact_vectors(self) -> NDArray[Any]:
        return exact_vectors(self.vertices, self.polygons)

    @cached_property
    def _whole(self) -> NDArray[np.bool_]:
        """Which components are closed."""
        whole = np.ones(self.components, np.bool_)
        whole[self.labels[self._edges.polygons.row_of[~self._regular[self._edges.at]]]] = False
        return whole

    def _check_closed(self, wanted: NDArray[np.bool_]) -> None:
        if not self._whole[wanted].all() or len(self.unoriented):
            what = f"{len(self.border)} edges on the domain's border, {len(self.degenerate)} degenerate ones"
            raise ArgumentError(
                f"an enclosed volume needs a closed surface; this one has {what} and {len(self.unoriented)} polygons "
                "whose sides are not known. cpwl.analysis.volume_below(part, level) is the volume below a level in the "
                "domain; mesh.table() has the volumes of the closed components."
            )

    def table(self) -> pandas.DataFrame:
        """A row for each component, the largest first: how many polygons, vertices and edges, ``euler``, ``loops`` (of
        its border), ``closed``, ``genus`` (missing where it is degenerate), ``area``, and ``volume`` where closed."""
        import pandas

        genus, loops, sizes = self._genera
        count = self.components
        volumes = self._volumes()
        columns: dict[str, Any] = {
            "polygons": sizes[:, 2],
            "vertices": sizes[:, 0],
            "edges": sizes[:, 1],
            "euler": sizes[:, 0] - sizes[:, 1] + sizes[:, 2],
            "loops": loops,
            "closed": self._whole,
            "genus": pandas.array([None if g < 0 else g for g in genus.tolist()], dtype="Int64"),
            "area": self._polygons.measured(np.bincount(self.labels, self._polygons.areas, minlength=count), 2),
            "volume": np.where(self._whole, volumes, np.nan),
        }
        return pandas.DataFrame(columns).rename_axis("component")

    def _volumes(self) -> NDArray[np.float64]:
        if self.vertices.dtype == object:
            return np.array([float(v) for v in self._exact_volumes()], np.float64)
        return self._polygons.measured(np.bincount(self.labels, self._cones[0], minlength=self.components), 3)

    # ---- triangles, files --------------------------------------------------------------------------------------------
    def triangles(self) -> tuple[Numbers, Numbers]:
        """Triangles (n, 3), indices into ``vertices``, listed as the polygons are; and the polygon of each, (n,).

        Each polygon is cut by diagonals alone, so that the smallest angle is as large as can be: neighbours still meet
        along whole edges.
        """
        corners = floats(self.vertices)[self.polygons.values]
        owner, places = triangulated(corners, self.polygons)
        return self.polygons.values[places], owner

    def save(self, path: str | PathLike[str]) -> Path:
        """Writes the mesh to a file and returns its path; the ending says of which format.

        ``.ply``: polygons, each with ``region`` and ``gx gy gz``, its gradient. ``.obj``: polygons. Both are texts with
        all digits of float64. ``.stl`` and ``.glb``: triangles, in float32, by trimesh (``cpwl[mesh]``): vertices that
        are nearer to each other than float32 tells may fall together there. ``ArgumentError`` for another ending.
        """
        return write(self._content, path)

    def to_trimesh(self) -> Any:
        """The triangles as a ``trimesh.Trimesh``, with ``polygon`` and ``region`` as face attributes.

        Needs trimesh, ``cpwl[mesh]``.
        """
        return as_trimesh(self._content)

    def to_meshio(self) -> Any:
        """The polygons as a ``meshio.Mesh``, in blocks of as many corners, with ``region`` and ``gradient``.

        Needs meshio, ``cpwl[mesh]``.
        """
        return as_meshio(self._content)

    def to_pyvista(self) -> Any:
        """The polygons as a ``pyvista.PolyData``, with ``region`` and ``gradient`` as cell data; needs pyvista."""
        return as_pyvista(self._content)

    @property
    def _content(self) -> Content:
        return Content(floats(self.vertices), self.polygons, self.regions, self.gradients, self.triangles)


@ieee
def mesh(surface: BoundaryFaces) -> SurfaceMesh:
    """The polygons of a boundary or level set in three dimensions as a mesh; see ``SurfaceMesh``.

    ``UnsupportedDimensionError`` for other dimensions. Of a boundary that is not complete it has the polygons that are
    there, with an ``IncompleteWarning``; edges at which others are missing count as degenerate.
    """
    instance("surface", surface, BoundaryFaces, "Use part.decision_boundary(...).", "DecisionBoundary")
    check_solid(surface.partition.domain.dim, "a mesh")
    if not surface.complete:
        warn("the mesh is of the part of the surface that is there: the partition is not complete.", IncompleteWarning)
    gradients, errors, exact = _gradients(surface)
    raw = SurfaceMesh(surface, surface.vertices, surface.faces, gradients, np.zeros(0, np.int64))
    if exact is not None:
        signs = np.sign((raw._exact_vectors * exact).sum(axis=1).astype(object)).astype(np.int8)
    else:
        signs = raw._polygons.facing(gradients, errors)
        signs[surface.ambiguous] = 0
    wrong, open_ = turned(raw._edges, raw._regular, signs)
    if open_.any():  # what is listed is the best guess, and reported
        guess = (raw._polygons.vectors * gradients).sum(axis=1) < 0
        wrong |= open_ & guess
    polygons = reversed_rows(surface.faces, wrong)
    return SurfaceMesh(surface, surface.vertices, polygons, gradients, np.flatnonzero(open_))


def _gradients(surface: BoundaryFaces) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[Any] | None]:
    """The gradients of the function on each polygon's region, bounds on their errors, and the exact ones, if known."""
    part = surface.partition
    regions, place = np.unique(surface.regions, return_inverse=True)
    place = place.reshape(-1)
    if not len(regions):
        return np.zeros((0, 3)), np.zeros(0), None if not part.arrangement.exact else np.zeros((0, 3), object)
    weights, slack = part.affine_maps(regions)[0], part.map_errors(regions)[0]
    first, second = np.maximum(surface.pairs, 0).T
    gradients = weights[place, second]
    bound = norms(slack[place, second])
    if surface.level is None:
        other = weights[place, first]
        gradients, bound = gradients - other, bound + norms(slack[place, first]) + 2.0**-52 * norms(floats(other))
    return floats(gradients), bound, gradients if part.arrangement.exact else None


def shared(lists: Ragged, pairs: Numbers) -> NDArray[np.bool_]:
    """Whether two rows have an entry in common, for pairs of rows (n, 2)."""
    if not len(lists.values):
        return np.zeros(len(pairs), np.bool_)
    first = lists.take(pairs[:, 0])
    width = int(lists.values.max()) + 1
    keys = np.sort(lists.row_of * width + lists.values)
    wanted = pairs[first.row_of, 1] * width + first.values
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    hit = keys[place] == wanted
    return np.bincount(first.row_of, hit, minlength=len(pairs)) > 0
