"""The octets of one connection of the random tests' Server: read and written in pieces, after pauses, until the link breaks.

What stands in the packets is random_server.py's.
"""

import heapq
import random
import select
import socket
import ssl
import struct
import threading
import time

from random_illegal_traffic import spoil
from server import Packet, cut

RESET = struct.pack("ii", 1, 0)


class Stream(threading.Thread):
    """One connection, with a thread of its own. A class on top of it has traffic(now), and on_NAME(packet) for each packet."""

    def __init__(self, listener, raw, number):
        super().__init__(daemon=True)
        self.listener, self.raw, self.number, self.draw = listener, raw, number, random.Random(listener.draw.random())
        self.below, self.option = self.draw.randrange, listener.option
        self.link, self.session, self.tls = None, None, None
        self.inbox, self.wire, self.plain = bytearray(), bytearray(), bytearray()
        self.due, self.counter = [], 0
        self.last_read = time.monotonic()
        self.next_write = self.next_burst = self.deaf_until = 0
        self.hurried, self.silent, self.marked, self.leaving = False, False, False, False
        self.cut_in = self.cut_out = None
        self.how = "fin"
        # random_moods.py: the mood it is in, and the one that another thread wants it to be in.
        self.mood = self.wanted_mood = None
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def once_in(self, name):
        return not self.listener.finishing and self.option[name] > 0 and self.below(self.option[name]) == 0

    # The loop

    def run(self):
        ended = "error"
        try:
            self.plan_break()
            if self.listener.context:
                self.handshake()
            while not self.turn():
                pass
            ended = "fin"
        except OSError:
            ended = "reset"
        except Exception as error:  # whatever it was, the Client has sent it
            self.listener.ledger.complain("from the Client came %s: %s" % (type(error).__name__, error))
        self.raw.close()
        if self.link:
            self.link.ended = ended
        with self.listener.changed:
            self.listener.peers.discard(self)
            self.listener.changed.notify_all()

    def plan_break(self):
        if not self.once_in("breaks"):
            return
        how = "silence" if self.once_in("silence") else ("fin", "rst")[self.below(2)]
        after = self.below((200, 2000, 30000)[self.below(3)])
        self.how = how
        if self.below(2):
            self.cut_in = after
        else:
            self.cut_out = after

    def turn(self):
        """One round of the loop: whether the connection is over."""
        now = time.monotonic()
        while self.due and self.due[0][0] <= now:
            heapq.heappop(self.due)[2]()
        if self.mood and now > self.mood.until:
            self.mood = None
        if self.wanted_mood:
            self.mood, self.wanted_mood = self.wanted_mood(self), None
        if self.session and not self.silent and not self.leaving:
            if not (self.mood and self.mood.traffic()):
                self.traffic(now)
        until = now + 0.05
        if self.due:
            until = min(until, self.due[0][0])
        reads = self.hurried or now >= self.deaf_until and (self.mood is None or self.mood.reads())
        writes = self.wire and now >= self.next_write and not self.silent
        for moment in (self.deaf_until, self.next_write if self.wire else None, self.next_burst):
            if moment is not None and moment > now:
                until = min(until, moment)
        readable, writable, _ = select.select([self.raw] if reads else [], [self.raw] if writes else [], [],
                                              max(0, until - now))
        if writable:
            self.write()
        return bool(readable) and self.read()

    def later(self, delay, action):
        self.counter += 1
        heapq.heappush(self.due, (time.monotonic() + delay, self.counter, action))

    # Octets

    def handshake(self):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = self.listener.context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        # For control.py, which notes the name that the Client asks for.
        self.tls.connection = self
        while True:
            try:
                self.tls.do_handshake()
                self.raw.sendall(self.outgoing.read())
                return
            except ssl.SSLWantReadError:
                self.raw.sendall(self.outgoing.read())
                self.incoming.write(self.raw.recv(65536) or self.no_more())

    def no_more(self):
        raise ConnectionResetError("the stream ended in the handshake")

    def read(self):
        data = self.raw.recv(65536)
        self.last_read = time.monotonic()
        if not data:
            return True
        if self.cut_in is not None and not self.silent:
            data, rest = data[:self.cut_in], data[self.cut_in:]
            self.cut_in -= len(data)
            self.take_octets(data)
            if rest and not self.silent:
                self.break_off()
        elif not self.silent:
            self.take_octets(data)
        return False

    def take_octets(self, data):
        if self.tls:
            self.incoming.write(data)
            data = bytearray()
            try:
                while piece := self.tls.read(65536):
                    data += piece
            except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
                pass
        self.inbox += data
        while not self.silent and (total := cut(self.inbox)) is not None:
            packet = Packet(0, 0, bytes(self.inbox[:total]))
            del self.inbox[:total]
            if self.leaving:
                raise ValueError("%s after DISCONNECT" % packet.name)
            if not (self.mood and self.mood.answers(packet)):
                getattr(self, "on_" + packet.name)(packet)
            if self.once_in("deaf"):
                self.deaf_until = time.monotonic() + self.below(80) / 1000

    def send(self, octets):
        if self.silent or self.leaving:
            return
        if self.once_in("illegal"):
            octets = spoil(octets, self.draw)
        if self.tls:
            # In one record, or in a few.
            size = self.below(len(octets)) + 1
            for at in range(0, len(octets), size if len(octets) < size * 8 else 4096):
                self.tls.write(octets[at:at + (size if len(octets) < size * 8 else 4096)])
            octets = self.outgoing.read()
        self.wire += octets

    def write(self):
        kind = self.below(10)
        size = len(self.wire) if kind < 6 else 1 + self.below((200, 3)[kind == 9])
        if self.cut_out is not None:
            size = min(size, self.cut_out)
        if size:
            try:
                size = self.raw.send(self.wire[:size], socket.MSG_DONTWAIT)
            except BlockingIOError:
                self.next_write = time.monotonic() + 0.002
                return
        del self.wire[:size]
        if self.cut_out is not None:
            self.cut_out -= size
            if self.cut_out == 0:
                return self.break_off()
        if kind >= 6 and self.below(4) == 0:
            self.next_write = time.monotonic() + self.below(4) / 1000

    def break_off(self):
        """The link breaks here: nothing that comes now is looked at."""
        self.silent = True
        if self.link:
            self.link.cut = True
        self.listener.ledger.cuts += 1
        self.wire.clear()
        if self.how == "rst":
            self.raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            raise ConnectionResetError("broken off")
        if self.how == "fin":
            self.raw.shutdown(socket.SHUT_WR)
