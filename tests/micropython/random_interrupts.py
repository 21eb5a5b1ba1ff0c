# Random calls that Ctrl-C cuts short, at any moment.
#
# What that may cost: the message that is on its way to the callback, once. Nothing is changed, repeated at QoS 2, or acknowledged
# before its callback has returned, and what publish() has said it has sent has arrived.

import time

import target
from check import case, run
from host import SMALL
from process import until_interrupted
from random_calls import Player, rounds
from random_kinds import BREAKS, SERVER, TLS

COUNT, CALLS = 2, 12 if SMALL else 30
if target.SOAK:
    COUNT *= 40


class Interrupted(Player):
    calls_back = 6
    raises = 60
    longest = 5000

    def play(self, calls):
        self.connect_surely(True)
        for _ in range(calls):
            self.call_until_interrupted()
            # Whatever was under way in here was cut short, too.
            self.depth = self.inside = 0
            if self.wrong:
                raise self.wrong
            self.report()
        self.finish()
        return self.judge()

    def call_until_interrupted(self):
        begun = time.ticks_ms()
        self.interrupted = False

        def step():
            self.step()
            if self.interrupted:
                # In a call, which has noted it.
                raise KeyboardInterrupt
            if time.ticks_diff(time.ticks_ms(), begun) > 20000:
                raise AssertionError("no KeyboardInterrupt came")

        until_interrupted(step, 50 + self.chance.below(20))

    def connect(self, clean):
        try:
            return super().connect(clean)
        except KeyboardInterrupt:
            self.is_connected = False
            raise


class InterruptedKept(Interrupted):
    kept = 1


LOOSE = {"loose": 1}
LOOSE.update(SERVER)
LOOSE["longest"] = 5000
CUTS = {"loose": 1}
CUTS.update(BREAKS)
CUTS["longest"] = 5000
for name, make, options in (("ctrl_c_at_any_moment", Interrupted, LOOSE),
                            ("ctrl_c_at_any_moment_over_links_that_break", InterruptedKept, CUTS)):
    case(name, rounds, make, COUNT, CALLS, options)
    case(name + "_under_tls", rounds, make, max(1, COUNT // 3), CALLS, options, TLS)

run()
