# Kinds of rounds that more than one of the random tests plays, and the Server's options for them.

import target
from host import SMALL
from random_calls import Player

CALLS = 60 if SMALL else 120
COUNT = 2 if SMALL else 4
if target.SOAK:
    COUNT *= 40
TLS = {"ssl": True}


class Clean(Player):
    longest = 5000 if SMALL else 40000
    grows = 12


class Kept(Clean):
    kept = 1
    raises = 60
    reconnects = 30
    discards = 3


class Calling(Clean):
    calls_back = 3
    raises = 40
    leaves = 100


class CallingKept(Calling):
    kept = 1
    discards = 3


class Rebooting(Kept):
    reboots = 20


SERVER = {"deaf": 40, "late": 8, "twice": 12, "present": 1, "longest": Clean.longest}
BREAKS = {"breaks": 2}
BREAKS.update(SERVER)
REBOOTS = {"reboots": 1}
REBOOTS.update(BREAKS)
