"""The comparison as a Markdown table, for the terminal and for notes."""

from __future__ import annotations

from pathlib import Path

from src.ablation.results import Comparison, Measured
from src.table_files import write_table


def markdown(comparison: Comparison) -> str:
    """One line a row: nDCG@10 on every set, Spearman's correlation, its drop, and that as a share of the reference's.

    A difference from the reference that is significant after Holm's correction is marked with *.
    """
    sets = comparison["sets"]
    header = ["variant", *(f"{name} nDCG@10" for name in sets), "STS Spearman", "drop", "of the reference's"]
    lines = [header, ["---", *("---:" for _ in header[1:])]]
    for name, row in comparison["rows"].items():
        share = row["sts"].get("drop_share")
        lines.append(
            [
                name,
                *(_cell(row["retrieval"][key]) for key in sets),
                _cell(row["sts"]),
                f"{row['sts']['drop']:+.3f}",
                "" if share is None else f"{share:.0%}",
            ]
        )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write_plot(path: Path, comparison: Comparison) -> None:
    """Every variant on every set, for `dvc plots show`."""
    sets = comparison["sets"]
    lines = [
        [
            variant if len(sets) == 1 else f"{variant}, {name}",
            name,
            f"{row['retrieval'][name]['mean']:.6g}",
            f"{row['sts']['mean']:.6g}",
        ]
        for name in sets
        for variant, row in comparison["rows"].items()
    ]
    write_table(path, ["variant", "set", "nDCG@10", "Spearman"], lines)


def _cell(values: Measured) -> str:
    """`0.712 ± 0.004 (+0.021*)`."""
    text = f"{values['mean']:.3f}" + (f" ± {values['sd']:.3f}" if "sd" in values else "")
    if "difference" in values:
        text += f" ({values['difference']:+.3f}{'*' if values['significant'] else ''})"
    return text
