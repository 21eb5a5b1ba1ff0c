"""What must have come of a round of the random tests: the Server's ledger and the device's diary, held against each other.

What is not promised is not asked for: a message at QoS 0 on a link that was cut, one of a session that a Client has ended. With
the option "loose" interrupts and a full heap may have cost messages on their way to the callback, but never repeat or change one.
"""

import errno
import threading

# The entries of the diary and the outcomes of calls: random_calls.py.
KINDS = ["DELIVERED", "RETURNED", "RAISED", "PUBLISH", "PUBLISHED", "CONNECT", "CONNECTED", "DISCONNECT", "DISCONNECTED", "FAILED",
         "LATE", "REBOOT", "DISCARD", "GROWN"]
REFUSED, ILLEGAL, MISHAP, INTERRUPTED, NO_MEMORY, BUSY, CHANGED = range(1000, 1007)
OUTCOMES = {ILLEGAL: "an MQTTException that blames the Server", MISHAP: "the callback's exception", BUSY: "RuntimeError",
            INTERRUPTED: "KeyboardInterrupt", NO_MEMORY: "MemoryError", REFUSED: "an MQTTException with a number",
            CHANGED: "ValueError"}


def outcome(code):
    return OUTCOMES.get(code) or errno.errorcode.get(code, str(code))


class Down:
    """A message of the Server's."""

    def __init__(self, number, qos, lengths, link):
        self.number, self.qos, self.lengths, self.link = number, qos, lengths, link
        self.acknowledged, self.delivered, self.returned, self.raised = 0, 0, 0, 0
        # Position in the ledger of the first PUBACK.
        self.puback = None


class Up:
    """A message of the Client's."""

    def __init__(self, number, qos):
        self.number, self.qos = number, qos
        self.arrivals, self.count, self.acknowledged = [], 0, False
        # Positions in the ledger: of its arrival, of the first and last PUBREC for it.
        self.first_arrival = None
        self.first_pubrec = self.last_pubrec = None
        # The connection on which it was first answered.
        self.answered_on = None


class Link:
    """One connection on which a CONNECT has come."""

    def __init__(self, attempt, says, clean, present, era):
        self.attempt, self.says, self.clean, self.present, self.era = attempt, says, clean, present, era
        self.graceful, self.cut, self.ended, self.pings = False, False, None, 0
        # What the Client sent, in order: ("PUBLISH", Up, identifier, dup) and ("PUBREL", Up).
        self.log = []
        self.sent_at_most_once = []


