# needs: board heap
# Random calls on a heap that is full at any moment: what is left of it is drawn, too.
#
# A missing allocation may cost the message that is on its way to the callback, once. Nothing is changed, repeated at QoS 2, or
# acknowledged before its callback has returned, and what publish() has said it has sent has arrived.

import errno
import gc

import target
from check import case, run
from host import ask
from random_calls import Player, rounds

COUNT, CALLS = 4, 25
MANY = 5000
if target.SOAK:
    COUNT *= 40


class Hogged(Player):
    calls_back = 6
    raises = 60
    longest = 5000

    def play(self, calls):
        self.connect_surely(True)
        for _ in range(calls):
            try:
                self.hog_and_call()
            except MemoryError:
                # Of this script's own, too.
                self.depth = self.inside = 0
            if self.wrong:
                raise self.wrong
            self.report()
        self.finish()
        return self.judge()

    def hog_and_call(self):
        gc.collect()
        hog = [None] * 400
        left = self.chance.below(12000)
        number = 0
        for size in (16000, 1000, 100):
            while number < len(hog) and gc.mem_free() > left + size:
                try:
                    hog[number] = bytearray(size)
                    number += 1
                except MemoryError:
                    break
        for _ in range(6):
            self.step()


class HoggedKept(Hogged):
    kept = 1


class Crowded(Player):
    # The answer to what a callback publishes comes behind thousands of messages, more than can be kept until it is through. Then
    # it comes too late, but nothing is lost.
    timeout = 1
    publishes = 0

    def react(self):
        if self.publishes:
            self.publishes -= 1
            self.publish(1)

    def note(self, kind, *more):
        pass

    def play(self, calls):
        self.connect_surely(True)
        ask("mood", self.place.port, "crowd")
        self.publishes = calls
        while self.delivered < MANY:
            outcome = self.call(self.client.wait_msg)
            if outcome and outcome != errno.ETIMEDOUT:
                raise AssertionError("after %d messages wait_msg() came to %d" % (self.delivered, outcome))
        return [self.delivered, self.number, 1, 0]


OPTIONS = {"loose": 1, "deaf": 40, "late": 8, "twice": 12, "longest": Hogged.longest}
CUTS = {"breaks": 2}
CUTS.update(OPTIONS)
case("a_heap_that_is_full_at_any_moment", rounds, Hogged, COUNT, CALLS, OPTIONS)
case("a_heap_that_is_full_at_any_moment_over_links_that_break", rounds, HoggedKept, COUNT, CALLS, CUTS)
for publishes in (1, 3):
    case("thousands_of_messages_before_%d_answers_to_a_callback" % publishes, rounds, Crowded, 1, publishes,
         {"longest": 20, "pace": 1000, "impatient": 1})

run()
