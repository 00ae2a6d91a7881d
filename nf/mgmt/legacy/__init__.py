"""MMT-Probe's configuration file: read, translated to the model, and written again."""
