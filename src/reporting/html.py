"""report.html: the report as one file that needs no network: figures inlined, light and dark.

On a phone wide tables and figures scroll by themselves, so that the text does not.
"""

from __future__ import annotations

import base64
import re
from pathlib import Path

from src.errors import UserError
from src.files import read_text
from src.reporting.markdown import slug

_CARD = re.compile(r"\]\(data/([^)/]+)\.md\)")
_STYLE = """
:root { color-scheme: light dark;
  --ink: #1a1a1a; --ground: #ffffff; --line: #d5d5d5; --soft: #f3f5f7; --link: #0b5cad; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e6e6; --ground: #15181c; --line: #3a4048; --soft: #20252b; --link: #7db9f2; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 70rem; padding: 1rem; color: var(--ink); background: var(--ground);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; overflow-wrap: break-word; }
h1, h2, h3 { line-height: 1.25; } h2 { margin-top: 2.5rem; border-top: 1px solid var(--line); padding-top: 1rem; }
a { color: var(--link); }
blockquote { margin: 1rem 0; padding: .2rem 1rem; border-left: 4px solid #d55e00; background: var(--soft); }
code { background: var(--soft); padding: 0 .2rem; border-radius: 3px; }
.wide { overflow-x: auto; margin: 1rem 50%; transform: translateX(-50%);
  width: min-content; min-width: 100%; max-width: calc(100vw - 2rem); } /* wider than the text where the window is */
table { border-collapse: collapse; font-size: .8rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .45rem; border-bottom: 1px solid var(--line); vertical-align: top; }
th { background: var(--soft); text-align: left; } td[style*="right"] { white-space: nowrap; }
td:not([style]) { min-width: 5.5rem; } td:last-child:not([style]) { min-width: 10rem; }
img { display: block; width: 100%; min-width: 34rem; max-width: 46rem; height: auto; margin: 1rem 0; background: #fff; }
@media print { body { max-width: none; } h2 { break-after: avoid; } img, table { break-inside: avoid; } }
"""


def page(markdown: str, folder: Path) -> str:
    """The report as HTML.

    Args:
        folder: what figures are relative to; each is inlined.

    Raises:
        UserError: a figure is missing.
    """
    from markdown_it import MarkdownIt

    text = with_cards(markdown, folder)
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    body = re.sub(r"<(h[23])>(.*?)</\1>", _anchored, body)
    body = re.sub(r'src="(figures/[^"]+)"', lambda match: f'src="{inline(folder / match[1])}"', body)
    body = re.sub(r'<a href="(?!#|https?:)[^"]*">(.*?)</a>', r"\1", body)  # files beside the report are not in this one
    body = re.sub(r"(?s)(<table>.*?</table>|<img [^>]*>)", r'<div class="wide">\1</div>', body)
    body = re.sub(r'<p>(<div class="wide"><img.*?</div>)</p>', r"\1", body)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title(markdown)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )


def with_cards(markdown: str, folder: Path) -> str:
    """The report with the data cards that it links to at its end, since the page stands alone."""
    names = dict.fromkeys(_CARD.findall(markdown))
    cards = [read_text(folder / "data" / f"{name}.md").replace("# ", "### ", 1).strip() for name in names]
    linked = _CARD.sub(lambda match: f"](#{slug(match[1])})", markdown)
    return "\n\n".join([linked, "## Data cards", *cards]) if cards else linked


def title(markdown: str) -> str:
    """The first heading."""
    return markdown.lstrip("# ").splitlines()[0]


def _anchored(match: re.Match[str]) -> str:
    plain = re.sub(r"<[^>]+>", "", match[2])
    return f'<{match[1]} id="{slug(plain)}">{match[2]}</{match[1]}>'


def inline(file: Path) -> str:
    """A figure's SVG as a data URI."""
    try:
        return "data:image/svg+xml;base64," + base64.b64encode(file.read_bytes()).decode()
    except FileNotFoundError as error:
        raise UserError(f"{file}: no such figure, but the report shows it") from error
