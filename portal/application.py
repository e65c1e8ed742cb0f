"""Making the Flask application: settings, extensions, blueprints, error dispatch."""

from datetime import timedelta
from typing import Any

import orjson
from flask import Flask, Request, Response, g, request
from flask.json.provider import DefaultJSONProvider
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_babel import Babel
from flask_login import LoginManager
from flask_talisman import Talisman
from flask_wtf import CSRFProtect
from flask_wtf.csrf import CSRFError
from werkzeug.middleware.proxy_fix import ProxyFix

from portal import bootstrap, cli, failures, logs, merchant, metrics, partner, rate_limits, sandbox, staff, web
from portal.api import brokerage, hooks, voucher
from portal.api import partner as partner_api
from portal.api.lane import CallLane
from portal.api.partner.lane import SignedLane
from portal.config import ROOT, Settings, derived_key
from portal.fast_lane import FastLane
from portal.http import same_origin
from portal.translations.compile import compile_stale
from portal.web import access, notices, presentation, shell

#: Uploads: five documents of 5 MB and their form fields in one request, no more.
MAX_REQUEST_BYTES = 32 * 1024 * 1024

#: Where the API families' calls begin.
CALLS = ("/v1/", "/bitgin/v1/", "/api/v1/")

LOCALES = ("zh_Hant_TW", "en")

csrf = CSRFProtect()


def create_app(settings: Settings | None = None) -> Flask:
    """The portal as a WSGI application. Raises SettingsError when the environment does not describe one."""
    settings = settings or Settings.from_environment()
    app = Flask("portal", root_path=str(ROOT), template_folder="templates", static_folder="static")
    app.json = BoundedJson(app)
    app.session_interface = PagesSession()
    app.config.update(
        SECRET_KEY=settings.secret_key,
        MAX_CONTENT_LENGTH=MAX_REQUEST_BYTES,
        MAX_FORM_MEMORY_SIZE=3 * 1024 * 1024,
        SESSION_COOKIE_NAME="portal_form",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=not settings.sandbox,
        PERMANENT_SESSION_LIFETIME=timedelta(days=1),
        WTF_CSRF_SECRET_KEY=derived_key(settings, "csrf").hex(),
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_CHECK_DEFAULT=False,
        BABEL_DEFAULT_LOCALE=LOCALES[0],
        BABEL_DEFAULT_TIMEZONE="Asia/Taipei",
        BABEL_TRANSLATION_DIRECTORIES=str(ROOT / "portal" / "translations"),
        SEND_FILE_MAX_AGE_DEFAULT=timedelta(days=30),
    )
    app.extensions["portal"] = bootstrap.build(settings)
    logs.register(app)
    metrics.register(app)
    _extensions(app, settings)
    rate_limits.register(app)
    presentation.register(app)
    shell.register(app)
    notices.register(app)
    failures.register(app)
    _blueprints(app, settings)
    cli.register(app)
    _lanes(app, settings)
    return app


def _lanes(app: Flask, settings: Settings) -> None:
    """What is asked for all the time is answered before the application wakes."""
    app.wsgi_app = FastLane(app)
    app.wsgi_app = SignedLane(app)
    app.wsgi_app = CallLane(app, (brokerage.family.family, voucher.family.family))
    if settings.trusted_proxies:
        app.wsgi_app = ProxyFix(
            app.wsgi_app, x_for=settings.trusted_proxies, x_proto=settings.trusted_proxies, x_host=0
        )


def _extensions(app: Flask, settings: Settings) -> None:
    csrf.init_app(app)
    compile_stale()
    Babel(app, locale_selector=_locale)
    login = LoginManager(app)
    login.request_loader(_load_user)
    login.session_protection = None
    Headers(
        app,
        force_https=False,
        strict_transport_security=not settings.sandbox,
        session_cookie_secure=not settings.sandbox,
        frame_options="DENY",
        referrer_policy="same-origin",
        content_security_policy={
            "default-src": "'none'",
            "script-src": "'self'",
            "style-src": "'self'",
            "img-src": "'self' data: blob:",
            "media-src": "'self'",
            "font-src": "'self'",
            "connect-src": "'self'",
            "manifest-src": "'self'",
            "form-action": "'self'",
            "base-uri": "'none'",
            "frame-ancestors": "'none'",
            "object-src": "'none'",
        },
        content_security_policy_nonce_in=["script-src", "style-src"],
        permissions_policy={"camera": "(self)", "geolocation": "(self)", "microphone": "()", "payment": "()"},
    )
    app.after_request(_private)


def _private(response: Any) -> Any:
    """Pages are nobody's to keep: Back after sign-out shows nothing, no proxy stores a balance."""
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    return response


def _locale() -> str:
    if "locale" not in g:
        chosen = request.cookies.get("language")
        known = access.signed_in() if request.blueprint in PAGES else None
        if chosen not in LOCALES:
            chosen = known.locale if known else None
        g.locale = chosen if chosen in LOCALES else LOCALES[0]
    answer: str = g.locale
    return answer


class Headers(Talisman):
    """Security headers. Those of calls name no nonce, since their answers hold no script: they are made once."""

    def __init__(self, app: Flask, **options: Any) -> None:
        self._of_calls: dict[str, str] = {}
        super().__init__(app, **options)

    def _make_nonce(self) -> None:
        if not request.path.startswith(CALLS):
            super()._make_nonce()

    def _set_response_headers(self, response: Any) -> Any:
        if not request.path.startswith(CALLS):
            return super()._set_response_headers(response)
        if not self._of_calls:
            made = dict(super()._set_response_headers(Response()).headers)
            self._of_calls = {name: made[name] for name in made.keys() - {"Content-Type", "Content-Length"}}
        response.headers.update(self._of_calls)
        return response


class PagesSession(SecureCookieSessionInterface):
    """The cookie with a form's secret belongs to pages; calls of the API families are spared reading and signing it."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """The session of a page; None, which takes nothing in, for a call."""
        return None if request.path.startswith(CALLS) else super().open_session(app, request)


class BoundedJson(DefaultJSONProvider):
    """Reads JSON with a bound on its depth of its own: json's is the interpreter's, which libraries lift."""

    def loads(self, s: str | bytes, **_: Any) -> Any:
        """Parses a text. Raises ValueError."""
        return orjson.loads(s)


class CurrentUser:
    """What flask-login hands to templates: the signed-in customer."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, row: Any) -> None:
        self.row = row
        self.display_name: str = row.display_name
        self.kyc_level: int = row.kyc_level

    def get_id(self) -> str:
        """The customer's number as text."""
        return str(self.row.customer_id)


def _load_user(_: object) -> CurrentUser | None:
    found = access.signed_in()
    return CurrentUser(found) if found else None


#: Blueprints whose answers are pages: they carry CSRF tokens and the reader's language.
PAGES = {"web", "merchant", "partner", "staff", "sandbox"}


def _blueprints(app: Flask, settings: Settings) -> None:
    for family in (brokerage, voucher, partner_api):
        family.register(app)
    hooks.register(app)
    for pages in (web, merchant, partner, staff):
        pages.register(app)
    if settings.sandbox:
        sandbox.register(app)
    app.before_request(_protect_pages)


def _protect_pages() -> None:
    """Forms of pages need their CSRF token and a page of the portal; the API families authenticate in their own way."""
    if request.blueprint in PAGES and request.method not in ("GET", "HEAD", "OPTIONS"):
        csrf.protect()
        if not same_origin():
            raise CSRFError("The request comes from another site's page.")
