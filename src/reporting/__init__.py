"""What the report stage writes: merged metrics, data cards, tables, figures, checks and the report itself."""
