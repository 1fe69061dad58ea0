"""REPORT.md: sections in the order in which a reader of the paper asks for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from src.reporting.inputs import Inputs

if TYPE_CHECKING:
    from src.reporting.checks import Check

# What stands between these marks quotes texts of data sets; a record of a run leaves it out where they are not ours.
TEXTS_BEGIN, TEXTS_END = "<!-- texts:begin -->", "<!-- texts:end -->"


@dataclass(frozen=True)
class Section:
    """A heading, what a reader finds under it (for the contents), and its paragraphs in Markdown."""

    heading: str
    what: str
    parts: list[str]

    def markdown(self) -> str:
        """The section."""
        return "\n\n".join([f"## {self.heading}", *(part.strip() for part in self.parts)])


def write_report(inputs: Inputs, checks: list[Check]) -> str:
    """The whole report in Markdown."""
    from src.reporting import text_ablation, text_results, text_run

    sections = [
        text_run.what_was_run(inputs),
        text_results.table_1(inputs),
        text_results.all_models(inputs),
        text_results.dimensions(inputs),
        text_results.table_3(inputs),
        text_run.checks(checks),
        *text_ablation.sections(inputs),
        text_results.single_queries(inputs),
        text_results.published(inputs),
        text_run.work(inputs),
        text_run.recompute(inputs),
    ]
    contents = "\n".join(f"- [{item.heading}](#{slug(item.heading)}): {item.what}" for item in sections)
    brief = text_run.in_brief(inputs, checks)
    head = [text_run.heading(inputs), *text_run.warning(inputs), "## In brief", brief, "## Contents", contents]
    return "\n\n".join([*head, *(item.markdown() for item in sections)]) + "\n"


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading; headings are English."""
    kept = "".join(letter for letter in heading.lower() if letter.isalnum() or letter in " -_")
    return kept.replace(" ", "-")


def figure(name: str, alternative: str) -> str:
    """A figure; its caption is in the picture."""
    return f"![{alternative}](figures/{name}.png)"


def quoted(part: str) -> str:
    """A part that quotes texts of data sets."""
    return f"{TEXTS_BEGIN}\n\n{part.strip()}\n\n{TEXTS_END}"
