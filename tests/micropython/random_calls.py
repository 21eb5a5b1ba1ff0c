# The device's half of the random tests: draws calls of one client, keeps a diary of them, and lets the other side judge it.
#
# random_server.py is the Server, random_model.py knows what must have come of all that. A diary entry is four numbers.

import errno
import gc
import time

import check
import target
from host import ON_BOARD, SMALL, WHO, ask, needs, opened
from process import descriptors
from random_content import HEADER, WrongContent, number_of, payload_of, sizes, topic_of
from umqtt import MQTTClient, MQTTException

(DELIVERED, RETURNED, RAISED, PUBLISH, PUBLISHED, CONNECT, CONNECTED, DISCONNECT, DISCONNECTED, FAILED, LATE,
 REBOOT, DISCARD, GROWN) = range(14)
# Outcomes of calls: 0, an errno, or one of these.
REFUSED, ILLEGAL, MISHAP, INTERRUPTED, NO_MEMORY, BUSY, CHANGED = range(1000, 1007)
NAMES = {REFUSED: "MQTTException of a number", ILLEGAL: "MQTTException of a text", MISHAP: "the callback's exception",
         INTERRUPTED: "KeyboardInterrupt", NO_MEMORY: "MemoryError", BUSY: "RuntimeError", CHANGED: "ValueError"}
# What a CONNECT says.
WILL, USER, PASSWORD = 1, 2, 4
# Of Linux: not every port names them.
SOL_SOCKET, SO_SNDBUF = 1, 7
# How much longer than its timeout a call may take on a busy machine before it counts as one that does not end.
SLACK_MS = 20000 if SMALL else 4000


class Chance:
    # Two small generators, whose numbers fit into a small int of 31 bits, taken together.
    def __init__(self, seed):
        self.one, self.two = seed % 65537, (seed * 31 + 7) % 65521
        for _ in range(8):
            self.below(2)

    def below(self, end):
        self.one = (self.one * 75 + 74) % 65537
        self.two = (self.two * 69 + 5) % 65521
        return (self.one ^ self.two) % end

    def once_in(self, times):
        return times > 0 and self.below(times) == 0


class Mishap(Exception):
    pass


class Place:
    # The Server of one round, as the other side knows it.
    def __init__(self, seed, **options):
        words = ["%s=%d" % pair for pair in options.items()]
        self.port = int(ask("random", seed, *words)[0])
        opened.append(self)

    def report(self, diary):
        # In short lines: the other end of the link has no room for long ones.
        for at in range(0, len(diary), 200):
            ask("diary", self.port, *diary[at:at + 200])

    def finish(self):
        return int(ask("finish", self.port)[0])

    def verdict(self):
        return ask("verdict", self.port)


def outcome_of(error):
    if isinstance(error, MQTTException):
        if isinstance(error.args[0], int):
            return REFUSED
        print("MQTTException:", error.args[0])
        return ILLEGAL
    if isinstance(error, OSError):
        # The Unix port's getaddrinfo raises its text first, then its number.
        return error.args[0] if isinstance(error.args[0], int) else errno.EHOSTUNREACH
    for kind, outcome in ((Mishap, MISHAP), (KeyboardInterrupt, INTERRUPTED), (MemoryError, NO_MEMORY), (RuntimeError, BUSY),
                          (ValueError, CHANGED)):
        if isinstance(error, kind):
            return outcome
    raise error


