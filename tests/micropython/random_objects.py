# Random methods of objects that are no clients yet, or of classes on top of the client's: none of them crashes.

import gc

import target
from check import case, run
from host import Server, select
from random_calls import Chance, tell_round
from umqtt import MQTTClient

COUNT = 200
if target.SOAK:
    COUNT *= 40
METHODS = [name for name in dir(MQTTClient) if not name.startswith("__")]


class Sub(MQTTClient):
    pass


class Early(MQTTClient):
    # Its methods run before the client's own __init__, which may never run.
    def __init__(self, *arguments, **keywords):
        act(self, early[0])
        if early[0].below(3):
            super().__init__(*arguments, **keywords)


early = [None]
server = None


def value(chance):
    values = (None, 0, 1, 2, 3, -1, True, "t", b"t", "", "#", bytearray(b"m"), b"m" * 900, {}, [], 1.5, target.HOST, len, object(),
              Sub, 1 << 40)
    return values[chance.below(len(values))]


def attempt(function, *arguments, **keywords):
    # A function, or the name of a method and its object: MicroPython may refuse to look for it.
    try:
        if isinstance(function, str):
            function, arguments = getattr(arguments[0], function), arguments[1:]
        return function(*arguments, **keywords)
    except Exception:
        pass  # any but a crash


def act(client, chance):
    for _ in range(1 + chance.below(4)):
        name = METHODS[chance.below(len(METHODS))]
        if name in ("wait_msg", "connect"):
            continue
        attempt(name, client, *[value(chance) for _ in range(chance.below(4))])
    if select and chance.below(4) == 0:
        attempt(poll, client)
    if chance.below(4) == 0:
        attempt(MQTTClient.publish, client, "t", "m")


def poll(client):
    poller = select.poll()
    poller.register(client)
    poller.poll(0)


def make(chance):
    kind = (MQTTClient, Sub, Early)[chance.below(3)]
    arguments = ["me", target.HOST, server.port][:chance.below(5)]
    keywords = {}
    if chance.below(3) == 0:
        keywords["reconn"] = value(chance)
    if chance.below(3) == 0:
        keywords["keepalive"] = value(chance)
    if chance.below(4) == 0:
        # Without its __init__, where there is a way.
        return attempt(lambda: object.__new__(kind))
    if chance.below(4) == 0:
        arguments = [value(chance) for _ in range(chance.below(6))]
    return attempt(kind, *arguments, **keywords)


def objects(seed):
    global server
    tell_round(seed)
    server = Server()
    chance = early[0] = Chance(seed)
    made = 0
    for number in range(COUNT):
        client = make(chance)
        if client is None:
            continue
        made += 1
        act(client, chance)
        if chance.below(4) == 0:
            attempt("connect", client, timeout=2)
            act(client, chance)
        attempt("disconnect", client)
        if chance.below(8) == 0:
            # Once more, as a subclass may.
            attempt("__init__", client, "me", target.HOST, server.port)
            act(client, chance)
        client = None
        if number % 16 == 0:
            gc.collect()
    plain = server.connected("me")
    plain.publish("t", "m", qos=1)
    plain.disconnect()
    return "(seed %d: %d objects)" % (seed, made)


for number in range(2):
    case("objects_of_all_kinds_crash_nothing_%d" % number, objects, target.SEED + number)

run()
