# Random calls of a client whose Server does not do what it waits for: each ends in its time, and the client is usable afterwards.
#
# The moods of the Server are in random_moods.py. Nothing is measured here but whether a call ends: much later than it has to is
# as good as never. A mood is over after a while, so that such a call is found by its name, and not by the limit of all tests.

import time

import target
from check import case, run
from host import ON_BOARD, ask
from random_calls import SLACK_MS, Player, rounds
from random_content import payload_of, topic_of

COUNT = 2
if target.SOAK:
    COUNT = 40
KEEPALIVE_S, TIMEOUT_S = 1, 1


class Moody(Player):
    longest = 2000
    timeout = TIMEOUT_S
    mood = None
    probing = False
    probes = 3

    def limited(self, limit_s, method, *arguments):
        begun = time.ticks_ms()
        outcome = self.call(method, *arguments)
        took = time.ticks_diff(time.ticks_ms(), begun)
        if took > limit_s * 1000 + SLACK_MS:
            raise AssertionError("%s took %d ms, and came to %d" % (method, took, outcome))
        return outcome

    def play(self, calls):
        self.connect_surely(True)
        for _ in range(calls):
            self.step()
        if not self.is_connected:
            self.connect_surely(True)
        ask("mood", self.place.port, self.mood)
        self.probing = True
        for _ in range(self.probes):
            if self.is_connected:
                self.probe()
        self.probing = False
        self.connect_surely(True)
        self.finish()
        return self.judge()

    def probe(self):
        chance, client = self.chance, self.client
        kind = chance.below(8)
        if kind < 4:
            self.limited(TIMEOUT_S, self.publish, kind % 3)
        elif kind == 4:
            self.limited(TIMEOUT_S, client.subscribe, "filter")
        elif kind == 5:
            self.limited(TIMEOUT_S, client.ping)
        else:
            self.limited(0, client.check_msg)


class Silent(Moody):
    # Whatever it does all the time, the client has to notice. Its timeout is that of connect(), not shorter than the keepalive.
    timeout = 20
    mood = "silence"
    probes = 1

    def probe(self):
        chance, client = self.chance, self.client
        calls = (("publish at qos 0", self.publish, 0), ("publish at qos 1", self.publish, 1), ("publish at qos 2", self.publish, 2),
                 ("check_msg", self.call, client.check_msg), ("wait_msg", self.call, client.wait_msg))
        name, method, argument = calls[chance.below(5)]
        begun = time.ticks_ms()
        while self.is_connected:
            method(argument)
            time.sleep_ms(5)
            if time.ticks_diff(time.ticks_ms(), begun) > 2000 * KEEPALIVE_S + SLACK_MS:
                raise AssertionError("%s has not noticed that the Server is gone" % name)


class Stuck(Silent):
    mood = "stuck"


class Flooded(Moody):
    mood = "flood"

    def note(self, kind, *more):
        # Of a flood nothing is noted: there would be no memory for it.
        if not self.probing:
            super().note(kind, *more)

    def probe(self):
        self.limited(TIMEOUT_S, self.client.ping)
        super().probe()


class FloodedWithin(Flooded):
    # It is a callback that calls, and what comes meanwhile is kept.
    is_due = False

    def callback(self, topic, msg):
        super().callback(topic, msg)
        if self.is_due:
            self.is_due = False
            super().probe()

    def probe(self):
        self.is_due = True
        while self.is_connected and self.is_due:
            self.call(self.client.check_msg)


class Released(Moody):
    mood = "pubrec"

    def probe(self):
        self.limited(TIMEOUT_S, self.publish, 2)


class Full(Moody):
    # Its callback calls check_msg(), some deep, so that acknowledgements come together that nobody takes.
    mood = "full"
    probes = 30
    is_full = False
    deep = 0

    def callback(self, topic, msg):
        super().callback(topic, msg)
        if self.probing and self.deep < 5:
            self.deep += 1
            try:
                self.limited(0, self.client.check_msg)
            finally:
                self.deep -= 1

    def probe(self):
        while self.is_connected and not self.is_full:
            self.number += 1
            long = payload_of(self.number, 1, 30000)
            self.is_full = self.call(self.client.publish, topic_of(b"c", self.number, 1, 30000), long) != 0
        time.sleep_ms(10)
        self.limited(0, self.client.check_msg)


class Behind(Moody):
    # Six messages stand before the answer, and their callback is slow.
    mood = "behind"
    probes = 1
    waits = 0

    def callback(self, topic, msg):
        super().callback(topic, msg)
        if self.waits:
            while ask("answered", self.place.port) == ["0"]:
                time.sleep_ms(5)
            time.sleep_ms(TIMEOUT_S * 400)

    def probe(self):
        # What is there already comes first.
        for _ in range(200):
            self.call(self.client.check_msg)
        self.waits = 1
        if self.chance.below(3):
            outcome = self.publish(1 + self.chance.below(2))
        else:
            outcome = self.call(self.client.subscribe, "filter")
        self.waits = 0
        if outcome not in (0, 1000):
            raise AssertionError("the answer had come, and the call came to %d" % outcome)


class Unanswered(Moody):
    # Messages that are never acknowledged cost a clean session nothing for long.
    mood = "unanswered"
    timeout = 0.5
    probes = 1

    def probe(self):
        for number in range(6):
            self.limited(self.timeout, self.publish, 1 + number % 2)
        ask("mood", self.place.port, "fine")
        outcome = self.publish(1)
        if outcome:
            raise AssertionError("after messages that nobody acknowledged publish() came to %d" % outcome)


OPTIONS = {"impatient": 1, "longest": 2000, "deaf": 40}
for name, make, keepalive in (("a_server_that_falls_silent_is_noticed", Silent, KEEPALIVE_S),
                              ("a_link_that_takes_nothing_is_noticed", Stuck, KEEPALIVE_S),
                              ("calls_end_in_a_flood", Flooded, KEEPALIVE_S),
                              ("calls_in_a_callback_end_in_a_flood", FloodedWithin, KEEPALIVE_S),
                              ("calls_end_when_pubrec_comes_for_ever", Released, KEEPALIVE_S),
                              ("check_msg_ends_when_nothing_can_be_written", Full, 60),
                              ("an_answer_behind_messages_is_in_time", Behind, 60),
                              ("messages_that_are_never_acknowledged_free_their_places", Unanswered, 60)):
    case(name, rounds, make, COUNT, 10, OPTIONS, {"keepalive": keepalive})

run()
