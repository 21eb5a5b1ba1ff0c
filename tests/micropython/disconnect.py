# disconnect(), what the methods do on a client that is not connected, and connections that break.

import errno

from check import test, case, same, raises, raises_errno, run
from host import Server, Inbox, ask, broker_client, hexed
from umqtt import MQTTClient, MQTTException

import target

CALLS = (
    ("publish_at_qos_0", lambda client: client.publish("t", "m")),
    ("publish_at_qos_1", lambda client: client.publish("t", "m", qos=1)),
    ("publish_at_qos_2", lambda client: client.publish("t", "m", qos=2)), ("subscribe", lambda client: client.subscribe("t")),
    ("unsubscribe", lambda client: client.unsubscribe("t")), ("ping", lambda client: client.ping()),
    ("check_msg", lambda client: client.check_msg()), ("wait_msg", lambda client: client.wait_msg()))


@test
def disconnect_sends_disconnect_and_closes():
    server = Server()
    client = server.connected("me")
    client.disconnect()
    same((server.gone(1), server.hexes()[1:]), ("fin", ["e000"]))


@test
def disconnect_on_a_client_that_was_never_connected_does_nothing():
    same(MQTTClient("me", "server").disconnect(), None)


@test
def a_second_disconnect_does_nothing():
    server = Server()
    client = server.connected("me")
    client.disconnect()
    same(client.disconnect(), None)
    server.gone(1)
    same(server.hexes()[1:], ["e000"])


@test
def disconnect_on_a_connection_that_broke_does_nothing():
    for how in ("!", "~"):
        server = Server()
        client = server.connected("PINGREQ=" + how)
        client.ping()
        raises_errno(errno.ECONNRESET, client.wait_msg)
        same(client.disconnect(), None)


@test
def disconnect_on_a_connection_that_the_server_has_ended_unseen_raises_nothing():
    for how in ("!", "~"):
        server = Server()
        client = server.connected("me")
        server.send(how)
        same(client.disconnect(), None)
        raises_errno(errno.ENOTCONN, client.ping)


@test
def disconnect_within_an_incoming_message_closes():
    server = Server()
    client = server.connected("me")
    server.send("3006" "0001")
    client.check_msg()
    client.disconnect()
    same((server.gone(1), server.hexes()[1:]), ("fin", ["e000"]))


def not_connected(call):
    client = Server().client("me")
    raises_errno(errno.ENOTCONN, call, client)
    client.connect(timeout=5)
    client.disconnect()
    raises_errno(errno.ENOTCONN, call, client)


for name, call in CALLS:
    case("%s_on_a_client_that_is_not_connected_raises_enotconn" % name, not_connected, call)


def repeated(call, client):
    while True:
        call(client)


def broken(call, how):
    # The method in hand raises the port's errno; then the client is not connected, and connect() works again.
    server = Server()
    client = server.connected("me")
    server.send(how)
    raises_errno((errno.ECONNRESET, 32), repeated, call, client)
    for other, again in CALLS:
        raises_errno(errno.ENOTCONN, again, client)
    client.connect(timeout=5)
    client.publish("t", "m", qos=1)
    client.disconnect()


for name, call in CALLS:
    case("%s_on_a_connection_that_ended_raises_and_connect_works_again" % name, broken, call, "#")
    case("%s_on_a_connection_that_was_reset_raises_and_connect_works_again" % name, broken, call, "~")


@test
def reading_the_end_of_the_stream_is_econnreset():
    for call in (lambda client: client.wait_msg(), lambda client: client.check_msg()):
        server = Server()
        client = server.connected("me")
        server.send("!")
        raises_errno(errno.ECONNRESET, repeated, call, client)


@test
def the_broken_connection_is_closed_on_this_side_too():
    server = Server()
    client = server.connected("me")
    server.send("!")
    raises_errno(errno.ECONNRESET, client.wait_msg)
    server.gone(1)
    raises_errno(errno.ENOTCONN, client.ping)


@test
def mosquitto_publishes_the_will_when_the_connection_breaks_without_disconnect():
    for qos in (0, 1, 2):
        handle = ask("subscribe", target.BROKER, hexed("disconnect/will/%d" % qos), 2)[0]
        client = MQTTClient("disconnect-1", target.HOST, target.BROKER)
        client.set_last_will("disconnect/will/%d" % qos, "gone", False, qos)
        client.connect()
        # mosquitto ends the connection of whoever had the same Client Identifier.
        other = broker_client("disconnect-1")
        same(ask("received", handle, 1), ["disconnect/will/%d %d 0 4 676f6e65" % (qos, qos)])
        other.disconnect()


@test
def mosquitto_does_not_publish_the_will_after_disconnect():
    handle = ask("subscribe", target.BROKER, hexed("disconnect/2/#"), 1)[0]
    client = MQTTClient("disconnect-2", target.HOST, target.BROKER)
    client.set_last_will("disconnect/2/will", "gone")
    client.connect()
    client.disconnect()
    client.connect()
    client.publish("disconnect/2/end", "m", qos=1)
    client.disconnect()
    same(ask("received", handle, 1), ["disconnect/2/end 1 0 1 6d"])


@test
def a_retained_will_is_kept():
    client = MQTTClient("disconnect-3", target.HOST, target.BROKER)
    client.set_last_will("disconnect/3", "gone", True, 1)
    client.connect()
    broker_client("disconnect-3").disconnect()
    inbox = Inbox()
    other = broker_client("disconnect-4", callback=inbox)
    other.subscribe("disconnect/3", 1)
    if not inbox.messages:
        other.wait_msg()
    same(inbox.messages, [(b"disconnect/3", b"gone")])
    other.publish("disconnect/3", "", True, 1)
    other.disconnect()


@test
def mosquitto_that_ends_breaks_the_connection_and_connect_works_when_it_is_back():
    for how in ("TERM", "KILL"):
        port = int(ask("broker")[0])
        client = broker_client("disconnect-5", port)
        ask("broker_end", port, how)
        raises_errno(errno.ECONNRESET, client.wait_msg)
        raises(OSError, client.connect, timeout=5)
        raises_errno(errno.ENOTCONN, client.ping)
        ask("broker_start", port)
        client.connect(timeout=5)
        client.publish("t", "m", qos=1)
        client.disconnect()


@test
def a_client_that_another_one_with_its_identifier_drove_out_can_come_back():
    client = broker_client("disconnect-6")
    other = broker_client("disconnect-6")
    raises_errno(errno.ECONNRESET, client.wait_msg)
    client.connect(timeout=5)
    client.publish("t", "m", qos=1)
    client.disconnect()
    raises((OSError, MQTTException), other.wait_msg)


run()
