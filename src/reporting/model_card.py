"""The model card of the retrieval encoder: what it was made of, how well it does, what it cannot do.

It holds no dates, times or sampled sentences, so that the same run gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from huggingface_hub.utils import yaml_dump

from src.data.card import Card
from src.evaluation.metrics import BRIEF
from src.files import PathLike, write_text
from src.model.origin import Origin
from src.model.prompts import CONVENTIONS
from src.params.schema import Params, StageParams
from src.recipe.stages import FINAL, STAGES
from src.strict_json import JsonObject

CORRELATIONS = ("spearman", "pearson")
Metrics = Mapping[str, Any]
Cards = Mapping[str, Card]

_CITATION = """@inproceedings{turkembed4retrieval2025,
  title     = {TurkEmbed4Retrieval: Turkish Embedding Model for Retrieval Task},
  author    = {Ezerceli, Özay and Gümüşçekiçci, Gizem and Erkoç, Tuğba and Özenç, Berke},
  booktitle = {Signal Processing and Communications Applications Conference (SIU)},
  year      = {2025},
  doi       = {10.1109/SIU66497.2025.11112338},
  note      = {arXiv:2511.07595; this model follows its recipe and is not the authors' release}
}"""


def write_model_card(folder: PathLike, metrics: Metrics, params: Params, cards: Cards, origin: Origin) -> Path:
    """Write FOLDER/README.md; its path. Arguments as for `model_card`."""
    path = Path(folder) / "README.md"
    write_text(path, model_card(metrics, params, cards, origin))
    return path


def model_card(metrics: Metrics, params: Params, cards: Cards, origin: Origin) -> str:
    """The card's text.

    Args:
        metrics: what reports/metrics.json holds: {SET: {MODEL: {measure: value}}}, the STS set by its name, and
            `matryoshka`: {DIM: {measure: value}} on the first set.
        params: of the run.
        cards: data cards by the key in params.data (nli, sts, retrieval, text).
        origin: what models/base/origin.json says of a published base.
    """
    head = yaml_dump(front_matter(metrics, params, cards), sort_keys=False, width=1000)  # as the Hub writes its cards
    parts = [
        f"---\n{head}---",
        introduction(params, cards, origin),
        usage(params),
        results(metrics, params),
        recipe(params, cards),
        limits(params, cards),
        f"## Citation\n\nThe recipe is that of\n\n```bibtex\n{_CITATION}\n```",
    ]
    return "\n\n".join(parts) + "\n"


def front_matter(metrics: Metrics, params: Params, cards: Cards) -> JsonObject:
    """What the Hub reads: language, licence, base, data and the results as `model-index`."""
    fields: JsonObject = {
        "language": ["tr"],
        "license": "apache-2.0" if is_synthetic(cards) else "other",
        "library_name": "sentence-transformers",
        "pipeline_tag": "sentence-similarity",
        "tags": ["sentence-transformers", "feature-extraction", "retrieval", "matryoshka", "turkish"],
    }
    if "/" in params.base_model.source and not Path(params.base_model.source).exists():
        fields["base_model"] = params.base_model.source
    sts = params.data.sts.name
    entries = [_entry("Information Retrieval", name, BRIEF, metrics[name][FINAL]) for name in params.eval.sets]
    entries.append(_entry("Semantic Similarity", sts, CORRELATIONS, metrics[sts][FINAL]))
    fields["model-index"] = [{"name": "turkish-retrieval-encoder", "results": entries}]
    return fields


def _entry(task: str, name: str, measures: Sequence[str], scores: Metrics) -> JsonObject:
    """A set's results in the Hub's terms."""
    return {
        "task": {"type": task.lower().replace(" ", "-"), "name": task},
        "dataset": {"type": name, "name": name},
        "metrics": [{"type": m, "name": m, "value": round(scores[m], 4)} for m in measures],
    }


def is_synthetic(cards: Cards) -> bool:
    """Whether every training set is invented text."""
    return all(card["synthetic"] for card in cards.values())


def introduction(params: Params, cards: Cards, source: Origin) -> str:
    """Title and what the model is."""
    base = params.base_model
    origin = "a small GTE with random weights" if base.source == "scratch" else f"`{base.source}`" + altered(source)
    if base.source == "scratch" and base.mlm.epochs:
        origin += f", pretrained by masked language modelling on {params.data.text.name}"
    warning = (
        "\n\n**Trained on synthetic text: it knows an invented world, and serves to test the pipeline, nothing else.**"
    )
    return (
        "# Turkish retrieval encoder\n\n"
        f"Maps Turkish texts to unit vectors of {params.train.dims[0]} dimensions for search by cosine; "
        f"the first {' / '.join(map(str, params.train.dims[1:]))} dimensions serve as shorter vectors. It starts from "
        f"{origin} and was trained in three steps: NLI, STS, retrieval." + (warning if is_synthetic(cards) else "")
    )


def altered(origin: Origin) -> str:
    """What was done to the base's weights and vocabulary, to stand behind its name; empty where nothing was."""
    weights = f" ({origin['weights']})" if origin.get("weights") else ""
    cut = origin.get("vocabulary")
    if not cut:
        return weights
    return (
        f"{weights} (vocabulary cut to {cut['pieces']:,} of {cut['pieces_before']:,} pieces, those that {cut['text']} "
        f"uses {cut['threshold']} or more times and single characters: {cut['parameters'] / 1e6:.1f} M parameters in "
        f"place of {cut['parameters_before'] / 1e6:.1f} M; {cut['cut_otherwise']:.2%} of its tokens are cut otherwise)"
    )


def usage(params: Params) -> str:
    """How to load it; prompts, and at most so many tokens."""
    return f"""## Usage

```python
from sentence_transformers import SentenceTransformer

model = SentenceTransformer("path/or/id", truncate_dim={params.train.dims[0]})  # or {params.train.dims[-1]}, …
documents = model.encode_document(["Su 100 derecede kaynar."])
queries = model.encode_query(["Su kaç derecede kaynar?"])
print(model.similarity(queries, documents))
```

{prompts(params)} Trained on texts of at most {params.train.max_length} tokens. The tokenizer of
a model built from scratch folds case the Turkish way by itself."""


def prompts(params: Params) -> str:
    """What stands before a text, in a sentence."""
    base = params.base_model
    if base.prompts is None and base.source != "scratch":
        return f"`encode_query` and `encode_document` put before a text what {base.source} declares, if anything."
    convention = CONVENTIONS[base.prompts or "none"]
    if not any(convention):
        return "No prompt for queries or documents."
    query, document = convention.query, convention.document
    return f"`encode_query` puts `{query}` before a query, `encode_document` `{document}` before a document."


def results(metrics: Metrics, params: Params) -> str:
    """Tables of scores, each set under its protocol, and one by dimension."""
    names = " | ".join(BRIEF)
    lines = ["## Results", "", f"| set | protocol | {names} |", "|---|---|" + "---:|" * len(BRIEF)]
    lines += [f"| {name} | {protocol(params, name)} | {_cells(metrics[name][FINAL])} |" for name in params.eval.sets]
    sts = params.data.sts.name
    values = ", ".join(f"{key} {metrics[sts][FINAL][key]:.4f}" for key in CORRELATIONS)
    lines += ["", f"Semantic similarity on {sts} (test split, cosine): {values}."]
    lines += ["", f"By dimension on {next(iter(params.eval.sets))}:", "", f"| dimensions | {names} |"]
    lines.append("|---:|" + "---:|" * len(BRIEF))
    by_dim = metrics["matryoshka"]
    lines += [f"| {dim} | {_cells(by_dim[dim])} |" for dim in sorted(by_dim, key=int, reverse=True)]
    return "\n".join(lines)


def _cells(scores: Metrics) -> str:
    return " | ".join(f"{scores[measure]:.4f}" for measure in BRIEF)


def protocol(params: Params, name: str) -> str:
    """How a set was scored, in words."""
    item = params.eval.sets[name]
    what = {"full": "whole corpus", "mteb": "whole corpus as MTEB has it"}.get(item.protocol, "reduced as in TR-MTEB")
    text = "title and text" if item.title else "text alone"
    return f"{what}, {text}, {params.eval.max_length} tokens, float32, ties by id"


def recipe(params: Params, cards: Cards) -> str:
    """Data and settings of each step, and where the data came from."""
    lines = ["## Training", "", "| step | data | rows | loss | batch | epochs | learning rate | tokens | frozen |"]
    lines.append("|---|---|---:|---|---:|---:|---:|---:|---|")
    lines += [_step(stage.name, params.block(stage), cards[stage.name]) for stage in STAGES.values()]
    lines += ["", f"Matryoshka dimensions {', '.join(map(str, params.train.dims))}; seed {params.seed}.", ""]
    lines += [f"- {card['name']}: {card['source']}; licence: {card['licence']}" for _, card in sorted(cards.items())]
    return "\n".join(lines)


def _step(name: str, step: StageParams, card: Card) -> str:
    loss = {"mnrl": "MNRL", "cosent": "CoSENT"}.get(step.loss, step.loss)
    settings = f"{step.batch_size} | {step.epochs:g} | {step.learning_rate:g} | {step.max_length}"
    rows = f"{card['splits']['train']['kept']:,}"
    return f"| {name} | {card['name']} | {rows} | {loss} | {settings} | {frozen_parts(step) or '–'} |"


def frozen_parts(step: StageParams) -> str:
    """What of the encoder a step does not train; empty where it trains everything."""
    layers = [f"{step.freeze_layers} layers"] if step.freeze_layers else []
    return ", ".join([*layers, *(["embeddings"] if step.freeze_embeddings else [])])


def limits(params: Params, cards: Cards) -> str:
    """What not to expect, and under which licence."""
    licence = (
        "The training texts are invented by this project; the weights are Apache-2.0."
        if is_synthetic(cards)
        else "The weights derive from the data sets above; their licences (some of them non-commercial or share-alike) "
        "decide what may be done with them."
    )
    return (
        "## Limits and licence\n\n"
        f"- Turkish only; texts beyond {params.train.max_length} tokens are cut, and what follows is not seen.\n"
        "- Scores hold for the sets and protocols above. Machine-translated data carry their translator's errors.\n"
        "- Nearness of vectors is no evidence that a passage is true or answers the question.\n"
        f"\n{licence}"
    )
