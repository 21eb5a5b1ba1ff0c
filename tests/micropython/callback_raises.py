# What the callback raises comes out of whichever method was delivering, and the client stays connected and in step.

from check import case, same, raises, run
from host import Server

CALLS = {
    "publish_at_qos_1": ("PUBLISH.1=%s*", lambda client: client.publish("t", "m", qos=1)),
    "publish_at_qos_2": ("PUBLISH.1=%s*", lambda client: client.publish("t", "m", qos=2)),
    "publish_at_qos_2_before_pubcomp": ("PUBREL.1=%s*", lambda client: client.publish("t", "m", qos=2)),
    "subscribe": ("SUBSCRIBE.1=%s*", lambda client: client.subscribe("t")),
    "unsubscribe": ("UNSUBSCRIBE.1=%s*", lambda client: client.unsubscribe("t")),
    "wait_msg": ("PINGREQ.1=%s*", lambda client: client.ping() or client.wait_msg()),
    "check_msg": ("PINGREQ.1=%s*", lambda client: client.ping() or until_raised(client.check_msg)),
}
MESSAGES = [
    ("a_message_at_qos_0", "3004" "000174" "61"),
    ("a_message_at_qos_1", "3206" "000174" "0007" "61"),
    ("a_message_at_qos_2", "3406" "000174" "0007" "61"),
    ("a_long_message_at_qos_0", "30d30f" "000174" "61{2000}"),
    ("a_long_message_at_qos_2", "34d50f" "000174" "0007" "61{2000}"),
]


def until_raised(call):
    while True:
        call()


class Mishap(BaseException):
    # No subclass of Exception: as little as Ctrl-C is.
    pass


def out_of(plan, call, error):
    server = Server()
    failing = [True]
    got = []

    def callback(topic, msg):
        if failing[0]:
            failing[0] = False
            raise error("mishap")
        got.append((topic, msg))

    client = server.connected(plan, callback=callback)
    same(raises(error, call, client).args, ("mishap",))
    # In step: what the Server had sent besides is passed over, and new exchanges work, both ways.
    client.publish("end", "m", qos=1)
    client.publish("end", "m", qos=2)
    client.subscribe("end")
    got.clear()
    server.send("3206" "000174" "0008" "7a")
    while not got:
        client.wait_msg()
    same(got, [(b"t", b"z")])
    same([ended for octets, ended, name in server.connections()], ["-"])
    # At qos 1 a message that was not dealt with is not acknowledged.
    client.publish("end", "m", qos=1)
    same("40020007" in server.hexes("PUBACK"), False)


for method in CALLS:
    plan, call = CALLS[method]
    for name, message in MESSAGES:
        case("an_exception_out_of_%s_with_%s" % (method, name), out_of, plan % message, call, ValueError)
    case("a_baseexception_out_of_%s" % method, out_of, plan % MESSAGES[1][1], call, Mishap)

run()
