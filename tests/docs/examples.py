#!/usr/bin/env python3
"""Runs docs/examples/*.py, unchanged, on MicroPython's Unix port against mosquitto, and looks from the broker's side too.

With --board a board in QEMU runs those that a board can, in a network namespace of its own. The names of brokers in the examples
lead to this machine, for the process or board that runs them only, on the ports that MQTT has. The last line is
"N passed, N failed".
"""

import argparse
import base64
import hashlib
import hmac
import json
import os
import random
import re
import shutil
import sys
import tempfile
import threading
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/micropython"))

import board  # noqa: E402
import brokers  # noqa: E402
import certificates  # noqa: E402
import namespace  # noqa: E402
import players  # noqa: E402

EXAMPLES = ROOT / "docs/examples"
BROKER = "broker.example"
AWS = "example-ats.iot.eu-west-1.amazonaws.com"
ALIYUN = "a1B2c3D4e5F.iot-as-mqtt.cn-shanghai.aliyuncs.com"
TENCENT = "A1B2C3D4E5.iotcloud.tencentdevices.com"
NAMES = (BROKER, AWS, ALIYUN, TENCENT)


class Listener(brokers.Subscriber):
    """Who waits in vain for a message sees the end of it."""

    def limit(self, seconds):
        late = threading.Timer(seconds, self.process.kill)
        late.daemon = True
        late.start()

    def end(self):
        # It may have more to print than anybody reads, and would not end before.
        self.process.kill()
        super().end()


class Stage:
    """What one example meets: a broker on MQTT's own port, those who listen to it, and who plays."""

    def __init__(self, options, folder, player):
        self.options, self.folder, self.player, self.running = options, Path(folder), player, []

    def broker(self, lines=(), port=1883):
        self.running.append(brokers.Broker(self.folder, self.player.address, lines, port))
        return self.running[-1]

    def subscriber(self, topic, port=1883):
        self.running.append(Listener(port, self.player.address, topic, 2))
        self.running[-1].limit(self.options.limit)
        return self.running[-1]

    def publish(self, topic, payload, retain=False):
        brokers.publish(self.player.address, 1883, topic, payload, 1, retain)

    def play(self, name, *files):
        """Starts the example; the files lie where it is run."""
        play = self.player.play(EXAMPLES / name, files)
        self.running.append(play)
        return play

    def end(self):
        while self.running:
            self.running.pop().end()


def same(got, wanted):
    if got != wanted:
        raise AssertionError("got %r, wanted %r" % (got, wanted))


def messages(subscriber, count):
    """(topic, qos, retain, payload) of so many messages."""
    words = [line.split(" ") for line in subscriber.take(count)]
    same(len(words), count)
    return [(topic, int(qos), int(retain), bytes.fromhex(hexed)) for topic, qos, retain, _length, hexed in words]


def publish_sensor(stage):
    """The reading arrives; who subscribes later gets it too."""
    stage.broker()
    there = stage.subscriber("greenhouse/#")
    output = stage.play("publish_sensor.py").output()
    [(topic, qos, _retain, payload)] = messages(there, 1)
    same((topic, qos, json.loads(payload)["celsius"]), ("greenhouse/1/temperature", 1, 21.5))
    [(_topic, _qos, retain, later)] = messages(stage.subscriber("greenhouse/#"), 1)
    same((retain, later), (1, payload))
    same(output.startswith("published {"), True)


def switch_pin(stage):
    """on and off switch, anything else does not, and the state is told."""
    stage.broker()
    state = stage.subscriber("workshop/lamp/state")
    play = stage.play("switch_pin.py")
    play.wait_for("waiting for on and off at workshop/lamp/set")
    for word in (b"on", b"dim", b"off"):
        stage.publish("workshop/lamp/set", word)
    same([message[3] for message in messages(state, 2)], [b"on", b"off"])
    play.wait_for("lamp 1")
    play.wait_for("lamp 0")
    play.interrupt()
    play.wait_for("disconnected")
    same(play.output(), "")


def last_will(stage):
    """online while it is there, offline by the broker when it goes without a word."""
    broker = stage.broker()
    status = stage.subscriber("pump/7/status")
    play = stage.play("last_will.py")
    play.wait_for("online")
    same([message[3] for message in messages(status, 1)], [b"online"])
    play.kill()
    same([message[3] for message in messages(status, 2)], [b"online", b"offline"])
    same("Client pump-7 disconnected" in broker.log(), False)


