"""Which protocol gives the paper's P@1 and MRR@10? Named ways to measure, tried on saved runs of its model.

The paper (arXiv 2511.07595, Table I) names no protocol, and its P@1 is none that the 300 official queries can give
(docs/paper.md). Every set of eval.sets is tried (or SET alone), by its prepared data and MODEL's run, so that `dvc exp
run eval_published $(python -m src.profile paper) -S eval.depth=6000` comes first: reduced corpora need whole rankings.
The paper's values are those of expected.yaml.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from src.data.evaluation_set import BeirSet, Qrel, read_qrels, tr_mteb
from src.errors import UserError, run_command
from src.evaluation.expected import read_expected
from src.evaluation.runs import Run, order, read_run

PAPER, MODEL = "paper", "turkembed4retrieval"
WITHIN = 0.0005
DEPTH = 10
SHOWN = 10  # protocols that come nearest, where none gives both values
FOLDERS = ("data/published", "reports/runs")  # of published models, of our own rows


@dataclass(frozen=True)
class Query:
    """One query: the ranks, from 1, of its relevant documents in the ranking, and how many it has."""

    ranks: dict[str, int]
    relevant: list[str]

    @property
    def first(self) -> int:
        """The rank of the first relevant document; beyond DEPTH where there is none."""
        return min(self.ranks.values(), default=DEPTH + 1)


@dataclass(frozen=True)
class Result:
    """What a protocol gives. `terms`: what the mean is of; `cut`: queries that the run's depth leaves open."""

    name: str
    p_at_1: float
    mrr: float
    terms: int
    cut: int

    def distance(self, published: tuple[float, float]) -> float:
        """The larger of the two differences from the published P@1 and MRR@10."""
        return max(abs(self.p_at_1 - published[0]), abs(self.mrr - published[1]))


# P@1 and MRR@10 whose mean is taken, one pair for each term.
Terms = list[tuple[float, float]]


def values(rank: int) -> tuple[float, float]:
    """P@1 and MRR@10 where the first relevant document has this rank."""
    return float(rank == 1), 1 / rank if rank <= DEPTH else 0.0


def by_query(queries: list[Query]) -> Terms:
    """A term a query, as trec_eval measures."""
    return [values(one.first) for one in queries]


def by_query_with_hit(queries: list[Query]) -> Terms:
    """Queries without a relevant document among the first ten left out."""
    return by_query([one for one in queries if one.first <= DEPTH])


def recall(queries: list[Query]) -> Terms:
    """R@1 in place of P@1."""
    terms = zip(queries, by_query(queries), strict=True)
    return [(first / len(one.relevant), second) for one, (first, second) in terms]


def by_judgement(queries: list[Query]) -> Terms:
    """A query's values as often as it has relevant documents."""
    return [values(one.first) for one in queries for _ in one.relevant]


def by_pair(queries: list[Query]) -> Terms:
    """A term for each query and relevant document, by the rank of that very document."""
    return [values(one.ranks.get(document, DEPTH + 1)) for one in queries for document in one.relevant]


def by_pair_alone(queries: list[Query]) -> Terms:
    """As by_pair, with the query's other relevant documents taken out of the ranking."""
    ranks = [(one, one.ranks.get(document, DEPTH + 1)) for one in queries for document in one.relevant]
    return [values(rank - sum(other < rank for other in one.ranks.values())) for one, rank in ranks]


def by_document(queries: list[Query]) -> Terms:
    """A term for each relevant document: the mean over the queries that it answers."""
    of: dict[str, Terms] = {}
    for one in queries:
        for document in one.relevant:
            of.setdefault(document, []).append(values(one.first))
    return [_mean(terms) for terms in of.values()]


def _one_each(qrels: list[Qrel]) -> list[Qrel]:
    return list({query: (query, document, score) for query, document, score in qrels}.values())


def _highest(qrels: list[Qrel]) -> list[Qrel]:
    best = max(score for _, _, score in qrels)
    return [qrel for qrel in qrels if qrel[2] == best]


def _of_one_document(qrels: list[Qrel]) -> list[Qrel]:
    times = Counter(query for query, _, _ in qrels)
    return [qrel for qrel in qrels if times[qrel[0]] == 1]


def _shuffled(qrels: list[Qrel]) -> list[Qrel]:
    """TR-MTEB's one document a query, under its order of the judgements."""
    ids = {document: ("", "") for _, document, _ in qrels}
    return tr_mteb(BeirSet(ids, dict.fromkeys((query for query, _, _ in qrels), ""), {"test": qrels})).qrels["test"]


Judge = Callable[[list[Qrel]], list[Qrel]]
# The plain way stands first in each.
GRADES: dict[str, Judge] = {
    "relevant from 1": lambda qrels: [qrel for qrel in qrels if qrel[2] > 0],
    "relevant at the highest grade": _highest,
    "every judged document relevant": lambda qrels: [(query, document, 1) for query, document, _ in qrels],
}
JUDGEMENTS: dict[str, Judge] = {
    "all relevant documents": lambda qrels: qrels,
    "queries of one relevant document": _of_one_document,
    "a query's first judgement": lambda qrels: _one_each(qrels[::-1])[::-1],
    "a query's last judgement": _one_each,
    "TR-MTEB's one judgement a query": _shuffled,
}
CORPORA = ("whole corpus", "judged documents", "documents of the judgements that count")
MEANS: dict[str, Callable[[list[Query]], Terms]] = {
    "mean over queries": by_query,
    "mean over queries that find one in ten": by_query_with_hit,
    "R@1 for P@1": recall,
    "mean over judgements": by_judgement,
    "mean over pairs": by_pair,
    "mean over pairs, others taken out": by_pair_alone,
    "mean over relevant documents": by_document,
}


