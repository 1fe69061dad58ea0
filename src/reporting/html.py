"""report.html: the report as one file that needs no network: figures inlined, light and dark.

On a phone wide tables and figures scroll by themselves, so that the text does not.
"""

from __future__ import annotations

import base64
import re
from pathlib import Path

from src.errors import UserError
from src.files import read_text
from src.reporting.section import slug

_CARD = re.compile(r"\]\(data/([^)/]+)\.md\)")
STYLE = Path(__file__).with_name("report.css")


def page(markdown: str, folder: Path) -> str:
    """The report as HTML.

    Args:
        folder: what figures are relative to; each is inlined.
    """
    from markdown_it import MarkdownIt

    title, text = markdown.lstrip("# ").splitlines()[0], with_cards(markdown, folder)
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    body = re.sub(r"<(h[23])>(.*?)</\1>", _anchored, body)
    body = re.sub(r'src="(figures/[^"]+)"', lambda match: f'src="{inline(folder / match[1])}"', body)
    body = re.sub(r'<a href="(?!#|https?:)[^"]*">(.*?)</a>', r"\1", body)  # files beside the report are not in this one
    body = re.sub(r"(?s)(<table>.*?</table>|<img [^>]*>)", r'<div class="wide">\1</div>', body)
    body = re.sub(r'<p>(<div class="wide"><img.*?</div>)</p>', r"\1", body)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>\n{read_text(STYLE)}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )


def with_cards(markdown: str, folder: Path) -> str:
    """The report with the data cards that it links to at its end, since the page stands alone."""
    names = dict.fromkeys(_CARD.findall(markdown))
    cards = [read_text(folder / "data" / f"{name}.md").replace("# ", "### ", 1).strip() for name in names]
    linked = _CARD.sub(lambda match: f"](#{slug(match[1])})", markdown)
    return "\n\n".join([linked, "## Data cards", *cards]) if cards else linked


def _anchored(match: re.Match[str]) -> str:
    plain = re.sub(r"<[^>]+>", "", match[2])
    return f'<{match[1]} id="{slug(plain)}">{match[2]}</{match[1]}>'


def inline(file: Path) -> str:
    """A figure's SVG as a data URI."""
    try:
        return "data:image/svg+xml;base64," + base64.b64encode(file.read_bytes()).decode()
    except FileNotFoundError as error:
        raise UserError(f"{file}: no such figure, but the report shows it") from error
