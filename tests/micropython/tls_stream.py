# needs: tls
# The client under TLS: records cut anywhere, many packets in one record, silence, breaks, all the exchanges.

import errno

from check import test, case, same, raises, raises_errno, run
from host import Server, Inbox, broker_client, drip
from porttls import VERIFIES
from umqtt import MQTTException

import target

MESSAGE = "3006" "000174" "6d6e6f"


def connected(plan="me", **keywords):
    server = Server("tls")
    inbox = Inbox()
    return server, inbox, server.connected(plan, ssl=True, callback=inbox, **keywords)


def silent(mode, error):
    client = Server(mode).client("me", ssl=True)
    raises_errno(error, client.connect, timeout=1) if error else raises((OSError, ValueError), client.connect, timeout=5)
    raises_errno(errno.ENOTCONN, client.ping)


case("a_handshake_that_meets_silence_times_out", silent, "mute", errno.ETIMEDOUT)
case("a_handshake_that_meets_the_end_of_the_stream_fails", silent, "close", None)
case("a_handshake_that_is_reset_fails", silent, "reset", None)
case("a_handshake_that_meets_something_else_fails", silent, "garbage", None)


@test
def no_connack_under_tls_times_out():
    server = Server("tls")
    client = server.client("CONNECT=/", ssl=True)
    raises_errno(errno.ETIMEDOUT, client.connect, timeout=1)
    server.gone(1)
    client.connect(timeout=5)
    client.publish("t", "m", qos=1)


@test
def a_refusal_under_tls_raises_its_code():
    same(raises(MQTTException, Server("tls").client("CONNECT=20020005", ssl=True).connect).args[0], 5)


@test
def every_exchange_works_under_tls():
    server, inbox, client = connected("PUBLISH=&*")
    client.subscribe("t", 2)
    for qos in (0, 1, 2):
        client.publish("t", "m%d" % qos, qos=qos)
    client.unsubscribe("t")
    client.ping()
    while len(inbox.messages) < 3:
        client.wait_msg()
    same(inbox.messages, [(b"t", b"m0"), (b"t", b"m1"), (b"t", b"m2")])
    client.disconnect()
    server.gone(1)
    same(server.hexes()[-1], "e000")


@test
def each_packet_is_one_record():
    server, inbox, client = connected()
    client.subscribe("t", 1)
    for qos in (0, 1, 2):
        client.publish("topic", bytes(300), qos=qos)
    client.unsubscribe("t")
    client.ping()
    client.wait_msg()
    same([packet.segments for packet in server.log()], [1] * 8)


@test
def check_msg_returns_on_an_idle_connection():
    server, inbox, client = connected()
    for _ in range(1000):
        client.check_msg()
    same(inbox.messages, [])


@test
def check_msg_returns_at_half_a_record_and_goes_on_there():
    server, inbox, client = connected()
    for _ in range(5):
        server.send(MESSAGE, "half")
        for _ in range(20):
            client.check_msg()
        same(inbox.messages, [])
        server.rest()
        while not inbox.messages:
            client.check_msg()
        same(inbox.messages, [(b"t", b"mno")])
        inbox.messages.clear()


@test
def check_msg_returns_at_half_a_packet_in_a_record_of_its_own():
    server, inbox, client = connected()
    for at in range(2, len(MESSAGE), 2):
        server.send(MESSAGE[:at])
        for _ in range(5):
            client.check_msg()
        same(inbox.messages, [])
        server.send(MESSAGE[at:])
        while not inbox.messages:
            client.check_msg()
        same(inbox.messages, [(b"t", b"mno")])
        inbox.messages.clear()


@test
def wait_msg_goes_on_after_half_a_record():
    server, inbox, client = connected()
    server.send(MESSAGE, "half")
    client.check_msg()
    server.rest()
    client.wait_msg()
    same(inbox.messages, [(b"t", b"mno")])


@test
def wait_msg_delivers_all_messages_of_one_record():
    # After the first, nothing is left in the socket: the rest has been decrypted already.
    server, inbox, client = connected()
    server.send("".join(["3004" "000174" "%02x" % number for number in range(100)]))
    for _ in range(100):
        client.wait_msg()
    same([msg[0] for topic, msg in inbox.messages], list(range(100)))


@test
def wait_msg_delivers_a_record_of_16384_octets_of_messages():
    # More than any buffer of the client.
    server, inbox, client = connected()
    one = "30fd03" "000174" "78{506}"
    server.send(one * 32)
    for _ in range(32):
        client.wait_msg()
    same(inbox.messages == [(b"t", b"x" * 506)] * 32, True)


@test
def check_msg_delivers_at_most_one_message_of_a_record_a_call():
    server, inbox, client = connected()
    server.send("".join(["3004" "000174" "%02x" % number for number in range(20)]))
    while len(inbox.messages) < 20:
        before = len(inbox.messages)
        client.check_msg()
        same(len(inbox.messages) - before in (0, 1), True)


