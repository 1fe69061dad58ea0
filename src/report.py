"""Stage report: metrics, tables, figures, data cards, checks and the report, from what earlier stages left."""

from __future__ import annotations

from pathlib import Path

from src.errors import UserError, run_stage
from src.params import load_params
from src.runtime import set_environment

REPORTS = Path("reports")


def main(arguments: list[str]) -> None:
    """Write reports/{metrics,summary}.json, reports/{data,tables}/ and reports/REPORT.md."""
    if arguments:
        raise UserError(f"no argument expected, found {arguments[0]!r}")
    params = load_params()
    set_environment(params.runtime)
    from src.files import fresh_dir, write_json, write_text
    from src.reporting import metrics, results
    from src.reporting.cards import write_cards
    from src.reporting.inputs import read_inputs

    inputs = read_inputs(params)
    write_json(REPORTS / "metrics.json", metrics.merge(inputs))
    write_json(REPORTS / "summary.json", metrics.summary(inputs))
    write_cards(inputs, REPORTS / "data")
    with fresh_dir(REPORTS / "tables") as folder:
        for table in results.all_tables(inputs):
            table.write(folder)
    write_text(
        REPORTS / "REPORT.md", "# Report\n\n" + "\n".join(table.markdown() for table in results.all_tables(inputs))
    )


if __name__ == "__main__":
    run_stage(main)
