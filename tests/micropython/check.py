# Named tests for scripts that MicroPython runs: each prints "ok NAME", "skip NAME why" or what went wrong and "FAIL NAME".
# What a test returns as a str stands behind its name: figures.
#
# The names given on the command line are run, or all of them. On a board, which has no command line, always all.

import gc
import sys

tests = []
after_each = []


class Skip(Exception):
    pass


def test(function):
    tests.append((function.__name__, function, ()))
    return function


def case(name, function, *arguments):
    # One test out of a table: the same function for each row, under a name of its own.
    tests.append((name, function, arguments))


def skip(why):
    raise Skip(why)


def same(got, wanted):
    if got != wanted:
        raise AssertionError("got %s, wanted %s" % (show(got), show(wanted)))


def show(value):
    text = repr(value)
    return text if len(text) <= 600 else "%s... (%d characters)" % (text[:600], len(text))


def raises(wanted, function, *arguments, **keywords):
    # Calls the function and hands back the exception it must raise.
    try:
        function(*arguments, **keywords)
    except wanted as error:
        return error
    raise AssertionError("nothing was raised")


def raises_errno(codes, function, *arguments, **keywords):
    error = raises(OSError, function, *arguments, **keywords)
    if not isinstance(codes, tuple):
        codes = (codes,)
    if error.args[0] not in codes:
        raise AssertionError("OSError with %r, wanted one of %r" % (error.args, codes))
    return error


def run():
    names = getattr(sys, "argv", [])[1:]
    chosen = [one for one in tests if names in ([], ["--list"]) or one[0] in names]
    print("plan", " ".join([one[0] for one in chosen]))
    if names == ["--list"]:
        return
    counts = {"ok": 0, "skip": 0, "FAIL": 0}
    for name, function, arguments in chosen:
        result = "ok"
        shown = name
        try:
            told = function(*arguments)
            if isinstance(told, str):
                shown = "%s %s" % (name, told)
        except Skip as why:
            result, shown = "skip", "%s %s" % (name, why)
        except BaseException as error:
            # A stray KeyboardInterrupt is a failure of this test too, not the end of the others.
            sys.print_exception(error)
            result = "FAIL"
        for clean in after_each:
            clean()
        gc.collect()
        counts[result] += 1
        print(result, shown)
    print("%d passed, %d failed" % (counts["ok"], counts["FAIL"]))
    sys.exit(1 if counts["FAIL"] else 0)
