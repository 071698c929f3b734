"""What people do with partitions and local maps: statistics, dynamics, comparisons, tables."""

from .slices import off_data, random_slice
from .study import plot_study, study, summarised
from .units import Polyline, Units, units

__all__ = ["Polyline", "Units", "off_data", "plot_study", "random_slice", "study", "summarised", "units"]
