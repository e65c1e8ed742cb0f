"""Keeping the file store tidy and under the newest key."""

from portal.bootstrap import Portal
from portal.services import files
from portal.worker.duties import duty


@duty("files", every_seconds=300)
def sweep_files(portal: Portal) -> int:
    """Removes files that nobody registered and files let go of, and re-seals those of older keys."""
    return files.sweep(portal.db) + files.rotate(portal.db)
