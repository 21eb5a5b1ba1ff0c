# check_msg(): never blocks, delivers at most one message a call, and goes on where it stood.
#
# A call that blocked would meet the limit of the test: what it waits for is sent only after it has returned.

import errno

from check import test, same, raises_errno, run
from host import Server, Inbox, broker_client, publish_from_elsewhere

MESSAGE = "3006" "000174" "6d6e6f"


def check_until(client, inbox, count):
    while len(inbox.messages) < count:
        client.check_msg()


@test
def check_msg_returns_on_an_idle_connection():
    server = Server()
    inbox = Inbox()
    client = server.connected("me", callback=inbox)
    for _ in range(1000):
        client.check_msg()
    same(inbox.messages, [])


@test
def check_msg_returns_at_every_split_of_a_message_and_goes_on_there():
    server = Server()
    inbox = Inbox()
    client = server.connected("me", callback=inbox)
    for at in range(2, len(MESSAGE), 2):
        server.send(MESSAGE[:at])
        for _ in range(5):
            client.check_msg()
        same(inbox.messages, [])
        server.send(MESSAGE[at:])
        check_until(client, inbox, 1)
        same(inbox.messages, [(b"t", b"mno")])
        inbox.messages.clear()


@test
def check_msg_collects_a_message_that_comes_octet_by_octet():
    server = Server()
    inbox = Inbox()
    client = server.connected("me", callback=inbox)
    for at in range(0, len(MESSAGE), 2):
        same(inbox.messages, [])
        server.send(MESSAGE[at:at + 2])
        client.check_msg()
    check_until(client, inbox, 1)
    same(inbox.messages, [(b"t", b"mno")])


@test
def check_msg_returns_within_a_large_payload():
    server = Server()
    inbox = Inbox()
    client = server.connected("me", callback=inbox)
    # 20,003 octets in all: 03 of topic and 20,000 of payload.
    server.send("30a39c01" "000174" "78{7000}")
    for _ in range(20):
        client.check_msg()
    server.send("79{7000}")
    for _ in range(20):
        client.check_msg()
    same(inbox.messages, [])
    server.send("7a{6000}")
    check_until(client, inbox, 1)
    same(inbox.messages == [(b"t", b"x" * 7000 + b"y" * 7000 + b"z" * 6000)], True)


@test
def check_msg_returns_within_a_long_topic():
    server = Server()
    inbox = Inbox()
    client = server.connected("me", callback=inbox)
    server.send("30d30f" "07d0" "61{1500}")
    for _ in range(20):
        client.check_msg()
    same(inbox.messages, [])
    server.send("61{500}" "6d")
    check_until(client, inbox, 1)
    same(inbox.messages, [(b"a" * 2000, b"m")])


@test
def check_msg_delivers_at_most_one_message_a_call_and_all_in_order():
    server = Server()
    inbox = Inbox()
    client = server.connected("me", callback=inbox)
    server.send("".join(["3004" "000174" "%02x" % number for number in range(20)]))
    while len(inbox.messages) < 20:
        before = len(inbox.messages)
        client.check_msg()
        same(len(inbox.messages) - before in (0, 1), True)
    same([msg[0] for topic, msg in inbox.messages], list(range(20)))


@test
def check_msg_delivers_a_message_behind_other_packets():
    server = Server()
    inbox = Inbox()
    client = server.connected("me", callback=inbox)
    server.send("d000" "40020009" "62020009" "3004" "000174" "6d")
    check_until(client, inbox, 1)
    same(inbox.messages, [(b"t", b"m")])


@test
def check_msg_acknowledges_at_qos_1_and_2():
    server = Server()
    inbox = Inbox()
    client = server.connected("PUBREC=", callback=inbox)
    server.send("3206" "000174" "0007" "6d" "3406" "000174" "0008" "6e")
    check_until(client, inbox, 2)
    server.send("62020008")
    while not server.log("PUBCOMP"):
        client.check_msg()
    same(server.hexes()[1:], ["40020007", "50020008", "70020008"])


@test
def check_msg_without_a_callback_reads_acknowledges_and_drops():
    server = Server()
    client = server.connected("me")
    server.send("3004" "000174" "6d" "3206" "000174" "0007" "6d" "3406" "000174" "0008" "6e")
    while not server.log("PUBCOMP"):
        client.check_msg()
    same(server.hexes()[1:], ["40020007", "50020008", "70020008"])
    inbox = Inbox()
    client.set_callback(inbox)
    server.send("3004" "000174" "7a")
    check_until(client, inbox, 1)
    same(inbox.messages, [(b"t", b"z")])


@test
def check_msg_and_wait_msg_may_take_turns_within_a_message():
    server = Server()
    inbox = Inbox()
    client = server.connected("me", callback=inbox)
    server.send(MESSAGE[:10])
    client.check_msg()
    server.send(MESSAGE[10:])
    client.wait_msg()
    same(inbox.messages, [(b"t", b"mno")])


@test
def publish_goes_out_between_two_halves_of_a_message():
    server = Server()
    inbox = Inbox()
    client = server.connected("PUBLISH=" + MESSAGE[10:] + "4002@", callback=inbox)
    server.send(MESSAGE[:10])
    client.check_msg()
    # The answer begins with the second half, so publish() itself must go on with the message.
    client.publish("t", "m", qos=1)
    check_until(client, inbox, 1)
    same(inbox.messages, [(b"t", b"mno")])


@test
def check_msg_on_a_connection_that_ended_raises_econnreset():
    server = Server()
    client = server.connected("me")
    server.send("!")

    def check():
        while True:
            client.check_msg()

    raises_errno(errno.ECONNRESET, check)
    raises_errno(errno.ENOTCONN, client.check_msg)


@test
def messages_before_the_end_of_the_stream_are_delivered_first():
    server = Server()
    inbox = Inbox()
    client = server.connected("me", callback=inbox)
    server.send("3004" "000174" "6d" "3004" "000174" "6e" "!")

    def check():
        while True:
            client.check_msg()

    raises_errno(errno.ECONNRESET, check)
    same(inbox.messages, [(b"t", b"m"), (b"t", b"n")])


@test
def check_msg_delivers_from_mosquitto_at_every_qos():
    inbox = Inbox()
    client = broker_client("check-msg-1", callback=inbox)
    client.subscribe("check-msg/#", 2)
    for qos in (0, 1, 2):
        publish_from_elsewhere("check-msg/%d" % qos, "m%d" % qos, qos)
    check_until(client, inbox, 3)
    same(sorted(inbox.messages), [(b"check-msg/0", b"m0"), (b"check-msg/1", b"m1"), (b"check-msg/2", b"m2")])
    client.disconnect()


run()
