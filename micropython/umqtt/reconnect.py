# umqtt.MQTTClient(..., reconn=True): a client that connects again by itself.
#
# When a method finds the connection lost, it connects again and goes on. Between two attempts it waits: min_delay seconds, then
# twice as long each time up to max_delay, each time shortened by chance by up to a half, so that a thousand devices do not
# come back at once. What the Server will refuse for ever (CONNACK 1, 2, 4, 5) is raised.

import time
from errno import ENOTCONN

import umqtt
from umqtt import MQTTException

# Of CONNACK: protocol version, Client Identifier, user or password, not authorised. 3 is "Server unavailable", which passes.
_FOR_EVER = (1, 2, 4, 5)


class MQTTClient(umqtt.MQTTClient):
    # min_delay, max_delay: seconds.
    # network():            called before each attempt; may wait for the link. False: there is none, try later.
    # lost(reason):         called once when a connection is lost, with the exception.
    # connected(present):   called when a connection is there, subscriptions restored; present: the Server had the session.
    # reconn: as umqtt.MQTTClient was given it on the way here.
    def __init__(self, *args, min_delay=1, max_delay=60, network=None, lost=None, connected=None, reconn=True, **kwargs):
        super().__init__(*args, **kwargs)
        if not 0 < min_delay <= max_delay:
            raise ValueError("min_delay must be above 0, at most max_delay")
        self.min_delay, self.max_delay = min_delay, max_delay
        self.network, self.lost, self.connected = network, lost, connected
        self._filters = {}
        self._clean = True
        self._timeout = None
        # Whether a connection is wanted, and whether there was one until a method found it lost.
        self._wanted = self._was_up = False
        # While `connected` runs: what its methods run into ends the attempt, instead of beginning another one inside.
        self._telling = False
        self._since = self._due = time.ticks_ms()
        self._delay_ms = 0

    # One attempt, as without reconn: what it raises is the script's. reconnect() instead tries until it works.
    def connect(self, clean_session=True, *, timeout=None):
        self._clean, self._timeout = clean_session, timeout
        self._wanted = self._was_up = False
        try:
            self._open()
        except:
            self._wanted = self.socket() is not None
            raise

    # Tries until there is a connection. Raises only what will not pass; ENOTCONN after disconnect() or close() in a callback.
    def reconnect(self):
        self._wanted = True
        while not self._try():
            if not self._wanted:
                raise OSError(ENOTCONN)
            time.sleep_ms(max(0, time.ticks_diff(self._due, time.ticks_ms())))

    def disconnect(self):
        self._end()
        super().disconnect()

    def close(self):
        self._end()
        super().close()

    # The script wants no connection any more.
    def _end(self):
        self._wanted = self._was_up = False
        self._filters.clear()

    def publish(self, topic, msg, retain=False, qos=0):
        place = None
        while True:
            try:
                if place is None:
                    return super().publish(topic, msg, retain, qos)
                # In the session: it goes out again with the next connection, and must not go out twice.
                self.finished(place, True)
                return
            except (OSError, MQTTException) as reason:
                if place is None:
                    place = self.unfinished()
                self._note(reason)
            self.reconnect()

    def subscribe(self, topic, qos=0):
        self._insist(super().subscribe, topic, qos)
        self._filters[_key(topic)] = qos

    def unsubscribe(self, topic):
        # First, so that no new connection restores it.
        self._filters.pop(_key(topic), None)
        self._insist(super().unsubscribe, topic)

    def ping(self):
        self._insist(super().ping)

    def wait_msg(self):
        self._insist(super().wait_msg)

    # Never waits until it is time for an attempt. When it is, it makes that one, which may take as long as connect().
    def check_msg(self):
        if not self._wanted or self._try():
            try:
                super().check_msg()
            except (OSError, MQTTException) as reason:
                self._note(reason)

    def _insist(self, method, *arguments):
        while True:
            try:
                return method(*arguments)
            except (OSError, MQTTException) as reason:
                self._note(reason)
            self.reconnect()

    # Raises it again if the connection is not what was lost.
    def _note(self, reason):
        if not self._wanted or self._telling or self.socket() is not None:
            raise reason
        if self._was_up:
            self._was_up = False
            # One that did not even last as long as the wait for it: the next wait is longer still.
            if time.ticks_diff(time.ticks_ms(), self._since) > self._delay_ms:
                self._delay_ms = 0
            self._put_off()
            if self.lost:
                self.lost(reason)
                if not self._wanted:
                    raise reason

    def _put_off(self):
        ms = min(max(2 * self._delay_ms, int(self.min_delay * 1000)), int(self.max_delay * 1000))
        self._delay_ms = ms
        # The clock's microseconds are chance enough, and every port has them.
        self._due = time.ticks_add(time.ticks_ms(), ms - time.ticks_us() % (ms // 2 + 1))

    # One attempt, if there is no connection and it is time for it. Whether there is a connection then.
    def _try(self):
        if self.socket() is not None:
            return True
        if time.ticks_diff(self._due, time.ticks_ms()) > 0:
            return False
        self._put_off()
        try:
            if self.network and (self.network() is False or not self._wanted):
                return False
            self._open()
        except (OSError, MQTTException) as reason:
            if self.socket() is not None:
                raise
            if isinstance(reason, MQTTException) and reason.args[0] in _FOR_EVER:
                self._wanted = False
                raise
            return False
        return True

    def _open(self):
        super().connect(self._clean, timeout=self._timeout)
        refused = None
        try:
            present = self.stats().session_present
            for topic, qos in [] if present else list(self._filters.items()):
                try:
                    super().subscribe(topic, qos)
                except MQTTException as reason:
                    if self.socket() is None:
                        raise
                    refused = reason
        except:
            # Not what was there before, also after Ctrl-C: no connection at all, rather.
            super().close()
            raise
        self._wanted = self._was_up = True
        self._since = time.ticks_ms()
        if self.connected:
            self._tell_connected(present)
        if refused:
            raise refused

    def _tell_connected(self, present):
        self._telling = True
        try:
            self.connected(present)
        except (OSError, MQTTException) as reason:
            self._telling = False
            if self.socket() is None:
                self._note(reason)
            raise
        finally:
            self._telling = False


# A filter as str and as bytes is one filter.
def _key(topic):
    return topic.encode() if isinstance(topic, str) else bytes(topic)
