"""GTE checkpoints in the original format give the vectors of the original architecture.

The reference below is plain torch, written from the description of that architecture: packed qkv, gated feed-forward
with packed up and gate, rotary positions with NTK scaling, normalisation after each block.
"""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import GteConfig, GteModel

from src.errors import UserError
from src.files import read_json
from src.model.encoder import assemble, save_encoder
from src.model.load import load_encoder
from src.model.original import native_config, rope_parameters
from src.model.tokenizer import train_tokenizer, wrap

LENGTH = 200  # wrong rotary positions hide in short texts
WORDS = ["ankara", "izmir", "ışık", "ağaç", "deniz", "kitap", "yol", "göz", "ev", "su"]
CONFIG = {
    "architectures": ["NewModel"],
    "auto_map": {"AutoConfig": "Alibaba-NLP/new-impl--configuration.NewConfig", "AutoModel": "x--modeling.NewModel"},
    "model_type": "new",
    "attention_probs_dropout_prob": 0.0,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "intermediate_size": 96,
    "layer_norm_eps": 1e-12,
    "layer_norm_type": "layer_norm",
    "logn_attention_clip1": False,
    "logn_attention_scale": False,
    "max_position_embeddings": 512,
    "num_hidden_layers": 2,
    "pack_qkv": True,
    "pad_token_id": 1,
    "position_embedding_type": "rope",
    "rope_scaling": {"factor": 8.0, "type": "ntk"},
    "rope_theta": 20000,
    "type_vocab_size": 1,
}


def random_weights(config: dict) -> dict[str, torch.Tensor]:
    size, inner = config["hidden_size"], config["intermediate_size"]
    shapes = {
        "embeddings.word_embeddings.weight": (config["vocab_size"], size),
        "embeddings.token_type_embeddings.weight": (1, size),
        "embeddings.LayerNorm.weight": (size,),
        "embeddings.LayerNorm.bias": (size,),
    }
    layer = {
        "attention.qkv_proj.weight": (3 * size, size),
        "attention.qkv_proj.bias": (3 * size,),
        "attention.o_proj.weight": (size, size),
        "attention.o_proj.bias": (size,),
        "mlp.up_gate_proj.weight": (2 * inner, size),
        "mlp.down_proj.weight": (size, inner),
        "mlp.down_proj.bias": (size,),
    } | {f"{norm}.{part}": (size,) for norm in ("attn_ln", "mlp_ln") for part in ("weight", "bias")}
    for number in range(config["num_hidden_layers"]):
        shapes |= {f"encoder.layer.{number}.{name}": shape for name, shape in layer.items()}
    generator = torch.Generator().manual_seed(5)
    means = {name: float(name.endswith(("LayerNorm.weight", "ln.weight"))) for name in shapes}
    return {name: means[name] + 0.15 * torch.randn(shape, generator=generator) for name, shape in shapes.items()}


