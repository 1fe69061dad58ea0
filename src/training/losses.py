"""Matryoshka losses in one pass over the dimensions: the value, and the gradient at the embeddings.

A Matryoshka loss (Kusupati et al. 2022, arXiv 2205.13147) is a weighted sum of one loss per prefix of the vector.
The prefixes are nested, so their scores are running sums: the product of each *band* of dimensions (what a prefix
adds to the one before) is added to one score matrix, the squares of the band to the squared norms, and a
cross-entropy is taken after each band. All bands together cost one full-width product, not one per prefix.

The gradient is written out instead of left to autograd, since gradient caching needs it at the embeddings only:
with H_k the gradient at the unscaled scores of prefix k, band b receives (Σ_{k≥b} H_k) · documents_b, which is one
product per band again. Rows of queries are independent, so they are taken a few at a time and their scores
stay in the processor's cache.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from src.params.schema import StageParams
from src.training.dataset import RANKED, SCORED
from src.training.matryoshka import EPSILON, Matryoshka
from src.training.objective import Loss, LossAndGradients, Targets

_ROWS_AT_ONCE = 128  # queries whose scores are held at once on the CPU; 128 × 1024 float32 are 512 KiB


@dataclass(frozen=True)
class Ranking(Loss):
    """Multiple-negatives ranking (InfoNCE; van den Oord et al. 2018, arXiv 1807.03748) on cosine / temperature.

    Attributes:
        symmetric: the passage must find its query too; the two directions' softmaxes are averaged (Günther et al.
            2023, arXiv 2310.19923), as sentence-transformers does with `partition_mode="per_direction"`.
        margin: a document that scores above the positive - margin in a query's whole vector does not count as a
            negative of it. None: every document does.
        masks_relevant: other rows' positives of the same query do not count as negatives either.
    """

    columns = RANKED
    competing = True

    matryoshka: Matryoshka
    temperature: float
    symmetric: bool = False
    margin: float | None = None
    masks_relevant: bool = False

    @classmethod
    def of(cls, stage: StageParams) -> Self:
        """`false_negatives`: keep them all, mask what is known to be relevant, and beyond that what scores high."""
        matryoshka = Matryoshka.of(stage.dims, stage.dim_weights)
        margin = stage.false_negatives if isinstance(stage.false_negatives, float) else None
        return cls(matryoshka, stage.temperature, stage.symmetric, margin, stage.false_negatives != "keep")

    def of_batch(self, vectors: Tensor, targets: Targets) -> LossAndGradients:
        """The first column's texts are queries, all others documents."""
        return self(vectors[: targets.rows], vectors[targets.rows :], targets.ignored)

    def __call__(self, queries: Tensor, documents: Tensor, ignored: Tensor | None = None) -> LossAndGradients:
        """The mean loss over queries.

        Args:
            queries: (B, D) float32.
            documents: (B · n, D) float32: the B positives in the order of their queries, then negatives, if any.
            ignored: (B, B · n) bool, documents that do not count for a query; the positives are False.
        """
        with torch.no_grad():
            return _RankingPass(self, queries, documents, ignored).run()


