# needs: unix, layers
# umqtt.simple and umqtt.robust against micropython-lib's own: the same calls, the same octets, results and exceptions.
#
# What differs on purpose stands in tests of its own, with what either does, as docs/moving.md tells it.

import target
from check import test, case, same, skip, run
from host import Server, ask, needs, octets, publish_from_elsewhere

from umqtt import robust, simple

if target.NO_UPSTREAM:
    upstream = None
else:
    from micropython_lib import robust as upstream_robust, simple as upstream


def noted(call, *arguments, **keywords):
    # What it returned, or what it raised.
    try:
        return call(*arguments, **keywords)
    except Exception as error:
        return "%s%r" % (type(error).__name__, error.args[:1])


class Inbox:
    def __init__(self):
        self.messages = []

    def __call__(self, topic, msg):
        self.messages.append((topic, msg))


class Trial:
    # A scenario with one of the two modules: what its calls came to, what was delivered, and what the Server got.
    def __init__(self, module, plan, scenario, constructor):
        self.server = Server()
        self.inbox = Inbox()
        self.results = []
        self.client = module.MQTTClient(plan, target.HOST, self.server.port, **constructor)
        self.client.set_callback(self.inbox)
        scenario(self)
        # Without DISCONNECT; all that was sent has come when the connection has ended.
        (getattr(self.client, "_mqtt", None) or self.client.sock).close()
        self.server.gone()
        self.octets = "".join(self.server.hexes(most=4096))

    def __call__(self, method, *arguments, **keywords):
        self.results.append(noted(getattr(self.client, method), *arguments, **keywords))

    def arrive(self, packet):
        self.server.send(packet)
        self.client.wait_msg()

    def seen(self):
        return self.results, self.inbox.messages, self.octets


def both(scenario, plan="me", constructor={}):
    if not upstream:
        skip(target.NO_UPSTREAM)
    return [Trial(module, plan, scenario, constructor).seen() for module in (upstream, simple)]


def alike(scenario, plan="me", constructor={}):
    theirs, ours = both(scenario, plan, constructor)
    same(ours, theirs)
    if not theirs[2]:
        raise AssertionError("nothing was sent")


def connect_only(trial):
    trial("connect")


def with_will(*will, **more):
    def scenario(trial):
        trial("set_last_will", *will, **more)
        trial("connect")
    return scenario


for name, constructor, scenario in (
        ("connect_alone", {}, connect_only),
        ("connect_with_keepalive", {"keepalive": 300}, connect_only),
        ("connect_with_user_and_password", {"user": "u", "password": "p"}, connect_only),
        ("connect_without_clean_session", {}, lambda trial: trial("connect", False)),
        ("connect_with_a_will", {}, with_will("w", b"gone")),
        ("connect_with_a_retained_will_at_qos_1", {"user": b"u", "password": b""}, with_will(b"w", b"", True, 1)),
        ("a_will_without_a_topic", {}, with_will("", "m")),
        ("a_will_at_qos_3", {}, with_will("w", "m", qos=3)),
        ("disconnect", {}, lambda trial: [trial("connect"), trial("disconnect")]),
        ("publish_at_qos_0", {}, lambda trial: [trial("connect"), trial("publish", "t", "m"), trial("publish", b"t", b"")]),
        ("publish_retained", {}, lambda trial: [trial("connect"), trial("publish", b"t", b"m", True)]),
        ("publish_at_qos_1", {}, lambda trial: [trial("connect"), trial("publish", "t", "m", qos=1)]),
        ("publish_200_octets", {}, lambda trial: [trial("connect"), trial("publish", "t", "m" * 200, True, 1)]),
        ("publish_20000_octets", {}, lambda trial: [trial("connect"), trial("publish", "t", b"m" * 20000)]),
        ("subscribe", {}, lambda trial: [trial("connect"), trial("subscribe", b"a/#"), trial("subscribe", "t", 1)]),
        ("ping", {}, lambda trial: [trial("connect"), trial("ping"), trial("wait_msg")])):
    case("%s_is_as_upstream_has_it" % name, alike, scenario, "me", constructor)