def reference(weights: dict[str, torch.Tensor], config: dict, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Hidden states (n, length, size) of the original architecture in float32."""
    size, heads = config["hidden_size"], config["num_attention_heads"]
    head, factor = size // heads, config["rope_scaling"]["factor"]

    def norm(x: torch.Tensor, key: str) -> torch.Tensor:
        return nn.functional.layer_norm(x, (size,), weights[f"{key}.weight"], weights[f"{key}.bias"], 1e-12)

    def linear(x: torch.Tensor, key: str) -> torch.Tensor:
        return nn.functional.linear(x, weights[f"{key}.weight"], weights.get(f"{key}.bias"))

    frequencies = 1.0 / (config["rope_theta"] * factor) ** (torch.arange(0, head, 2).double() / head)
    angles = torch.arange(ids.shape[1]).double()[:, None] * (frequencies / factor ** (2 / head))[None]
    cosine, sine = angles.cos().float(), angles.sin().float()  # (length, head / 2)

    def rotate(x: torch.Tensor) -> torch.Tensor:  # the halves of a head are the two parts of complex numbers
        real, imaginary = x.chunk(2, dim=-1)
        return torch.cat((real * cosine - imaginary * sine, imaginary * cosine + real * sine), dim=-1)

    types = weights["embeddings.token_type_embeddings.weight"][0]
    x = norm(weights["embeddings.word_embeddings.weight"][ids] + types, "embeddings.LayerNorm")
    for layer in range(config["num_hidden_layers"]):
        at = f"encoder.layer.{layer}"
        packed = linear(x, f"{at}.attention.qkv_proj").view(*ids.shape, 3, heads, head).permute(2, 0, 3, 1, 4)
        query, key, value = rotate(packed[0]), rotate(packed[1]), packed[2]
        scores = query @ key.transpose(2, 3) / head**0.5
        scores = scores.masked_fill(mask[:, None, None, :] == 0, float("-inf"))
        mixed = (scores.softmax(-1) @ value).transpose(1, 2).reshape(*ids.shape, size)
        x = norm(x + linear(mixed, f"{at}.attention.o_proj"), f"{at}.attn_ln")
        up, gate = linear(x, f"{at}.mlp.up_gate_proj").chunk(2, dim=-1)
        x = norm(x + linear(nn.functional.gelu(gate) * up, f"{at}.mlp.down_proj"), f"{at}.mlp_ln")
    return x


def write_checkpoint(folder: Path, head_size: int, prefix: str = "", dtype: torch.dtype = torch.float32) -> dict:
    """An encoder's folder as the originals are published; returns its configuration."""
    tokenizer = train_tokenizer([" ".join(WORDS)] * 6, 60)
    heads = 2
    config = CONFIG | {
        "hidden_size": heads * head_size,
        "num_attention_heads": heads,
        "vocab_size": tokenizer.get_vocab_size(),
    }
    shell = GteModel(GteConfig(**native_config(config, "test") | {"num_hidden_layers": 1}))
    save_encoder(assemble(shell, wrap(tokenizer, 512), "cls", 512), folder)
    stored = {prefix + key: value.to(dtype) for key, value in random_weights(config).items()}
    if prefix:  # published as a token classifier
        stored |= {"classifier.weight": torch.zeros(1, 2 * head_size), "classifier.bias": torch.zeros(1)}
    save_file(stored, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return config


def texts() -> list[str]:
    generator = torch.Generator().manual_seed(2)
    draw = torch.randint(len(WORDS), (4, LENGTH), generator=generator).tolist()
    return [" ".join(WORDS[i] for i in row[:length]) for row, length in zip(draw, (180, 150, 40, 3), strict=True)]


def expected(folder: Path, config: dict, prefix: str, features: dict) -> torch.Tensor:
    weights = {
        key.removeprefix(prefix): value.float() for key, value in load_file(folder / "model.safetensors").items()
    }
    hidden = reference(weights, config, features["input_ids"], features["attention_mask"])
    return nn.functional.normalize(hidden[:, 0], dim=1)


@pytest.mark.parametrize(("head_size", "prefix", "dtype"), [(32, "", torch.float32), (64, "new.", torch.float16)])
def test_vectors_are_those_of_the_original_architecture(tmp_path, head_size, prefix, dtype):
    config = write_checkpoint(tmp_path, head_size, prefix, dtype)
    encoder = load_encoder(str(tmp_path))
    features = encoder.preprocess(texts())
    assert features["attention_mask"].sum(1).tolist()[0] > 128
    vectors = encoder.encode(texts(), convert_to_tensor=True)
    assert vectors.dtype == torch.float32
    assert torch.allclose(vectors, expected(tmp_path, config, prefix, features), atol=3e-6)


def test_the_published_rope_is_that_of_gte_multilingual_base():
    rope = rope_parameters({"factor": 8.0, "type": "ntk"}, 20_000, 64, "gte")
    assert rope == {"rope_type": "linear", "factor": pytest.approx(1.0671, abs=1e-4), "rope_theta": 160_000.0}


@pytest.mark.parametrize(
    "change",
    [
        {"rope_scaling": {"type": "linear", "factor": 2.0}},
        {"rope_scaling": {"type": "ntk", "factor": 8.0, "mixed_b": 0.2}},
        {"logn_attention_clip1": True},
        {"layer_norm_type": "rms_norm"},
        {"position_embedding_type": "absolute"},
    ],
)
def test_what_the_native_class_cannot_express_is_refused(change):
    config = CONFIG | {"hidden_size": 64, "num_attention_heads": 2, "vocab_size": 60} | change
    with pytest.raises(UserError, match=f"mine: config.json: {next(iter(change))}"):
        native_config(config, "mine")


def test_nothing_of_the_old_rope_or_the_code_is_left():
    config = native_config(CONFIG | {"hidden_size": 64, "num_attention_heads": 2, "vocab_size": 60}, "mine")
    assert not {"rope_scaling", "rope_theta", "auto_map"} & set(config)
    assert config["model_type"] == "gte"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("encoder.layer.1.mlp.down_proj.bias"), "1 weights are missing, such as layers.1.mlp.down"),
        (lambda w: w.update({"encoder.layer.2.attn_ln.bias": torch.zeros(64)}), "1 weights are unknown, such as"),
        (lambda w: w.update({"embeddings.LayerNorm.bias": torch.zeros(8)}), "cannot be loaded"),
    ],
)
def test_missing_unknown_or_misshapen_weights_are_refused(tmp_path, change, message):
    write_checkpoint(tmp_path, 32)
    weights = load_file(tmp_path / "model.safetensors")
    change(weights)
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match=message):
        load_encoder(str(tmp_path))


def test_saved_again_it_is_a_native_float32_folder_with_the_same_vectors(tmp_path):
    write_checkpoint(tmp_path / "original", 32, "new.", torch.float16)
    encoder = load_encoder(str(tmp_path / "original"))
    save_encoder(encoder, tmp_path / "native")
    config = read_json(tmp_path / "native" / "config.json")
    assert (config["model_type"], config["dtype"]) == ("gte", "float32")
    assert (load_encoder(str(tmp_path / "native")).encode(texts()) == encoder.encode(texts())).all()


def test_repository_code_is_never_run(tmp_path, monkeypatch):
    write_checkpoint(tmp_path, 32)
    config = read_json(tmp_path / "config.json") | {"model_type": "strange", "auto_map": {"AutoModel": "evil.Model"}}
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (tmp_path / "evil.py").write_text("raise SystemExit('ran')\n", encoding="utf-8")
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("asked to run code"))
    with pytest.raises(UserError, match="cannot be loaded"):
        load_encoder(str(tmp_path))


def test_without_modules_json_the_pooling_has_to_be_said(tmp_path):
    write_checkpoint(tmp_path, 32)
    before = load_encoder(str(tmp_path)).encode(texts())
    (tmp_path / "modules.json").unlink()
    with pytest.raises(UserError, match=r"no modules\.json"):
        load_encoder(str(tmp_path))
    assert (load_encoder(str(tmp_path), pooling="cls").encode(texts()) == before).all()
