"""Load an encoder from a folder or the Hub: float32, safetensors, no code but the installed packages'."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from src.errors import UserError
from src.files import read_json
from src.model.encoder import quiet

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

# What is fetched of a Hub repository. Pickles (*.bin, *.pt), code (*.py) and other back ends are left where they are.
_WANTED = ["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja"]
_UNWANTED = ["onnx/*", "openvino/*", "original/*", "coreml/*"]


def load_encoder(
    path_or_id: str, revision: str | None = None, device: torch.device | str = "cpu", max_length: int | None = None
) -> SentenceTransformer:
    """The encoder in a sentence-transformers folder or Hub repository, in float32, ready to encode.

    Args:
        path_or_id: a local folder, or `owner/name` on the Hub.
        revision: commit of the Hub repository; ignored for a folder.
        max_length: tokens a text, in place of the encoder's own limit.

    Raises:
        UserError: no such folder or repository; no modules.json, whose absence would silently mean mean pooling without
            normalisation; no safetensors weights; a part that only code from the repository could load.
    """
    import torch

    folder = Path(path_or_id) if Path(path_or_id).is_dir() else fetch(path_or_id, revision)
    check_folder(folder, path_or_id)
    with_safetensors = {"dtype": torch.float32, "use_safetensors": True}
    encoder = _open(folder, with_safetensors, device, path_or_id)
    if max_length is not None:
        encoder.max_seq_length = min(max_length, _limit(encoder))
    return encoder


def _open(folder: Path, model_kwargs: dict[str, object], device: torch.device | str, name: str) -> SentenceTransformer:
    from sentence_transformers import SentenceTransformer

    quiet()
    try:
        return SentenceTransformer(
            str(folder),
            device=str(device),
            model_kwargs=model_kwargs,
            trust_remote_code=False,
            local_files_only=True,
        )
    except Exception as error:  # whatever a broken folder makes three libraries raise
        raise UserError(f"{name}: cannot be loaded as an encoder: {error}") from error


def _limit(encoder: SentenceTransformer) -> int:
    config = encoder[0].get_submodule("model").config
    return getattr(config, "max_position_embeddings", None) or sys.maxsize


def check_folder(folder: Path, name: str) -> None:
    """Refuse what would load wrongly or run code; `name` is what the user called it."""
    if not (folder / "modules.json").is_file():
        raise UserError(f"{name}: no modules.json; expected a sentence-transformers folder (transformer, pooling, …)")
    for module in read_json(folder / "modules.json"):
        if not str(module.get("type", "")).startswith("sentence_transformers."):
            raise UserError(
                f"{name}: modules.json names {module.get('type')!r}, which only the repository's code provides"
            )
        weights = folder / module.get("path", "")
        if not any(weights.glob("*.safetensors")) and any(weights.glob("*.bin")):
            raise UserError(
                f"{name}: {module.get('path') or '.'} holds pickled weights (*.bin); only safetensors are loaded"
            )
    if not any(folder.glob("**/*.safetensors")):
        raise UserError(f"{name}: no *.safetensors weights")


def fetch(repository: str, revision: str | None) -> Path:
    """The folder of a Hub repository in the local cache, downloaded where needed, without pickles or code.

    Raises:
        UserError: no such folder or repository, no access, or no network; says what to do.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    where = f"{repository}@{revision}" if revision else repository
    try:
        return Path(snapshot_download(repository, revision=revision, allow_patterns=_WANTED, ignore_patterns=_UNWANTED))
    except HFValidationError as error:
        raise UserError(f"{repository}: no such folder, and no Hub id (expected OWNER/NAME)") from error
    except LocalEntryNotFoundError as error:
        raise UserError(
            f"{where}: no such folder, and not in the Hub cache; set runtime.offline to false where there is a network"
        ) from error
    except HfHubHTTPError as error:
        raise UserError(
            f"{where}: the Hub refuses it ({error.__class__.__name__}): check name, revision and access"
        ) from error
