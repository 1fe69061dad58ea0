"""Compare two metrics files number by number: `python -m src.cli.parity BEFORE AFTER TOLERANCE`.

CI uses it on a processor other than the one whose results are in git, and `make parity` before and after an upgrade
of the pinned packages.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from src.errors import UserError, run_command
from src.files import read_json


def numbers(value: Any, key: str = "") -> Iterator[tuple[str, float]]:
    """Every number in a JSON value with its dotted key; lists count their items from 0."""
    if isinstance(value, bool):
        return
    if isinstance(value, int | float):
        yield key, float(value)
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in items:
        yield from numbers(item, f"{key}.{name}" if key else str(name))


def differences(before: Any, after: Any, tolerance: float) -> list[str]:
    """One line for each number that is missing on a side or differs by more than `tolerance` (absolute)."""
    old, new = dict(numbers(before)), dict(numbers(after))
    lines = [f"{key}: only {'before' if key in old else 'after'}" for key in sorted(old.keys() ^ new.keys())]
    for key in sorted(old.keys() & new.keys()):
        if not math.isclose(old[key], new[key], rel_tol=0.0, abs_tol=tolerance):
            lines.append(f"{key}: {old[key]:.4f} → {new[key]:.4f} ({new[key] - old[key]:+.4f})")
    return lines


def main(arguments: list[str]) -> None:
    """Print how far two files are apart; raise UserError where that is more than the tolerance."""
    before, after = read_json(arguments[0]), read_json(arguments[1])
    tolerance = float(arguments[2])
    lines = differences(before, after, tolerance)
    if lines:
        print("\n".join(lines))
        raise UserError(
            f"{len(lines)} numbers differ by more than {tolerance} between {arguments[0]} and {arguments[1]}"
        )
    old, new = dict(numbers(before)), dict(numbers(after))
    widest = max((abs(old[key] - new[key]) for key in old), default=0.0)
    print(f"{len(old)} numbers agree within {tolerance}; the widest difference is {widest:.6f}")


if __name__ == "__main__":
    run_command(main, "BEFORE.json AFTER.json TOLERANCE", ".cache/metrics-before.json reports/metrics.json 0.08")
