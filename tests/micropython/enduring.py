# What the tests of many rounds share: numbers like chance, memory that is looked at, a client that is interrupted.

import gc

import check
import target
from host import ON_BOARD, SMALL, WHO, Server, ask, manners
from process import descriptors, until_interrupted

ROUNDS = 1000 if SMALL else 10000
if not target.SOAK:
    ROUNDS = 40 if SMALL else 200
SAMPLES = 20
LONG = 2000


class Chance:
    # Numbers that look like chance, the same for the same seed. All fit into a small int of 31 bits.
    def __init__(self, seed):
        self.state = seed % 65536

    def below(self, end):
        self.state = (self.state * 75 + 74) % 65537
        return self.state % end


class Memory:
    # What the process has of each kind, looked at now and again.
    def __init__(self, longest):
        self.first = self.most = None
        # What the collector may take a stray word on the stack for: the last message.
        self.stray = longest + 512
        if not ON_BOARD:
            # The system gives a process its memory when it is first written to: now, and not bit by bit.
            gc.collect()
            bytearray(gc.mem_free() // 4 * 3)
            # So that what is lost is found in this heap, too, which is large.
            gc.threshold(1 << 16)

    def look(self):
        gc.collect()
        now = [gc.mem_alloc()]
        if not ON_BOARD:
            # Of a network that is in the process, too, its buffers are no matter.
            now += [0 if manners else int(ask("resident", WHO)[0]), descriptors()]
        self.first = self.first or now
        self.most = [max(pair) for pair in zip(self.most or now, now)]

    def look_sometimes(self, number, count):
        # Not from the first on: a port's own tables grow while they are new.
        every = max(1, count // SAMPLES)
        if number % every == every - 1:
            self.look()

    def grown(self):
        # Fails if it is not flat.
        grown = [most - first for most, first in zip(self.most, self.first)]
        if grown[0] > self.stray or not ON_BOARD and (grown[1] > 128 << 10 or grown[2] != 0):
            raise AssertionError("of %s grown by %s: heap, resident memory, descriptors" % (self.first, grown))
        return "heap +%d" % grown[0] + ("" if ON_BOARD else ", resident +%d, descriptors +%d" % tuple(grown[1:]))


# A short message at qos 0 and 1, a long one at qos 2.
DUE = ("3005" "000175" "6d6d", "3206" "000175" "0007" "6d", "34d50f" "000175" "0007" "6d{2000}")


class Mishap(Exception):
    pass


class Interrupted:
    # The most that a stray word may keep: a message.
    kept = LONG

    # A client that is interrupted in some way again and again, and the Server that sends back what it gets.
    def __init__(self):
        self.server = Server()
        self.last, self.raises = None, False
        self.client = self.make("PUBLISH=*&")
        self.client.set_callback(self.callback)
        self.client.connect(timeout=30)
        self.chance = Chance(target.SEED)

    def make(self, plan):
        return self.server.client(plan)

    def callback(self, topic, msg):
        self.last = msg
        if self.raises:
            self.raises = False
            raise Mishap

    def work(self):
        # Without end, until it is interrupted.
        chance, client, long = self.chance, self.client, bytes(LONG)
        while True:
            client.publish("t", "m" if chance.below(2) else long, False, chance.below(3))
            client.check_msg() if chance.below(2) else client.wait_msg()

    def ctrl_c(self):
        until_interrupted(self.work, 50 + self.chance.below(8))

    def exception(self):
        self.raises = True
        try:
            self.work()
        except Mishap:
            return

    def no_memory(self):
        from micropython import heap_lock, heap_unlock
        self.server.send(DUE[self.chance.below(3)])
        heap_lock()
        try:
            while True:
                self.client.wait_msg()
        except MemoryError:
            return
        finally:
            heap_unlock()

    def broken(self):
        # In the middle of what was under way. The Server forgets what it has not released, so the client has to, too, in the end.
        self.exception()
        self.client.connect(self.chance.below(2) == 0, timeout=30)

    def check_in_step(self, mark):
        for qos in (1, 2):
            msg = b"%d, %d" % (mark, qos)
            self.client.publish("t", msg, False, qos)
            while self.last != msg:
                self.client.wait_msg()


def interruptions(make, kinds, count):
    one = make()
    memory = Memory(one.kept)
    if "no_memory" in kinds:
        try:
            from micropython import heap_lock
        except ImportError:
            check.skip("no heap_lock")
    for number in range(count):
        getattr(one, kinds[one.chance.below(len(kinds))])()
        one.check_in_step(number)
        memory.look_sometimes(number, count)
    # The Server ends a connection with an error when something comes out of step. Its own calls may find it broken, too.
    check.same([ended for octets, ended, name in one.server.connections() if ended.startswith("error") and "Errno" not in ended], [])
    return "(seed %d: %d rounds, %s)" % (target.SEED, count, memory.grown())
