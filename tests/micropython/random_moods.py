"""Moods of the random tests' Server, in which it does not do what the Client waits for: what may a call of the Client take then?

A mood begins at the device's request and is over after LASTS_S, so that a call that would wait for ever is one that came late.

    silence     the link is dead: what the Client sends goes nowhere, nothing comes
    stuck       as that, and nothing is taken from the Client either
    flood       messages as fast as they can be written, and no answer to anything, to PINGREQ neither
    pubrec      PUBREL is answered with PUBREC, again and again
    full        messages at QoS 1, and nothing is taken from the Client
    behind      the answer to the next packet comes behind six messages
    crowd       thousands of short messages at once, as a broker sends those that it had retained
    unanswered  no answer to any message
    fine        none of these
"""

import time

LASTS_S = 12
# Octets of a flood that wait to be written.
AHEAD = 20000
BEHIND = 6
CROWD = 5000


class Mood:
    """A mood of one connection. Each method is told of something, and says whether the Server does no more about it."""

    def __init__(self, peer):
        self.peer, self.until = peer, time.monotonic() + LASTS_S

    @staticmethod
    def reads():
        return True

    def traffic(self):
        return True

    def answers(self, _packet):
        return False


class Silence(Mood):
    def __init__(self, peer):
        super().__init__(peer)
        peer.how = "silence"
        peer.break_off()


class Stuck(Silence):
    @staticmethod
    def reads():
        return False


class Flood(Mood):
    # One message for all: what matters is how many come.
    def __init__(self, peer):
        super().__init__(peer)
        message = peer.listener.ledger.sending(peer.link, 0, (40, 5))
        self.packets = peer.publish_packet(message, b"", False) * 50

    def traffic(self):
        while len(self.peer.wire) < AHEAD:
            self.peer.send(self.packets)
        return True

    def answers(self, _packet):
        return True


class Pubrec(Mood):
    def answers(self, packet):
        if packet.name == "PUBREL":
            self.peer.later(0.05, lambda: self.peer.send(b"\x50\x02" + packet.identifier()))
        return packet.name == "PUBREL"


class Full(Mood):
    @staticmethod
    def reads():
        return False

    def traffic(self):
        if len(self.peer.wire) < AHEAD:
            self.peer.send_message(1)
        return True


class Behind(Mood):
    answered = False

    def answers(self, packet):
        if packet.name in ("PUBLISH", "SUBSCRIBE") and not self.answered:
            for _ in range(BEHIND):
                self.peer.send_message(0)
            self.answered = True
        return False

    def has_answered(self):
        """All of it is with the Client, whether it has read it or not."""
        return self.answered and not self.peer.wire


class Crowd(Mood):
    def __init__(self, peer):
        super().__init__(peer)
        for _ in range(CROWD):
            peer.send_message(peer.below(2))

    def traffic(self):
        return True


class Unanswered(Mood):
    def answers(self, packet):
        return packet.name == "PUBLISH"


MOODS = {"silence": Silence, "stuck": Stuck, "flood": Flood, "pubrec": Pubrec, "full": Full, "behind": Behind, "crowd": Crowd,
         "unanswered": Unanswered, "fine": lambda peer: None}
