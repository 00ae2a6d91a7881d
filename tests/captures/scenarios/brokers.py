"""Message brokers and stores, for parsers to come: MQTT, Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalogue import recorded
from lab import SERVER_IPV4, Pair

if TYPE_CHECKING:
    from pathlib import Path


@recorded(
    "mqtt.pcap",
    tools=("mosquitto", "mosquitto-clients"),
    expect={
        "mqtt.msgtype == 1": 3,
        "mqtt.msgtype == 3": 6,
        "mqtt.msgtype == 8": 1,
        "mqtt.msgtype == 5": 1,
        "mqtt.msgtype == 7": 1,
        "mqtt.ver == 5": 1,
    },
)
def mqtt(target: Path) -> None:
    """MQTT 3.1.1 and 5: a subscriber, messages of quality 0, 1 and 2, a retained one, a will."""
    with Pair() as lab:
        settings = "listener 1883\nallow_anonymous true\nuser root\n"
        configuration = str(lab.server.file("mosquitto.conf", settings))
        broker = lab.server.spawn(["mosquitto", "-v", "-c", configuration])
        lab.server.wait_listening("tcp", 1883, broker)
        to = ["-h", SERVER_IPV4, "-t", "harbour/tide"]
        with lab.recording(target):
            will = ["--will-topic", "harbour/gone", "--will-payload", "reader"]
            reader = lab.client.spawn(
                ["mosquitto_sub", *to, "-q", "2", "-C", "3", "-i", "reader", *will]
            )
            broker.wait_output("Sending SUBACK to reader")
            for quality, version in (("0", "311"), ("1", "311"), ("2", "5")):
                words = ["-q", quality, "-V", version, "-i", f"gauge-{quality}"]
                lab.client.run(["mosquitto_pub", *to, *words, "-m", f"level {quality}", "-r"])
            reader.wait()


@recorded(
    "redis.pcap",
    tools=("redis-server", "redis-tools"),
    expect={"tcp.port == 6379 && tcp.len > 0": 12, 'tcp contains "HSET"': 1},
)
def redis(target: Path) -> None:
    """Redis: keys, a hash, a list, a transaction, an error, several commands on one connection."""
    commands = (
        "SET tide low\nGET tide\nHSET boat name Heron crew 4\nHGETALL boat\n"
        "RPUSH log calm wind rain\n"
        "LRANGE log 0 -1\nMULTI\nINCR visits\nINCR visits\nEXEC\nINCR tide\nDEL log\n"
    )
    with Pair() as lab:
        options = ["--bind", SERVER_IPV4, "--save", "", "--dir", str(lab.server.folder)]
        server = lab.server.spawn(["redis-server", *options, "--protected-mode", "no"])
        lab.server.wait_listening("tcp", 6379, server)
        with lab.recording(target):
            lab.client.run(["redis-cli", "-h", SERVER_IPV4], stdin=commands.encode())
