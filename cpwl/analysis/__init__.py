"""What people do with partitions: statistics, training dynamics, implicit representations, local maps, boundaries."""

from .agreement import Agreement, agreement
from .clusters import MapClusters, cluster_maps, cluster_table
from .maps import LocalMaps, dual_points, local_maps
from .nearest import Nearest, closest_data, length_table, nearest
from .transfer import Represented, affine_fit, transfer_table

__all__ = [
    "Agreement",
    "LocalMaps",
    "MapClusters",
    "Nearest",
    "Represented",
    "affine_fit",
    "agreement",
    "closest_data",
    "cluster_maps",
    "cluster_table",
    "dual_points",
    "length_table",
    "local_maps",
    "nearest",
    "transfer_table",
]
