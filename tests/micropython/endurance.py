# Many messages, and many interruptions: memory stays as it was, and no descriptor is lost.
#
# With SOAK in run.py's environment a million messages and 10,000 interruptions; on a board, which is slower, 10,000 and 1,000.

import target
from check import case, same, run
from enduring import LONG, ROUNDS, Chance, Interrupted, Memory, interruptions
from host import SMALL, broker_client, needing

MESSAGES = 10000 if SMALL else 1000000
if not target.SOAK:
    MESSAGES = 300 if SMALL else 6000
LONGEST = 5000


def messages(count, keywords):
    # Each through mosquitto and back, at qos 0, 1 and 2, most of them short.
    chance, memory = Chance(target.SEED), Memory(LONGEST)
    awaited = [0, 0, 0]
    payload = bytearray(b"0123456789" * (LONGEST // 10))
    whole = memoryview(payload)

    def callback(topic, msg):
        number = msg[0] << 24 | msg[1] << 16 | msg[2] << 8 | msg[3]
        if (number, len(msg)) != (awaited[0], awaited[1]) or memoryview(msg)[4:] != whole[4:len(msg)]:
            raise AssertionError("message %d of %d octets, awaited was %s" % (number, len(msg), awaited))
        awaited[2] += 1

    client = broker_client("endurance", callback=callback, timeout=60, **keywords)
    client.subscribe("endurance/1", 2)
    for number in range(count):
        size = 4 + chance.below((60, 60, 60, 700, LONGEST - 4)[chance.below(5)])
        for place, shift in enumerate((24, 16, 8, 0)):
            payload[place] = number >> shift & 255
        awaited[0], awaited[1] = number, size
        client.publish("endurance/1", whole[:size], False, chance.below(3))
        while awaited[2] <= number:
            client.wait_msg()
        memory.look_sometimes(number, count)
    same(awaited[2], count)
    client.disconnect()
    return "(seed %d: %d messages, %s)" % (target.SEED, count, memory.grown())


class Begun(Interrupted):
    # Nobody waits in publish(): what is begun is asked for until it is finished.
    place = None

    def finish(self):
        while self.place is not None:
            if self.client.finished(self.place):
                self.place = None

    def work(self):
        chance, client, long = self.chance, self.client, bytes(LONG)
        while True:
            self.place = client.start(0, "t", "m" if chance.below(2) else long, False, chance.below(3))
            self.finish()

    def check_in_step(self, mark):
        self.finish()
        super().check_in_step(mark)


case("messages_at_mixed_qos_and_sizes_leave_memory_as_it_was", messages, MESSAGES, {})
if not SMALL:
    case("messages_under_tls_leave_memory_as_it_was", needing("tls", messages), MESSAGES // 5, {"port": target.BROKER_TLS, "ssl": True})
KINDS = ["ctrl_c", "exception", "no_memory", "broken"]
for kind in KINDS:
    case("interruptions_by_%s_leave_memory_as_it_was" % kind, interruptions, Interrupted, [kind], ROUNDS // 4)
case("interruptions_of_all_kinds_leave_memory_as_it_was", interruptions, Interrupted, KINDS, ROUNDS)
case("interruptions_of_what_start_begins_leave_memory_as_it_was", needing("extras", interruptions), Begun, KINDS, ROUNDS)

run()
