"""What a run will cost, from params alone: steps, tokens, arithmetic, memory, minutes and disk."""
