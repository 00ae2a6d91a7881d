"""What the command shows to people: tables, the summary's picture, progress, counters."""
