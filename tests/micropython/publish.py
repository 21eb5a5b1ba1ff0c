# publish(): the exchanges of qos 0, 1 and 2, what happens while it waits, and what a wrong answer does.

import errno

from check import test, case, same, raises, raises_errno, run
from host import ON_BOARD, Server, Inbox, ask, broker_client, hexed, needs, octets

import target


@test
def publish_at_qos_0_waits_for_nothing():
    server = Server()
    client = server.connected("PUBLISH=")
    client.publish("t", "m")
    client.publish("t", "n", True)
    same([packet.hex for packet in server.wait("PUBLISH", 2)], ["3004" "000174" "6d", "3104" "000174" "6e"])


@test
def publish_at_qos_1_is_one_packet():
    server = Server()
    client = server.connected("me")
    client.publish("t", "m", qos=1)
    client.publish("t", "n", True, 1)
    same(server.hexes()[1:], ["3206" "000174" "0001" "6d", "3306" "000174" "0002" "6e"])


@test
def publish_at_qos_2_is_publish_and_pubrel():
    server = Server()
    client = server.connected("me")
    client.publish("t", "m", qos=2)
    client.publish("t", "n", True, 2)
    same(server.hexes()[1:], ["3406" "000174" "0001" "6d", "62020001", "3506" "000174" "0002" "6e", "62020002"])


def whole(size, qos):
    if size > 0:
        needs("nodelay")
    server = Server()
    client = server.connected("me")
    msg = bytes(size)
    for _ in range(20):
        client.publish("topic", msg, False, qos)
    client.publish("end", "", qos=1)
    same([packet.segments for packet in server.log()], [1] * len(server.log()))


# What a board's stream takes in one write is copied first, so there only small packets go out in one.
for size in (0, 16, 256) if ON_BOARD else (0, 16, 256, 4096):
    for qos in (0, 1, 2):
        case("publish_of_%d_octets_at_qos_%d_comes_in_one_segment" % (size, qos), whole, size, qos)


@test
def publish_at_qos_1_returns_when_puback_has_come():
    # Whatever publish() waits for, the message before PUBACK has been delivered when it returns.
    server = Server()
    inbox = Inbox()
    client = server.connected("PUBLISH=--" "3004" "000174" "61" "--4002@", callback=inbox)
    client.publish("t", "m", qos=1)
    same(inbox.messages, [(b"t", b"a")])


@test
def publish_at_qos_2_returns_when_pubcomp_has_come():
    server = Server()
    inbox = Inbox()
    client = server.connected("PUBLISH=-5002@;PUBREL=-" "3004" "000174" "61" "-7002@", callback=inbox)
    client.publish("t", "m", qos=2)
    same(inbox.messages, [(b"t", b"a")])


def silent(answer, qos):
    # The answer timeout leaves the connection as it is; an acknowledgement that comes late is passed over.
    server = Server()
    client = server.connected(answer, timeout=1)
    raises_errno(errno.ETIMEDOUT, client.publish, "t", "m", False, qos)
    server.send("4002$1" "5002$1" "7002$1")
    client.publish("t", "n", False, qos)
    same((len(server.connections()), server.log("PUBLISH")[-1].hex), (1, "3%d06" % (2 * qos) + "000174" "0002" "6e"))


for name, answer, qos in (("puback", "PUBLISH.1=", 1), ("pubrec", "PUBLISH.1=", 2), ("pubcomp", "PUBREL.1=", 2)):
    case("publish_without_%s_times_out_and_the_next_one_works" % name, silent, answer, qos)


def passed_over(answer, qos):
    server = Server()
    client = server.connected(answer)
    client.publish("t", "m", qos=qos)
    client.publish("t", "n")
    server.wait("PUBLISH", 2)
    same(server.log("PUBLISH")[-1].hex, "3004" "000174" "6e")


for name, answer, qos in (
        ("puback_with_a_wrong_identifier", "PUBLISH=4002%-4002@", 1),
        ("pubrec_with_a_wrong_identifier", "PUBLISH=5002%-5002@", 2),
        ("pubcomp_with_a_wrong_identifier", "PUBREL=7002%-7002@", 2),
        ("suback_nobody_waits_for", "PUBLISH=9003@00-4002@", 1),
        ("unsuback_nobody_waits_for", "PUBLISH=b002@-4002@", 1), ("pingresp_nobody_waits_for", "PUBLISH=d000-4002@", 1),
        ("a_second_puback", "PUBLISH=4002@4002@", 1), ("a_second_pubrec", "PUBLISH=5002@-5002@", 2),
        ("a_second_pubcomp", "PUBREL=7002@7002@", 2),
        ("pubrec_for_qos_1", "PUBLISH=5002@-4002@", 1), ("puback_for_qos_2", "PUBLISH=4002@-5002@", 2),
        ("pubcomp_before_pubrec", "PUBLISH=7002@-5002@", 2)):
    case("%s_is_passed_over" % name, passed_over, answer, qos)


@test
def a_wrong_identifier_alone_is_no_answer():
    for answer, qos in (("PUBLISH=4002%", 1), ("PUBLISH=5002%", 2), ("PUBREL=7002%", 2)):
        server = Server()
        raises_errno(errno.ETIMEDOUT, server.connected(answer, timeout=1).publish, "t", "m", qos=qos)


