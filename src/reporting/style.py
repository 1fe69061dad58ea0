"""How figures look, and how they are saved: the same bytes from the same numbers.

Colours are Okabe and Ito's, which people with any colour vision tell apart; every series has its own marker too. The
ground is white and opaque, so that a figure reads on a dark page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILLION, PURPLE = "#0072B2", "#D55E00", "#CC79A7"
GREY = "#6E6E6E"
SERIES = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK)
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
SUFFIX = ".svg"
_SETTINGS: Any = {
    "font.family": ["DejaVu Sans", "sans-serif"],  # matplotlib brings the first along; it has the Turkish letters
    "font.size": 9,
    "figure.dpi": 150,
    "savefig.dpi": 150,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "savefig.transparent": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "grid.color": "#E3E3E3",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "lines.markersize": 5,
    "svg.hashsalt": "reports",
    "svg.fonttype": "none",
}


@contextmanager
def chart(
    target: Path,
    title: str,
    note: str,
    *,
    size: tuple[float, float] = (7.0, 4.0),
    grid: tuple[int, int] = (1, 1),
) -> Iterator[list[Axes]]:
    """Axes to draw on; TARGET is written when the block ends: SVG, which GitHub shows, the same bytes each time.

    Args:
        title: what is shown, on top.
        note: set, protocol, n and whether it is synthetic, below.
        size: inches.
        grid: rows and columns of axes.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_SETTINGS)
        figure = Figure(figsize=size, layout=ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.07))
        FigureCanvasAgg(figure)
        axes = figure.subplots(*grid, squeeze=False).ravel().tolist()
        yield axes
        figure.suptitle(wrap(title, size[0], 11.5), x=0.01, ha="left", fontsize=11, fontweight="bold")
        figure.supxlabel(wrap(note, size[0], 7.5), x=0.01, ha="left", fontsize=7.5, color=GREY)
        target.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(target, format=SUFFIX[1:], metadata={"Date": None, "Creator": None})


def wrap(text: str, width: float, points: float) -> str:
    """Text broken into lines that fit `width` inches at a font size."""
    return fill(text, int(width * 72 / (0.6 * points)))


def powers_of_two(axes: Axes, ticks: Sequence[float]) -> None:
    """A logarithmic x-axis with these ticks, in plain numbers."""
    axes.set_xscale("log", base=2)
    axes.set_xticks(ticks, [f"{tick:,g}" for tick in ticks])
    axes.minorticks_off()


def plain_logarithm(axes: Axes) -> None:
    """A logarithmic y-axis with a few plain numbers."""
    from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(ScalarFormatter())
    axes.yaxis.set_minor_formatter(NullFormatter())


def legend_below(axes: Axes, columns: int = 1) -> None:
    """A legend below the axes, where it covers nothing."""
    axes.legend(loc="upper left", bbox_to_anchor=(0, -0.21), fontsize=7.5, ncols=columns, borderaxespad=0)
