"""The search for the paper's protocol gives the one that was hidden in invented runs."""

import random

import pytest

from src.errors import UserError
from src.evaluation import metrics
from tools import paper_protocol
from tools.paper_protocol import Query, countable, grouped, published, search

DOCUMENTS = [f"d{number:03d}" for number in range(200)]


def make_set(seed=3, queries=120):
    """Judgements of grades 0 to 2 in the order of a file, some queries with several; a run that ranks all documents."""
    draw = random.Random(seed)
    qrels, run = [], {}
    for number in range(queries):
        query = f"q{number:03d}"
        documents = draw.sample(DOCUMENTS[:90], draw.choice([1, 1, 2, 3, 5]))
        qrels += [(query, document, draw.choice([0, 1, 1, 2])) for document in documents[1:]]
        qrels.append((query, documents[0], draw.choice([1, 2])))
        score = {document: draw.random() + (document in documents) * draw.random() for document in DOCUMENTS}
        run[query] = sorted(score.items(), key=lambda hit: -hit[1])
    return qrels, run


def trec_eval(qrels, run):
    """P@1 and MRR@10 as src/evaluation measures them."""
    of = {}
    for query, document, score in qrels:
        of.setdefault(query, {})[document] = score
    values = metrics.means(metrics.per_query(of, {query: run[query] for query in of}))
    return values["P@1"], values["MRR@10"]


def over(run, corpus):
    return {query: [hit for hit in hits if hit[0] in corpus] for query, hits in run.items()}


def positive(qrels):
    return [qrel for qrel in qrels if qrel[2] > 0]


def plain(qrels, run):
    return trec_eval(positive(qrels), run)


def first_judgement_of_all_judged(qrels, run):
    first = {}
    for query, document, _ in qrels:
        first.setdefault(query, (query, document, 1))
    return trec_eval(list(first.values()), over(run, {document for _, document, _ in first.values()}))


def pairs_apart(qrels, run):
    """Each relevant document the answer to a query of its own, from which the others are taken out."""
    alone, runs = [], {}
    for query, document, _ in positive(qrels):
        name = f"{query}/{document}"
        others = {other for one, other, _ in positive(qrels) if one == query} - {document}
        alone.append((name, document, 1))
        runs[name] = [hit for hit in run[query] if hit[0] not in others]
    return trec_eval(alone, runs)


HIDDEN = {
    plain: "whole corpus, relevant from 1, all relevant documents, mean over queries",
    first_judgement_of_all_judged: "documents of the judgements that count, every judged document relevant, "
    "a query's first judgement, mean over queries",
    pairs_apart: "whole corpus, relevant from 1, all relevant documents, mean over pairs, others taken out",
}


@pytest.mark.parametrize("hidden", HIDDEN)
def test_a_hidden_protocol_comes_out_and_no_other(hidden):
    qrels, run = make_set()
    wanted = hidden(qrels, run)
    results = list(search("scifact_tr", qrels, run))
    within = [one.name for one in results if one.distance(wanted) <= 1e-9]
    assert f"scifact_tr, {HIDDEN[hidden]}" in within
    assert len([group for group in grouped(results) if group[0].distance(wanted) <= 1e-9]) == 1
    printed = paper_protocol.report(results, wanted)
    assert "within 0.0005 of both" in printed and f"P@1 {wanted[0]:.4f}" in printed.splitlines()[2]


# Of two relevant documents of the first query one is first and the other third; the second query's is fourth.
QUERIES = [Query({"a": 1, "b": 3}, ["a", "b"]), Query({"a": 4}, ["a"])]


@pytest.mark.parametrize(
    ("mean", "p_at_1", "mrr"),
    [
        ("mean over queries", 1 / 2, (1 + 1 / 4) / 2),
        ("R@1 for P@1", (1 / 2 + 0) / 2, (1 + 1 / 4) / 2),
        ("mean over judgements", 2 / 3, (1 + 1 + 1 / 4) / 3),
        ("mean over pairs", 1 / 3, (1 + 1 / 3 + 1 / 4) / 3),
        ("mean over pairs, others taken out", 1 / 3, (1 + 1 / 2 + 1 / 4) / 3),
        ("mean over relevant documents", (1 / 2 + 1) / 2, ((1 + 1 / 4) / 2 + 1) / 2),
    ],
)
def test_means(mean, p_at_1, mrr):
    terms = paper_protocol.MEANS[mean](QUERIES)
    assert [sum(values) / len(terms) for values in zip(*terms, strict=True)] == pytest.approx([p_at_1, mrr])


@pytest.mark.parametrize(
    ("value", "terms", "can"), [(0.7116, 300, False), (0.7133, 300, True), (0.7116, 267, True), (0.7116, 0, False)]
)
def test_whether_a_share_of_whole_cases_can_be_the_value(value, terms, can):
    assert countable(value, terms) is can


def test_the_command_reads_prepared_sets_and_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="m.trec: no such file; `dvc repro eval_published@s` makes the first"):
        paper_protocol.main(["m", "s"])
    qrels = tmp_path / "data/prepared/s/qrels/test.tsv"
    qrels.parent.mkdir(parents=True)
    qrels.write_text("query-id\tcorpus-id\tscore\nq\td1\t1\n", encoding="utf-8")
    run = tmp_path / "data/published/s/m.trec"
    run.parent.mkdir(parents=True)
    run.write_text("q Q0 d1 1 0.9 m\nq Q0 d2 2 0.8 m\n", encoding="utf-8")
    (tmp_path / "expected.yaml").symlink_to(paper_protocol.Path(__file__).parents[2] / "expected.yaml")
    paper_protocol.main(["m", "s"])
    printed = capsys.readouterr().out
    assert published() == (0.7116, 0.8221) and "published P@1 0.7116, MRR@10 0.8221" in printed
    assert "P@1 1.0000  MRR@10 1.0000  of    1  s, whole corpus, relevant from 1" in printed
