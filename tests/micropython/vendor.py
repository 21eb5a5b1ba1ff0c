# needs: manners
# The module in a port with the vendor's manners (micropython/manners): it sleeps, threads go on, and nothing of the system's is lost.

import _thread
import gc
import time

import manners
import micropython
from check import test, same, run
from host import Server, broker_client
from umqtt import MQTTClient

# Naps are 10 ms, once nothing has come for a while; after each the socket is tried, by a poll and perhaps a read.
TRIES_A_SECOND = 2 * 100
MESSAGE = "3003000174"


def in_thread(function, stack=0):
    # Runs it in a thread with so much stack: what it returned or raised.
    outcome = []

    def begin():
        try:
            outcome.append(function())
        except BaseException as error:
            outcome.append(error)

    _thread.stack_size(stack)
    _thread.start_new_thread(begin, ())
    _thread.stack_size(0)
    return outcome


def until(condition):
    while not condition():
        time.sleep_ms(5)


@test
def idle_wait_msg_sleeps_and_threads_go_on():
    server = Server()
    waiting = server.connected()
    outcome = in_thread(waiting.wait_msg)
    counted = [0]
    ends = []

    def count():
        while not ends:
            counted[0] += 1

    counting = in_thread(count)
    time.sleep_ms(100)
    tries, begun = manners.tries(), time.ticks_ms()
    time.sleep_ms(1000)
    tries, took = manners.tries() - tries, time.ticks_diff(time.ticks_ms(), begun)
    ends.append(True)
    until(lambda: counting)
    server.send(MESSAGE)
    until(lambda: outcome)
    same(outcome, [None])
    if tries > took * TRIES_A_SECOND // 1000 + 10:
        raise AssertionError("%d tries in %d ms" % (tries, took))
    if counted[0] < 100:
        raise AssertionError("another thread went on %d times" % counted[0])
    return "%d tries in %d ms" % (tries, took)


@test
def what_is_here_already_does_not_wait_for_a_nap():
    # Each nap is a try more: were each message to wait for one, there would be hundreds.
    server = Server()
    reading = server.connected()
    got = []
    reading.set_callback(lambda topic, msg: got.append(msg))
    server.send(MESSAGE * 100)
    time.sleep_ms(50)
    tries = manners.tries()
    while len(got) < 100:
        reading.wait_msg()
    tries = manners.tries() - tries
    if tries > 30:
        raise AssertionError("%d tries" % tries)


@test
def dropped_clients_leave_no_mutex():
    MQTTClient("c", "h")
    before = manners.mutexes()
    for _ in range(1000):
        MQTTClient("c", "h")
    gc.collect()
    same(manners.mutexes(), before)


@test
def a_scheduled_function_publishes_while_wait_msg_waits():
    server = Server()
    waiting = server.connected()
    outcomes = []

    def publish(number):
        try:
            waiting.publish("t", str(number))
            outcomes.append(number)
        except Exception as error:
            outcomes.append(error)

    waiting.set_callback(lambda topic, msg: None)
    outcome = in_thread(waiting.wait_msg)
    for number in range(40):
        micropython.schedule(publish, number)
        until(lambda: len(outcomes) > number)
    same(outcomes, list(range(40)))
    server.send(MESSAGE)
    until(lambda: outcome)
    same(outcome, [None])


def work(client):
    # Messages at each qos both ways, one of them as long as a write.
    got = []

    def callback(topic, msg):
        got.append(len(msg))
        if len(got) == 1:
            client.publish("small-stack", "x" * 1300, qos=1)

    client.set_callback(callback)
    client.subscribe("small-stack", 2)
    for qos in range(3):
        client.publish("small-stack", "y" * 600, qos=qos)
    while len(got) < 4:
        client.wait_msg()
    return sorted(got)


@test
def threads_with_8_kib_of_stack_do_all():
    # How deep that goes is stated in docs/porting.md.
    depth = []

    def all_of_it():
        same(work(broker_client("small-stack")), [600, 600, 600, 1300])

    outcome = in_thread(lambda: depth.append(manners.depth(all_of_it)), 8 * 1024)
    until(lambda: outcome)
    same(outcome, [None])
    return "%d octets deep" % depth[0]


@test
def a_stack_that_is_too_small_is_a_runtime_error():
    publishing = broker_client("too-small")
    raised = []

    def deeper(depth):
        # Each level has less left for the method.
        try:
            publishing.publish("deep", "x" * 1300, qos=1)
        except RuntimeError:
            raised.append(depth)
            return
        deeper(depth + 1)

    outcome = in_thread(lambda: deeper(0), 8 * 1024)
    until(lambda: outcome)
    same(outcome, [None])
    same(len(raised), 1)
    publishing.publish("deep", "usable", qos=1)


run()
