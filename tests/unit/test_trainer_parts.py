"""What a training step is made of: rows, mini-batches, masks, the gradient cache, checkpoints."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from src.errors import UserError
from src.files import write_jsonl
from src.model.prompts import Prompts
from src.training import checkpoints, memory
from src.training.checkpoints import Checkpoints
from src.training.dataset import RANKED, SCORED, read_rows
from src.training.dev import BestOnDev
from src.training.encoding import GradientCache, cut_by_tokens
from src.training.losses import Ranking
from src.training.matryoshka import Matryoshka
from src.training.relevance import Relevance
from src.training.step import CachedStep
from src.training.tasks import TaskBatches
from tests.tasks import pairs, rows_of, task_of, tokens_of

LOSS = Ranking(Matryoshka.of([4, 8]), 0.1)


def read(path, rows, columns=RANKED, prompts=Prompts(), whole=None):  # noqa: B008
    write_jsonl(path, rows)
    return read_rows(path, columns, prompts, whole)


def test_equal_texts_share_a_number_whatever_their_prompt_case_and_punctuation(tmp_path):
    rows = [{"anchor": "a", "positive": "b", "negative": "c"}, {"anchor": "b", "positive": "d", "negative": "a"}]
    plain = read(tmp_path / "rows", rows)
    assert plain.texts == ["a", "b", "c", "d"] and plain.columns == ("anchor", "positive", "negative")
    assert plain.ids.tolist() == plain.same.tolist() == [[0, 1, 2], [1, 3, 0]] and plain.gold is None
    rows = [{"anchor": "İzmir nerede?", "positive": "Ege’de."}, {"anchor": "Ege’de", "positive": "izmir nerede"}]
    prompted = read(tmp_path / "rows", rows, prompts=Prompts("query: ", "passage: "))
    assert len(prompted.texts) == 4 and prompted.same.tolist() == [[0, 1], [1, 0]]
    assert read(tmp_path / "rows", [{"anchor": "?", "positive": "!"}]).same.tolist() == [[0, 1]]


def test_pairs_of_the_whole_set_are_known_where_both_texts_stand_in_the_sample(tmp_path):
    texts = [("s", "p"), ("s", "r"), ("t", "r"), ("u", "p")]
    rows = [{"anchor": anchor, "positive": positive} for anchor, positive in texts]
    write_jsonl(tmp_path / "whole", rows)
    sample = read(tmp_path / "sample", [rows[0], rows[2]], whole=tmp_path / "whole")
    assert {tuple(pair) for pair in sample.relevant.tolist()} == {(0, 1), (2, 3), (0, 3)}


def test_each_column_gets_its_prompt(tmp_path):
    prompts = Prompts("q: ", "d: ")
    ranked = read(tmp_path / "ranked", [{"anchor": "a", "positive": "a", "negative": "b"}], RANKED, prompts)
    scored = read(tmp_path / "scored", [{"sentence1": "a", "sentence2": "b", "score": 1}], SCORED, prompts)
    assert (ranked.texts, scored.texts) == (["q: a", "d: a", "d: b"], ["q: a", "q: b"])


@pytest.mark.parametrize(
    ("columns", "rows", "message"),
    [
        (RANKED, [{"anchor": "a", "positive": " "}], ":1: positive is empty; expected a text"),
        (RANKED, [{"anchor": "a", "positive": "b", "negative": "c"}, {"anchor": "a", "positive": "b"}], ":2: negative"),
        (RANKED, [{"anchor": "a", "positive": "b"}, {"anchor": "a", "positive": "b", "negative": "c"}], ":2: has a"),
        (SCORED, [{"sentence1": "a", "sentence2": "b", "score": "5"}], ":1: score is '5'; expected a number"),
        (SCORED, [{"sentence1": "a", "sentence2": "b", "score": 10**400}], ":1: score is 1000.*; expected a number"),
    ],
)
def test_bad_rows_are_named(tmp_path, columns, rows, message):
    with pytest.raises(UserError, match=message):
        read(tmp_path / "train.jsonl", rows, columns)


@settings(max_examples=100)
@given(st.lists(st.integers(1, 50), min_size=1, max_size=60), st.integers(1, 300))
def test_mini_batches_hold_the_budget_and_every_text_once(lengths, budget):
    lengths = np.array(lengths)
    groups = cut_by_tokens(lengths, budget)
    assert sorted(np.concatenate(groups).tolist()) == list(range(len(lengths)))
    assert all(len(group) == 1 or len(group) * lengths[group].max() <= budget for group in groups)


@settings(max_examples=100)
@given(st.lists(st.tuples(*[st.integers(0, 12)] * 3), min_size=1, max_size=20), st.integers(1, 20))
def test_known_positives_and_the_query_itself_are_masked(rows, count):
    same = np.array(rows)
    known = {(query, positive) for query, positive, _ in rows} | {(query, query) for query, _, _ in rows}
    batch = same[:count]
    documents = batch[:, 1:].T.ravel().tolist()
    for row, ignored in enumerate(Relevance(same[:, :2]).ignored(batch).tolist()):
        assert ignored == [(batch[row, 0], text) in known and at != row for at, text in enumerate(documents)]


class ToyEncoder(torch.nn.Module):
    """Mean of token vectors, as a sentence-transformers model answers; dropout to draw random numbers."""

    def __init__(self, dropout):
        super().__init__()
        self.table, self.layer = torch.nn.Embedding(50, 12), torch.nn.Linear(12, 8)
        self.dropout = torch.nn.Dropout(dropout)

    def forward(self, features):
        mask = features["attention_mask"][..., None].float()
        hidden = self.dropout(torch.tanh(self.layer(self.table(features["input_ids"]))))
        return {"sentence_embedding": (hidden * mask).sum(1) / mask.sum(1)}


@pytest.fixture
def source():
    tokens = tokens_of(np.random.default_rng(0).integers(3, 15, 60))
    return TaskBatches([task_of(rows_of(pairs(30)), LOSS, tokens, 30)], 64)


def run_step(source, dropout=0.2, **options):
    torch.manual_seed(0)
    model = ToyEncoder(dropout)
    step = CachedStep(model, source, **options)
    loss = step.run(source.tasks[0].batch(np.arange(30), source.budget))
    return float(loss), [parameter.grad for parameter in model.parameters()], step


def all_equal(gradients, others):
    return all(torch.equal(one, other) for one, other in zip(gradients, others, strict=True))


def out_of_memory(*_):
    raise torch.OutOfMemoryError("CUDA out of memory")


def test_kept_activations_change_no_bit(source):
    reference = run_step(source, keep_tokens=0)
    for keep in (100, 10**6):
        loss, gradients, step = run_step(source, keep_tokens=keep)
        assert loss == reference[0] and step.cache.kept > 0
        assert all_equal(gradients, reference[1])


def test_out_of_memory_goes_on_in_smaller_pieces(source, monkeypatch):
    events, original = [], GradientCache.encode
    whole, gradients, _ = run_step(source, dropout=0.0, keep_tokens=0)
    monkeypatch.setattr(
        GradientCache, "encode", lambda self, part: (out_of_memory if part.tokens > 40 else original)(self, part)
    )
    loss, in_pieces, _ = run_step(source, dropout=0.0, keep_tokens=100, log=lambda **event: events.append(event))
    assert [event["mini_batch_tokens"] for event in events] == [64, 32] and events[-1]["keep_tokens"] == 0
    assert loss == pytest.approx(whole, rel=1e-5)
    torch.testing.assert_close(in_pieces, gradients, rtol=1e-4, atol=1e-6)


def test_out_of_memory_in_the_loss_lets_activations_go(source, monkeypatch):
    calls, original = [], Ranking.__call__

    def scarce(self, *arguments):
        calls.append(1)
        return (out_of_memory if len(calls) < 3 else original)(self, *arguments)

    whole, gradients, _ = run_step(source, keep_tokens=0)
    monkeypatch.setattr(Ranking, "__call__", scarce)
    loss, again, step = run_step(source, keep_tokens=10**6)
    assert (loss, len(calls), step.keep_tokens) == (whole, 3, 250_000)
    assert all_equal(again, gradients), "dropout draws the same numbers"


def test_memory_for_no_text_at_all_is_one_line(source, monkeypatch):
    monkeypatch.setattr(GradientCache, "encode", out_of_memory)
    with pytest.raises(UserError, match="out of memory with one text at a time; lower max_length"):
        run_step(source, keep_tokens=0)


def test_saved_bytes_counts_activations_not_weights():
    layer = torch.nn.Linear(10, 10)
    x = torch.randn(7, 10)
    assert memory.saved_bytes(lambda: torch.tanh(layer(x)), layer) == 2 * 7 * 10 * 4  # input of layer, output of tanh


def test_a_torn_checkpoint_gives_way_to_the_one_before(tmp_path, monkeypatch):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    model, fresh = torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)
    optimizer, other = (torch.optim.AdamW(each.parameters(), lr=0.1) for each in (model, fresh))
    saved, weights = Checkpoints("abc"), {}
    for step in (1, 2, 3):
        model(torch.ones(1, 3)).sum().backward()
        optimizer.step()
        weights[step] = model.weight.detach().clone()
        saved.save(step, model, optimizer, {"state.json": {"step": step}}, {})
    assert sorted(path.name for path in saved.folder.iterdir()) == ["step-00000002", "step-00000003"]
    damaged = saved.latest() / "optimizer.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    assert saved.latest().name == "step-00000002"
    checkpoints.load_model(saved.latest(), fresh)
    checkpoints.load_optimizer(saved.latest(), other)
    assert torch.equal(fresh.weight, weights[2]) and checkpoints.load_state(saved.latest()) == {"step": 2}
    fresh(torch.ones(1, 3)).sum().backward()
    other.step()
    saved.remove()
    assert saved.latest() is None and not saved.folder.exists()


def test_a_checkpoint_may_lack_frozen_weights_and_no_trained_one(tmp_path):
    model, other = torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)
    frozen = model.bias.requires_grad_(False).clone()
    save_file({"weight": other.weight.detach()}, tmp_path / "model.safetensors")
    checkpoints.load_model(tmp_path, model)
    assert torch.equal(model.weight, other.weight) and torch.equal(model.bias, frozen)
    model.bias.requires_grad_(True)
    with pytest.raises(KeyError, match="bias"):
        checkpoints.load_model(tmp_path, model)


@given(losses=st.lists(st.sampled_from([float("nan"), float("inf"), 0.3, 0.4, 0.5]), min_size=1, max_size=5))
def test_the_weights_of_the_lowest_finite_dev_loss_are_kept(losses):
    best = BestOnDev([SimpleNamespace(rows=[0])], 1, lambda **_: None)
    model = torch.nn.Linear(1, 1, bias=False)
    for step, loss in enumerate(losses):
        torch.nn.init.constant_(model.weight, step)
        best.measure(step, model, lambda _, loss=loss: torch.tensor(loss))
    best.restore(model)
    finite = [loss for loss in losses if np.isfinite(loss)]
    assert model.weight.item() == (losses.index(min(finite)) if finite else len(losses) - 1)
