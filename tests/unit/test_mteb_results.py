"""Results in the form of MTEB's repository: its schema is written down here, since mteb itself pulls transformers."""

import json

import pytest

from src.cli import mteb_results
from src.errors import UserError
from src.evaluation.metrics import NAMES
from src.files import write_json

SCORES = {name: round(0.9123456 - 0.01 * place, 6) for place, name in enumerate(NAMES)}


def check(result: dict) -> None:
    """What `mteb.TaskResult.from_disk` asks of a file, and `get_score` of its scores."""
    types = {"dataset_revision": str, "task_name": str, "mteb_version": str | None, "scores": dict}
    types |= {"evaluation_time": float | None, "kg_co2_emissions": float | None}
    assert set(result) == set(types)
    assert all(isinstance(result[key], kind) for key, kind in types.items())
    for split, rows in result["scores"].items():
        assert isinstance(split, str) and rows
        for row in rows:
            assert isinstance(row["hf_subset"], str)
            assert all(len(language.split("-")) == 2 for language in row["languages"])
            numbers = {key: value for key, value in row.items() if key not in ("hf_subset", "languages")}
            assert numbers and all(isinstance(value, float) and 0 <= value <= 1 for value in numbers.values())
            assert row["main_score"] == row["ndcg_at_10"]
        assert len({row["hf_subset"] for row in rows}) == len(rows)


def measured(name: str, protocol: str, models: dict[str, dict]) -> None:
    rules = {"name": protocol, "queries": 1, "documents": 1, "title": True, "self_hits": "kept"}
    scores = {"protocol": rules, "models": dict.fromkeys(models, SCORES)}
    write_json(f"data/published/{name}/metrics.json", scores)
    write_json(f"data/published/{name}/models.json", models)


def test_subsets_of_a_task_share_a_file_and_every_row_has_its_revision(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    models = {"small": {"source": "tiny==1.0", "revision": "ab" * 32}, "words": {"source": "bm25s 0.3"}}
    measured("xquad_tr_mteb", "mteb", models)
    measured("xquad_hi_mteb", "mteb", models)
    measured("turhistquad_mteb", "full", models)
    mteb_results.main([])
    files = sorted(path.relative_to("reports/mteb").as_posix() for path in mteb_results.OUTPUT.rglob("*.json"))
    assert files == [f"small/{'ab' * 32}/XQuADRetrieval.json", "words/bm25s_0.3/XQuADRetrieval.json"]
    for file in files:
        result = json.loads((mteb_results.OUTPUT / file).read_text())
        check(result)
        rows = result["scores"]["validation"]
        assert [(row["hf_subset"], row["languages"]) for row in rows] == [("tr", ["tur-Latn"]), ("hi", ["hin-Deva"])]
        assert rows[0]["map_at_10"] == round(SCORES["MAP@10"], 5)
    assert "2 results" in capsys.readouterr().out


def test_without_a_set_of_mteb_it_says_what_to_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="none of xquad_tr_mteb.*run eval_published first"):
        mteb_results.main([])
