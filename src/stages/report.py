"""Stage report: metrics, checks, data cards, tables, figures and the report, from what earlier stages left."""

from __future__ import annotations

from pathlib import Path

from src.files import fresh_dir, read_text, write_text
from src.params import Params
from src.reporting import document, html
from src.reporting.cards import write_cards
from src.reporting.inputs import read_inputs
from src.reporting.model_card import model_card

REPORTS = Path("reports")


def run(params: Params) -> None:
    """Write what reports/ holds of the whole run: numbers, checks, cards, tables, figures, the report."""
    inputs = read_inputs(params)
    write_cards(inputs, REPORTS / "data")
    with fresh_dir(REPORTS / "model_card") as folder:
        write_text(folder / "README.md", model_card(inputs))
    report = document.report(inputs)
    with fresh_dir(REPORTS / "tables") as folder:
        for table in (*report.tables(), *report.plots()):
            table.write(folder)
    document.write(inputs, report, REPORTS)
    write_text(REPORTS / "report.html", html.page(read_text(REPORTS / "REPORT.md"), REPORTS))
