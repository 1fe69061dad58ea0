"""Files of numbers, compared number by number."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any


def numbers(value: Any) -> dict[str, float]:
    """Every number in a JSON value by its dotted key; lists count their items from 0."""
    return dict(_numbers(value, ""))


def _numbers(value: Any, key: str) -> Iterator[tuple[str, float]]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield key, float(value)
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in items:
        yield from _numbers(item, f"{key}.{name}" if key else str(name))


def differences(before: Any, after: Any, tolerance: float) -> list[str]:
    """One line for each number that is missing on a side or differs by more than `tolerance` (absolute)."""
    old, new = numbers(before), numbers(after)
    lines = [f"{key}: only {'before' if key in old else 'after'}" for key in sorted(old.keys() ^ new.keys())]
    for key in sorted(old.keys() & new.keys()):
        if not math.isclose(old[key], new[key], rel_tol=0.0, abs_tol=tolerance):
            lines.append(f"{key}: {old[key]:.4f} → {new[key]:.4f} ({new[key] - old[key]:+.4f})")
    return lines
