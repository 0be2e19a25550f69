"""Django's PostgreSQL, whose connections are looked after without a question at each request."""

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    def close_if_health_check_failed(self):
        """A server that ends a session says so, then hangs up: where there is nothing to read, the
        connection is taken to be as it was; else it is asked, as Django does each time."""
        if self.connection is not None and not self.health_check_done:
            self.health_check_done = self._silent()
        super().close_if_health_check_failed()

    def _silent(self):
        if self.connection.closed:
            return False
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN)
        return not poll.poll(0)
