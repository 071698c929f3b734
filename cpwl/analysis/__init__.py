"""What people do with partitions: statistics, training dynamics, implicit representations, local maps, boundaries."""

from .implicit import Contour, axis_slices, contours, volume_below
from .recorder import Recorder
from .recording import Frame, Recording

__all__ = ["Contour", "Frame", "Recorder", "Recording", "axis_slices", "contours", "volume_below"]
