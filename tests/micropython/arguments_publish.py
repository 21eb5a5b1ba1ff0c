# The arguments of publish() and set_last_will(): topic, msg, retain and qos; what is refused leaves not one octet on the wire.

from array import array

from check import test, case, same, raises, skip, run
from host import Server

MARK = "3209" "0004" "6d61726b" "0001" "21"
NOT_TOPICS = (
    ("empty", ""), ("empty_as_bytes", b""), ("with_nul", "a\0b"), ("with_nul_as_bytes", b"a\0b"), ("that_is_nul", "\0"),
    ("with_plus", "a/+/b"), ("that_is_plus", "+"), ("with_plus_inside_a_level", b"a+b"), ("with_hash", "a/#"),
    ("that_is_hash", "#"), ("with_hash_inside_a_level", b"a#b"), ("of_65536_octets", "x" * 65536),
    ("of_65538_octets_in_21846_characters", "中" * 21846), ("with_a_lone_continuation", b"a\x80"), ("with_octet_ff", b"\xff"),
    ("with_octet_c0", b"\xc0\x80"), ("overlong_in_three", b"\xe0\x80\xaf"), ("overlong_in_four", b"\xf0\x80\x80\xaf"),
    ("with_a_surrogate", b"\xed\xa0\x80"), ("with_a_surrogate_pair", b"\xed\xa0\xbd\xed\xb8\x80"),
    ("beyond_unicode", b"\xf4\x90\x80\x80"),
    ("with_octet_f5", b"\xf5\x80\x80\x80"), ("cut_within_a_character", b"\xe4\xb8"), ("cut_before_ascii", b"\xe4\xb8a"),
    ("bad_at_the_end_of_a_long_one", b"x" * 1000 + b"\xff"))
TOPICS = (
    ("str", "a/b", "612f62"), ("bytes", b"a/b", "612f62"), ("bytearray", bytearray(b"a/b"), "612f62"),
    ("memoryview", memoryview(b"a/b"), "612f62"), ("memoryview_of_a_part", memoryview(b"xa/bx")[1:4], "612f62"),
    ("array", array("B", b"a/b"), "612f62"), ("chinese_str", "中/文", "e4b8ad2fe69687"),
    ("chinese_bytes", b"\xe4\xb8\xad/\xe6\x96\x87", "e4b8ad2fe69687"), ("one_octet", "x", "78"), ("a_slash", "/", "2f"),
    ("slashes", "//", "2f2f"), ("a_blank", " ", "20"), ("four_octet_characters", "😀", "f09f9880"),
    ("the_last_code_point", b"\xf4\x8f\xbf\xbf", "f48fbfbf"), ("a_byte_order_mark", b"\xef\xbb\xbfa", "efbbbf61"),
    ("around_the_surrogates", b"\xed\x9f\xbf\xee\x80\x80", "ed9fbfee8080"), ("dollar", "$SYS/x", "245359532f78"))


def nothing_sent(server, client):
    # A message at qos 1 has been received: so all that was sent before it has been, too.
    client.publish("mark", "!", qos=1)
    same(server.hexes("PUBLISH"), [MARK])


def publish_refused(topic):
    server = Server()
    client = server.connected("me")
    for qos in (0, 1, 2):
        raises(ValueError, client.publish, topic, "m", False, qos)
        raises(ValueError, client.publish, topic=topic, msg="m", qos=qos)
    nothing_sent(server, client)


def will_refused(topic):
    server = Server()
    client = server.client("me")
    raises(ValueError, client.set_last_will, topic, "m")
    raises(ValueError, client.set_last_will, topic=topic, msg="m")
    client.connect()
    same(server.hexes(), ["100e" "00044d515454" "04" "02" "003c" "00026d65"])


for name, topic in NOT_TOPICS:
    case("publish_to_a_topic_%s_is_refused" % name, publish_refused, topic)
    case("a_will_to_a_topic_%s_is_refused" % name, will_refused, topic)


def header(first, length):
    return "%02x%02x" % (first, length)


