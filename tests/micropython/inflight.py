# A message in flight when the connection broke is kept and sent again after connect(clean_session=False) [MQTT-4.4.0-1].

import errno
import gc
from array import array

from check import test, case, same, raises, raises_errno, run
from host import Server, Inbox, ask, broker_client, hexed, publish_from_elsewhere
from umqtt import MQTTException

FIRST, AGAIN = "3206" "000174" "0001" "6d", "3a06" "000174" "0001" "6d"
FIRST_2, AGAIN_2 = "3406" "000174" "0001" "6d", "3c06" "000174" "0001" "6d"


def settled(client, server, most=64):
    # What the newest connection brought of earlier exchanges, once they have come to their end.
    for _ in range(3):
        client.subscribe("end")
    return [packet.hex for packet in server.log(None, most)
            if packet.connection == len(server.connections()) and packet.name not in ("CONNECT", "SUBSCRIBE")]


def broken(plan, qos, msg="m", topic="t"):
    # A client whose message at that qos was caught by the end of its first connection.
    server = Server()
    client = server.connected(plan, clean_session=False)
    raises_errno(errno.ECONNRESET, client.publish, topic, msg, qos=qos)
    return server, client


def resumes(plan, qos, first, second):
    server, client = broken(plan, qos)
    same(server.hexes()[1:], first)
    client.connect(False, timeout=5)
    same(settled(client, server), second)


for name, plan, qos, first, second in (
        ("publish_at_qos_1_not_acknowledged_is_sent_again_with_dup", "PUBLISH=!/", 1, [FIRST], [AGAIN]),
        ("publish_at_qos_1_reset_is_sent_again_with_dup", "PUBLISH=~/", 1, [FIRST], [AGAIN]),
        ("publish_at_qos_1_with_half_a_puback_is_sent_again", "PUBLISH=400200!/", 1, [FIRST], [AGAIN]),
        ("publish_at_qos_2_without_pubrec_is_sent_again_with_dup", "PUBLISH=!/", 2, [FIRST_2], [AGAIN_2, "62020001"]),
        ("publish_at_qos_2_with_half_a_pubrec_is_sent_again", "PUBLISH=500200!/", 2, [FIRST_2], [AGAIN_2, "62020001"]),
        ("after_pubrel_only_pubrel_is_sent_again", "PUBREL=!/", 2, [FIRST_2, "62020001"], ["62020001"]),
        ("after_half_a_pubcomp_only_pubrel_is_sent_again", "PUBREL=7002!/", 2, [FIRST_2, "62020001"], ["62020001"])):
    case(name, resumes, plan, qos, first, second)


@test
def after_pubrec_only_pubrel_is_sent_again():
    # Whether PUBREL still went out on the first connection depends on the moment; PUBLISH must not come again.
    server, client = broken("PUBLISH=5002@!/", 2)
    client.connect(False, timeout=5)
    same(settled(client, server), ["62020001"])


@test
def a_message_that_was_acknowledged_is_not_sent_again():
    for qos in (0, 1, 2):
        server = Server()
        client = server.connected("PINGREQ=!/", clean_session=False)
        client.publish("t", "m", qos=qos)
        client.ping()
        raises_errno(errno.ECONNRESET, client.wait_msg)
        client.connect(False, timeout=5)
        same(settled(client, server), [])


@test
def connect_with_clean_session_forgets():
    for plan, qos in (("PUBLISH=!/", 1), ("PUBLISH=!/", 2), ("PUBREL=!/", 2)):
        server, client = broken(plan, qos)
        client.connect(True, timeout=5)
        same(settled(client, server), [])
        # And it stays forgotten.
        client.connect(False, timeout=5)
        same(settled(client, server), [])


@test
def a_server_that_lost_the_session_gets_the_message_too():
    server, client = broken("PUBLISH=!/CONNECT=20020000", 1)
    client.connect(False, timeout=5)
    same(settled(client, server), [AGAIN])


@test
def retain_is_kept():
    server = Server()
    client = server.connected("PUBLISH=!/", clean_session=False)
    raises_errno(errno.ECONNRESET, client.publish, "t", "m", True, 1)
    client.connect(False, timeout=5)
    same(settled(client, server), ["3b06" "000174" "0001" "6d"])


@test
def a_message_is_sent_again_as_often_as_the_connection_breaks():
    server, client = broken("PUBLISH=!/PUBLISH=!/PUBLISH=~/", 1)
    for _ in range(2):
        client.connect(False, timeout=5)
        raises(OSError, client.wait_msg)
    client.connect(False, timeout=5)
    same(settled(client, server), [AGAIN])


@test
def a_refused_connect_forgets_nothing():
    server, client = broken("PUBLISH=!/CONNECT=20020003/", 1)
    raises(Exception, client.connect, False)
    client.connect(False, timeout=5)
    same(settled(client, server), [AGAIN])


