# Octets of MicroPython's heap: what a call takes, what a connected client takes, whether it grows.

import gc

import clients


def taken_by(run, count):
    # By so many calls, nothing of it given back meanwhile.
    run(3)
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    run(count)
    taken = gc.mem_alloc() - before
    gc.enable()
    return taken


def cost(size):
    # What the port takes for a bytes object of that size.
    source = memoryview(bytearray(size))

    def run(n):
        for _ in range(n):
            bytes(source)

    return taken_by(run, 50) // 50


def per_call(made, count):
    # The loop's own octets (its iterator, say) are there in a loop of any length.
    run = made[0]
    return (taken_by(run, 2 * count) - taken_by(run, count)) // count


def made(what, contender, *place):
    if hasattr(contender, what):
        return getattr(contender, what)(*place)
    return getattr(clients, what)(contender, *place)


def heap_publish0(contender, host, port, size, count):
    return per_call(made("publish0", contender, host, port, size, 0), count)


def heap_publish1(contender, host, port, size, count):
    return per_call(made("publish1", contender, host, port, size, 0), count)


def heap_publish2(contender, host, port, size, count):
    return per_call(made("publish2", contender, host, port, size, 0), count)


def heap_receive(contender, host, port, size, count):
    # Beyond the two objects that the callback gets.
    receiving = made("receive_wait", contender, host, port, size, 3 * count + 6)
    return per_call(receiving, count) - cost(len(clients.TOPIC)) - cost(size)


def heap_idle(contender, host, port, size, count):
    return per_call(made("idle", contender, host, port, size, 0), count)


def heap_connected(contender, host, port, size, count):
    # The first one has the port make what it makes only once.
    opened = getattr(contender, "connected", None) or contender.opened
    opened(host, port)
    gc.collect()
    before = gc.mem_alloc()
    client = opened(host, port)
    gc.collect()
    taken = gc.mem_alloc() - before
    # Alive until here.
    return taken if client else None


def resident():
    # Pages in memory, where there is such a thing.
    try:
        with open("/proc/self/statm") as status:
            return int(status.read().split()[1])
    except OSError:
        return 0


def heap_growth(contender, host, port, size, count):
    # Octets of heap, and of resident memory, that nine tenths of so many messages add to what the first tenth took.
    run = made("receive_wait", contender, host, port, size, 0)[0]
    heap, pages = grown(run, count // 10)
    heap_after, pages_after = grown(run, count - count // 10)
    return "%d %d" % (heap_after - heap, 4096 * (pages_after - pages))


def grown(run, count):
    run(count)
    pages = resident()
    gc.collect()
    return gc.mem_alloc(), pages
