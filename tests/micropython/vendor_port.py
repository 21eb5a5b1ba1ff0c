# needs: manners
# The port of micropython/manners has the manners of the vendor's: each row of the table in its README.md.

import _thread
import errno
import gc
import sys
import time

import manners
import micropython
import usocket
from check import test, same, raises, raises_errno, run
from host import WHO, Server, ask
import target

POLL, GET_FILENO = 3, 10
EISCONN = 106
POLL_RD, POLL_WR, POLL_HUP = 1, 4, 0x10
OLD = sys.implementation[1] < (1, 20)
NAME = "broker.test"
CONNECT = b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x00\x00\x02me"


def opened(server, timeout=None):
    sock = usocket.socket()
    sock.connect((target.HOST, server.port))
    sock.settimeout(timeout)
    return sock


def poll(sock, wanted=POLL_RD | POLL_WR | POLL_HUP):
    return manners.ioctl(sock, POLL, wanted)[0]


def until(condition):
    # The runner's limit ends it.
    while not condition():
        time.sleep_ms(5)


def until_readable(sock):
    until(lambda: poll(sock) & POLL_RD)


# Mutexes, threads, memory


@test
def a_mutex_says_0_to_who_gets_it_and_minus_1_to_who_does_not():
    same(manners.mutex_answers(), (0, -1))


@test
def a_lock_of_python_tells_who_has_it():
    lock = _thread.allocate_lock()
    same((lock.acquire(), lock.acquire(0), lock.locked()), (True, False, True))
    lock.release()
    same((lock.acquire(0), lock.locked()), (True, True))


@test
def a_mutex_goes_to_who_has_waited_longest():
    # Were the GIL given to whoever asks first again, the busy threads would keep it from this one.
    ended = []

    def busy(_):
        while not ended:
            pass

    for number in range(3):
        _thread.start_new_thread(busy, (number,))
    for _ in range(50):
        time.sleep_ms(1)
    ended.append(True)


@test
def a_mutex_that_is_not_given_back_stays():
    before = manners.mutexes()
    for _ in range(10):
        _thread.allocate_lock()
    gc.collect()
    same(manners.mutexes() - before, 10)


def deepest(size):
    # How deep a thread with so much stack comes before MicroPython stops it.
    depth, reached = [0], []

    def deeper():
        depth[0] += 1
        deeper()

    def begin():
        try:
            deeper()
        except RuntimeError:
            pass
        reached.append(depth[0])

    _thread.stack_size(size)
    _thread.start_new_thread(begin, ())
    _thread.stack_size(0)
    until(lambda: reached)
    return reached[0]


@test
def a_threads_stack_is_as_small_as_asked_for():
    small, large = deepest(8 * 1024), deepest(32 * 1024)
    if not 2 * small < large < 8 * small:
        raise AssertionError("%d calls in 8 KiB, %d in 32 KiB" % (small, large))
    # 33 KiB for who does not ask.
    default = deepest(0)
    if not large <= default < large * 5 // 4:
        raise AssertionError("%d calls in 32 KiB, %d by default" % (large, default))


@test
def the_heap_has_512_kib():
    gc.collect()
    size = gc.mem_free() + gc.mem_alloc()
    if not 480 * 1024 < size <= 512 * 1024:
        raise AssertionError("%d octets" % size)


# Waiting, and what is pending


@test
def waiting_for_an_event_does_not_wait():
    # The runner's limit would end it.
    for _ in range(100):
        manners.wait(3600000)


@test
def waiting_for_an_event_runs_what_is_pending():
    came = []
    micropython.schedule(came.append, 1)
    until(lambda: manners.wait(1) or came)


@test
def a_sleep_frees_the_gil():
    count, ended = [0], []

    def busy():
        while not ended:
            count[0] += 1

    _thread.start_new_thread(busy, ())
    until(lambda: count[0])
    before = count[0]
    time.sleep_ms(50)
    ended.append(True)
    if count[0] == before:
        raise AssertionError("nobody else ran")


