# subscribe() and unsubscribe(): the exchange, refusals, wrong answers, and what mosquitto makes of them.

import errno

from check import test, case, same, raises, raises_errno, run
from host import Server, Inbox, broker_client, publish_from_elsewhere
from umqtt import MQTTException


@test
def subscribe_is_one_packet_with_the_qos_asked_for():
    server = Server()
    client = server.connected("me")
    for qos in (0, 1, 2):
        client.subscribe("a/b", qos)
    same(server.hexes()[1:], ["8208" "0001" "0003612f62" "00", "8208" "0002" "0003612f62" "01", "8208" "0003" "0003612f62" "02"])
    same([packet.segments for packet in server.log()], [1] * 4)


@test
def unsubscribe_is_one_packet():
    server = Server()
    client = server.connected("me")
    client.unsubscribe("a/b")
    same(server.hexes()[1:], ["a207" "0001" "0003612f62"])
    same([packet.segments for packet in server.log()], [1] * 2)


@test
def the_server_may_grant_a_lower_qos():
    for code in ("00", "01", "02"):
        server = Server()
        server.connected("SUBSCRIBE=9003@" + code).subscribe("t", 2)


@test
def suback_128_raises_128_and_the_client_stays_connected():
    server = Server()
    client = server.connected("SUBSCRIBE.1=9003@80")
    same(raises(MQTTException, client.subscribe, "t").args[0], 128)
    client.subscribe("t")
    client.publish("t", "m", qos=1)
    same(len(server.connections()), 1)


@test
def subscribe_waits_for_suback():
    # The message is in front of SUBACK, so it has been delivered when subscribe() returns.
    server = Server()
    inbox = Inbox()
    client = server.connected("SUBSCRIBE=--" "3004" "000174" "6d" "--*", callback=inbox)
    client.subscribe("t")
    same(inbox.messages, [(b"t", b"m")])


@test
def unsubscribe_waits_for_unsuback():
    server = Server()
    inbox = Inbox()
    client = server.connected("UNSUBSCRIBE=--" "3004" "000174" "6d" "--*", callback=inbox)
    client.unsubscribe("t")
    same(inbox.messages, [(b"t", b"m")])


def silent(answer, method):
    server = Server()
    client = server.connected(answer, timeout=1)
    raises_errno(errno.ETIMEDOUT, getattr(client, method), "t")
    server.send("9003$100" "b002$1")
    getattr(client, method)("t")
    client.publish("t", "m", qos=1)
    same(len(server.connections()), 1)


case("subscribe_without_suback_times_out_and_the_next_one_works", silent, "SUBSCRIBE.1=", "subscribe")
case("unsubscribe_without_unsuback_times_out_and_the_next_one_works", silent, "UNSUBSCRIBE.1=", "unsubscribe")


def passed_over(answer, method):
    server = Server()
    client = server.connected(answer)
    getattr(client, method)("t")
    client.publish("t", "m", qos=1)


for name, answer, method in (
        ("suback_with_a_wrong_identifier", "SUBSCRIBE=9003%00-*", "subscribe"),
        ("a_second_suback", "SUBSCRIBE=**", "subscribe"),
        ("a_refusal_with_a_wrong_identifier", "SUBSCRIBE=9003%80-*", "subscribe"),
        ("unsuback_for_subscribe", "SUBSCRIBE=b002@-*", "subscribe"),
        ("puback_for_subscribe", "SUBSCRIBE=4002@-*", "subscribe"),
        ("unsuback_with_a_wrong_identifier", "UNSUBSCRIBE=b002%-*", "unsubscribe"),
        ("a_second_unsuback", "UNSUBSCRIBE=**", "unsubscribe"),
        ("suback_for_unsubscribe", "UNSUBSCRIBE=9003@00-*", "unsubscribe")):
    case("%s_is_passed_over" % name, passed_over, answer, method)


def broken(answer, method):
    server = Server()
    client = server.connected(answer + "/")
    error = raises(MQTTException, getattr(client, method), "t")
    same(type(error.args[0]), str)
    server.gone(1)
    raises_errno(errno.ENOTCONN, client.ping)
    client.connect(timeout=5)
    getattr(client, method)("t")