class Player:
    # What a round does: options of the device, which a mode sets.
    kept = 0                # connect(False), and a session that goes on
    calls_back = 0          # the callback calls the client, once in so many messages
    raises = 0              # it raises, once in so many
    leaves = 0              # it disconnects, once in so many
    reboots = 0             # a new client takes the old one's place, once in so many calls
    reconnects = 40         # disconnect() and connect(), or connect() at once, once in so many calls
    discards = 0            # what is in flight is forgotten, once in so many connections that broke
    grows = 0               # a payload is a bytearray that grows in a callback, once in so many messages
    longest = 5000 if SMALL else 40000
    timeout = 30

    def __init__(self, place, chance, keywords):
        self.place, self.chance, self.keywords = place, chance, keywords
        self.diary, self.number, self.attempt, self.depth, self.inside = [], 0, 0, 0, 0
        self.is_connected, self.ending, self.marker, self.in_callbacks = False, False, 0, 0
        self.wrong, self.interrupted = None, False
        self.delivered = 0
        # (number, bytearray) of payloads that may grow.
        self.growing = []
        self.client = self.make()

    def make(self):
        client = MQTTClient("random", target.HOST, self.place.port, **self.keywords)
        client.set_callback(self.callback)
        return client

    def note(self, kind, one=0, two=0, three=0):
        self.diary.extend((kind, one, two, three))

    def report(self):
        diary, self.diary = self.diary, []
        self.place.report(diary)

    # What comes in

    def callback(self, topic, msg):
        begun = time.ticks_ms()
        try:
            number = number_of(b"s", topic, msg)
        except WrongContent as error:
            self.wrong = error
            raise
        self.delivered += 1
        self.note(DELIVERED, number)
        if number == self.marker:
            self.marker = 0
        outer, self.inside = self.inside, number
        self.depth += 1
        try:
            if not self.ending:
                self.react()
        except BaseException:
            self.note(RAISED, number)
            raise
        finally:
            self.depth -= 1
            self.inside = outer
            if self.depth == 0:
                self.in_callbacks += time.ticks_diff(time.ticks_ms(), begun)
        self.note(RETURNED, number)

    def react(self):
        chance = self.chance
        if self.growing and chance.below(2):
            self.grow(*self.growing.pop(0))
        if self.depth <= 3 and chance.once_in(self.calls_back):
            self.within()
        if chance.once_in(self.leaves):
            self.disconnect()
        if chance.once_in(self.raises):
            raise Mishap

    def within(self):
        kind = self.chance.below(8)
        if kind < 5:
            self.publish(kind % 3)
        elif kind < 7:
            self.call(self.client.check_msg)
        else:
            self.subscribe()

    # Calls

    def call(self, method, *arguments):
        # What came of a call: 0, or the outcome of what it raised. A call within a callback counts with the outer one.
        begun, inside = time.ticks_ms(), self.in_callbacks
        outcome = 0
        try:
            method(*arguments)
        except BaseException as error:
            if self.wrong:
                raise self.wrong
            outcome = outcome_of(error)
        took = time.ticks_diff(time.ticks_ms(), begun) - (self.in_callbacks - inside)
        limit = (0 if method == self.client.check_msg else int(self.timeout * 1000)) + SLACK_MS
        if self.depth == 0 and took > limit:
            self.note(LATE, took, limit)
            print("a call took %d ms, its limit is %d: %s" % (took, limit, method))
        if outcome == INTERRUPTED:
            self.interrupted = True
        if outcome:
            self.note(FAILED, outcome, self.attempt, self.depth)
            self.is_connected = self.is_connected and self.still_there(outcome)
        return outcome

    def still_there(self, outcome):
        # None of these ends a connection. Of the others, only a method can tell.
        if outcome in (REFUSED, MISHAP, INTERRUPTED, BUSY):
            return True
        if self.depth and outcome != errno.ENOTCONN:
            # Not in a callback, where check_msg() would go on to deliver.
            return outcome in (errno.ETIMEDOUT, NO_MEMORY)
        try:
            self.client.check_msg()
        except OSError as error:
            return error.args[0] == errno.ETIMEDOUT
        except (Mishap, MemoryError, KeyboardInterrupt, ValueError):
            pass
        if self.wrong:
            raise self.wrong
        return True

    def draw_message(self):
        self.number += 1
        if self.depth == 0 and not self.ending and self.chance.once_in(self.grows):
            return self.draw_growing()
        lengths = sizes(self.chance.below, self.longest)
        topic, payload = topic_of(b"c", self.number, *lengths), payload_of(self.number, *lengths)
        kind = self.chance.below(4)
        if kind == 0:
            topic = topic.decode()
        elif kind == 1:
            topic, payload = bytearray(topic), memoryview(payload)
        return topic, payload

    def draw_growing(self):
        # Of any length it is right, since its topic does not tell one.
        topic_len, payload_len = 1 + self.chance.below(12), HEADER + self.chance.below(self.longest)
        payload = bytearray(payload_of(self.number, topic_len, payload_len))
        self.growing = self.growing[-2:] + [(self.number, payload)]
        return topic_of(b"c", self.number, topic_len, payload_len), payload

    def grow(self, number, payload):
        self.note(GROWN, number, self.attempt)
        topic_len = payload[8] << 8 | payload[9]
        longer = payload_of(number, topic_len, len(payload) + 1 + self.chance.below(3000))
        payload.extend(longer[len(payload):])
        for place in range(4, 7):
            payload[place] = longer[place]

    def publish(self, qos):
        topic, payload = self.draw_message()
        number, attempt = self.number, self.attempt
        self.note(PUBLISH, number, qos, self.inside)
        outcome = self.call(self.client.publish, topic, payload, False, qos)
        self.note(PUBLISHED, number, outcome, attempt)
        return outcome

    def subscribe(self):
        topic = "filter/%d" % self.chance.below(9)
        if self.chance.below(2):
            return self.call(self.client.unsubscribe, topic)
        return self.call(self.client.subscribe, topic, self.chance.below(3))

    def connect(self, clean):
        self.attempt += 1
        attempt = self.attempt
        self.is_connected = False
        self.note(CONNECT, attempt, int(clean), self.introduce(attempt))
        outcome = self.call(lambda: self.client.connect(clean, timeout=self.timeout))
        self.note(CONNECTED, attempt, outcome)
        self.is_connected = outcome == 0
        if not ON_BOARD and hasattr(self.client, "socket") and self.chance.below(2):
            sock = self.client.socket()
            if sock:
                self.shorten(sock)
        return outcome

    def introduce(self, attempt):
        # The will or the user tells the Server which attempt this is. What it is to say.
        client, says = self.client, WILL
        if hasattr(client, "set_credentials"):
            says = (WILL, USER, WILL | USER, USER | PASSWORD, WILL | USER | PASSWORD)[self.chance.below(5)]
            user = bytearray(b"%d" % attempt) if says & USER else None
            client.set_credentials(user, "secret%d" % attempt if says & PASSWORD else None)
            if user:
                # The client has its own.
                user[0] = 0
        if says & WILL:
            client.set_last_will("will", str(attempt))
        else:
            client.set_last_will(None, None)
        return says

    def shorten(self, sock):
        # The system takes little: more of what is published does not leave at once.
        sock.setsockopt(SOL_SOCKET, SO_SNDBUF, 4096)

    def connect_surely(self, clean=None):
        if clean is None:
            # Once for all attempts: with the first of them a clean session has begun, whatever the Server knows of it.
            clean = not self.kept or self.chance.once_in(8)
        for _ in range(20):
            if self.connect(clean) == 0:
                return
        raise AssertionError("20 attempts to connect failed")

    def disconnect(self):
        attempt = self.attempt
        if not self.is_connected:
            return
        self.note(DISCONNECT, attempt)
        self.is_connected = False
        self.note(DISCONNECTED, attempt, self.call(self.client.disconnect))

    def reboot(self):
        # As after a loss of power: what the old client knew is gone, and its connection not closed in any order.
        self.client = None
        gc.collect()
        self.note(REBOOT)
        self.is_connected = False
        self.client = self.make()
        self.connect_surely(False)

    def discard(self):
        # Not in a callback: then no method waits for any of them, and all are forgotten. (With a number it is that message.)
        self.note(DISCARD, self.attempt)
        self.client.discard()

    # A round

    def step(self):
        chance = self.chance
        if not self.is_connected:
            if chance.once_in(self.discards) and hasattr(self.client, "discard"):
                self.discard()
            self.connect_surely()
        if chance.once_in(self.reboots):
            return self.reboot()
        if chance.once_in(self.reconnects):
            if chance.below(2):
                self.disconnect()
            return self.connect_surely()
        self.draw_call(chance.below(20))

    def draw_call(self, kind):
        chance, client = self.chance, self.client
        if kind < 9:
            self.publish(kind % 3)
        elif kind < 13:
            for _ in range(1 + chance.below(5)):
                self.call(client.check_msg)
        elif kind < 15:
            self.call(client.wait_msg)
        elif kind == 15:
            self.subscribe()
        elif kind == 16:
            self.call(client.ping)
        elif kind == 17:
            gc.collect()
        elif kind == 18 and hasattr(gc, "threshold"):
            gc.threshold((-1, 500, 5000, 50000)[chance.below(4)])
        else:
            time.sleep_ms(chance.below(8))

    def play(self, calls):
        self.connect_surely(True)
        for number in range(calls):
            self.step()
            if len(self.diary) > 400:
                self.report()
        self.finish()
        return self.judge()

    def finish(self):
        # All comes to its end: what the Server still has to deliver, what goes out again, and five more messages at qos 1.
        self.ending = True
        self.marker = self.place.finish()
        if self.kept:
            self.connect_surely(False)
        elif not self.is_connected:
            self.connect_surely(True)
        self.receive_all()
        for _ in range(5):
            self.publish(1)
        self.publish(2)
        self.disconnect()

    def receive_all(self):
        begun = time.ticks_ms()
        while self.marker:
            self.call(self.client.wait_msg)
            if not self.is_connected or time.ticks_diff(time.ticks_ms(), begun) > 30000:
                self.report()
                raise AssertionError("message %d does not come: %s" % (self.marker, self.place.verdict()))

    def judge(self):
        self.report()
        lines = self.place.verdict()
        if lines[1:]:
            raise AssertionError("\n".join(lines[1:]))
        return [int(word) for word in lines[0].split()]


