"""What people do with partitions: statistics, training dynamics, implicit representations, local maps, boundaries."""

from .closest import Nearest, closest_data, length_table, nearest
from .clusters import MapClusters, cluster_maps, cluster_table
from .maps import LocalMaps, dual_points, local_maps
from .overlay import Agreement, agreement
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
