"""What labels say, as a picture: curves for each cut and the labels by similarity.

The only module that imports matplotlib, an extra ("pictures"). The same labels give the same
bytes: no date, no random ids, and fonts that come with matplotlib.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from recommender.config import install_command
from recommender.curves import Curve, Estimate, HistogramBar
from recommender.errors import ConfigError
from recommender.tuning import Proposal, Tuning

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KINDS: tuple[str, ...] = ("svg", "png")

_TITLES = {
    "same_text": "Same text (grade 4)",
    "same_story": "Same story (grade 3 or more)",
    "related": "Related (grade 2 or more)",
}
# Colours of Okabe and Ito, which people with any colour vision can tell apart.
_LINES = (("precision", "#0072B2"), ("recall", "#D55E00"), ("f1", "#009E73"))
_NAMES = {"precision": "precision", "recall": "recall", "f1": "F1"}
_BARS = (
    ("4", "4 same text", "#A50F15"),
    ("3", "3 same story", "#EF6548"),
    ("yes", "yes", "#FDBB84"),
    ("2", "2 related", "#7FBF7B"),
    ("no", "no", "#C7E0F4"),
    ("1", "1 loosely related", "#9EBCDA"),
    ("0", "0 unrelated", "#969696"),
)
_INK = "#333333"
_SETTINGS: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.edgecolor": "#999999",
    "axes.labelcolor": _INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "grid.color": "#E5E5E5",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    # Ids of an SVG are random otherwise, and its letters stay text that can be searched.
    "svg.hashsalt": "recommender",
    "svg.fonttype": "none",
}


def picture_kind(name: str) -> str:
    """The kind of picture a file name asks for.

    Raises
    ------
    ConfigError
        If it ends in neither .svg nor .png.
    """
    kind = PurePath(name).suffix.lower().removeprefix(".")
    if kind not in KINDS:
        raise ConfigError(f"{name}: a picture's name ends in .svg or .png")
    return kind


def check_pictures() -> None:
    """See that pictures can be made, before any work is done for one.

    Raises
    ------
    ConfigError
        If matplotlib is not installed.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            "a picture needs matplotlib, which is not installed: run in the checkout "
            f"{install_command('pictures')}"
        ) from error


def tuning_picture(tuning: Tuning, kind: str) -> bytes:
    """Draw precision, recall and F1 for each cut, and the labels by similarity.

    Parameters
    ----------
    tuning : Tuning
    kind : {"svg", "png"}

    Returns
    -------
    bytes
        The whole file.

    Raises
    ------
    ConfigError
        If matplotlib is not installed.
    """
    check_pictures()
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(_SETTINGS):
        figure = Figure(figsize=(11, 7.5), layout="constrained")
        _draw(figure, tuning)
        return _written(figure, kind)


def _draw(figure: Figure, tuning: Tuning) -> None:
    axes = figure.subplots(2, 2)
    span = _span(tuning)
    for place, (curve, proposal) in enumerate(zip(tuning.curves, tuning.proposals, strict=True)):
        _draw_curve(axes.flat[place], curve, proposal, span)
    _draw_histogram(axes.flat[3], tuning.histogram, tuning.proposals)
    for each in axes.flat:
        each.set_xlim(*span)
        each.set_xlabel("similarity")
    handles, names = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper right", ncols=len(names), fontsize=9)
    figure.suptitle(
        f"{tuning.pairs:,} labelled pairs; proposed for {tuning.goal}",
        x=0.008,
        ha="left",
        fontsize=12,
    )


def _span(tuning: Tuning) -> tuple[float, float]:
    """The part of the scale that has labels or thresholds."""
    values = [bar.low for bar in tuning.histogram] + [bar.high for bar in tuning.histogram]
    for each in tuning.proposals:
        values += [each.in_force, each.threshold]
    return max(0.0, min(values) - 0.02), min(1.0, max(values) + 0.02)


