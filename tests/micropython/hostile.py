# needs: unix, small
# What a hostile Server can do, and what the client raises: one table. On a heap of 64 KiB; what the Server did leaves nothing
# behind in it, and the client connects and publishes afterwards.
#
# malformed.py, splits.py, flood.py and receive.py have more of single kinds; here each kind has its row.

import errno
import gc

from check import case, same, raises, run
from host import Server
from umqtt import MQTTException

THREE_CLIENTS = 3 * 1504
TEXT = "000174"  # the topic "t"
SCATTERED = "".join(["3406" + TEXT + "%04x6d" % number for number in range(1, 1000, 33)])

# What the Server is or does (a mode of control.py, or a plan of server.py), what the client is doing, what it raises.
ROWS = (
    # At connect
    ("nobody_listens", "closed", "connect", OSError, errno.ECONNREFUSED),
    ("resets_at_once", "reset", "connect", OSError, errno.ECONNRESET),
    ("closes_at_the_first_octets", "close", "connect", OSError, errno.ECONNRESET),
    ("speaks_http", "garbage", "connect", MQTTException, "reserved flags set"),
    ("never_answers", "mute", "connect", OSError, errno.ETIMEDOUT),
    ("answers_with_half_a_connack", "CONNECT=2002/", "connect", OSError, errno.ETIMEDOUT),
    ("closes_in_the_middle_of_connack", "CONNECT=200200!/", "connect", OSError, errno.ECONNRESET),
    ("refuses_the_protocol_level", "CONNECT=20020001/", "connect", MQTTException, 1),
    ("refuses_the_identifier", "CONNECT=20020002/", "connect", MQTTException, 2),
    ("is_unavailable", "CONNECT=20020003/", "connect", MQTTException, 3),
    ("refuses_user_or_password", "CONNECT=20020004/", "connect", MQTTException, 4),
    ("refuses_authorization", "CONNECT=20020005/", "connect", MQTTException, 5),
    ("refuses_with_a_code_of_no_meaning", "CONNECT=200200ff/", "connect", MQTTException, "reserved CONNACK return code"),
    ("sets_reserved_flags_in_connack", "CONNECT=20028000/", "connect", MQTTException, "reserved CONNACK flags set"),
    ("publishes_before_connack", "CONNECT=3004" + TEXT + "6d/", "connect", MQTTException, "packet before CONNACK"),
    ("floods_before_connack", "CONNECT=[d000]{50000}/", "connect", MQTTException, "packet before CONNACK"),

    # In the middle of an exchange
    ("closes_instead_of_puback", "PUBLISH=!/", "publish 1", OSError, errno.ECONNRESET),
    ("resets_instead_of_puback", "PUBLISH=~/", "publish 1", OSError, errno.ECONNRESET),
    ("never_acknowledges", "PUBLISH=/", "publish 1", OSError, errno.ETIMEDOUT),
    ("acknowledges_what_was_not_sent", "PUBLISH=[4002%]{5000}/", "publish 1", OSError, errno.ETIMEDOUT),
    ("acknowledges_qos_1_as_qos_2", "PUBLISH=5002@7002@/", "publish 1", OSError, errno.ETIMEDOUT),
    ("acknowledges_qos_2_as_qos_1", "PUBLISH=4002@/", "publish 2", OSError, errno.ETIMEDOUT),
    ("completes_before_it_has_received", "PUBLISH=7002@/", "publish 2", OSError, errno.ETIMEDOUT),
    ("never_completes", "PUBREL=/", "publish 2", OSError, errno.ETIMEDOUT),
    ("receives_without_end", "PUBREL=[5002@]{5000}/", "publish 2", OSError, errno.ETIMEDOUT),
    ("closes_after_pubrec", "PUBREL=!/", "publish 2", OSError, errno.ECONNRESET),
    ("never_confirms_a_subscription", "SUBSCRIBE=/", "subscribe", OSError, errno.ETIMEDOUT),
    ("confirms_another_subscription", "SUBSCRIBE=9003%00/", "subscribe", OSError, errno.ETIMEDOUT),
    ("refuses_the_subscription", "SUBSCRIBE=9003@80/", "subscribe", MQTTException, 128),
    ("grants_qos_3", "SUBSCRIBE=9003@03/", "subscribe", MQTTException, "reserved SUBACK return code"),
    ("sends_suback_without_end", "SUBSCRIBE=90ffffff7f00{100000}/", "subscribe", MQTTException, "wrong packet length"),

    # While the client waits for messages
    ("never_answers_pingreq", "PINGREQ=/", "wait", OSError, errno.ETIMEDOUT),
    ("closes", "PINGREQ=!/", "wait", OSError, errno.ECONNRESET),
    ("has_a_remaining_length_without_end", "PINGREQ=30ff{1000}/", "wait", MQTTException, "malformed remaining length"),
    ("sends_a_type_that_does_not_exist", "PINGREQ=f000/", "wait", MQTTException, "packet that a server may not send"),
    ("sends_what_only_clients_send", "PINGREQ=c000/", "wait", MQTTException, "packet that a server may not send"),
    ("sets_reserved_flags", "PINGREQ=d100/", "wait", MQTTException, "reserved flags set"),
    ("accepts_twice", "PINGREQ=20020000/", "wait", MQTTException, "second CONNACK"),
    ("has_a_length_that_does_not_fit", "PINGREQ=400100/", "wait", MQTTException, "wrong packet length"),
    ("publishes_at_qos_3", "PINGREQ=3606" + TEXT + "00016d/", "wait", MQTTException, "message with qos 3"),
    ("repeats_a_message_at_qos_0", "PINGREQ=3804" + TEXT + "6d/", "wait", MQTTException, "message with qos 0 and DUP"),
    ("publishes_to_no_topic", "PINGREQ=300300006d/", "wait", MQTTException, "message with an invalid topic"),
    ("publishes_to_a_wildcard", "PINGREQ=30040001236d/", "wait", MQTTException, "message with an invalid topic"),
    ("publishes_to_what_is_not_utf_8", "PINGREQ=30040001ff6d/", "wait", MQTTException, "message with an invalid topic"),
    ("publishes_with_identifier_0", "PINGREQ=3206" + TEXT + "00006d/", "wait", MQTTException, "packet identifier 0"),
    ("never_releases_what_it_published", "PINGREQ=%s/" % SCATTERED, "wait", MQTTException,
     "too many unreleased qos 2 messages"),
    ("declares_256_mib_and_closes", "PINGREQ=30ffffff7f" + TEXT + "6d!/", "wait", OSError, errno.ECONNRESET),
    ("declares_256_mib_and_falls_silent", "PINGREQ=;PINGREQ.1=30ffffff7f" + TEXT + "6d/", "wait", OSError, errno.ETIMEDOUT),
    ("declares_256_mib_and_goes_on", "PINGREQ=30ffffff7f" + TEXT + "6d{4000000}/", "wait", MemoryError, None),
    ("publishes_to_a_topic_of_65535_octets", "PINGREQ=30818004ffff74{65535}/", "wait", MemoryError, None),
    ("sends_a_message_larger_than_the_heap", "PINGREQ=3083ea30" + TEXT + "6d{800000}/", "wait", MemoryError, None),
    ("sends_octet_by_octet_and_stops", "PINGREQ=;PINGREQ.1=30-06-00-01-74/", "wait", OSError, errno.ETIMEDOUT),

    # Floods that break no rule
    ("publishes_20000_messages_before_puback", "PUBLISH=[3005" + TEXT + "6d6d]{20000}4002@", "publish 1", None, None),
    ("publishes_2000_messages_of_1_kib_before_puback", "PUBLISH=[308308" + TEXT + "6d{1024}]{2000}4002@", "publish 1",
     None, None),
    ("releases_20000_messages_that_never_were", "PUBLISH=[62020999]{20000}4002@", "publish 1", None, None),
    ("repeats_one_message_20000_times", "PUBLISH=[3c06" + TEXT + "00016d]{20000}4002@", "publish 1", None, None),
    ("answers_20000_pings_that_were_not_sent", "PUBLISH=[d000]{20000}4002@", "publish 1", None, None))


