"""Stage report: metrics, checks, data cards, tables, figures and the report, from what earlier stages left."""

from __future__ import annotations

from pathlib import Path

from src.files import fresh_dir, write_json, write_text
from src.model.card import write_model_card
from src.params import Params
from src.reporting import checks, document, figures, html, metrics, plots, results
from src.reporting.cards import write_cards
from src.reporting.inputs import TRAINING_SETS, read_inputs
from src.reporting.text_run import base_origin

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
        write_model_card(folder, merged, params, cards, base_origin(inputs))
    with fresh_dir(REPORTS / "tables") as folder:
        for table in results.all_tables(inputs, found):
            table.write(folder)
    with fresh_dir(REPORTS / "plots") as folder:
        plots.write_all(inputs, folder)
    with fresh_dir(REPORTS / "figures") as folder:
        figures.draw_all(inputs, folder)
    text = document.write_report(inputs, found)
    write_text(REPORTS / "REPORT.md", text)
    write_text(REPORTS / "report.html", html.page(text, REPORTS))
