#!/usr/bin/env bash
# Restores a backup into an empty database and instance folder, then proves it: checksums, migrations, ledger, audit log.
# Usage: restore.sh BACKUP_FOLDER. DATABASE_URL, PORTAL_INSTANCE and the secrets as for the portal that is restored.
set -euo pipefail
umask 077
backup=$(cd "${1:?"backup folder"}" && pwd)
instance=${PORTAL_INSTANCE:-instance}
url=${DATABASE_URL:?"DATABASE_URL"}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
(cd "$backup" && sha256sum --quiet --check SHA256SUMS)
"${PG_RESTORE:-pg_restore}" --exit-on-error --no-owner --single-transaction --dbname="$url" "$backup/database.dump"
mkdir -p "$instance"
if [ -f "$backup/files.tar" ]; then
  tar --extract --file="$backup/files.tar" --directory="$instance"
fi
cd "$here"
"${PYTHON:-.venv/bin/python}" -m flask --app app migrate
"${PYTHON:-.venv/bin/python}" -m flask --app app ledger check
"${PYTHON:-.venv/bin/python}" -m flask --app app audit verify
echo "restored and proved"