@test
def check_msg_with_nothing_there_is_as_upstream_has_it():
    needs("posix")
    alike(lambda trial: [trial("connect"), trial("check_msg")])


for code in (1, 2, 3, 4, 5):
    case("connack_%d_is_as_upstream_has_it" % code, alike, connect_only, "CONNECT=200200%02x" % code)


@test
def a_refused_subscription_is_as_upstream_has_it():
    def scenario(trial):
        trial("connect")
        trial("subscribe", "t")
        trial("publish", "t", "m")
    alike(scenario, "SUBSCRIBE=9003@80")


@test
def a_subscription_without_a_callback_is_as_upstream_has_it():
    def scenario(trial):
        trial.client.set_callback(None)
        trial("connect")
        trial("subscribe", "t")
    alike(scenario)


@test
def messages_are_delivered_and_acknowledged_as_upstream_does():
    def scenario(trial):
        trial("connect")
        trial("subscribe", "t", 1)
        trial.arrive("3004" "000174" "61")
        trial.arrive("3206" "000174" "0007" "62")
        trial.arrive("3b06" "000174" "0008" "63")
        trial.arrive("3003" "000174")
        trial.server.send("3004" "000174" "65")
        while len(trial.inbox.messages) < 5:
            trial.client.check_msg()
        trial("publish", "t", "m", qos=1)
    # Its last message before: it has no room for QoS 2.
    alike(scenario)


def differ(scenario, theirs, ours, plan="me", constructor={}):
    # Each is what it came to, its octets included.
    same(both(scenario, plan, constructor), [theirs, ours])


CONNECT = "100e" "00044d515454" "04" "02" "0000" "00026d65"


@test
def publish_at_qos_2_is_refused_before_anything_is_sent():
    # Upstream has sent it by then, and never answers PUBREC.
    differ(lambda trial: [trial("connect"), trial("publish", "t", "m", qos=2)],
           ([0, "AssertionError()"], [], CONNECT + "3406" "000174" "0001" "6d"),
           ([0, "AssertionError()"], [], CONNECT))


@test
def the_end_of_the_stream_has_an_errno():
    needs("posix")
    # Upstream raises OSError(-1), for FIN only.
    differ(lambda trial: [trial("connect"), trial.server.send("#"), trial("wait_msg")],
           ([0, "OSError(-1,)"], [], CONNECT), ([0, "OSError(104,)"], [], CONNECT))


@test
def a_message_at_qos_2_is_acknowledged():
    # Upstream delivers it and raises, so the broker sends it again on the next connection.
    def scenario(trial):
        trial("connect")
        trial.server.send("3406" "000174" "0007" "62")
        trial("wait_msg")
        trial.server.wait("PUBREC", 1 if trial.client.__class__ is simple.MQTTClient else 0)
    differ(scenario, ([0, "AssertionError()"], [(b"t", b"b")], CONNECT),
           ([0, 0x34], [(b"t", b"b")], CONNECT + "5002" "0007"))


@test
def wait_msg_returns_the_first_octet_of_a_message():
    # As micropython-lib's newer ones do; that of PyPI returns None.
    for first in (0x30, 0x31, 0x32, 0x33, 0x3a, 0x3b):
        identifier = "0007" if first & 6 else ""
        packet = "%02x%02x" % (first, 4 + len(identifier) // 2) + "000174" + identifier + "6d"
        server = Server()
        client = simple.MQTTClient("me", target.HOST, server.port)
        client.set_callback(Inbox())
        client.connect()
        server.send(packet)
        same(client.wait_msg(), first)
        server.send(packet)
        while True:
            got = client.check_msg()
            if got is not None:
                break
        same(got, first)
        same(client.check_msg(), None)
        client.ping()
        same(client.wait_msg(), None)
        client.disconnect()


run()
