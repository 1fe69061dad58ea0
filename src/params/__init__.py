"""params.yaml and ablations/params.yaml: their schema and how they are read."""

from src.params.ablation import AblationParams
from src.params.load import load_ablations, load_params
from src.params.schema import Params

__all__ = ["AblationParams", "Params", "load_ablations", "load_params"]
