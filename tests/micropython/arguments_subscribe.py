# The arguments of subscribe(), unsubscribe() and set_callback(): what is taken, and what is refused before an octet is sent.

from array import array

from check import test, case, same, raises, run
from host import Server, Inbox

NOT_FILTERS = (
    ("empty", ""), ("empty_as_bytes", b""), ("with_nul", "a\0b"), ("of_65536_octets", "x" * 65536),
    ("that_is_not_utf8", b"a\xff"),
    ("with_a_surrogate", b"\xed\xa0\x80"), ("overlong", b"\xc0\x80"), ("cut_within_a_character", b"\xe4\xb8"),
    # [MQTT-4.7.1-2] and [MQTT-4.7.1-3]
    ("a+", "a+"), ("+a", "+a"), ("++", "++"), ("a/b+", "a/b+"), ("a/+b/c", "a/+b/c"), ("+a/b", "+a/b"), ("a#", "a#"),
    ("#a", "#a"),
    ("##", "##"), ("#/a", "#/a"), ("a/#/b", "a/#/b"), ("a/#/", "a/#/"), ("a/b#", "a/b#"), ("+#", "+#"), ("a/+#", "a/+#"),
    ("#+", "#+"))
FILTERS = (
    ("str", "a/b"), ("bytes", b"a/b"), ("bytearray", bytearray(b"a/b")), ("memoryview", memoryview(b"a/b")),
    ("array", array("B", b"a/b")),
    ("chinese", "中/文"), ("#", "#"), ("+", "+"), ("slash", "/"), ("/#", "/#"), ("/+", "/+"), ("+/", "+/"), ("a/#", "a/#"),
    ("a/+", "a/+"),
    ("+/a", "+/a"), ("a/+/b", "a/+/b"), ("+/+", "+/+"), ("+/#", "+/#"), ("a/+/#", "a/+/#"), ("+/+/+/#", "+/+/+/#"),
    ("$SYS/#", "$SYS/#"),
    ("//", "//"), ("a//#", "a//#"))


def refused(topic):
    server = Server()
    client = server.connected("me")
    for qos in (0, 1, 2):
        raises(ValueError, client.subscribe, topic, qos)
    raises(ValueError, client.subscribe, topic=topic)
    raises(ValueError, client.unsubscribe, topic)
    raises(ValueError, client.unsubscribe, topic=topic)
    nothing_sent(server, client)


def nothing_sent(server, client):
    client.subscribe("mark")
    same(server.hexes()[1:], ["8209" "0001" "0004" "6d61726b" "00"])


def taken(topic):
    server = Server()
    client = server.connected("me")
    for qos in (0, 1, 2):
        client.subscribe(topic, qos)
    client.unsubscribe(topic)
    octets = topic.encode() if isinstance(topic, str) else bytes(topic)
    text = "".join(["%02x" % octet for octet in octets])
    subscribe, unsubscribe = "82%02x" % (len(octets) + 5), "a2%02x" % (len(octets) + 4)
    field = "%04x" % len(octets) + text
    same(server.hexes()[1:], [subscribe + "0001" + field + "00", subscribe + "0002" + field + "01",
                              subscribe + "0003" + field + "02", unsubscribe + "0004" + field])


for name, topic in NOT_FILTERS:
    case("a_topic_filter_%s_is_refused" % name, refused, topic)
for name, topic in FILTERS:
    case("a_topic_filter_may_be_%s" % name, taken, topic)


@test
def a_topic_filter_may_have_65535_octets():
    server = Server()
    client = server.connected("me")
    client.subscribe("x" * 65533 + "/#", 1)
    client.unsubscribe(b"x" * 65533 + b"/#")
    subscribe, unsubscribe = server.log()[1:]
    same((subscribe.hex[:16], subscribe.length), ("82848004" "0001" "ffff", 4 + 65540))
    same((unsubscribe.hex[:16], unsubscribe.length), ("a2838004" "0002" "ffff", 4 + 65539))


@test
def topic_filters_of_other_types_are_refused():
    server = Server()
    client = server.connected("me")
    for topic in (5, None, 1.5, ["t"], ("t", 0)):
        raises(TypeError, client.subscribe, topic)
        raises(TypeError, client.unsubscribe, topic)
    nothing_sent(server, client)


def wrong_qos(qos):
    server = Server()
    client = server.connected("me")
    raises(ValueError, client.subscribe, "t", qos)
    raises(ValueError, client.subscribe, "t", qos=qos)
    nothing_sent(server, client)


for qos in (3, -1, 128, 255, 256, 257, 1 << 32, 1 << 32 | 1, 1 << 70):
    case("subscribe_with_qos_%s_is_refused" % qos, wrong_qos, qos)


@test
def qos_of_another_type_is_refused():
    server = Server()
    client = server.connected("me")
    for qos in ("1", None, [1]):
        raises((TypeError, ValueError), client.subscribe, "t", qos)
    nothing_sent(server, client)


@test
def qos_of_subscribe_is_0_unless_given():
    server = Server()
    server.connected("me").subscribe("t")
    same(server.hexes("SUBSCRIBE"), ["8206" "0001" "000174" "00"])


class Owner:
    def __init__(self):
        self.got = []

    def method(self, topic, msg):
        self.got.append((topic, msg))


def delivered_to(client, server):
    server.send("3004" "000174" "6d")
    client.wait_msg()


@test
def the_callback_may_be_a_function_a_lambda_a_bound_method_or_an_object_with_call():
    server = Server()
    client = server.connected("me")
    got = []

    def function(topic, msg):
        got.append((topic, msg))

    owner, inbox = Owner(), Inbox()
    for callback in (function, lambda topic, msg: got.append((topic, msg)), owner.method, inbox):
        client.set_callback(callback)
        delivered_to(client, server)
    same(got, [(b"t", b"m")] * 2)
    same(owner.got, [(b"t", b"m")])
    same(inbox.messages, [(b"t", b"m")])


@test
def the_callback_may_be_none():
    server = Server()
    inbox = Inbox()
    client = server.connected("me", callback=inbox)
    client.set_callback(None)
    delivered_to(client, server)
    same(inbox.messages, [])


@test
def a_callback_that_cannot_be_called_is_refused():
    client = Server().client("me")
    for callback in (5, "print", b"print", 1.5, [], {}, True, ()):
        raises(TypeError, client.set_callback, callback)
        raises(TypeError, client.set_callback, callback=callback)


@test
def a_refused_callback_leaves_the_old_one():
    server = Server()
    inbox = Inbox()
    client = server.connected("me", callback=inbox)
    raises(TypeError, client.set_callback, 5)
    delivered_to(client, server)
    same(inbox.messages, [(b"t", b"m")])


run()
