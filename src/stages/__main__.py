"""Run one stage of the pipeline as dvc.yaml does: `python -m src.stages STAGE [ARGUMENT]`.

`python -m src.stages STAGE --help` says what a stage takes. Params are read and the argument checked first; then
threads and environment are set, and only then is the stage's module imported, with torch and its kin.
"""

from __future__ import annotations

import ast
import sys
from importlib.util import find_spec
from pathlib import Path

from src.errors import UserError, run_as, run_command
from src.params import Params, load_params
from src.params.variant import Variant, read_variant
from src.runtime import imported, set_environment, use_threads

COMMAND = "python -m src.stages"
# What each stage takes: nothing, one of these words, or a name that params give.
TAKES = {
    "synthesize": "FOLDER",
    "prepare": "text|nli|sts|retrieval",
    "prepare_eval": "SET",
    "base_model": "",
    "train": "nli|sts|retrieval",
    "train_colbert": "",
    "bm25": "SET",
    "eval_published": "SET",
    "eval_retrieval": "SET",
    "check_sts_forgetting": "",
    "forgetting_errors": "",
    "report": "",
    "resolve_variants": "",
    "ablate": "VARIANT",
}
EXAMPLES = {"FOLDER": "synthetic", "SET": "scifact_tr_synthetic", "VARIANT": "batch_256"}
KEYS = {"FOLDER": "synthesize.into", "SET": "eval.sets"}  # of the params that give the names


def main(arguments: list[str]) -> None:
    """Run the stage named first, with its argument."""
    name, *given = arguments
    params = read_params(TAKES[name], given)
    set_environment(params.runtime)
    stage = imported(f"src.stages.{name}")
    if "torch" in sys.modules:
        use_threads(params.runtime)
    stage.run(params, *given)


def read_params(takes: str, given: list[str]) -> Params | Variant:
    """params.yaml, or the resolved variant: a stage of a variant depends on that file alone.

    Raises:
        UserError: a file of params is missing or wrong, or does not know the name given.
    """
    if takes == "VARIANT":
        return read_variant(given[0])
    params = load_params()
    known: dict[str, list[str]] = {"FOLDER": [*params.synthesize.into], "SET": list(params.eval.sets)}
    if takes in known and given[0] not in known[takes]:
        raise UserError(f"expected one {takes.lower()} of {KEYS[takes]}: {', '.join(known[takes])}")
    return params


def about(name: str) -> str:
    """The docstring of a stage's module, which is not imported for it."""
    spec = find_spec(f"src.stages.{name}")
    assert spec and spec.origin
    return ast.get_docstring(ast.parse(Path(spec.origin).read_text(encoding="utf-8"))) or ""


def command(given: list[str]) -> None:
    """The command line of the stage named first, or of the runner."""
    name = next((word for word in given if not word.startswith("-")), "")
    if name not in TAKES:
        run_command(main, f"{'|'.join(TAKES)} [ARGUMENT]", "train nli")
        return
    takes = TAKES[name]
    example = EXAMPLES.get(takes) or takes.partition("|")[0]
    run_as(main, COMMAND, about(name), f"{name} {takes}".strip(), f"{name} {example}".strip())


if __name__ == "__main__":
    command(sys.argv[1:])
