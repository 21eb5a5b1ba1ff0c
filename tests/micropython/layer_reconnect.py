# needs: layers
# umqtt.MQTTClient(..., reconn=True): connects again by itself, with what was subscribed and what was not acknowledged.

import errno
import time

import target
import umqtt
from check import test, case, same, raises, raises_errno, run
from host import WHO, Server, Inbox, ask, hexed, publish_from_elsewhere
from umqtt import MQTTException, reconnect

QUICK = {"min_delay": 0.01, "max_delay": 0.05}


class Told:
    # What the callbacks were told.
    def __init__(self):
        self.lost, self.connected, self.asked = [], [], 0

    def network(self):
        self.asked += 1


def made(server, plan="me", callback=None, **more):
    told = Told()
    keywords = dict(QUICK)
    keywords.update(more)
    client = reconnect.MQTTClient(plan, target.HOST, server.port, lost=told.lost.append, connected=told.connected.append,
                                  **keywords)
    client.set_callback(callback)
    return client, told


def connected(server, plan="me", clean_session=True, callback=None, **more):
    client, told = made(server, plan, callback, **more)
    client.connect(clean_session, timeout=10)
    return client, told


def names(server):
    return [packet.name for packet in server.log()]


def lose(client, told):
    # Until the client has seen that the Server closed the connection.
    while not told.lost:
        client.check_msg()


@test
def reconn_makes_such_a_client():
    client = umqtt.MQTTClient("me", "s", reconn=True, max_delay=7)
    same((type(client) is reconnect.MQTTClient, client.max_delay), (True, 7))
    same(type(umqtt.MQTTClient("me", "s", reconn=False)) is umqtt.MQTTClient, True)


@test
def delays_that_make_no_sense_are_refused():
    for delays in ({"min_delay": 0}, {"min_delay": -1}, {"min_delay": 2, "max_delay": 1}):
        raises(ValueError, reconnect.MQTTClient, "me", "s", **delays)


@test
def the_first_connect_raises_what_it_raises():
    client, told = made(Server("closed"))
    raises_errno((errno.ECONNREFUSED, errno.ECONNRESET), client.connect)
    raises_errno(errno.ENOTCONN, client.publish, "t", "m")
    raises_errno(errno.ENOTCONN, client.check_msg)
    same((told.lost, told.connected), ([], []))


@test
def reconnect_instead_of_connect_tries_until_it_works():
    server = Server()
    client, told = made(server, "CONNECT=~/CONNECT=#/CONNECT=20020003/")
    client.reconnect()
    client.publish("t", "m", qos=1)
    same(names(server), ["CONNECT"] * 4 + ["PUBLISH"])
    same((told.lost, told.connected), ([], [False]))


def publishes_again(qos, clean_session, wanted):
    # The first octet of each PUBLISH and PUBREL.
    server = Server()
    client, told = connected(server, "PUBLISH=~/", clean_session)
    client.publish("t", "m", qos=qos)
    got = [packet.hex[:2] for packet in server.log() if packet.name in ("PUBLISH", "PUBREL")]
    same(got, wanted)
    same((len(told.lost), told.connected), (1, [False, not clean_session]))
    same(client.stats().in_flight, 0)


for clean, qos, wanted in ((True, 1, ["32", "32"]), (False, 1, ["32", "3a"]), (True, 2, ["34", "34", "62"]),
                           (False, 2, ["34", "3c", "62"])):
    case("a_message_at_qos_%d_%s_session_arrives_after_a_break" % (qos, "without" if clean else "with"),
         publishes_again, qos, clean, wanted)


@test
def a_message_at_qos_2_goes_on_where_it_stood():
    server = Server()
    client, _ = connected(server, "PUBREL=~/", False)
    client.publish("t", "m", qos=2)
    same(names(server), ["CONNECT", "PUBLISH", "PUBREL", "CONNECT", "PUBREL"])


@test
def publish_returns_when_what_went_out_again_is_acknowledged():
    server = Server()
    client, _ = connected(server, "PUBLISH=~/PUBLISH=---*", False)
    client.publish("t", "m", qos=1)
    same(client.stats().in_flight, 0)


@test
def what_is_never_acknowledged_raises_etimedout():
    server = Server()
    client, _ = made(server, "PUBLISH=~/PUBLISH=")
    client.connect(False, timeout=0.5)
    raises_errno(errno.ETIMEDOUT, client.publish, "t", "m", qos=1)
    same(len(server.log("PUBLISH")), 2)


