# needs: unix
# Random calls from several threads: one receives, some publish, one ends the connection now and then.
#
# There may be no GIL: what the threads share is changed under a lock.

import _thread
import errno
import sys
import time

import target
from check import case, run
from host import SMALL
from random_calls import PUBLISH, PUBLISHED, Chance, Player, rounds
from random_content import payload_of, sizes, topic_of
from random_kinds import BREAKS, SERVER, TLS

COUNT, CALLS = 3, 20 if SMALL else 60
if target.SOAK:
    COUNT *= 40
PUBLISHERS = 3


class Thread:
    # A thread that can be joined, and that keeps what was raised in it.
    def __init__(self, player, function, *arguments):
        self.player, self.function, self.arguments, self.error = player, function, arguments, None
        self.running = _thread.allocate_lock()
        self.running.acquire()
        _thread.start_new_thread(self.run, ())

    def run(self):
        try:
            self.function(*self.arguments)
        except BaseException as error:
            # Shown at once: another thread may now wait in vain, until the limit.
            sys.print_exception(error)
            self.error = error
            self.player.failed = True
        self.running.release()

    def join(self):
        self.running.acquire()
        if self.error:
            raise self.error


class Threads(Player):
    calls_back = 6
    longest = 2000 if SMALL else 20000
    ends = 0            # a thread ends the connection now and then
    publishing = 0
    failed = False

    def __init__(self, *arguments):
        self.lock = _thread.allocate_lock()
        super().__init__(*arguments)

    def note(self, kind, *more):
        with self.lock:
            super().note(kind, *more)

    def shorten(self, sock):
        try:
            super().shorten(sock)
        except OSError as error:
            # Another thread has found the link broken.
            if error.args[0] != errno.EBADF:
                raise

    def still_there(self, outcome):
        return outcome in (0, 110) or outcome >= 1000

    def publish_by(self, chance, qos):
        # As publish(), by a thread with a chance of its own.
        with self.lock:
            self.number += 1
            number = self.number
        lengths = sizes(chance.below, self.longest)
        attempt = self.attempt
        self.note(PUBLISH, number, qos)
        outcome = self.call(self.client.publish, topic_of(b"c", number, *lengths), payload_of(number, *lengths), False, qos)
        # On which connection, only if there was one all the time.
        self.note(PUBLISHED, number, outcome, attempt if attempt == self.attempt else 0)
        return outcome

    def publish(self, qos):
        return self.publish_by(self.chance, qos)

    def keep_publishing(self, seed):
        try:
            self.publish_all(Chance(seed))
        finally:
            with self.lock:
                self.publishing -= 1

    def publish_all(self, chance):
        for _ in range(self.calls):
            kind = chance.below(12)
            if kind < 9:
                self.publish_by(chance, kind % 3)
            elif kind == 9:
                self.call(self.client.check_msg)
            elif kind == 10:
                self.call(self.client.subscribe, "filter", chance.below(3))
            else:
                self.call(self.client.ping)
            while not self.is_connected and not self.failed:
                time.sleep_ms(1)

    def keep_ending(self, seed):
        chance = Chance(seed)
        while self.publishing and not self.failed:
            time.sleep_ms(chance.below(60))
            if self.ends and chance.below(2) or not self.is_connected:
                if chance.below(2):
                    self.disconnect()
                self.connect_surely(False if self.kept else None)

    def play(self, calls):
        self.calls = calls
        self.connect_surely(True)
        if self.kept:
            self.disconnect()
            self.connect_surely(False)
        seed = self.chance.below(60000)
        self.publishing = PUBLISHERS
        threads = [Thread(self, self.keep_publishing, seed + number) for number in range(PUBLISHERS)]
        threads.append(Thread(self, self.keep_ending, seed + PUBLISHERS))
        while self.publishing and not self.failed:
            self.call(self.client.wait_msg if self.chance.below(3) else self.client.check_msg)
            if not self.is_connected:
                time.sleep_ms(1)
        for thread in threads:
            thread.join()
        self.finish()
        return self.judge()


class Kept(Threads):
    kept = 1


class Ending(Threads):
    ends = 1


class EndingKept(Kept):
    ends = 1


ENDS = {"threads": 1}
ENDS.update(SERVER)
CUTS = {"threads": 1}
CUTS.update(BREAKS)
CUTS["breaks"] = 1
for name, make, options in (("threads_on_one_connection", Threads, SERVER),
                            ("threads_whose_connection_is_ended", Ending, ENDS),
                            ("threads_over_links_that_break", Kept, CUTS),
                            ("threads_over_links_that_break_and_are_ended", EndingKept, CUTS)):
    case(name, rounds, make, COUNT, CALLS, options)
    case(name + "_under_tls", rounds, make, max(1, COUNT // 3), CALLS, options, TLS)

run()
