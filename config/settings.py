"""Settings, from the environment; with none at all the site runs on the embedded database."""

import mimetypes
import os
import re
import secrets
from pathlib import Path
from urllib.parse import unquote, urlsplit

import dj_database_url
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = BASE_DIR / ".data"


#: What Leaflet puts in the address of a tile.
TILE_HOLES = ("{z}", "{x}", "{y}")
TILE_ORIGIN = re.compile(r"(https?://(?:\{s\}\.)?[A-Za-z0-9.-]+(?::[0-9]+)?)/")


def env_bool(name, default):
    value = os.environ.get(name, "1" if default else "0")
    if value not in {"0", "1"}:
        raise ImproperlyConfigured(f"{name} must be 0 or 1, not {value!r}.")
    return value == "1"


def env_int(name, default):
    value = os.environ.get(name, str(default))
    try:
        return int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.") from None


def env_list(name, default=""):
    return [part.strip() for part in os.environ.get(name, default).split(",") if part.strip()]


def tile_sources(url):
    """What the content policy must allow for the tiles of this address."""
    if not url:
        return []
    origin = TILE_ORIGIN.match(url)
    if not origin or not all(hole in url for hole in TILE_HOLES):
        raise ImproperlyConfigured(
            f"MAP_TILE_URL must be like https://tiles.example/{{z}}/{{x}}/{{y}}.png, not {url!r}."
        )
    # Leaflet gives the tiles that it leaves an empty image, written in its code.
    return [origin[1].replace("{s}", "*"), "data:"]


#: How a mail server is spoken to: by the scheme of its address, with its usual port.
MAIL_SCHEMES = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


def mail_server(url):
    """Host, port, user, password, whether STARTTLS, whether TLS, of an address such as
    `smtp+starttls://user:password@host:587`; without a host nothing is sent."""
    parts = urlsplit(url)
    try:
        known = parts.scheme in MAIL_SCHEMES and parts.hostname and parts.port != 0
    except ValueError:  # a port that is no number
        known = False
    if url and not known:
        raise ImproperlyConfigured(
            "EMAIL_URL must be like smtp+starttls://user:password@mail.example.org:587 "
            "(or smtps://, or smtp:// without encryption)."
        )
    return (
        parts.hostname or "",
        parts.port or MAIL_SCHEMES.get(parts.scheme, 25),
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        parts.scheme == "smtp+starttls",
        parts.scheme == "smtps",
    )


def kept_secret(name):
    """A secret from the environment, else one made once for this checkout (demo, tests)."""
    if value := os.environ.get(name):
        return value
    path = DATA_DIR / name.lower()
    if not path.exists():
        DATA_DIR.mkdir(exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(50))
        draft.rename(path)
    return path.read_text()


# --- Django -----------------------------------------------------------------------------------

DEBUG = env_bool("DEBUG", False)
SECRET_KEY = kept_secret("SECRET_KEY")
# What seals second factors in the database: the first key seals, each of them opens.
FACTOR_KEYS = env_list("FACTOR_KEYS")
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]")
# Where the site is served over TLS; 0 on a machine of one's own.
HTTPS = env_bool("HTTPS", bool(os.environ.get("DATABASE_URL")))

INSTALLED_APPS = [
    # Before ours, whose admin takes their tables out of it: they hold keys and sessions.
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "directory",
    "procurement",
    "directory.apps.BackOfficeConfig",  # django.contrib.admin, without its passwords
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.sitemaps",
    "django.contrib.staticfiles",
    "csp",
    "django_filters",
    "django_htmx",
    "simple_history",
]

MIDDLEWARE = [
    "config.middleware.RequestMiddleware",  # outermost: every answer gets its id and headers
    "csp.middleware.CSPMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "config.middleware.WellFormedMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "directory.second_factor.SecondFactorMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",  # who wrote, in every history row
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.site.site",
                "config.site.address",
            ],
        },
    },
]

EMBEDDED = not os.environ.get("DATABASE_URL")
if not EMBEDDED:
    DATABASES = {"default": dj_database_url.config()}
else:
    from config import embedded

    DATABASES = {"default": embedded.database("postgres")}
