"""Encoders in the evaluation: against sentence-transformers' evaluators, over batch sizes, dimensions and formats."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer

from bench.common import build_gte
from src.errors import UserError
from src.evaluation import cache, dense, encode, late, metrics
from src.evaluation.beir import EvalSet
from src.files import write_jsonl
from src.model.load import load_encoder
from src.model.prompts import Prompts
from src.params.schema import ColbertParams, RuntimeParams
from src.training import colbert

pytestmark = pytest.mark.chain

CPU = torch.device("cpu")
DIMS = [64, 32, 16]
VOCABULARY = "ısı su taş göl dağ yol ev ağaç kuş balık deniz rüzgâr güneş toprak çiçek orman kent köy insan zaman"
WORDS = VOCABULARY.split()
RUNTIME = RuntimeParams(
    threads=1, instruction_set="native", device="cpu", precision="fp32", deterministic=True, offline=True
)


def sentence(generator: np.random.Generator, low: int, high: int) -> str:
    return " ".join(generator.choice(WORDS, size=generator.integers(low, high)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """An untrained encoder; larger weights than usual, so that its vectors do not all point one way."""
    torch.manual_seed(0)
    generator = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("models") / "gte"
    texts = [sentence(generator, 3, 30) for _ in range(300)]
    size = {"vocab_size": 120, "hidden_size": 64, "layers": 2, "heads": 4, "intermediate_size": 64, "max_length": 48}
    build_gte(path, texts, size)
    model = SentenceTransformer(str(path), device="cpu")
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim == 2 and "embeddings" not in name:
                weight.mul_(6)
    model.save_pretrained(str(path), create_model_card=False)
    return path


@pytest.fixture(scope="module")
def data() -> EvalSet:
    generator = np.random.default_rng(1)
    documents = {f"d{n:03d}": sentence(generator, 3, 60) for n in range(250)}
    queries = {f"q{n:02d}": sentence(generator, 2, 8) for n in range(40)}
    ids = sorted(documents, reverse=True)
    qrels = {
        query: dict.fromkeys(generator.choice(ids, size=int(generator.integers(1, 4)), replace=False), 1)
        for query in queries
    }
    return EvalSet(
        name="toy",
        document_ids=ids,
        documents=[documents[id_] for id_ in ids],
        query_ids=list(queries),
        queries=list(queries.values()),
        qrels=qrels,
        protocol={"name": "full"},
        dropped={},
        drop_self_hits=False,
    )


@pytest.fixture(autouse=True)
def cache_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))


def load(folder: Path) -> dense.DenseModel:
    return dense.load_dense("toy", str(folder), CPU, max_length=48)


def test_every_dimension_equals_sentence_transformers_own_evaluator(folder, data):
    from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator

    model = load(folder)
    queries, documents = dense.embed_set(model, data, 16, CPU)
    for dim in DIMS:
        run = dense.rank(queries, documents, data, 100, dim=dim)
        ours = metrics.means(metrics.per_query(data.qrels, run))
        evaluator = InformationRetrievalEvaluator(
            dict(zip(data.query_ids, data.queries, strict=True)),
            dict(zip(data.document_ids, data.documents, strict=True)),
            {query: set(judged) for query, judged in data.qrels.items()},
            precision_recall_at_k=[1, 3, 5, 10, 100],
            accuracy_at_k=[1],
            map_at_k=[10, 100],
            ndcg_at_k=[1, 3, 5, 10, 100],
            truncate_dim=dim,
            main_score_function="cosine",
            write_csv=False,
        )
        theirs = {key.removeprefix("cosine_"): value for key, value in evaluator(model.encoder).items()}
        names = {f"P@{k}": f"precision@{k}" for k in (1, 3, 5, 10)} | {f"R@{k}": f"recall@{k}" for k in (1, 5, 10, 100)}
        names |= {f"nDCG@{k}": f"ndcg@{k}" for k in (1, 3, 5, 10, 100)}
        names |= {"MRR@10": "mrr@10", "MAP": "map@100", "MAP@10": "map@10"}
        assert ours == pytest.approx({our: theirs[their] for our, their in names.items()}, abs=1e-4), dim


def test_batch_and_chunk_size_change_no_measure(folder, data, monkeypatch):
    model = load(folder)
    runs = []
    for batch_size, chunk in ((1, 1000), (7, 64), (250, 33)):
        monkeypatch.setattr(encode, "CHUNK", chunk)
        queries, documents = dense.embed_set(model, data, batch_size, CPU)
        runs.append(dense.rank(queries, documents, data, 100, dim=32))
    measures = [metrics.means(metrics.per_query(data.qrels, run)) for run in runs]
    # Scores within a rounding step of each other may swap at its edge: nDCG@100 shows it in its sixth digit.
    assert all(measure == pytest.approx(measures[0], abs=5e-6) for measure in measures)
    # A product's last bit depends on the batch, and may carry a score over the edge of a rounding step.
    scores = [np.array([[score for _, score in hits] for hits in run.values()]) for run in runs]
    np.testing.assert_allclose(scores, [scores[0]] * 3, atol=1.5e-6, rtol=0)


def test_a_trained_encoder_gets_the_prompts_that_it_declares(folder, data, tmp_path):
    shutil.copytree(folder, tmp_path / "declares")
    path = tmp_path / "declares/config_sentence_transformers.json"
    settings = json.loads(path.read_text()) | {"prompts": {"query": "soru: ", "passage": "metin: "}}
    path.write_text(json.dumps(settings))
    model = load(tmp_path / "declares")
    queries, documents = dense.embed_set(model, data, 4, CPU)
    np.testing.assert_allclose(queries, model.encoder.encode_query(data.queries), atol=1e-6)
    np.testing.assert_allclose(documents, model.encoder.encode_document(data.documents), atol=1e-6)
    assert not np.allclose(queries, load(folder).encoder.encode_query(data.queries), atol=1e-3)


def test_prompts_and_turkish_lower_case_reach_the_model(folder, data):
    plain = load(folder)
    prompting = dense.load_dense("p", str(folder), CPU, max_length=48, prompts=Prompts("su: "))
    texts = ["ISI göl", "taş"]
    prompted = dense.embed(prompting, texts, prompting.prompts.query, batch_size=2, what="t", targets=["cpu"])
    by_hand = plain.encoder.encode(["su: " + text for text in texts])
    np.testing.assert_allclose(prompted, by_hand, atol=1e-6)
    folded = dense.load_dense("l", str(folder), CPU, max_length=48, lowercase=True)
    lowered = dense.embed(folded, texts, "", batch_size=2, what="t", targets=["cpu"])
    np.testing.assert_allclose(lowered, plain.encoder.encode(["ısı göl", "taş"]), atol=1e-6)


def test_a_pool_of_two_processes_gives_the_same_vectors(folder, data):
    model = load(folder)
    expected = model.encoder.encode(data.documents)
    got = dense.embed(model, data.documents, "", batch_size=16, what="pool", targets=["cpu", "cpu"])
    np.testing.assert_allclose(got, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "gpus", "expected"),
    [("cuda", 2, ["cuda:0", "cuda:1"]), ("cuda", 1, ["cuda"]), ("cuda:1", 2, ["cuda:1"])],
)
def test_every_gpu_encodes_unless_params_name_one(name, gpus, expected, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    assert encode.devices(torch.device(name)) == expected


def test_a_model_that_gives_nan_is_stopped_with_the_text(folder, data, capsys):
    model = load(folder)
    with torch.no_grad():
        next(model.encoder.parameters())[10:].fill_(float("nan"))
    with pytest.raises(UserError, match="toy: queries of toy: the model gives NaN or infinity for 16 text"):
        dense.embed_set(model, data, 16, CPU)
    assert list(cache.folder().glob("*")) == []


# Late interaction


def train_colbert(folder: Path, out: Path) -> Path:
    generator = np.random.default_rng(3)
    file = out.with_suffix(".jsonl")
    rows = [{"anchor": sentence(generator, 2, 6), "positive": sentence(generator, 4, 20)} for _ in range(96)]
    write_jsonl(file, rows)
    params = ColbertParams(
        start="base", dim=16, batch_size=32, epochs=None, learning_rate=1e-3, warmup_ratio=0.1, max_length=48
    )
    torch.manual_seed(5)
    model = colbert.from_dense(load_encoder(str(folder), max_length=48), params.dim)
    pairs = colbert.read_pairs(file, params.batch_size)
    curve = colbert.fit(model, pairs, params, RUNTIME, epochs=1, seed=5)
    assert [point[0] for point in curve] == [1, 2, 3]
    model.save_pretrained(str(out), create_model_card=False, safe_serialization=True)
    return out


@pytest.fixture(scope="module")
def trained(folder, tmp_path_factory) -> Path:
    return train_colbert(folder, tmp_path_factory.mktemp("colbert") / "first")


def test_colbert_trains_to_the_same_bits_and_ranks_by_exact_maxsim(folder, trained, data, tmp_path):
    again = train_colbert(folder, tmp_path / "again")
    assert cache.model_fingerprint(trained) == cache.model_fingerprint(again)
    model = late.load_late("colbert", str(trained), CPU)
    run = late.rank_late(model, data, depth=100, batch_size=16)
    queries = [vectors.numpy() for vectors in model.encoder.encode_query(data.queries[:5])]
    documents = [vectors.numpy() for vectors in model.encoder.encode_document(data.documents)]
    assert queries[0].shape[1] == 16
    for id_, query in zip(data.query_ids, queries, strict=False):
        scores = np.array([(query @ document.T).max(axis=1).sum() for document in documents])
        best = [data.document_ids[row] for row in np.argsort(-scores, kind="stable")[:100]]
        assert [document for document, _ in run[id_]][:10] == best[:10]
        np.testing.assert_allclose([s for _, s in run[id_]], np.sort(scores)[::-1][:100], rtol=1e-5)


def test_late_interaction_does_not_depend_on_how_many_documents_are_held(trained, data, monkeypatch):
    model = late.load_late("colbert", str(trained), CPU)
    results = []
    for batch, held in ((16, 1024), (3, 37)):
        monkeypatch.setattr(late, "DOCUMENTS_AT_ONCE", held)
        results.append(late.search_late(model, data.queries, data.documents, 20, batch))
    np.testing.assert_array_equal(results[0][1], results[1][1])
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=1e-5)


def tiny_bert(path: Path) -> Path:
    """An uncased BERT whose vocabulary has Turkish words, as published ColBERT checkpoints stand on."""
    from transformers import BertConfig, BertModel, BertTokenizer

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[unused0]", "[unused1]"]
    path.mkdir()
    (path / "vocab.txt").write_text("\n".join([*special, *WORDS, "isi", "i", ","]), encoding="utf-8")
    BertTokenizer(str(path / "vocab.txt"), do_lower_case=False).save_pretrained(str(path))
    torch.manual_seed(1)
    vocabulary = len(special) + len(WORDS) + 3
    config = BertConfig(
        vocab_size=vocabulary, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(str(path))
    return path


def stanford(path: Path) -> Path:
    from safetensors.torch import load_file, save_file

    tiny_bert(path)
    config = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps({**config, "architectures": ["HF_ColBERT"]}))
    weights = {f"bert.{name}": tensor for name, tensor in load_file(path / "model.safetensors").items()}
    weights["linear.weight"] = torch.randn(8, 32)
    save_file(weights, path / "model.safetensors", metadata={"format": "pt"})
    (path / "artifact.metadata").write_text(
        json.dumps({"query_maxlen": 12, "doc_maxlen": 40, "mask_punctuation": True})
    )
    return path


def pylate(path: Path) -> Path:
    from safetensors.torch import save_file

    tiny_bert(path)
    module = "sentence_transformers.models.Transformer"
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": module},
        {"idx": 1, "name": "1", "path": "1_Dense", "type": "pylate.models.Dense.Dense"},
    ]
    (path / "modules.json").write_text(json.dumps(modules))
    (path / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 40, "do_lower_case": False}))
    known = {"model_type": "ColBERT", "query_prefix": "[unused0]", "document_prefix": "[unused1]", "query_length": 12}
    (path / "config_sentence_transformers.json").write_text(json.dumps({**known, "document_length": 40}))
    (path / "1_Dense").mkdir()
    settings = {"in_features": 32, "out_features": 8, "bias": False}
    activation = {"activation_function": "torch.nn.modules.linear.Identity"}
    (path / "1_Dense" / "config.json").write_text(json.dumps({**settings, **activation}))
    save_file({"linear.weight": torch.randn(8, 32)}, path / "1_Dense" / "model.safetensors")
    return path


@pytest.mark.parametrize("form", [stanford, pylate])
def test_published_late_interaction_formats_load_and_lower_turkish(form, data, tmp_path):
    path = form(tmp_path / "model")
    model = late.load_late("published", str(path), CPU, lowercase=True)
    query = model.encoder.encode_query("su")
    assert query.shape == (12, 8)  # padded to the checkpoint's query length, as it was trained
    assert model.encoder.encode_document("su , taş").shape[0] < model.encoder.encode_document("su ev taş").shape[0]
    capitals = EvalSet(**{**vars(data), "queries": ["ISI SU TAŞ"] * len(data.queries)})
    lowered = EvalSet(**{**vars(data), "queries": ["ısı su taş"] * len(data.queries)})
    assert late.rank_late(model, capitals, 5, 16) == late.rank_late(model, lowered, 5, 16)
    wrong = EvalSet(**{**vars(data), "queries": ["isi su taş"] * len(data.queries)})
    assert late.rank_late(model, wrong, 5, 16) != late.rank_late(model, lowered, 5, 16)


def test_pickled_weights_are_refused(tmp_path):
    path = stanford(tmp_path / "model")
    (path / "model.safetensors").rename(path / "pytorch_model.bin")
    with pytest.raises(UserError, match=r"no \*\.safetensors weights"):
        late.load_late("x", str(path), CPU)


def test_a_nan_token_stops_the_ranking(trained, data):
    model = late.load_late("colbert", str(trained), CPU)
    with torch.no_grad():
        next(model.encoder.parameters()).fill_(float("nan"))
    with pytest.raises(UserError, match="colbert: the model gives NaN or infinity"):
        late.rank_late(model, data, 10, 16)
