# A Server that breaks the protocol: MQTTException with a text, the connection closed, the client usable afterwards.
#
# Every packet below is met by wait_msg(), by check_msg() and by a publish() that waits for its PUBACK.

import errno

from check import test, case, same, raises, raises_errno, run
from host import Server, Inbox
from umqtt import MQTTException

PACKETS = [
    # Remaining Length of more than four octets [2.2.3]
    ("remaining_length_of_five_octets", "30ffffffff7f"), ("remaining_length_of_five_octets_with_little_value", "308080808001"),
    ("remaining_length_of_five_octets_of_zero", "d08080808000"), ("remaining_length_that_does_not_end", "30ffffffff"),
    ("remaining_length_of_five_octets_in_puback", "40828080800000010001"),
    # Types that a Server may not send [2.2.1]
    ("type_0", "0000"), ("type_0_with_flags", "0f00"), ("type_15", "f000"), ("type_15_with_flags", "ff00"),
    ("connect", "100e" "00044d515454" "04" "02" "003c" "00026d65"), ("subscribe", "8206" "0001" "000174" "00"),
    ("unsubscribe", "a205" "0001" "000174"), ("pingreq", "c000"), ("disconnect", "e000"), ("a_second_connack", "20020000"),
    ("a_second_connack_that_refuses", "20020005"),
    # QoS 3 [MQTT-3.3.1-4]
    ("publish_at_qos_3", "3606" "000174" "0001" "6d"), ("publish_at_qos_3_retained", "3706" "000174" "0001" "6d"),
    ("publish_at_qos_3_dup", "3e06" "000174" "0001" "6d"), ("publish_with_all_flags", "3f06" "000174" "0001" "6d"),
    # Topic Names [MQTT-4.7.3-1], [MQTT-3.3.2-2], [MQTT-4.7.3-2], [MQTT-1.5.3-1]
    ("publish_with_an_empty_topic", "3003" "0000" "6d"), ("publish_with_an_empty_topic_at_qos_1", "3205" "0000" "0001" "6d"),
    ("publish_with_plus", "3006" "0003" "612f2b" "6d"), ("publish_with_hash", "3006" "0003" "612f23" "6d"),
    ("publish_with_nul", "3006" "0003" "610062" "6d"), ("publish_with_octet_ff", "3005" "0002" "61ff" "6d"),
    ("publish_with_an_overlong_topic", "3005" "0002" "c080" "6d"), ("publish_with_a_surrogate", "3006" "0003" "eda080" "6d"),
    ("publish_with_a_cut_character", "3005" "0002" "e4b8" "6d"), ("publish_beyond_unicode", "3007" "0004" "f4908080" "6d"),
    # Lengths that do not fit
    ("publish_of_no_octets", "3000"), ("publish_of_one_octet", "300100"),
    ("publish_with_a_topic_beyond_its_end", "3004" "0009" "746d"),
    ("publish_with_a_topic_of_65535_octets_in_four", "3004" "ffff" "746d"),
    ("publish_at_qos_1_without_identifier", "3203" "000174"),
    ("publish_at_qos_1_with_half_an_identifier", "3204" "000174" "00"),
    ("publish_at_qos_2_without_identifier", "3403" "000174"),
    ("pingresp_with_a_body", "d00100"), ("suback_of_no_octets", "9000"), ("suback_of_one_octet", "900100"),
    ("suback_without_a_code", "90020009"),
    # Identifier 0 [MQTT-2.3.1-1]
    ("publish_at_qos_1_with_identifier_0", "3206" "000174" "0000" "6d"),
    ("publish_at_qos_2_with_identifier_0", "3406" "000174" "0000" "6d"),
    ("pubrel_with_identifier_0", "62020000"), ("puback_with_identifier_0", "40020000"),
    ("pubrec_with_identifier_0", "50020000"),
    ("pubcomp_with_identifier_0", "70020000"), ("suback_with_identifier_0", "9003000000"),
    ("unsuback_with_identifier_0", "b0020000")]

for first, name in ((4, "puback"), (5, "pubrec"), (6, "pubrel"), (7, "pubcomp"), (0xb, "unsuback")):
    flags = 2 if first == 6 else 0
    for length, body in ((0, ""), (1, "00"), (3, "000900"), (4, "00090000")):
        PACKETS.append(("%s_of_%d_octets" % (name, length), "%x%x%02x%s" % (first, flags, length, body)))

