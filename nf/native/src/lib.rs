//! The one extension module: registers the Python faces, nothing else.
