"""What the pages of planes and of solids mark: points, data and samples of the boundary, and the images of inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ArgumentError, ShapeError
from ..numbers.norms import norms
from ..runtime.inputs import finite, plain, texts, whole
from ..tiling.tiling import Tiling
from .legends import check_labels, marked
from .page_parts import Block

if TYPE_CHECKING:
    from ..boundary.boundary import DecisionBoundary

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Marks:
    """What is asked to be marked, checked; D is the dimension of the slice."""

    points: Floats | None
    """In slice coordinates, (n, D)."""
    names: list[str]
    """Of the points."""
    samples: int
    """Random points of the boundary."""
    data: Floats | None
    """Inputs (N, ...), wherever they lie."""
    labels: Sequence[Any] | None
    """Of the data."""

    @property
    def kinds(self) -> int:
        """How many colours the data take."""
        return 1 + max(self._named()[1], default=-1)

    @classmethod
    def of(
        cls,
        partition: Tiling,
        boundary: DecisionBoundary | None,
        points: ArrayLike | None,
        labels: Sequence[Any] | None,
        samples: int,
        data: ArrayLike | None,
        data_labels: Sequence[Any] | None,
    ) -> Marks:
        """The marks that are given; ``ArgumentError``, ``ShapeError`` for some that do not fit, as ``view`` says."""
        check_labels(points, labels)
        whole("samples", samples, 0)
        if samples and boundary is None:
            raise ArgumentError("samples are drawn from a boundary: give boundary=part.decision_boundary().")
        places, names = (None, []) if points is None else marked(points, labels, partition.domain.dim)
        return cls(places, names, int(samples), _inputs(partition, data, data_labels), data_labels)

    def add(self, block: Block, partition: Tiling, boundary: DecisionBoundary | None) -> dict[str, Any]:
        """Adds them to the arrays of a page, with their regions (-1 outside); what the page knows beside these."""
        places = {} if self.points is None else {"points": self.points}
        if boundary is not None and self.samples:
            places["samples"] = np.asarray(boundary.sample_slice(self.samples)[0], np.float64)
        image = self._add_image(block, partition, [*places.values()])
        about = {"labels": self.names, "image": image, "data": None}
        if self.data is not None:
            places["data"] = partition.to_slice(self.data)
            about["data"] = self._add_data(block, partition, self.data, places["data"], image)
        for name, where in places.items():
            block.add(name, "f8", where)
            block.add(f"{name}Region", "i4", partition.locate(where))
        return about

    def _add_data(
        self, block: Block, partition: Tiling, inputs: Floats, places: Floats, image: dict[str, float] | None
    ) -> dict[str, Any]:
        """How far inputs are from the slice, and their images in 256 grey levels; what they are called."""
        apart = (np.asarray(partition.to_input(places), np.float64) - inputs).reshape(len(inputs), -1)
        block.add("apart", "f8", norms(apart))
        if image is not None:
            grey = (inputs - image["low"]) / (image["high"] - image["low"])
            block.add("pictures", "u1", np.rint(255 * grey.clip(0, 1)))
        names, kinds = self._named()
        return {"names": names, "kinds": kinds}

    def _named(self) -> tuple[list[str], list[int]]:
        """The names of data and their kinds: numbers of classes, or else a number for each label."""
        count = 0 if self.data is None else len(self.data)
        values = [""] * count if self.labels is None else plain(self.labels).tolist()
        if all(isinstance(value, int) and value >= 0 for value in values):
            return [f"class {value}" for value in values], list(values)
        kinds = {name: k for k, name in enumerate(sorted(set(map(str, values))))}
        return list(map(str, values)), [kinds[str(value)] for value in values]

    def _add_image(self, block: Block, partition: Tiling, places: list[Floats]) -> dict[str, float] | None:
        """The inputs as functions of the slice coordinates, if they are images; black and white are those of the data
        or, without any, of the inputs at ``places`` (at the domain's corners, if there are none)."""
        shape, domain = partition.network.input_shape, partition.domain
        if len(shape) == 2:
            shape = (1, *shape)
        if len(shape) != 3 or shape[0] not in (1, 3):
            return None
        block.add("inputs", "f8", np.concatenate([domain.origin[:, None], domain.basis], axis=1))
        known = np.concatenate([np.zeros((0, domain.dim)), *places])
        seen = np.asarray(domain.to_input(known if len(known) else domain.polytope.vertices), np.float64)
        seen = seen if self.data is None or not len(self.data) else self.data
        low, high = float(seen.min()), float(seen.max())
        return {"channels": shape[0], "height": shape[1], "width": shape[2], "low": low, "high": max(high, low + 1e-30)}


def _inputs(partition: Tiling, data: ArrayLike | None, labels: Sequence[Any] | None) -> Floats | None:
    """Inputs that are given, (N, ...)."""
    if data is None:
        if labels is not None:
            raise ArgumentError("data_labels go with data: give the inputs that they belong to.")
        return None
    inputs = finite("data", data)
    if inputs.shape == partition.domain.shape:
        inputs = inputs[None]
    if inputs.shape[1:] != partition.domain.shape or inputs.ndim != len(partition.domain.shape) + 1:
        raise ShapeError(f"data must have shape (N, *{partition.domain.shape}), inputs, got {inputs.shape}.")
    if labels is not None:
        texts("data_labels", labels, len(inputs), "inputs")
    return inputs