for name, answer, method in (
        ("suback_with_code_3", "SUBSCRIBE=9003@03", "subscribe"), ("suback_with_code_127", "SUBSCRIBE=9003@7f", "subscribe"),
        ("suback_with_code_129", "SUBSCRIBE=9003@81", "subscribe"), ("suback_with_code_255", "SUBSCRIBE=9003@ff", "subscribe"),
        ("suback_without_a_code", "SUBSCRIBE=9002@", "subscribe"),
        ("suback_with_two_codes", "SUBSCRIBE=9004@0000", "subscribe"),
        ("suback_without_an_identifier", "SUBSCRIBE=9000", "subscribe"),
        ("suback_with_identifier_0", "SUBSCRIBE=9003000000", "subscribe"),
        ("unsuback_with_a_code", "UNSUBSCRIBE=b003@00", "unsubscribe"),
        ("unsuback_of_one_octet", "UNSUBSCRIBE=b00100", "unsubscribe"),
        ("unsuback_with_identifier_0", "UNSUBSCRIBE=b0020000", "unsubscribe")):
    case("%s_is_a_break_of_the_protocol" % name, broken, answer, method)


@test
def a_connection_that_breaks_while_subscribe_waits_raises_econnreset():
    for method, name in (("subscribe", "SUBSCRIBE"), ("unsubscribe", "UNSUBSCRIBE")):
        for how in ("!", "~", "90!", "9003!", "b0!"):
            server = Server()
            client = server.connected("%s=%s/" % (name, how))
            raises_errno(errno.ECONNRESET, getattr(client, method), "t")
            raises_errno(errno.ENOTCONN, client.ping)
            client.connect(timeout=5)
            getattr(client, method)("t")


def follows(topic_filter, topic, matches):
    inbox = Inbox()
    client = broker_client("subscribe-1", callback=inbox)
    client.subscribe(topic_filter)
    client.subscribe("subscribe/end")
    publish_from_elsewhere(topic, "m")
    publish_from_elsewhere("subscribe/end", "end")
    while (b"subscribe/end", b"end") not in inbox.messages:
        client.wait_msg()
    same((topic.encode(), b"m") in inbox.messages, matches)
    client.disconnect()


# The examples of the guide, in its own words' order.
for topic_filter, topic, matches in (
        ("building-b/floor-5", "building-b/floor-5", True), ("building-b/floor-5", "building-b/floor-6", False),
        ("+/floor-5", "building-a/floor-5", True), ("+/floor-5", "building-a/x/floor-5", False),
        ("building-b/#", "building-b/floor-1/x", True),
        ("building-b/#", "building-b", True), ("building-b/#", "building-c/floor-1", False), ("中/+", "中/文", True)):
    case("%s_%s_%s" % (topic_filter, "gets" if matches else "does_not_get", topic), follows, topic_filter, topic, matches)


@test
def after_unsubscribe_nothing_comes():
    inbox = Inbox()
    client = broker_client("subscribe-2", callback=inbox)
    client.subscribe("subscribe/2", 1)
    client.subscribe("subscribe/2/end", 1)
    client.unsubscribe("subscribe/2")
    client.publish("subscribe/2", "m", qos=1)
    client.publish("subscribe/2/end", "m", qos=1)
    if not inbox.messages:
        client.wait_msg()
    same(inbox.messages, [(b"subscribe/2/end", b"m")])
    client.disconnect()


@test
def the_qos_granted_bounds_that_of_the_messages():
    server_sent = []
    for qos in (0, 1, 2):
        inbox = Inbox()
        client = broker_client("subscribe-3", callback=inbox)
        client.subscribe("subscribe/3/%d" % qos, qos)
        client.publish("subscribe/3/%d" % qos, "m", qos=2)
        if not inbox.messages:
            client.wait_msg()
        server_sent.append(inbox.messages)
        client.disconnect()
    same(server_sent, [[(b"subscribe/3/%d" % qos, b"m")] for qos in (0, 1, 2)])


run()