class _RankingPass:
    """One evaluation of a Ranking loss: the buffers that its chunks of rows share."""

    def __init__(self, loss: Ranking, queries: Tensor, documents: Tensor, ignored: Tensor | None) -> None:
        self.queries, self.documents, self.ignored = queries.float(), documents.float(), ignored
        self.weights, self.bands = loss.matryoshka.weights, loss.matryoshka.bands()
        self.symmetric, self.margin = loss.symmetric, loss.margin
        self.query_scale = loss.matryoshka.inverse_norms(self.queries)
        self.document_scale = loss.matryoshka.inverse_norms(self.documents)
        self.query_logit_scale = self.query_scale / loss.temperature
        self.gradient_queries = torch.zeros_like(self.queries)
        self.gradient_documents = torch.zeros_like(self.documents)
        self.columns = torch.zeros_like(self.document_scale)  # Σ_i G_ij · logit_ij of each prefix

    def run(self) -> LossAndGradients:
        count = len(self.queries)
        # The other direction's softmax runs over all queries; on a GPU one large product beats many small ones.
        whole = self.symmetric or self.queries.is_cuda
        step = count if whole else _ROWS_AT_ONCE
        total = self.queries.new_zeros(())
        for start in range(0, count, step):
            total += self._rows(slice(start, min(start + step, count)))
        self._add_norm_gradient(self.gradient_documents, self.documents, self.document_scale, self.columns)
        return LossAndGradients(total, (self.gradient_queries, self.gradient_documents))

    def _rows(self, rows: slice) -> Tensor:
        """The loss of some queries, adding their share to the gradients."""
        queries = self.queries[rows]
        ignored = self._ignored(rows)
        scores = queries.new_zeros(len(queries), len(self.documents))
        loss, score_gradients, row_sums = queries.new_zeros(()), [], []
        for prefix, band in enumerate(self.bands):
            scores.addmm_(queries[:, band], self.documents[:, band].T)
            scale = self.query_logit_scale[prefix, rows, None] * self.document_scale[prefix]
            logits = scores * scale
            if ignored is not None:
                logits.masked_fill_(ignored, -torch.inf)
            value, gradient = self._cross_entropy(logits, rows)
            loss += self.weights[prefix] * value
            gradient *= self.weights[prefix] / len(self.queries)
            if ignored is not None:
                logits.masked_fill_(ignored, 0.0)
            logits *= gradient
            row_sums.append(logits.sum(dim=1))
            self.columns[prefix] += logits.sum(dim=0)
            score_gradients.append(gradient.mul_(scale))
        self._add_score_gradient(rows, score_gradients)
        scales = self.query_scale[:, rows]
        self._add_norm_gradient(self.gradient_queries[rows], queries, scales, torch.stack(row_sums))
        return loss

    def _cross_entropy(self, logits: Tensor, rows: slice) -> tuple[Tensor, Tensor]:
        """Σ over these rows of the loss / B, and B × its gradient at the logits (rows, documents)."""
        own = torch.arange(rows.start, rows.stop, device=logits.device)
        index = own - rows.start
        log_p = torch.log_softmax(logits, dim=1)
        value = -log_p[index, own].sum()
        gradient = log_p.exp_()
        if self.symmetric:
            gradient *= 0.5
            back = torch.log_softmax(logits[:, : len(self.queries)], dim=0)
            value = 0.5 * (value - back[own, index].sum())
            gradient[:, : len(self.queries)].add_(back.exp_(), alpha=0.5)
        gradient[index, own] -= 1.0
        return value / len(self.queries), gradient

    def _add_score_gradient(self, rows: slice, score_gradients: list[Tensor]) -> None:
        """Walk the bands from the last to the first with the running sum of their prefixes' gradients."""
        running = score_gradients[-1]
        for prefix in range(len(self.bands) - 1, -1, -1):
            if prefix < len(self.bands) - 1:
                running += score_gradients[prefix]
            band = self.bands[prefix]
            self.gradient_queries[rows, band] += running @ self.documents[:, band]
            self.gradient_documents[:, band] += running.T @ self.queries[rows, band]

    def _add_norm_gradient(self, gradient: Tensor, vectors: Tensor, scales: Tensor, sums: Tensor) -> None:
        """d(1/|v|) part: every prefix adds -v · (Σ G · logit) / |v|² to its own dimensions."""
        shares = Matryoshka.running((sums * scales.square()).flip(0)).flip(0)
        for prefix, band in enumerate(self.bands):
            gradient[:, band].addcmul_(vectors[:, band], shares[prefix, :, None], value=-1.0)

    def _ignored(self, rows: slice) -> Tensor | None:
        """What does not count as a negative for these queries: given pairs and, with a margin, high scorers."""
        given = self.ignored[rows] if self.ignored is not None else None
        if self.margin is None:
            return given
        cosine = (self.queries[rows] * self.query_scale[-1, rows, None]) @ (
            self.documents * self.document_scale[-1, :, None]
        ).T
        own = torch.arange(rows.start, rows.stop, device=cosine.device)
        high = cosine > cosine[own - rows.start, own][:, None] - self.margin
        high[own - rows.start, own] = False
        return high if given is None else high | given


@dataclass(frozen=True)
class CoSent(Loss):
    """CoSENT (Su 2022, kexue.fm/archives/8847) of every prefix: log(1 + Σ exp((s_kl - s_ij) / temperature)).

    The sum runs over pairs of sentence pairs where (i, j) has a higher gold score than (k, l). With the gold scores
    sorted, the inner sum over higher ones is a running log-sum-exp, so no matrix of pairs of pairs is made.
    """

    columns = SCORED
    competing = False

    matryoshka: Matryoshka
    temperature: float

    @classmethod
    def of(cls, stage: StageParams) -> Self:
        """Dimensions and temperature alone."""
        return cls(Matryoshka.of(stage.dims, stage.dim_weights), stage.temperature)

    def of_batch(self, vectors: Tensor, targets: Targets) -> LossAndGradients:
        """The two columns' sentences against the rows' gold scores."""
        assert targets.gold is not None
        return self(vectors[: targets.rows], vectors[targets.rows :], targets.gold)

    def __call__(self, first: Tensor, second: Tensor, gold: Tensor) -> LossAndGradients:
        """The loss of (B, D) float32 sentence vectors against (B,) gold scores of their pairs."""
        leaves = [vectors.detach().float().requires_grad_() for vectors in (first, second)]
        with torch.enable_grad():
            scores = self._cosines(*leaves) / self.temperature
            order = gold.argsort(stable=True)
            gold, scores = gold[order], scores[:, order]
            higher = torch.searchsorted(gold, gold, right=True)
            suffix = torch.logcumsumexp(-scores.flip(1), dim=1).flip(1)
            suffix = torch.cat([suffix, suffix.new_full((len(suffix), 1), -torch.inf)], dim=1)
            terms = torch.cat([scores.new_zeros(len(scores), 1), scores + suffix[:, higher]], dim=1)
            weights = scores.new_tensor(self.matryoshka.weights)
            loss = (weights * terms.logsumexp(dim=1)).sum()
        return LossAndGradients(loss.detach(), torch.autograd.grad(loss, leaves))

    def _cosines(self, first: Tensor, second: Tensor) -> Tensor:
        """Cosine of each pair at each prefix: (prefixes, B)."""

        def running(left: Tensor, right: Tensor) -> Tensor:
            bands = self.matryoshka.bands()
            return self.matryoshka.running((left[:, band] * right[:, band]).sum(dim=1) for band in bands)

        norms = (running(first, first) * running(second, second)).clamp(min=EPSILON**2).sqrt()
        return running(first, second) / norms


LOSSES: dict[str, type[Loss]] = {"mnrl": Ranking, "cosent": CoSent}


def loss_of(stage: StageParams) -> Loss:
    """The loss that a stage's params name and describe."""
    return LOSSES[stage.loss].of(stage)
