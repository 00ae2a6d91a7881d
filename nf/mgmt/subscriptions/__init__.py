"""Who wants to hear of configuration and state, and how they are told.

Shared by every protocol that streams: patterns of paths, one sampler per path and interval, one
encoding per path, encoding and tick, and a bounded queue per subscriber.
"""
