"""nf-monitor: starts the processes of the probe, watches them, and starts them again."""
