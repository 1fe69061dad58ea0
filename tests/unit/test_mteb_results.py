"""Results in the form of MTEB's repository: its schema is written down here, since mteb itself pulls transformers."""

import pytest

from src.cli import mteb_results
from src.errors import UserError
from src.evaluation.metrics import NAMES
from src.files import read_json, write_json

SCORES = {name: round(0.9123456 - 0.01 * number, 6) for number, name in enumerate(NAMES)}
# Keys and types that `mteb.TaskResult.from_disk` requires.
TYPES = {
    "dataset_revision": str,
    "task_name": str,
    "mteb_version": str | None,
    "scores": dict,
    "evaluation_time": float | None,
    "kg_co2_emissions": float | None,
}


def measured(name: str, protocol: str, models: dict[str, dict]) -> None:
    rules = {"name": protocol, "queries": 1, "documents": 1, "title": True, "self_hits": "kept"}
    write_json(f"data/published/{name}/metrics.json", {"protocol": rules, "models": dict.fromkeys(models, SCORES)})
    write_json(f"data/published/{name}/models.json", models)


def test_subsets_of_a_task_share_a_file_and_every_row_has_its_revision(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    models = {"small": {"source": "tiny==1.0", "revision": "ab" * 32}, "words": {"source": "bm25s 0.3"}}
    measured("xquad_tr_mteb", "mteb", models)
    measured("xquad_hi_mteb", "mteb", models)
    measured("turhistquad_mteb", "full", models)
    mteb_results.main([])
    assert "2 results" in capsys.readouterr().out
    files = sorted(path.relative_to("reports/mteb").as_posix() for path in mteb_results.OUTPUT.rglob("*.json"))
    assert files == [f"small/{'ab' * 32}/XQuADRetrieval.json", "words/bm25s_0.3/XQuADRetrieval.json"]
    for file in files:
        result = read_json(mteb_results.OUTPUT / file)
        assert set(result) == set(TYPES) and all(isinstance(result[key], kind) for key, kind in TYPES.items())
        rows = result["scores"]["validation"]
        assert [(row.pop("hf_subset"), row.pop("languages")) for row in rows] == [
            ("tr", ["tur-Latn"]),
            ("hi", ["hin-Deva"]),
        ]
        assert all(isinstance(value, float) and 0 <= value <= 1 for row in rows for value in row.values())
        assert rows[0]["main_score"] == rows[0]["ndcg_at_10"] == round(SCORES["nDCG@10"], 5)
        assert rows[0]["map_at_10"] == round(SCORES["MAP@10"], 5)


def test_without_a_set_of_mteb_it_says_what_to_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="none of xquad_tr_mteb.*run eval_published first"):
        mteb_results.main([])
