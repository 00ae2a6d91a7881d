"""Everything that streams out of the state tree."""