@test
def ctrl_c_ends_the_main_threads_sleep():
    ask("interrupt", WHO, 50)
    raises(KeyboardInterrupt, time.sleep, 3600)


@test
def what_is_scheduled_is_run_by_a_thread_of_its_own_if_nobody_else_does():
    # This thread waits for a lock, and looks for nothing meanwhile.
    lock = _thread.allocate_lock()
    lock.acquire()
    ran = []

    def release(_):
        ran.append(_thread.get_ident())
        lock.release()

    def elsewhere():
        time.sleep_ms(20)
        micropython.schedule(release, 0)

    _thread.start_new_thread(elsewhere, ())
    lock.acquire()
    same(ran[0] == _thread.get_ident(), False)


# Modules and names


@test
def modules_have_the_vendors_names_only():
    import usocket, utime  # noqa: F401
    for name in ("socket", "select", "asyncio", "ssl", "tls"):
        raises(ImportError, __import__, name)


@test
def usocket_does_not_name_tcp_nodelay():
    same(hasattr(usocket, "TCP_NODELAY"), False)


# Names and addresses


@test
def an_address_is_a_tuple():
    found = usocket.getaddrinfo(target.HOST, 1883)
    same((len(found), found[0][1], found[0][4]), (1, usocket.SOCK_STREAM, (target.HOST, 1883)))


@test
def a_name_that_nobody_knows():
    if "empty-list" in manners.names():
        same(usocket.getaddrinfo("nowhere.invalid", 1883), [])
    else:
        raises_errno(-200, usocket.getaddrinfo, "nowhere.invalid", 1883)


# Connecting


@test
def connect_that_does_not_block_is_in_progress():
    sock = usocket.socket()
    sock.setblocking(False)
    raises_errno(0 if "connect-zero" in manners.names() else errno.EINPROGRESS, sock.connect, (target.HOST, Server().port))
    sock.close()


def asked_again(server_is_there):
    sock = usocket.socket()
    sock.setblocking(False)
    port = Server("plain" if server_is_there else "closed").port
    raises(OSError, sock.connect, (target.HOST, port))
    until(lambda: poll(sock, POLL_RD | POLL_WR))
    answers = set()
    for _ in range(3):
        answers.add(raises(OSError, sock.connect, (target.HOST, port)).args[0])
    sock.close()
    return answers


@test
def connect_asked_again_says_the_same_whatever_became_of_it():
    names = manners.names()
    if "connect-by-lwip" in names:
        same(asked_again(True), {EISCONN})
        same(EISCONN in asked_again(False), False)
        return
    answer = EISCONN if "connect-is" in names else errno.EALREADY
    same((asked_again(True), asked_again(False)), ({answer}, {answer}))


@test
def a_refusal_shows_in_poll_and_at_the_first_use_only():
    sock = usocket.socket()
    sock.setblocking(False)
    raises(OSError, sock.connect, (target.HOST, Server("closed").port))
    until(lambda: poll(sock, POLL_RD | POLL_WR))
    same(poll(sock) & POLL_HUP, POLL_HUP)
    # lwIP says once or twice that it was a reset, and then that there is no connection.
    answers = [raises(OSError, sock.read, 1).args[0] for _ in range(4)]
    same((set(answers[:3]) <= {errno.ECONNRESET, 107}, answers[3]), (True, 107))
    sock.close()


@test
def a_read_before_the_connection_stands():
    sock = usocket.socket()
    sock.setblocking(False)
    # Nobody is there who might answer.
    raises(OSError, sock.connect, ("10.0.2.77", 1883))
    if "read-raises" in manners.names():
        raises_errno(errno.EINPROGRESS, manners.read, sock, 1, 0)
    else:
        same(manners.read(sock, 1, 0), (None, errno.EAGAIN))
    sock.close()


# Reading, writing, the end


@test
def nothing_to_read_is_eagain():
    sock = opened(Server(), 0)
    same(manners.read(sock, 1, 0), (None, errno.EAGAIN))
    sock.close()


