"""What people do with partitions: statistics, units, training dynamics, implicit representations, maps, boundaries."""

from ..boundary.contours import Contour, axis_slices, contours, volume_below
from ..boundary.nearest import Nearest, closest_data, length_table, nearest
from .clusters import MapClusters, cluster_maps, cluster_table
from .many_slices import plot_study, study, summarised
from .maps_at_points import LocalMaps, dual_points, local_maps
from .overlay import Agreement, agreement
from .random_slices import off_data, random_slice
from .recorder import Recorder
from .recording import Frame, Recording
from .transfer import Represented, affine_fit, transfer_table
from .unit_activity import Polyline, Units, units

__all__ = [
    "Agreement",
    "Contour",
    "Frame",
    "LocalMaps",
    "MapClusters",
    "Nearest",
    "Polyline",
    "Recorder",
    "Recording",
    "Represented",
    "Units",
    "affine_fit",
    "agreement",
    "axis_slices",
    "closest_data",
    "cluster_maps",
    "cluster_table",
    "contours",
    "dual_points",
    "length_table",
    "local_maps",
    "nearest",
    "off_data",
    "plot_study",
    "random_slice",
    "study",
    "summarised",
    "transfer_table",
    "units",
    "volume_below",
]
