"""The real portal as a process of its own: `python app.py` on a free port with an instance folder of its own."""

import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 120
STOP_SECONDS = 20

#: The process asks to be told when the test run dies, so that nothing is left behind by a run that was killed.
_LAUNCHER = (
    "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 15); os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
)


def free_port() -> int:
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class LivePortal:
    """A running portal and the sandbox calls that tests make on it. Every call answers its JSON or fails the test."""

    def __init__(self, folder: Path, database_url: str = "", **environment: str) -> None:
        self.folder = folder
        self.instance = folder / "instance"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "portal.log"
        self.environment = self._environment(database_url, environment)
        self.process: subprocess.Popen[bytes] | None = None
        self.http = httpx.Client(base_url=self.url, timeout=60, follow_redirects=False)

    def _environment(self, database_url: str, extra: Mapping[str, str]) -> dict[str, str]:
        kept = {
            name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")
        }
        own = {
            "PORTAL_ENV": "sandbox",
            "PORTAL_INSTANCE": str(self.instance),
            "PORTAL_RATE_LIMITS": "off",
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "PYTHONUTF8": "1",
            **({"DATABASE_URL": database_url} if database_url else {}),
        }
        return {**kept, **own, **extra}

    def start(self, *arguments: str) -> "LivePortal":
        """Starts the process and waits until it answers on /healthz."""
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-c", _LAUNCHER, str(ROOT / "app.py"), *arguments]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"the portal did not start:\n{self.tail()}")
            select.select([], [], [], 0.05)
        return self

    def answers(self) -> bool:
        """Whether the portal says that it is alive."""
        try:
            return self.http.get("/healthz").status_code == 200
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        """Ends the process politely, then by force, with all that it started."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                pass
        self.kill()

    def kill(self) -> None:
        """Ends the process and all that it started at once, as a power cut would."""
        if self.process is None:
            return
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait(STOP_SECONDS)
        self.process = None

    def close(self) -> None:
        """Stops the portal and removes its instance."""
        self.stop()
        self.http.close()
        shutil.rmtree(self.instance, ignore_errors=True)

    def tail(self, lines: int = 60) -> str:
        """The last lines of the portal's log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""

    def command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Runs `flask --app app …` on the same instance and answers what came out."""
        return subprocess.run(
            [sys.executable, "-m", "flask", "--app", "app", *arguments],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    def get(self, path: str, **params: Any) -> Any:
        """The JSON that a GET answers; anything but 200 fails."""
        answer = self.http.get(path, params=params or None)
        assert answer.status_code == 200, f"GET {path}: {answer.status_code} {answer.text[:500]}"
        return answer.json()

    def post(self, path: str, **body: Any) -> Any:
        """The JSON that a POST of a JSON body answers; anything but 2xx fails."""
        answer = self.http.post(path, json=body)
        assert answer.is_success, f"POST {path}: {answer.status_code} {answer.text[:500]}"
        return answer.json()

    def messages(self, to: str) -> list[dict[str, Any]]:
        """Mails and short messages sent to an address or phone, newest first, once all that is due has been sent."""
        self.run_worker()
        found: list[dict[str, Any]] = self.get("/sandbox/messages", to=to)["messages"]
        return found

    def code(self, to: str) -> str:
        """The code in the newest message to an address or phone."""
        for message in self.messages(to):
            if message["code"]:
                return str(message["code"])
        raise AssertionError(f"no code was sent to {to}")

    def run_worker(self) -> None:
        """Runs every duty that is due and waits until all is idle."""
        self.post("/sandbox/worker/run")

    def advance(self, seconds: int) -> str:
        """Moves the portal's clock and answers the new time."""
        return str(self.post("/sandbox/clock", advance_seconds=seconds)["now"])
