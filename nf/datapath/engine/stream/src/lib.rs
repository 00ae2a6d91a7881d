//! Ordered byte streams from TCP segments, bounded.
