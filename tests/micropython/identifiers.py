# Packet Identifiers: never 0, never one in use, from 65,535 on to the first that is free, wherever they begin [MQTT-2.3.1-1],
# [MQTT-2.3.1-2].

import errno

from check import test, same, raises_errno, skip, run
from host import SMALL, Server


def after(identifier, steps=1):
    return "%04x" % ((int(identifier, 16) - 1 + steps) % 65535 + 1)


@test
def identifiers_go_up_by_1_for_every_kind_of_packet():
    server = Server()
    client = server.connected("me")
    client.publish("t", "m", qos=1)
    client.subscribe("t")
    client.publish("t", "m", qos=2)
    client.unsubscribe("t")
    packets = server.last(5)
    first = packets[0][10:14]
    same(first != "0000", True)
    same(packets, ["3206" "000174" + first + "6d", "8206" + after(first) + "000174" "00", "3406" "000174" + after(first, 2) + "6d",
                   "6202" + after(first, 2), "a205" + after(first, 3) + "000174"])


@test
def identifiers_wrap_and_pass_over_those_in_use():
    if SMALL:
        skip("65,532 messages take minutes here")
    server = Server()
    client = server.connected("PUBLISH.1=;PUBLISH.3=", clean_session=False, timeout=1)
    # The first and the third stay in flight, since the session is kept.
    raises_errno(errno.ETIMEDOUT, client.publish, "t", "m", qos=1)
    first = server.last(1)[0][10:14]
    client.publish("t", "m", qos=1)
    raises_errno(errno.ETIMEDOUT, client.publish, "t", "m", qos=1)
    for _ in range(65532):
        client.publish("t", "m", qos=1)
    same(server.last(1), ["3206" "000174" + after(first, -1) + "6d"])
    for _ in range(3):
        client.publish("t", "m", qos=1)
    same(server.last(3), ["3206" "000174" + after(first, steps) + "6d" for steps in (1, 3, 4)])
    client.subscribe("t")
    same(server.last(1), ["8206" + after(first, 5) + "000174" "00"])


run()