@test
def an_acknowledgement_in_the_record_of_a_message_is_seen():
    server, inbox, client = connected("PUBLISH=" + "3004" "000174" "61" "4002@" "3004" "000174" "62")
    for _ in range(10):
        client.publish("t", "m", qos=1)
    while len(inbox.messages) < 20:
        client.wait_msg()
    same([msg for topic, msg in inbox.messages], [b"a", b"b"] * 10)


@test
def packets_octet_by_octet_each_in_a_record_of_its_own():
    server = Server("tls")
    inbox = Inbox()
    client = server.connected("CONNECT=" + drip("20020000") + ";PUBLISH=" + drip("4002@<@>"), ssl=True, callback=inbox)
    client.publish("t", "m", qos=1)
    server.send(drip("3207" "000174" "0107" "6d6e"))
    client.wait_msg()
    same(inbox.messages, [(b"t", b"mn")])


@test
def large_messages_pass_both_ways_under_tls():
    server, inbox, client = connected("PUBLISH=&", timeout=20)
    for size in (0, 1, 16383, 16384, 16385, 50000, 100000):
        msg = bytes([octet % 251 for octet in range(size % 1000)]) + bytes(size - size % 1000)
        client.publish("t", msg)
        client.wait_msg()
        same(inbox.messages == [(b"t", msg)], True)
        inbox.messages.clear()


@test
def publish_under_tls_waits_for_a_server_that_is_slow_to_read():
    server, inbox, client = connected(timeout=20)
    server.stall()
    msg = bytes(60000)
    for _ in range(200):
        client.publish("t", msg)
    client.publish("end", "", qos=1)
    same([packet.length for packet in server.log("PUBLISH", 1)], [60007] * 200 + [9])


@test
def wait_msg_under_tls_keeps_the_connection_alive():
    server, inbox, client = connected("PINGREQ.2=*-" + MESSAGE, keepalive=1)
    client.wait_msg()
    same((inbox.messages, server.hexes("PINGREQ")), ([(b"t", b"mno")], ["c000"] * 2))


@test
def wait_msg_under_tls_raises_etimedout_when_the_server_falls_silent():
    server, inbox, client = connected("PINGREQ=", keepalive=1)
    raises_errno(errno.ETIMEDOUT, client.wait_msg)
    raises_errno(errno.ENOTCONN, client.ping)


def broken(how, wanted):
    server, inbox, client = connected("PINGREQ=%s/" % how)
    client.ping()
    raises_errno(wanted, client.wait_msg)
    raises_errno(errno.ENOTCONN, client.ping)
    client.connect(timeout=5)
    client.publish("t", "m", qos=1)


case("the_end_of_the_stream_under_tls_is_econnreset", broken, "!", errno.ECONNRESET)
case("the_end_of_the_stream_within_a_message_under_tls_is_econnreset", broken, "3006" "0001" "!", errno.ECONNRESET)
case("a_reset_under_tls_is_econnreset", broken, "~", errno.ECONNRESET)


@test
def a_break_of_the_protocol_under_tls_raises_a_text():
    server, inbox, client = connected("PINGREQ=f000/")
    client.ping()
    same(type(raises(MQTTException, client.wait_msg).args[0]), str)
    server.gone(1)
    client.connect(timeout=5)
    client.publish("t", "m", qos=1)


@test
def a_message_in_flight_is_sent_again_under_tls():
    server = Server("tls")
    client = server.connected("PUBLISH=!/", ssl=True, clean_session=False)
    raises_errno(errno.ECONNRESET, client.publish, "t", "m", qos=1)
    client.connect(False, timeout=5)
    client.subscribe("t")
    same(server.hexes("PUBLISH"), ["3206" "000174" "0001" "6d", "3a06" "000174" "0001" "6d"])


@test
def messages_of_every_qos_pass_mosquitto_under_tls():
    inbox = Inbox()
    client = broker_client("tls-stream-1", target.BROKER_TLS, inbox, ssl=True,
                           ssl_params={"cadata": target.CA, "server_hostname": target.NAME} if VERIFIES else {})
    client.subscribe("tls-stream/1", 2)
    for number in range(300):
        client.publish("tls-stream/1", str(number), qos=number % 3)
    while len(inbox.messages) < 300:
        client.wait_msg()
    for qos in (0, 1, 2):
        got = [int(msg) for topic, msg in inbox.messages if int(msg) % 3 == qos]
        same(got, [number for number in range(300) if number % 3 == qos])
    client.disconnect()


@test
def connecting_under_tls_again_and_again_works():
    server = Server("tls")
    client = server.client("me", ssl=True)
    for _ in range(20):
        client.connect(timeout=10)
        client.publish("t", "m", qos=1)
        client.disconnect()
    same(len(server.log("PUBLISH")), 20)


run()
