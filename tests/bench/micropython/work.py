# One measurement of one contender, on the Unix port and on a board alike:
#   import work; work.main("umqtt publish0 192.0.2.1 1883 16 0 200 100")
#
# The words: contender, what, address, port, octets of payload, count, milliseconds, batch. With a count it does so many,
# neither more nor less, for what is counted from outside (instructions, system calls). With count 0 it goes on in batches
# until the time is up, and prints "RESULT number microseconds". What begins with "heap" prints "RESULT octets".

import gc
import time

import clients


def main(line):
    words = line.split()
    name, what, host = words[:3]
    port, size, count, ms, batch = [int(word) for word in words[3:]]
    contender = __import__("contender_" + name)
    if what.startswith("heap"):
        import heap
        print("RESULT", getattr(heap, what)(contender, host, port, size, count))
        return
    if hasattr(contender, what):
        run, delivered = getattr(contender, what)(host, port, size, count)
    else:
        run, delivered = getattr(clients, what)(contender, host, port, size, count)
    gc.collect()
    if count:
        run(count)
        delivered(count)
        return
    run(1)
    done = 0
    begin = time.ticks_us()
    while True:
        run(batch)
        done += batch
        spent = time.ticks_diff(time.ticks_us(), begin)
        if spent >= ms * 1000:
            break
    # One was before the beginning.
    print("RESULT", delivered(done + 1) - 1, spent)
