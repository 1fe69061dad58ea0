"""The head of the report: its title, what no reader may miss, and the run in a few lines."""

from __future__ import annotations

from src.evaluation.metrics import MAIN
from src.evaluation.results import Evaluation
from src.recipe import systems
from src.recipe.stages import BEFORE, EARLIER, FINAL, STAGES
from src.recipe.systems import LEMMA
from src.reporting import names
from src.reporting.checks import all_checks, counted
from src.reporting.inputs import Inputs
from src.reporting.metrics import half
from src.reporting.retrieval import baseline, p_value, pair
from src.reporting.tables import interval, opposite, percent


def title(inputs: Inputs) -> str:
    """Sets and encoder: they tell runs apart. The commit is git's to tell: a file cannot hold the one that it is in."""
    base = inputs.params.base_model
    encoder = f"{base.layers} × {base.hidden_size} from scratch" if base.source == "scratch" else base.source
    return f"Report: {', '.join(map(names.retrieval_set, inputs.evaluations.values()))}, encoder {encoder}"


def warnings(inputs: Inputs) -> list[str]:
    """What no reader may miss: invented text, steps that were left out, data or models that may change."""
    return [warning for warning in (_synthetic(inputs), _left_out(inputs), _unpinned(inputs)) if warning]


def _synthetic(inputs: Inputs) -> str:
    used = dict(inputs.cards)
    base = inputs.params.base_model
    if base.source != "scratch" and base.vocabulary == "keep":
        used.pop("text", None)  # read by an encoder from scratch, and where a vocabulary is cut
    invented = [card["name"] for card in used.values() if card["synthetic"]]
    everything = len(invented) == len(used)
    which = "Every number here comes" if everything else f"Numbers on {', '.join(invented)} come"
    text = (
        f"> **Synthetic data.** {which} from an invented Turkish world (docs/world.md), marked ({names.SYNTHETIC}) "
        "wherever it appears. It shows that the pipeline works and how its parts compare; it says nothing about how "
        "well a model serves real Turkish, and is not to be compared with published numbers."
    )
    return text if invented else ""


def _left_out(inputs: Inputs) -> str:
    left_out = [STAGES[name] for name in EARLIER if not inputs.params.block(STAGES[name]).epochs]
    text = (
        f"> **Steps left out.** {' and '.join(stage.title for stage in left_out)} "
        f"({', '.join(f'{stage.block}.epochs: 0' for stage in left_out)}): a row that ends in a step left out is the "
        "model before it, and the others are named by the whole recipe."
    )
    return text if left_out else ""


def _unpinned(inputs: Inputs) -> str:
    unpinned = [card["name"] for card in inputs.cards.values() if card.get("pinned") is False]
    known = inputs.main["settings"]["published"]
    unpinned += [name for name, model in known.items() if model.get("pinned") is False]
    base = inputs.base_origin
    unpinned += [f"the base model {base['source']} ({base['revision']})"] if base.get("pinned") is False else []
    text = (
        f"> **Unpinned.** {', '.join(unpinned)}: taken from the Hub without a fixed commit, so that another run may "
        "get other contents. The data cards name this run's commits; `python -m src.hub pin` fixes them all."
    )
    return text if unpinned else ""


def in_brief(inputs: Inputs) -> str:
    """The run in a few lines."""
    lines = [line for evaluation in inputs.evaluations.values() for line in _set_in_brief(evaluation)]
    drop = inputs.sts["forgetting"]
    lines.append(
        f"**Semantic similarity** on {inputs.sts_name}: Spearman {drop['before']:.3f} before retrieval training, "
        f"{drop['after']:.3f} after; it {names.verb(drop['verdict'])} (change {-drop['drop']:+.3f}, "
        f"95 % interval {interval(opposite(drop['interval']))})."
    )
    lines.append(f"**Checks**: {counted(all_checks(inputs))}.")
    return "\n".join(f"- {line}" for line in lines)


def _set_in_brief(evaluation: Evaluation) -> list[str]:
    models = evaluation["models"]
    bounds = interval(evaluation["intervals"][FINAL][MAIN])
    over = baseline(evaluation)
    others = [f"{systems.label(row)} {models[row][MAIN]:.3f}" for row in (BEFORE, over, LEMMA) if row in models]
    tested = pair(evaluation, MAIN, FINAL, over)
    against = ""
    if tested:
        word = "significant" if tested["significant"] else "not significant"
        against = (
            f" Against {systems.label(over)}: {tested['difference']:+.3f}, {word} ({p_value(evaluation, tested)})."
        )
    lines = [
        f"**Retrieval** on {names.retrieval_set(evaluation)}: {MAIN} {models[FINAL][MAIN]:.3f} {bounds}, P@1 "
        f"{models[FINAL]['P@1']:.3f}. Beside it: {'; '.join(others)}.{against}"
    ]
    cut = half(evaluation["matryoshka"])
    if cut:
        lost = percent(-evaluation["matryoshka"][cut]["loss_relative"])
        lines.append(f"**Shorter vectors** on {names.retrieval_set(evaluation)}: {lost} {MAIN} at {cut} dimensions.")
    return lines
