# needs: layers
# umqtt.MQTTClient(..., reconn=True): with the new connection comes what was subscribed and what was not acknowledged.

import errno

import target
import umqtt
from check import test, case, same, raises, raises_errno, run
from host import WHO, Server, Inbox, ask, hexed, publish_from_elsewhere
from reconnecting import QUICK, Told, connected, lose, made, names
from umqtt import MQTTException, reconnect


@test
def reconn_makes_such_a_client():
    client = umqtt.MQTTClient("me", "s", reconn=True, max_delay=7)
    same((type(client) is reconnect.MQTTClient, client.max_delay), (True, 7))
    same(type(umqtt.MQTTClient("me", "s", reconn=False)) is umqtt.MQTTClient, True)


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


def with_an_older_message(plan):
    # One whose acknowledgement never came.
    server = Server()
    client, _ = made(server, plan)
    client.connect(False, timeout=0.5)
    raises_errno(errno.ETIMEDOUT, client.publish, "t", "older", qos=1)
    return server, client


@test
def the_acknowledgement_of_an_older_message_is_not_taken_for_its_own():
    server, client = with_an_older_message("PUBLISH.1=;PUBLISH.2=~/PUBLISH.2=")
    raises_errno(errno.ETIMEDOUT, client.publish, "t", "m", qos=1)
    same([packet.hex[:2] for packet in server.log("PUBLISH")], ["32", "32", "3a", "3a"])


@test
def an_older_message_acknowledged_meanwhile_does_not_make_it_go_out_twice():
    server, client = with_an_older_message("PUBLISH.1=;PUBLISH.2=4002$1-~/")
    client.publish("t", "m", qos=2)
    same([packet.hex[:2] for packet in server.log("PUBLISH")], ["32", "34", "3c"])


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
