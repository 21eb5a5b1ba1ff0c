# What the messages of the random tests hold: all of it follows from a number and two lengths, and says so itself.
#
# Both sides use this file, so it is Python for MicroPython and for CPython. A topic of LONG_TOPIC octets or more begins with the
# number of the message and the lengths of both its parts, a payload of HEADER octets or more as well. One of the two always is that
# long. So a message that got the topic or the payload of another, or only a part of its own, is found out.

PERIOD = bytes([(place * 97 + 13) % 251 for place in range(251)])
LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVW"
LONG_TOPIC = 28
HEADER = 10
# What is compared at a time.
PIECE = 251 * 7
BLOCK = PERIOD * 8


class WrongContent(Exception):
    pass


def pattern(period, start, size):
    start %= len(period)
    return (period * ((start + size) // len(period) + 1))[start:start + size]


def topic_of(side, number, topic_len, payload_len):
    # side: b"s" for what the Server sends, b"c" for what the Client does.
    head = b""
    if topic_len >= LONG_TOPIC:
        head = side + b"/%d/%d/%d/" % (number, topic_len, payload_len)
    return head + pattern(LETTERS, number, topic_len - len(head))


def header_of(number, topic_len, payload_len):
    return bytes([number >> 24 & 255, number >> 16 & 255, number >> 8 & 255, number & 255, payload_len >> 16 & 255,
                  payload_len >> 8 & 255, payload_len & 255, topic_len >> 16 & 255, topic_len >> 8 & 255, topic_len & 255])


def payload_of(number, topic_len, payload_len):
    if payload_len < HEADER:
        return pattern(PERIOD, number, payload_len)
    return header_of(number, topic_len, payload_len) + pattern(PERIOD, number, payload_len - HEADER)


def has_pattern(payload, begin, number):
    # Piece by piece: this runs where there is little memory.
    whole, block = memoryview(payload), memoryview(BLOCK)
    start = number % 251
    for at in range(begin, len(payload), PIECE):
        piece = whole[at:at + PIECE]
        if piece != block[start:start + len(piece)]:
            return False
    return True


def show(octets):
    return "%r%s of %d octets" % (bytes(octets[:60]), "..." if len(octets) > 60 else "", len(octets))


def number_of(side, topic, payload):
    # The number of a message, when all of its octets are those of that message.
    if len(topic) >= LONG_TOPIC:
        words = bytes(topic[:LONG_TOPIC]).split(b"/")
        if words[0] != side or len(words) < 5:
            raise WrongContent("topic %s with payload %s" % (show(topic), show(payload)))
        number = int(words[1])
    elif len(payload) >= HEADER:
        number = payload[0] << 24 | payload[1] << 16 | payload[2] << 8 | payload[3]
    else:
        raise WrongContent("topic %s with payload %s" % (show(topic), show(payload)))
    good = topic == topic_of(side, number, len(topic), len(payload))
    begin = 0
    if len(payload) >= HEADER:
        begin = HEADER
        good = good and bytes(payload[:HEADER]) == header_of(number, len(topic), len(payload))
    if not good or not has_pattern(payload, begin, number):
        raise WrongContent("message %d has topic %s and payload %s" % (number, show(topic), show(payload)))
    return number


def sizes(below, longest):
    # Lengths of topic and payload, drawn by below(end): mostly short, some around the receive buffer, some long.
    kind = below(16)
    topic_len = 1 + below(12) if below(3) == 0 else LONG_TOPIC + below(20)
    if kind < 8:
        payload_len = below(24)
    elif kind < 11:
        payload_len = below(400)
    elif kind < 13:
        payload_len = 768 - topic_len - 30 + below(60)
    elif kind == 13:
        topic_len, payload_len = LONG_TOPIC + below(970), below(900)
    else:
        payload_len = below(longest) if kind == 15 else 900 + below(4500)
    payload_len = max(0, min(payload_len, longest))
    if topic_len < LONG_TOPIC:
        payload_len = max(payload_len, HEADER)
    return topic_len, payload_len
