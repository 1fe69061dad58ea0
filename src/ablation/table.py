"""The comparison as a Markdown table, for the terminal and for notes."""

from __future__ import annotations

from pathlib import Path

from src.ablation.results import Comparison, Measured
from src.table_files import write_table


def markdown(comparison: Comparison) -> str:
    """One line a row: optimizer steps, nDCG@10 on every set, Spearman's correlation, its drop, and the share of it.

    Beside a value its difference from the row compared with and the interval of that; * where it is significant after
    Holm's correction. The share is of the drop of the row compared with.
    """
    sets = comparison["sets"]
    header = ["variant", "updates", *(f"{name} nDCG@10" for name in sets), "STS Spearman", "drop", "share of its drop"]
    lines = [header, ["---", *("---:" for _ in header[1:])]]
    for name, row in comparison["rows"].items():
        share = row["sts"].get("drop_share")
        lines.append(
            [
                name,
                "–" if name.endswith("@0") else f"{row['updates']:,}",
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
    """`0.712 ± 0.004 (+0.021 [0.008, 0.033]*)`."""
    text = f"{values['mean']:.3f}" + (f" ± {values['sd']:.3f}" if "sd" in values else "")
    if "difference" in values:
        low, high = (f"{end:.3f}" for end in values["interval"])
        text += f" ({values['difference']:+.3f} [{low}, {high}]{'*' if values['significant'] else ''})"
    return text