class Ledger:
    """The records, written by the Server's threads, and the verdict."""

    def __init__(self, option):
        self.option, self.links, self.downs, self.ups = option, [], {}, {}
        self.complaints, self.cuts, self.last_number, self.position = [], 0, 0, 0
        # Messages that grew, the connections on which they did, and those that this ended. The connection on which each was forgotten.
        self.grown, self.growth, self.changed, self.forgotten = set(), set(), set(), {}
        self.lock = threading.Lock()

    def complain(self, text):
        self.complaints.append(text)

    def next_number(self):
        with self.lock:
            self.last_number += 1
            return self.last_number

    def next_position(self):
        self.position += 1
        return self.position

    def connected(self, attempt, says, clean, present, era):
        self.links.append(Link(attempt, says, clean, present, era))
        return self.links[-1]

    def sending(self, link, qos, lengths, number=None):
        number = number or self.next_number()
        message = self.downs[number] = Down(number, qos, lengths, link)
        if qos == 0:
            link.sent_at_most_once.append(message)
        return message

    def acknowledged(self, message, qos):
        if message.qos != qos:
            self.complain("message %d at QoS %d was acknowledged as one at QoS %d" % (message.number, message.qos, qos))
        message.acknowledged += 1
        message.puback = message.puback or self.next_position()

    def arrived(self, link, number, qos, identifier, dup, is_new):
        up = self.ups.setdefault(number, Up(number, qos))
        if up.qos != qos:
            self.complain("message %d came at QoS %d and at QoS %d" % (number, up.qos, qos))
        if up.arrivals:
            last_link, last_identifier = up.arrivals[-1]
            if link is last_link or qos == 0:
                self.complain("message %d came twice on one connection, or at QoS 0" % number)
            if not dup or identifier != last_identifier:
                self.complain("message %d came again as %s with DUP %d, before as %s" % (
                    number, identifier.hex(), dup, last_identifier.hex()))
        up.arrivals.append((link, identifier))
        up.first_arrival = up.first_arrival or self.next_position()
        up.count += is_new
        link.log.append(("PUBLISH", up, dup))
        return up

    def answered(self, up, link):
        up.answered_on = up.answered_on or link

    def pubrec_sent(self, up, link):
        self.answered(up, link)
        up.last_pubrec = self.next_position()
        up.first_pubrec = up.first_pubrec or up.last_pubrec

    def released(self, link, number):
        up = self.ups.get(number)
        if up:
            link.log.append(("PUBREL", up, False))
        return up

    # The verdict

    def verdict(self, diary, session, marker):
        """The figures, then a line for each complaint."""
        entries = self.entries(diary)
        for link in self.links:
            if link.ended is None:
                self.complain("connection %d has not ended" % link.attempt)
        self.note_changes(entries)
        self.check_calls(entries)
        self.check_deliveries(entries, marker)
        self.check_completeness(session, marker)
        self.check_published(entries)
        self.check_resumed(entries)
        return self.lines()

    @staticmethod
    def entries(diary):
        return [(KINDS[diary[at]], *diary[at + 1:at + 4]) for at in range(0, len(diary), 4)]

    def lines(self):
        figures = "%d %d %d %d" % (sum(down.delivered for down in self.downs.values()), len(self.ups), len(self.links), self.cuts)
        return [figures] + self.complaints[:12]

    def link_of(self, attempt):
        return next((link for link in self.links if link.attempt == attempt), None)

    def note_changes(self, entries):
        """What the device did to messages on their way: they grew, or were forgotten."""
        pending = set()
        for kind, one, two, _ in entries:
            if kind == "PUBLISH":
                pending.add(one)
            elif kind == "PUBLISHED" and two == 0:
                pending.discard(one)
            elif kind == "DISCARD":
                for number in [two] if two else pending:
                    self.forgotten.setdefault(number, one)
            elif kind == "GROWN":
                self.grown.add(one)
                self.growth.add(two)
            elif kind == "FAILED" and one == CHANGED and self.grown:
                self.changed.add(two)

    def is_cut(self, attempt):
        link = self.link_of(attempt)
        return attempt in self.changed or self.option["faulty"] > 0 or (link.cut if link else self.option["breaks"] > 0)

    def check_calls(self, entries):
        """Each call came to its end, and raised nothing but what it may."""
        left = set()
        for kind, one, two, three in entries:
            if kind == "LATE":
                self.complain("a call took %d ms, its limit is %d" % (one, two))
            elif kind == "CONNECT":
                self.check_introduction(one, three)
            elif kind == "DISCONNECT":
                left.add(one)
            elif kind == "DISCONNECTED" and two == 0 and not self.is_cut(one):
                self.check_farewell(one)
            elif kind == "FAILED" and not self.is_excused(one, two, two in left) and not self.is_behind_copies(one, two, three):
                self.complain("a call raised %s on connection %d" % (outcome(one), two))

    def is_excused(self, code, attempt, has_left):
        if code in (REFUSED, MISHAP) or self.option["illegal"] and code <= ILLEGAL:
            return True
        if code in (INTERRUPTED, NO_MEMORY):
            return self.option["loose"] > 0
        if code == errno.EAGAIN and self.option["begun"]:
            return True
        if code == errno.ETIMEDOUT and self.option["impatient"]:
            return True
        if code == CHANGED:
            return attempt in self.changed
        return code < REFUSED and (has_left or self.option["threads"] > 0 or self.is_cut(attempt))

    def is_behind_copies(self, code, attempt, depth):
        """A callback's call whose answer may lie behind UMQTT_KEPT octets: each connection of a session that goes on brings copies of
        what was kept on the one before."""
        link = self.link_of(attempt)
        return code == errno.ETIMEDOUT and depth > 0 and link is not None and link.present and not link.clean

    def check_introduction(self, attempt, says):
        link = self.link_of(attempt)
        if link and link.says != says:
            self.complain("CONNECT of connection %d has fields %d, not %d" % (attempt, link.says, says))

    def check_farewell(self, attempt):
        if attempt in self.growth:
            # The packet that had begun could not be ended, and nothing may come in its middle.
            return
        link = self.link_of(attempt)
        if link is None or not link.graceful or link.ended != "fin":
            self.complain("disconnect() ended connection %d so: DISCONNECT %s, %s" % (
                attempt, "came" if link and link.graceful else "did not come", link and link.ended))

    def check_deliveries(self, entries, marker):
        """In order, not too often, acknowledged when the callback had returned and not before."""
        last = 0
        for kind, number, _, _ in entries:
            if kind not in ("DELIVERED", "RETURNED", "RAISED"):
                continue
            message = self.downs.get(number)
            if message is None:
                self.complain("message %d was delivered and never sent" % number)
                continue
            message.returned += kind == "RETURNED"
            message.raised += kind == "RAISED"
            if kind == "DELIVERED":
                message.delivered += 1
                # The number of the last one is given out before the Server has stopped sending others.
                if message.delivered == 1 and number < last and number != marker and not self.option["loose"]:
                    self.complain("message %d was delivered after message %d" % (number, last))
                last = max(last, number)
        for message in self.downs.values():
            if message.qos != 1 and message.delivered > 1 and not self.option["reboots"]:
                self.complain("message %d at QoS %d was delivered %d times" % (message.number, message.qos, message.delivered))
            if message.qos == 1 and message.acknowledged > message.returned:
                self.complain("message %d was delivered %d times, its callback returned %d times, %d PUBACK came" % (
                    message.number, message.delivered, message.returned, message.acknowledged))

    def check_completeness(self, session, marker):
        """All of the last session has arrived, and on each connection what came at QoS 0 has no holes."""
        if self.option["loose"]:
            return
        for link in self.links:
            counts = [message.delivered > 0 for message in link.sent_at_most_once]
            if link is self.links[-1] and not all(counts) or counts != sorted(counts, reverse=True):
                self.complain("on connection %d these messages at QoS 0 were not delivered: %s" % (
                    link.attempt, [message.number for message in link.sent_at_most_once if not message.delivered][:9]))
        for message in self.downs.values():
            if message.qos and message.link.era == session.era and not message.delivered and message.number <= marker:
                self.complain("message %d at QoS %d was never delivered" % (message.number, message.qos))
        for message, stage, _ in session.outgoing.values():
            if message.qos == 2 or not message.raised:
                self.complain("message %d at QoS %d was not acknowledged in the end, it stands at %s" % (
                    message.number, message.qos, stage))

    def check_published(self, entries):
        """What publish() took has arrived, and is acknowledged if it says so."""
        qos_of, inside = {}, {}
        for kind, number, code, attempt in entries:
            if kind == "PUBLISH":
                qos_of[number], inside[number] = code, attempt
            elif kind == "PUBLISHED" and code == 0:
                up, qos = self.ups.get(number), qos_of[number]
                link = self.link_of(attempt)
                if qos and (up is None or not up.acknowledged):
                    self.complain("publish() of message %d at QoS %d returned, and it has not %s" % (
                        number, qos, "been acknowledged" if up else "arrived"))
                if qos == 2 and up and up.count == 0:
                    self.complain("publish() of message %d at QoS 2 returned, and its identifier was that of another one" % number)
                if qos == 0 and up is None and link and link.graceful and not link.cut:
                    self.complain("message %d at QoS 0 was lost on connection %d, which was ended by disconnect()" % (
                        number, attempt))
                if up and inside[number] in self.downs:
                    self.check_inside(up, self.downs[inside[number]])
        for up in self.ups.values():
            if up.qos == 2 and up.count > 1:
                self.complain("message %d at QoS 2 has arrived %d times" % (up.number, up.count))

    def check_inside(self, up, message):
        """A message that was published within a callback comes before the PUBACK for which the callback had to return."""
        if message.qos == 1 and message.delivered == 1 and message.puback and message.puback < up.first_arrival:
            self.complain("message %d was acknowledged before its callback had returned, in which message %d was published" % (
                message.number, up.number))

    # What goes out again

    def check_resumed(self, entries):
        """Where a session goes on: PUBLISH again in its order, PUBREL in that of PUBREC, before anything new."""
        reboots = {entries[at + 1][1] for at in range(len(entries) - 1) if entries[at][0] == "REBOOT"}
        for at, link in enumerate(self.links):
            before = []
            for earlier in reversed(self.links[:at]):
                if earlier.era != link.era or any(earlier.attempt < reboot <= link.attempt for reboot in reboots):
                    break
                before.append(earlier)
            if before:
                self.check_publishes(before[::-1], link)
                self.check_releases(link)

    def check_publishes(self, before, link):
        waiting = []
        for earlier in before:
            for kind, up, _ in earlier.log:
                if kind == "PUBLISH" and up.qos and up not in waiting and self.is_due_again(up, link):
                    waiting.append(up)
        for kind, up, dup in link.log:
            if self.forgotten.get(up.number, link.attempt) < link.attempt:
                self.complain("%s of message %d went out on connection %d, it was forgotten on %d" % (
                    kind, up.number, link.attempt, self.forgotten[up.number]))
            if kind == "PUBLISH" and up in waiting:
                if up is not waiting[0]:
                    self.complain("message %d went out again before message %d" % (up.number, waiting[0].number))
                waiting.remove(up)
            elif kind == "PUBLISH" and up.qos and not dup and waiting:
                return self.complain("message %d is new, and went out before %s, which are due again on connection %d" % (
                    up.number, [one.number for one in waiting], link.attempt))
        if waiting and link.graceful:
            self.complain("messages %s did not go out again on connection %d" % ([up.number for up in waiting], link.attempt))

    def is_due_again(self, up, link):
        """Whether nothing was sent in answer to it before that link, nor was it given up."""
        if up.number in self.grown or self.forgotten.get(up.number, link.attempt + 1) <= link.attempt:
            return False
        return up.answered_on is None or self.links.index(up.answered_on) >= self.links.index(link)

    def check_releases(self, link):
        again = []
        for kind, up, _ in link.log:
            if kind == "PUBLISH":
                break
            if kind == "PUBREL" and up not in again:
                again.append(up)
        for first, second in zip(again, again[1:]):
            if first.first_pubrec > second.last_pubrec:
                self.complain("PUBREL for message %d went out again before that for message %d, whose PUBREC had come first" % (
                    first.number, second.number))
