"""The server connects to its clients (RFC 8071)."""