def tell_round(seed):
    # Before it begins: it may never end. With this in the environment of run.py the same round is the first one.
    print("round SEED=%d%s" % (seed, ' DRAW="%s"' % target.DRAW if target.DRAW else ""))


def rounds(make, count, calls, options, keywords={}):
    # Rounds of a mode, each with a seed of its own: figures, or what the first round that failed was.
    if "ssl" in keywords:
        needs("tls")
    totals = [0] * 4
    before = None
    seed = 0
    for number in range(count):
        seed = target.SEED + number
        tell_round(seed)
        place = Place(seed, tls=int("ssl" in keywords), **options)
        player = make(place, Chance(seed), keywords)
        try:
            found = player.play(calls)
        finally:
            player.client.disconnect()
            if hasattr(gc, "threshold"):
                gc.threshold(-1)
        totals = [total + more for total, more in zip(totals, found)]
        del player
        ask("close", opened.pop().port)
        before = look(before, number)
    return "(seeds %d to %d: %d calls, %d messages in, %d out, %d connections, %d cut)" % ((target.SEED, seed, count * calls) +
                                                                                       tuple(totals))


def look(before, number):
    # Heap and descriptors, which must be where they were after the first round but one.
    gc.collect()
    now = (gc.mem_alloc(), descriptors())
    if number == 0:
        return None
    before = before or now
    grown = [after - first for after, first in zip(now, before)]
    # The collector may take a stray word on the stack for a message, or for a client.
    if grown[0] > 60000 or grown[1] > 1:
        raise AssertionError("grown by %d octets of heap, %d descriptors" % tuple(grown))
    return before
