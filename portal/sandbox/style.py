"""The living style guide: every component of the pages in its states, for people and for the browser tests."""

from flask.typing import ResponseReturnValue

from portal.sandbox import blueprint
from portal.web import rendering


@blueprint.get("/style")
def style() -> ResponseReturnValue:
    """Shows the style guide."""
    return rendering.page("sandbox/style.html")
