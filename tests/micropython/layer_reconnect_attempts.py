# needs: layers
# umqtt.MQTTClient(..., reconn=True): when it tries to connect again, when no more, and what it tells.

import errno
import time

from check import test, case, same, raises, raises_errno, run
from host import WHO, Server, Inbox, ask
from reconnecting import Told, connected, lose, made, names
from umqtt import MQTTException, reconnect


@test
def delays_that_make_no_sense_are_refused():
    for delays in ({"min_delay": 0}, {"min_delay": -1}, {"min_delay": 2, "max_delay": 1}):
        raises(ValueError, reconnect.MQTTClient, "me", "s", **delays)


@test
def the_first_connect_raises_what_it_raises():
    client, told = made(Server("closed"))
    raises_errno((errno.ECONNREFUSED, errno.ECONNRESET), client.connect)
    raises_errno(errno.ENOTCONN, client.publish, "t", "m")
    raises_errno(errno.ENOTCONN, client.check_msg)
    same((told.lost, told.connected), ([], []))


@test
def reconnect_instead_of_connect_tries_until_it_works():
    server = Server()
    client, told = made(server, "CONNECT=~/CONNECT=#/CONNECT=20020003/")
    client.reconnect()
    client.publish("t", "m", qos=1)
    same(names(server), ["CONNECT"] * 4 + ["PUBLISH"])
    same((told.lost, told.connected), ([], [False]))


for code in (1, 2, 4, 5):
    def stops(code):
        server = Server()
        client, told = connected(server, "PUBLISH=~/CONNECT=200200%02x" % code)
        same(raises(MQTTException, client.publish, "t", "m", qos=1).args[0], code)
        raises_errno(errno.ENOTCONN, client.check_msg)
        raises_errno(errno.ENOTCONN, client.publish, "t", "m")
        same((len(server.connections()), len(told.lost)), (2, 1))

    case("connack_%d_is_raised_and_ends_the_attempts" % code, stops, code)


@test
def a_server_that_is_unavailable_is_tried_again():
    server = Server()
    client, _ = connected(server, "PUBLISH=~/CONNECT=20020003/CONNECT=20020003/")
    client.publish("t", "m", qos=1)
    same(len(server.connections()), 4)


@test
def a_server_that_breaks_the_protocol_is_tried_again():
    server = Server()
    client, told = connected(server, "PUBLISH=f000/")
    client.publish("t", "m", qos=1)
    same([type(reason) for reason in told.lost], [MQTTException])


@test
def close_ends_the_attempts():
    server = Server()
    client, told = connected(server)
    client.subscribe("a")
    client.close()
    raises_errno(errno.ENOTCONN, client.check_msg)
    raises_errno(errno.ENOTCONN, client.publish, "t", "m", qos=1)
    client.connect()
    client.publish("t", "m", qos=1)
    same((len(server.log("SUBSCRIBE")), told.lost), (1, []))


@test
def wait_msg_goes_on_after_a_break():
    server = Server()
    inbox = Inbox()
    client, told = connected(server, "CONNECT=*#/CONNECT=*-3004" "000174" "6d", callback=inbox)
    client.wait_msg()
    same(inbox.messages, [(b"t", b"m")])
    same([reason.args[0] for reason in told.lost], [errno.ECONNRESET])


@test
def ping_goes_out_on_a_new_connection():
    server = Server()
    client, told = connected(server, "CONNECT=*#/")
    lose(client, told)
    client.ping()
    same(server.wait("PINGREQ")[0].connection, 2)


@test
def check_msg_comes_back_at_once_until_it_is_time():
    server = Server()
    client, told = connected(server, "CONNECT=*#/", min_delay=1000, max_delay=1000)
    lose(client, told)
    for _ in range(100):
        client.check_msg()
    same((len(server.connections()), len(told.lost)), (1, 1))


@test
def check_msg_connects_when_it_is_time():
    server = Server()
    inbox = Inbox()
    client, told = connected(server, "CONNECT=*#/CONNECT=*-3004" "000174" "6d", callback=inbox)
    while not inbox.messages:
        client.check_msg()
    same((len(server.connections()), len(told.lost), told.connected), (2, 1, [False, False]))


@test
def each_wait_is_twice_as_long_up_to_the_ceiling_and_shortened_by_chance():
    client = reconnect.MQTTClient("me", "s", min_delay=1, max_delay=20)
    seen = set()
    for most in (1000, 2000, 4000, 8000, 16000, 20000, 20000):
        before = time.ticks_ms()
        client._put_off()
        after = time.ticks_ms()
        delay = time.ticks_diff(client._due, after)
        if not most // 2 - time.ticks_diff(after, before) <= delay <= most:
            raise AssertionError("%d ms of %d" % (delay, most))
        seen.add(most - delay)
    same(len(seen) > 1, True)


def loses(client, told, lived_ms):
    # As if the connection had lasted so long.
    told.lost.clear()
    client._since = time.ticks_add(time.ticks_ms(), -lived_ms)
    client._was_up = client._wanted = True
    client._note(OSError(errno.ECONNRESET))
    return client._delay_ms


