"""Serving: migrations, the demo world on a sandbox's first start, the worker beside the web processes."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time

from flask import Flask
from granian import Granian
from granian.constants import Interfaces

from portal.bootstrap import Portal
from portal.config import ROOT, Settings
from portal.migrations.run import migrate
from portal.sandbox import demo


def serve(app: Flask, *, with_worker: bool = True) -> None:
    """Migrates, loads the demo world where it belongs, and serves pages, APIs and the worker until stopped.

    `with_worker=False` is for machines on which the worker is a service of its own.
    """
    os.chdir(ROOT)  # the server's processes import `app` by name
    portal: Portal = app.extensions["portal"]
    migrate(portal.settings)
    if portal.settings.sandbox:
        demo.load(portal)
    portal.db.engine.dispose()  # children open connections of their own
    stop = threading.Event()
    if with_worker:
        threading.Thread(target=_keep_worker, args=(stop,), daemon=True).start()
    settings = portal.settings
    os.environ["PORTAL_SERVER"] = str(os.getpid())
    print(f"Portal at http://{settings.host}:{settings.port} ({settings.environment})", flush=True)
    try:
        while not _serve_until_stopped(settings):
            # The server gives up when its processes die twice within seconds; whoever killed them may be done now.
            time.sleep(1)
    finally:
        stop.set()


def _serve_until_stopped(settings: Settings) -> bool:
    """Serves; True when it was asked to stop, False when the server gave up."""
    server = Granian(
        "app:app",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=settings.web_processes,
        blocking_threads=settings.web_threads,
        respawn_failed_workers=True,
        websockets=False,
        log_access=False,
    )
    try:
        server.serve()
    except SystemExit:
        if server.interrupt_signal or not server.interrupt_children:
            raise  # asked to stop, or it could not start at all (the port is taken)
        return False
    return True


def settle_down() -> None:
    """Once the application stands: what lives as long as the process is no longer searched for garbage, and the rest seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def leave_with_server() -> None:
    """In a web process: ends it when the server that started it is gone, however that ended.

    A process left over would go on answering on the same port beside the next server.
    """
    server = int(os.environ.get("PORTAL_SERVER", "0"))
    if server and os.getppid() == server:
        threading.Thread(target=_watch, args=(server,), daemon=True).start()


def _watch(server: int) -> None:
    while os.getppid() == server:
        time.sleep(0.2)
    os._exit(1)


def _keep_worker(stop: threading.Event) -> None:
    """Runs the worker as a process of its own and starts it again whenever it dies."""
    while not stop.is_set():
        process = start_worker()
        while process.poll() is None:
            if stop.wait(0.5):
                process.send_signal(signal.SIGTERM)
                process.wait(10)
                return


def start_worker() -> "subprocess.Popen[bytes]":
    """Starts a worker in the current folder, the project's.

    Open files are left to the system (`close_fds=False`, they are not inheritable anyway) so that the process is spawned
    and not forked: Python waits for a fork by a pipe, and a web process that the server forks at the same moment would
    hold that pipe open. Nobody would then watch the worker until that web process ended.
    """
    return subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "app", "worker"],
        env={**os.environ, "PORTAL_PARENT": str(os.getpid())},
        close_fds=False,
    )
