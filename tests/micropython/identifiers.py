# Packet Identifiers: never 0, never one in use, from 65,535 on to the first that is free [MQTT-2.3.1-1], [MQTT-2.3.1-2].

import errno

from check import test, same, raises_errno, skip, run
from host import ON_BOARD, Server, Packet, ask


def last(server, count):
    return [Packet(line).hex for line in ask("tail", server.port, count)]


@test
def identifiers_begin_at_1_and_go_up_for_every_kind_of_packet():
    server = Server()
    client = server.connected("me")
    client.publish("t", "m", qos=1)
    client.subscribe("t")
    client.publish("t", "m", qos=2)
    client.unsubscribe("t")
    same([packet for packet in server.hexes()[1:] if packet[0] != "6"],
         ["3206" "000174" "0001" "6d", "8206" "0002" "000174" "00", "3406" "000174" "0003" "6d", "a205" "0004" "000174"])


@test
def identifiers_wrap_and_pass_over_those_in_use():
    if ON_BOARD:
        skip("65,532 messages take minutes over a board's link")
    server = Server()
    client = server.connected("PUBLISH.1=;PUBLISH.3=", clean_session=False, timeout=1)
    # 1 and 3 stay in flight, since the session is kept.
    raises_errno(errno.ETIMEDOUT, client.publish, "t", "m", qos=1)
    client.publish("t", "m", qos=1)
    raises_errno(errno.ETIMEDOUT, client.publish, "t", "m", qos=1)
    for _ in range(65532):
        client.publish("t", "m", qos=1)
    same(last(server, 1), ["3206" "000174" "ffff" "6d"])
    for _ in range(3):
        client.publish("t", "m", qos=1)
    same(last(server, 3), ["3206" "000174" "%04x" % number + "6d" for number in (2, 4, 5)])
    client.subscribe("t")
    same(last(server, 1), ["8206" "0006" "000174" "00"])


run()
