"""Write params/mini.yaml, where every profile starts from: the values of params.yaml and ablations/params.yaml."""

from __future__ import annotations

from pathlib import Path

from ruamel.yaml import YAML

from src.errors import run_command
from src.files import read_yaml

ROOT = Path(__file__).parents[1]
PROFILE = ROOT / "params/mini.yaml"
_HEAD = """# Profile `mini`: all values of params.yaml and ablations/params.yaml as they are in git, which explain them.
# Runs and edits change those files; this one stays, and every profile starts from it. Written by `make deps`.
"""


def main(_: list[str]) -> None:
    """Write it."""
    yaml = YAML()
    yaml.width = 120
    values = read_yaml(ROOT / "params.yaml") | {"ablation": read_yaml(ROOT / "ablations/params.yaml")}
    with PROFILE.open("w", encoding="utf-8") as stream:
        stream.write(_HEAD)
        yaml.dump(values, stream)


if __name__ == "__main__":
    run_command(main)
