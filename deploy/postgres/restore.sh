#!/usr/bin/env bash
# Puts a base backup, a tar from standard input, in the place of the server's data; the server must not run.
# What was there is kept beside it, until somebody deletes it.
set -euo pipefail

owner=postgres:postgres
if [[ -d $PGDATA ]]; then
  owner=$(stat --format=%u:%g "$PGDATA")
fi
rm -rf "$PGDATA.new"
mkdir -p -m 700 "$PGDATA.new"
tar --extract --directory "$PGDATA.new"
test -f "$PGDATA.new/PG_VERSION"
chown -R "$owner" "$PGDATA.new"
if [[ -d $PGDATA ]]; then
  mv "$PGDATA" "$PGDATA.before-$(date -u +%Y%m%dT%H%M%SZ)"
fi
mv "$PGDATA.new" "$PGDATA"
