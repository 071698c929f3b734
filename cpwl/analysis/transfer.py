"""How alike two networks are: least-squares affine maps from what one of them computes at an input to the other's.

After Sattelberg et al., "Locally linear attributes of ReLU neural networks" (Frontiers in Artificial Intelligence 6,
2023), for local maps; the same works for representations, the entries of a hidden layer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ArgumentError, ShapeError
from ..runtime.ieee import ieee
from ..runtime.inputs import finite, whole
from .clusters import checked_labels
from .maps_at_points import LocalMaps, decided_by

if TYPE_CHECKING:
    import pandas

Table = NDArray[np.float64]


@ieee
@dataclass(frozen=True, eq=False)
class Represented:
    """What a network makes of inputs: a vector for each, and the class that follows from such a vector."""

    train: Table
    """The vectors of M inputs to fit with (M, p)."""
    test: Table
    """Those of N inputs to judge by (N, p)."""
    decide: Callable[[Table], NDArray[np.int64]]
    """From vectors in place of ``test`` (N, p) to the classes of these N inputs."""

    @classmethod
    def by_maps(cls, train: LocalMaps, test: LocalMaps) -> Represented:
        """By local maps: the vector is [W | b], and the class the largest entry of W x + b at the input x itself."""
        return cls(train.flat, test.flat, lambda flat: decided_by(flat, test.points))

    @classmethod
    def by_layer(cls, train: ArrayLike, test: ArrayLike, weight: ArrayLike, bias: ArrayLike) -> Represented:
        """By the entries h of a hidden layer, where the network's output is weight h + bias: (m, p) and (m,)."""
        head, shift = finite("weight", weight), finite("bias", bias)
        given = [rows.reshape(len(rows), -1) for rows in (finite("train", train), finite("test", test))]
        if head.ndim != 2 or any(rows.shape[1] != head.shape[1] for rows in given):
            widths = [rows.shape[1] for rows in given]
            raise ShapeError(
                f"weight must have shape (m, p) for the p = {widths} entries of a vector; got {head.shape}."
            )
        return cls(given[0], given[1], lambda h: np.asarray((h @ head.T + shift).argmax(axis=1), np.int64))


@ieee
def affine_fit(source: ArrayLike, target: ArrayLike, *, components: int = 64) -> Callable[[Table], Table]:
    """The affine map c = T a + t that is nearest to taking rows a of ``source`` (M, p) to those of ``target`` (M, q).

    Least squares: the sum of |T a_i + t - c_i|^2 is smallest, among maps T of the first ``components`` principal
    components of the source (at most M - 1 and p); with more entries than points the unrestricted problem has many
    solutions. What is returned takes rows (N, p) to rows (N, q).
    """
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import make_pipeline

    given, wanted = finite("source", source), finite("target", target)
    if given.ndim != 2 or wanted.ndim != 2 or len(given) != len(wanted) or len(given) < 2:
        raise ShapeError(
            f"source and target must have rows of the same M >= 2 inputs, got {given.shape}, {wanted.shape}."
        )
    components = whole("components", components, 1)
    kept = min(components, len(given) - 1, given.shape[1])
    fitted = make_pipeline(PCA(kept, svd_solver="full"), LinearRegression()).fit(given, wanted)
    return lambda rows: np.asarray(fitted.predict(rows)).reshape(len(rows), -1)


@ieee
def transfer_table(networks: Mapping[str, Represented], labels: ArrayLike, *, components: int = 64) -> pandas.DataFrame:
    """Affine maps between networks in both directions, a row for each ordered pair (source, target).

    All networks see the same inputs, in one order, and ``labels`` (N,) are the classes of those to judge by. The map is
    that of ``affine_fit`` on the inputs to fit with. Columns: ``own`` and ``target``, the accuracy of the source and of
    the target themselves; ``mapped``, the accuracy of the target's decision on mapped vectors; ``agreement``, how often
    that is the target's own decision; ``explained``, the share of the variance of the target's vectors over the test
    inputs that the map explains (R^2; negative where it is worse than the mean).
    """
    import pandas

    counts = {len(network.test) for network in networks.values()}
    if len(networks) < 2 or len(counts) != 1:
        raise ArgumentError(f"networks must be two or more, with as many test inputs each, got {sorted(counts)}.")
    truth = checked_labels(labels, counts.pop())
    rows = [
        {"from": source, "to": target, **_judged(networks[source], networks[target], truth, components)}
        for source, target in permutations(networks, 2)
    ]
    return pandas.DataFrame(rows).set_index(["from", "to"])


def _judged(source: Represented, target: Represented, truth: NDArray[np.int64], components: int) -> dict[str, Any]:
    mapped = affine_fit(source.train, target.train, components=components)(source.test)
    classes, own = target.decide(mapped), target.decide(target.test)
    left = float(((mapped - target.test) ** 2).sum())
    total = float(((target.test - target.test.mean(axis=0)) ** 2).sum())
    return {
        "own": float((source.decide(source.test) == truth).mean()),
        "target": float((own == truth).mean()),
        "mapped": float((classes == truth).mean()),
        "agreement": float((classes == own).mean()),
        "explained": 1 - left / total if total else float("nan"),
    }