@test
def the_end_of_the_stream_is_enotconn():
    server = Server()
    sock = opened(server)
    sock.write(CONNECT)
    same(sock.read(4), b"\x20\x02\x00\x00")
    server.send("!")
    sock.setblocking(False)
    until_readable(sock)
    same(manners.read(sock, 1, 0), (None, 107))
    # And after that: in 2021 an error whose number is not set, later an end like any other.
    same(manners.read(sock, 1, 55), (None, 55) if OLD else (b"", 55))
    sock.close()


@test
def octets_are_lost_when_python_reads_more_than_has_come():
    server = Server()
    sock = opened(server)
    sock.write(CONNECT)
    sock.setblocking(False)
    until_readable(sock)
    raises_errno(errno.EAGAIN, sock.read, 100)
    raises_errno(errno.EAGAIN, sock.read, 4)
    sock.close()


@test
def what_is_pending_runs_inside_a_read_that_would_block():
    sock = opened(Server(), 0)
    ran = []
    micropython.schedule(ran.append, 1)
    until(lambda: manners.read(sock, 1, 0) and ran)
    sock.close()


@test
def ctrl_c_comes_out_of_a_read_that_blocks():
    sock = opened(Server())
    ask("interrupt", WHO, 50)
    raises(KeyboardInterrupt, sock.read, 1)
    sock.close()


@test
def a_timeout_is_etimedout():
    sock = opened(Server(), 0.3)
    raises_errno(errno.ETIMEDOUT, sock.read, 1)
    sock.close()


@test
def a_write_that_does_not_fit_is_eagain():
    server = Server("mute")
    sock = opened(server, 0)

    def fill():
        while True:
            sock.write(b"x" * 1000)

    # lwIP takes some octets, then none.
    raises_errno(errno.EAGAIN, fill)
    sock.close()


# TLS


def wrapped(server, **keywords):
    import ussl
    sock = opened(server)
    return ussl.wrap_socket(sock, server_hostname=NAME, **keywords)


@test
def ussl_verifies_nobody():
    # That of a broker whose name is another one.
    import ussl
    sock = usocket.socket()
    sock.connect((target.HOST, target.BROKER_TLS_WRONG_NAME))
    stream = ussl.wrap_socket(sock, server_hostname=NAME)
    stream.write(CONNECT)
    same(stream.read(4), b"\x20\x02\x00\x00")
    stream.close()


@test
def ussl_verifies_who_is_named_by_ca_in_the_later_tree_and_knows_no_cadata():
    raises(TypeError, wrapped, Server("tls"), cadata=target.CA)
    if OLD:
        raises(TypeError, wrapped, Server("tls"), ca=target.CA_PEM)
    else:
        wrapped(Server("tls"), ca=target.CA_PEM + b"\0").close()
        raises(OSError, wrapped, Server("tls"), ca=target.CLIENT_CERT_PEM + b"\0")


@test
def would_block_is_eagain_under_tls_and_minus_eagain_for_who_writes():
    server = Server("tls")
    stream = wrapped(server)
    stream.setblocking(False)
    same(manners.read(stream, 1, 0), (None, errno.EAGAIN))
    stream.close()
    # Who writes first waits for the other side's part of the handshake.
    stream = wrapped(server, do_handshake=False)
    stream.setblocking(False)
    raises_errno(-errno.EAGAIN, stream.write, CONNECT)
    stream.close()


@test
def poll_knows_nothing_of_what_is_decrypted_already():
    server = Server("tls")
    stream = wrapped(server)
    stream.write(CONNECT)
    same(stream.read(2), b"\x20\x02")
    # The rest of the record is in here.
    same(poll(stream, POLL_RD), 0)
    same(stream.read(2), b"\x00\x00")
    stream.close()


# What is not there


@test
def a_socket_has_no_descriptor():
    sock = usocket.socket()
    same(manners.ioctl(sock, GET_FILENO, 0), (-1, errno.EINVAL))
    sock.close()


@test
def an_unknown_option_prints_a_warning():
    sock = usocket.socket()
    sock.setsockopt(6, 1, 1)
    same(manners.printed(), "Warning: lwip.setsockopt() option not implemented\n")
    sock.close()


run()
