#!/usr/bin/env bash
# Backs a portal up: the database in PostgreSQL's custom format, the file store and what the secrets' names are.
# Usage: backup.sh TARGET_FOLDER. DATABASE_URL and PORTAL_INSTANCE as for the portal. Secrets are not copied: keep them
# apart, or a stolen backup is a stolen portal.
set -euo pipefail
umask 077
target=${1:?"target folder"}
instance=${PORTAL_INSTANCE:-instance}
stamp=$(date -u +%Y%m%dT%H%M%SZ)
folder="$target/portal-$stamp"
mkdir -p "$folder"
url=${DATABASE_URL:?"DATABASE_URL"}
"${PG_DUMP:-pg_dump}" --format=custom --no-owner --file="$folder/database.dump" "$url"
if [ -d "$instance/files" ]; then
  tar --create --file="$folder/files.tar" --directory="$instance" files
fi
(cd "$folder" && sha256sum -- * > SHA256SUMS)
echo "$folder"
