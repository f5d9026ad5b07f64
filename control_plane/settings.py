"""Django's settings. Everything an operator may change is in `config.Config`; the rest is a decision."""

from pathlib import Path
from typing import Any

from psycopg.conninfo import conninfo_to_dict

from control_plane.config import Config

CONFIG = Config.from_env()
HERE = Path(__file__).resolve().parent

SECRET_KEY = CONFIG.secret_key
DEBUG = CONFIG.debug
ALLOWED_HOSTS = list(CONFIG.allowed_hosts)
CSRF_TRUSTED_ORIGINS = [CONFIG.console_origin]
ROOT_URLCONF = "control_plane.urls"
ASGI_APPLICATION = "control_plane.asgi.application"

INSTALLED_APPS = [
    "control_plane.accounts",
    "control_plane.campaigns",
    "control_plane.passes",
    "control_plane.console",
    "control_plane.api",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "axes",
    "csp",
    "ninja",
    "procrastinate.contrib.django",
]

MIDDLEWARE = [
    # Outermost: whatever is refused below for an API address leaves as problem+json.
    "control_plane.api.middleware.problem_middleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "control_plane.body_limit.cut_middleware",
    "control_plane.static_files.StaticFilesMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "axes.middleware.AxesMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]


# Databases: the application's role owns nothing and cannot pass the tenant wall. The owner's URL is known
# only to `scanway migrate`; where it is set, `migrate` uses it by itself (accounts/management/commands).
def database(url: str, *, pooled: bool) -> dict[str, Any]:
    """Django's form of a PostgreSQL URL."""
    parts = conninfo_to_dict(url, connect_timeout=5)
    options: dict[str, Any] = {
        name: value
        for name, value in parts.items()
        if name not in {"host", "port", "dbname", "user", "password"} and value is not None
    }
    if pooled:
        options["pool"] = {"min_size": 1, "max_size": 16, "timeout": 5, "name": "scanway"}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.get("dbname") or "scanway",
        "USER": parts.get("user") or "",
        "PASSWORD": parts.get("password") or "",
        "HOST": parts.get("host") or "",
        "PORT": str(parts.get("port") or ""),
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": pooled,
        "OPTIONS": options,
    }


DATABASES = {"default": database(CONFIG.database_url, pooled=True)}
if CONFIG.database_owner_url:
    DATABASES["owner"] = database(CONFIG.database_owner_url, pooled=False)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# In this process only: what must hold across processes (log-in failures) is in PostgreSQL.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# Accounts
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "control_plane.accounts.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
# Without a mail server nobody could ever verify an address.
ACCOUNT_EMAIL_VERIFICATION = "mandatory" if CONFIG.smtp else "none"
ACCOUNT_DEFAULT_HTTP_PROTOCOL = CONFIG.console_url.scheme
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "scanway"

# Ten wrong passwords for one address from one place lock that pair for 15 minutes; the owner, elsewhere,
# can still sign in.
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_USERNAME_FORM_FIELD = "login"
AXES_RESET_ON_SUCCESS = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
AXES_DISABLE_ACCESS_LOG = True
AXES_CLIENT_IP_CALLABLE = "control_plane.proxies.client_ip"

# Mail: not sent, and said so in the log, until a server is named.
DEFAULT_FROM_EMAIL = SERVER_EMAIL = CONFIG.email_from
if CONFIG.smtp:
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    EMAIL_HOST, EMAIL_PORT = CONFIG.smtp.host, CONFIG.smtp.port
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = CONFIG.smtp.user, CONFIG.smtp.password
    EMAIL_USE_TLS, EMAIL_USE_SSL, EMAIL_TIMEOUT = CONFIG.smtp.starttls, CONFIG.smtp.tls, 10
else:
    EMAIL_BACKEND = "control_plane.accounts.mail.Unsent"

# Safety of the browser
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = CONFIG.https
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_SSL_REDIRECT = CONFIG.https
SECURE_REDIRECT_EXEMPT = [r"^-/healthz$"]
SECURE_HSTS_SECONDS = 31_536_000 if CONFIG.https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = CONFIG.https
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
# Browsers ignore it on plain http, and complain in their console.
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin" if CONFIG.https else None
X_FRAME_OPTIONS = "DENY"
# Preloading binds a whole domain for years: it is the domain owner's decision, not ours.
SILENCED_SYSTEM_CHECKS = ["security.W021"]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

# A request's size: a link is at most a few kB; a logo of 1 MB is 1.4 MB where the API takes it as base64.
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_572_864
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500

# Static files are served from the packages themselves: no collectstatic, no manifest.
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = CONFIG.debug
WHITENOISE_MAX_AGE = 300

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]

# Jobs: `tasks.py` of each app.
PROCRASTINATE_IMPORT_PATHS: list[str] = []

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        # A 404 is somebody's typing error, not news.
        "django.request": {"level": "ERROR"},
        "axes": {"level": "WARNING"},
        "procrastinate": {"level": "WARNING"},
        "psycopg.pool": {"level": "WARNING"},
        "httpx": {"level": "WARNING"},
        # What asks ClickHouse says itself that it is away, and once.
        "urllib3.connectionpool": {"level": "ERROR"},
        "clickhouse_connect": {"level": "ERROR"},
    },
}