@test
def the_wait_begins_anew_after_a_connection_that_lasted():
    client, told = made(Server("closed"), min_delay=1, max_delay=60)
    same(loses(client, told, 10), 1000)
    same(loses(client, told, 10), 2000)
    same(loses(client, told, 10), 4000)
    same(loses(client, told, 5000), 1000)


@test
def the_network_is_asked_before_each_attempt():
    server = Server()
    told = Told()
    client, _ = connected(server, "PUBLISH=~/CONNECT=~/", network=told.network)
    client.publish("t", "m", qos=1)
    # Not for the first connect(), which is the script's.
    same((told.asked, len(server.connections())), (2, 3))


@test
def without_the_network_there_is_no_attempt():
    server = Server()
    answers = [False, False, True]
    client, _ = connected(server, "PUBLISH=~/", network=lambda: answers.pop(0))
    client.publish("t", "m", qos=1)
    same((answers, len(server.connections())), ([], 2))


@test
def what_the_network_raises_as_oserror_is_a_failed_attempt():
    def network():
        asked.append(1)
        if len(asked) == 1:
            raise OSError(errno.EHOSTUNREACH)

    asked = []
    server = Server()
    client, _ = connected(server, "PUBLISH=~/", network=network)
    client.publish("t", "m", qos=1)
    same((len(asked), len(server.connections())), (2, 2))


def ends_them(callback):
    # It may say that it is enough.
    server = Server()
    client, _ = connected(server, "PUBLISH=~/")
    setattr(client, callback, lambda *reason: client.close())
    raises_errno((errno.ECONNRESET, errno.ENOTCONN), client.publish, "t", "m", qos=1)
    raises_errno(errno.ENOTCONN, client.publish, "t", "m", qos=1)
    same(len(server.connections()), 1)
    client.lost = client.network = None
    client.reconnect()
    client.publish("t", "m", qos=1)


case("close_in_lost_ends_them", ends_them, "lost")
case("close_in_network_ends_them", ends_them, "network")


@test
def connected_may_publish():
    server = Server()
    client, _ = made(server, "PUBLISH.2=~/")
    client.connected = lambda present: client.publish("online", "1", retain=True)
    client.connect()
    client.publish("t", "m", qos=1)
    same([packet.hex[:2] for packet in server.log("PUBLISH")], ["31", "32", "31", "32"])


@test
def connected_that_loses_the_connection_is_called_again_and_not_inside_itself():
    server = Server()
    client, told = made(server, "/".join(["PUBLISH=~"] + ["SUBSCRIBE=~"] * 5) + "/")
    depth, deepest = [0], []

    def subscribe(present):
        depth[0] += 1
        deepest.append(depth[0])
        try:
            if len(deepest) > 1:
                client.subscribe("a", 1)
        finally:
            depth[0] -= 1

    client.connected = subscribe
    client.connect()
    client.publish("t", "m", qos=1)
    same((deepest, len(told.lost), len(server.connections())), ([1] * 7, 6, 7))


@test
def connected_that_loses_the_first_connection_is_a_connect_that_failed():
    client, told = made(Server(), "SUBSCRIBE=~/")
    client.connected = lambda present: client.subscribe("a")
    raises_errno(errno.ECONNRESET, client.connect)
    raises_errno(errno.ENOTCONN, client.publish, "t", "m")


@test
def an_oserror_of_the_callback_is_the_scripts():
    def callback(topic, msg):
        raise OSError(errno.ENOENT)

    server = Server()
    client, told = connected(server, callback=callback)
    server.send("3004" "000174" "6d")
    raises_errno(errno.ENOENT, client.wait_msg)
    same((told.lost, len(server.connections())), ([], 1))


@test
def after_disconnect_nothing_connects_again():
    server = Server()
    client, told = connected(server)
    client.subscribe("a")
    client.disconnect()
    for method in (client.wait_msg, client.check_msg, client.ping):
        raises_errno(errno.ENOTCONN, method)
    raises_errno(errno.ENOTCONN, client.publish, "t", "m")
    same((len(server.connections()), told.lost), (1, []))
    client.connect()
    same(len(server.log("SUBSCRIBE")), 1)


@test
def ctrl_c_comes_out_of_the_wait_between_attempts():
    server = Server()
    client, told = connected(server, "CONNECT=*#/", min_delay=1000, max_delay=1000)
    ask("interrupt", WHO, 300)
    raises(KeyboardInterrupt, client.wait_msg)
    same((len(server.connections()), len(told.lost)), (1, 1))
    client._due = time.ticks_ms()
    client.publish("t", "m", qos=1)
    same(len(server.connections()), 2)


@test
def ctrl_c_comes_out_of_an_attempt():
    server = Server()
    client, told = connected(server, "CONNECT=*#/CONNECT=/")
    ask("interrupt_after", WHO, server.port, "CONNECT", 2)
    raises(KeyboardInterrupt, client.wait_msg)
    client.publish("t", "m", qos=1)
    same(len(server.connections()), 3)


run()
