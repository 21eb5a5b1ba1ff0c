# umqtt.robust as micropython-lib has it: umqtt.simple that connects again, as often as it takes, when a method raised OSError,
# and then repeats the method. delay(), log() and reconnect() are there to be overridden.

import time

from umqtt import simple


class MQTTClient(simple.MQTTClient):
    DELAY = 2
    DEBUG = False

    def delay(self, i):
        time.sleep(self.DELAY)

    def log(self, in_reconnect, e):
        if self.DEBUG:
            print("mqtt reconnect: %r" % e if in_reconnect else "mqtt: %r" % e)

    def reconnect(self):
        i = 0
        while True:
            try:
                # Also that of a subclass, which may subscribe anew.
                return self.connect(False)
            except OSError as e:
                self.log(True, e)
                i += 1
                self.delay(i)

    # attempts: how many, -1 for no end.
    def _repeat(self, method, attempts, *arguments):
        while attempts:
            try:
                return method(*arguments)
            except OSError as e:
                self.log(False, e)
            self.reconnect()
            attempts -= 1

    def publish(self, topic, msg, retain=False, qos=0):
        return self._repeat(super().publish, -1, topic, msg, retain, qos)

    def wait_msg(self):
        return self._repeat(super().wait_msg, -1)

    def check_msg(self, attempts=2):
        return self._repeat(super().check_msg, attempts)
