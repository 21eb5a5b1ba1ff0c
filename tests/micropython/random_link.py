# Random calls against a Server that does anything the standard allows: a clean session, a kept one over links that break,
# callbacks that call back, with TLS and without, a device that loses its power.
#
# random_calls.py draws the calls, random_server.py answers, random_model.py judges. A failure tells its SEED, and its DRAW if there was
# one: with these in its environment run.py plays the same round first.

from check import case, run
from random_calls import rounds
from random_kinds import BREAKS, CALLS, COUNT, REBOOTS, SERVER, TLS, Calling, CallingKept, Clean, Kept, Rebooting

for name, make, options in (("a_clean_session", Clean, SERVER), ("a_kept_session_over_links_that_break", Kept, BREAKS),
                            ("callbacks_that_call_back", Calling, SERVER),
                            ("callbacks_that_call_back_in_a_kept_session", CallingKept, BREAKS),
                            ("a_device_that_loses_its_power", Rebooting, REBOOTS)):
    case(name, rounds, make, COUNT, CALLS, options)
for name, make, options in (("a_clean_session", Clean, SERVER),
                            ("callbacks_that_call_back_in_a_kept_session", CallingKept, BREAKS)):
    case(name + "_under_tls", rounds, make, max(1, COUNT // 3), CALLS, options, TLS)

run()
