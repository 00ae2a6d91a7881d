//! The engine's Python face: converts, releases the GIL, maps errors.
