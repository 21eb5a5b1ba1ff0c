# What a script asks about the process, or the board, that it runs in. Apart from host.py, which is read on heaps of 64 KiB, too.

from host import ON_BOARD, WHO, ask, manners, reply, request


def until_interrupted(action, after_ms):
    # Calls it again and again until Ctrl-C comes. The reply is read after that: on a busy machine Ctrl-C might come while it is read.
    request("interrupt", WHO, after_ms)
    try:
        while True:
            action()
    except KeyboardInterrupt:
        pass
    finally:
        reply()


def descriptors():
    # How many this process has in use. Where a descriptor is not a socket's, how many sockets; 0 on a board, which counts none.
    if ON_BOARD:
        return 0
    return manners.sockets() if manners else int(ask("descriptors", WHO)[0])
