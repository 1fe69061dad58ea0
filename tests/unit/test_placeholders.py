"""No page or report was left with a placeholder in it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "data/external/*.md", "reports/**/*.md", "CITATION.cff")
    for path in ROOT.glob(pattern)
)
PLACEHOLDER = re.compile(r"@[A-Z][A-Z_]*@|\b(TODO|FIXME|XXX+|TBD)\b|\b[Ll]orem ipsum|<(INSERT|FILL)\b")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_placeholder_is_left(path):
    placeholder = PLACEHOLDER.search(path.read_text(encoding="utf-8"))
    assert placeholder is None, placeholder


@pytest.mark.parametrize("text", ["in @KILLS@ places", "TODO: measure", "FIXME", "XXX", "Lorem ipsum", "TBD"])
def test_a_placeholder_is_seen(text):
    assert PLACEHOLDER.search(text)