def meanwhile(answer, qos, wanted):
    server = Server()
    inbox = Inbox()
    client = server.connected(answer, callback=inbox)
    client.publish("t", "m", qos=qos)
    while len(inbox.messages) < len(wanted):
        client.wait_msg()
    same([msg for topic, msg in inbox.messages], wanted)
    return server


@test
def messages_before_puback_are_delivered_in_order():
    answer = "".join(["3004" "000174" "%02x" % (0x61 + number) for number in range(10)])
    meanwhile("PUBLISH=" + answer + "4002@", 1, [bytes([0x61 + number]) for number in range(10)])


@test
def messages_of_every_qos_before_pubrec_and_pubcomp_are_delivered():
    server = meanwhile("PUBLISH=" "3004" "000174" "61" "3206" "000174" "0001" "62" "3406" "000174" "0002" "63" "5002@;"
                       "PUBREL.1=" "3206" "000174" "0003" "64" "7002@", 2, [b"a", b"b", b"c", b"d"])
    server.wait("PUBACK", 2)
    same(sorted(server.hexes("PUBACK")), ["40020001", "40020003"])
    same(server.hexes("PUBREC"), ["50020002"])


@test
def the_identifiers_of_both_directions_are_apart():
    # The Server's message at qos 2 carries the very identifier of ours.
    server = meanwhile("PUBLISH=3406" "000174" "@61" "-5002@", 2, [b"a"])
    server.wait("PUBREC")
    packets = server.last(9)
    identifier = packets[1][10:14]
    same(("5002" + identifier in packets, "6202" + identifier in packets), (True, True))


@test
def reset_while_publish_waits_raises_econnreset():
    for answer, qos in (("PUBLISH=~", 1), ("PUBLISH=~", 2), ("PUBREL=~", 2)):
        server = Server()
        client = server.connected(answer)
        raises_errno(errno.ECONNRESET, client.publish, "t", "m", qos=qos)
        raises_errno(errno.ENOTCONN, client.publish, "t", "m", qos=qos)


@test
def end_of_stream_while_publish_waits_raises_econnreset():
    for answer, qos in (("PUBLISH=!", 1), ("PUBLISH=40!", 1), ("PUBLISH=400200!", 1), ("PUBLISH=!", 2), ("PUBREL=!", 2),
                        ("PUBREL=7002!", 2)):
        server = Server()
        client = server.connected(answer)
        raises_errno(errno.ECONNRESET, client.publish, "t", "m", qos=qos)
        raises_errno(errno.ENOTCONN, client.publish, "t", "m", qos=qos)


@test
def publish_on_a_connection_that_was_reset_raises_oserror_and_connect_works():
    server = Server()
    client = server.connected("PINGREQ=~/")
    client.ping()
    server.gone(1)

    def publish():
        while True:
            client.publish("t", "m")

    raises(OSError, publish)
    raises_errno(errno.ENOTCONN, client.publish, "t", "m")
    client.connect(timeout=5)
    client.publish("t", "m", qos=1)


@test
def the_objects_given_are_not_changed():
    server = Server()
    client = server.connected("me")
    topic, msg = bytearray(b"topic"), bytearray(b"message")
    for qos in (0, 1, 2):
        client.publish(topic, msg, qos=qos)
    same((topic, msg), (bytearray(b"topic"), bytearray(b"message")))
    # Nor are they held on to: they may be resized again.
    topic.extend(b"!")
    msg.extend(b"!")


@test
def publish_reaches_another_client_at_every_qos():
    handle = ask("subscribe", target.BROKER, hexed("publish/1/#"), 2)[0]
    client = broker_client("publish-1")
    for qos in (0, 1, 2):
        client.publish("publish/1/%d" % qos, b"\x00\xffm", qos=qos)
    lines = ask("received", handle, 3)
    same(sorted(lines), ["publish/1/%d %d 0 3 00ff6d" % (qos, qos) for qos in (0, 1, 2)])
    client.disconnect()


@test
def a_retained_message_is_kept_and_an_empty_one_ends_it():
    client = broker_client("publish-2")
    client.publish("publish/2", "kept", True, 1)
    inbox = Inbox()
    other = broker_client("publish-3", callback=inbox)
    other.subscribe("publish/2", 1)
    while not inbox.messages:
        other.wait_msg()
    same(inbox.messages, [(b"publish/2", b"kept")])
    client.publish("publish/2", "", True, 1)
    other.disconnect()
    inbox.messages.clear()
    other.connect()
    other.subscribe("publish/2", 1)
    other.subscribe("publish/2/end", 1)
    client.publish("publish/2/end", "m", qos=1)
    other.wait_msg()
    same(inbox.messages, [(b"publish/2/end", b"m")])
    client.disconnect()
    other.disconnect()


@test
def two_hundred_messages_at_each_qos_reach_mosquitto():
    handle = ask("subscribe", target.BROKER, hexed("publish/4"), 2)[0]
    client = broker_client("publish-4")
    for number in range(600):
        client.publish("publish/4", str(number), qos=number % 3)
    lines = ask("received", handle, 600)
    # mosquitto 2.0.11 lets new messages overtake those that wait for a slow subscriber.
    for qos in (0, 1, 2):
        numbers = [int(octets(line.split()[4])) for line in lines if line.split()[1] == str(qos)]
        same(sorted(numbers), [number for number in range(600) if number % 3 == qos])
    client.disconnect()


run()
