"""Where rows go: one file per channel, one line each in the registry.

An output knows rows as octets, not what they mean. Queue, retry and counters are `Queued`'s, once.
"""
