# needs: extras
# What the client tells of itself: stats(), socket(), close(), and the readiness of select.poll.

import errno
import sys
import time

import target
from check import test, case, same, skip, raises, raises_errno, run
from host import ON_BOARD, Server, Inbox, ask, broker_client, hexed, needs, select
from umqtt import MQTTClient, MQTTException


@test
def stats_counts_packets_and_bytes_both_ways():
    server = Server()
    client = server.connected("me")
    client.publish("t", "m")
    client.publish("t", "m", qos=1)
    client.ping()
    client.wait_msg()
    stats = client.stats()
    # CONNECT of 16 octets, PUBLISH of 6 and 8, PINGREQ; CONNACK, PUBACK, PINGRESP.
    same((stats.packets_out, stats.bytes_out), (4, 16 + 6 + 8 + 2))
    same((stats.packets_in, stats.bytes_in), (3, 4 + 4 + 2))
    same((stats.connects, stats.in_flight, stats.last_error, stats.phase), (1, 0, None, None))


@test
def stats_counts_long_and_acknowledged_messages():
    server = Server()
    client = server.connected("PINGREQ=" "32880f" "000174" "0001" "61{1923}" "3006" "000174" "6d6e6f" "*", callback=Inbox())
    before = client.stats().packets_out
    client.ping()
    for _ in range(3):
        client.wait_msg()
    # CONNACK, two messages, PINGRESP; PINGREQ and PUBACK.
    same((client.stats().packets_in, client.stats().packets_out - before), (4, 2))


@test
def stats_tells_the_round_trip_of_the_last_acknowledgement():
    client = Server().connected("PUBLISH=----*")
    same(client.stats().round_trip_ms, 0)
    client.publish("t", "m", qos=1)
    at_qos_1 = client.stats().round_trip_ms
    client.subscribe("t")
    # Four pauses of 10 ms before PUBACK, none before SUBACK; a clock may be right to 10 ms only.
    same((at_qos_1 >= 30, client.stats().round_trip_ms < at_qos_1), (True, True))


@test
def stats_tells_what_is_kept_for_the_next_connection():
    client = Server().connected("PUBLISH=~/", clean_session=False)
    raises(OSError, client.publish, "t", "m", False, 1)
    same(client.stats().in_flight, 1)
    client.connect(clean_session=False)
    for _ in range(100):
        if client.stats().in_flight == 0:
            break
        client.check_msg()
        time.sleep_ms(10)
    same((client.stats().in_flight, client.stats().connects), (0, 2))


@test
def stats_tells_whether_the_server_had_a_session():
    # [MQTT-3.2.2-2]
    client = Server().connected("/CONNECT=20020100", clean_session=False)
    same(client.stats().session_present, False)
    client.connect(clean_session=False)
    same(client.stats().session_present, True)


def tells_error(plan, method, error, argument, phase):
    client = Server().client(plan)
    try:
        client.connect(timeout=1)
        getattr(client, method)(*("t",) if method == "subscribe" else ())
    except (OSError, MQTTException):
        pass
    stats = client.stats()
    same((type(stats.last_error), stats.last_error.args[0], stats.phase), (error, argument, phase))


case("stats_tells_a_refusal", tells_error, "CONNECT=20020005", "connect", MQTTException, 5, "connack")
case("stats_tells_a_silent_server", tells_error, "CONNECT=", "connect", OSError, errno.ETIMEDOUT, "connack")
case("stats_tells_a_refused_subscription", tells_error, "SUBSCRIBE=9003@80", "subscribe", MQTTException, 128, "session")


@test
def stats_tells_that_nobody_listens():
    port = Server()
    client = MQTTClient("me", target.HOST, 1)
    raises(OSError, client.connect)
    same(client.stats().phase, "connect")


@test
def an_error_of_the_caller_is_none_of_the_link():
    client = Server().connected("me")
    raises(ValueError, client.publish, "#", "m")
    client.disconnect()
    raises_errno(errno.ENOTCONN, client.ping)
    same(client.stats().last_error, None)


@test
def socket_is_there_while_connected():
    client = Server().client("me")
    same(client.socket(), None)
    client.connect()
    same(hasattr(client.socket(), "setblocking"), True)
    client.disconnect()
    same(client.socket(), None)


@test
def close_says_no_disconnect():
    server = Server()
    client = server.connected("me/me")
    client.close()
    client.close()
    server.gone(1)
    same([packet.name for packet in server.log()], ["CONNECT"])
    raises_errno(errno.ENOTCONN, client.publish, "t", "m")
    client.connect()
    client.disconnect()


def poll():
    # What is in a client's buffer, no descriptor can tell: it is refused there.
    needs("select")
    if sys.implementation[1] < (1, 21) and not ON_BOARD:
        skip("select.poll takes nothing but descriptors here")
    return select.poll()


