"""The compiled part of `nf`: one extension with three faces.

`nf._native.engine` is the datapath's, `nf._native.yang` is libyang's, `nf._native.gnmi` writes
gNMI's notifications; a stub beside each types it.
"""
