"""The portal's entry: `app` for WSGI servers and Flask's commands; `python app.py` serves it with its worker.

`python app.py --web-only` leaves the worker to a service of its own.
"""

import sys

from portal import create_app
from portal.config import SettingsError
from portal.serve import leave_with_server, serve, settle_down

try:
    app = create_app()
except SettingsError as error:
    raise SystemExit(str(error)) from error

settle_down()
leave_with_server()

if __name__ == "__main__":
    serve(app, with_worker="--web-only" not in sys.argv[1:])