def search(name: str, qrels: list[Qrel], run: Run) -> Iterator[Result]:
    """What every protocol gives on one set.

    Args:
        name: of the set, the beginning of each protocol's name.
        qrels: in the order of the file, which decides which judgement of a query is the first or last.
        run: every query's ranking, as deep as the reduced corpora need it.
    """
    ranked = {query: [document for document, _ in order(hits)] for query, hits in run.items()}
    judged = {document for _, document, _ in qrels}
    for (grade, of_grade), (which, choose) in product(GRADES.items(), JUDGEMENTS.items()):
        counting = choose(of_grade(qrels))
        if not counting:
            continue
        for corpus, kept in zip(CORPORA, (None, judged, {document for _, document, _ in counting}), strict=True):
            queries, cut = _queries(counting, ranked, kept)
            for mean, terms_of in MEANS.items():
                terms = terms_of(queries)
                words = ", ".join((name, corpus, grade, which, mean))
                yield Result(words, *_mean(terms), len(terms), cut)


def _queries(qrels: list[Qrel], ranked: Mapping[str, list[str]], corpus: set[str] | None) -> tuple[list[Query], int]:
    """Every judged query over a corpus (None: whole), and how many of them the depth of the run leaves open."""
    relevant: dict[str, list[str]] = {}
    for query, document, _ in qrels:
        relevant.setdefault(query, []).append(document)
    queries, cut = [], 0
    for query, wanted in relevant.items():
        ranking = [document for document in ranked.get(query, []) if corpus is None or document in corpus]
        rank_of = {document: rank for rank, document in enumerate(ranking, 1)}
        one = Query({document: rank_of[document] for document in wanted if document in rank_of}, wanted)
        # What the run lacks may hold a relevant document among the first ten of the reduced corpus.
        cut += corpus is not None and len(ranking) < min(DEPTH, len(corpus)) and len(one.ranks) < len(wanted)
        queries.append(one)
    return queries, cut


def _mean(terms: Terms) -> tuple[float, float]:
    """Of both values; 0 where there is no term."""
    size = max(1, len(terms))
    return sum(first for first, _ in terms) / size, sum(second for _, second in terms) / size


def grouped(results: list[Result]) -> list[tuple[Result, int]]:
    """Protocols that give the same values as one: its plainest name, and how many there are."""
    groups: dict[tuple[float, float], list[Result]] = {}
    for one in results:
        groups.setdefault((round(one.p_at_1, 9), round(one.mrr, 9)), []).append(one)
    return [(same[0], len(same)) for same in groups.values()]


def countable(value: float, terms: int, decimals: int = 4) -> bool:
    """Whether a mean of so many zeros and ones can be printed as `value`, rounded or cut off after `decimals`."""
    scale, below = 10**decimals, int(value * terms)
    shares = [k / terms * scale for k in (below, below + 1) if terms]
    return any(round(value * scale) in (round(share), int(share)) for share in shares)


def published() -> tuple[float, float]:
    """The paper's P@1 and MRR@10 of its model, of expected.yaml."""
    entries = read_expected(Path("expected.yaml")).published
    values = next(entry.values for entry in entries if (entry.source, entry.model) == (PAPER, MODEL) and not entry.over)
    return values["P@1"], values["MRR@10"]


def read_set(model: str, name: str) -> tuple[list[Qrel], Run]:
    """Judgements of a prepared set, in their order, and the model's run. Raises UserError where one is missing."""
    paths = [Path(folder) / name / f"{model}.trec" for folder in FOLDERS]
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        raise UserError(
            f"{' or '.join(map(str, paths))}: no such file; `dvc repro eval_published@{name}` makes the first"
        )
    return read_qrels(Path("data/prepared") / name / "qrels" / "test.tsv"), read_run(path)


def report(results: list[Result], wanted: tuple[float, float]) -> str:
    """The protocols that give both values, else those that come nearest, with a line for each."""
    groups = sorted(grouped(results), key=lambda group: group[0].distance(wanted))
    both = [group for group in groups if group[0].distance(wanted) <= WITHIN]
    lines = [
        f"{len(results)} protocols, {len(groups)} different results; published P@1 {wanted[0]}, MRR@10 {wanted[1]}"
    ]
    lines.append(f"{len(both)} within {WITHIN} of both" + ("" if both else "; the nearest:"))
    for one, size in both or groups[:SHOWN]:
        others = f" (and {size - 1} that give the same)" if size > 1 else ""
        open_ = f"; {one.cut} queries cut off by the run's depth" if one.cut else ""
        lines.append(f"P@1 {one.p_at_1:.4f}  MRR@10 {one.mrr:.4f}  of {one.terms:4d}  {one.name}{others}{open_}")
    sizes = sorted({one.terms for one in results})
    able = [str(size) for size in sizes if countable(wanted[0], size)]
    lines.append(
        f"a share of whole cases can be {wanted[0]} of {', '.join(able) or 'none'} (of {len(sizes)} sizes here)"
    )
    return "\n".join(lines)


def main(arguments: list[str]) -> None:
    """Print which protocols, over all sets, give the paper's values."""
    from src.params import load_params

    model, names = arguments[0], arguments[1:] or list(load_params().eval.sets)
    results = [one for name in names for one in search(name, *read_set(model, name))]
    print(report(results, published()))


if __name__ == "__main__":
    run_command(main, "MODEL [SET]", MODEL)
