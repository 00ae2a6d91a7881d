//! Threads, dispatch, extraction plan, snapshots, records and counters.
