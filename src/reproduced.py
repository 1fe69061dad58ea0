"""The end of `make repro`: where the report is, its main numbers, and whether they are those in git.

`python -m src.reproduced before` is its beginning: what another processor changes, and that the end compares.
`python -m src.reproduced numbers` (`make parity`) compares the measures alone, whatever else differs from git.

Results are equal byte for byte on a processor like the one that made them (reports/records/mini/environment.json names
it). Another processor may pick other kernels and round otherwise, and training amplifies the last bit; there the
numbers of reports/metrics.json must agree within TOLERANCE. Where params or code differ from git, so may results, and
nothing is compared.
"""

from __future__ import annotations

from pathlib import Path

from src.checked import read_result
from src.errors import UserError, run_command
from src.files import read_json
from src.git import git
from src.machine import machine
from src.numbers import differences, numbers
from src.record.facts import Environment
from src.strict_json import parse_json

METRICS, SUMMARY = "reports/metrics.json", "reports/summary.json"
INPUTS = ("params.yaml", "params", "ablations/params.yaml", "src", "requirements.txt", "expected.yaml")
MADE_ON = Path("reports/records/mini/environment.json")
# Twice the widest difference seen between instruction sets and numbers of threads (docs/reproducibility.md).
TOLERANCE = 0.08


def main(arguments: list[str]) -> None:
    """Print the main numbers and how they compare with git's. Raises UserError where they should agree and do not."""
    if arguments == ["before"]:
        print(expectation(), flush=True)
    elif arguments == ["numbers"]:
        print(agreement())
    else:
        print(headline(read_json(SUMMARY)))
        changed = differing(*INPUTS)
        print(f"not compared: {', '.join(changed)} differ from git, and so may results" if changed else comparison())


def expectation() -> str:
    """What the run will be like on this processor, before it starts."""
    here, there = _processors()
    if here == there:
        return f"this processor ({here}) is like the one of git's results: expect equal bytes, compared at the end"
    return (
        f"this processor ({here}) rounds otherwise than the one of git's ({there}):\nmodels will differ in their "
        "last bits, so every stage behind them runs anew, which takes longer; the end compares the numbers with git's"
    )


def _processors() -> tuple[str, str]:
    """This machine's processor and that of the results in git."""
    return str(machine()["cpu"]), str(read_result(Environment, MADE_ON)["machine"]["cpu"])


def headline(summary: dict[str, dict[str, float]]) -> str:
    """The report's path and the main numbers of its first retrieval set and of semantic similarity."""
    (name, retrieval), *_, (sts, similarity) = summary.items()
    others = ", ".join(f"{row} {value:.3f}" for row, value in retrieval.items() if row.endswith("_nDCG@10"))
    lost = [f"{key.replace('_', ' ')} {100 * value:.1f} %; " for key, value in retrieval.items() if "loss" in key]
    kept = f"Spearman {similarity['spearman']:.3f} ({-similarity['spearman_drop']:+.3f} by retrieval training)"
    return (
        "\nreports/REPORT.md, or reports/report.html in a browser\n"
        f"{name}: nDCG@10 {retrieval['nDCG@10']:.3f} ({others}); {''.join(lost)}{sts}: {kept}"
    )


def comparison() -> str:
    """How reports/ compares with git. Raises UserError where it should agree and does not."""
    changed = differing("reports", "dvc.lock", "ablations/dvc.lock")
    if not changed:
        return "reproduced byte for byte: reports and locks are as in git"
    here, there = _processors()
    if here == there:
        raise UserError(f"not reproduced on a like processor ({here}): {', '.join(changed[:5])} differ")
    return (
        f"reproduced: {agreement()}\n{len(changed)} files differ from git, since this processor ({here}) rounds "
        f"otherwise than the one that made git's results ({there}): docs/reproducibility.md"
    )


def agreement() -> str:
    """How many measures there are, all like git's. Raises UserError where some are not, which it lists."""
    recomputed = read_json(METRICS)
    lines = differences(parse_json(git("show", f"HEAD:{METRICS}"), METRICS), recomputed, TOLERANCE)
    if lines:
        print("\n".join(lines))
        raise UserError(f"{len(lines)} numbers of {METRICS} differ by more than {TOLERANCE}")
    return f"{len(numbers(recomputed))} numbers of {METRICS} are within {TOLERANCE} of git's"


def differing(*paths: str) -> list[str]:
    """The files under `paths` that differ from the last commit."""
    return git("diff", "--name-only", "HEAD", "--", *paths).split()


if __name__ == "__main__":
    run_command(main, "[before|numbers]", "before")
