"""Colours of classes: as many as there are, each unlike the others, and none like what else a picture draws."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

BOUNDARY = "#e00010"
"""Of decision boundaries and level sets."""

EDGE = "#333333"
"""Of the edges of regions."""

FRAME = "#888888"
"""Of edges that no unit makes."""

LIGHT = (
    *("#77AADD", "#EEDD88", "#44BB99", "#C3B1E1", "#E8C39E"),
    *("#99DDFF", "#BBCC33", "#DDDDDD", "#FFAABB", "#A8D5A2"),
)
"""After Paul Tol's "light" scheme, without its orange: red is the boundary's."""

DARK = ("#0077BB", "#EE7733", "#009988", "#AA3377", "#332288", "#CCBB44", "#33BBEE", "#CC3311")
"""Of lines and small marks on white, after Paul Tol's "vibrant" and "muted" schemes."""

LINES = ("#333333", "#b2182b", "#1b7837", "#762a83", "#b35806", "#2166ac", "#8c510a", "#01665e", "#c51b7d")
"""Of edges by layer, over whatever regions are filled with."""

_MAPS = ("Set3", "Set2", "Pastel1", "tab20", "tab20b", "tab20c", "Paired")
"""Matplotlib's, of colours for kinds: further ones come from there, as long as they are unlike all before them."""

_UNLIKE = 0.2
"""How far apart red, green and blue, each in [0, 1], are then."""

_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
"""Of red, green and blue (ITU-R BT.709)."""

_BRIGHTEST = 0.55
"""The luminance of a line that is seen on white."""

_LEVELS = np.linspace(0.1, 1.0, 13)
"""Of red, green and blue in all others, which come from a grid."""


def palette(count: int) -> list[str]:
    """Colours for ``count`` classes, as "#rrggbb", those of fewer classes first; beyond two thousand they repeat."""
    colors = LIGHT if count <= len(LIGHT) else (*LIGHT, *_further(LIGHT, 1.0))
    return [colors[k % len(colors)] for k in range(count)]


def dark(k: int) -> str:
    """The colour of line or mark k, as "#rrggbb", unlike those of the hundreds before it."""
    colors = DARK if k < len(DARK) else (*DARK, *_further(DARK, _BRIGHTEST))
    return colors[k % len(colors)]


def line(k: int) -> str:
    """The colour of the edges of layer k, as "#rrggbb", unlike those of the hundreds before it."""
    colors = LINES if k < len(LINES) else (*LINES, *_further(LINES, _BRIGHTEST))
    return colors[k % len(colors)]


def pastels(count: int) -> NDArray[np.float64]:
    """The same lighter, to be drawn on: red, green and blue in [0, 1], (count, 3)."""
    from matplotlib.colors import to_rgb

    return 0.25 + 0.75 * np.array([to_rgb(color) for color in palette(count)]).reshape(count, 3)


@lru_cache(maxsize=3)
def _further(chosen: tuple[str, ...], brightest: float) -> tuple[str, ...]:
    """All colours after those that are chosen, no brighter: always the one that is least like those before it."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex, to_rgb

    taken = np.array([to_rgb(color) for color in (*chosen, BOUNDARY, EDGE, FRAME)])
    maps = np.concatenate([colormaps[name](np.arange(colormaps[name].N))[:, :3] for name in _MAPS])
    grid = np.stack(np.meshgrid(_LEVELS, _LEVELS, _LEVELS, indexing="ij"), axis=-1).reshape(-1, 3)
    further: list[str] = []
    for offered, least in ((maps, _UNLIKE), (grid, 1e-3)):
        candidates = offered[offered @ _LUMINANCE <= brightest]
        gaps = np.linalg.norm(candidates[:, None] - taken, axis=2).min(axis=1)
        while gaps.max() >= least:
            color = candidates[gaps.argmax()]
            further.append(to_hex(color))
            taken = np.vstack([taken, color])
            gaps = np.minimum(gaps, np.linalg.norm(candidates - color, axis=1))
    return tuple(further)