def wait(client):
    client.ping()
    while True:
        client.wait_msg()


ACTS = {
    "connect": lambda client: None, "publish 1": lambda client: client.publish("t", "m", qos=1),
    "publish 2": lambda client: client.publish("t", "m", qos=2),
    "subscribe": lambda client: client.subscribe("t"), "wait": wait}


def act(client, doing, timeout):
    client.connect(timeout=timeout)
    ACTS[doing](client)


def meets(name, plan, doing, wanted, argument):
    gc.collect()
    before = gc.mem_alloc()
    is_mode = "=" not in plan
    server = Server(plan if is_mode else "plain")
    # Short times only where they are to run out.
    late = argument == errno.ETIMEDOUT
    timeout = 0.5 if late else 30
    client = server.client("me" if is_mode else plan, keepalive=1 if late else None)
    client.set_callback(lambda topic, msg: None)
    if wanted is None:
        act(client, doing, timeout)
    else:
        error = raises(wanted, act, client, doing, timeout)
        if argument is not None:
            same(error.args[0], argument)
        del error
    # The same client, where the Server can be had again; and another one, which owes the first nothing.
    for other in [Server().client("me")] if is_mode else [client, Server().client("me")]:
        other.connect(timeout=10)
        other.publish("t", "m", qos=1)
        other.disconnect()
    del server, client, other
    gc.collect()
    # The stack may still show the collector the clients, but nothing of what the Server has sent is there.
    same(max(gc.mem_alloc() - before, THREE_CLIENTS), THREE_CLIENTS)


for row in ROWS:
    case(row[0], meets, *row)

run()
