"""What a run will cost, from params alone: steps, hours, memory and disk."""
