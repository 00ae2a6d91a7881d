"""A probe on another machine, over NETCONF in SSH."""
