"""params.yaml: its schema and how it is read."""

from src.params.load import load_params
from src.params.schema import Params

__all__ = ["Params", "load_params"]
