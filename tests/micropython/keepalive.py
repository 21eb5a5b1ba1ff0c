# Keep Alive, looked after by every method: PINGREQ after a time without sending, ETIMEDOUT when the Server stays silent then.

import errno
import time

from check import test, case, same, raises_errno, run
from host import Server, Inbox, broker_client


@test
def check_msg_sends_pingreq_when_nothing_was_sent():
    server = Server()
    client = server.connected("me", keepalive=1)
    while len(server.log("PINGREQ")) < 2:
        client.check_msg()
    same(server.hexes()[1:], ["c000"] * len(server.log("PINGREQ")))


@test
def check_msg_raises_etimedout_when_pingreq_is_not_answered():
    server = Server()
    client = server.connected("PINGREQ=/", keepalive=1)

    def check():
        while True:
            client.check_msg()

    raises_errno(errno.ETIMEDOUT, check)
    raises_errno(errno.ENOTCONN, client.check_msg)
    server.gone(1)
    same(set(server.hexes()[1:]), set(["c000"]))
    client.connect(timeout=5)
    client.publish("t", "m", qos=1)


def silent(call):
    # ping() is not answered, nor is anything else; the method, called again and again, notices.
    server = Server()
    client = server.connected("PINGREQ=;PUBLISH=;SUBSCRIBE=;UNSUBSCRIBE=", keepalive=1, timeout=2)
    client.ping()

    def until_it_is_noticed():
        while True:
            try:
                call(client)
            except OSError as error:
                # The answer timeout leaves the connection, that of the Keep Alive does not.
                same(error.args[0] in (errno.ETIMEDOUT, errno.ENOTCONN), True)
                if error.args[0] == errno.ENOTCONN:
                    return
            time.sleep_ms(20)

    until_it_is_noticed()
    server.gone(1)


for name, call in (
        ("publish_at_qos_0", lambda client: client.publish("t", "m")),
        ("publish_at_qos_1", lambda client: client.publish("t", "m", qos=1)),
        ("publish_at_qos_2", lambda client: client.publish("t", "m", qos=2)),
        ("subscribe", lambda client: client.subscribe("t")),
        ("unsubscribe", lambda client: client.unsubscribe("t")), ("ping", lambda client: client.ping())):
    case("%s_notices_that_the_server_is_silent" % name, silent, call)


def pings_while_it_waits(answer, method, *arguments):
    # The answer comes only with the second PINGREQ, so the method must send PINGREQ while it waits.
    server = Server()
    client = server.connected(answer, keepalive=1, timeout=30)
    getattr(client, method)(*arguments)
    same(len(server.log("PINGREQ")), 2)


for name, answer, arguments in (
        ("publish_at_qos_1", "PUBLISH=;PINGREQ.2=*4002$1", ("publish", "t", "m", False, 1)),
        ("publish_at_qos_2_before_pubrec", "PUBLISH=;PINGREQ.2=*5002$1", ("publish", "t", "m", False, 2)),
        ("publish_at_qos_2_before_pubcomp", "PUBREL=;PINGREQ.2=*7002$1", ("publish", "t", "m", False, 2)),
        ("subscribe", "SUBSCRIBE=;PINGREQ.2=*9003$100", ("subscribe", "t")),
        ("unsubscribe", "UNSUBSCRIBE=;PINGREQ.2=*b002$1", ("unsubscribe", "t"))):
    case("%s_keeps_the_connection_alive_while_it_waits" % name, pings_while_it_waits, answer, *arguments)


@test
def packets_both_ways_put_pingreq_off():
    server = Server()
    client = server.connected("me", keepalive=2)
    # Three seconds of messages and acknowledgements, with never near two seconds between them.
    end = time.ticks_add(time.ticks_ms(), 3000)
    while time.ticks_diff(end, time.ticks_ms()) > 0:
        client.publish("t", "m", qos=1)
        client.check_msg()
        time.sleep_ms(50)
    same(len(server.log("PINGREQ")), 0)


@test
def a_client_that_only_sends_asks_whether_anybody_is_there():
    server = Server()
    client = server.connected("me", keepalive=2)
    end = time.ticks_add(time.ticks_ms(), 3000)
    while time.ticks_diff(end, time.ticks_ms()) > 0:
        client.publish("t", "m")
        time.sleep_ms(50)
    if not server.log("PINGREQ"):
        raise AssertionError("never asked")


@test
def a_client_that_only_sends_learns_that_nobody_is_there():
    server = Server()
    client = server.connected("PINGREQ=", keepalive=1)
    # Many times what it may take.
    for _ in range(400):
        try:
            client.publish("t", "m")
        except OSError as error:
            same(error.args[0], errno.ETIMEDOUT)
            break
        time.sleep_ms(50)
    raises_errno(errno.ENOTCONN, client.publish, "t", "m")


@test
def a_silent_server_is_found_out_by_a_short_keepalive_not_by_a_long_timeout():
    server = Server()
    client = server.connected("PINGREQ=", timeout=50, keepalive=1)
    raises_errno(errno.ETIMEDOUT, client.wait_msg)
    raises_errno(errno.ENOTCONN, client.check_msg)


@test
def ping_sends_one_pingreq_each():
    server = Server()
    client = server.connected("me")
    for _ in range(3):
        client.ping()
        client.wait_msg()
    same(server.hexes()[1:], ["c000"] * 3)


@test
def ping_does_not_wait():
    server = Server()
    client = server.connected("PINGREQ=")
    client.ping()
    client.publish("t", "m", qos=1)
    same(server.hexes()[1:], ["c000", "3206" "000174" "0001" "6d"])


@test
def a_callback_longer_than_keepalive_does_not_end_the_connection():
    # The PINGRESP may wait unread meanwhile: the Server was not silent.
    server = Server()
    client = server.connected("me", keepalive=1)
    inbox = Inbox()

    def slow(topic, msg):
        client.ping()
        time.sleep_ms(2500)
        inbox(topic, msg)

    client.set_callback(slow)
    server.send("3004" "000174" "6d")
    client.wait_msg()
    client.check_msg()
    client.publish("t", "m", qos=1)
    same(inbox.messages, [(b"t", b"m")])


@test
def mosquitto_keeps_a_client_that_calls_check_msg():
    # mosquitto drops a client that is silent for one and a half times its Keep Alive.
    client = broker_client("keepalive-1", keepalive=1)
    end = time.ticks_add(time.ticks_ms(), 3500)
    while time.ticks_diff(end, time.ticks_ms()) > 0:
        client.check_msg()
        time.sleep_ms(10)
    client.publish("keepalive/1", "m", qos=1)
    client.disconnect()


run()
