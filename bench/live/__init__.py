"""Live capture beside a bare receiver."""
