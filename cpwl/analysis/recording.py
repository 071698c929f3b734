"""Recordings of training: the regions of one slice at several steps, with their statistics.

What is kept of a step is what pictures and tables need (polygons, slope norms, boundary, numbers), not the network:
that is some 70 bytes a region whatever the model's size, and drawing needs no second partition.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays.ragged import Ragged
from ..errors import ArgumentError, FileFormatError
from ..geometry.domain import Domain
from ..partitions.partition import Partition
from ..runtime.ieee import ieee
from ..runtime.pictures import picture
from ..storage import archive
from ..storage.files import opened, reading
from ..storage.named_arrays import Stored, prefixed, ragged_arrays
from ..tiling.npz import domain_arrays, domain_from_arrays

if TYPE_CHECKING:
    import pandas

    from ..boundary.boundary import DecisionBoundary

FORMAT = "cpwl-recording"
VERSION = 1

_WHOLE = "recording.npz"
_NAME = "step-{:012d}.npz"

Scale = Literal["log", "linear"]


@ieee
@dataclass(frozen=True, eq=False)
class Frame:
    """The regions of a slice at one step of training, R of them; coordinates are the slice's, float64."""

    step: int
    metrics: Mapping[str, float]
    """What the training loop said about this step, such as its loss."""
    statistics: Mapping[str, int | float]
    """Numbers about the partition by name: those of ``Statistics.summary``, and "boundary length" (also of a level
    set)."""
    vertices: NDArray[np.float64]
    """(V, 2)."""
    regions: Ragged
    """The vertices of each region, counter-clockwise."""
    slopes: NDArray[np.float64]
    """The Frobenius norm of each region's linear map in slice coordinates, (R,)."""
    areas: NDArray[np.float64]
    """(R,)."""
    boundary: NDArray[np.float64]
    """The ends of the segments of the decision boundary or level set, (S, 2, 2)."""
    complete: bool = True
    """Whether the regions cover the domain; a budget may have ended the work before."""

    def __repr__(self) -> str:
        part = "" if self.complete else ", INCOMPLETE"
        return f"<Frame: step {self.step}, {len(self.regions)} regions, {len(self.boundary)} segments{part}>"

    @classmethod
    def of(
        cls, partition: Partition, boundary: DecisionBoundary | None, step: int, metrics: Mapping[str, float]
    ) -> Frame:
        """What is kept of a partition, of its boundary (None: there is none to be drawn) and of the step."""
        statistics = partition.statistics()
        segments = np.zeros((0, 2, 2)) if boundary is None else np.asarray(boundary.ends, np.float64)
        numbers = dict(statistics.summary)
        if boundary is not None:
            numbers["boundary length"] = float(boundary.lengths().sum())
        return cls(
            step,
            dict(metrics),
            numbers,
            np.asarray(partition.vertices, np.float64),
            partition.regions,
            statistics.slopes,
            statistics.areas,
            segments,
            partition.complete,
        )


@ieee
class Recording(Sequence[Frame]):
    """The frames of a training run on one slice, in order of their steps.

    ``frames`` may be read from a folder one by one (``Recording.load``): then no more than one need be in memory.
    """

    def __init__(self, domain: Domain, frames: Sequence[Frame]) -> None:
        self.domain = domain
        self._frames = frames

    def __repr__(self) -> str:
        steps = self.steps
        span = f" from step {steps[0]} to {steps[-1]}" if steps else ""
        return f"<Recording: {len(steps)} frames{span}>"

    def __len__(self) -> int:
        return len(self._frames)

    @overload
    def __getitem__(self, index: int) -> Frame: ...

    @overload
    def __getitem__(self, index: slice) -> Recording: ...

    def __getitem__(self, index: int | slice) -> Frame | Recording:
        if isinstance(index, slice):
            return Recording(self.domain, [self._frames[i] for i in range(len(self))[index]])
        return self._frames[index]

    def __iter__(self) -> Iterator[Frame]:
        return iter(self._frames)

    @property
    def steps(self) -> list[int]:
        """The step of each frame, increasing."""
        frames = self._frames
        return frames.steps if isinstance(frames, StoredFrames) else [frame.step for frame in frames]

    def at(self, step: int) -> Frame:
        """The last frame that was recorded up to a step; raises ``ArgumentError`` when there is none."""
        index = int(np.searchsorted(self.steps, step, side="right")) - 1
        if index < 0:
            raise ArgumentError(f"step must be at least the first recorded one, {self.steps[:1]}, got {step}.")
        return self._frames[index]

    def save(self, folder: str | PathLike[str]) -> Path:
        """Writes the recording into a folder, one file a frame, and returns its path; ``Recording.load`` reads it."""
        stored = StoredFrames.create(folder, self.domain)
        for frame in self:
            stored.append(frame)
        return stored.folder

    @classmethod
    def load(cls, folder: str | PathLike[str]) -> Recording:
        """The recording in a folder; each frame is read when it is asked for, and not kept.

        Raises ``FileFormatError``, naming the file and what is wrong, for a folder or file that is not well formed.
        """
        stored = StoredFrames.open(folder)
        return cls(stored.domain, stored)

    def table(self) -> pandas.DataFrame:
        """The metrics and statistics of all frames, and whether each is ``complete``, as a pandas table, a row each."""
        import pandas

        rows = [{**frame.metrics, **frame.statistics, "complete": frame.complete} for frame in self]
        return pandas.DataFrame(rows, index=pandas.Index(self.steps, name="step"))

    def plot(self, steps: Sequence[int] | None = None, **options: Any) -> Any:
        """A figure of some frames side by side, in one colour scale; see ``cpwl.plots.plot_frames``."""
        return picture("plot_frames")(self, steps, **options)

    def plot_curves(self, names: Sequence[str] | None = None) -> Any:
        """A matplotlib figure of metrics and statistics over the steps; see ``cpwl.plots.plot_curves``."""
        return picture("plot_curves")(self, names)

    def animate(self, path: str | PathLike[str], **options: Any) -> Path:
        """Writes an animation, .gif or .mp4, and returns its path; see ``cpwl.plots.animate``."""
        file: Path = picture("animate")(self, path, **options)
        return file


