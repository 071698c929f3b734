"""What a refinement leaves to a kernel: everything that walks over all edges, cells or rows.

All kernels give the same: the same combinatorics bit for bit, and numbers and bounds to rounding. A law runs them side
by side, method by method, on whole refinements.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor

from ...complex.complex import Complex, Cycles, HalfEdges
from ..assemble import Cut
from ..chords import Chords, Ends, Meets, Visits
from ..coincidence import Order, Shared
from ..crossings import Crossings
from ..points import Points
from ..sides_of_chords import LinksOfChords
from ..signs import CellSigns, Columns, Signs
from ..sites import Sites, Spans, Web


class Kernel(ABC):
    """One way to do the work of a refinement; without a state."""

    in_order: ClassVar[bool] = False
    """Whether rows are made one after the other, so that they may lie between others that the same call makes."""

    @abstractmethod
    def serves(self, values: Tensor) -> bool:
        """Whether this kernel does the work on such values: their device, type and number are looked at."""

    # ---- combinatorics ---------------------------------------------------------------------------------------------
    @abstractmethod
    def signs(self, columns: Columns) -> Signs:
        """The signs of all columns at all vertices, and which are not certain (proofs/, Lemma 5)."""

    @abstractmethod
    def told(self, columns: Columns, signs: Signs, least: float) -> tuple[Signs, Tensor, Tensor]:
        """The signs, of which those in doubt are 0 that are certainly less than ``least``; and the vertices and columns
        of these, row by row.

        What is not zero is so much or more (proofs/, Lemma 14).
        """

    @abstractmethod
    def cell_signs(self, cells: Complex, signs: Signs, columns: int) -> CellSigns:
        """What the signs of so many columns say of each cell."""

    @abstractmethod
    def crossings(self, edges: Tensor, columns: Columns, signs: Signs) -> Crossings:
        """All crossings of edges (E, 2), sorted by (edge, position)."""

    @abstractmethod
    def beside(self, cells: Complex, crossings: Crossings, shared: Shared) -> Tensor:
        """The cells beside an edge that is undecided, or on which crossings coincide, bool (R,)."""

    @abstractmethod
    def visits(self, cells: Complex, crossings: Crossings) -> Visits:
        """All visits, in the order of the half-edges and along each of them."""

    @abstractmethod
    def chords(self, cells: Complex, crossings: Crossings, visits: Visits, regular: Tensor) -> tuple[Chords, Tensor]:
        """The chords of ``regular`` cells (bool (R,)); and cells in which some column does not cross the boundary
        exactly twice."""

    @abstractmethod
    def meets(self, chords: Chords, ends: Ends) -> tuple[Meets, Tensor]:
        """All pairs of chords whose ends, four different ones, interleave; and which chords have an uncertain order,
        bool (C,)."""

    @abstractmethod
    def assemble(self, cut: Cut, web: Web | None, generation: int) -> tuple[Tensor, Tensor, HalfEdges]:
        """Edges, their marks and the half-edges of the new complex: those of the cut, then those of the links of a web,
        whose chords are lines and whose points are vertices after all of the cut. Half-edges along its links precede
        those against them."""

    @abstractmethod
    def spans(self, sites: Sites, cut: Tensor, chosen: Tensor) -> tuple[Spans, Tensor]:
        """The chords of ``chosen`` cells (bool (R,)), between sites, each once, sorted by these.

        Also the cells that a column of those that cut them (packed bits by cell) does not meet in two sites, bool (R,):
        where there are any, no chords are given.
        """

    @abstractmethod
    def ends(self, spans: Spans) -> Ends:
        """What is known of the sites where chords begin, then of those where they end, each on a segment of its own."""

    @abstractmethod
    def clusters(self, order: Tensor, segment: Tensor, position: Tensor, slack: Tensor) -> tuple[Tensor, Tensor]:
        """Crossings whose order is not certain, one crossing at least is given; see ``coincidence.clusters``."""

    @abstractmethod
    def united(
        self, edges: Tensor, crossings: Crossings, columns: Columns, least: float
    ) -> tuple[Crossings, Shared] | None:
        """Crossings of which those at one point of an edge are one; see ``coincidence.united``."""

    @abstractmethod
    def coincident(
        self, chords: Chords, ends: Ends, meets: Meets, clusters: tuple[Tensor, Tensor], central: Tensor, least: float
    ) -> tuple[Tensor, int] | None:
        """The points where chords meet, if those in a cluster are one; see ``coincidence.coincident``."""

    @abstractmethod
    def incidences(self, spans: Spans, meets: Meets, order: Order, start: int) -> tuple[Web, Tensor]:
        """The web of chords that meet in this order, its points vertices numbered from ``start``; and the pairs whose
        point is not one for all chords through it, bool (Q,)."""

    @abstractmethod
    def web(self, sites: Sites, cut: Tensor, chosen: Tensor, start: int, least: float) -> tuple[Web, int] | None:
        """All of that at once, from ``spans`` on, and how many crossings were found to be at the point of another.

        None where float64, with what is told by ``least`` as in ``coincident``, leaves something open, or a self-check
        fails.
        """

    @abstractmethod
    def points(self, cut: Cut, web: Web | None) -> Points:
        """The new vertices: crossings of edges, then those of chords, on the chord that starts earlier, then the points
        of a web."""

    @abstractmethod
    def miscounted(self, parents: Tensor, chords: Chords, meets: Meets, more: Tensor) -> Tensor:
        """The old cells that are not as often among ``parents`` as their chords and where these meet say, and ``more``
        (R,), bool (R,): C chords that cross Q times make 1 + C + Q pieces (proofs/, Lemma 4)."""

    @abstractmethod
    def cycles(self, half: HalfEdges, parents: int) -> Cycles:
        """The cycles of ``half.successor``, whose parents are below ``parents``; an ``InternalError`` if they do not
        close up."""

    @abstractmethod
    def below(
        self, old: Complex, signs: Signs, cells: CellSigns, new: Complex, cycles: Cycles, links: LinksOfChords
    ) -> Tensor:
        """Packed bits of the new cells: those at the first vertex of their old cell (``left_bits``), turned over for
        the chords between (proofs/, Lemma 8)."""

    @abstractmethod
    def nowhere_above(self, signs: Signs, vertices: Tensor, rows: int, least: int) -> tuple[Tensor, Tensor]:
        """The vertices at which no sign may be above; and the later ones, up to so many rows, that are given so often.

        Both increasing."""

    @abstractmethod
    def reaching(self, signs: Signs, columns: int) -> tuple[Tensor, Tensor]:
        """The columns that are not below their level at some vertex, increasing; and for each column its place among
        these, or -1."""

    # ---- rows ------------------------------------------------------------------------------------------------------
    @abstractmethod
    def copy(self, values: Tensor, rows: Tensor | None, columns: Tensor | None, target: Tensor, norms: Tensor) -> None:
        """Puts some columns of some rows (None: all) into ``target``, and their norms, rounded up, into ``norms``."""

    @abstractmethod
    def put(self, values: Tensor, rows: Tensor, columns: Tensor, function: Tensor, level: Tensor) -> None:
        """Puts ``level[columns[i]]`` at (rows[i], function[columns[i]])."""

    @abstractmethod
    def rectify(self, values: Tensor, norms: Tensor) -> None:
        """Puts 0 where values are below it, and the norms of the rows, rounded up, into ``norms``."""

    @abstractmethod
    def interpolate(self, values: Tensor, error: Tensor, norms: Tensor, start: int, points: Points) -> None:
        """Fills rows from ``start`` on with points between earlier rows, and their bounds and norms (Lemma 5 (c))."""

    @abstractmethod
    def poor(self, places: Tensor, error: Tensor, birth: Tensor, latest: int, accuracy: float) -> tuple[Tensor, Tensor]:
        """Points in the plane (V, 2) that are made later than this (``birth``) and whose errors are not 0, nor so small
        beside their distances from the origin; and these distances, up to an ulp or two."""

    @abstractmethod
    def largest_steps(self, values: Tensor, points: Points, shares: Tensor) -> Tensor:
        """The largest difference of the two rows of each point, entries taken times their shares; rounded up."""


class Streaming(ABC):
    """A kernel that can also make some rectified rows without all the others."""

    @abstractmethod
    def low(self, vertex: Tensor, column: Tensor, sign: Tensor) -> tuple[Tensor, Tensor]:
        """Vertices, not decreasing, and columns whose signs there, of those that are given, are not 1."""

    @abstractmethod
    def rectified(
        self,
        old: tuple[Tensor, Tensor, Tensor, Tensor],
        between: tuple[Tensor, ...],
        zeros: tuple[Tensor, ...],
        start: int,
        target: Tensor,
        bounds: tuple[Tensor, Tensor, Tensor, Tensor],
    ) -> None:
        """Some rows, from ``start`` on, of the positive parts of some functions, and their bounds.

        ``old``: values, errors, the functions, and as a mask over all of them; ``between``: first and second ends,
        positions and slacks of all new rows; ``zeros``: both columns that made each new row (or -1), rows, not
        decreasing, and columns that are not above their levels there, and the place of each column's function among
        those wanted (or -1); ``bounds``: errors, norms and a work array by row, and a work array by column.
        """
