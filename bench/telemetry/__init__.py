"""Streaming, measured: see docs/benchmarks.md."""
