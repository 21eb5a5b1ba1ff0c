# needs: faults
# A thread that does not get its turn: what it holds up, and what it does not.

import _thread
import errno
import time

import faults
from check import test, same, raises_errno, run
from host import Server


@test
def disconnect_waits_for_a_late_thread_but_not_for_those_of_the_next_connection():
    server = Server()
    client = server.connected("me")
    ended = []

    def wait(name, is_late):
        if is_late:
            faults.late(1)
        try:
            client.wait_msg()
        except OSError:
            pass
        same(faults.end(), is_late)
        ended.append(name)

    def disconnect():
        client.disconnect()
        ended.append("disconnect")

    _thread.start_new_thread(wait, ("late", True))
    time.sleep_ms(200)
    _thread.start_new_thread(disconnect, ())
    server.gone(1)
    # While the late one still sleeps on the first connection.
    client.connect(timeout=5)
    _thread.start_new_thread(wait, ("next", False))
    while len(ended) < 2:
        time.sleep_ms(10)
    same(sorted(ended), ["disconnect", "late"])
    client.publish("t", "m", qos=1)
    same([one[1] for one in server.connections()], ["fin", "-"])
    server.send("3004" "000174" "6d")
    while len(ended) < 3:
        time.sleep_ms(10)


@test
def connect_is_refused_while_another_thread_waits_in_connect_for_a_late_one():
    server = Server()
    client = server.connected("me")
    ended = []

    def wait():
        faults.late(1)
        try:
            client.wait_msg()
        except OSError:
            pass
        same(faults.end(), True)
        ended.append("late")

    def connect():
        client.connect(timeout=5)
        ended.append("connect")

    _thread.start_new_thread(wait, ())
    time.sleep_ms(200)
    _thread.start_new_thread(connect, ())
    server.gone(1)
    raises_errno(errno.EALREADY, client.connect, timeout=5)
    same(ended, [])
    while len(ended) < 2:
        time.sleep_ms(10)
    same(len(server.connections()), 2)
    client.publish("t", "m", qos=1)


run()
