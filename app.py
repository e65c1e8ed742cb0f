"""The portal's entry: `app` for WSGI servers and Flask's commands; `python app.py` serves it with its worker."""

from portal import create_app
from portal.config import SettingsError

try:
    app = create_app()
except SettingsError as error:
    raise SystemExit(str(error)) from error

if __name__ == "__main__":
    from portal.serve import serve

    serve(app)
