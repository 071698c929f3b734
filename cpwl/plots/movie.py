"""Animations in files: .gif by Pillow, .mp4 by imageio-ffmpeg. Only this file imports them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, MissingDependencyError
from ..storage.files import replaced

if TYPE_CHECKING:
    from PIL.Image import Image

Picture = NDArray[np.uint8]

_COLORS = 128
"""Of a GIF, which can have 256: half of them makes a file a third smaller, and nobody sees it."""


def write_movie(
    path: str | PathLike[str], pictures: Iterable[Picture], *, fps: float, hold: float, exact: Picture | None = None
) -> Path:
    """Writes pictures (height, width, 3), uint8 and all of one size, as a .gif or .mp4, and returns the path.

    ``fps`` pictures are shown a second; the last one is held for ``hold`` seconds. A GIF runs in a loop, and has
    128 colours: those in ``exact`` (n, 3), n < 100, and what comes close to most of the others. A row or
    column that makes the size odd is left out of an .mp4, whose encoding has none. Raises ``ArgumentError`` for another
    suffix, and ``MissingDependencyError`` for an .mp4 without imageio-ffmpeg.
    """
    file = Path(path)
    if file.suffix.lower() not in (".gif", ".mp4"):
        raise ArgumentError(f"path must end in .gif or .mp4, got {fspath(path)!r}.")
    if not fps > 0 or not hold >= 0:
        raise ArgumentError(f"fps must be positive and hold at least 0, got {fps!r} and {hold!r}.")
    with replaced(file) as new:
        if file.suffix.lower() == ".gif":
            _write_gif(new, pictures, fps, hold, np.zeros((0, 3), np.uint8) if exact is None else exact)
        else:
            _write_mp4(new, pictures, fps, hold)
    return file


def _write_gif(path: Path, pictures: Iterable[Picture], fps: float, hold: float, exact: Picture) -> None:
    from PIL import Image

    images = [Image.fromarray(picture) for picture in pictures]
    palette = _palette(images, exact)
    drawn = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in images]
    times = [round(1000 / fps)] * len(drawn)
    times[-1] += round(1000 * hold)
    drawn[0].save(path, "GIF", save_all=True, append_images=drawn[1:], duration=times, loop=0, optimize=False)


def _palette(images: list[Image], exact: Picture) -> Image:
    """One palette for all pictures, so that a colour stays what it is: that of at most nine of them, and ``exact``."""
    from PIL import Image

    chosen = [images[i] for i in np.unique(np.linspace(0, len(images) - 1, 9).astype(int))]
    width, height = chosen[0].size
    sheet = Image.new("RGB", (width, height * len(chosen)))
    for k, image in enumerate(chosen):
        sheet.paste(image, (0, k * height))
    others = np.array(sheet.quantize(_COLORS - len(exact)).getpalette(), np.uint8).reshape(-1, 3)
    palette = Image.new("P", (1, 1))
    palette.putpalette(np.concatenate([exact, others]).ravel().tolist())
    return palette


def _write_mp4(path: Path, pictures: Iterable[Picture], fps: float, hold: float) -> None:
    try:
        from imageio_ffmpeg import count_frames_and_secs, write_frames
    except ImportError:
        raise MissingDependencyError(
            "an .mp4 needs imageio-ffmpeg, which is not installed: pip install 'cpwl[video]'. Or write a .gif."
        ) from None
    even = (picture[: picture.shape[0] // 2 * 2, : picture.shape[1] // 2 * 2] for picture in pictures)
    first = next(even)
    height, width, _ = first.shape
    options: Any = {"macro_block_size": 2, "quality": 8, "output_params": ["-f", "mp4"]}
    writer = write_frames(fspath(path), (width, height), fps=fps, **options)
    writer.send(None)
    count = 0
    try:
        for picture in _held(chain([first], even), round(hold * fps)):
            writer.send(np.ascontiguousarray(picture))
            count += 1
    finally:
        writer.close()
    try:
        whole = count_frames_and_secs(fspath(path))[0] == count
    except RuntimeError:
        whole = False
    if not whole:  # ffmpeg failed, and imageio-ffmpeg does not say so
        raise OSError(f"ffmpeg could not write the {count} pictures of an .mp4: is the disk full?")


def _held(pictures: Iterable[Picture], times: int) -> Iterator[Picture]:
    """The pictures, the last one so many times more."""
    for picture in pictures:
        last = picture
        yield picture
    for _ in range(times):
        yield last
