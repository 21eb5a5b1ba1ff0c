# The work of all contenders that have an MQTTClient, loop by loop the same. contender_*.py holds what differs.
#
# Each function gives two: the loop, and what tells how many of them were really done.

import socket

TOPIC = b"bench/t"


def all_done(done):
    return done


def number_of(payload):
    # The peer numbers the messages of a stream.
    number = 0
    for octet in payload[:8]:
        number = number << 8 | octet
    return number


def settle(host, port, count):
    # For exact figures all that is to be received is there before the first look: on a live stream the reads would differ from
    # run to run. The peer does the waiting, since a sleep is many system calls, and not always as many.
    if count:
        sock = socket.socket()
        sock.connect(socket.getaddrinfo(host, port)[0][-1])
        sock.write(b"\x82\x0b\x00\x01\x00\x06settle\x00")
        sock.read(5)
        sock.close()


def publish0(contender, host, port, size, count):
    publish = contender.connected(host, port).publish
    topic, msg = TOPIC, bytes(size)

    def run(n):
        for _ in range(n):
            publish(topic, msg)

    return run, all_done


def publish_at(qos, contender, host, port, size):
    publish = contender.connected(host, port).publish
    topic, msg = TOPIC, bytes(size)

    def run(n):
        for _ in range(n):
            publish(topic, msg, False, qos)

    return run, all_done


def publish1(contender, host, port, size, count):
    return publish_at(1, contender, host, port, size)


def publish2(contender, host, port, size, count):
    return publish_at(2, contender, host, port, size)


def subscribed(contender, host, port, size, count):
    client = contender.connected(host, port)
    contender.subscribe(client, b"%d/%d" % (size, count))
    settle(host, port, count)
    return client


def receive(client, receive_one, count):
    def run(n):
        for _ in range(n):
            receive_one()

    def delivered(done):
        # The next message has the number of those before it. After a stream with an end there must be none.
        last = []
        client.set_callback(lambda topic, msg, *more: last.append(number_of(msg)))
        if count:
            client.check_msg()
            if last:
                raise Exception("messages are left over")
            return done
        while not last:
            client.wait_msg()
        return last[0]

    return run, delivered


def receive_wait(contender, host, port, size, count):
    client = subscribed(contender, host, port, size, count)
    return receive(client, client.wait_msg, count)


def receive_check(contender, host, port, size, count):
    client = subscribed(contender, host, port, size, count)
    return receive(client, client.check_msg, count)


def idle(contender, host, port, size, count):
    check_msg = contender.connected(host, port).check_msg

    def run(n):
        for _ in range(n):
            check_msg()

    return run, all_done


def echo(contender, host, port, size, count):
    client = contender.connected(host, port)
    contender.subscribe(client, b"echo")
    publish, wait_msg = client.publish, client.wait_msg
    topic, msg = b"echo", bytes(size)

    def run(n):
        for _ in range(n):
            publish(topic, msg)
            wait_msg()

    return run, all_done
