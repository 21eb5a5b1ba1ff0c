"""A Server that misbehaves on request, for the scripts in this folder.

What it is to do wrong stands in the Client Identifier, so a script needs nothing but its client to ask for it, on a board too:

    PLAN[/PLAN...]       a plan for each connection of this Client Identifier; the last one holds for all that follow
    RULE[;RULE...]       a plan; a packet without a rule gets the answer that MQTT 3.1.1 asks for
    NAME=ANSWER          a rule for each packet of that name; NAME.2=ANSWER is for the second of a connection only

    ANSWER is a run of   4f      an octet; 4f{300} is 300 of them; [...]{300} is all that 300 times
                         @       the Packet Identifier of the packet that is answered; @< its first octet, @> its second
                         $1      the first Packet Identifier that the Client has used, and so on to $9
                         %       the one after the last that it has used
                         *       the answer that the standard asks for
                         &       the packet itself, as it came
                         -       a pause, so that what follows comes in a segment (under TLS: a record) of its own
                         !       FIN, and goes on to read      #  FIN, and the socket closed      ~  RST
                         (nothing at all: silence)

So "SUBSCRIBE=" never answers SUBSCRIBE, and "PUBLISH=5002@!/" breaks the first connection after PUBREC, but not the second.
Each script opens a port of its own through control.py, which also hands out what is recorded here. A Client may begin with any
Packet Identifier: in the records those of its own are numbered 1, 2 and so on, in the order in which they first came.
"""

import array
import fcntl
import re
import socket
import ssl
import struct
import termios
import threading
import time

NAMES = ["RESERVED0", "CONNECT", "CONNACK", "PUBLISH", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP",
         "SUBSCRIBE", "SUBACK", "UNSUBSCRIBE", "UNSUBACK", "PINGREQ", "PINGRESP", "DISCONNECT", "RESERVED15"]
PAUSE_S = 0.01
WAIT_S = 10
REPEATED = re.compile(r"\[([^\[\]]*)\]\{(\d+)\}")
TOKEN = re.compile(r"([0-9a-fA-F]{2})(?:\{(\d+)\})?|(@[<>]|[$][1-9]|[@%*&!#~-])|(.)")


def cut(buffer):
    """The first whole packet's length in octets, or None when some of it has not come."""
    length, shift = 0, 0
    for index, octet in enumerate(buffer[1:5]):
        length |= (octet & 127) << shift
        shift += 7
        if octet < 128:
            total = index + 2 + length
            return total if len(buffer) >= total else None
    if len(buffer) >= 5:
        raise ValueError("Remaining Length of more than four octets")
    return None


def field(body, at):
    """A string or binary field of a packet: its octets, and where the next field begins."""
    length = struct.unpack_from(">H", body, at)[0]
    return bytes(body[at + 2:at + 2 + length]), at + 2 + length


class Packet:
    """One packet that a Client sent, with the number of segments or TLS records it came in."""

    def __init__(self, connection, segments, octets):
        self.connection, self.segments, self.octets = connection, segments, octets
        self.name = NAMES[octets[0] >> 4]
        start = 2
        while octets[start - 1] & 128:
            start += 1
        self.body = octets[start:]
        self.recorded = octets

    def record(self, identifiers):
        """Has one of the Client's own Packet Identifiers recorded by its number."""
        if self.name in ("PUBREL", "SUBSCRIBE", "UNSUBSCRIBE") or self.name == "PUBLISH" and self.qos:
            at = len(self.octets) - len(self.body) + self.identifier_at()
            self.recorded = self.octets[:at] + identifiers.number(self.identifier()) + self.octets[at + 2:]

    @property
    def qos(self):
        return self.octets[0] >> 1 & 3

    def identifier_at(self):
        return field(self.body, 0)[1] if self.name == "PUBLISH" else 0

    def identifier(self):
        if self.name == "PUBLISH" and not self.qos:
            return b""
        at = self.identifier_at()
        return bytes(self.body[at:at + 2])

    def payload(self):
        return bytes(self.body[field(self.body, 0)[1] + 2 * bool(self.qos):])


class Identifiers:
    """The Packet Identifiers that one Client has given its packets."""

    def __init__(self):
        self.numbers = {}

    def number(self, identifier):
        """1 for the first that came, 2 for the second and so on, in two octets."""
        return struct.pack(">H", self.numbers.setdefault(identifier, len(self.numbers) + 1))

    def used(self, number):
        return list(self.numbers)[number - 1]

    def unused(self):
        return struct.pack(">H", int.from_bytes(list(self.numbers)[-1], "big") % 65535 + 1)


