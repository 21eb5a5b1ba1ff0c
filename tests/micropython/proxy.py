"""A link that fails on request: it stands between a client and a broker and passes octets on, both ways.

Each connection through it takes the next of the faults that were ordered, or none:

    cut DIRECTION AFTER HOW   a cut right behind that many octets from the client to the broker (up) or back (down)
    slow BY                   octets pass in pieces of BY, with a pause between

    HOW    rst     both sides are reset
           fin     both sides see the end of the stream, in the middle of a packet or not
           drop    nothing passes any more, in neither direction, and no side is told

What the client and the broker send after a cut goes nowhere.

Where the octets are not sealed by TLS, the packets of the broker are looked at for one mistake: a PUBLISH at QoS 2 that is sent again after its PUBREL
[MQTT-4.3.3-1]. mosquitto makes it when a connection breaks before a PUBREL that it was about to repeat has left, and the Client
that has released the identifier takes that for a new message. Then it is the broker who is to blame.
"""

import socket
import struct
import threading
import time

from server import Packet, cut

PAUSE_S = 0.001
WAIT_S = 10
OTHER = {"up": "down", "down": "up"}
RESET = struct.pack("ii", 1, 0)


class Watch:
    """Looks for a PUBLISH that is sent again after its PUBREL, in all connections of one client."""

    def __init__(self):
        self.released, self.mistakes = set(), []

    def look(self, packet):
        identifier = packet.identifier()
        if packet.name == "PUBREL":
            self.released.add(identifier)
        elif packet.name == "PUBLISH" and packet.qos == 2 and identifier in self.released:
            self.released.discard(identifier)
            if packet.octets[0] & 8:
                self.mistakes.append(packet)


class Link:
    """One connection from a client, and the one to the broker that belongs to it."""

    # Without a watch the octets are not looked at.
    def __init__(self, client, broker, watch=None, direction=None, after=0, how=None, by=65536):
        self.ends = {"up": client, "down": broker}
        self.direction, self.after, self.how, self.by = direction, after, how, by
        self.passed = {"up": 0, "down": 0}
        self.watch, self.unwatched = watch, bytearray()
        self.cut, self.reading = False, len(self.ends)
        # A cut stops both directions at one moment.
        self.passing = threading.Lock()
        for end in self.ends.values():
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def start(self):
        if self.direction and self.after == 0:
            self.fail()
        for direction in self.ends:
            threading.Thread(target=self.run, args=(direction,), daemon=True).start()

    def run(self, direction):
        try:
            while data := self.ends[direction].recv(self.by):
                if direction == "down" and self.watch:
                    self.look(data)
                self.send(direction, data)
            with self.passing:
                if not self.cut:
                    self.ends[OTHER[direction]].shutdown(socket.SHUT_WR)
        except OSError:
            # One side has reset the connection: the other one sees its end.
            self.shut()
        with self.passing:
            self.reading -= 1
            if self.reading == 0:
                for end in self.ends.values():
                    end.close()

    def look(self, data):
        self.unwatched += data
        while (total := cut(self.unwatched)) is not None:
            self.watch.look(Packet(0, 0, bytes(self.unwatched[:total])))
            del self.unwatched[:total]

    def send(self, direction, data):
        with self.passing:
            if self.cut:
                return
            if direction == self.direction:
                data = data[:self.after - self.passed[direction]]
            self.ends[OTHER[direction]].sendall(data)
            self.passed[direction] += len(data)
            if direction == self.direction and self.passed[direction] == self.after:
                self.fail()
        if len(data) == self.by:
            time.sleep(PAUSE_S)

    def fail(self):
        self.cut = True
        if self.how == "fin":
            self.shut()
        elif self.how == "rst":
            for end in self.ends.values():
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                # Ends the thread that reads there; the reset goes out when both have ended.
                end.shutdown(socket.SHUT_RD)

    def shut(self):
        for end in self.ends.values():
            try:
                end.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # that side has gone already


class Proxy:
    """A port that stands for a broker's, with the faults of the connections to come."""

    def __init__(self, address, broker_port, sealed=False):
        self.broker = (address, broker_port)
        self.faults, self.links, self.watch = [], [], None if sealed else Watch()
        self.socket = socket.create_server((address, 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def order(self, word, *arguments):
        if word == "cut":
            direction, after, how = arguments
            self.faults.append({"direction": direction, "after": int(after), "how": how})
        else:
            self.faults.append({"by": int(*arguments)})

    def accept(self):
        while True:
            try:
                client = self.socket.accept()[0]
            except OSError:
                return
            try:
                broker = socket.create_connection(self.broker)
            except OSError:
                # No broker there now: as it would answer itself.
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                client.close()
                continue
            link = Link(client, broker, self.watch, **self.faults.pop(0) if self.faults else {})
            self.links.append(link)
            link.start()

    def wait(self):
        """Until both ends of each connection have gone."""
        end = time.monotonic() + WAIT_S
        while any(link.reading for link in self.links) and time.monotonic() < end:
            time.sleep(PAUSE_S)

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for link in self.links:
            link.shut()
