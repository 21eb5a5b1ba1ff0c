# wait_msg(): blocks until one message has been delivered, or the PINGRESP to an explicit ping() has come.

import errno

from check import test, same, raises_errno, run
from host import Server, Inbox, broker_client, publish_from_elsewhere, drip


@test
def wait_msg_returns_after_one_message():
    server = Server()
    inbox = Inbox()
    client = server.connected("me", callback=inbox)
    server.send("3004" "000174" "6d" "3004" "000174" "6e")
    client.wait_msg()
    same(inbox.messages, [(b"t", b"m")])
    client.wait_msg()
    same(inbox.messages, [(b"t", b"m"), (b"t", b"n")])


@test
def wait_msg_waits_for_a_message_that_comes_later():
    server = Server()
    inbox = Inbox()
    client = server.connected("CONNECT=*-----" "3004" "000174" "6d", callback=inbox)
    client.wait_msg()
    same(inbox.messages, [(b"t", b"m")])


@test
def wait_msg_waits_for_the_whole_of_a_message():
    server = Server()
    inbox = Inbox()
    client = server.connected("CONNECT=*-" + drip("3006" "000174" "6d6e6f"), callback=inbox)
    client.wait_msg()
    same(inbox.messages, [(b"t", b"mno")])


@test
def wait_msg_does_not_return_for_other_packets():
    server = Server()
    inbox = Inbox()
    others = "d000-40020009-50020009-62020009-70020009-9003000900-b0020009-"
    client = server.connected("CONNECT=*-" + others + "3004" "000174" "6d", callback=inbox)
    client.wait_msg()
    same(inbox.messages, [(b"t", b"m")])


@test
def wait_msg_does_not_return_for_a_duplicate_at_qos_2():
    # The second is the same message again, not a message: [MQTT-4.3.3-2].
    server = Server()
    inbox = Inbox()
    client = server.connected("PUBREC=", callback=inbox)
    server.send("3406" "000174" "0008" "6d" "3c06" "000174" "0008" "6d" "3004" "000174" "6e")
    client.wait_msg()
    client.wait_msg()
    same(inbox.messages, [(b"t", b"m"), (b"t", b"n")])


@test
def wait_msg_without_a_callback_returns_after_one_message():
    server = Server()
    client = server.connected("me")
    server.send("3206" "000174" "0007" "6d")
    client.wait_msg()
    server.wait("PUBACK")
    same(server.hexes()[1:], ["40020007"])


@test
def wait_msg_returns_on_the_pingresp_to_ping():
    server = Server()
    inbox = Inbox()
    client = server.connected("PINGREQ=---*", callback=inbox)
    client.ping()
    client.wait_msg()
    same((server.hexes()[1:], inbox.messages), (["c000"], []))


@test
def wait_msg_returns_for_a_message_before_the_pingresp():
    server = Server()
    inbox = Inbox()
    client = server.connected("PINGREQ=" "3004" "000174" "6d" "-*", callback=inbox)
    client.ping()
    client.wait_msg()
    same(inbox.messages, [(b"t", b"m")])
    client.wait_msg()
    same(inbox.messages, [(b"t", b"m")])


@test
def wait_msg_does_not_return_on_the_pingresp_to_its_own_pingreq():
    server = Server()
    inbox = Inbox()
    client = server.connected("PINGREQ.3=*-" "3004" "000174" "6d", keepalive=1, callback=inbox)
    client.wait_msg()
    same((inbox.messages, server.hexes()[1:]), ([(b"t", b"m")], ["c000"] * 3))


@test
def wait_msg_keeps_the_connection_alive_while_messages_come():
    # What comes in does not count: PINGREQ is due when nothing was sent [MQTT-3.1.2-23].
    server = Server()
    inbox = Inbox()
    client = server.connected("CONNECT=*" + "-3004" "000174" "6d" * 250, keepalive=1, callback=inbox)
    for _ in range(250):
        client.wait_msg()
    same(len(server.log("PINGREQ")) >= 1, True)


@test
def wait_msg_raises_etimedout_when_the_server_falls_silent():
    server = Server()
    client = server.connected("PINGREQ=/", keepalive=1)
    raises_errno(errno.ETIMEDOUT, client.wait_msg)
    server.gone(1)
    raises_errno(errno.ENOTCONN, client.wait_msg)
    client.connect(timeout=5)
    client.publish("t", "m", qos=1)


@test
def wait_msg_raises_etimedout_when_silence_follows_half_a_message():
    server = Server()
    client = server.connected("PINGREQ=/", keepalive=1)
    server.send("3006" "0001")
    raises_errno(errno.ETIMEDOUT, client.wait_msg)
    raises_errno(errno.ENOTCONN, client.ping)


@test
def wait_msg_raises_etimedout_when_ping_is_not_answered():
    server = Server()
    client = server.connected("PINGREQ=", keepalive=1)
    client.ping()
    raises_errno(errno.ETIMEDOUT, client.wait_msg)
    raises_errno(errno.ENOTCONN, client.ping)


@test
def without_keepalive_wait_msg_sends_nothing():
    server = Server()
    inbox = Inbox()
    client = server.connected("CONNECT=*" + "-" * 200 + "3004" "000174" "6d", keepalive=None, callback=inbox)
    client.wait_msg()
    same((inbox.messages, len(server.log())), ([(b"t", b"m")], 1))


@test
def wait_msg_on_a_connection_that_ends_raises_econnreset():
    for how in ("!", "~", "3006" "0001" "!", "30" "!"):
        server = Server()
        client = server.connected("PINGREQ=---" + how)
        client.ping()
        raises_errno(errno.ECONNRESET, client.wait_msg)
        raises_errno(errno.ENOTCONN, client.wait_msg)


@test
def wait_msg_delivers_what_mosquitto_kept():
    inbox = Inbox()
    publish_from_elsewhere("wait-msg/kept", "m", 1, retain=True)
    client = broker_client("wait-msg-1", callback=inbox)
    client.subscribe("wait-msg/kept", 1)
    if not inbox.messages:
        client.wait_msg()
    same(inbox.messages, [(b"wait-msg/kept", b"m")])
    client.publish("wait-msg/kept", "", True, 1)
    client.disconnect()


@test
def wait_msg_delivers_from_mosquitto_in_order():
    inbox = Inbox()
    client = broker_client("wait-msg-2", callback=inbox)
    client.subscribe("wait-msg/2", 1)
    for number in range(50):
        client.publish("wait-msg/2", str(number), qos=1)
    while len(inbox.messages) < 50:
        client.wait_msg()
    same([int(msg) for topic, msg in inbox.messages], list(range(50)))
    client.disconnect()


run()
