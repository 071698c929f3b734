"""What is the same of all arrangements whose coordinates are exact, in any dimension: nothing is off, nothing poor."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ...geometry.arrangement import Arrangement, ExactWalls
from .field import ExactField


class ExactCoordinates(Arrangement[ExactField]):
    """What an exact arrangement of any kind inherits first."""

    exact: ClassVar[bool] = True

    def volume_errors(self) -> NDArray[np.float64]:
        """Zeros (R,)."""
        return np.zeros(len(self))

    def sharp_volumes(
        self, regions: NDArray[np.int64], walls: ExactWalls, accuracy: float
    ) -> tuple[NDArray[Any], NDArray[np.float64]]:
        """The volumes, which are exact, and zeros."""
        return self.volumes()[regions], np.zeros(len(regions))

    def sharpened(self, walls: ExactWalls, accuracy: float, margin: float = 1.0) -> Self:
        """The same."""
        return self

    @property
    def is_sharp(self) -> bool:
        """Yes."""
        return True
