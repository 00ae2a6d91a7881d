"""What a client may ask for: one file per group, one line each in `registry`."""
