"""How far a network can be reduced to few affine maps: k-means clusters of its local maps.

After Sattelberg et al., "Locally linear attributes of ReLU neural networks" (Frontiers in Artificial Intelligence 6,
2023), who ask the same of networks on MNIST.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ArgumentError, ShapeError
from ..runtime import inputs
from ..runtime.ieee import ieee
from ..runtime.inputs import finite, instance, whole
from .maps_at_points import LocalMaps, decided_by

if TYPE_CHECKING:
    import pandas

_LOCAL_MAPS = "Use cpwl.analysis.local_maps."


@ieee
@dataclass(frozen=True, eq=False)
class MapClusters:
    """k affine maps in place of a network's many: the centres of k-means clusters of its local maps."""

    centers: NDArray[np.float64]
    """The centres as rows of ``LocalMaps.flat`` (k, m (n + 1)): the mean of [W | b] over each cluster."""
    labels: NDArray[np.int64]
    """The cluster of each map that they were fitted to, int64 (M,)."""
    unexplained: float
    """The sum of squared distances from the centres over that from the mean of all maps: 1 for k = 1, 0 if none is
    left."""

    def __len__(self) -> int:
        return len(self.centers)

    def assign(self, maps: LocalMaps) -> NDArray[np.int64]:
        """The nearest centre of each map in the 2-norm of [W | b], int64 (M,)."""
        from sklearn.metrics import pairwise_distances_argmin

        return np.asarray(pairwise_distances_argmin(maps.flat, self.centers), np.int64)

    def classes(self, maps: LocalMaps) -> NDArray[np.int64]:
        """The class of each point when it uses the map of its cluster's centre instead of its own, int64 (M,)."""
        return decided_by(self.centers[self.assign(maps)], maps.points)


@ieee
def cluster_maps(maps: LocalMaps, count: int, *, seed: int = 0, starts: int = 1) -> MapClusters:
    """k-means clusters (scikit-learn, Lloyd's algorithm) of the vectors [W | b] of local maps, ``count`` of them.

    Plain Euclidean distance of the entries: no scaling, and W and b weigh alike. ``starts`` runs from different centres
    (k-means++), of which the best is taken. Raises ``ArgumentError`` unless 1 <= count <= the number of different maps.
    """
    from sklearn.cluster import KMeans

    flat = instance("maps", maps, LocalMaps, _LOCAL_MAPS).flat
    different = len({row.tobytes() for row in flat})
    count = whole("count", count, 1)
    if count > different:
        raise ArgumentError(f"count must be a number of clusters of {different} different maps, got {count!r}.")
    runs, seed = whole("starts", starts, 1), whole("seed", seed, 0, (1 << 32) - 1)
    fitted = KMeans(count, n_init=runs, random_state=seed).fit(flat)
    total = float(((flat - flat.mean(axis=0)) ** 2).sum())
    share = float(fitted.inertia_) / total if total else 0.0
    return MapClusters(np.asarray(fitted.cluster_centers_), np.asarray(fitted.labels_, np.int64), share)


@ieee
def cluster_table(
    maps: LocalMaps,
    counts: Sequence[int],
    *,
    test: LocalMaps,
    labels: ArrayLike,
    seed: int = 0,
    starts: int = 1,
) -> pandas.DataFrame:
    """What survives with k clusters, a row for each k of ``counts``: clusters of ``maps``, judged on ``test``.

    Each point of ``test``, with its class in ``labels`` (M,), takes the map of the centre nearest to its own local map.
    Columns: ``accuracy``; ``kept``, that accuracy over the network's own; ``agreement``, how often the class is the
    network's; ``unexplained``, see ``MapClusters``. Index: ``clusters``.
    """
    import pandas

    instance("maps", maps, LocalMaps, _LOCAL_MAPS)
    truth = checked_labels(labels, len(instance("test", test, LocalMaps, _LOCAL_MAPS)))
    own = float((test.classes == truth).mean())
    rows: list[dict[str, Any]] = []
    for count in [whole("counts", k, 1) for k in inputs.rows("counts", counts)]:
        clusters = cluster_maps(maps, count, seed=seed, starts=starts)
        classes = clusters.classes(test)
        accuracy, agreement = float((classes == truth).mean()), float((classes == test.classes).mean())
        kept = accuracy / own if own else float("nan")
        rows.append({"clusters": count, "accuracy": accuracy, "kept": kept, "agreement": agreement})
        rows[-1]["unexplained"] = clusters.unexplained
    return pandas.DataFrame(rows, columns=["clusters", "accuracy", "kept", "agreement", "unexplained"]).set_index(
        "clusters"
    )


def checked_labels(labels: ArrayLike, count: int) -> NDArray[np.int64]:
    """The labels as int64 (count,); ``ShapeError`` where there are not as many."""
    given = finite("labels", labels)
    if given.shape != (count,) or not count:
        raise ShapeError(f"labels must be the classes of the {count} test points (at least 1), got {given.shape}.")
    return given.astype(np.int64)