@test
def poll_tells_of_octets_and_of_what_is_in_the_buffer():
    inbox = Inbox()
    client = Server().connected("PINGREQ=" "3004" "000174" "61" "3004" "000174" "62", callback=inbox)
    poller = poll()
    poller.register(client, select.POLLIN)
    same(poller.poll(0), [])
    client.ping()
    # Both messages come with one read.
    for _ in range(2):
        same(len(poller.poll(5000)), 1)
        client.check_msg()
    same(([msg for _, msg in inbox.messages], poller.poll(0)), ([b"a", b"b"], []))


@test
def poll_of_half_a_packet_is_over_when_it_was_read():
    client = Server().connected("PINGREQ=" "3004" "000174", callback=Inbox())
    poller = poll()
    poller.register(client, select.POLLIN)
    client.ping()
    same(len(poller.poll(5000)), 1)
    client.check_msg()
    same(poller.poll(50), [])


@test
def poll_of_a_client_without_connection_says_so():
    client = Server().client("me")
    poller = poll()
    poller.register(client, select.POLLIN | select.POLLOUT)
    same([event for _, event in poller.poll(0)], [32])
    client.connect()
    same([event for _, event in poller.poll(0)], [select.POLLOUT])


@test
def a_client_of_a_subclass_can_be_polled():
    class Client(MQTTClient):
        pass

    client = Client("me", target.HOST, Server().port)
    poller = poll()
    poller.register(client, select.POLLIN | select.POLLOUT)
    same([event for _, event in poller.poll(0)], [32])
    client.connect()
    same([event for _, event in poller.poll(0)], [select.POLLOUT])
    client.disconnect()


@test
def start_begins_and_finished_tells_without_waiting():
    client = Server().connected("PUBLISH=--*")
    place = client.start(0, "t", "m", False, 1)
    same((type(place), client.finished(place)), (int, False))
    while not client.finished(place):
        time.sleep_ms(1)
    same((client.finished(place), client.start(0, "t", "m")), (True, None))
    raises(ValueError, client.start, 0, "#", "m")


@test
def finished_tells_of_a_message_that_went_out_again_on_a_new_connection():
    server = Server()
    client = server.connected("PUBLISH=~/", clean_session=False)
    place = client.start(0, "t", "m", False, 1)
    server.gone(1)
    raises_errno(errno.ECONNRESET, client.wait_msg)
    client.connect(False)
    while not client.finished(place):
        pass
    same((client.stats().in_flight, len(server.log("PUBLISH"))), (0, 2))


@test
def finished_raises_what_the_method_that_waits_would():
    client = Server().connected("SUBSCRIBE=9003@80;PUBLISH=", timeout=0.2)

    def awaited(*words):
        place = client.start(*words)
        while not client.finished(place):
            time.sleep_ms(1)

    same(raises(MQTTException, awaited, 1, "t").args, (128,))
    raises_errno(errno.ETIMEDOUT, awaited, 0, "t", "m", False, 1)
    client.publish("t", "m")


@test
def start_tells_the_place_also_when_it_hands_a_message_over_meanwhile():
    # What came back with the acknowledgement lies in the buffer then.
    inbox = Inbox()
    client = Server().connected("PUBLISH=*&", callback=inbox)
    for size in (1, 2000, 20000):
        for qos in (1, 2):
            client.finished(client.start(0, "t", "m", False, 1), True)
            place = client.start(0, "t", bytes(size), False, qos)
            same(place in range(6), True)
            client.finished(place, True)
    while len(inbox.messages) < 12:
        client.wait_msg()


@test
def finished_waits_where_it_is_told_to():
    client = Server().connected("PUBLISH=--*")
    same(client.finished(client.start(0, "t", "m", False, 2), True), True)
    same(client.stats().in_flight, 0)


@test
def unfinished_tells_the_place_of_a_message_that_is_left_in_the_session():
    server = Server()
    client = server.connected("PUBLISH.2=~/", clean_session=False)
    client.publish("t", "m", qos=1)
    raises_errno(errno.ECONNRESET, client.publish, "t", "m", qos=1)
    place = client.unfinished()
    client.connect(False)
    same((client.finished(place, True), len(server.log("PUBLISH"))), (True, 3))
    same(client.unfinished(), None)


@test
def nothing_is_unfinished_that_is_in_no_session():
    client = Server().connected("PUBLISH=~/")
    raises_errno(errno.ECONNRESET, client.publish, "t", "m", qos=1)
    same(client.unfinished(), None)
    client = Server().connected("PUBLISH=~/", clean_session=False)
    client.disconnect()
    raises_errno(errno.ENOTCONN, client.publish, "t", "m", qos=1)
    same(client.unfinished(), None)


@test
def start_raises_eagain_while_all_places_are_taken():
    client = Server().connected("PUBLISH=")
    places = [client.start(0, "t", "m", False, 1) for _ in range(5)]
    same(len(set(places)), 5)
    raises_errno(errno.EAGAIN, client.start, 0, "t", "m", False, 1)


run()
