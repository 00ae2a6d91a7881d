//! One folder per protocol, their registry, and classification.
