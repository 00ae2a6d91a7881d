"""Everything that touches a packet: the Rust engine and what configures it."""
