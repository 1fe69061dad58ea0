"""REPORT.md: the report in Markdown."""

from __future__ import annotations

from src.reporting.section import Figure, Part, Quoted, Report, Section
from src.reporting.style import SUFFIX
from src.reporting.tables import Table


def page(report: Report) -> str:
    """The whole report."""
    contents = "\n".join(f"- [{item.heading}](#{slug(item.heading)}): {item.what}" for item in report.sections)
    head = [f"# {report.title}", *report.warnings, "## In brief", report.brief, "## Contents", contents]
    return "\n\n".join([*head, *map(section, report.sections)]) + "\n"


def section(item: Section) -> str:
    """A section under its heading."""
    return "\n\n".join([f"## {item.heading}", *map(part, item.parts)])


def part(item: Part) -> str:
    """A part of a section; figures lie beside the report."""
    if isinstance(item, Figure):
        return f"![{item.alternative}](figures/{item.name}{SUFFIX})"
    if isinstance(item, Quoted):
        return f"{item.words}:\n\n{item.table().markdown()}".strip()
    return (item.markdown() if isinstance(item, Table) else item).strip()


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading; headings are English."""
    kept = "".join(letter for letter in heading.lower() if letter.isalnum() or letter in " -_")
    return kept.replace(" ", "-")
