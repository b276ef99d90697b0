"""What all tests share.

Property tests draw the same examples in every run, so that a run says the same twice;
`HYPOTHESIS_PROFILE=explore` looks for new ones.
"""

import os
import signal

from hypothesis import settings

pytest_plugins = ("pytester",)

settings.register_profile("repeat", derandomize=True, deadline=None, database=None)
settings.register_profile("explore", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeat"))

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Tests in the background (`pytest &`, nohup) are started without SIGINT, and what they start
    # would ignore it too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
