"""Near copies of evaluation documents: found in both directions, counted by document, kept out of training."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from src.data.card import COPY
from src.data.columns import KINDS
from src.data.leakage import LeakFinder, without_copies_of_dev
from src.data.overlap import OverlapIndex, ngrams
from src.data.training_set import Split, without
from src.turkish import upper

RETRIEVAL = KINDS["retrieval"]
DOCUMENT = (
    "Göbeklitepe, Şanlıurfa kent merkezinin on sekiz kilometre kuzeydoğusunda, bilinen en eski kült yapılar "
    "topluluğudur; kazılar 1995 yılında başlamış ve bugün de sürmektedir."
)
WORDS = st.lists(st.sampled_from(["ev", "su", "dağ", "yol", "kuş", "taş", "göl", "ay"]), max_size=30).map(" ".join)


def finder(threshold=0.2, **documents):
    return LeakFinder(RETRIEVAL, frozenset(), OverlapIndex(documents), threshold)


def test_a_passage_within_a_document_and_one_around_it_are_near_copies():
    index = OverlapIndex({"d": DOCUMENT})
    part = upper(DOCUMENT.partition(";")[0])
    around = "Önce başka bir konu anlatılır, sonra şuna gelinir: " + DOCUMENT + " Ardından yine başka bir konu gelir."
    assert index.most(part).share > 0.9 and index.most(around).share > 0.9
    assert index.most(DOCUMENT) == ("d", 1.0)


def test_a_text_on_the_same_topic_is_no_copy():
    assert (
        OverlapIndex({"d": DOCUMENT}).most("Göbeklitepe kazıları 1995 yılında başlamış, dünyada ilgi uyandırmıştır.")
        is None
    )
    assert OverlapIndex({"d": "kısa bir metin"}).most("kısa bir metin") is None, "no five words"


def test_rows_go_by_their_passages_and_are_counted_by_document():
    rows = [
        {"anchor": "Göbeklitepe nerededir?", "positive": DOCUMENT},
        {"anchor": "Kazılar ne zaman başladı?", "positive": DOCUMENT.replace("1995", "1994")},
        {"anchor": "Konu nedir?", "positive": "Bambaşka bir metin burada durur.", "negative": DOCUMENT},
        {"anchor": DOCUMENT, "positive": "Bir sorunun alıntıladığı metin kopya sayılmaz elbette."},
    ]
    leaks = finder(**{"d": DOCUMENT, "e": "Bir belge daha, hiçbir satırla ilgisi olmayan bir belge."})
    kept = without(Split(rows=rows, read=4), leaks.reason)
    assert kept.rows == rows[3:] and kept.dropped == {COPY: 3} and leaks.copies == {"d": 3}


def test_without_a_threshold_only_whole_texts_count():
    assert finder(threshold=None, d=DOCUMENT).reason({"anchor": "soru", "positive": DOCUMENT}) is None


def test_train_keeps_no_near_copy_of_a_dev_passage():
    dev = Split(rows=[{"anchor": "soru", "positive": DOCUMENT}], read=1)
    row = {"anchor": "başka soru", "positive": DOCUMENT + " Bir cümle daha."}
    train = Split(rows=[row], read=3, copies=Counter({"set/id": 2}))
    kept = without_copies_of_dev(RETRIEVAL, train, dev, 0.2)
    assert kept.rows == [] and kept.copies == train.copies, "the card still names copies removed before"
    pairs = Split(rows=[{"sentence1": DOCUMENT, "sentence2": DOCUMENT, "score": 5.0}], read=1)
    assert without_copies_of_dev(KINDS["sts"], pairs, pairs, 0.2) is pairs, "pairs of sentences have no passages"


@given(WORDS, WORDS)
def test_the_share_is_that_of_the_definition_and_symmetric(first, second):
    one, two = ngrams(first), ngrams(second)
    overlap = OverlapIndex({"d": second}).most(first)
    shared = len(one & two)
    assert (overlap.share if overlap else 0) == (shared / min(len(one), len(two)) if shared else 0)
    back = OverlapIndex({"d": first}).most(second)
    assert (overlap and overlap.share) == (back and back.share)


@given(st.dictionaries(st.text("abc", min_size=1, max_size=2), WORDS, max_size=6), WORDS)
def test_no_other_document_overlaps_more(documents, text):
    largest = OverlapIndex(documents).most(text)
    shares = {name: OverlapIndex({name: other}).most(text) for name, other in documents.items()}
    best = max((overlap.share for overlap in shares.values() if overlap), default=None)
    assert (largest and largest.share) == best
    if largest:
        assert largest.document == min(name for name, overlap in shares.items() if overlap and overlap.share == best)
