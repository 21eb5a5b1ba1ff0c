# The callback: what it gets, what it may call, and what its exceptions do.

import errno
import gc

from check import test, case, same, raises, raises_errno, run
from host import Server, Inbox, broker_client, publish_from_elsewhere

MESSAGE = "3004" "000174" "6d"
MESSAGE_1 = "3206" "000174" "0007" "6d"
MESSAGE_2 = "3406" "000174" "0008" "6d"


class Trouble(Exception):
    pass


def calling(action, plan="me"):
    # A client whose first message makes the callback do something with the client itself.
    server = Server()
    calls = []

    def callback(topic, msg):
        calls.append((topic, msg))
        if len(calls) == 1:
            action(client)

    client = server.connected(plan, callback=callback)
    return server, client, calls


def may_call(action, wanted):
    for message, ack in ((MESSAGE, None), (MESSAGE_1, "40020007")):
        server, client, calls = calling(action)
        server.send(message)
        client.wait_msg()
        same(calls, [(b"t", b"m")])
        client.publish("end", "", qos=1)
        got = server.hexes()[1:-1]
        if ack:
            # Acknowledged after what the callback did.
            same(got[-1], ack)
            del got[-1]
        same(got, wanted)


for name, action, wanted in (
        ("publish_at_qos_0", lambda client: client.publish("u", "n"), ["3004" "000175" "6e"]),
        ("publish_at_qos_1", lambda client: client.publish("u", "n", qos=1), ["3206" "000175" "0001" "6e"]),
        ("publish_at_qos_2", lambda client: client.publish("u", "n", qos=2), ["3406" "000175" "0001" "6e", "62020001"]),
        ("subscribe", lambda client: client.subscribe("u"), ["8206" "0001" "000175" "00"]),
        ("unsubscribe", lambda client: client.unsubscribe("u"), ["a205" "0001" "000175"]),
        ("ping", lambda client: client.ping(), ["c000"]),
        ("check_msg", lambda client: client.check_msg(), []),
        ("set_callback", lambda client: client.set_callback(None), []),
        ("set_last_will", lambda client: client.set_last_will("w", "x"), [])):
    case("the_callback_may_call_%s" % name, may_call, action, wanted)


@test
def the_callback_may_call_all_of_them_in_a_row():
    def action(client):
        client.publish("u", "n", qos=2)
        client.subscribe("u", 1)
        client.publish("u", "n", qos=1)
        client.unsubscribe("u")
        client.ping()
        client.check_msg()

    server, client, calls = calling(action)
    server.send(MESSAGE_2)
    client.wait_msg()
    while not server.log("PUBCOMP"):
        client.check_msg()
    server.wait("PINGREQ")
    # The answers to the message itself stand in front of these or behind them.
    same([packet.name for packet in server.log() if packet.name not in ("CONNECT", "PUBREC", "PUBCOMP")],
         ["PUBLISH", "PUBREL", "SUBSCRIBE", "PUBLISH", "UNSUBSCRIBE", "PINGREQ"])


@test
def the_callback_may_call_disconnect():
    for message in (MESSAGE, MESSAGE_1, MESSAGE_2):
        server, client, calls = calling(lambda client: client.disconnect())
        server.send(message)
        same(client.wait_msg(), None)
        server.gone(1)
        # At qos 2 the identifier may have been noted, and PUBREC sent, before the callback.
        same(([packet for packet in server.hexes()[1:] if packet != "50020008"], calls), (["e000"], [(b"t", b"m")]))
        raises_errno(errno.ENOTCONN, client.check_msg)
        client.connect(timeout=5)
        client.publish("t", "m", qos=1)


@test
def the_callback_may_call_disconnect_while_publish_waits():
    # The message of publish() is not acknowledged, and will not be: publish() must not return as if it had been.
    server, client, calls = calling(lambda client: client.disconnect(), "PUBLISH=" + MESSAGE)
    raises_errno((errno.ENOTCONN, errno.ECONNRESET), client.publish, "t", "m", qos=1)
    same(calls, [(b"t", b"m")])


@test
def the_callback_may_call_connect():
    for message in (MESSAGE, MESSAGE_1, MESSAGE_2):
        server, client, calls = calling(lambda client: client.connect(timeout=5))
        server.send(message)
        client.wait_msg()
        server.gone(1)
        client.publish("t", "m", qos=1)
        # An acknowledgement for the first connection has no place on the second.
        same([packet.name for packet in server.log() if packet.connection == 2], ["CONNECT", "PUBLISH"])
        same(calls, [(b"t", b"m")])


@test
def the_callback_may_set_another_callback():
    inbox = Inbox()
    server, client, calls = calling(lambda client: client.set_callback(inbox))
    server.send(MESSAGE + MESSAGE)
    client.wait_msg()
    client.wait_msg()
    same((calls, inbox.messages), ([(b"t", b"m")], [(b"t", b"m")]))


@test
def wait_msg_in_the_callback_delivers_the_next_message():
    server, client, calls = calling(lambda client: client.wait_msg())
    server.send("3004" "000174" "61" "3206" "000174" "0007" "62" "3004" "000174" "63")
    client.wait_msg()
    same([msg for topic, msg in calls], [b"a", b"b"])
    client.wait_msg()
    same([msg for topic, msg in calls], [b"a", b"b", b"c"])


@test
def check_msg_in_the_callback_delivers_the_next_message():
    def action(client):
        while len(calls) < 2:
            client.check_msg()

    server, client, calls = calling(action)
    server.send("3004" "000174" "61" "3004" "000174" "62")
    client.wait_msg()
    same([msg for topic, msg in calls], [b"a", b"b"])


