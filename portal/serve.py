"""Serving: migrations, the demo world on a sandbox's first start, the worker beside the web processes."""

import os
import signal
import subprocess
import sys
import threading

from flask import Flask
from granian import Granian
from granian.constants import Interfaces

from portal.bootstrap import Portal
from portal.config import ROOT
from portal.migrations.run import migrate
from portal.sandbox import demo


def serve(app: Flask) -> None:
    """Migrates, loads the demo world where it belongs, and serves pages, APIs and the worker until stopped."""
    os.chdir(ROOT)  # the server's processes import `app` by name
    portal: Portal = app.extensions["portal"]
    migrate(portal.settings)
    if portal.settings.sandbox:
        demo.load(portal)
    portal.db.engine.dispose()  # children open connections of their own
    stop = threading.Event()
    threading.Thread(target=_keep_worker, args=(stop,), daemon=True).start()
    settings = portal.settings
    print(f"Portal at http://{settings.host}:{settings.port} ({settings.environment})", flush=True)
    try:
        Granian(
            "app:app",
            address=settings.host,
            port=settings.port,
            interface=Interfaces.WSGI,
            workers=settings.web_processes,
            blocking_threads=settings.web_threads,
            respawn_failed_workers=True,
            websockets=False,
            log_access=False,
        ).serve()
    finally:
        stop.set()


def _keep_worker(stop: threading.Event) -> None:
    """Runs the worker as a process of its own and starts it again whenever it dies."""
    while not stop.is_set():
        process = subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "app", "worker"],
            cwd=ROOT,
            env={**os.environ, "PORTAL_PARENT": str(os.getpid())},
        )
        while process.poll() is None:
            if stop.wait(0.5):
                process.send_signal(signal.SIGTERM)
                process.wait(10)
                return
