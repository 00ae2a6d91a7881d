"""What is sent over SSH besides NETCONF."""

from asyncssh.constants import MSG_CHANNEL_DATA, MSG_IGNORE

from nf.mgmt.netconf.ssh import CIPHERS, without_ignored


def test_no_cipher_needs_the_packets_that_are_left_out() -> None:
    assert not any("cbc" in name for name in CIPHERS)


def test_packets_that_say_nothing_are_left_out_and_others_are_as_they_were() -> None:
    sent: list[object] = []

    def send(*given: object, **more: object) -> None:
        sent.append((given, more))

    pass_on = without_ignored(send)
    pass_on(MSG_IGNORE, b"\0\0\0\0")
    pass_on(MSG_CHANNEL_DATA, b"a", b"b", handler=None)

    assert sent == [((MSG_CHANNEL_DATA, b"a", b"b"), {"handler": None})]
