"""The site's settings, on a database of the tests' own and without what slows a suite down."""

import os
import tempfile

os.environ |= {"DEBUG": "0", "HTTPS": "0", "DEMO": "0", "RELEASE": "test", "SECRET_KEY": "test"}
os.environ |= {"FACTOR_KEYS": ""}

from config import embedded
from config.settings import *  # noqa: F403
from config.settings import DATABASES, INSTALLED_APPS, STORAGES

if not os.environ.get("DATABASE_URL"):
    DATABASES["default"] |= embedded.database("postgres-test")

# Its command `flush` stands in the place of Django's.
INSTALLED_APPS = [*INSTALLED_APPS, "tests"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
MEDIA_ROOT = tempfile.mkdtemp(prefix="repertoire-media-")
STORAGES = STORAGES | {
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
}
# Files are served from where they are written: nothing to collect before a run.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
