"""A sign of life, so that a worker that stands still is noticed."""

import os
import socket
import time

from portal.bootstrap import Portal
from portal.services import doctor
from portal.worker.duties import duty


@duty("heartbeat", every_seconds=10)
def beat(portal: Portal) -> int:
    """Writes when this worker was last alive; nothing is left to do after it."""
    portal.db.transact(doctor.beat, f"worker@{socket.gethostname()[:50]}", os.getpid(), int(time.time()))
    return 0
