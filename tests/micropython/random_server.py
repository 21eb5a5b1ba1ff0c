"""A Server that does anything the standard allows, drawn from a seed: the other side of the random tests.

It sends messages at any QoS in any pieces, repeats them, answers late, stops reading for a while, and breaks connections. What
it sent and what it got goes into a Ledger (random_model.py), which judges it together with the device's diary.

OPTIONS, as NAME=NUMBER, 0 unless given. What is "once in N" is drawn for each chance that there is; 0 is never. To narrow a failure
down, DRAW in the environment of run.py overrides them: SEED=7 DRAW="twice=0 deaf=0" run.py random_link.

    breaks      once in N connections is broken after a random number of octets, by FIN or by RST
    silence     once in N of these instead falls silent, without a sign
    deaf        once in N packets the Server does not read for a while
    late        once in N answers comes after a pause
    twice       once in N answers and messages is repeated
    lost        once in N answers to a message never comes
    present     Session Present is set for a clean session, too, as some brokers do
    longest     octets of the longest payload
    pace        milliseconds from one burst of messages to the next, at most
    burst       messages of one burst at most
    tls         under TLS
    illegal     once in N packets is changed, or replaced by what no Server may send
    impatient   the device's timeouts are so short that ETIMEDOUT is no fault
    faulty      calls of the system fail at the device: whatever a connection came to, the Server is not to blame
    threads     one thread ends the connections that others use: what these raise then is no fault
    begun       messages are begun with start(), which raises EAGAIN where publish() waits
    reboots     the device forgets all, so that it may deliver a message at QoS 2 twice
    loose       interrupts or a full heap may cost a message: see Ledger
"""

import os
import random
import re
import socket
import struct
import threading
import time

from random_content import number_of, payload_of, sizes, topic_of
from random_illegal_traffic import Ignorant
from random_model import Ledger
from random_moods import MOODS
from random_stream import Stream
from server import field

WAIT_S = 10
IDLE_S = 0.3
# Messages that the Server has under way at QoS 1 and 2, and octets that it keeps for a Client that does not read.
UNDER_WAY = 60
BACKLOG = 100000
# Messages and octets that it sends after one that is not acknowledged yet, before it goes slow: well under UMQTT_KEPT, or what a
# callback publishes gets no answer.
AHEAD, AHEAD_LEN, SHORT = 40, 100000, 20
OPTIONS = re.findall(r"^    (\w+) ", __doc__, re.MULTILINE)


def overriding():
    pairs = (word.split("=") for word in os.environ.get("DRAW", "").split())
    return {name: int(number) for name, number in pairs}


def ack(first, identifier):
    return bytes([first, 2]) + identifier


class Session:
    """What the Server keeps for its Client from one connection to the next."""

    def __init__(self, era):
        self.era = era
        # By identifier, in the order in which they were sent: [Down, "PUBLISH" or "PUBREL", octets sent up to it].
        self.outgoing = {}
        # Identifiers received at QoS 2 and not yet released.
        self.received = set()
        # Identifiers that the Client uses: until the Server has sent the last answer.
        self.in_use = {}
        self.last_identifier = 0
        # Number of the newest message that PUBACK came for; octets of messages sent, and those of them up to it.
        self.last_puback = self.sent = self.sent_to_puback = 0

    def identifier(self, below):
        while True:
            self.last_identifier = (self.last_identifier + 1 + below(3)) % 65536
            identifier = struct.pack(">H", self.last_identifier)
            if self.last_identifier and identifier not in self.outgoing:
                return identifier


