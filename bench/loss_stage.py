"""`python -m bench.loss_stage`: value and gradient of the Matryoshka ranking loss, ours against sentence-transformers'.

The loss stage alone, from 1,024 pairs of 768-dimensional vectors to their gradients over five prefixes, as the stock
cached loss computes it between its two encodings (mini-batches of 32) and as ours does in one pass.
"""

from __future__ import annotations

import os
from typing import Any

from src.errors import run_command

os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

PAIRS, DIMS, MINI_BATCH, TEMPERATURE = 1024, (768, 512, 256, 128, 64), 32, 0.05
GOAL, RUNS = 8.0, 15


class NoModel:
    """Stands for the encoder, which the loss stage does not use."""

    def get_embedding_dimension(self) -> int:
        """Size of its vectors."""
        return DIMS[0]

    def __getitem__(self, index: int) -> Any:
        return self


def main(_: list[str]) -> None:
    """Time both sides in turn; check that they agree; write the result."""
    import torch

    from bench.common import alternate, ratio, write_result
    from src.training.losses import Ranking
    from src.training.matryoshka import Matryoshka

    torch.manual_seed(0)
    queries, documents = torch.randn(PAIRS, DIMS[0]), torch.randn(PAIRS, DIMS[0])
    documents += queries  # a pair resembles each other, as in training
    ours = Ranking(Matryoshka.of(DIMS), TEMPERATURE)
    theirs = stock_loss()
    difference = compare(ours(queries, documents), stock(theirs, queries, documents))
    sides = {"ours": lambda: ours(queries, documents), "stock": lambda: stock(theirs, queries, documents)}
    seconds = alternate(sides, RUNS, warm_up=2)
    write_result(
        "loss_stage",
        round(ratio(seconds, "stock", "ours"), 2),
        unit="times faster",
        goal=GOAL,
        higher_is_better=True,
        ours={"seconds": seconds["ours"]},
        baseline={"seconds": seconds["stock"], "what": f"MatryoshkaLoss(CachedMNRL), mini-batch {MINI_BATCH}"},
        runs=RUNS,
        difference=difference,
    )


def stock_loss() -> Any:
    """Sentence-transformers' cached loss under its Matryoshka loss."""
    from sentence_transformers.sentence_transformer.losses import CachedMultipleNegativesRankingLoss, MatryoshkaLoss

    model: Any = NoModel()
    cached = CachedMultipleNegativesRankingLoss(model, scale=1 / TEMPERATURE, mini_batch_size=MINI_BATCH)
    MatryoshkaLoss(model, cached, list(DIMS))
    return cached


def stock(loss: Any, queries: Any, documents: Any) -> tuple[Any, Any, Any]:
    """What the stock cached loss does between its two encodings: loss and gradients."""
    import torch

    parts = [[part.clone().requires_grad_() for part in side.split(MINI_BATCH)] for side in (queries, documents)]
    value = loss.calculate_loss(parts, with_backward=True)
    gradients = [torch.cat([part.grad for part in side]) for side in parts]
    return value, gradients[0], gradients[1]


def compare(ours: Any, theirs: Any) -> dict[str, float]:
    """Relative differences of loss and gradients.

    Raises:
        SystemExit: they are not the same to float32 rounding.
    """
    loss = abs(float(ours.loss) / float(theirs[0]) - 1)
    gradients = max(float((a - b).norm() / b.norm()) for a, b in zip(ours.gradients, theirs[1:], strict=True))
    if max(loss, gradients) > 1e-4:
        raise SystemExit(f"not the same loss: differs by {loss:g}, its gradient by {gradients:g}")
    return {"loss": loss, "gradient": gradients}


if __name__ == "__main__":
    run_command(main)
