"""Sessions to a collector of IPFIX (RFC 7011)."""

from nf.outputs.ipfix.output import Ipfix

__all__ = ["Ipfix"]