class Peer(Stream):
    """One connection: answers the packets of the Client, and sends messages."""

    # Packets of the Client

    def on_CONNECT(self, packet):
        flags = packet.body[7]
        attempt, says = self.introduced(packet.body, flags)
        self.listener.admit(self)
        clean = bool(flags & 2)
        present = self.listener.open_session(clean)
        self.session = self.listener.session
        self.link = self.listener.ledger.connected(attempt, says, clean, present, self.session.era)
        if self.silent:
            self.link.cut = True
        self.send(bytes([0x20, 2, int(present or clean and self.option["present"] > 0 and self.below(2)), 0]))
        for identifier in list(self.session.outgoing):
            self.send_again(identifier)

    def introduced(self, body, flags):
        """Which attempt this is, told by the will or the user, and what CONNECT says: 1, 2 and 4 for will, user and password."""
        _, at = field(body, 10)
        told = []
        if flags & 4:
            _, at = field(body, at)
            will, at = field(body, at)
            told.append(will)
        if flags & 0x80:
            user, at = field(body, at)
            told.append(user)
        if flags & 0x40:
            password, at = field(body, at)
            told.append(password.removeprefix(b"secret"))
        if len(set(told)) != 1:
            self.listener.ledger.complain("CONNECT says %r" % told)
        return int(told[0]), bool(flags & 4) + 2 * bool(flags & 0x80) + 4 * bool(flags & 0x40)

    def answer(self, octets, done=None):
        """Answers now or later, or for a message never."""
        if done and self.once_in("lost"):
            return

        def act():
            if self.silent or self.leaving:
                return
            self.send(octets)
            if done:
                done()
            if self.once_in("twice"):
                self.send(octets)

        if self.once_in("late"):
            self.later(self.below(80) / 1000, act)
        else:
            act()

    def on_PUBLISH(self, packet):
        topic, _ = field(packet.body, 0)
        number = number_of(b"c", topic, packet.payload())
        identifier, session = packet.identifier(), self.session
        dup = bool(packet.octets[0] & 8)
        is_new = packet.qos < 2 or identifier not in session.received
        if packet.qos:
            self.use(identifier, number, dup)
        if packet.qos == 2:
            session.received.add(identifier)
        up = self.listener.ledger.arrived(self.link, number, packet.qos, identifier, dup, is_new)
        if packet.qos == 1:
            self.answer(ack(0x40, identifier), lambda: self.acknowledged(up, identifier))
        elif packet.qos == 2:
            self.answer(ack(0x50, identifier), lambda: self.listener.ledger.pubrec_sent(up, self.link))

    def use(self, identifier, number, dup):
        holder = self.session.in_use.get(identifier)
        if holder not in (None, number):
            self.listener.ledger.complain("identifier %s of %s was used again, for %s" % (identifier.hex(), holder, number))
        self.session.in_use[identifier] = number

    def acknowledged(self, up, identifier):
        up.acknowledged = True
        self.listener.ledger.answered(up, self.link)
        self.session.in_use.pop(identifier, None)

    def on_PUBREL(self, packet):
        identifier = packet.identifier()
        up = self.listener.ledger.released(self.link, self.session.in_use.get(identifier))

        def done():
            self.session.in_use.pop(identifier, None)
            if up:
                up.acknowledged = True

        self.session.received.discard(identifier)
        self.answer(ack(0x70, identifier), done)

    def on_PUBACK(self, packet):
        entry = self.session.outgoing.pop(packet.identifier(), None)
        if entry:
            self.session.last_puback = max(self.session.last_puback, entry[0].number)
            self.session.sent_to_puback = max(self.session.sent_to_puback, entry[2])
            self.listener.ledger.acknowledged(entry[0], 1)

    def on_PUBREC(self, packet):
        entry = self.session.outgoing.get(packet.identifier())
        if entry:
            entry[1] = "PUBREL"
            self.listener.ledger.acknowledged(entry[0], 2)
        self.answer(ack(0x62, packet.identifier()))

    def on_PUBCOMP(self, packet):
        entry = self.session.outgoing.get(packet.identifier())
        if entry and entry[1] == "PUBREL":
            del self.session.outgoing[packet.identifier()]

    def on_SUBSCRIBE(self, packet):
        identifier = packet.identifier()
        self.use(identifier, "SUBSCRIBE", False)
        self.session.in_use.pop(identifier)
        code = (0, 1, 2, 128)[self.below(4)]
        self.answer(b"\x90\x03" + identifier + bytes([code]))

    def on_UNSUBSCRIBE(self, packet):
        self.answer(ack(0xb0, packet.identifier()))

    def on_PINGREQ(self, _packet):
        self.link.pings += 1
        self.answer(b"\xd0\x00")

    def on_DISCONNECT(self, _packet):
        self.link.graceful = True
        self.leaving = True
        self.wire.clear()
        self.raw.shutdown(socket.SHUT_WR)

    # Messages of the Server

    @staticmethod
    def publish_packet(message, identifier, dup):
        topic = topic_of(b"s", message.number, *message.lengths)
        body = struct.pack(">H", len(topic)) + topic + (identifier if message.qos else b"")
        body += payload_of(message.number, *message.lengths)
        head, length = bytearray([0x30 | message.qos << 1 | (8 if dup and message.qos else 0)]), len(body)
        while length > 127:
            head.append(length & 127 | 128)
            length >>= 7
        return bytes(head) + bytes([length]) + body

    def traffic(self, now):
        if self.listener.finishing:
            return self.mark()
        if now < self.next_burst:
            return
        self.next_burst = now + self.below(self.option["pace"] + 1) / 1000
        if self.is_ahead():
            # The Client does not keep up. Not only what callbacks that raise have left unacknowledged is to come, though.
            self.next_burst = now + 0.02
            return self.send_message(1, longest=SHORT)
        for _ in range(1 + self.below(self.option["burst"])):
            if len(self.session.outgoing) >= UNDER_WAY or len(self.wire) > BACKLOG or self.is_ahead():
                return
            self.send_message(self.below(3))
            if self.once_in("twice") and self.session.outgoing:
                self.send_again(self.draw.choice(list(self.session.outgoing)))

    def is_ahead(self):
        session = self.session
        return (self.listener.ledger.last_number - session.last_puback > AHEAD or
                session.sent - session.sent_to_puback > AHEAD_LEN)

    def send_message(self, qos, number=None, longest=None):
        lengths = sizes(self.below, self.option["longest"] if longest is None else longest)
        message = self.listener.ledger.sending(self.link, qos, lengths, number)
        identifier = b""
        if qos:
            identifier = self.session.identifier(self.below)
            self.session.outgoing[identifier] = [message, "PUBLISH", 0]
        self.send_publish(message, identifier, False)

    def send_publish(self, message, identifier, dup):
        packet = self.publish_packet(message, identifier, dup)
        self.session.sent += len(packet)
        if identifier:
            self.session.outgoing[identifier][2] = self.session.sent
        self.send(packet)

    def send_again(self, identifier):
        message, stage, _ = self.session.outgoing[identifier]
        if stage == "PUBLISH":
            self.send_publish(message, identifier, True)
        else:
            self.send(ack(0x62, identifier))

    def mark(self):
        """The last message, once there is nothing else to come."""
        if not self.marked and not self.due:
            self.marked = True
            marker = self.listener.marker
            if not any(message.number == marker for message, _, _ in self.session.outgoing.values()):
                self.send_message(1, marker)

    def hurry(self):
        self.hurried = True

    def end(self):
        try:
            self.raw.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it has ended by itself


