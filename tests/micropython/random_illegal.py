# Random traffic that no Server may send: nothing crashes, nothing hangs, and the client is usable afterwards.
#
# What was sent is changed, cut short, or no MQTT at all, so it is not looked at what is delivered.

import target
from check import case, run
from host import SMALL
from random_calls import Player, rounds

COUNT = 2 if SMALL else 3
if target.SOAK:
    COUNT *= 40


class Survivor(Player):
    longest = 3000
    timeout = 0.3
    calls_back = 4
    raises = 40
    kept = 1

    def callback(self, topic, msg):
        if type(topic) != bytes or type(msg) != bytes:
            self.wrong = TypeError("%r, %r" % (type(topic), type(msg)))
            raise self.wrong
        if self.ending:
            return super().callback(topic, msg)
        self.delivered += 1
        self.depth += 1
        try:
            self.react()
        finally:
            self.depth -= 1

    def draw_call(self, kind):
        # Not wait_msg(): the rest of a message whose length is wrong may take as long as the Server likes.
        super().draw_call(9 if kind in (13, 14) else kind)

    def finish(self):
        # The Server behaves again, and a clean session knows of nothing before.
        self.kept = 0
        self.disconnect()
        self.ending = True
        self.marker = self.place.finish()
        self.connect_surely(True)
        self.receive_all()
        for number in range(5):
            self.publish(number % 3)
        self.disconnect()


OPTIONS = {"illegal": 12, "breaks": 4, "impatient": 1, "loose": 1, "longest": 3000, "deaf": 40, "twice": 8, "late": 8}
for name, keywords in (("illegal_traffic_is_survived", {}), ("illegal_traffic_under_tls_is_survived", {"ssl": True})):
    keywords["keepalive"] = 2
    case(name, rounds, Survivor, COUNT, 60, OPTIONS, keywords)

run()
