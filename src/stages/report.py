"""Stage report: metrics, checks, data cards, tables, figures and the report, from what earlier stages left."""

from __future__ import annotations

from pathlib import Path

from src.files import fresh_dir, write_json, write_text
from src.model.card import write_model_card
from src.params import Params
from src.reporting import checks, document, html, markdown, metrics
from src.reporting.cards import write_cards
from src.reporting.inputs import TRAINING_SETS, read_inputs
from src.reporting.style import SUFFIX

REPORTS = Path("reports")


def run(params: Params) -> None:
    """Write what under reports/ tells of the whole run: numbers, checks, cards, tables, figures, the report."""
    inputs = read_inputs(params)
    found = checks.all_checks(inputs)
    merged = metrics.merge(inputs)
    write_json(REPORTS / "metrics.json", merged)
    write_json(REPORTS / "summary.json", metrics.summary(inputs))
    write_json(REPORTS / "checks.json", checks.as_json(found))
    write_cards(inputs, REPORTS / "data")
    with fresh_dir(REPORTS / "model_card") as folder:
        cards = {name: inputs.cards[name] for name in TRAINING_SETS}
        write_model_card(folder, merged, params, cards, inputs.base_origin)
    report = document.report(inputs, found)
    for name, tables in (("tables", report.tables()), ("plots", report.plots())):
        with fresh_dir(REPORTS / name) as folder:
            for table in tables:
                table.write(folder)
    with fresh_dir(REPORTS / "figures") as folder:
        for figure in report.figures():
            figure.draw(folder / f"{figure.name}{SUFFIX}")
    text = markdown.page(report)
    write_text(REPORTS / "REPORT.md", text)
    write_text(REPORTS / "report.html", html.page(text, REPORTS))