# A page may not hold the database; manage.py gives its commands more time.
STATEMENT_TIMEOUT = env_int("STATEMENT_TIMEOUT_MS", 5_000)
LOCK_TIMEOUT = env_int("LOCK_TIMEOUT_MS", 2_000)
DATABASES["default"] |= {
    "CONN_MAX_AGE": 600,
    "CONN_HEALTH_CHECKS": True,
    "ATOMIC_REQUESTS": False,
    # Added to those of the address, such as its TLS mode.
    "OPTIONS": DATABASES["default"].get("OPTIONS", {})
    | {
        "connect_timeout": 3,
        # Just-in-time compilation costs more than it saves on statements of a few milliseconds;
        # pages are in memory or on solid state, where reading here and there costs little more;
        # a set of some hundred thousand rows of a million is held row by row, not page by page.
        "options": "-c jit=off -c random_page_cost=1.1 -c work_mem=32MB"
        f" -c statement_timeout={STATEMENT_TIMEOUT}"
        f" -c lock_timeout={LOCK_TIMEOUT} -c idle_in_transaction_session_timeout=15000",
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "directory.User"
AUTHENTICATION_BACKENDS = ["directory.authentication.Backend"]  # which knows no password
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "account_home"
LOGOUT_REDIRECT_URL = "directory:home"
# Kept with the session: a cookie of messages would be one more, also on pages that anyone shares.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# Where mail leaves by; without one it stays in the outbox, where staff read it.
(
    EMAIL_HOST,
    EMAIL_PORT,
    EMAIL_HOST_USER,
    EMAIL_HOST_PASSWORD,
    EMAIL_USE_TLS,
    EMAIL_USE_SSL,
) = mail_server(os.environ.get("EMAIL_URL", ""))
EMAIL_TIMEOUT = env_int("EMAIL_TIMEOUT", 10)  # seconds that the server may keep silent

LANGUAGE_CODE = "fr-ca"
LANGUAGES = [("fr-ca", "Français")]
LOCALE_PATHS = [BASE_DIR / "config" / "locale"]
FORMAT_MODULE_PATH = ["config.formats"]
TIME_ZONE = "America/Toronto"
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "config" / "static"]
# Before 3.13, Python knows WebP only where the system has a list of types.
mimetypes.add_type("image/webp", ".webp")
MEDIA_URL = "/logos/"
MEDIA_ROOT = Path(os.environ.get("MEDIA_ROOT", DATA_DIR / "media"))
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "config.leaflet.LeafletFinder",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
FIXTURE_DIRS = [BASE_DIR / "fixtures"]

# A listing is one form with all its offerings, people and cities served: hundreds of fields.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 4_000
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 63_072_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env_bool("PROXY", False) else None
# Proxies in front that each add an address to X-Forwarded-For; what comes before is not believed.
PROXY_COUNT = env_int("PROXY_COUNT", 1 if SECURE_PROXY_SSL_HEADER else 0)
SECURE_REFERRER_POLICY = "same-origin"
SECURE_REDIRECT_EXEMPT = [r"^sante/"]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "csrf"
CSRF_COOKIE_HTTPONLY = True
# Of pages of accounts alone (directory/known_browsers.py), where __Host- would send it everywhere.
BROWSER_COOKIE_NAME = "__Secure-browser" if HTTPS else "browser"
CSRF_FAILURE_VIEW = "config.errors.csrf_failure"
X_FRAME_OPTIONS = "DENY"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "config.logs.LineFormatter"}},
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "line",
        },
    },
    "root": {"handlers": ["stderr"], "level": os.environ.get("LOG_LEVEL", "INFO")},
    "loggers": {
        "django": {"level": "INFO"},
        # Their own handlers would say everything twice, and with the query string.
        "django.server": {"handlers": [], "propagate": False},
    },
}

# --- Dependencies -----------------------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# A server of map tiles; without one the map is drawn on borders alone.
MAP_TILE_URL = os.environ.get("MAP_TILE_URL", "")
MAP_TILE_ATTRIBUTION = os.environ.get("MAP_TILE_ATTRIBUTION", "")
CONTENT_SECURITY_POLICY["DIRECTIVES"]["img-src"] += tile_sources(MAP_TILE_URL)