@test
def a_connect_that_meets_silence_forgets_nothing():
    server, client = broken("PUBLISH=!/CONNECT=/", 1)
    raises_errno(errno.ETIMEDOUT, client.connect, False, timeout=1)
    client.connect(False, timeout=5)
    same(settled(client, server), [AGAIN])


@test
def an_identifier_in_flight_is_not_given_out_again():
    server, client = broken("PUBLISH=!/PUBLISH.1=", 1)
    client.connect(False, timeout=5)
    while len(server.log("PUBLISH")) < 2:
        client.check_msg()
    client.publish("t", "n", qos=1)
    same(server.hexes("PUBLISH"), [FIRST, AGAIN, "3206" "000174" "0002" "6e"])


@test
def a_message_whose_answer_was_late_is_sent_again():
    server = Server()
    client = server.connected("PUBLISH=/", clean_session=False, timeout=1)
    raises_errno(errno.ETIMEDOUT, client.publish, "t", "m", qos=1)
    server.send("!")
    raises_errno(errno.ECONNRESET, client.wait_msg)
    client.connect(False, timeout=5)
    same(settled(client, server), [AGAIN])


@test
def messages_in_flight_are_sent_again_in_their_order():
    server = Server()
    client = server.connected("PUBLISH=/", clean_session=False, timeout=1)
    for number, qos in enumerate((1, 2, 1)):
        raises_errno(errno.ETIMEDOUT, client.publish, "t", chr(0x61 + number), False, qos)
    server.send("!")
    raises_errno(errno.ECONNRESET, client.wait_msg)
    client.connect(False, timeout=5)
    again = [packet for packet in settled(client, server) if packet[0] == "3"]
    same(again, ["3a06" "000174" "0001" "61", "3c06" "000174" "0002" "62", "3a06" "000174" "0003" "63"])


def full(plan, count=12):
    # A client with as many messages in flight as it can hold, or count; further ones raise as well.
    server = Server()
    client = server.connected(plan, clean_session=False, timeout=1)
    for number in range(count):
        raises((OSError, MQTTException), client.publish, "t", str(number), False, 1)
    return server, client, server.hexes("PUBLISH")


@test
def when_too_many_messages_are_in_flight_those_that_were_sent_are_sent_again():
    server, client, sent = full("PUBLISH=/")
    server.send("!")
    raises_errno(errno.ECONNRESET, client.wait_msg)
    client.connect(False, timeout=5)
    same(settled(client, server), ["3a" + packet[2:] for packet in sent])
    # All acknowledged now, so there is room again.
    client.publish("t", "m", qos=1)
    client.publish("t", "m", qos=2)


@test
def when_too_many_messages_are_in_flight_late_acknowledgements_make_room():
    # All places but the one that is left to other packets.
    server, client, sent = full(";".join(["PUBLISH.%d=" % (number + 1) for number in range(5)]), 5)
    server.send("".join(["4002$%d" % (number + 1) for number in range(len(sent))]))
    client.publish("t", "m", qos=1)
    client.publish("t", "m", qos=2)
    same(len(server.connections()), 1)


@test
def when_too_many_messages_are_in_flight_qos_0_still_works():
    server, client, sent = full("PUBLISH=")
    client.publish("t", "m")
    same(server.wait("PUBLISH", len(sent) + 1)[-1].hex, "3004" "000174" "6d")


@test
def subscriptions_that_timed_out_take_no_place():
    server = Server()
    client = server.connected("SUBSCRIBE=;UNSUBSCRIBE=", timeout=0.2)
    for number in range(8):
        raises_errno(errno.ETIMEDOUT, client.subscribe, "t%d" % number)
        raises_errno(errno.ETIMEDOUT, client.unsubscribe, "t%d" % number)
    same((len(server.log("SUBSCRIBE")), len(server.log("UNSUBSCRIBE"))), (8, 8))
    for qos in (0, 1, 2):
        client.publish("t", "m", qos=qos)


def noticed_by_publish(qos, plan):
    # publish() itself finds out that the connection is gone: its message is in flight all the same.
    server = Server()
    client = server.connected(plan, clean_session=False)
    server.send("~")
    server.gone(1)
    topic, msg = "t" + str(qos), bytearray(b"kept")
    raises(OSError, client.publish, topic, msg, qos=qos)
    del topic, msg
    gc.collect()
    rubbish = [bytes([number % 256]) * 40 for number in range(300)]
    client.connect(False, timeout=5)
    sent = settled(client, server)
    same(len(rubbish), 300)
    same(sent[0][2:], "0a" "0002" "743%d" % qos + "0001" "6b657074")


case("a_message_at_qos_1_whose_publish_finds_the_connection_gone_is_kept", noticed_by_publish, 1, "me")
case("a_message_at_qos_2_whose_publish_finds_the_connection_gone_is_kept", noticed_by_publish, 2, "me")


