"""What the report is made of: sections of text, tables and figures, and each as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from src.reporting.style import SUFFIX
from src.reporting.tables import Table

if TYPE_CHECKING:
    from src.evaluation.significance import Draws
    from src.reporting.inputs import Inputs

TEXTS_LEFT_OUT = "*(Texts of the data set are left out of records.)*"


@dataclass(frozen=True)
class Figure:
    """A chart; its caption is in the picture.

    Attributes:
        name: of its file.
        alternative: what it shows, for who cannot see it.
        draw: writes it to a path.
    """

    name: str
    alternative: str
    draw: Callable[[Path], None]

    def markdown(self) -> str:
        """A link: figures lie beside the report."""
        return f"![{self.alternative}](figures/{self.name}{SUFFIX})"


@dataclass(frozen=True)
class Quoted:
    """A table that quotes texts of data sets, below a line of words; made only where the texts are at hand."""

    words: str
    table: Callable[[], Table]

    def markdown(self) -> str:
        """The words and the table."""
        return f"{self.words}:\n\n{self.table().markdown()}"


Part = str | Table | Figure | Quoted


@dataclass(frozen=True)
class Section:
    """A heading, what a reader finds under it (for the contents), and its parts; text is Markdown.

    Attributes:
        plots: data of DVC's plots, which `dvc plots diff` lays over another run's.
    """

    heading: str
    what: str
    parts: list[Part]
    plots: list[Table] = field(default_factory=list)

    def markdown(self) -> str:
        """The section under its heading."""
        parts = [part if isinstance(part, str) else part.markdown() for part in self.parts]
        return "\n\n".join([f"## {self.heading}", *map(str.strip, parts)])


@dataclass(frozen=True)
class Topic:
    """An entry of the report.

    Attributes:
        section: of a run.
        reads: files and folders of the run that no other topic reads; a record keeps them.
        recompute: {a result among them: writes it again from the others}, in the folder of a run.
    """

    section: Callable[[Inputs], Section]
    reads: tuple[str, ...] = ()
    recompute: Mapping[str, Callable[[Path, Draws], None]] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """The whole report: its title, paragraphs that no reader may miss, the run in brief, and the sections."""

    title: str
    warnings: list[str]
    brief: str
    sections: list[Section]

    def markdown(self) -> str:
        """REPORT.md."""
        contents = "\n".join(f"- [{item.heading}](#{slug(item.heading)}): {item.what}" for item in self.sections)
        head = [f"# {self.title}", *self.warnings, "## In brief", self.brief, "## Contents", contents]
        return "\n\n".join([*head, *(section.markdown() for section in self.sections)]) + "\n"

    def without_texts(self) -> Report:
        """The report of a run whose texts are not at hand: each part that quotes them says so."""
        sections = [
            replace(section, parts=[TEXTS_LEFT_OUT if isinstance(part, Quoted) else part for part in section.parts])
            for section in self.sections
        ]
        return replace(self, sections=sections)

    def tables(self) -> Iterator[Table]:
        """Every table but those that quote texts."""
        return (part for section in self.sections for part in section.parts if isinstance(part, Table))

    def figures(self) -> Iterator[Figure]:
        """Every figure."""
        return (part for section in self.sections for part in section.parts if isinstance(part, Figure))

    def plots(self) -> Iterator[Table]:
        """The data of DVC's plots."""
        return (table for section in self.sections for table in section.plots)


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading; headings are English."""
    kept = "".join(letter for letter in heading.lower() if letter.isalnum() or letter in " -_")
    return kept.replace(" ", "-")
