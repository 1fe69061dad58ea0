"""A byte-pair tokenizer for Turkish that folds case by itself, wherever its saved tokenizer.json is loaded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from src.errors import UserError
from src.turkish import APOSTROPHES, INVISIBLE, STRAY_DOT

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

# In XLM-R's order, as in gte-multilingual-base: begin (CLS), padding, end, unknown; then the mask.
SPECIAL_TOKENS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
BEGIN, PAD, END, UNKNOWN, MASK = range(len(SPECIAL_TOKENS))
WORD_START = "▁"
# What an apostrophe before a suffix follows: `Ankara'ya`, `1453'te`, `%5'i`, `(TDK)'nin`, `“Mavi”'nin`.
_WORD_END = r"[\p{L}\p{M}\p{N}\p{Pe}\p{Pf}\"%]"
# Letters that occur fewer times become <unk>: they would fill a small vocabulary.
_RARE_CHARACTER = 5


def normalizer() -> normalizers.Normalizer:
    """Nothing invisible, Turkish lower case (`src.turkish.lower`), one kind of apostrophe, and word starts marked.

    A word starts where a letter follows neither a letter nor an apostrophe after a word: the suffix of `Ankara'ya` has
    no mark and is the same token as inside a word, while `(Ankara`, `‘Ankara’` and ` Ankara` begin alike.
    """
    return normalizers.Sequence(
        [
            normalizers.Replace(Regex(INVISIBLE), ""),
            normalizers.NFC(),
            normalizers.Replace("İ", "i"),
            normalizers.Replace("I", "ı"),
            normalizers.Lowercase(),
            normalizers.Replace(Regex(STRAY_DOT), ""),
            normalizers.NFC(),
            normalizers.Replace(Regex(f"[{APOSTROPHES}]+"), "'"),  # doubled ones are one, as in BM25's words
            normalizers.Replace(Regex(rf"(?<![\p{{L}}\p{{M}}])(?<!{_WORD_END}')(?=\p{{L}})"), WORD_START),
            normalizers.Replace(Regex("[“”„«»]"), '"'),
        ]
    )


def pre_tokenizer() -> pre_tokenizers.PreTokenizer:
    """Words, numbers and single signs; merges stay inside each, and white space is dropped."""
    return pre_tokenizers.Split(Regex(rf"{WORD_START}?[\p{{L}}\p{{M}}]+|\d+|\S"), behavior="removed", invert=True)


def train_tokenizer(texts: Iterable[str], vocab_size: int) -> Tokenizer:
    """Train byte-pair merges on `texts`: the same texts give the same vocabulary on every run.

    BPE is the one trainer of `tokenizers` that is stable (Unigram and WordPiece are not), provided that the alphabet is
    given: its own cut of rare letters breaks ties by hash order.

    Raises:
        UserError: no text, or letters and special tokens alone exceed `vocab_size`.
    """
    texts = list(texts)
    alphabet = _alphabet(texts)
    if len(alphabet) + len(SPECIAL_TOKENS) >= vocab_size:
        raise UserError(
            f"base_model.vocab_size: {vocab_size} is too small: the text has {len(alphabet)} characters "
            f"that occur {_RARE_CHARACTER} times or more, and each needs a token"
        )
    tokenizer = Tokenizer(models.BPE(unk_token=SPECIAL_TOKENS[UNKNOWN], fuse_unk=True))
    tokenizer.normalizer = normalizer()
    tokenizer.pre_tokenizer = pre_tokenizer()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),
        min_frequency=2,
        max_token_length=24,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = post_processor(BEGIN, END)
    return tokenizer


def _alphabet(texts: list[str]) -> list[str]:
    counts: Counter[str] = Counter()
    fold = normalizer()
    for text in texts:
        counts.update(fold.normalize_str(text))
    if not counts:
        raise UserError("data.text: no text to train a tokenizer on")
    frequent = {letter for letter, count in counts.items() if count >= _RARE_CHARACTER and not letter.isspace()}
    return sorted(frequent | {WORD_START})


def post_processor(begin_id: int, end_id: int) -> processors.PostProcessor:
    """`<s> text </s>`, and `<s> text </s> </s> text </s>`, as XLM-R has them."""
    begin, end = SPECIAL_TOKENS[BEGIN], SPECIAL_TOKENS[END]
    return processors.TemplateProcessing(
        single=f"{begin} $A {end}",
        pair=f"{begin} $A {end} {end} $B {end}",
        special_tokens=[(begin, begin_id), (end, end_id)],
    )


def wrap(tokenizer: Tokenizer, max_length: int) -> PreTrainedTokenizerFast:
    """The tokenizer as transformers and sentence-transformers use it, with `max_length` tokens a text."""
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=SPECIAL_TOKENS[BEGIN],
        cls_token=SPECIAL_TOKENS[BEGIN],
        pad_token=SPECIAL_TOKENS[PAD],
        eos_token=SPECIAL_TOKENS[END],
        sep_token=SPECIAL_TOKENS[END],
        unk_token=SPECIAL_TOKENS[UNKNOWN],
        mask_token=SPECIAL_TOKENS[MASK],
        model_max_length=max_length,
        model_input_names=["input_ids", "attention_mask"],
    )
