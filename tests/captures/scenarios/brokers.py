"""Message brokers and stores: MQTT, Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalogue import recorded
from lab import SERVER_IPV4, SERVER_IPV6, Pair

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
    "mqtt-login.pcap",
    tools=("mosquitto", "mosquitto-clients"),
    expect={
        # tshark does not look for MQTT on this port
        "ipv6 && tcp contains 00:04:4d:51:54:54:05": 2,
        "ipv6 && tcp contains 00:04:4d:51:54:54:04": 1,
        'ipv6 && tcp contains "MQIsdp"': 1,
        "tcp.payload contains 20:02:00:05": 1,
        'tcp contains "harbour/old"': 1,
    },
)
def mqtt_login(target: Path) -> None:
    """MQTT over IPv6 on port 18883 with user names and passwords: 3.1, and 5 with properties, a
    subscription that ends, a wrong password."""
    with Pair() as lab:
        accounts = str(lab.server.file("accounts", ""))
        lab.server.run(["mosquitto_passwd", "-b", accounts, "keeper", "lantern"])
        settings = f"listener 18883\npassword_file {accounts}\nuser root\n"
        configuration = str(lab.server.file("mosquitto.conf", settings))
        broker = lab.server.spawn(["mosquitto", "-v", "-c", configuration])
        lab.server.wait_listening("tcp", 18883, broker)
        to = ["-h", SERVER_IPV6, "-p", "18883", "-t", "harbour/tide"]
        login = ["-u", "keeper", "-P", "lantern"]
        five = ["-V", "5", "-D", "connect", "session-expiry-interval", "60"]
        user = ["-D", "publish", "user-property", "gauge", "north"]
        with lab.recording(target):
            words = ["-q", "1", "-C", "2", "-i", "reader", "-U", "harbour/old"]
            reader = lab.client.spawn(["mosquitto_sub", *to, *login, *five, *words])
            broker.wait_output("Sending SUBACK to reader")
            old = ["-V", "mqttv31", "-i", "gauge-old", "-q", "1", "-m", "level 3"]
            lab.client.run(["mosquitto_pub", *to, *login, *old])
            new = ["-V", "5", "-i", "gauge-new", "-q", "2", "-m", "level 4"]
            lab.client.run(["mosquitto_pub", *to, *login, *new, *user])
            reader.wait()
            wrong = ["-u", "keeper", "-P", "candle", "-i", "stranger", "-m", "x"]
            lab.client.run(["mosquitto_pub", *to, *wrong], ok=(0, 1, 5))


@recorded(
    "redis-login.pcap",
    tools=("redis-server", "redis-tools"),
    expect={
        "tcp.port == 16379 && ipv6 && tcp.len > 0": 12,
        'tcp contains "WRONGPASS"': 1,
        'tcp contains "HELLO"': 1,
        'tcp contains "message"': 1,
    },
)
def redis_login(target: Path) -> None:
    """Redis over IPv6 on port 16379: passwords right and wrong, RESP3, a subscriber and what is
    published, commands as lines of words."""
    with Pair() as lab:
        options = ["--bind", SERVER_IPV6, "--port", "16379", "--save", ""]
        options += ["--dir", str(lab.server.folder), "--requirepass", "lantern"]
        server = lab.server.spawn(["redis-server", *options])
        lab.server.wait_listening("tcp", 16379, server)
        client = ["redis-cli", "-h", SERVER_IPV6, "-p", "16379"]
        known = {"REDISCLI_AUTH": "lantern"}
        with lab.recording(target):
            lab.client.run([*client, "GET", "tide"], ok=(0, 1))
            lab.client.run([*client, "--pass", "candle", "PING"], ok=(0, 1))
            lab.client.run([*client, "-3", "HSET", "boat", "name", "Heron"], env=known)
            lab.client.run([*client, "-3", "HGETALL", "boat"], env=known)
            reader = lab.client.spawn([*client, "SUBSCRIBE", "tide"], env=known)
            reader.wait_output("subscribe")
            lab.client.run([*client, "PUBLISH", "tide", "low"], env=known)
            reader.wait_output("low")
            reader.stop()
            lines = b"AUTH lantern\r\nSET tide low\r\nGET tide\r\nQUIT\r\n"
            target_words = f"TCP6:[{SERVER_IPV6}]:16379"
            lab.client.run(["socat", "-t", "2", "-", target_words], stdin=lines)


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
