# needs: faults
# A MemoryError at every allocation in turn, at every point of every method.

import faults
from check import case, test, same, run
from faulty import ACTIONS, LONG, SHORT, TLS_ACTIONS, Bench, each_point, message


@test
def the_fault_strikes():
    faults.allocation(1, False)
    try:
        made = bytearray(1)
    except MemoryError:
        made = None
    same((made, bytearray(2), faults.end()), (None, b"\0\0", True))


def fails(options, before, action, fault, goes_on, allowed):
    points = each_point(options, before, action, lambda k: fault(k, goes_on), allowed, fault == faults.library)
    print(points, "points")


def cases(name, options, before, action, fault, allowed):
    case(name + "_one_allocation", fails, options, before, action, fault, False, allowed)
    case(name + "_an_allocation_and_all_after_it", fails, options, before, action, fault, True, allowed)


def acknowledged(bench, qos):
    # A message from the queue may be delivered with the answer to the first of these, the answer to the second comes behind it.
    for _ in range(2):
        bench.client.publish("t", "end", qos=1)
    ack = ("4002%04x", "5002%04x")[qos - 1] % (qos + 100)
    return ack in [packet.hex for packet in bench.server.log()]


def acknowledges_what_it_delivers(qos, payload, is_queued):
    # With is_queued the message comes while a callback publishes.
    due = message(qos, b"t", payload)
    seen = [False]

    def callback(topic, msg):
        if msg == payload:
            seen[0] = True
        else:
            bench.callback(topic, msg)

    k, struck = 0, True
    while struck:
        k += 1
        bench = Bench("PUBLISH.1=%s*" % due if is_queued else "me")
        bench.client.set_callback(callback)
        bench.connect()
        bench.server.send(message(0, b"ask", b"?") if is_queued else due)
        seen[0] = False
        faults.allocation(k, False)
        try:
            while not seen[0]:
                bench.client.wait_msg()
        except MemoryError:
            pass
        struck = faults.end()
        # What waits in the queue is delivered here.
        same((k, acknowledged(bench, qos)), (k, seen[0]))
        if not seen[0]:
            # Then the Server may send it again, and it is delivered.
            bench.server.send("3%x" % (8 + 2 * qos) + due[2:])
            while not seen[0]:
                bench.client.wait_msg()
            same((k, acknowledged(bench, qos)), (k, True))
    same(k > 2, True)


for qos in (1, 2):
    for size, payload in (("short", SHORT), ("long", LONG)):
        for place, is_queued in (("", False), ("_while_the_callback_publishes", True)):
            name = "a_%s_message_at_qos_%d%s_is_acknowledged_if_there_was_memory" % (size, qos, place)
            case(name, acknowledges_what_it_delivers, qos, payload, is_queued)

for name, options, before, action in ACTIONS:
    cases(name + "_without_memory_for", options, before, action, faults.allocation, MemoryError)
for name, options, before, action in TLS_ACTIONS:
    # MicroPython's TLS has an OSError of its own for what its memory did not suffice for, and a ValueError for a certificate.
    wide = (MemoryError, OSError, ValueError)
    cases(name + "_without_memory_for", options, before, action, faults.allocation, wide)
    cases(name + "_without_memory_of_the_library_for", options, before, action, faults.library, wide)

run()