def publish_taken(topic, wanted):
    server = Server()
    client = server.connected("me")
    client.publish(topic, "m")
    client.publish(topic, "m", qos=1)
    size = len(wanted) // 2
    field = "%04x" % size + wanted
    same(server.hexes("PUBLISH"), [header(0x30, size + 3) + field + "6d", header(0x32, size + 5) + field + "0001" "6d"])


def will_taken(topic, wanted):
    server = Server()
    client = server.client("me")
    client.set_last_will(topic, "m")
    client.connect()
    size = len(wanted) // 2
    same(server.hexes(), [header(0x10, 19 + size) + "00044d515454" "04" "06" "003c" "00026d65" + "%04x" % size + wanted + "00016d"])


for name, topic, wanted in TOPICS:
    case("the_topic_of_publish_may_be_%s" % name, publish_taken, topic, wanted)
    case("the_topic_of_a_will_may_be_%s" % name, will_taken, topic, wanted)


@test
def a_topic_of_65535_octets_is_sent():
    for topic in ("x" * 65535, b"x" * 65535, "中" * 21845):
        server = Server()
        client = server.connected("me")
        client.publish(topic, "", qos=1)
        packet = server.log("PUBLISH")[0]
        # 65,539 octets after the fixed header: the topic with its length, and the Packet Identifier.
        same((packet.hex[:12], packet.length), ("32838004ffff", 4 + 65539))


@test
def a_str_with_a_surrogate_is_no_topic():
    try:
        topic = chr(0xd800)
    except ValueError:
        skip("no such str on this port")
    raises(ValueError, Server().connected("me").publish, topic, "m")


@test
def topics_of_other_types_are_refused():
    server = Server()
    client = server.connected("me")
    for topic in (5, None, 1.5, ["t"], True):
        raises(TypeError, client.publish, topic, "m")
        if topic is not None:
            raises(TypeError, client.set_last_will, topic, "m")
    nothing_sent(server, client)


def msg_taken(msg, wanted):
    server = Server()
    client = server.connected("me")
    for qos in (0, 1, 2):
        client.publish("t", msg, False, qos)
    client.publish(topic="t", msg=msg, qos=1)
    size = len(wanted) // 2
    same(server.hexes("PUBLISH"), [
        header(0x30, 3 + size) + "000174" + wanted, header(0x32, 5 + size) + "000174" "0001" + wanted,
        header(0x34, 5 + size) + "000174" "0002" + wanted, header(0x32, 5 + size) + "000174" "0003" + wanted])
    server = Server()
    client = server.client("me")
    client.set_last_will("t", msg)
    client.connect()
    same(server.hexes(), [header(0x10, 19 + size) + "00044d515454" "04" "06" "003c" "00026d65" "000174" + "%04x" % size + wanted])


for name, msg, wanted in (
        ("str", "mn", "6d6e"), ("bytes", b"mn", "6d6e"), ("bytearray", bytearray(b"mn"), "6d6e"),
        ("memoryview", memoryview(b"mn"), "6d6e"),
        ("memoryview_of_a_part", memoryview(b"xmnx")[1:3], "6d6e"), ("array_of_octets", array("B", b"mn"), "6d6e"),
        ("array_of_halfwords", array("H", b"mn"), "6d6e"), ("empty_str", "", ""), ("empty_bytes", b"", ""),
        ("empty_bytearray", bytearray(), ""),
        ("empty_memoryview", memoryview(b""), ""), ("all_kinds_of_octets", b"\x00\xff\x80+#", "00ff802b23"),
        ("chinese", "中文", "e4b8ade69687")):
    case("msg_may_be_%s" % name, msg_taken, msg, wanted)


@test
def an_array_is_counted_in_octets_not_items():
    msg_taken(array("H", b"\x01\x00\x02\x00"), "01000200")
    msg_taken(array("I", b"\x01\x00\x00\x00"), "01000000")


@test
def msg_of_another_type_is_refused():
    server = Server()
    client = server.connected("me")
    for msg in (5, None, 1.5, ["m"], {}):
        for qos in (0, 1, 2):
            raises(TypeError, client.publish, "t", msg, False, qos)
        raises(TypeError, client.set_last_will, "t", msg)
    nothing_sent(server, client)


