"""Let `dvc plots show` work without a network: a page template that carries the Vega scripts.

DVC's own page loads Vega from a server and stays blank where there is none; and it shows an empty chart for a curve
without rows, such as masked language modelling where a profile has none. `make setup` runs this module once; it
writes `.dvc/plots_page.html` and points the machine-local DVC configuration at it.
"""

from __future__ import annotations

import subprocess
import sys

import vl_convert

from src.errors import UserError, run_command
from src.files import write_text

PAGE = ".dvc/plots_page.html"
_TEMPLATE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
{refresh_tag}
<title>Plots</title>
<style>
  body { background: #ffffff; color: #1a1a1a; font-family: sans-serif; margin: 1.5rem; }
  img { max-width: 60rem; width: 100%; }
</style>
<script>
(function () { VEGA })();
(function (embed) {  // DVC gives a file without rows an empty chart; such a plot is left out
  window.vegaEmbed = (place, chart) =>
    Object.keys(chart).length ? embed(place, chart) : document.querySelector(place).remove();
})(window.vegaEmbed);
</script>
</head>
<body>
{plot_divs}
</body>
</html>
"""


def page() -> str:
    """The template, with Vega, Vega-Lite and Vega-Embed inlined from vl-convert-python."""
    bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;").replace("</script", "<\\/script")
    return _TEMPLATE.replace("VEGA", bundle)


def main(_: list[str]) -> None:
    """Write the page and set `plots.html_template` in .dvc/config.local."""
    write_text(PAGE, page())
    command = [sys.executable, "-m", "dvc", "config", "--local", "plots.html_template", "plots_page.html"]
    if subprocess.run(command, check=False).returncode:
        raise UserError("dvc config failed; is this folder the root of the repository?")
    print(f"{PAGE}: dvc plots show works offline")


if __name__ == "__main__":
    run_command(main)
