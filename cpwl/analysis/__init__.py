"""What people do with partitions: statistics, training dynamics, implicit representations, local maps, boundaries."""

from .recorder import Recorder
from .recording import Frame, Recording

__all__ = ["Frame", "Recorder", "Recording"]
