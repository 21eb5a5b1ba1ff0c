"""What brokers do otherwise than the tests ask for: the broker, the tests (a pattern), whether they fail, and why.

FAILS   the test is run and must fail, so that a newer version that does better is noticed
VARIES  the test is not run: whether it fails depends on the moment

docs/brokers.md is made from this by run.py --table.
"""

FAILS, VARIES = "fails", "varies"

DIFFERENCES = (
    ("aedes", "link.*_behind_every_octet_*", FAILS,
     "ends the connection at a PUBREL that it has had before, on each new connection again [MQTT-4.3.3-2]"),
    ("aedes", "link.messages_over*", VARIES,
     "sends a message at QoS 2 again on the next connection after its PUBREL, without DUP [MQTT-4.3.3-1]"),
    ("aedes", "threads.one_thread_waits_and_four_publish_at_qos_mixed", VARIES,
     "acknowledges all messages of mixed QoS that come close together, and does not pass on all of them [MQTT-4.5.0-1]"),
    ("aedes", "threads.four_threads_publish_at_mixed*", VARIES, "the same"),
    ("amqtt", "disconnect.mosquitto_publishes_the_will*", FAILS,
     "publishes no Will when another client takes over the identifier [MQTT-3.1.2-8]"),
    ("amqtt", "disconnect.a_retained_will_is_kept", FAILS, "the same"),
    ("amqtt", "disconnect.a_client_that_another_one*", FAILS,
     "does not end the connection of the client whose identifier another one takes over [MQTT-3.1.4-2]"),
    ("amqtt", "flood.a_thousand_messages*", FAILS,
     "sends any number of messages at QoS 2 before the first is released; the client tells 768 apart and ends the connection"),
    ("amqtt", "threads.one_thread_waits_and_four_publish_at_qos_0", VARIES, "the same"),
    ("amqtt", "inflight.mosquitto_delivers*", FAILS, "keeps no session once a connection has ended [MQTT-3.1.2-4]"),
    ("amqtt", "receive.mosquitto_delivers_at_qos_1_again*", FAILS, "the same"),
    ("amqtt", "link.*_behind_*", VARIES, "the same"),
    ("amqtt", "link.messages_over*", FAILS, "the same"),
    ("amqtt", "publish.publish_reaches*", FAILS,
     "sends at the QoS of the subscription what was published at a lower one [MQTT-3.8.4-6]"),
    ("amqtt", "publish.two_hundred*", FAILS, "the same"),
    ("rumqttd", "disconnect.mosquitto_publishes_the_will*", FAILS,
     "sends at the QoS of the subscription what was published at a lower one [MQTT-3.8.4-6]"),
    ("rumqttd", "publish.publish_reaches*", FAILS, "the same"),
    ("rumqttd", "publish.two_hundred*", FAILS, "the same"),
    ("rumqttd", "link.*_behind_*", FAILS, "does not always answer UNSUBSCRIBE when a session was resumed [MQTT-3.10.4-4]"),
    ("rumqttd", "link.messages_over*", VARIES, "the same"),
    ("rumqttd", "sizes.*", VARIES,
     "resets, now and then, a connection whose identifier was given up by another one just before"),
    ("rumqttd", "subscribe.中*", FAILS, "its router panics at a topic whose first character is not ASCII"),
    ("rumqttd", "text.*mosquitto*", FAILS, "the same"),
)


def of(broker):
    """{pattern: (FAILS or VARIES, why)}; "the same" stands for the row above it."""
    found, why = {}, None
    for name, pattern, how, text in DIFFERENCES:
        why = why if text == "the same" else text
        if name == broker:
            found[pattern] = how, why
    return found


def table():
    rows = ["| broker | tests | | why |", "| --- | --- | --- | --- |"]
    return "".join("%s\n" % row for row in rows + ["| %s | `%s` | %s | %s |" % row for row in DIFFERENCES])
