"""Tables of what was run: data, recipe, versions, work."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

from src.recipe import systems
from src.recipe.stages import STAGES
from src.reporting import names
from src.reporting.inputs import TRAINING_SETS, Inputs
from src.reporting.tables import Cell, Table, plain, share

if TYPE_CHECKING:
    from src.params.schema import StepParams

LAST = 5  # steps whose mean is the loss at the end
LIBRARIES = (
    "torch",
    "transformers",
    "sentence-transformers",
    "tokenizers",
    "numpy",
    "scipy",
    "bm25s",
    "ir-measures",
    "dvc",
)


def data(inputs: Inputs) -> Table:
    """Every data set: what for, where from, how many rows were kept."""
    rows: list[list[Cell]] = []
    for key, card in inputs.cards.items():
        kept = {split: counts["kept"] for split, counts in card["splits"].items()}
        read = sum(counts["read"] for counts in card["splits"].values())
        lengths: dict[str, int] = next(iter(card["words"].values()), {})
        rows.append(
            [
                card["name"],
                f"training: {key}" if key in TRAINING_SETS else "evaluation",
                names.SYNTHETIC if card["synthetic"] else "real",
                plain(card["source"]),
                plain(card["licence"]),
                ", ".join(f"{split} {count:,}" for split, count in kept.items()),
                read - sum(kept.values()),
                lengths.get("p50"),
            ]
        )
    header = ["set", "used for", "text", "source", "licence", "rows kept", "dropped", "median words"]
    return Table("data", header, rows)


def recipe(inputs: Inputs) -> Table:
    """The three steps with their settings."""
    params = inputs.params
    rows = [
        _step(
            f"{place}. {stage.title}",
            getattr(params.data, name).name,
            stage.params(params),
            _steps(inputs, name),
        )
        for place, (name, stage) in enumerate(STAGES.items(), 1)
    ]
    header = [
        "step",
        "data",
        "loss",
        "dimensions",
        "batch",
        "epochs",
        "optimizer steps",
        "learning rate",
        "tokens",
        "frozen",
    ]
    return Table("recipe", header, rows)


def _steps(inputs: Inputs, name: str) -> int:
    return len(inputs.curves.get(name, {}).get("step", []))


def _step(label: str, data_name: str, step: StepParams, taken: int) -> list[Cell]:
    loss = {"mnrl": "multiple negatives ranking", "cosent": "CoSENT"}[step.loss]
    frozen = [f"{step.freeze_layers} layers"] if step.freeze_layers else []
    frozen += ["embeddings"] if step.freeze_embeddings else []
    dims = ", ".join(map(str, step.dims))
    rate = f"{step.learning_rate:g}"
    return [
        label,
        data_name,
        loss,
        dims,
        step.batch_size,
        f"{step.epochs:g}",
        taken,
        rate,
        step.max_length,
        ", ".join(frozen) or None,
    ]


def remedies(inputs: Inputs) -> str:
    """What the retrieval step did beyond the paper, in words."""
    chosen = inputs.params.train.remedies
    found = []
    if chosen.rehearsal_share:
        found.append(f"{share(chosen.rehearsal_share)} of the steps rehearse {' and '.join(chosen.rehearsal_sets)}")
    if chosen.similarity_weight:
        found.append(f"similarities held to the model before with weight {chosen.similarity_weight:g}")
    if chosen.interpolation < 1:
        found.append(f"weights mixed, {share(chosen.interpolation)} of them the trained ones")
    if chosen.hard_negatives:
        found.append(f"one mined negative a pair, margin {chosen.hard_negative_margin:g}")
    if inputs.params.train.false_negatives != "keep":
        found.append(f"false negatives: {inputs.params.train.false_negatives}")
    return "; ".join(found) or "none, as in the paper"


def versions(inputs: Inputs) -> str:
    """The packages that decide results, on one line."""
    return ", ".join(f"{name} {inputs.versions[name]}" for name in LIBRARIES if name in inputs.versions)


def truncation(inputs: Inputs) -> Table:
    """Tokens that each encoder reads, and how many texts are longer."""
    rows: list[list[Cell]] = []
    for evaluation in inputs.evaluations.values():
        for name, cut in evaluation["settings"].get("truncation", {}).items():
            tokens = dict.fromkeys((cut["document_tokens"], cut["query_tokens"]))
            read = " / ".join(map(str, tokens))
            rows.append([evaluation["set"], systems.label(name), read, cut["documents_cut"], cut["queries_cut"]])
    for name, cut in inputs.sts["protocol"].get("truncation", {}).items():
        rows.append([inputs.sts["set"], systems.label(name), str(cut["tokens"]), cut["cut"], None])
    header = ["set", "model", "tokens read", "documents cut", "queries cut"]
    notes = "What is longer is cut: the rest of it is not read. Two numbers: of a document, of a query. Sentences of "
    return Table("truncation", header, rows, notes=f"{notes}pairs and triplets count as documents.")


def work(inputs: Inputs) -> Table:
    """Optimizer steps and pairs of every training."""
    params = inputs.params
    batches = {
        "mlm": params.base_model.mlm.batch_size,
        **{name: stage.params(params).batch_size for name, stage in STAGES.items()},
        "colbert": params.colbert.batch_size,
    }
    rows: list[list[Cell]] = [
        [
            name,
            len(curve["step"]),
            batches[name],
            len(curve["step"]) * batches[name],
            curve["loss"][0],
            fmean(curve["loss"][-LAST:]),
        ]
        for name, curve in inputs.curves.items()
    ]
    header = ["training", "optimizer steps", "batch", "examples seen, at most", "first loss", "last loss"]
    notes = f"Last loss: mean of the last {LAST} steps; single batches scatter, and an epoch's last one is smaller."
    return Table("work", header, rows, notes=notes)
