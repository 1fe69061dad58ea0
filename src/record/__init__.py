"""Records of runs: what was made with what, and the evidence from which every number of it is recomputed."""
