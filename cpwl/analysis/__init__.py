"""What people do with partitions: statistics, units, training dynamics, implicit representations, maps, boundaries."""

from .implicit import Contour, axis_slices, contours, volume_below
from .recorder import Recorder
from .recording import Frame, Recording
from .slices import off_data, random_slice
from .study import plot_study, study, summarised
from .units import Polyline, Units, units

__all__ = [
    "Contour",
    "Frame",
    "Polyline",
    "Recorder",
    "Recording",
    "Units",
    "axis_slices",
    "contours",
    "off_data",
    "plot_study",
    "random_slice",
    "study",
    "summarised",
    "units",
    "volume_below",
]