# Reserved flags [MQTT-2.2.2-2]
for first, name, good, body in ((4, "puback", 0, "020009"), (5, "pubrec", 0, "020009"), (6, "pubrel", 2, "020009"),
                                (7, "pubcomp", 0, "020009"),
                                (9, "suback", 0, "03000900"), (0xb, "unsuback", 0, "020009"), (0xd, "pingresp", 0, "00")):
    for flags in (0, 1, 2, 4, 8, 15):
        if flags != good:
            PACKETS.append(("%s_with_flags_%d" % (name, flags), "%x%x%s" % (first, flags, body)))

# A packet of known size that declares the largest there is: there is nothing to wait for.
for first, name in (("20", "connack"), ("40", "puback"), ("50", "pubrec"), ("62", "pubrel"), ("70", "pubcomp"),
                    ("b0", "unsuback"), ("d0", "pingresp")):
    PACKETS.append(("%s_of_268435455_octets" % name, first + "ffffff7f"))


def caught(client, call, *arguments, **keywords):
    error = raises(MQTTException, call, *arguments, **keywords)
    same(type(error.args[0]), str)
    same(len(error.args[0]) > 0, True)
    raises_errno(errno.ENOTCONN, client.check_msg)


def met(packet):
    inbox = Inbox()
    server = Server()
    client = server.connected("PUBLISH=%s/PUBLISH=%s/" % (packet, packet), callback=inbox)

    def check():
        while True:
            client.check_msg()

    server.send(packet)
    caught(client, client.wait_msg)
    server.gone(1)
    client.connect(timeout=5)
    server.send(packet)
    caught(client, check)
    server.gone(2)
    client.connect(timeout=5)
    client.publish("t", "m", qos=1)
    client.disconnect()

    server = Server()
    client = server.connected("PUBLISH=%s/" % packet, callback=inbox)
    caught(client, client.publish, "t", "m", qos=1)
    server.gone(1)
    client.connect(timeout=5)
    client.publish("t", "m", qos=1)
    same(inbox.messages, [])


for name, packet in PACKETS:
    case("%s_is_a_break_of_the_protocol" % name, met, packet)


@test
def a_message_in_front_of_the_break_is_delivered():
    server = Server()
    inbox = Inbox()
    client = server.connected("me", callback=inbox)
    server.send("3206" "000174" "0007" "6d" "f000")
    client.wait_msg()
    same(inbox.messages, [(b"t", b"m")])
    caught(client, client.wait_msg)


@test
def nothing_behind_the_break_is_delivered():
    server = Server()
    inbox = Inbox()
    client = server.connected("me", callback=inbox)
    server.send("f000" "3004" "000174" "6d")
    caught(client, client.wait_msg)
    client.connect(timeout=5)
    client.publish("t", "m", qos=1)
    same(inbox.messages, [])


@test
def a_break_in_a_packet_that_comes_octet_by_octet_is_found():
    for packet in ("36-06-00-01-74-00-01-6d", "30-ff-ff-ff-ff", "d0-01-00", "90-00"):
        server = Server()
        client = server.connected("PINGREQ=" + packet)
        client.ping()
        caught(client, client.wait_msg)


@test
def other_methods_find_the_break_too():
    for name, method in (("SUBSCRIBE", "subscribe"), ("UNSUBSCRIBE", "unsubscribe")):
        server = Server()
        client = server.connected("%s=f000/" % name)
        caught(client, getattr(client, method), "t")
        client.connect(timeout=5)
        getattr(client, method)("t")


@test
def random_octets_break_the_protocol_or_the_connection_and_nothing_else():
    # A small generator of its own, so that every run sees the same octets: x -> 1664525 x + 1013904223.
    state = 1
    server = Server()
    client = server.client("me")
    for _ in range(100):
        octets = ""
        for _ in range(64):
            state = (state * 1664525 + 1013904223) & 0xffffffff
            octets += "%02x" % (state >> 24)
        client.connect(timeout=5)
        server.send(octets + "!")

        def wait():
            while True:
                client.wait_msg()

        raises((MQTTException, OSError), wait)
        raises_errno(errno.ENOTCONN, client.ping)


run()