@test
def a_packet_over_268435455_octets_is_refused():
    # The octets are never looked at, so an object that only claims to have them does.
    try:
        import uctypes
    except ImportError:
        skip("no uctypes")
    server = Server()
    client = server.connected("me")
    start = uctypes.addressof(bytearray(16))
    for size, qos in ((268435453, 0), (268435451, 1), (268435451, 2), (268435456, 0), (0x7fffffff, 0)):
        raises(ValueError, client.publish, "t", uctypes.bytearray_at(start, size), False, qos)
    # Not nothing_sent: the refused ones have used up identifiers.
    client.publish("mark", "!", qos=1)
    same([len(octets) for octets in server.hexes("PUBLISH")], [len(MARK)])


@test
def a_will_has_at_most_65535_octets():
    server = Server()
    client = server.client("me")
    raises(ValueError, client.set_last_will, "t", bytes(65536))
    client.set_last_will("t", bytes(65535))
    client.connect()
    same(server.log("CONNECT")[0].length, 4 + 10 + 4 + 3 + 2 + 65535)


WRONG_QOS = (3, -1, 4, 128, 255, 256, 257, 1 << 32, 1 << 32 | 1, -(1 << 32), 1 << 70)
for qos in WRONG_QOS:
    def publish_with_wrong_qos(qos=qos):
        server = Server()
        client = server.connected("me")
        raises(ValueError, client.publish, "t", "m", False, qos)
        raises(ValueError, client.publish, "t", "m", qos=qos)
        nothing_sent(server, client)

    def will_with_wrong_qos(qos=qos):
        client = Server().client("me")
        raises(ValueError, client.set_last_will, "t", "m", False, qos)
        raises(ValueError, client.set_last_will, "t", "m", qos=qos)

    case("publish_with_qos_%s_is_refused" % qos, publish_with_wrong_qos)
    case("a_will_with_qos_%s_is_refused" % qos, will_with_wrong_qos)


@test
def qos_of_another_type_is_refused():
    server = Server()
    client = server.connected("me")
    for qos in ("1", None, [1], b"1"):
        raises((TypeError, ValueError), client.publish, "t", "m", False, qos)
        raises((TypeError, ValueError), client.set_last_will, "t", "m", False, qos)
    nothing_sent(server, client)


@test
def retain_is_a_flag_of_publish():
    server = Server()
    client = server.connected("me")
    for retain in (True, False, 1, 0):
        client.publish("t", "m", retain)
        client.publish("t", "m", retain=retain)
    client.publish("t", "m", True, 1)
    client.publish("t", "m", True, 2)
    same([packet[:4] for packet in server.hexes("PUBLISH")],
         ["3104"] * 2 + ["3004"] * 2 + ["3104"] * 2 + ["3004"] * 2 + ["3306", "3506"])


@test
def flags_of_the_will_are_in_connect():
    for retain, qos, flags in ((False, 0, "06"), (True, 0, "26"), (False, 1, "0e"), (True, 1, "2e"), (False, 2, "16"),
                               (True, 2, "36")):
        server = Server()
        client = server.client("me")
        client.set_last_will("w", "x", retain, qos)
        client.connect()
        same(server.hexes(), ["1014" "00044d515454" "04" + flags + "003c" "00026d65" "000177" "000178"])


@test
def will_user_and_password_stand_in_this_order():
    server = Server()
    client = server.client("me", user="u", password="p")
    client.set_last_will("w", "x")
    client.connect()
    same(server.hexes(), ["101a" "00044d515454" "04" "c6" "003c" "00026d65" "000177" "000178" "000175" "000170"])


@test
def the_last_of_two_wills_counts():
    server = Server()
    client = server.client("me")
    client.set_last_will("a", "b", True, 2)
    client.set_last_will("w", "x")
    client.connect()
    same(server.hexes(), ["1014" "00044d515454" "04" "06" "003c" "00026d65" "000177" "000178"])


@test
def the_will_is_sent_again_by_the_next_connect():
    server = Server()
    client = server.client("me")
    client.set_last_will(bytearray(b"w"), bytearray(b"x"))
    client.connect()
    client.disconnect()
    client.connect()
    same(server.hexes("CONNECT"), ["1014" "00044d515454" "04" "06" "003c" "00026d65" "000177" "000178"] * 2)


run()
