# Random calls against a Server that does anything the standard allows: a clean session, a kept one over broken links, callbacks
# that call back. random_calls.py draws, random_server.py answers, random_model.py judges.

import target
from check import case, run
from host import ON_BOARD
from random_calls import Player, rounds

CALLS = 60 if ON_BOARD else 120
COUNT = 2 if ON_BOARD else 6
if target.SOAK:
    COUNT *= 40


class Clean(Player):
    longest = 5000 if ON_BOARD else 40000


class Kept(Clean):
    kept = 1
    raises = 60
    reconnects = 30


class Calling(Clean):
    calls_back = 3
    raises = 40
    leaves = 100


class CallingKept(Calling):
    kept = 1


SERVER = {"deaf": 40, "late": 8, "twice": 12, "longest": Clean.longest}
BREAKS = {"breaks": 2, "present": 1}
BREAKS.update(SERVER)

for name, make, options in (("a_clean_session", Clean, SERVER), ("a_kept_session_over_links_that_break", Kept, BREAKS),
                            ("callbacks_that_call_back", Calling, SERVER),
                            ("callbacks_that_call_back_in_a_kept_session", CallingKept, BREAKS)):
    case(name, rounds, make, COUNT, CALLS, options)

run()
