#!/usr/bin/env python
import os
import sys


def main():
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if sys.argv[1:2] != ["runserver"]:
        # A migration or an import takes the time it needs; the limits of pages are for pages.
        os.environ.setdefault("STATEMENT_TIMEOUT_MS", "0")
        os.environ.setdefault("LOCK_TIMEOUT_MS", "60000")
    from django.core.management import execute_from_command_line

    if os.environ.get("DATABASE_URL"):
        execute_from_command_line(sys.argv)
        return
    from config import embedded

    try:
        with embedded.running():
            execute_from_command_line(sys.argv)
    except embedded.EmbeddedError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
