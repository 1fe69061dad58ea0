"""A dev split carved out of train: no text of it, whatever its column, stands in train."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from src.data.columns import Kind
from src.data.text import identity
from src.data.training_set import Split
from src.errors import UserError
from src.strict_json import Row


def split_off(kind: Kind, split: Split, count: int, seed: int) -> Split:
    """Move about `count` rows of `split` into a new one, drawn with the seed.

    Rows that share a text (`src.data.text.identity`), directly or through other rows, go together. So there are fewer
    rows where no groups of rows add up to `count`, and more where every group is larger.

    Raises:
        UserError: the smallest group is more than half of the rows.
    """
    groups = connected(kind, split.rows)
    sizes = np.bincount(groups)
    chosen = _chosen(sizes, count, np.random.default_rng(seed).permutation(len(sizes)))
    moved = int(sizes[chosen].sum())
    if 2 * moved > max(len(split.rows), 2 * count):
        raise UserError(
            f"dev_rows {count}: shared texts tie {moved} of the {len(split.rows)} rows together, so that no dev split "
            "without texts of train is left; set it to 0 or give a dev file"
        )
    to_dev = np.zeros(len(sizes), dtype=bool)
    to_dev[chosen] = True
    dev = Split(rows=[row for row, group in zip(split.rows, groups, strict=True) if to_dev[group]], read=moved)
    split.rows = [row for row, group in zip(split.rows, groups, strict=True) if not to_dev[group]]
    split.dropped["moved to dev"] += moved
    return dev


def connected(kind: Kind, rows: Sequence[Row]) -> NDArray[np.int64]:
    """The number of each row's group: rows that share a text are in one, as are those that a chain of rows joins."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    numbers: dict[str, int] = {}
    edges = np.array(list(_edges(kind, rows, numbers)), dtype=np.int64)
    size = len(rows) + len(numbers)  # the graph's nodes: rows, then texts
    ends = edges[:, 0], len(rows) + edges[:, 1]
    graph = coo_array((np.ones(len(edges), dtype=np.int8), ends), shape=(size, size))
    _, groups = connected_components(graph, directed=False)
    components: NDArray[np.int64] = groups[: len(rows)].astype(np.int64)
    return components


def _edges(kind: Kind, rows: Sequence[Row], numbers: dict[str, int]) -> Iterator[tuple[int, int]]:
    """(row, number of a text of it), numbering the texts on the way."""
    for row, values in enumerate(rows):
        for column in kind.texts:
            if column in values:
                yield row, numbers.setdefault(identity(values[column]), len(numbers))


def _chosen(sizes: NDArray[np.int64], count: int, order: NDArray[np.int64]) -> list[int]:
    """Groups in their drawn order that fit into `count` rows; the smallest one where none fits."""
    chosen, left = [], count
    for group in order.tolist():
        if sizes[group] <= left:
            chosen.append(group)
            left -= int(sizes[group])
        if not left:
            break
    return chosen or [int(order[np.argmin(sizes[order])])]
