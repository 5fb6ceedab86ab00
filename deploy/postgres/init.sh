#!/usr/bin/env bash
# Runs once, on an empty volume: one database for each service, to which only its owner may connect.
set -euo pipefail

make_database() {
  # Through the environment: what stands in a command line can be read by every process.
  NAME=$1 PASSWORD=$2 psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 \
    --username "$POSTGRES_USER" --dbname postgres <<'SQL'
\getenv name NAME
\getenv password PASSWORD
create role :"name" login password :'password';
create database :"name" owner :"name";
revoke connect, temporary on database :"name" from public;
SQL
}

make_database intake "$INTAKE_DATABASE_PASSWORD"
make_database routing "$ROUTING_DATABASE_PASSWORD"
make_database resolution "$RESOLUTION_DATABASE_PASSWORD"
make_database followup "$FOLLOWUP_DATABASE_PASSWORD"
