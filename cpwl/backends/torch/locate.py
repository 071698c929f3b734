"""Point location among polygons with shared float64 vertices, decided exactly for those coordinates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...ragged import Ragged


class Locator:
    def __init__(self, vertices: NDArray[np.float64], regions: Ragged) -> None: ...

    def locate(self, points: NDArray[np.float64]) -> NDArray[np.int64]:
        raise NotImplementedError