def last_will_taken_back(stage):
    """Ctrl-C: it says offline itself, and the broker's will is not sent."""
    broker = stage.broker()
    status = stage.subscriber("pump/7/status")
    play = stage.play("last_will.py")
    play.wait_for("online")
    play.interrupt()
    same(play.output(), "")
    same([message[3] for message in messages(status, 2)], [b"online", b"offline"])
    # What comes next is not the will.
    stage.publish("pump/7/status", b"the end")
    same(messages(status, 3)[2][3], b"the end")
    same("Client pump-7 disconnected" in broker.log(), True)


def authority_and_broker(stage, server, client=False):
    """A broker under TLS with a certificate for that name; the authority that signed it."""
    authority = certificates.Authority(stage.folder, "authority")
    pair = authority.sign("server", server)
    stage.broker(brokers.tls(authority.certificate, *pair, client=client), 8883)
    return authority


def ca_file(stage, authority):
    path = stage.folder / "ca.der"
    path.write_bytes(certificates.der(authority.certificate))
    return path


def tls(stage):
    """The right broker is told."""
    authority = authority_and_broker(stage, BROKER)
    same(stage.play("tls.py", ca_file(stage, authority)).output(), "verified, published\n")


def tls_wrong_authority(stage):
    """A broker whose certificate another authority signed is told nothing."""
    authority_and_broker(stage, BROKER)
    other = certificates.Authority(stage.folder, "other")
    output = stage.play("tls.py", ca_file(stage, other)).output(fails=True)
    same("verified, published" in output, False)
    same("Error" in output, True)


def tls_wrong_name(stage):
    """A broker that has another name in its certificate is told nothing."""
    authority = authority_and_broker(stage, "elsewhere.example")
    output = stage.play("tls.py", ca_file(stage, authority)).output(fails=True)
    same("verified, published" in output, False)
    same("Error" in output, True)


def aws_iot(stage):
    """The broker asks for a certificate, takes this one, and is verified itself."""
    authority = authority_and_broker(stage, AWS, client=True)
    certificate, key = authority.sign("device")
    files = []
    for name, source in (("device.pem.crt", certificate), ("private.pem.key", key), ("root.pem", authority.certificate)):
        files.append(stage.folder / name)
        files[-1].write_bytes(source.read_bytes())
    same(stage.play("aws_iot.py", *files).output(), "published as sensor-1\n")


def knows(stage, user, password):
    """A broker that lets that user in by that password only, and whoever has no name."""
    return stage.broker(["allow_anonymous true", *brokers.passwords(stage.folder, user, password)[1:]])


def with_password(stage, name, user, password, topic):
    """The example gets in and its message arrives; where it should have another password it is refused."""
    broker = knows(stage, user, password)
    there = stage.subscriber(topic)
    same(stage.play(name).output(), "published as %s\n" % user)
    same([message[:2] for message in messages(there, 1)], [(topic, 1)])
    broker.end()
    shutil.rmtree(broker.folder)
    knows(stage, user, password[::-1])
    same("MQTTException: 5" in stage.play(name).output(fails=True), True)


def aliyun(stage):
    """The password is what CPython's hmac makes of the platform's rule."""
    text = "clientIdsensor-1deviceNamesensor-1productKeya1B2c3D4e5F"
    password = hmac.new(b"0123456789abcdef0123456789abcdef", text.encode(), hashlib.sha256).hexdigest()
    with_password(stage, "aliyun.py", "sensor-1&a1B2c3D4e5F", password, "/sys/a1B2c3D4e5F/sensor-1/thing/event/property/post")


def tencent(stage):
    """The password is what CPython's hmac makes of the platform's rule."""
    user = "A1B2C3D4E5sensor-1;12010126;abcde;2147483647"
    key = base64.b64decode("MDEyMzQ1Njc4OWFiY2RlZg==")
    password = hmac.new(key, user.encode(), hashlib.sha256).hexdigest() + ";hmacsha256"
    with_password(stage, "tencent.py", user, password, "A1B2C3D4E5/sensor-1/event")


def threads(stage):
    """All readings arrive while the other thread listens, which gets the command."""
    stage.broker()
    stage.publish("threads/command", b"faster", retain=True)
    readings = stage.subscriber("threads/readings")
    same(stage.play("threads.py").output(), "command b'faster'\n5 readings published\n")
    same([message[3] for message in messages(readings, 5)], [b"0", b"1", b"2", b"3", b"4"])


def reconnect(stage):
    """The broker goes and comes again: so does the client, with its subscription."""
    broker = stage.broker()
    play = stage.play("reconnect.py")
    play.wait_for("waiting for alarms")
    stage.publish("site/alarm", b"first")
    play.wait_for("alarm b'first'")
    broker.end()
    shutil.rmtree(broker.folder)
    while not play.line().startswith("connection lost:"):
        pass
    broker = stage.broker()
    play.wait_for("connected")
    stage.publish("site/alarm", b"second")
    play.wait_for("alarm b'second'")
    play.interrupt()
    same(play.output().endswith("connected 2 times\n"), True)