WHITENOISE_MAX_AGE = 3600

# Of allauth: the steps of a sign-in, second factors and passkeys, open sign-ins. Proving that one
# reads an address, for want of any password, is ours (directory/codes.py), and so are the limits,
# counted exactly whatever the number of processes (directory/throttling.py).
ALLAUTH_TRUSTED_PROXY_COUNT = PROXY_COUNT
ACCOUNT_ADAPTER = "directory.authentication.Adapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # proven before the account exists
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_RATE_LIMITS = MFA_RATE_LIMITS = False
MFA_ADAPTER = "directory.authentication.FactorAdapter"
MFA_SUPPORTED_TYPES = ["webauthn", "totp", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_TOLERANCE = (
    1  # a clock half a minute wrong, a slow hand; each code serves once all the same
)
MFA_REAUTHENTICATION_REQUIRED = False  # asked by our own pages (directory/views/identity.py)
MFA_FORMS = {
    "authenticate": "directory.account_forms.FactorForm",
    "reauthenticate": "directory.account_forms.FactorAgainForm",
    "activate_totp": "directory.account_forms.ActivateForm",
    "add_webauthn": "directory.account_forms.PasskeyForm",
    "login_webauthn": "directory.account_forms.PasskeySignInForm",
    "authenticate_webauthn": "directory.account_forms.PasskeyFactorForm",
    "reauthenticate_webauthn": "directory.account_forms.PasskeyAgainForm",
}

# --- Project ----------------------------------------------------------------------------------

# The demo shows fictional enterprises, and says so on every page.
DEMO = env_bool("DEMO", False)
# A page that signs anyone in as one of the demonstration's people, and no second factor asked:
# on data that belong to nobody, on a machine of one's own (checks.py).
DEMO_SIGN_IN = DEMO and (DEBUG or EMBEDDED)
# The code's release: a page kept by a browser is not shown again after a deployment.
RELEASE = os.environ.get("RELEASE") or secrets.token_hex(4)

# What addresses begin with in feeds, maps of the site and files that leave it; where it is empty,
# the name that the reader used.
SITE_URL = os.environ.get("SITE_URL", "").rstrip("/")
if SITE_URL and not re.fullmatch(r"https?://[^/?#\s]+", SITE_URL):
    raise ImproperlyConfigured(f"SITE_URL must be like https://www.example.org, not {SITE_URL!r}.")
SITE_NAME = os.environ.get("SITE_NAME", "Répertoire des entreprises d’économie sociale")
SITE_TERRITORY = os.environ.get("SITE_TERRITORY", "agglomération de Longueuil")
POLE_NAME = os.environ.get("POLE_NAME", "Pôle de l’économie sociale")
POLE_EMAIL = os.environ.get("POLE_EMAIL", "pole@repertoire.example")
POLE_PHONE = os.environ.get("POLE_PHONE", "")
# Who mail is from, and where what cannot be delivered comes back; answers go to the Pôle.
MAIL_FROM = DEFAULT_FROM_EMAIL = os.environ.get("MAIL_FROM") or POLE_EMAIL
# The licence under which the Pôle opens its data; while it has none, the site says so.
DATA_LICENCE = os.environ.get("DATA_LICENCE", "")
DATA_LICENCE_URL = os.environ.get("DATA_LICENCE_URL", "")
# The cities that the home page offers, by geographic code; with none it offers regions.
SITE_CITIES = env_list("SITE_CITIES", "58033,58007,58227,58037,58012")

# Who answers for personal information (the law wants a title and a way to write on the site).
PRIVACY_OFFICER_NAME = os.environ.get("PRIVACY_OFFICER_NAME", "")
PRIVACY_OFFICER_TITLE = os.environ.get("PRIVACY_OFFICER_TITLE", "")
PRIVACY_OFFICER_EMAIL = os.environ.get("PRIVACY_OFFICER_EMAIL", "")
# Days that the host keeps the log; the privacy page says them, and nothing where it is 0.
LOG_DAYS = env_int("LOG_DAYS", 0)
# Where to report a weakness: an address of the web or mailto:.
SECURITY_CONTACT = os.environ.get("SECURITY_CONTACT") or f"mailto:{POLE_EMAIL}"
