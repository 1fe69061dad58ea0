"""What a training step is made of: rows, mini-batches, masks, the gradient cache, checkpoints."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from src.data.text import identity
from src.errors import UserError
from src.files import fingerprint, write_jsonl
from src.model.prompts import Prompts
from src.training import checkpoints, memory
from src.training.checkpoints import Checkpoints
from src.training.dataset import RANKED, SCORED, Rows, Tokens, read_rows
from src.training.encoding import GradientCache, cut_by_tokens, mini_batches
from src.training.losses import Ranking
from src.training.matryoshka import Matryoshka
from src.training.relevance import Relevance
from src.training.sampler import epoch_batches
from src.training.step import CachedStep
from src.training.tasks import Batch, Task, TaskBatches


def write_rows(path, rows):
    write_jsonl(path, rows)
    return path


def test_equal_texts_share_a_number(tmp_path):
    path = write_rows(
        tmp_path / "train.jsonl",
        [{"anchor": "a", "positive": "b", "negative": "c"}, {"anchor": "b", "positive": "d", "negative": "a"}],
    )
    rows = read_rows(path, RANKED, Prompts())
    assert rows.texts == ["a", "b", "c", "d"] and rows.columns == ("anchor", "positive", "negative")
    assert rows.ids.tolist() == rows.same.tolist() == [[0, 1, 2], [1, 3, 0]] and rows.gold is None


def test_prompts_case_and_punctuation_make_no_other_text(tmp_path):
    path = write_rows(
        tmp_path / "train.jsonl",
        [{"anchor": "İzmir nerede?", "positive": "Ege’de."}, {"anchor": "Ege’de", "positive": "izmir nerede"}],
    )
    rows = read_rows(path, RANKED, Prompts("query: ", "passage: "))
    assert len(rows.texts) == 4 and rows.same.tolist() == [[0, 1], [1, 0]]
    assert read_rows(write_rows(path, [{"anchor": "?", "positive": "!"}]), RANKED, Prompts()).same.tolist() == [[0, 1]]


def test_pairs_of_the_whole_set_are_known_where_both_texts_stand_in_the_sample(tmp_path):
    pairs = [("s", "p"), ("s", "r"), ("t", "r"), ("u", "p")]
    rows = [{"anchor": anchor, "positive": positive} for anchor, positive in pairs]
    whole = write_rows(tmp_path / "whole.jsonl", rows)
    sample = write_rows(tmp_path / "sample.jsonl", [rows[0], rows[2]])
    found = read_rows(sample, RANKED, Prompts(), whole)
    assert {tuple(pair) for pair in found.relevant.tolist()} == {(0, 1), (2, 3), (0, 3)}


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(*[st.sampled_from(["Bir.", "bir", "İki", "iki!", "üç", "dört", "?"])] * 2), min_size=4))
def test_no_batch_holds_a_text_twice_whatever_its_prompt(tmp_path_factory, pairs):
    path = tmp_path_factory.getbasetemp() / "batches.jsonl"
    rows = read_rows(
        write_rows(path, [{"anchor": a, "positive": b} for a, b in pairs]), RANKED, Prompts("query: ", "passage: ")
    )
    for batch in epoch_batches(rows.same, 4, seed=1, epoch=0):
        texts = [identity(text) for row in batch for text in set(map(identity, pairs[row]))]
        assert len(texts) == len(set(texts))


def test_each_column_gets_its_prompt(tmp_path):
    path = write_rows(tmp_path / "train.jsonl", [{"anchor": "a", "positive": "a", "negative": "b"}])
    assert read_rows(path, RANKED, Prompts("q: ", "d: ")).texts == ["q: a", "d: a", "d: b"]
    path = write_rows(tmp_path / "rated.jsonl", [{"sentence1": "a", "sentence2": "b", "score": 1}])
    assert read_rows(path, SCORED, Prompts("q: ", "d: ")).texts == ["q: a", "q: b"]


@pytest.mark.parametrize(
    ("columns", "rows", "message"),
    [
        (RANKED, [], "no rows; expected at least one with anchor, positive"),
        (RANKED, [{"anchor": "a", "positive": " "}], ":1: positive is empty; expected a text"),
        (RANKED, [{"anchor": "a"}], ":1: positive is missing"),
        (RANKED, [{"anchor": "a", "positive": "b", "negative": "c"}, {"anchor": "a", "positive": "b"}], ":2: negative"),
        (RANKED, [{"anchor": 3, "positive": "b"}], ":1: anchor is int; expected a text"),
        (SCORED, [{"sentence1": "a", "sentence2": "b", "score": "5"}], ":1: score is '5'; expected a number"),
        (SCORED, [{"sentence1": "a", "sentence2": "b", "score": 1e39}], r":1: score is 1e\+39; expected a number"),
        (SCORED, [{"sentence1": "a", "sentence2": "b", "score": 10**400}], ":1: score is 1000.*; expected a number"),
        (SCORED, [{"sentence1": "a", "sentence2": "b"}], ":1: score is None"),
    ],
)
def test_bad_rows_are_named(tmp_path, columns, rows, message):
    with pytest.raises(UserError, match=message.replace("(", r"\(")):
        read_rows(write_rows(tmp_path / "train.jsonl", rows), columns, Prompts())


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 50), min_size=1, max_size=60), st.integers(1, 300))
def test_mini_batches_hold_the_budget_and_every_text_once(lengths, budget):
    lengths = np.array(lengths)
    groups = cut_by_tokens(lengths, budget)
    assert sorted(np.concatenate(groups).tolist()) == list(range(len(lengths)))
    assert all(len(group) == 1 or len(group) * lengths[group].max() <= budget for group in groups)


def test_same_text_masks_what_is_no_negative():
    ids = np.array([[0, 10, 20], [1, 10, 21], [0, 11, 10]])
    expected = [
        # positives of rows 0..2, then their negatives; rows 0 and 1 share a passage, 0 and 2 a query
        [False, True, True, False, False, True],
        [True, False, False, False, False, True],
        [True, True, False, False, False, True],
    ]
    assert Relevance(ids[:, :2]).ignored(ids).tolist() == expected


def test_a_passage_known_elsewhere_in_the_set_and_the_query_itself_are_masked():
    known = np.array([[0, 10], [0, 11], [1, 11], [2, 12]])
    batch = np.array([[0, 10], [1, 11], [3, 0]])
    assert Relevance(known).ignored(batch).tolist() == [[False, True, True], [False, False, False], [False] * 3]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 12)] * 3), min_size=1, max_size=20), st.integers(1, 20))
def test_what_is_masked_is_what_answers_the_query(rows, count):
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
    random = np.random.default_rng(0)
    lengths = random.integers(3, 15, 60)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    tokens = Tokens(random.integers(1, 50, starts[-1]).astype(np.int32), starts, pad_id=0, cut=np.arange(0))
    ids = np.arange(60).reshape(30, 2)
    rows = Rows("rows", ("anchor", "positive"), [], ids, None, ids, ids)
    loss = Ranking(Matryoshka.of([4, 8]), 0.1)
    return TaskBatches([Task(rows, tokens, loss, loss.plan(ids, 30, 1, seed=0))], 64)


def run_step(source, dropout=0.2, **options):
    torch.manual_seed(0)
    model = ToyEncoder(dropout)
    step = CachedStep(model, source, **options)
    loss = step.run(source.batch(0, np.arange(30)))
    return float(loss), [parameter.grad.clone() for parameter in model.parameters()], step


def test_kept_activations_change_no_bit(source):
    reference = run_step(source, keep_tokens=0)
    for keep in (100, 10**6):
        loss, gradients, step = run_step(source, keep_tokens=keep)
        assert loss == reference[0] and step.cache.kept > 0
        assert all(torch.equal(a, b) for a, b in zip(gradients, reference[1], strict=True))


def test_the_cache_gives_the_gradient_of_the_whole_batch(source):
    loss, gradients, step = run_step(source, dropout=0.0, keep_tokens=80)
    model = step.model
    model.zero_grad()
    ids, mask = (
        torch.from_numpy(part) for part in source.tasks[0].tokens.padded(source.tasks[0].rows.ids.T.ravel())[:2]
    )
    vectors = model({"input_ids": ids, "attention_mask": mask})["sentence_embedding"]
    result = source.tasks[0].loss(vectors.detach()[:30], vectors.detach()[30:])
    vectors.backward(torch.cat(result.gradients))
    assert loss == pytest.approx(float(result.loss), rel=1e-5)
    for parameter, gradient in zip(model.parameters(), gradients, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-4, atol=1e-6)


def test_out_of_memory_goes_on_in_smaller_pieces(source, monkeypatch):
    events, original = [], GradientCache.encode

    def scarce(self, batch):
        if batch.tokens > 40:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return original(self, batch)

    whole, gradients, _ = run_step(source, dropout=0.0, keep_tokens=0)
    monkeypatch.setattr(GradientCache, "encode", scarce)
    loss, in_pieces, _ = run_step(source, dropout=0.0, keep_tokens=100, log=lambda **event: events.append(event))
    assert [event["mini_batch_tokens"] for event in events] == [64, 32] and events[-1]["keep_tokens"] == 0
    assert loss == pytest.approx(whole, rel=1e-5)
    for one, other in zip(in_pieces, gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_out_of_memory_in_the_loss_lets_activations_go(source, monkeypatch):
    asked, original = [], Ranking.__call__

    def scarce(self, *arguments):
        asked.append(1)
        if len(asked) < 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return original(self, *arguments)

    whole, gradients, _ = run_step(source, keep_tokens=0)
    monkeypatch.setattr(Ranking, "__call__", scarce)
    loss, again, step = run_step(source, keep_tokens=10**6)
    assert (loss, len(asked), step.keep_tokens) == (whole, 3, 250_000)
    assert all(torch.equal(a, b) for a, b in zip(again, gradients, strict=True)), "dropout draws the same numbers"


def test_a_process_without_rows_encodes_nothing(source, monkeypatch):
    """The rest of an epoch may have fewer rows than there are processes."""
    monkeypatch.setattr("src.training.tasks.process_rows", lambda rows: np.arange(rows)[:0])
    monkeypatch.setattr(ToyEncoder, "get_embedding_dimension", lambda self: 8, raising=False)
    others = torch.randn(60, 8)
    monkeypatch.setattr("src.training.distributed.exchange", lambda vectors, indices, total: others)
    torch.manual_seed(0)
    model = ToyEncoder(0.0)
    loss = CachedStep(model, source).run(source.batch(0, np.arange(30)))
    expected = Ranking(Matryoshka.of([4, 8]), 0.1)(others[:30], others[30:]).loss
    assert float(loss) == pytest.approx(float(expected))
    assert all(parameter.grad is None for parameter in model.parameters())


def test_memory_for_no_text_at_all_is_one_line(source, monkeypatch):
    def none(self, batch):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(GradientCache, "encode", none)
    with pytest.raises(UserError, match="out of memory with one text at a time; lower max_length"):
        run_step(source, keep_tokens=0)


def test_an_infinite_loss_stops(source, monkeypatch):
    monkeypatch.setattr(ToyEncoder, "forward", lambda self, f: {"sentence_embedding": self.table.weight[:1] / 0.0})
    monkeypatch.setattr(GradientCache, "forward", lambda self, parts, keep: torch.full((60, 8), torch.nan))
    with pytest.raises(FloatingPointError, match="the loss is nan"):
        run_step(source, keep_tokens=0)


def test_saved_bytes_counts_activations_not_weights():
    layer = torch.nn.Linear(10, 10)
    x = torch.randn(7, 10)
    assert memory.saved_bytes(lambda: torch.tanh(layer(x)), layer) == 2 * 7 * 10 * 4  # input of layer, output of tanh


def test_a_torn_checkpoint_gives_way_to_the_one_before(tmp_path, monkeypatch):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    model = torch.nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
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
    fresh = torch.nn.Linear(3, 2)
    other = torch.optim.AdamW(fresh.parameters(), lr=0.1)
    checkpoints.load_model(saved.latest(), fresh)
    checkpoints.load_optimizer(saved.latest(), other)
    assert torch.equal(fresh.weight, weights[2]) and checkpoints.load_state(saved.latest()) == {"step": 2}
    fresh(torch.ones(1, 3)).sum().backward()
    other.step()
    saved.remove()
    assert saved.latest() is None and not saved.folder.exists()


def test_a_fingerprint_changes_with_settings_names_and_bytes(tmp_path):
    file = tmp_path / "data.jsonl"
    file.write_text("a")
    first = fingerprint({"lr": 0.1}, [file])
    assert first == fingerprint({"lr": 0.1}, [file]) and first != fingerprint({"lr": 0.2}, [file])
    file.write_text("b")
    assert first != fingerprint({"lr": 0.1}, [file])


def test_a_batch_has_no_labels_for_the_trainer(source):
    assert "labels" not in source.batch(0, np.arange(4))
    assert isinstance(source.batch(0, np.arange(4)), Batch)
    assert mini_batches(source.tasks[0].tokens, np.arange(4), 64)[0].ids.dtype == torch.int64
