"""Data sets: reading, cleaning, leakage, protocols and data cards."""
