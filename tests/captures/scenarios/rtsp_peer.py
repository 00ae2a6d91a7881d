"""A source of media for captures: rtsp_peer.py ADDRESS PORT serves a tone at /tone."""

from __future__ import annotations

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

TONE = "( audiotestsrc is-live=true ! audio/x-raw,rate=8000 ! alawenc ! rtppcmapay name=pay0 pt=8 )"


def main() -> None:
    """Serves until it is stopped."""
    Gst.init(None)
    server = GstRtspServer.RTSPServer(address=sys.argv[1], service=sys.argv[2])
    factory = GstRtspServer.RTSPMediaFactory(launch=TONE, shared=True)
    server.get_mount_points().add_factory("/tone", factory)
    server.attach(None)
    print("serving", flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