# ---- folders -------------------------------------------------------------------------------------------------------
class StoredFrames(Sequence[Frame]):
    """Frames in a folder: ``recording.npz`` holds the domain, and a file for each step its frame."""

    def __init__(self, folder: Path, domain: Domain, steps: list[int]) -> None:
        self.folder, self.domain, self.steps = folder, domain, steps

    @classmethod
    def create(cls, folder: str | PathLike[str], domain: Domain) -> StoredFrames:
        """An empty recording in a folder, which is made where it is missing and must not hold files."""
        path = Path(folder)
        path.mkdir(parents=True, exist_ok=True)
        if any(path.iterdir()):
            raise ArgumentError(f"folder must be new or empty, but {fspath(path)} holds files. Give another one.")
        _write(path / _WHOLE, {}, prefixed("domain", domain_arrays(domain)))
        return cls(path, domain, [])

    @classmethod
    def open(cls, folder: str | PathLike[str]) -> StoredFrames:
        """The recording in a folder."""
        path = Path(folder)
        if not (path / _WHOLE).is_file():
            raise FileFormatError(f"{fspath(path)} is no recording: it holds no {_WHOLE}. Write one with Recorder.")
        domain = _read(path / _WHOLE, lambda _, stored: domain_from_arrays(stored.part("domain")))
        steps = sorted(int(file.stem[5:]) for file in path.glob("step-*.npz") if file.stem[5:].isdigit())
        return cls(path, domain, steps)

    def append(self, frame: Frame) -> None:
        """Writes one more frame; it takes the place of nothing, so that an interrupted write leaves the others."""
        _write(self._path(frame.step), _header(frame), _arrays(frame))
        self.steps.append(frame.step)

    def __len__(self) -> int:
        return len(self.steps)

    @overload
    def __getitem__(self, index: int) -> Frame: ...

    @overload
    def __getitem__(self, index: slice) -> list[Frame]: ...

    def __getitem__(self, index: int | slice) -> Frame | list[Frame]:
        if isinstance(index, slice):
            return [self[i] for i in range(len(self))[index]]
        frame: Frame = _read(self._path(self.steps[index]), _frame)
        return frame

    def _path(self, step: int) -> Path:
        return self.folder / _NAME.format(step)


def _header(frame: Frame) -> dict[str, Any]:
    return {
        "step": frame.step,
        "metrics": dict(frame.metrics),
        "statistics": dict(frame.statistics),
        "complete": frame.complete,
    }


def _arrays(frame: Frame) -> dict[str, NDArray[Any]]:
    plain = {name: getattr(frame, name) for name in ("vertices", "slopes", "areas", "boundary")}
    return {**plain, **ragged_arrays("regions", frame.regions)}


def _frame(header: dict[str, Any], stored: Stored) -> Frame:
    vertices = stored.floats("vertices", -1, 2)
    regions = stored.ragged("regions", shortest=3, below=len(vertices))
    slopes, areas = (stored.floats(name, len(regions)) for name in ("slopes", "areas"))
    boundary = stored.floats("boundary", -1, 2, 2)
    if not (isinstance(header.get("step"), int) and isinstance(header.get("complete"), bool)):
        raise FileFormatError("its header must tell the step and whether the regions are complete")
    metrics, statistics = (_numbers(header, name) for name in ("metrics", "statistics"))
    return Frame(header["step"], metrics, statistics, vertices, regions, slopes, areas, boundary, header["complete"])


def _numbers(header: dict[str, Any], name: str) -> dict[str, int | float]:
    values = header.get(name)
    if not isinstance(values, dict) or not all(isinstance(value, (int, float)) for value in values.values()):
        raise FileFormatError(f"its header must hold {name}, numbers by name")
    return values


def _write(path: Path, header: dict[str, Any], arrays: Mapping[str, ArrayLike]) -> None:
    archive.write(path, {"format": FORMAT, "version": VERSION, **header}, arrays, compressed=True)


def _read(path: Path, build: Any) -> Any:
    """What ``build`` makes of the header and the arrays of a file."""
    with opened(path), reading(path, "a file of a recording", "Record it again."):
        header, arrays = archive.read(path)
        if (header.get("format"), header.get("version")) != (FORMAT, VERSION):
            raise FileFormatError(f"its header must be of format {FORMAT!r}, version {VERSION}")
        return build(header, Stored(arrays))
