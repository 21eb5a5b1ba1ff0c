# One measurement of one contender on a board:
#   import on_board; on_board.instructions("umqtt", "publish0", "10.0.2.2", 1883, 16, 1000)
#
# Each prints "RESULT number".

import gc
import time

import ec100y
import heap
import micropython
import uctypes

WARM = 5
# Left unpainted, for the frames of painting itself.
MARGIN = 256
PAINT = 0xA5


def instructions(contender, what, host, port, size, count):
    # QEMU lets a nanosecond pass with each instruction. What passes while the processor sleeps is none. Without interruption by
    # the collector: what it does depends on everything else that is on the heap.
    run, delivered = heap.made(what, __import__("contender_" + contender), host, port, size, WARM + count)
    run(WARM)
    gc.collect()
    gc.disable()
    idle, begin = ec100y.idle_us(), time.ticks_us()
    run(count)
    spent = time.ticks_diff(time.ticks_us(), begin) - (ec100y.idle_us() - idle)
    gc.enable()
    delivered(WARM + count)
    print("RESULT", spent * 1000 / count)


def octets(contender, what, host, port, size):
    print("RESULT", getattr(heap, what)(__import__("contender_" + contender), host, port, size, 50))


def stack(contender, what, host, port, size, count, bottom, top):
    # How far below the stack pointer with which a loop calls a function in C the stack was written to, by so many rounds of the
    # loop. `bottom` and `top` are where the stack lies.
    run, delivered = heap.made(what, __import__("contender_" + contender), host, port, size, WARM + count)
    run(WARM)
    gc.collect()
    gc.disable()
    used = written(run, count, bottom, top) - called_at(count)
    gc.enable()
    delivered(WARM + count)
    print("RESULT", used)


def called_at(count):
    # The stack pointer's depth where a loop calls; `run` is as deep here as it is in `written`.
    levels = [0]

    def run(n):
        for _ in range(n):
            levels[0] = micropython.stack_use()

    run(count)
    return levels[0]


def written(run, count, bottom, top):
    free = uctypes.bytearray_at(bottom, top - bottom - micropython.stack_use() - MARGIN)
    free[:] = bytes([PAINT]) * len(free)
    run(count)
    at = 0
    while at < len(free) and free[at] == PAINT:
        at += 1
    if at == len(free):
        raise Exception("nothing was written to")
    return top - bottom - at
