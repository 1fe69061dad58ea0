"""A run as a list of tasks: what each trains on, and which batch of which task every optimizer step takes.

The first task is the stage's own. Those after it replay the data of earlier stages against forgetting: a share of the
optimizer steps takes a batch of theirs, under their own loss, instead of one of the first. The number of steps and of
rows in a batch stays, so a run with replay sees as many rows as one without.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import cycle
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from torch import Tensor
from torch.utils.data import Dataset

from src.model.prompts import prompts_of
from src.params.schema import StageParams
from src.training.dataset import Rows, Tokens, read_rows, tokenise
from src.training.distributed import process_rows, world
from src.training.encoding import MiniBatch, mini_batches
from src.training.losses import loss_of
from src.training.objective import Loss, Targets, Term
from src.training.relevance import Relevance
from src.training.sampler import BatchPlan, Ids


@dataclass
class Batch:
    """One optimizer step's rows.

    Attributes:
        task: the number of the task that they are of.
        rows: their numbers, (B,).
        texts: B · columns.
        indices: of this process's texts among those of the batch, which follow column after column.
        mini_batches: this process's texts, cut by `budget` tokens.
        targets: what the batch has beside its texts.
        terms: what is minimised is the sum of these.
    """

    task: int
    rows: Ids
    texts: int
    indices: Tensor
    mini_batches: list[MiniBatch]
    budget: int
    targets: Targets
    terms: Sequence[Term]

    def __contains__(self, key: object) -> bool:
        """The trainer asks for `labels`, to scale losses by tokens; there are none."""
        return False


@dataclass
class Task:
    """Rows, tokenised, with the loss that is trained on them.

    Attributes:
        plan: the batches of rows.
        terms: what is added to the loss.
        teacher: (texts, D) embeddings of the texts by a teacher, for a term that needs them.
    """

    rows: Rows
    tokens: Tokens
    loss: Loss
    plan: BatchPlan
    terms: list[Term] = field(default_factory=list)
    teacher: NDArray[np.float32] | None = None

    @cached_property
    def relevance(self) -> Relevance | None:
        """The known positives of each query, where the loss masks them."""
        return Relevance(self.rows.relevant) if self.loss.masks_relevant else None

    def batch(self, rows: Ids, budget: int, number: int = 0) -> Batch:
        """The batch of these rows, cut by `budget` tokens; `number`: of this task."""
        ids = self.rows.ids[rows]
        own = process_rows(len(rows))
        return Batch(
            task=number,
            rows=rows,
            texts=ids.size,
            indices=torch.from_numpy(np.concatenate([own + column * len(rows) for column in range(ids.shape[1])])),
            mini_batches=mini_batches(self.tokens, ids[own].T.ravel(), budget),
            budget=budget,
            targets=self._targets(rows),
            terms=(self.loss, *self.terms),
        )

    def _targets(self, rows: Ids) -> Targets:
        gold, teacher, relevance = self.rows.gold, self.teacher, self.relevance
        return Targets(
            rows=len(rows),
            gold=None if gold is None else torch.from_numpy(gold[rows]),
            ignored=None if relevance is None else torch.from_numpy(relevance.ignored(self.rows.same[rows])),
            teacher=None if teacher is None else torch.from_numpy(teacher[self.rows.ids[rows].T.ravel()]),
        )


def read_task(path: Path, stage: StageParams, model: SentenceTransformer, batch_size: int, seed: int) -> Task:
    """The task of a file of rows, in batches of so many, or of all where they are fewer: of replay or the dev split.

    Raises:
        UserError: the rows are malformed.
    """
    loss = loss_of(stage)
    rows = read_rows(path, loss.columns, prompts_of(model))
    tokens = tokenise(model.tokenizer, rows.texts, stage.max_length, quiet=True)
    return Task(rows, tokens, loss, loss.plan(rows.same, min(batch_size, len(rows)), 1, seed))


class TaskBatches(Dataset[Batch]):
    """The batches of a run's tasks as torch's DataLoader takes them."""

    def __init__(self, tasks: Sequence[Task], budget: int) -> None:
        """`budget`: tokens of a mini-batch; it falls where memory does not suffice."""
        self.tasks, self.budget = tasks, budget

    def __len__(self) -> int:
        return sum(len(task.rows) for task in self.tasks)

    def __getitems__(self, step: tuple[int, Ids]) -> Batch:
        """The batch of a step of RunPlan, as torch's DataLoader asks for it."""
        task, rows = step
        return self.tasks[task].batch(rows, self.budget, task)

    def cut_again(self, batch: Batch) -> None:
        """Cut a batch by the budget as it is now."""
        if batch.budget != self.budget:
            batch.mini_batches = self.tasks[batch.task].batch(batch.rows, self.budget).mini_batches
            batch.budget = self.budget


class RunPlan:
    """The task and the rows of every optimizer step: torch's batch sampler."""

    def __init__(self, tasks: Sequence[Task], replay_share: float = 0.0) -> None:
        """`replay_share`: of the steps, evenly spread, that the tasks after the first take in turn."""
        self.own, *self.replayed = [task.plan for task in tasks]
        self.share = replay_share
        self.steps, self.steps_per_epoch = self.own.steps, self.own.steps_per_epoch

    def epochs(self) -> list[float]:
        """How often the run reads the rows of each task, to a step."""
        replayed = math.floor(self.steps * self.share)
        each = [replayed / len(self.replayed) / plan.steps_per_epoch for plan in self.replayed]
        return [(self.steps - replayed) / self.steps_per_epoch, *each]

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[tuple[int, Ids]]:
        """(number of the task, numbers of its rows) of each step; the same every time."""
        own = iter(self.own)
        turns = cycle([(number, plan.endless()) for number, plan in enumerate(self.replayed, 1)])
        for step in range(self.steps):
            if math.floor((step + 1) * self.share) == math.floor(step * self.share):
                yield 0, next(own)
            else:
                number, batches = next(turns)
                yield number, next(batches)


def report_unseen(name: str, stage: StageParams, task: Task, log: Callable[..., None]) -> None:
    """Log how many texts are cut and rows are in no batch; the first process prints it too, in a line each."""
    texts, cut, left_out = len(task.rows.texts), len(task.tokens.cut), task.plan.left_out()
    log(rows=len(task.rows), texts=texts, texts_cut=cut, rows_left_out=left_out)
    lines = []
    if cut:
        limit = f"max_length {stage.max_length}"
        lines.append(f"{cut} of {texts} texts are longer than {limit} and are cut: {', '.join(cut_by_column(task))}")
    if left_out > 1:
        lines.append(
            f"{left_out} rows are left out of each epoch, since their texts stand in every batch; "
            "a smaller batch_size or false_negatives: mask takes them in"
        )
    for line in lines if world()[0] == 0 else ():
        print(f"{name}: {line}", file=sys.stderr)


def cut_by_column(task: Task) -> Iterator[str]:
    """`anchor 0 of 2,000`: how many of the different texts of each column are cut."""
    for column, ids in zip(task.rows.columns, task.rows.ids.T, strict=True):
        texts = np.unique(ids)
        yield f"{column} {np.isin(texts, task.tokens.cut).sum():,} of {len(texts):,}"
