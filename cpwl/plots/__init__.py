"""Pictures, with matplotlib, and the interactive page. Everything public is imported from here.

It stands above all results: these ask for their pictures by name (``cpwl.runtime.pictures``).
"""

from .boundary import plot_agreement, plot_samples
from .comparisons import plot_comparison, plot_execution
from .folder import plot_folder
from .implicit import plot_stack
from .line import plot_line
from .notebook import boundary_html, certificate_html, partition_html, statistics_html
from .page import Page, view
from .regions import plot, plot_merged
from .segments import plot_segment
from .statistics import plot_distributions, plot_study, plot_units
from .surface import plot_surface
from .training import animate, plot_curves, plot_frames

__all__ = [
    "Page",
    "animate",
    "boundary_html",
    "certificate_html",
    "partition_html",
    "plot",
    "plot_agreement",
    "plot_comparison",
    "plot_curves",
    "plot_distributions",
    "plot_execution",
    "plot_folder",
    "plot_frames",
    "plot_line",
    "plot_merged",
    "plot_samples",
    "plot_segment",
    "plot_stack",
    "plot_study",
    "plot_surface",
    "plot_units",
    "statistics_html",
    "view",
]
