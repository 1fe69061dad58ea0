"""Cut a published encoder's vocabulary to the pieces that the text of one language uses.

For tokenizers of XLM-R's kind: SentencePiece's unigram model, special tokens first. Pieces that stay keep their scores
and their order. So a text whose pieces all stay is cut as before, since its best segmentation is still there and the
others can only have become worse; and it gets the same vector, since each piece keeps its row of the embedding matrix.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from src.errors import UserError
from src.model.origin import Trimmed
from src.model.prompts import CONVENTIONS, prompts_of
from src.model.tokenizer import WORD_START
from src.strict_json import JsonObject

_TEXTS_AT_ONCE = 1000
# Turkish and foreign names are written with Latin letters; accents also occur by themselves.
_LETTERS = ("LATIN ", "COMBINING ")
_SIGNS = "NPS"  # Unicode's general categories: numbers, punctuation, symbols
_BYTE = re.compile(r"<0x[0-9A-F]{2}>")  # what a tokenizer with byte fallback spells unknown characters with
_FIXED_IDS = ("bos_token_id", "cls_token_id", "pad_token_id", "eos_token_id", "sep_token_id", "unk_token_id")


def trim(encoder: SentenceTransformer, texts: Sequence[str], threshold: int) -> Trimmed:
    """Keep, in place, the pieces that `texts` use `threshold` times or more, those of prompts, and `basic_pieces`.

    Raises:
        UserError: the tokenizer is not of XLM-R's kind.
    """
    transformer: Any = encoder[0]
    tokenizer, model = transformer.tokenizer, transformer.model
    layout = json.loads(tokenizer.backend_tokenizer.to_str()) | {"truncation": None, "padding": None}
    check_unigram(layout)
    counts = count_pieces(layout, texts)
    prompts = {prompt for each in (*CONVENTIONS.values(), prompts_of(encoder)) for prompt in each}
    stay = basic_pieces(layout, counts) | (counts >= threshold) | (count_pieces(layout, sorted(prompts)) > 0)
    ids = np.flatnonzero(stay)
    check_special_ids(ids, model, tokenizer)
    before = _parameters(encoder)
    cut_embeddings(model, ids)
    transformer.processor = cut_tokenizer(tokenizer, layout, ids)
    tokens = int(counts.sum())
    return {
        "pieces_before": len(stay),
        "pieces": len(ids),
        "parameters_before": before,
        "parameters": _parameters(encoder),
        "tokens": tokens,
        "cut_otherwise": int(counts[~stay].sum()) / max(1, tokens),
    }


def _parameters(encoder: SentenceTransformer) -> int:
    return sum(weight.numel() for weight in encoder.parameters())


def check_unigram(layout: JsonObject) -> None:
    """Raise UserError for a tokenizer.json that is no unigram model."""
    kind = layout["model"].get("type")
    if kind != "Unigram":
        raise UserError(
            f"base_model.vocabulary: trim needs a SentencePiece unigram tokenizer; this encoder's is {kind}: use keep"
        )


def check_special_ids(ids: NDArray[np.int64], model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    """Raise UserError where a special token would get another id: padding and positions are computed from these."""
    for owner in (tokenizer, model.config):
        for key in _FIXED_IDS:
            number = getattr(owner, key, None)
            if number is not None and (number >= len(ids) or ids[number] != number):
                raise UserError(
                    f"base_model.vocabulary: trim needs the special tokens first, as XLM-R has them; {key} is {number}"
                )


def count_pieces(layout: JsonObject, texts: Sequence[str]) -> NDArray[np.int64]:
    """How often `texts` use each id of a tokenizer.json (ids,), special tokens around a text left out."""
    tokenizer = Tokenizer.from_str(json.dumps(layout))
    counts = np.zeros(tokenizer.get_vocab_size(with_added_tokens=True), dtype=np.int64)
    for start in range(0, len(texts), _TEXTS_AT_ONCE):
        encodings = tokenizer.encode_batch(list(texts[start : start + _TEXTS_AT_ONCE]), add_special_tokens=False)
        counts += np.bincount(
            np.concatenate([encoding.ids for encoding in encodings]).astype(int), minlength=len(counts)
        )
    return counts


def basic_pieces(layout: JsonObject, counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which ids stay whatever the threshold (ids,): see `is_basic`; also any single character that was counted."""
    vocabulary = layout["model"]["vocab"]
    stay = np.zeros(len(counts), dtype=bool)
    for number, (piece, _) in enumerate(vocabulary):
        stay[number] = is_basic(piece) or (counts[number] > 0 and len(piece.removeprefix(WORD_START)) == 1)
    stay[[token["id"] for token in layout["added_tokens"]]] = True
    stay[layout["model"]["unk_id"]] = True
    # An unknown character costs ten more than the lowest score, so the piece that has it decides how texts are cut.
    stay[min(range(len(vocabulary)), key=lambda number: vocabulary[number][1])] = True
    return stay


def is_basic(piece: str) -> bool:
    """Whether a piece is a word start or one Latin letter, accent, digit, punctuation mark or symbol, or a byte."""
    bare = piece.removeprefix(WORD_START)
    if len(bare) != 1:
        return not bare or bool(_BYTE.fullmatch(piece))
    return unicodedata.category(bare)[0] in _SIGNS or unicodedata.name(bare, "").startswith(_LETTERS)


def cut_embeddings(model: PreTrainedModel, ids: NDArray[np.int64]) -> None:
    """Leave the rows `ids` of the word embedding matrix, in this order."""
    old: Any = model.get_input_embeddings()
    rows = old.weight.detach()[torch.from_numpy(ids).to(old.weight.device)]
    new = torch.nn.Embedding.from_pretrained(rows, freeze=not old.weight.requires_grad, padding_idx=old.padding_idx)
    model.set_input_embeddings(new)
    model.config.vocab_size = len(ids)


def cut_tokenizer(
    tokenizer: PreTrainedTokenizerFast, layout: JsonObject, ids: NDArray[np.int64]
) -> PreTrainedTokenizerFast:
    """The tokenizer with the pieces `ids` alone, everything else as it was.

    Its class is the general one: XLM-R's own would build anew, and drop, what tokenizer.json says of normalisation.
    """
    new_id = {int(old): new for new, old in enumerate(ids)}
    vocabulary = layout["model"]["vocab"]
    model = layout["model"] | {"vocab": [vocabulary[old] for old in ids if old < len(vocabulary)]}
    added = [token | {"id": new_id[token["id"]]} for token in layout["added_tokens"]]
    # The post-processor's ids are those of special tokens, which keep their ids (`check_special_ids`), as does unk_id.
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(layout | {"model": model, "added_tokens": added})),
        **tokenizer.special_tokens_map,
        model_max_length=tokenizer.model_max_length,
        model_input_names=tokenizer.model_input_names,
        padding_side=tokenizer.padding_side,
        truncation_side=tokenizer.truncation_side,
    )