class Listener:
    """A port for one round."""

    def __init__(self, address, seed, option, context=None):
        self.draw = random.Random(seed)
        self.option = {**dict.fromkeys(OPTIONS, 0), "longest": 40000, "pace": 8, "burst": 6, **option, **overriding()}
        self.context = context if self.option["tls"] else None
        self.ledger = (Ignorant if self.option["illegal"] else Ledger)(self.option)
        self.diary, self.finishing, self.marker, self.accepted = [], False, None, 0
        self.session, self.has_session, self.peers = Session(0), False, set()
        self.changed = threading.Condition()
        self.socket = socket.socket()
        # So that the Client soon has to wait with what it writes. The segments are small against it, as on any link: else the system
        # would not say that there is room again, and each side would wait for the other's timer.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, (16384, 65536)[self.draw.randrange(2)])
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        self.socket.bind((address, 0))
        self.socket.listen(50)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                raw = self.socket.accept()[0]
            except OSError:
                return
            self.accepted += 1
            peer = Peer(self, raw, self.accepted)
            with self.changed:
                self.peers.add(peer)
            peer.start()

    def admit(self, peer):
        """The Client has a new connection: what it sent on the one before comes first [MQTT-3.1.4-2]."""
        # Only older ones: two that wait for each other would wait for long.
        others = [other for other in list(self.peers) if other.number < peer.number]
        for other in others:
            other.hurry()
        for other in others:
            # Unless nothing comes: a device that lost its power has left a connection that nobody will ever end.
            while other in self.peers and time.monotonic() - other.last_read < IDLE_S:
                time.sleep(0.002)
            if other in self.peers:
                if other.link:
                    other.link.cut = True
                other.end()
                other.join(WAIT_S)

    def open_session(self, clean):
        """Whether the session of before goes on."""
        present = self.has_session and not clean
        if not present:
            self.session = Session(self.session.era + 1)
            self.session.last_puback = self.ledger.last_number
        self.has_session = not clean
        return present

    def finish(self):
        self.marker = self.ledger.next_number()
        self.finishing = True
        return self.marker

    def set_mood(self, mood):
        """Of the newest connection. What comes of it from now on is nobody's fault but that of a call which does not end."""
        peer = max(self.peers, key=lambda peer: peer.link.attempt if peer.link else 0)
        peer.link.cut = True
        peer.wanted_mood = MOODS[mood]
        while peer in self.peers and peer.wanted_mood:
            time.sleep(0.002)

    def has_answered(self):
        return any(peer.mood and peer.mood.has_answered() for peer in list(self.peers))

    def verdict(self):
        with self.changed:
            self.changed.wait_for(lambda: not self.peers, WAIT_S)
        return self.ledger.verdict(self.diary, self.session, self.marker)

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        for peer in list(self.peers):
            peer.end()
        self.socket.close()
