"""What is done before the server forks."""

import subprocess
import sys

LOADED = """
import gc
import sys
import config.wsgi
print(gc.get_freeze_count(), "directory.views.search" in sys.modules)
"""


def test_all_is_loaded_and_set_apart_from_what_is_freed():
    done = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True
    )
    frozen, views = done.stdout.split()
    assert int(frozen) > 50_000
    assert views == "True"
