"""How far from zero functions with short numbers are where they are not zero: a separation bound (proofs/, Lemma 14).

Where all functions are whole numbers times a grain, so are their values at a vertex, times the determinant of the
functions that vanish there. A value that is certainly smaller than that allows is zero, and no exact arithmetic has to
tell. So do the separation bounds of exact geometric computation (Burnikel, Funke, Mehlhorn, Schirra, Schmitt 2001, A
separation bound for real algebraic expressions, ESA); here the determinant is an integer, and its size is known before.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod


@dataclass(frozen=True)
class Separation:
    """Of the functions behind the columns and walls of an arrangement, all of them whole numbers times grains."""

    grain: float
    """The columns are whole numbers times this, a power of two; 0.0 where nothing is known of them."""
    walls: float
    """At least the Euclidean norm of the slopes of each wall's function, in whole numbers."""
    columns: float
    """The same for columns."""

    def least(self, walls: int, columns: int) -> float:
        """A column that is not zero where so many walls and other columns meet in one point is at least this there.

        Rounded down; 0.0 where nothing is known.
        """
        return self.grain * _inverse([max(1.0, self.walls)] * walls + [max(1.0, self.columns)] * columns)

    def nearest(self, walls: int) -> float:
        """A coordinate that is not zero is at least this where so many walls, and nothing else, meet in one point."""
        return _inverse([max(1.0, self.walls)] * walls)


def _inverse(slopes: list[float]) -> float:
    """Of the largest determinant, rounded down."""
    return 1 / prod(slopes) * (1 - 2.0**-20)
