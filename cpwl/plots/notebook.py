"""What a notebook shows of a result: a small picture beside its figures, as HTML that needs nothing else."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, Any

from ..errors import CpwlError
from ..geometry.simplices import size_name
from ..runtime.ieee import ieee
from .figures import new_figure
from .line import plot_line
from .regions import plot
from .solid import plot_solid
from .statistics import plot_distributions

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..boundary.boundary import DecisionBoundary
    from ..certification.certificate import Certificate
    from ..partitions.partition import Partition
    from ..statistics.statistics import Statistics
    from ..tiling.tiling import Tiling

_MOST_DRAWN = 50_000
"""Regions of which a picture is drawn unasked: it takes a second or two."""
_PAIRS = 6
"""Pairs of classes that are listed."""
_SIZE = (4.6, 3.8)
_DPI = 84


@ieee
def partition_html(part: Partition) -> str:
    """A partition: its picture by slope, and what it consists of."""
    figures: dict[str, Any] = {
        "regions": len(part),
        "vertices": len(part.vertices),
        "units": part.network.units,
        "decisions": "exact" if part.arrangement.exact or part.predicates == "exact" else "float64",
        "domain": f"{size_name(part.domain.dim)} {part.domain.volume:.6g}, in inputs of shape {part.domain.shape}",
    }
    if len(part.ambiguous):
        figures["ambiguous"] = len(part.ambiguous)
    hint = "part.plot(), part.view(), part.statistics()"
    return _beside(_drawn(len(part), lambda: _picture(part)), _titled(part), figures, hint)


@ieee
def boundary_html(boundary: DecisionBoundary) -> str:
    """A decision boundary: in red on the partition, and its length (area, number of points) by pairs of classes."""
    part, kind = boundary.partition, boundary.kind
    figures: dict[str, Any] = {kind: len(boundary)}
    size = {1: kind, 2: "length"}.get(part.domain.dim, "area")
    if size != kind:
        figures[size] = float(boundary.measures().sum())
    if boundary.level is None:
        rows = boundary.table().reset_index().nlargest(_PAIRS, size).to_dict("records")
        figures |= {f"{row['first']:.0f} | {row['second']:.0f}": row[size] for row in rows if row[kind]}
    drawing = _drawn(len(part), lambda: _picture(part, boundary=boundary, classes=part.network.outputs > 1))
    title = "DecisionBoundary" if boundary.level is None else f"Level set, output = {boundary.level:g}"
    return _beside(drawing, title, figures, "boundary.table(), boundary.sample(1000)")


@ieee
def statistics_html(found: Statistics) -> str:
    """Statistics: the distributions over the regions, and the summary."""
    title = "Statistics" if found.complete else "Statistics (INCOMPLETE)"
    drawing = _drawn(0, lambda: plot_distributions({"": found})) if found.regions else ""
    return _beside(drawing, title, found.summary, "statistics.to_frame(), statistics.plot()")


@ieee
def certificate_html(certificate: Certificate) -> str:
    """A certificate: whether it is verified, and its picture where it is. Nothing is verified for this."""
    verified = certificate.known is not None
    figures = {
        "regions": certificate.regions,
        "verified": "exactly, every region" if verified else "not yet: certificate.verify()",
        "recomputed exactly": len(certificate.repaired),
        size_name(certificate.domain.dim): f"{float(certificate.area):.6g}",
        "network": f"SHA-256 {certificate.network.sha256[:16]}...",
    }
    part = certificate.known
    drawing = "" if part is None else _drawn(len(part), lambda: _picture(part))
    return _beside(drawing, "Certificate", figures, 'certificate.save("certificate.json.gz"), cpwl check')


# ---- private -------------------------------------------------------------------------------------------------------
def _axes() -> Axes:
    return new_figure(_SIZE).add_subplot()


def _picture(part: Tiling, boundary: DecisionBoundary | None = None, *, classes: bool = False) -> Any:
    if part.domain.dim == 1:
        return plot_line(part, _axes(), color="class" if classes else "none", boundary=boundary)
    if part.domain.dim == 3:
        axes = new_figure(_SIZE).add_subplot(projection="3d")
        return plot_solid(part, axes, color="class" if classes else "slope", boundary=boundary)
    return plot(part, _axes(), color="class" if classes else "slope", boundary=boundary)


def _titled(part: Partition) -> str:
    return "Partition" if part.complete else "Partition (INCOMPLETE: these regions do not cover the domain)"


def _drawn(regions: int, draw: Callable[[], Any]) -> str:
    """The picture as an image; none where there are too many regions, or nothing can be drawn."""
    if regions > _MOST_DRAWN:
        return ""
    try:
        drawn = draw()
    except CpwlError:
        return ""
    figure = getattr(drawn, "figure", None) or drawn
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI, bbox_inches="tight")
    return f'<img alt="" src="data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode("ascii")}">'


def _beside(drawing: str, title: str, figures: Mapping[str, Any], hint: str) -> str:
    """The picture, and a table beside it."""
    rows = "".join(
        f'<tr><td style="text-align:left">{escape(name)}</td>'
        f'<td style="text-align:right">{escape(_text(value))}</td></tr>'
        for name, value in figures.items()
    )
    table = f"<table><tbody>{rows}</tbody></table>"
    more = f'<div style="color:#666;font-size:smaller">{escape(hint)}</div>'
    text = f"<div><b>{escape(title)}</b>{table}{more}</div>"
    return f'<div style="display:flex;flex-wrap:wrap;gap:1em;align-items:center">{drawing}{text}</div>'


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.6g}"
