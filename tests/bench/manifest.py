# What is frozen into the board's firmware for the bench: what always is, the contenders, and umqtt.simple (fetch.py).
include("../../micropython/ec100y/manifest.py")
freeze("micropython", ("clients.py", "contender_limit.py", "contender_simple.py", "contender_umqtt.py", "heap.py",
                       "on_board.py"))
freeze("../../build/bench/frozen", "upstream_simple.py")
