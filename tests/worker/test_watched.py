"""The worker is watched from its first moment: a web process that is forked while it starts cannot keep its starter waiting."""

import subprocess

import pytest

from portal import serve


def test_the_worker_is_spawned_and_nobody_waits_for_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    def forked(*_: object) -> int:
        raise AssertionError("the starter waits on a pipe that another fork may hold")

    monkeypatch.setattr(subprocess, "_fork_exec", forked)
    monkeypatch.setattr(serve.sys, "executable", "/bin/true")
    process = serve.start_worker()
    assert process.wait(10) == 0
