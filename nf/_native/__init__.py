"""The compiled part of `nf`: one extension with two faces.

`nf._native.engine` is the datapath's, `nf._native.yang` is libyang's; a stub beside each types it.
"""
