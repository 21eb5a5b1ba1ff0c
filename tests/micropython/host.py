# What a script asks of the other side: a misbehaving Server of its own, its records, brokers, messages from elsewhere.
#
# The words of the requests are described in control.py, the plans of the Server in server.py.

try:
    import socket
except ImportError:
    import usocket as socket

import check
import target
from umqtt import MQTTClient

# Who this is, where Ctrl-C and the like are asked for: a board, or a process.
try:
    from target import BOARD as WHO
    ON_BOARD = True
    WITHOUT = []
except ImportError:
    from os import getenv
    WHO = getenv("TEST_PID")
    ON_BOARD = False
    WITHOUT = (getenv("WITHOUT") or "").split()

try:
    import select
except ImportError:
    try:
        import uselect as select
    except ImportError:
        select = None
try:
    import manners
except ImportError:
    manners = None

# A heap of 512 KiB, and each answer takes as long as a wait.
SMALL = ON_BOARD or manners is not None

opened = []
link = None


def ask(*words):
    # One request; the lines of the reply. What breaks off in between ends the connection, and all that was opened by it.
    request(*words)
    return reply()


def request(*words):
    # Without its reply, which has to be read before the next one.
    global link
    if link is None:
        link = socket.socket()
        link.connect(socket.getaddrinfo(target.HOST, target.CONTROL)[0][-1])
    try:
        link.write((" ".join([str(word) for word in words]) + "\n").encode())
    except BaseException:
        hang_up()
        raise


def reply():
    lines = []
    try:
        while True:
            line = link.readline().decode().rstrip("\n")
            if line == ".":
                break
            if line == "":
                raise RuntimeError("the other side has gone")
            lines.append(line)
    except BaseException:
        hang_up()
        raise
    if lines and lines[0].startswith("!"):
        raise RuntimeError("the other side: " + lines[0])
    return lines


def hang_up():
    global link
    link.close()
    link = None
    opened.clear()


def needs(part):
    # For a test of what a build may leave out: run.py says what. It is not looked for, since it might be missing by mistake.
    if part in WITHOUT:
        check.skip("built without " + part)


def needing(part, function):
    # The same for a row of a table.
    def checked(*arguments, **keywords):
        needs(part)
        return function(*arguments, **keywords)

    return checked


def hexed(data):
    # Topics and payloads as the requests want them. One octet at a time: not every port has bytes.hex().
    if isinstance(data, str):
        data = data.encode()
    return "".join(["%02x" % octet for octet in data])


def octets(text):
    return bytes([int(text[at:at + 2], 16) for at in range(0, len(text), 2)])


def drip(text):
    # An answer that comes octet by octet.
    return "-".join([text[at:at + 2] for at in range(0, len(text), 2)])


def split(text, at):
    # An answer that comes in two parts, the first of them of so many octets.
    return text[:2 * at] + "-" + text[2 * at:]


class Packet:
    # A packet that the Server received: which connection, in how many segments or TLS records, its length, a checksum of
    # all but the first octet, and its octets as far as they were asked for.
    def __init__(self, line):
        words = line.split(" ")
        self.connection, self.segments, self.length = int(words[0]), int(words[1]), int(words[2])
        self.checksum, self.hex = words[3], words[4]
        self.name = NAMES.get(self.hex[0])

    def __repr__(self):
        return "%d:%s" % (self.connection, self.hex)


NAMES = {"1": "CONNECT", "3": "PUBLISH", "4": "PUBACK", "5": "PUBREC", "6": "PUBREL", "7": "PUBCOMP",
         "8": "SUBSCRIBE", "a": "UNSUBSCRIBE", "c": "PINGREQ", "e": "DISCONNECT"}


class Server:
    # A Server on a port of its own, for the test in hand.
    def __init__(self, mode="plain"):
        self.port = int(ask("listen", mode)[0])
        opened.append(self)

    def client(self, plan="", **keywords):
        return MQTTClient(plan, target.HOST, self.port, **keywords)

    def connected(self, plan="", clean_session=True, timeout=10, callback=None, **keywords):
        client = self.client(plan, **keywords)
        if callback:
            client.set_callback(callback)
        client.connect(clean_session, timeout=timeout)
        return client

    def log(self, name=None, most=64):
        return self.chosen(ask("log", self.port, most), name)

    def wait(self, name, count=1, most=64):
        # The packets of that name, after so many have come.
        packets = self.chosen(ask("wait", self.port, name, count, most), name)
        if len(packets) < count:
            raise AssertionError("%d %s came in time, %d were due" % (len(packets), name, count))
        return packets

    def chosen(self, lines, name):
        packets = [Packet(line) for line in lines]
        return [packet for packet in packets if name is None or packet.name == name]

    def hexes(self, name=None, most=64):
        return [packet.hex for packet in self.log(name, most)]

    def last(self, count):
        # The last packets in hex, with their Packet Identifiers as they came: in the log the Client's own are numbered from 1.
        return [Packet(line).hex for line in ask("tail", self.port, count)]

    def send(self, answer, *half):
        ask("send", self.port, answer, *half)

    def rest(self):
        ask("rest", self.port)

    def connections(self):
        # (octets received, how it ended or "-", SNI or "-") of each connection.
        return [self.connection(line) for line in ask("connections", self.port)]

    def gone(self, number=1):
        # How the Client ended that connection: "fin" or "reset".
        return self.connection(ask("gone", self.port, number)[number - 1])[1]

    def connection(self, line):
        words = line.split(" ")
        return int(words[0]), words[1], words[2]

    def stall(self, how="stall"):
        ask("stall", self.port, how)


def close_all():
    while opened:
        ask("close", opened.pop().port)


check.after_each.append(close_all)


class Inbox:
    # A callback that keeps what it gets.
    def __init__(self):
        self.messages = []

    def __call__(self, topic, msg):
        self.messages.append((topic, msg))


def broker_client(name, port=None, callback=None, clean_session=True, timeout=10, **keywords):
    # A client that is connected to mosquitto.
    client = MQTTClient(name, target.HOST, port or target.BROKER, **keywords)
    if callback:
        client.set_callback(callback)
    client.connect(clean_session, timeout=timeout)
    return client


def publish_from_elsewhere(topic, payload, qos=0, retain=False, port=None):
    ask("publish", port or target.BROKER, hexed(topic), qos, int(retain), hexed(payload))
