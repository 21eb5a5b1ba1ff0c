# needs: unix, faults
# Random calls in which something fails: an allocation, a call of the system, or each read and write moves one octet only.

import errno

import faults
import target
from check import case, run
from random_calls import Player, rounds
from random_kinds import BREAKS

COUNT, CALLS = 3, 100
if target.SOAK:
    COUNT *= 40
ERRORS = (errno.ECONNRESET, errno.ETIMEDOUT, errno.EIO)


class Faulty(Player):
    calls_back = 6
    raises = 60
    longest = 5000
    kept = 1
    kinds = 3
    has_begun = False

    def call(self, method, *arguments):
        if not self.has_begun or self.depth or self.ending or self.chance.below(3):
            return super().call(method, *arguments)
        self.arm(self.chance.below(self.kinds))
        try:
            return super().call(method, *arguments)
        finally:
            faults.end()

    def arm(self, kind):
        chance = self.chance
        point = 1 + chance.below((4, 20, 100)[chance.below(3)])
        if kind == 0:
            faults.crumbs(point)
        elif kind == 1:
            faults.call(point, ERRORS[chance.below(3)], False)
        else:
            faults.allocation(point, chance.below(2) == 0)

    def play(self, calls):
        self.connect_surely(True)
        self.has_begun = True
        for _ in range(calls):
            try:
                self.step()
            except MemoryError:
                # Of this script's own.
                self.depth = self.inside = 0
            if self.wrong:
                raise self.wrong
            if len(self.diary) > 400:
                self.report()
        self.finish()
        return self.judge()


class Crumbs(Faulty):
    kinds = 1


OPTIONS = {"loose": 1, "faulty": 1}
OPTIONS.update(BREAKS)
OPTIONS["longest"] = 5000
WHOLE = {}
WHOLE.update(BREAKS)
WHOLE["longest"] = 5000
case("calls_of_the_system_and_allocations_fail", rounds, Faulty, COUNT, CALLS, OPTIONS)
case("octets_move_one_by_one", rounds, Crumbs, COUNT, CALLS, WHOLE)

run()
