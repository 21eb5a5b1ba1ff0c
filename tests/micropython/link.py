# needs: unix
# A link that fails: whatever octet of a session it breaks behind, after connect(clean_session=False) every message at qos 1
# has arrived at least once and every message at qos 2 exactly once, from the client to mosquitto and back.
#
# proxy.py is the link. With SOAK in the environment, all ways to break are tried at every octet, and links that break again.

from os import getenv

import target
from check import test, case, same, run
from device import Device, Link, guaranteed, passed, session
from host import SMALL, ask, octets, needing

SOAK = bool(getenv("SOAK"))


def every_octet(how, direction, step):
    # Nobody tells a client of silence but its own clock.
    keywords = {"keepalive": 1, "timeout": 0.3} if how == "drop" else {}
    link = Link("%s-%s" % (how, direction))
    session(link, "0000")
    total = passed(link.port)[0][direction == "down"]
    places = range(0, total, step)
    devices = []
    for at in places:
        link.fault("cut", direction, at, how)
        devices.append(session(link, "%04d" % (at + 1), **keywords))
    guaranteed(link, devices)
    same([one[direction == "down"] for one in passed(link.port) if one[2] == "cut"], list(places))
    # Each is noticed, but by disconnect().
    quiet = [at for at, device in zip(places, devices) if device.errors == 0]
    same([at for at in quiet if direction == "down" or at < total - 1], [])


# A small heap has no room for so many clients.
STEP = 3 if SMALL else 1
for how, step in (("rst", STEP), ("fin", STEP), ("drop", 1 if SOAK else 71)):
    for direction in ("up", "down"):
        case("%s_behind_%s_octet_%s" % (how, "every" if step == 1 else "some", direction), every_octet, how, direction, step)


def under_tls(how, direction, step):
    # The messages come back to who has sent them. How many octets a handshake has differs a little, and disconnect() notices
    # nothing: its two records are at most 85 octets long each, where the port has only CBC.
    proxy = int(ask("proxy", target.BROKER_TLS, "sealed")[0])

    def loop(number):
        device = Device(proxy, "tls-%s-%s" % (how, direction), "%05d" % number, ssl=True)
        device.connect()
        device.surely(device.client.subscribe, device.up, 2)
        device.once(device.client.publish, device.up, "1", False, 1)
        device.once(device.client.publish, device.up, "2", False, 2)
        device.received(b"1", b"2")
        device.surely(device.client.unsubscribe, device.up)
        device.client.disconnect()
        same((device.messages().count(b"2"), device.errors), (1, number > 0))

    loop(0)
    for at in range(0, passed(proxy)[0][direction == "down"] - 192, step):
        ask("fault", proxy, "cut", direction, at, how)
        loop(at + 1)


for how in ("rst", "fin"):
    for direction in ("up", "down"):
        name = "%s_behind_%s_octet_%s_under_tls" % (how, "every" if SOAK else "some", direction)
        case(name, needing("tls", under_tls), how, direction, 1 if SOAK else 47)


@test
def one_octet_at_a_time():
    link = Link("slow")
    link.fault("slow", 1)
    device = session(link, "0000")
    guaranteed(link, [device])
    same((device.errors, len(passed(link.port))), (0, 1))


class Chance:
    # A small generator of its own, so that the same seed gives the same faults: x -> 1664525 x + 1013904223.
    def __init__(self, seed):
        self.state = seed

    def below(self, limit):
        self.state = (self.state * 1664525 + 1013904223) & 0xffffffff
        return (self.state >> 8) % limit


# What publish() raises about does not tell whether its message had got one of the places for messages in flight. So there
# are never more of them than fit.
PLACES = 5


def again_and_again(seed, count):
    # The link breaks at any octet of any connection, so what goes out again is cut as well.
    chance = Chance(seed)
    link = Link("again-%d" % seed)
    device = Device(link.port, link.name, "device")
    came, went = [0] * count, [0] * count
    in_flight = 0

    def comes(topic, msg):
        came[int(msg[:6])] += 1

    for _ in range(count):
        direction, most = (("up", 1500), ("down", 6000))[chance.below(2)]
        link.fault("cut", direction, chance.below(most), ("rst", "fin")[chance.below(2)])
    device.client.set_callback(comes)
    device.most += count
    device.connect()
    device.surely(device.client.subscribe, device.down, 2)
    for number in range(count):
        qos, text = 1 + number % 2, "%06d" % number + "." * chance.below(400)
        link.publish(device.down, text, qos)
        errors = device.errors
        device.once(device.client.publish, device.up, text, False, qos)
        in_flight += device.errors > errors
        if in_flight == PLACES:
            device.surely(device.client.subscribe, device.down, 2)
            in_flight = 0
    while not all(came):
        device.once(device.client.wait_msg)
    device.surely(device.client.unsubscribe, device.down)
    device.client.disconnect()
    for topic, msg in link.arrived():
        went[int(octets(msg[:12]))] += 1
    # proxy.py says which mistake of the broker this is.
    for msg in ask("mistakes", link.port):
        number = int(octets(msg[:12]))
        came[number] = min(came[number], 1)
    for counts in (came, went):
        same((min(counts[0::2]) >= 1, set(counts[1::2])), (True, {1}))
    cuts = len([one for one in passed(link.port) if one[2] == "cut"])
    print("seed %d: %d messages each way, %d cuts, %d and %d times again at qos 1" % (
        seed, count, cuts, sum(came) - count, sum(went) - count))
    same(cuts > count // 10, True)


for seed in range(1, 41) if SOAK else (1, 2):
    case("messages_over_a_link_that_breaks_again_and_again_seed_%d" % seed, again_and_again, seed, 1000 if SOAK else 100)

run()
