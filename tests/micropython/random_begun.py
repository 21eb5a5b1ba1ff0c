# needs: extras, select
# Random calls of a client that never waits: what it begins with start() it asks for with finished(), and select.poll tells when.
#
# Several messages are under way at a time. What unfinished() names stays under way on the next connection.

import errno
import time

import target
from check import case, run
from host import SMALL, select, socket
from random_calls import CONNECT, CONNECTED, DISCARD, PUBLISH, PUBLISHED, Player, rounds
from random_kinds import BREAKS, SERVER, TLS

COUNT, CALLS = (1, 80) if SMALL else (2, 160)
if target.SOAK:
    COUNT *= 40
MOST = 5
QUIET_MS = 3000


class Begun(Player):
    raises = 60
    calls_back = 12
    longest = 5000 if SMALL else 20000
    result = None
    was_clean = True

    def __init__(self, *arguments):
        # By place: number of the message.
        self.under_way = {}
        super().__init__(*arguments)

    def ask(self, method, *arguments):
        # A call that gives something back.
        def keep():
            self.result = method(*arguments)
        self.result = None
        return self.call(keep)

    def has_place(self):
        # Nobody would free one while a method waits for it.
        return len(self.under_way) + self.depth < MOST

    def subscribe(self):
        return super().subscribe() if self.has_place() else 0

    def publish(self, qos):
        if self.ending or self.depth or len(self.under_way) == MOST:
            # There is one more place for messages at QoS 0.
            if len(self.under_way) + self.depth > MOST:
                return 0
            return super().publish(qos if self.has_place() else 0)
        topic, payload = self.draw_message()
        number, attempt = self.number, self.attempt
        self.note(PUBLISH, number, qos)
        outcome = self.ask(self.client.start, 0, topic, payload, False, qos)
        if outcome == 0 and self.result is not None:
            self.under_way[self.result] = (number, attempt)
        elif outcome and self.is_left(self.result):
            pass
        else:
            self.note(PUBLISHED, number, outcome, attempt)

    def is_left(self, place):
        # After a method has raised: whether the message of that place is still in the session.
        return place is not None and self.kept and self.client.unfinished() == place

    def look(self, place):
        number, attempt = self.under_way[place]
        outcome = self.ask(self.client.finished, place)
        if outcome == 0 and not self.result:
            return
        if outcome and self.is_left(place):
            if self.chance.below(3):
                return
            self.note(DISCARD, self.attempt, number)
            self.client.discard(place)
        if self.under_way.pop(place, None):
            self.note(PUBLISHED, number, outcome, attempt if attempt == self.attempt else 0)

    def poll(self, ms):
        poller = select.poll()
        poller.register(self.client, select.POLLIN)
        return poller.poll(ms)

    def draw_call(self, kind):
        if kind < 10:
            self.publish(kind % 3)
        elif kind < 14:
            for place in list(self.under_way):
                if self.is_connected:
                    self.look(place)
        elif kind < 18:
            if self.poll(self.chance.below(10)):
                self.call(self.client.check_msg)
        else:
            super().draw_call(15 + kind % 4)

    def connect(self, clean):
        if clean or self.was_clean:
            # What was under way ends with a clean session.
            self.under_way.clear()
        self.was_clean = clean
        if "ssl" in self.keywords or self.chance.below(3) == 0:
            return super().connect(clean)
        self.attempt += 1
        attempt = self.attempt
        self.is_connected = False
        self.note(CONNECT, attempt, int(clean), self.introduce(attempt))
        outcome = self.call(self.connect_beside, clean)
        self.note(CONNECTED, attempt, outcome)
        self.is_connected = outcome == 0
        return outcome

    def connect_beside(self, clean):
        sock = socket.socket()
        sock.connect(socket.getaddrinfo(target.HOST, self.place.port)[0][-1])
        sock.setblocking(False)
        try:
            self.client.start_connect(sock, clean, self.timeout)
        except BaseException:
            # It is not the client's yet.
            sock.close()
            raise
        if self.chance.below(2):
            # It counts for the next connection or is refused, and changes nothing of this one.
            try:
                self.client.set_last_will("another will", "9999" * self.chance.below(90))
            except OSError as error:
                if error.args[0] != errno.EALREADY:
                    raise
        begun = time.ticks_ms()
        while not self.client.finished(-1):
            time.sleep_ms(1)
            if time.ticks_diff(time.ticks_ms(), begun) > 20000:
                raise AssertionError("finished(-1) never is")

    def receive_all(self):
        # Only when select.poll says so.
        quiet = time.ticks_ms()
        while self.marker or self.under_way:
            if self.poll(100):
                quiet = time.ticks_ms()
                self.call(self.client.check_msg)
            elif time.ticks_diff(time.ticks_ms(), quiet) > QUIET_MS:
                return self.complain()
            for place in list(self.under_way):
                self.look(place)
            if not self.is_connected:
                raise AssertionError("the connection was lost in the end")

    def complain(self):
        before = self.delivered
        self.call(self.client.check_msg)
        if self.delivered > before:
            raise AssertionError("select.poll said nothing while a message waited")
        raise AssertionError("message %d does not come, %s are under way" % (self.marker, self.under_way))


class BegunKept(Begun):
    kept = 1


for name, make, options in (("messages_that_are_begun", Begun, dict(SERVER, begun=1)),
                            ("messages_that_are_begun_over_links_that_break", BegunKept, dict(BREAKS, begun=1))):
    case(name, rounds, make, COUNT, CALLS, options)
    case(name + "_under_tls", rounds, make, max(1, COUNT // 3), CALLS, options, TLS)

run()
