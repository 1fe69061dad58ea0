"""Published values are compared with like alone, and the table says why not."""

import pytest

from src.errors import UserError
from src.evaluation import metrics
from src.evaluation.expected import compare, read_expected, verdict
from src.profile import profile_params
from tests.checkout import ROOT

ENTRY = """
sources: {s: {title: A source, url: "https://example.org"}}
published:
  - {source: s, set: fact, protocol: {name: full, title: false}, model: m, tolerance: 0.01, values: {P@1: 0.50}}
"""


def evaluation(name: str = "full", title: bool = False, **more: object) -> dict:
    return {"protocol": {"name": name, "title": title, **more}, "models": {"m": {"P@1": 0.505}, "n": {"P@1": 0.404}}}


def one(tmp_path, evaluations, change=("", "")):
    path = tmp_path / "expected.yaml"
    path.write_text(ENTRY.replace(*change))
    return compare(read_expected(path), evaluations)[0]


def test_the_committed_file_reads_and_covers_every_source():
    expected = read_expected(ROOT / "expected.yaml")
    assert {entry.source for entry in expected.published} == set(expected.sources)
    assert all(0 < value <= 1 for entry in expected.published for value in entry.values.values())


def test_like_is_compared_with_like(tmp_path):
    row = one(tmp_path, {"fact": evaluation()})
    assert (row.verdict, row.set, row.why) == ("OK", "fact", "")
    assert row.difference == pytest.approx(0.005)


@pytest.mark.parametrize(("difference", "judged"), [(-0.01, "OK"), (0.03, "close"), (-0.031, "off")])
def test_verdicts(difference, judged):
    assert verdict(difference, 0.01) == judged


@pytest.mark.parametrize(
    ("evaluations", "why"),
    [
        ({}, "fact was not evaluated (here: nothing)"),
        ({"fact": evaluation("tr-mteb")}, "other protocol: name is full there, tr-mteb here"),
        ({"fact": evaluation(title=True)}, "other protocol: title is not used there, used here"),
        ({"fact_synthetic": evaluation(synthetic=True)}, "our set is synthetic"),
    ],
)
def test_other_protocols_sets_and_synthetic_data_are_never_subtracted(tmp_path, evaluations, why):
    row = one(tmp_path, evaluations)
    assert (row.verdict, row.difference, row.why) == ("not comparable", None, why)


def test_of_several_protocols_of_a_set_the_fitting_one_is_taken(tmp_path):
    row = one(tmp_path, {"fact": evaluation(title=True), "fact_text": evaluation()})
    assert (row.set, row.verdict) == ("fact_text", "OK")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("{name: full, title: false}", "null"), "the source does not state its protocol"),
        (("model: m", "model: m, why_not: another language"), "another language"),
        (("model: m", "model: absent"), "absent not measured (eval.published)"),
        (("P@1", "P@7"), "P@7 not measured"),
    ],
)
def test_reasons_of_the_source_and_of_missing_rows(tmp_path, change, why):
    assert one(tmp_path, {"fact": evaluation()}, change).why == why


def test_a_gain_is_relative_to_the_other_row(tmp_path):
    row = one(tmp_path, {"fact": evaluation()}, ("model: m", "model: m, over: n"))
    assert row.ours == pytest.approx(0.505 / 0.404 - 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("tolerance", "tolerence"), "published.0.tolerence"),
        (("source: s", "source: t"), "source 't' is not under `sources`"),
        (("sources", "- :"), "not YAML"),
    ],
)
def test_a_faulty_file_is_named_with_its_key(tmp_path, change, message):
    with pytest.raises(UserError, match=message):
        one(tmp_path, {}, change)


def test_the_papers_profile_can_give_a_verdict_on_every_published_value_of_its_models(monkeypatch):
    monkeypatch.chdir(ROOT)
    settings = profile_params("paper").eval
    models = {name: dict.fromkeys(metrics.NAMES, 0.5) for name in settings.published}
    evaluations = {
        name: {"protocol": {"name": item.protocol, "title": item.title}, "models": models}
        for name, item in settings.sets.items()
    }
    compared = [item for item in compare(read_expected(ROOT / "expected.yaml"), evaluations) if item.set in evaluations]
    judged = {(item.entry.model, item.measure): item.set for item in compared if item.verdict != "not comparable"}
    for model in ("colmmbert-base-tr", "colmmbert-small-tr"):
        for measure in ("nDCG@1", "nDCG@3", "nDCG@5", "nDCG@10", "nDCG@100", "MAP"):
            assert judged[model, measure] == "scifact_tr_text"
    assert {judged["turkish-colbert", measure] for measure in ("R@10", "P@10", "MAP")} == {"scifact_tr_text"}
    assert judged["gte-multilingual-base", "nDCG@10"] == "scifact_tr_mteb"
    left = {
        (item.entry.source, item.why)
        for item in compared
        if item.entry.model in models and item.verdict == "not comparable"
    }
    assert left == {
        ("paper", "the source does not state its protocol"),
        ("turkish-colbert-card", "the source does not state its protocol"),
        ("turk-colbert", "run there as a late-interaction model, not as a dense one"),
    }
