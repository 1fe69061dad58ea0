"""The learning rate over a run, against transformers' schedules after the warm-up."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import get_scheduler

from src.training.schedule import scheduler, share_of_rate

SCHEDULES = st.sampled_from(["linear", "cosine", "constant"])


def rates(made, optimizer, steps):
    values = []
    for _ in range(steps):
        values.append(made.get_last_lr()[0])
        optimizer.step()
        made.step()
    return values


def adam():
    return torch.optim.AdamW([torch.zeros(1, requires_grad=True)], lr=1.0)


@given(st.integers(1, 60), st.floats(0, 1), SCHEDULES)
def test_no_step_has_a_rate_of_zero_and_none_exceeds_the_rate(steps, ratio, schedule):
    shares = [share_of_rate(step, steps, int(ratio * steps), schedule) for step in range(steps)]
    assert all(0 < share <= 1 for share in shares)
    assert max(shares) == 1 or int(ratio * steps) == steps
    warmup = shares[: int(ratio * steps)]
    assert warmup == sorted(warmup)


@pytest.mark.parametrize("schedule", ["linear", "cosine", "constant"])
def test_without_warm_up_the_rates_are_those_of_transformers(schedule):
    ours, theirs = adam(), adam()
    name = "constant_with_warmup" if schedule == "constant" else schedule
    stock = get_scheduler(name, theirs, num_warmup_steps=0, num_training_steps=20)
    assert rates(scheduler(ours, 20, 0, schedule), ours, 20) == pytest.approx(rates(stock, theirs, 20))
