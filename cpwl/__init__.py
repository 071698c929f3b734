"""Exact geometry of continuous piecewise-linear neural networks.

Everything public can be imported from here; torch, flint and matplotlib are loaded only when something needs them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .boundary.boundary import DecisionBoundary
from .comparisons.execution import ExecutionComparison, compare_execution
from .comparisons.partitions import Comparison, compare, compare_devices
from .compiler import compile, load_program
from .datasets.folder import write_partition
from .datasets.folder_statistics import WrittenStatistics, statistics_of_folder
from .datasets.written import Written
from .errors import CpwlError
from .geometry.domain import Domain
from .geometry.halfspaces import Halfspaces
from .local.evaluate import evaluate
from .local.local_map import LocalMap, local_map
from .network.heads import compose, difference, head, margin
from .network.network import Network
from .partitions.compute import partition, partition_blocks
from .partitions.estimate import Estimate, estimate
from .partitions.many import partition_many
from .partitions.partition import Partition, load
from .partitions.segment_pieces import ClassRuns, SegmentPieces
from .partitions.segments import segments
from .partitions.surfaces import class_boundary, level_set
from .properties.specification import Specification
from .properties.verdict import Verdict
from .properties.verify import verify
from .regions.merged import Merged
from .regions.region import Region
from .runtime.version import RELEASE
from .statistics.statistics import Statistics, Totals, statistics_of_blocks

if TYPE_CHECKING:
    from . import analysis
    from . import nn as nn
    from .certification import Certificate, certify, certify_constant, certify_equal, certify_extremum, certify_samples

__version__ = RELEASE

__all__ = [
    "Certificate",
    "ClassRuns",
    "Comparison",
    "CpwlError",
    "DecisionBoundary",
    "Domain",
    "Estimate",
    "ExecutionComparison",
    "Halfspaces",
    "LocalMap",
    "Merged",
    "Network",
    "Partition",
    "Region",
    "SegmentPieces",
    "Specification",
    "Statistics",
    "Totals",
    "Verdict",
    "Written",
    "WrittenStatistics",
    "analysis",
    "certify",
    "certify_constant",
    "certify_equal",
    "certify_extremum",
    "certify_samples",
    "class_boundary",
    "compare",
    "compare_devices",
    "compare_execution",
    "compile",
    "compose",
    "difference",
    "estimate",
    "evaluate",
    "head",
    "level_set",
    "load",
    "load_program",
    "local_map",
    "margin",
    "partition",
    "partition_blocks",
    "partition_many",
    "segments",
    "statistics_of_blocks",
    "statistics_of_folder",
    "verify",
    "write_partition",
]


_CERTIFICATION = {name for name in __all__ if name.lower().startswith("certif")}


def __getattr__(name: str) -> Any:
    """What loads more than numpy is imported when it is first asked for (PEP 562)."""
    if name in ("analysis", "nn"):
        return import_module(f".{name}", __name__)
    if name in _CERTIFICATION:
        return getattr(import_module(".certification", __name__), name)
    raise AttributeError(f"module 'cpwl' has no attribute '{name}'")
