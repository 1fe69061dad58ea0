"""Small random models in the formats of the published ones, as repositories of tests.hub_server."""

from pathlib import Path

import torch

from bench.common import _bpe, build_gte
from tests.chain.test_evaluation import pylate, stanford
from tests.hub_sets import Words
from tests.unit.test_convert import write_checkpoint

# The paper's dimensions, so that its Matryoshka lists hold; everything else as small as it goes.
SIZE = {"vocab_size": 500, "hidden_size": 768, "layers": 2, "heads": 12, "intermediate_size": 64, "max_length": 512}


def gte(root: Path) -> None:
    """alibaba-nlp-community/gte-multilingual-base: transformers' own format."""
    folder = root / "models" / "alibaba-nlp-community" / "gte-multilingual-base"
    words = Words(9)
    torch.manual_seed(0)
    work = root / "work" / "gte"
    work.parent.mkdir(parents=True)
    build_gte(work, [words.sentence() for _ in range(300)], SIZE)
    folder.parent.mkdir(parents=True)
    work.rename(folder)


def original(root: Path) -> None:
    """newmindai/TurkEmbed4Retrieval: the original format, in fp16, below `new.`, with remote code that is never run."""
    folder = root / "models" / "newmindai" / "TurkEmbed4Retrieval"
    folder.parent.mkdir(parents=True)
    write_checkpoint(folder, 32, "new.", torch.float16)
    (folder / "modeling.py").write_text("raise SystemExit('never run')\n", encoding="utf-8")
    (folder / "pytorch_model.bin").write_bytes(b"never read")


def late(root: Path) -> None:
    """ytu-ce-cosmos/turkish-colbert in Stanford's format, newmindai/ColmmBERT-*-TR in PyLate's."""
    folder = root / "models" / "ytu-ce-cosmos" / "turkish-colbert"
    folder.parent.mkdir(parents=True)
    stanford(folder)  # artifact.metadata: 12 tokens a query
    for name in ("ColmmBERT-base-TR", "ColmmBERT-small-TR"):
        path = root / "models" / "newmindai" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pylate(path)


def e5(root: Path) -> None:
    """intfloat/multilingual-e5-small: a BERT with mean pooling, beside other back ends that are left alone."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
    from transformers import BertConfig, BertModel

    folder = root / "models" / "intfloat" / "multilingual-e5-small"
    inner = root / "work" / "e5"
    words = Words(9)
    tokenizer = _bpe([words.sentence() for _ in range(300)], 500)
    tokenizer.save_pretrained(str(inner))
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=500, hidden_size=384, num_hidden_layers=2, num_attention_heads=12, intermediate_size=64
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(str(inner))
    modules = [Transformer(str(inner), max_seq_length=512), Pooling(384, pooling_mode="mean"), Normalize()]
    SentenceTransformer(modules=modules, device="cpu").save_pretrained(str(folder), create_model_card=False)
    (folder / "onnx").mkdir()
    (folder / "onnx" / "model.onnx").write_bytes(b"never read")


def build(root: Path) -> Path:
    """The models that params/paper.yaml names."""
    gte(root)
    original(root)
    late(root)
    return root