def kept_alive(make):
    # The objects are known to nobody but the client; what could be collected is, and its memory is used again.
    server, client = broken("PUBLISH=!/", 1, make(), make())
    gc.collect()
    rubbish = [bytes([number % 256]) * 40 for number in range(300)]
    client.connect(False, timeout=5)
    same(settled(client, server, 100), ["3a40" "001e" + "66" * 30 + "0001" + "66" * 30])
    same(len(rubbish), 300)


for name, make in (("str", lambda: "f" * len(range(30))), ("bytes", lambda: b"f" * len(range(30))),
                   ("bytearray", lambda: bytearray(b"f" * 30)),
                   ("memoryview", lambda: memoryview(bytearray(b"f" * 30))), ("array", lambda: array("B", b"f" * 30))):
    case("topic_and_msg_as_%s_stay_alive" % name, kept_alive, make)


@test
def a_message_that_a_callback_left_in_flight_is_sent_again_whole():
    # The callback was called by a publish() that has ended since, for a message that came while another callback published.
    server = Server()
    missed = []

    def callback(topic, msg):
        try:
            client.publish(b"from/" + msg, bytearray(msg * 20), qos=1)
        except OSError as error:
            missed.append(error.args[0])

    plan = "PUBLISH.1=" "3004" "000174" "61" "*" ";" "PUBLISH.2=" "3004" "000174" "62" "*" ";" "PUBLISH.3=" "/"
    client = server.connected(plan, clean_session=False, timeout=1, callback=callback)
    client.publish("t", "m", qos=1)
    same(missed, [errno.ETIMEDOUT])
    server.send("!")
    raises_errno(errno.ECONNRESET, client.wait_msg)
    gc.collect()
    rubbish = [bytes([number % 256]) * 20 for number in range(300)]
    client.connect(False, timeout=5)
    same(settled(client, server, 100), ["3a1e" "0006" "66726f6d2f62" "0003" + "62" * 20])
    same(len(rubbish), 300)


@test
def a_large_message_is_sent_again():
    server, client = broken("PUBLISH=!/", 1, bytearray(b"x" * 50000))
    gc.collect()
    client.connect(False, timeout=5)
    same(settled(client, server)[0][:2], "3a")
    first, again = server.log("PUBLISH")
    same((again.length, again.checksum), (first.length, first.checksum))


@test
def a_message_at_qos_2_received_before_the_break_is_not_delivered_again():
    server = Server()
    inbox = Inbox()
    client = server.connected("PUBREC=!/", clean_session=False, callback=inbox)
    server.send("3406" "000174" "0008" "6d")
    client.wait_msg()
    raises_errno(errno.ECONNRESET, client.wait_msg)
    client.connect(False, timeout=5)
    server.send("3c06" "000174" "0008" "6d")
    while not server.log("PUBCOMP"):
        client.check_msg()
    same(inbox.messages, [(b"t", b"m")])
    # Released: the identifier now stands for a new message.
    server.send("3406" "000174" "0008" "6e")
    client.wait_msg()
    same(inbox.messages, [(b"t", b"m"), (b"t", b"n")])


@test
def with_clean_session_an_identifier_received_before_is_a_new_message():
    server = Server()
    inbox = Inbox()
    client = server.connected("PUBREC=!/", callback=inbox)
    server.send("3406" "000174" "0008" "6d")
    client.wait_msg()
    raises_errno(errno.ECONNRESET, client.wait_msg)
    client.connect(True, timeout=5)
    server.send("3406" "000174" "0008" "6d")
    client.wait_msg()
    same(inbox.messages, [(b"t", b"m")] * 2)


@test
def mosquitto_delivers_what_came_while_the_client_was_away():
    inbox = Inbox()
    client = broker_client("inflight-1", clean_session=False, callback=inbox)
    client.subscribe("inflight/1", 2)
    client.disconnect()
    for number in range(30):
        publish_from_elsewhere("inflight/1", str(number), number % 2 + 1)
    client.connect(False)
    while len(inbox.messages) < 30:
        client.wait_msg()
    same(sorted([int(msg) for topic, msg in inbox.messages]), list(range(30)))
    client.disconnect()
    client.connect()
    client.disconnect()


@test
def mosquitto_killed_and_started_again_gets_the_message():
    port = int(ask("broker")[0])
    client = broker_client("inflight-2", port, clean_session=False)
    ask("broker_end", port, "KILL")
    raises(OSError, client.publish, "inflight/2", "m", qos=1)
    ask("broker_start", port)
    handle = ask("subscribe", port, hexed("inflight/2"), 1)[0]
    client.connect(False, timeout=5)
    client.publish("inflight/2", "n", qos=1)
    same([line.split()[4] for line in ask("received", handle, 2)], ["6d", "6e"])
    client.disconnect()


run()