class Connection:
    """One accepted connection, with a thread that reads it and answers by the plan."""

    def __init__(self, listener, number, raw):
        self.listener, self.number, self.raw = listener, number, raw
        self.octets, self.ended, self.server_name, self.held = 0, None, None, b""
        self.plan, self.counts, self.stalled, self.closing = {}, {}, None, False
        self.identifiers = Identifiers()
        self.sending = threading.Lock()
        self.tls = None
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = threading.Thread(target=self.run, daemon=True)
        self.reader.start()

    def run(self):
        try:
            if self.listener.mode == "reset":
                self.close(reset=True)
            if self.listener.context:
                self.handshake()
            self.read_packets()
            ended = "fin"
        except ConnectionError:
            ended = "reset"
        except (OSError, ValueError, struct.error) as error:
            ended = "error: %s" % error
        self.raw.close()
        with self.listener.changed:
            self.ended = ended
            self.listener.changed.notify_all()

    def handshake(self):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = self.listener.context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        self.tls.connection = self
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.flush()
                self.incoming.write(self.receive_raw() or self.no_more())
            except ssl.SSLError:
                self.flush()
                raise
        self.flush()

    def no_more(self):
        raise ConnectionResetError("the stream ended within a TLS record or handshake")

    def flush(self):
        self.raw.sendall(self.outgoing.read())

    def receive_raw(self):
        data = self.raw.recv(1 << 18)
        self.octets += len(data)
        return data

    def receive(self):
        """What came in one segment, or in one TLS record; nothing at the end of the stream."""
        if not self.tls:
            return self.receive_raw()
        while True:
            try:
                with self.sending:
                    return self.tls.read(1 << 16)
            except ssl.SSLWantReadError:
                data = self.receive_raw()
                if not data:
                    return b""
                self.incoming.write(data)
            except ssl.SSLZeroReturnError:
                return b""

    def read_packets(self):
        buffer, segments = bytearray(), 0
        while True:
            self.wait_while_stalled()
            data = self.receive()
            if not data:
                return
            buffer += data
            segments += 1
            if self.listener.mode == "mute":
                continue
            if self.listener.mode == "garbage":
                self.raw.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")
            if self.listener.mode in ("garbage", "close"):
                self.close(reset=False)
            while (total := cut(buffer)) is not None:
                packet = Packet(self.number, segments, bytes(buffer[:total]))
                del buffer[:total]
                segments = 1
                self.take(packet)
            segments = 1 if buffer else 0

    def take(self, packet):
        if packet.name == "CONNECT":
            self.open_session(packet)
        packet.record(self.identifiers)
        with self.listener.changed:
            self.listener.packets.append(packet)
            self.counts[packet.name] = count = self.counts.get(packet.name, 0) + 1
            self.listener.changed.notify_all()
        answer = self.plan.get("%s.%d" % (packet.name, count), self.plan.get(packet.name, "*"))
        if "-" in answer:
            # Reading goes on in the pauses.
            threading.Thread(target=self.answer_later, args=(answer, packet), daemon=True).start()
        else:
            self.answer(answer, packet)

    def open_session(self, packet):
        self.clean = packet.body[7] & 2
        identifier = field(packet.body, 10)[0].decode()
        sessions = self.listener.sessions
        if self.clean:
            sessions.discard(identifier)
        self.session_present = identifier in sessions
        if not self.clean:
            sessions.add(identifier)
        self.identifiers = self.listener.identifiers.setdefault(identifier, self.identifiers)
        number = self.listener.visits[identifier] = self.listener.visits.get(identifier, 0) + 1
        plans = identifier.split("/") if "=" in identifier else [""]
        plan = plans[min(number, len(plans)) - 1]
        self.plan = dict(rule.split("=", 1) for rule in plan.split(";") if rule)

    def proper(self, packet):
        """The answer that the standard asks for."""
        name, identifier = packet.name, packet.identifier()
        if name == "CONNECT":
            return bytes([0x20, 2, self.session_present, 0])
        if name == "PUBLISH":
            return [b"", b"\x40\x02" + identifier, b"\x50\x02" + identifier][packet.qos]
        if name == "PUBREC":
            return b"\x62\x02" + identifier
        if name == "PUBREL":
            return b"\x70\x02" + identifier
        if name == "SUBSCRIBE":
            codes, at = b"", 2
            while at < len(packet.body):
                at = field(packet.body, at)[1] + 1
                codes += packet.body[at - 1:at]
            return bytes([0x90, 2 + len(codes)]) + identifier + codes
        return {"UNSUBSCRIBE": b"\xb0\x02" + identifier, "PINGREQ": b"\xd0\x00"}.get(name, b"")

    def answer_later(self, text, packet):
        try:
            self.answer(text, packet)
        except OSError:
            pass  # the Client has gone meanwhile

    def answer(self, text, packet=None, half=False):
        """Carries out an ANSWER. With half, the last half of what goes over the wire is held back until rest()."""
        out = bytearray()
        while "[" in text:
            text = REPEATED.sub(lambda match: match[1] * int(match[2]), text)
        for octet, times, sign, wrong in TOKEN.findall(text):
            if wrong:
                raise ValueError("no such sign in an ANSWER: " + wrong)
            elif octet:
                out += bytes.fromhex(octet) * int(times or 1)
            elif sign == "@":
                out += packet.identifier()
            elif sign in ("@<", "@>"):
                out.append(packet.identifier()[sign == "@>"])
            elif sign.startswith("$"):
                out += self.identifiers.used(int(sign[1]))
            elif sign == "%":
                out += self.identifiers.unused()
            elif sign == "*":
                out += self.proper(packet)
            elif sign == "&":
                out += packet.octets
            else:
                self.send(out)
                out = bytearray()
                if sign == "-":
                    time.sleep(PAUSE_S)
                elif sign == "!":
                    self.raw.shutdown(socket.SHUT_WR)
                else:
                    self.close(reset=sign == "~")
        self.send(out, half)
        if packet and packet.name == "DISCONNECT":
            self.raw.shutdown(socket.SHUT_WR)

    def send(self, out, half=False):
        with self.sending:
            if self.tls and out:
                # A record holds at most 16,384 octets; write() makes as many as are needed.
                self.tls.write(out)
                out = self.outgoing.read()
            if half:
                out, self.held = out[:len(out) // 2], out[len(out) // 2:]
            if out:
                self.raw.sendall(out)

    def rest(self):
        with self.sending:
            self.raw.sendall(self.held)
            self.held = b""

    def close(self, reset):
        """Closes the socket. The system does it when the last user lets go, so the thread that reads must do it."""
        if reset:
            self.raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.closing = True
        if threading.current_thread() is self.reader:
            raise ConnectionResetError("closed by the plan")
        self.raw.shutdown(socket.SHUT_RD)
        self.reader.join()

    def wait_while_stalled(self):
        """Stops reading: for good ("freeze"), or until the Client has filled what it can and waits ("stall")."""
        unread, same = -1, 0
        while self.stalled == "freeze" or (self.stalled == "stall" and same < 10):
            time.sleep(0.02)
            count = array.array("i", [0])
            fcntl.ioctl(self.raw, termios.FIONREAD, count)
            same = same + 1 if count[0] == unread and unread > 0 else 0
            unread = count[0]
        self.stalled = None


class Listener:
    """A port of one script, with everything that was received on it."""

    def __init__(self, address, mode, context=None):
        self.mode, self.context = mode, context
        self.packets, self.connections, self.sessions, self.visits, self.identifiers = [], [], set(), {}, {}
        self.changed = threading.Condition()
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        self.socket.bind((address, 0))
        self.port = self.socket.getsockname()[1]
        if mode != "closed":
            self.socket.listen(50)
            threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                raw = self.socket.accept()[0]
            except OSError:
                return
            with self.changed:
                self.connections.append(Connection(self, len(self.connections) + 1, raw))
                self.changed.notify_all()

    def last(self):
        """The newest connection."""
        self.wait(lambda: self.connections)
        return self.connections[-1]

    def wait(self, condition):
        """Waits for what other threads record here; the script looks at what there is when it does not come."""
        with self.changed:
            self.changed.wait_for(condition, WAIT_S)

    def wait_packets(self, name, count):
        self.wait(lambda: sum(packet.name == name for packet in self.packets) >= count)

    def close(self):
        # shutdown() first: close() alone would leave accept() waiting on the old descriptor.
        for opened in [self.socket] + [connection.raw for connection in self.connections]:
            try:
                opened.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            opened.close()
        for connection in self.connections:
            connection.stalled = None
