# needs: faults
# A MemoryError at every allocation in turn, at every point of every method.

import faults
from check import case, test, same, run
from faulty import ACTIONS, TLS_ACTIONS, each_point


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


for name, options, before, action in ACTIONS:
    cases(name + "_without_memory_for", options, before, action, faults.allocation, MemoryError)
for name, options, before, action in TLS_ACTIONS:
    # MicroPython's TLS has an OSError of its own for what its memory did not suffice for, and a ValueError for a certificate.
    wide = (MemoryError, OSError, ValueError)
    cases(name + "_without_memory_for", options, before, action, faults.allocation, wide)
    cases(name + "_without_memory_of_the_library_for", options, before, action, faults.library, wide)

run()
