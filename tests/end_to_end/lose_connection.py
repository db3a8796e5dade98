"""The connection to a worker behind ssh is cut in the middle of a run: the window says so, connects again by
itself when the host is back, and nothing measured is lost."""

import os
import re

from ssh_server import SshServer
from window import Window, check, run
from workload import measure_routing, measured, run_now, set_tokens, start_long_run, wait_for_return


def flow():
    with SshServer(os.environ["MOESCOPE_WORKER"]) as server, \
            Window("lose-connection", ["--remote", "gpu"], environment=server.environment) as w:
        session, before = measure_routing(w)
        w.shot("measured-there")

        start_long_run(w)
        server.stop()
        w.wait_words(re.compile("[Rr]econnect|onnection.*lost|lost"), 30)
        w.shot("lost")
        server.start()
        wait_for_return(w)
        check(set(before) <= set(measured(session)), "what was measured before is lost")
        set_tokens(w, 16)
        again = run_now(w)
        check(set(before) <= set(measured(again)) and len(measured(again)) > len(before), "it measures no more")


run(flow)