@test
def an_answer_that_is_late_is_no_lost_connection():
    server = Server()
    client, told = made(server, "PUBLISH=")
    client.connect(timeout=0.3)
    raises_errno(errno.ETIMEDOUT, client.publish, "t", "m", qos=1)
    same((told.lost, len(server.connections())), ([], 1))


@test
def subscriptions_come_back_each_with_its_own_qos():
    server = Server()
    client, _ = connected(server, "PUBLISH=~/")
    for topic, qos in (("a", 0), (b"b", 1), ("c/#", 2), ("d", 1)):
        client.subscribe(topic, qos)
    client.unsubscribe(b"d")
    client.subscribe("b", 2)
    client.publish("t", "m", qos=1)
    restored = [packet.hex for packet in server.log("SUBSCRIBE") if packet.connection == 2]
    same(sorted([(packet[12:-2], packet[-2:]) for packet in restored]),
         sorted([(hexed("a"), "00"), (hexed("b"), "02"), (hexed("c/#"), "02")]))


@test
def subscriptions_that_the_server_has_kept_are_left_alone():
    server = Server()
    client, told = connected(server, "PUBLISH=~/", False)
    client.subscribe("a", 1)
    client.publish("t", "m", qos=1)
    same((len(server.log("SUBSCRIBE")), told.connected), (1, [False, True]))


@test
def subscriptions_of_a_session_that_the_server_has_lost_come_back():
    server = Server()
    client, told = connected(server, "PUBLISH=~/CONNECT=20020000", False)
    client.subscribe("a", 1)
    client.publish("t", "m", qos=1)
    same((len(server.log("SUBSCRIBE")), told.connected), (2, [False, False]))


@test
def a_connection_that_breaks_while_they_come_back_is_made_anew():
    server = Server()
    client, told = connected(server, "PUBLISH=~/SUBSCRIBE.2=~/")
    client.subscribe("a")
    client.subscribe("b")
    client.publish("t", "m", qos=1)
    same([packet.connection for packet in server.log("SUBSCRIBE")], [1, 1, 2, 2, 3, 3])
    same((len(told.lost), told.connected), (1, [False, False]))


@test
def a_subscription_that_is_not_answered_is_no_connection():
    server = Server()
    client, told = made(server, "PUBLISH=~/SUBSCRIBE=/")
    client.connect(timeout=0.3)
    client.subscribe("a")
    client.publish("t", "m", qos=1)
    same([packet.connection for packet in server.log("SUBSCRIBE")], [1, 2, 3])
    same(told.connected, [False, False])


@test
def a_server_that_breaks_the_protocol_while_they_come_back_is_no_connection():
    server = Server()
    client, told = connected(server, "PUBLISH=~/SUBSCRIBE=f000/")
    client.subscribe("a")
    client.publish("t", "m", qos=1)
    same((told.connected, len(told.lost)), ([False, False], 1))


@test
def ctrl_c_while_they_come_back_leaves_no_connection_without_them():
    server = Server()
    client, _ = connected(server, "PUBLISH=~/SUBSCRIBE.1=/")
    client.subscribe("a")
    client.subscribe("b")
    ask("interrupt_after", WHO, server.port, "SUBSCRIBE", 3)
    raises(KeyboardInterrupt, client.publish, "t", "m", qos=1)
    client.publish("t", "m", qos=1)
    same([packet.connection for packet in server.log("SUBSCRIBE")], [1, 1, 2, 3, 3])


@test
def a_subscription_that_is_refused_now_is_raised_and_the_rest_comes_back():
    server = Server()
    client, told = connected(server, "PUBLISH=~/SUBSCRIBE.1=9003@80")
    client.subscribe("a")
    client.subscribe("b")
    same(raises(MQTTException, client.publish, "t", "m", qos=1).args[0], 128)
    client.publish("t", "m", qos=1)
    same([packet.connection for packet in server.log("SUBSCRIBE")], [1, 1, 2, 2])
    same((len(told.lost), told.connected), (1, [False, False]))


@test
def a_subscription_refused_at_first_is_not_restored():
    server = Server()
    client, _ = connected(server, "SUBSCRIBE=9003@80;PUBLISH=~/")
    same(raises(MQTTException, client.subscribe, "a").args[0], 128)
    client.publish("t", "m", qos=1)
    same(len(server.log("SUBSCRIBE")), 1)


