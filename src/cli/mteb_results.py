"""Write what was measured on sets of MTEB in the form of its results repository: reports/mteb/MODEL/REVISION/TASK.json.

Only sets under protocol mteb, by the name of the set; every row whose source and revision are known is written.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from src.checked import read_result
from src.errors import UserError, run_command
from src.evaluation.metrics import MAIN
from src.evaluation.results import Scored, Scores, System
from src.files import fresh_dir, write_json
from src.strict_json import JsonObject

OUTPUT = Path("reports/mteb")
# Measures in our files and in MTEB's.
MEASURES = {
    **{f"nDCG@{k}": f"ndcg_at_{k}" for k in (1, 3, 5, 10, 100)},
    "MAP@10": "map_at_10",
    **{f"R@{k}": f"recall_at_{k}" for k in (1, 5, 10, 100)},
    **{f"P@{k}": f"precision_at_{k}" for k in (1, 3, 5, 10)},
    "MRR@10": "mrr_at_10",
}


class Task(NamedTuple):
    """A task of MTEB: its name, the data's revision there, split, subset and language."""

    name: str
    revision: str
    split: str
    subset: str
    language: str


_XQUAD = ("XQuADRetrieval", "51adfef1c1287aab1d2d91b5bead9bcfb9c68583", "validation")
TASKS = {
    "xquad_tr_mteb": Task(*_XQUAD, "tr", "tur-Latn"),
    "xquad_hi_mteb": Task(*_XQUAD, "hi", "hin-Deva"),
    "turhistquad_mteb": Task(
        "TurHistQuadRetrieval", "2a2b8ddecf1189f530676244d0751e1d0a569e03", "test", "default", "tur-Latn"
    ),
}


def main(_: list[str]) -> None:
    """Collect from data/published/SET of every set that MTEB has."""
    results: dict[Path, JsonObject] = {}
    for name, task in TASKS.items():
        folder = Path("data/published") / name
        if (folder / "metrics.json").is_file():
            systems = read_result(dict[str, System], folder / "models.json")
            add(results, task, read_result(Scored, folder / "metrics.json"), systems)
    if not results:
        raise UserError(f"data/published: none of {', '.join(TASKS)} under protocol mteb; run eval_published first")
    with fresh_dir(OUTPUT) as folder:
        for path, result in results.items():
            write_json(folder / path, result)
    print(f"{OUTPUT}: {len(results)} results")


def add(results: dict[Path, JsonObject], task: Task, metrics: Scored, systems: dict[str, System]) -> None:
    """Add a set's models to the results by path; subsets of one task share a file."""
    if metrics["protocol"]["name"] != "mteb":
        return
    for name, scores in metrics["models"].items():
        revision = systems[name].get("revision") or systems[name]["source"].replace(" ", "_")
        result = results.setdefault(Path(name) / revision / f"{task.name}.json", empty(task))
        result["scores"].setdefault(task.split, []).append(subset(task, scores))


def empty(task: Task) -> JsonObject:
    """A file of MTEB's results repository without scores; nor has it times, so that the same run gives equal bytes."""
    nothing = dict.fromkeys(("mteb_version", "evaluation_time", "kg_co2_emissions"))
    return {"dataset_revision": task.revision, "task_name": task.name, **nothing, "scores": {}}


def subset(task: Task, scores: Scores) -> JsonObject:
    """The scores of one subset, to five places as MTEB has them."""
    measured = {theirs: round(scores[ours], 5) for ours, theirs in MEASURES.items()}
    return {**measured, "main_score": round(scores[MAIN], 5), "hf_subset": task.subset, "languages": [task.language]}


if __name__ == "__main__":
    run_command(main)