def _draw_curve(axes: Axes, curve: Curve, proposal: Proposal, span: tuple[float, float]) -> None:
    axes.set_title(f"{_TITLES[curve.cut]}: {curve.positives:,} are, {curve.negatives:,} are not")
    axes.set_ylim(0, 1.03)
    axes.grid(visible=True)
    points = [each for each in curve.points if span[0] - 0.01 <= each.threshold <= span[1] + 0.01]
    for name, color in _LINES:
        at = [each.threshold for each in points]
        estimates = [getattr(each, name) for each in points]
        axes.fill_between(
            at,
            [_or_gap(each.low) for each in estimates],
            [_or_gap(each.high) for each in estimates],
            color=color,
            alpha=0.13,
            linewidth=0,
        )
        axes.plot(at, _values(estimates), color=color, linewidth=1.8, label=_NAMES[name])
    _draw_thresholds(axes, proposal)
    if not curve.positives or not curve.negatives:
        axes.text(
            0.5,
            0.5,
            "labels on one side only",
            transform=axes.transAxes,
            ha="center",
            color="#777777",
        )


def _values(estimates: Sequence[Estimate]) -> list[float]:
    return [_or_gap(each.value) for each in estimates]


def _or_gap(value: float | None) -> float:
    return float("nan") if value is None else value


def _draw_thresholds(axes: Axes, proposal: Proposal) -> None:
    axes.axvline(
        proposal.in_force, color="#555555", linewidth=1.1, linestyle=(0, (4, 3)), label="in force"
    )
    # A line that is nowhere keeps "proposed" in the legend of a cut without a proposal.
    where = proposal.threshold if proposal.proposed else float("nan")
    axes.axvline(where, color="#000000", linewidth=1.6, label="proposed")
    if proposal.proposed:
        # On the side away from the other line.
        left = proposal.threshold < proposal.in_force
        axes.annotate(
            f"{proposal.threshold:.2f}",
            (proposal.threshold, 0.03),
            xytext=(-4 if left else 4, 0),
            textcoords="offset points",
            ha="right" if left else "left",
            fontsize=8.5,
            fontweight="bold",
        )


def _draw_histogram(
    axes: Axes,
    histogram: Sequence[HistogramBar],
    proposals: Sequence[Proposal],
) -> None:
    axes.set_title("Labels by similarity")
    axes.set_ylabel("labels")
    axes.grid(visible=True, axis="y")
    axes.set_axisbelow(True)
    bottoms = [0] * len(histogram)
    for kind, name, color in _BARS:
        counts = [bar.counts[kind] for bar in histogram]
        if any(counts):
            axes.bar(
                [bar.low for bar in histogram],
                counts,
                width=[bar.high - bar.low for bar in histogram],
                bottom=bottoms,
                align="edge",
                color=color,
                edgecolor="white",
                linewidth=0.8,
                label=name,
            )
            bottoms = [below + count for below, count in zip(bottoms, counts, strict=True)]
    axes.yaxis.get_major_locator().set_params(integer=True)
    for each in proposals:
        axes.axvline(each.in_force, color="#555555", linewidth=1.0, linestyle=(0, (4, 3)))
        if each.proposed:
            axes.axvline(each.threshold, color="#000000", linewidth=1.3)
    legend = axes.legend(fontsize=8, reverse=True, frameon=True, framealpha=0.95, borderpad=0.7)
    legend.get_frame().set_linewidth(0)


def _written(figure: Figure, kind: str) -> bytes:
    """The picture as a file, without anything that differs from run to run."""
    if kind == "svg":
        from matplotlib.backends.backend_svg import FigureCanvasSVG as Canvas

        canvas: Any = Canvas(figure)
        metadata: dict[str, str | None] = {"Date": None, "Creator": None}
    else:
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        canvas = FigureCanvasAgg(figure)
        metadata = {"Software": None}
    buffer = io.BytesIO()
    canvas.print_figure(buffer, format=kind, dpi=150, metadata=metadata)
    return buffer.getvalue()
