//! Packet sources, one file each.