def asyncio_tasks(stage):
    """All readings go out and come back, and the task beside them runs all the time."""
    stage.broker()
    output = stage.play("asyncio_tasks.py").output()
    same(output, "".join("room/readings %d\n" % number for number in range(5)) + "blinked meanwhile: True\n")


def a_file(stage):
    """A file of no round length, and what send_file.py must print of it."""
    content = random.Random(6).randbytes(100_001)
    path = stage.folder / "firmware.bin"
    path.write_bytes(content)
    return path, content, "sent 25 pieces, sha256 %s\n" % hashlib.sha256(content).hexdigest()


def file_in_pieces(stage):
    """What one example sends the other receives, whole."""
    stage.broker()
    path, content, said = a_file(stage)
    receiver = stage.play("receive_file.py")
    receiver.wait_for("waiting for firmware.bin")
    # The other one is always this machine's: a device sends or receives.
    sender = players.Unix(stage.options, NAMES, stage.player.address).play(EXAMPLES / "send_file.py", [path])
    stage.running.append(sender)
    same(sender.output(), said)
    same(receiver.output(), "received 25 pieces, the hash is right\n")
    same(receiver.file("firmware.bin") == content, True)


def file_sent(stage):
    """send_file.py sends each piece once, the hash last."""
    stage.broker()
    path, content, said = a_file(stage)
    pieces = stage.subscriber("files/#")
    same(stage.play("send_file.py", path).output(), said)
    lines = pieces.take(26)
    same([line.split(" ")[0] for line in lines], ["files/firmware.bin/%s" % part for part in [*range(25), "end"]])
    same([int(line.split(" ")[3]) for line in lines], [4096] * 24 + [100_001 - 24 * 4096, 64])


def file_with_a_gap(stage):
    """A file of which a piece is missing is not taken."""
    stage.broker()
    receiver = stage.play("receive_file.py")
    receiver.wait_for("waiting for firmware.bin")
    for part, payload in (("0", b"first"), ("2", b"third"), ("end", hashlib.sha256(b"first").hexdigest().encode()[::-1])):
        stage.publish("files/firmware.bin/" + part, payload)
    same(receiver.output(), "piece 2 came, wanted 1\nthe hash is wrong: not taken\n")
    same(receiver.file("firmware.bin"), None)


# Each with: may a board run it?
TESTS = {
    publish_sensor: True, switch_pin: True, last_will: True, last_will_taken_back: True, tls: True, tls_wrong_authority: True,
    tls_wrong_name: True, aws_iot: True, aliyun: True, tencent: True, threads: False, reconnect: True,
    asyncio_tasks: True, file_in_pieces: True, file_sent: True,
    file_with_a_gap: False,
}


def every_example_is_run():
    """No example that no test runs."""
    text = Path(__file__).read_text()
    missing = [path.name for path in sorted(EXAMPLES.glob("*.py")) if not re.search(r'"%s"' % re.escape(path.name), text)]
    same(missing, [])


def run_one(function, options, player):
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(options, folder, player)
        try:
            function(stage)
        finally:
            stage.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("filter", nargs="*", help="run only tests whose name holds one of these")
    parser.add_argument("--micropython", type=Path, default=ROOT / "build/unix/micropython")
    parser.add_argument("--board", action="store_true", help="a board in QEMU runs them")
    parser.add_argument("--firmware", type=Path, default=board.FIRMWARE, help="what the board runs")
    parser.add_argument("--limit", type=float, default=60, help="seconds for each wait (default: %(default)s)")
    options = parser.parse_args()
    if options.board:
        namespace.enter()
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        player = (players.Board if options.board else players.Unix)(options, NAMES, folder=folder)
        try:
            chosen = [(function.__name__, lambda function=function: run_one(function, options, player))
                      for function, on_board in TESTS.items() if on_board or not options.board]
            chosen.append((every_example_is_run.__name__, every_example_is_run))
            for name, call in chosen:
                name = "examples." + name
                if options.filter and not any(part in name for part in options.filter):
                    continue
                try:
                    call()
                    passed += 1
                    print("ok", name, flush=True)
                except Exception:
                    failed += 1
                    print("FAIL", name)
                    print("".join("    %s\n" % line for line in traceback.format_exc().splitlines()), end="", flush=True)
        finally:
            player.end()
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    sys.exit(main())