for code in (1, 2, 4, 5):
    def stops(code):
        server = Server()
        client, told = connected(server, "PUBLISH=~/CONNECT=200200%02x" % code)
        same(raises(MQTTException, client.publish, "t", "m", qos=1).args[0], code)
        raises_errno(errno.ENOTCONN, client.check_msg)
        raises_errno(errno.ENOTCONN, client.publish, "t", "m")
        same((len(server.connections()), len(told.lost)), (2, 1))

    case("connack_%d_is_raised_and_ends_the_attempts" % code, stops, code)


@test
def a_server_that_is_unavailable_is_tried_again():
    server = Server()
    client, _ = connected(server, "PUBLISH=~/CONNECT=20020003/CONNECT=20020003/")
    client.publish("t", "m", qos=1)
    same(len(server.connections()), 4)


@test
def a_server_that_breaks_the_protocol_is_tried_again():
    server = Server()
    client, told = connected(server, "PUBLISH=f000/")
    client.publish("t", "m", qos=1)
    same([type(reason) for reason in told.lost], [MQTTException])


@test
def wait_msg_goes_on_after_a_break():
    server = Server()
    inbox = Inbox()
    client, told = connected(server, "CONNECT=*#/CONNECT=*-3004" "000174" "6d", callback=inbox)
    client.wait_msg()
    same(inbox.messages, [(b"t", b"m")])
    same([reason.args[0] for reason in told.lost], [errno.ECONNRESET])


@test
def ping_goes_out_on_a_new_connection():
    server = Server()
    client, told = connected(server, "CONNECT=*#/")
    lose(client, told)
    client.ping()
    same(server.wait("PINGREQ")[0].connection, 2)


@test
def check_msg_comes_back_at_once_until_it_is_time():
    server = Server()
    client, told = connected(server, "CONNECT=*#/", min_delay=1000, max_delay=1000)
    lose(client, told)
    for _ in range(100):
        client.check_msg()
    same((len(server.connections()), len(told.lost)), (1, 1))


@test
def check_msg_connects_when_it_is_time():
    server = Server()
    inbox = Inbox()
    client, told = connected(server, "CONNECT=*#/CONNECT=*-3004" "000174" "6d", callback=inbox)
    while not inbox.messages:
        client.check_msg()
    same((len(server.connections()), len(told.lost), told.connected), (2, 1, [False, False]))


@test
def each_wait_is_twice_as_long_up_to_the_ceiling_and_shortened_by_chance():
    client = reconnect.MQTTClient("me", "s", min_delay=1, max_delay=20)
    seen = set()
    for most in (1000, 2000, 4000, 8000, 16000, 20000, 20000):
        before = time.ticks_ms()
        client._put_off()
        after = time.ticks_ms()
        delay = time.ticks_diff(client._due, after)
        if not most // 2 - time.ticks_diff(after, before) <= delay <= most:
            raise AssertionError("%d ms of %d" % (delay, most))
        seen.add(most - delay)
    same(len(seen) > 1, True)


def loses(client, told, lived_ms):
    # As if the connection had lasted so long.
    told.lost.clear()
    client._since = time.ticks_add(time.ticks_ms(), -lived_ms)
    client._was_up = client._wanted = True
    client._note(OSError(errno.ECONNRESET))
    return client._delay_ms


@test
def the_wait_begins_anew_after_a_connection_that_lasted():
    client, told = made(Server("closed"), min_delay=1, max_delay=60)
    same(loses(client, told, 10), 1000)
    same(loses(client, told, 10), 2000)
    same(loses(client, told, 10), 4000)
    same(loses(client, told, 5000), 1000)


@test
def the_network_is_asked_before_each_attempt():
    server = Server()
    told = Told()
    client, _ = connected(server, "PUBLISH=~/CONNECT=~/", network=told.network)
    client.publish("t", "m", qos=1)
    # Not for the first connect(), which is the script's.
    same((told.asked, len(server.connections())), (2, 3))


@test
def without_the_network_there_is_no_attempt():
    server = Server()
    answers = [False, False, True]
    client, _ = connected(server, "PUBLISH=~/", network=lambda: answers.pop(0))
    client.publish("t", "m", qos=1)
    same((answers, len(server.connections())), ([], 2))


