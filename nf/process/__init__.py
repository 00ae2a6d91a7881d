"""What every process of nf has: its places, its logs, its word to its supervisor, its channels."""
