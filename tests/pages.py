"""How pages write values of the records under reports/records."""

from __future__ import annotations

from pathlib import Path

from src.evaluation import significance
from src.files import read_json
from src.record.variants import compared

ROOT = Path(__file__).parents[1]
RECORDS = ROOT / "reports/records"


def page(name: str) -> str:
    """A page of docs/."""
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def rows_of(record: str):
    """The rows of a record's comparison of variants, which a record of a whole run keeps among its evidence."""
    paths = (RECORDS / record / folder / "comparison.json" for folder in ("", "evidence/reports/ablation"))
    return read_json(next(path for path in paths if path.is_file()))["rows"]


def short(value: float, form: str = ".4f") -> str:
    """`.9249`, `−.0052`: without the zero before the point."""
    return f"{value:{form}}".replace("0.", ".", 1).replace("-", "−")


def spread(measured) -> str:
    """A mean with its deviation over seeds, if there is one."""
    return short(measured["mean"]) + (f" ± {short(measured['sd'])}" if measured.get("sd") else "")


def change(value: float, interval, digits: int = 4) -> str:
    """A difference with its sign and interval."""
    low, high = (short(end, f".{digits}f") for end in interval)
    return f"{short(value, f'+.{digits}f')} [{low}, {high}]"


def change_of(differences, clusters, record: str = "e5_seeds") -> str:
    """The mean of the queries' differences, (queries,), with the interval that the record's resamples give."""
    draws = compared(RECORDS / record)[1]
    (tested,) = significance.tested_differences(differences[:, None], draws, clusters)
    return change(tested["difference"], tested["interval"])