@test
def a_message_that_comes_while_the_callback_publishes_is_delivered_after_it():
    server = Server()
    depth = [0, 0]
    got = []

    def callback(topic, msg):
        depth[0] += 1
        depth[1] = max(depth)
        got.append(msg)
        if len(got) < 5:
            client.publish("u", "n", qos=1)
        depth[0] -= 1

    client = server.connected("PUBLISH=" + MESSAGE_1 + MESSAGE + "4002@", callback=callback)
    server.send(MESSAGE)
    # Four messages are answered, each with two more: nine in all.
    while len(got) < 9:
        client.wait_msg()
    same((depth[1], len(got)), (1, 9))
    server.wait("PUBACK", 4)


@test
def publish_in_a_callback_does_not_wait_behind_more_than_can_be_kept():
    # No more is read before the callback returns. Would each publish wait for its time, this test would not end in its own.
    server = Server()
    got = []
    errors = []

    def callback(topic, msg):
        got.append(len(msg))
        if len(errors) < 8:
            errors.append(raises(OSError, client.publish, "u", "n", False, 1).args[0])

    client = server.connected("PUBLISH.1=[30ec07" "000174" "6d{1001}]{300}*", timeout=20, callback=callback)
    server.send(MESSAGE)
    while len(got) < 301:
        client.wait_msg()
    client.publish("u", "n", qos=1)
    same((got, errors), ([1] + [1001] * 300, [errno.ETIMEDOUT] * 8))
    same(len(server.connections()), 1)


@test
def a_callback_that_answers_at_qos_1_and_2_gets_all_messages_of_mosquitto():
    got = []

    def callback(topic, msg):
        got.append(int(msg))
        client.publish("callback/1/answer", msg, qos=len(got) % 3)

    client = broker_client("callback-1", callback=callback)
    client.subscribe("callback/1", 2)
    for number in range(40):
        publish_from_elsewhere("callback/1", str(number), number % 3)
    while len(got) < 40:
        client.wait_msg()
    same(sorted(got), list(range(40)))
    client.disconnect()


@test
def an_echo_to_itself_ends():
    got = []

    def callback(topic, msg):
        got.append(msg)
        if len(got) < 200:
            client.publish("callback/2", str(len(got)), qos=len(got) % 3)

    client = broker_client("callback-2", callback=callback)
    client.subscribe("callback/2", 2)
    client.publish("callback/2", "0", qos=1)
    while len(got) < 200:
        client.wait_msg()
    same(got, [str(number).encode() for number in range(200)])
    client.disconnect()


@test
def the_callback_gets_two_bytes_objects():
    server = Server()
    inbox = Inbox()
    client = server.connected("me", callback=inbox)
    for message in (MESSAGE, MESSAGE_1, MESSAGE_2, "3003" "000174"):
        server.send(message)
        client.wait_msg()
    same([(type(topic), type(msg)) for topic, msg in inbox.messages], [(bytes, bytes)] * 4)
    same(inbox.messages, [(b"t", b"m")] * 3 + [(b"t", b"")])


@test
def the_callback_stays_alive_with_the_client():
    server = Server()
    got = []
    client = server.connected("me", callback=lambda topic, msg: got.append(msg))
    gc.collect()
    rubbish = [bytearray(40) for _ in range(300)]
    server.send(MESSAGE)
    client.wait_msg()
    same((got, len(rubbish)), ([b"m"], 300))


def raising(trouble, method, plan, *arguments):
    # What the callback raises comes out of the method that delivered the message, and the client stays usable.
    server = Server()
    calls = []

    def callback(topic, msg):
        calls.append(msg)
        if len(calls) == 1:
            raise trouble

    client = server.connected(plan, callback=callback)
    if plan == "me":
        server.send(MESSAGE)

    def call():
        while True:
            getattr(client, method)(*arguments)

    same(raises(type(trouble), call) is trouble, True)
    client.publish("t", "m", qos=1)
    server.send("3004" "000174" "6e")
    client.wait_msg()
    same((calls[-1], len(server.connections())), (b"n", 1))


for name, method, plan, arguments in (
        ("wait_msg", "wait_msg", "me", ()), ("check_msg", "check_msg", "me", ()),
        ("publish_at_qos_1", "publish", "PUBLISH.1=" + MESSAGE + "*", ("t", "m", False, 1)),
        ("publish_at_qos_2", "publish", "PUBLISH.1=" + MESSAGE + "*", ("t", "m", False, 2)),
        ("subscribe", "subscribe", "SUBSCRIBE=" + MESSAGE + "*", ("t",)),
        ("unsubscribe", "unsubscribe", "UNSUBSCRIBE=" + MESSAGE + "*", ("t",))):
    case("an_exception_from_the_callback_comes_out_of_%s" % name, raising, Trouble("x"), method, plan, *arguments)

for trouble in (KeyboardInterrupt(), SystemExit(), MemoryError(), OSError(errno.ECONNRESET), StopIteration(), ValueError("x")):
    case("%s_from_the_callback_comes_out_and_the_client_stays_usable" % type(trouble).__name__, raising, trouble, "wait_msg", "me")


@test
def a_callback_with_other_parameters_raises_typeerror():
    server = Server()
    client = server.connected("me", callback=lambda topic: None)
    server.send(MESSAGE)
    raises(TypeError, client.wait_msg)
    client.publish("t", "m", qos=1)


@test
def a_callback_gets_the_flags_if_it_asks_for_them():
    got = []
    client = Server().connected("PINGREQ=" "3104" "000174" "6d" "3b06" "000174" "0001" "6d" "3406" "000174" "0002" "6d")
    client.set_callback(lambda topic, msg, flags: got.append(flags), flags=True)
    client.ping()
    for _ in range(3):
        client.wait_msg()
    # RETAIN; DUP, QoS 1 and RETAIN; QoS 2.
    same(got, [1, 8 | 2 | 1, 4])


run()
