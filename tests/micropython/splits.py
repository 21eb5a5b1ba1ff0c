# Packets in pieces: each packet of a Server cut at every octet, packets glued together, and both at once.

from check import test, case, same, run
from host import Server, Inbox, drip, split

EXCHANGES = (
    ("connack", "CONNECT", "20020000", None), ("puback", "PUBLISH", "4002@", lambda client: client.publish("t", "m", qos=1)),
    ("pubrec", "PUBLISH", "5002@", lambda client: client.publish("t", "m", qos=2)),
    ("pubcomp", "PUBREL", "7002@", lambda client: client.publish("t", "m", qos=2)),
    ("suback", "SUBSCRIBE", "9003@01", lambda client: client.subscribe("t", 1)),
    ("unsuback", "UNSUBSCRIBE", "b002@", lambda client: client.unsubscribe("t")), ("pingresp", "PINGREQ", "d000", None))


def exchange(name, answer, call):
    # Between the two octets of the Packet Identifier, too.
    answer = answer.replace("@", "@<@>")
    pieces = [split(answer, at) for at in range(1, len(answer) // 2)] + [drip(answer)]
    for piece in pieces:
        server = Server()
        client = server.connected("%s=%s" % (name, piece))
        if call:
            call(client)
        client.ping()
        client.wait_msg()
        same(len(server.connections()), 1)


for name, packet, answer, call in EXCHANGES:
    case("%s_cut_at_every_octet" % name, exchange, packet, answer, call)

MESSAGES = (
    ("a_message_at_qos_0", "3005" "000174" "6d6e", b"mn", []),
    ("a_message_at_qos_1", "3207" "000174" "0107" "6d6e", b"mn", ["40020107"]),
    ("a_message_at_qos_2", "3407" "000174" "0107" "6d6e", b"mn", ["50020107"]), ("an_empty_message", "3003" "000174", b"", []),
    ("an_empty_message_at_qos_1", "3205" "000174" "0107", b"", ["40020107"]),
    ("a_message_with_two_octets_of_remaining_length", "308701" "000174" + "6d" * 132, b"m" * 132, []),
    ("a_message_with_two_octets_of_remaining_length_at_qos_1", "328901" "000174" "0107" + "6d" * 132, b"m" * 132, ["40020107"]))


def message(packet, wanted, acks):
    server = Server()
    inbox = Inbox()
    client = server.connected("PUBREC=", callback=inbox)
    total = len(packet) // 2
    # Every octet of a long packet's beginning, and of its end.
    places = [at for at in range(1, total) if at < 16 or at > total - 4]
    for at in places:
        server.send(split(packet, at))
        client.wait_msg()
        if packet[:2] == "34":
            server.send("62020107")
            while len(server.log("PUBCOMP")) < len(inbox.messages):
                client.check_msg()
    same(inbox.messages == [(b"t", wanted)] * len(places), True)
    for ack in acks:
        name = {"4": "PUBACK", "5": "PUBREC"}[ack[0]]
        server.wait(name, len(places))
        same(server.hexes(name), [ack] * len(places))


for name, packet, wanted, acks in MESSAGES:
    case("%s_cut_at_every_octet" % name, message, packet, wanted, acks)

# Messages of every qos among other packets, in one stream of 63 octets.
STREAM = ("3004" "000174" "61" "d000" "3206" "000174" "0101" "62" "40020999" "3406" "000174" "0102" "63" "62020102" "9003099900"
          "3003" "000174" "3406" "000174" "0102" "64" "62020102" "3004" "000174" "65")
STREAM_MESSAGES = [b"a", b"b", b"c", b"", b"d", b"e"]
STREAM_ACKS = ["40020101", "50020102", "70020102", "50020102", "70020102"]


def stream(client, server, inbox, pieces):
    # By wait_msg() only: a piece that is lost would show as a hang.
    inbox.messages.clear()
    acks = len(server.log()) + len(STREAM_ACKS)
    server.send(pieces)
    for _ in STREAM_MESSAGES:
        client.wait_msg()
    same([msg for topic, msg in inbox.messages], STREAM_MESSAGES)
    while len(server.log()) < acks:
        client.check_msg()
    same(server.hexes()[-len(STREAM_ACKS):], STREAM_ACKS)


@test
def glued_packets_in_one_segment():
    server = Server()
    inbox = Inbox()
    client = server.connected("PUBREC=", callback=inbox)
    stream(client, server, inbox, STREAM)


@test
def glued_packets_cut_at_every_octet():
    inbox = Inbox()
    for begin in range(1, len(STREAM) // 2, 16):
        server = Server()
        client = server.connected("PUBREC=", callback=inbox)
        for at in range(begin, min(begin + 16, len(STREAM) // 2)):
            stream(client, server, inbox, split(STREAM, at))


@test
def glued_packets_octet_by_octet():
    server = Server()
    inbox = Inbox()
    client = server.connected("PUBREC=", callback=inbox)
    stream(client, server, inbox, drip(STREAM))


@test
def glued_packets_in_pieces_of_every_size():
    inbox = Inbox()
    for size in (2, 3, 4, 5, 6, 7, 9, 11, 13, 17, 23, 31):
        server = Server()
        client = server.connected("PUBREC=", callback=inbox)
        stream(client, server, inbox, "-".join([STREAM[at:at + 2 * size] for at in range(0, len(STREAM), 2 * size)]))


@test
def every_pair_of_cuts_in_two_messages():
    packet = "3206" "000174" "0107" "61" "3004" "000174" "62"
    total = len(packet) // 2
    server = Server()
    inbox = Inbox()
    client = server.connected("me", callback=inbox)
    for first in range(1, total - 1):
        for second in range(first + 1, total):
            inbox.messages.clear()
            server.send(packet[:2 * first] + "-" + packet[2 * first:2 * second] + "-" + packet[2 * second:])
            client.wait_msg()
            client.wait_msg()
            same([msg for topic, msg in inbox.messages], [b"a", b"b"])


@test
def connack_glued_to_messages_cut_at_every_octet():
    answer = "20020000" "3004" "000174" "61" "3206" "000174" "0107" "62"
    for at in range(1, len(answer) // 2):
        server = Server()
        inbox = Inbox()
        client = server.connected("CONNECT=" + split(answer, at), callback=inbox)
        while len(inbox.messages) < 2:
            client.wait_msg()
        same([msg for topic, msg in inbox.messages], [b"a", b"b"])
        # A board has only so many connections.
        client.disconnect()


@test
def puback_glued_between_messages_cut_at_every_octet():
    answer = "3004" "000174" "61" "4002" "@<@>" "3004" "000174" "62"
    for at in range(1, len(answer) // 2):
        server = Server()
        inbox = Inbox()
        client = server.connected("PUBLISH=" + split(answer, at), callback=inbox)
        client.publish("t", "m", qos=1)
        while len(inbox.messages) < 2:
            client.wait_msg()
        same([msg for topic, msg in inbox.messages], [b"a", b"b"])
        client.disconnect()


run()
