"""Figures: legible on any ground, the same bytes each time."""

from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.reporting import document, style
from src.reporting.inputs import read_inputs
from src.reporting.training import last_loss, running_mean, steps
from tests.unit.reporting_run import SET, make_run


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    root = tmp_path_factory.mktemp("run")
    sets = (SET, "scifact_tr_synthetic_text")
    folder = root / "figures"
    inputs = read_inputs(make_run(root, sets), root)
    for figure in document.report(inputs).figures():
        figure.draw(folder / f"{figure.name}{style.SUFFIX}")
    return folder


def test_every_topic_draws(drawn):
    names = {path.stem for path in drawn.glob("*.svg")}
    single = {"dimensions", "training", "forgetting", "pareto", f"latency-{SET}", f"forgetting_errors-{SET}"}
    ablations = {f"ablation-{key}" for key in ("batch", "order", "settings", "sources", "anti_forgetting")}
    assert single | ablations | {f"{kind}-{SET}" for kind in ("models", "memory")} <= names


def test_a_figure_is_legible_on_any_ground_names_its_data_and_carries_no_date_or_version(drawn):
    for path in drawn.iterdir():
        root = ElementTree.parse(path).getroot()
        width, height = root.get("viewBox").split()[2:]
        ground = next(root.iter("{http://www.w3.org/2000/svg}path"))
        corners = f"M 0 {height} L {width} {height} L {width} 0 L 0 0 z"
        assert (" ".join(ground.get("d").split()), ground.get("style")) == (corners, "fill: #ffffff"), path.name
        text = path.read_text(encoding="utf-8")
        assert "synthetic" in text and "n = " in text, path.name
        assert "<dc:date>" not in text and "<dc:creator>" not in text, path.name


def test_a_chart_leaves_matplotlib_as_it_was(tmp_path):
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    with style.chart(tmp_path / "x.svg", "title", "note") as (axes,):
        axes.plot([1, 2], [3, 4])
    assert dict(mpl.rcParams) == before


def test_a_long_training_counts_its_steps_and_the_loss_of_its_last_epoch():
    curve = {"step": [50.0, 100.0, 150.0, 200.0], "epoch": [0.5, 1.0, 1.5, 2.0], "loss": [8.0, 4.0, 2.0, 1.0]}
    assert (steps(curve), last_loss(curve)) == (200, 1.5)


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=50), st.integers(0, 10))
def test_running_mean_stays_within_the_values(values, width):
    smooth = running_mean(np.array(values), width)
    assert len(smooth) == len(values)
    assert smooth.min() >= min(values) - 1e-6 and smooth.max() <= max(values) + 1e-6
    assert running_mean(np.array([1.0, 2.0, 3.0]), 1) == pytest.approx([1.5, 2.0, 2.5])
