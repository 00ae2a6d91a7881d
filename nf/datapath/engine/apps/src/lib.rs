//! Applications by name: a suffix table compiled from data, extended by the user.
