"""Pictures, with matplotlib, and the interactive page. Everything public is imported from here.

It stands above all results: these ask for their pictures by name (``cpwl.runtime.pictures``).
"""

from .boundary import plot_agreement, plot_samples
from .comparisons import plot_comparison, plot_execution
from .folder import plot_folder
from .implicit import plot_stack
from .line import plot_line
from .notebook import boundary_html, certificate_html, partition_html, statistics_html
from .page import view
from .page_parts import Page
from .regions import plot, plot_merged
from .section import plot_section
from .segments import plot_segment
from .solid import plot_mesh, plot_solid, plotted_solid
from .space import view_solid, view_surface
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
    "plot_mesh",
    "plot_samples",
    "plot_section",
    "plot_segment",
    "plot_solid",
    "plot_stack",
    "plot_study",
    "plot_surface",
    "plot_units",
    "plotted_solid",
    "statistics_html",
    "view",
    "view_solid",
    "view_surface",
]
