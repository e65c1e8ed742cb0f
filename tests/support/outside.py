"""What happens outside the portal in a test: the worker at its work, mails read, blocks gone by."""

import threading
from collections.abc import Callable
from typing import Any

from portal.errors import Refusal
from portal.worker.jobs import run_jobs
from portal.worker.loop import load, run_until_idle


def run_worker(portal: Any) -> int:
    """Runs every duty that is due; needs an application context."""
    return run_until_idle(portal)


def send_messages(portal: Any) -> None:
    """Runs the jobs that are due, which send every mail and text message, and no other duty; needs an application context."""
    load()
    while run_jobs(portal):
        pass


def answer_of(portal: Any, service: Callable[..., Any], *arguments: Any) -> Any:
    """What a service answers in a transaction of its own, or the name of its refusal."""
    try:
        return portal.db.transact(service, *arguments)
    except Refusal as refusal:
        return refusal.name


def messages(portal: Any, to: str) -> list[Any]:
    """What was sent to an address or phone, newest first."""
    return list(portal.world.rows("SELECT * FROM messages WHERE recipient = ? ORDER BY id DESC", to))


def code_for(portal: Any, to: str) -> str:
    """The newest code sent to an address or phone."""
    return str(next(row["code"] for row in messages(portal, to) if row["code"]))


def let_blocks_go_by(portal: Any, network: str, count: int = 25) -> None:
    """Mines empty blocks."""
    portal.ports.chains[network].mine(count)


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Runs acts in threads that start together; what each answered, or the name of its refusal. Other errors are raised."""
    answers: list[Any] = [None] * len(acts)
    failures: list[BaseException] = []
    start = threading.Barrier(len(acts))

    def run(number: int) -> None:
        start.wait()
        try:
            answers[number] = acts[number]()
        except Refusal as refusal:
            answers[number] = refusal.name
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return answers
