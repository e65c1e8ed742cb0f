"""A reader's language, theme and price colours."""

from flask import redirect, request
from flask.typing import ResponseReturnValue

from portal.http import portal, safe_next
from portal.services import preferences
from portal.web import access, blueprint

_YEAR_SECONDS = 365 * 24 * 3600


@blueprint.get("/language/<locale>")
def language(locale: str) -> ResponseReturnValue:
    """Remembers the language and goes back to where the link stood."""
    answer = redirect(safe_next(request.args.get("next")), 303)
    if locale in preferences.LOCALES:
        answer.set_cookie("language", locale, max_age=_YEAR_SECONDS, samesite="Lax", httponly=True)
        found = access.signed_in()
        if found is not None and found.locale != locale:
            portal().db.transact(preferences.choose, found.customer_id, locale=locale)
    return answer
