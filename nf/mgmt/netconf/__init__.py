"""The NETCONF server: RFC 6241 over SSH (RFC 6242), on top of the transaction core."""
