//! Session keys, hash, table and timer wheel.
