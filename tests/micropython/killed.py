# needs: unix
# mosquitto is killed in the middle of a session and started again with what it has stored.
#
# A link is cut behind each octet, and mosquitto is killed at that moment. It answers a message before it has stored it, so:
# killed when all is stored, nothing is lost and nothing comes twice at qos 2. Killed otherwise it may have forgotten what it
# has acknowledged; a message at qos 1 that it has not acknowledged arrives all the same.

from os import getenv

from check import case, same, run
from device import Device, Link, guaranteed, passed, session
from host import ask, hexed

STEP = 1 if getenv("SOAK") else 12
# Stored after every change; for a moment they are in memory only.
SETTINGS = ("autosave_on_changes__true", "autosave_interval__1")


class Killed(Link):
    # The far side is not there at first: what comes for it is kept for its session, over the kills too.
    def __init__(self, name):
        self.kills, self.stores = 0, True
        super().__init__(name, int(ask("broker", *SETTINGS)[0]))

    def listen(self):
        super().listen("far")
        ask("unsubscribe", self.far)
        ask("broker_save", self.broker)

    def kill(self):
        self.kills += 1
        if self.stores:
            ask("broker_save", self.broker)
        ask("broker_end", self.broker, "KILL")
        ask("broker_start", self.broker)

    def arrived(self):
        Link.listen(self, "far")
        return super().arrived()


class Survivor(Device):
    # Its first error is the moment of the kill.
    link = None

    def works(self, call, *arguments, **keywords):
        worked = super().works(call, *arguments, **keywords)
        if not worked and self.errors == 1:
            self.link.kill()
        return worked


def stored(direction):
    link = Survivor.link = Killed("stored-" + direction)
    session(link, "0000", Survivor)
    devices = []
    for at in range(0, passed(link.port)[0][direction == "down"], STEP):
        link.fault("cut", direction, at, "rst")
        devices.append(session(link, "%04d" % (at + 1), Survivor))
    guaranteed(link, devices)
    # But for a cut in DISCONNECT, which nobody notices.
    same(link.kills >= len(devices) - 1, True)


for direction in ("up", "down"):
    case("mosquitto_killed_behind_%s_octet_%s_with_all_stored" % ("every" if STEP == 1 else "some", direction),
         stored, direction)


def not_stored(direction):
    link = Survivor.link = Killed("lost-" + direction)
    link.stores = False
    wanted = []
    # From CONNECT to the end of an exchange at qos 1 are some 60 octets up, and 8 down.
    for at in range(0, *((60, STEP) if direction == "up" else (8, 1))):
        link.fault("cut", direction, at, "rst")
        device = Survivor(link.port, link.name, "%04d" % at)
        device.connect()
        errors = device.errors
        device.once(device.client.publish, device.up, "up 1", False, 1)
        if device.errors > errors:
            wanted.append(device.up)
        device.surely(device.client.unsubscribe, "t")
        device.client.disconnect()
    arrived = [topic for topic, msg in link.arrived() if msg == hexed("up 1")]
    same([topic for topic in wanted if topic not in arrived], [])
    same((len(wanted) > 0, link.kills > 0), (True, True))


for direction in ("up", "down"):
    case("a_message_caught_by_the_kill_of_mosquitto_arrives_%s" % direction, not_stored, direction)

run()
