"""Several people acting at the same moment, each on a connection of their own."""

import threading

from django.db import connections


def at_once(*acts):
    """What each act gave, or raised, in their order. The test needs `transaction=True`."""
    results, gate = [None] * len(acts), threading.Barrier(len(acts))

    def one(place, act):
        try:
            gate.wait()
            results[place] = act()
        except Exception as error:
            results[place] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