@test
def what_the_network_raises_as_oserror_is_a_failed_attempt():
    def network():
        asked.append(1)
        if len(asked) == 1:
            raise OSError(errno.EHOSTUNREACH)

    asked = []
    server = Server()
    client, _ = connected(server, "PUBLISH=~/", network=network)
    client.publish("t", "m", qos=1)
    same((len(asked), len(server.connections())), (2, 2))


@test
def connected_may_publish():
    server = Server()
    client, _ = made(server, "PUBLISH.2=~/")
    client.connected = lambda present: client.publish("online", "1", retain=True)
    client.connect()
    client.publish("t", "m", qos=1)
    same([packet.hex[:2] for packet in server.log("PUBLISH")], ["31", "32", "31", "32"])


@test
def connected_that_loses_the_connection_is_called_again_and_not_inside_itself():
    server = Server()
    client, told = made(server, "/".join(["PUBLISH=~"] + ["SUBSCRIBE=~"] * 5) + "/")
    depth, deepest = [0], []

    def subscribe(present):
        depth[0] += 1
        deepest.append(depth[0])
        try:
            if len(deepest) > 1:
                client.subscribe("a", 1)
        finally:
            depth[0] -= 1

    client.connected = subscribe
    client.connect()
    client.publish("t", "m", qos=1)
    same((deepest, len(told.lost), len(server.connections())), ([1] * 7, 6, 7))


@test
def connected_that_loses_the_first_connection_is_a_connect_that_failed():
    client, told = made(Server(), "SUBSCRIBE=~/")
    client.connected = lambda present: client.subscribe("a")
    raises_errno(errno.ECONNRESET, client.connect)
    raises_errno(errno.ENOTCONN, client.publish, "t", "m")


@test
def an_oserror_of_the_callback_is_the_scripts():
    def callback(topic, msg):
        raise OSError(errno.ENOENT)

    server = Server()
    client, told = connected(server, callback=callback)
    server.send("3004" "000174" "6d")
    raises_errno(errno.ENOENT, client.wait_msg)
    same((told.lost, len(server.connections())), ([], 1))


@test
def after_disconnect_nothing_connects_again():
    server = Server()
    client, told = connected(server)
    client.subscribe("a")
    client.disconnect()
    for method in (client.wait_msg, client.check_msg, client.ping):
        raises_errno(errno.ENOTCONN, method)
    raises_errno(errno.ENOTCONN, client.publish, "t", "m")
    same((len(server.connections()), told.lost), (1, []))
    client.connect()
    same(len(server.log("SUBSCRIBE")), 1)


@test
def ctrl_c_comes_out_of_the_wait_between_attempts():
    server = Server()
    client, told = connected(server, "CONNECT=*#/", min_delay=1000, max_delay=1000)
    ask("interrupt", WHO, 300)
    raises(KeyboardInterrupt, client.wait_msg)
    same((len(server.connections()), len(told.lost)), (1, 1))
    client._due = time.ticks_ms()
    client.publish("t", "m", qos=1)
    same(len(server.connections()), 2)


@test
def ctrl_c_comes_out_of_an_attempt():
    server = Server()
    client, told = connected(server, "CONNECT=*#/CONNECT=/")
    ask("interrupt_after", WHO, server.port, "CONNECT", 2)
    raises(KeyboardInterrupt, client.wait_msg)
    client.publish("t", "m", qos=1)
    same(len(server.connections()), 3)


@test
def mosquitto_may_go_and_come_back():
    broker = int(ask("broker", "persistence__false")[0])
    told, inbox = Told(), Inbox()
    client = reconnect.MQTTClient("again", target.HOST, broker, lost=told.lost.append, connected=told.connected.append, **QUICK)
    client.set_callback(inbox)
    client.connect(False)
    client.subscribe("again/1", 1)
    client.subscribe("again/2", 2)
    for how in ("KILL", "TERM"):
        ask("broker_end", broker, how)
        lose(client, told)
        for _ in range(20):
            client.check_msg()
        ask("broker_start", broker)
        client.publish("again/2", how, qos=2)
        publish_from_elsewhere("again/1", how, 1, port=broker)
        while len(inbox.messages) < 2:
            client.wait_msg()
        same(sorted(inbox.messages), [(b"again/1", how.encode()), (b"again/2", how.encode())])
        same(len(told.lost), 1)
        told.lost.clear()
        inbox.messages.clear()
    same(told.connected, [False] * 3)
    client.disconnect()


run()
