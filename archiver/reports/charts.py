"""Charts as SVG pictures, each in a light and a dark variant. What they show also stands in a table beside them.

Bars differ by hatching as well as by colour, so that a print without colour and an eye without colour see the same.
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True)
class Series:
    """One kind of bar: a name and a value for each label."""

    name: str
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """One chart: two `data:` URIs and what it says in words."""

    light: str
    dark: str
    words: str


@dataclass(frozen=True, slots=True)
class _Theme:
    ink: str
    quiet: str
    ground: str
    colours: tuple[str, ...]


_LIGHT = _Theme("#1d2733", "#c9d2da", "#ffffff", ("#1f6f78", "#c2571a", "#6d5aa8", "#8a8f98", "#b8c4c9"))
_DARK = _Theme("#e6ebf0", "#46525e", "#171d24", ("#63c1c9", "#f0965a", "#ab9be6", "#9aa4af", "#5b6873"))
_HATCHES = ("", "//", "..", "\\\\", "xx")


def stacked_bars(labels: Sequence[str], series: Sequence[Series], *, unit: str, words: str) -> Picture:
    """Return upright bars, one for each label, the series on top of one another."""
    return _picture(lambda axes, theme: _upright(axes, theme, labels, series, unit), words, height=2.5)


def lying_bars(labels: Sequence[str], series: Sequence[Series], *, unit: str, words: str) -> Picture:
    """Return lying bars, one for each label from top to bottom, the series end to end."""
    height = 0.8 + 0.34 * max(len(labels), 1) + 0.25 * (len(series) > 1) + 0.2 * (len(series) > 3)
    return _picture(lambda axes, theme: _lying(axes, theme, labels, series, unit), words, height=height)


def _picture(draw: Any, words: str, *, height: float) -> Picture:
    return Picture(_uri(draw, _LIGHT, height), _uri(draw, _DARK, height), words)


def _uri(draw: Any, theme: _Theme, height: float) -> str:
    import matplotlib as mpl  # noqa: PLC0415 - half a second, and only a report needs it
    from matplotlib.figure import Figure  # noqa: PLC0415

    settings: Any = {
        "font.size": 9.5,
        "font.family": "sans-serif",
        "svg.fonttype": "path",
        "svg.hashsalt": "archiver",
        "hatch.linewidth": 0.5,
        "text.color": theme.ink,
        "text.parse_math": False,
    }
    with mpl.rc_context(settings):
        figure = Figure(figsize=(6, height), layout="constrained")
        axes = figure.add_subplot()
        figure.patch.set_alpha(0)
        axes.patch.set_alpha(0)
        for name, spine in axes.spines.items():
            spine.set_visible(name in {"left", "bottom"})
            spine.set_color(theme.quiet)
        axes.tick_params(colors=theme.ink, length=0)
        draw(axes, theme)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    svg = out.getvalue()
    return "data:image/svg+xml;base64," + base64.b64encode(svg[svg.index("<svg") :].encode()).decode("ascii")


def _upright(axes: Axes, theme: _Theme, labels: Sequence[str], series: Sequence[Series], unit: str) -> None:
    below = [0.0] * len(labels)
    places = range(len(labels))
    for number, one in enumerate(series):
        axes.bar(places, one.values, bottom=below, width=0.72, label=one.name, **_style(theme, number))
        below = [low + value for low, value in zip(below, one.values, strict=True)]
    step = -(-len(labels) // 7) or 1
    axes.set_xticks([*places][::step], [*labels][::step])
    axes.set_ylim(0, _top(below))
    _finish(axes.yaxis, axes, theme, unit, series)


def _lying(axes: Axes, theme: _Theme, labels: Sequence[str], series: Sequence[Series], unit: str) -> None:
    left = [0.0] * len(labels)
    places = range(len(labels))
    for number, one in enumerate(series):
        axes.barh(places, one.values, left=left, height=0.62, label=one.name, **_style(theme, number))
        left = [low + value for low, value in zip(left, one.values, strict=True)]
    axes.set_yticks([*places], [label if len(label) <= 34 else label[:33] + "…" for label in labels])
    axes.invert_yaxis()
    axes.set_xlim(0, _top(left))
    _finish(axes.xaxis, axes, theme, unit, series)


def _top(totals: Sequence[float]) -> float:
    """Return where a scale ends: a little above the largest, and at 1 where there is nothing to see."""
    return max(totals, default=0.0) * 1.03 or 1.0


def _style(theme: _Theme, number: int) -> dict[str, Any]:
    return {
        "color": theme.colours[number % len(theme.colours)],
        "edgecolor": theme.ground,
        "hatch": _HATCHES[number % len(_HATCHES)],
        "linewidth": 0.6,
        "zorder": 3,
    }


def _finish(axis: Any, axes: Axes, theme: _Theme, unit: str, series: Sequence[Series]) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator  # noqa: PLC0415

    axis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axis.set_label_text(unit, color=theme.ink)
    axis.grid(visible=True, color=theme.quiet, linewidth=0.6, zorder=0)
    if len(series) > 1:
        legend = axes.legend(frameon=False, ncols=3, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2)
        for text in legend.get_texts():
            text.set_color(theme.ink)
