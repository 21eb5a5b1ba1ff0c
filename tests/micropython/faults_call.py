# needs: faults
# An error from each call of the socket in turn, at every point of every method; or Ctrl-C there; or octets one at a time.

import faults
from check import case, test, raises, same, run
from faulty import ACTIONS, TLS_ACTIONS, Bench, each_point

ERRORS = {"EIO": 5, "EINTR": 4, "EAGAIN": 11, "ECONNRESET": 104, "EPIPE": 32, "ENOMEM": 12, "EMFILE": 24, "ENOTCONN": 107}


@test
def the_fault_strikes():
    bench = Bench()
    faults.call(1, ERRORS["EMFILE"], False)
    raises(OSError, bench.connect)
    same(faults.end(), True)
    faults.interrupt(1)
    raises(KeyboardInterrupt, bench.connect)
    same(faults.end(), True)
    bench.connect()


def fails(options, before, action, error, goes_on):
    # ValueError: MicroPython's TLS, for a handshake that broke off.
    points = each_point(options, before, action, lambda k: faults.call(k, error, goes_on), (OSError, ValueError))
    print(points, "calls")


def interrupted(options, before, action):
    points = each_point(options, before, action, faults.interrupt, KeyboardInterrupt, options != {})
    print(points, "points")


def crumbs(options, before, action):
    points = each_point(options, before, action, faults.crumbs, (), options != {})
    print(points, "reads and writes")


for name, options, before, action in ACTIONS + TLS_ACTIONS:
    for error in ERRORS:
        case("%s_with_%s_from_one_call" % (name, error), fails, options, before, action, ERRORS[error], False)
    # What says "not now" for ever waits until the timeout, and tests nothing else.
    case("%s_with_ECONNRESET_from_a_call_on" % name, fails, options, before, action, ERRORS["ECONNRESET"], True)
    case("%s_with_ctrl_c_at_one_point" % name, interrupted, options, before, action)
    case("%s_an_octet_at_a_time" % name, crumbs, options, before, action)


def interrupted_before_the_sleep(options):
    # Nothing comes that would end it.
    bench = Bench(**options)
    bench.connect()
    bench.check_in_step(0)
    for k in range(1, 4):
        # All that was to come has come when this is answered.
        bench.client.ping()
        bench.client.wait_msg()
        faults.interrupt(k)
        raises(KeyboardInterrupt, bench.client.wait_msg)
        same(faults.end(), True)
        bench.check_sound(k)


case("ctrl_c_just_before_wait_msg_sleeps_is_not_lost", interrupted_before_the_sleep, {"keepalive": None})
case("ctrl_c_just_before_wait_msg_sleeps_under_tls_is_not_lost", interrupted_before_the_sleep,
     {"keepalive": None, "mode": "tls", "ssl": True})

run()
