#!/usr/bin/env bash
# The image gives every new volume the same cluster id, but the services tell by another id that records are gone and
# have to be published again. So a new volume gets an id of its own, and keeps it.
set -euo pipefail

made=$KAFKA_LOG_DIRS/meta.properties
if [[ -f $made ]]; then
  CLUSTER_ID=$(sed -n 's/^cluster\.id=//p' "$made")
else
  CLUSTER_ID=$(/opt/kafka/bin/kafka-storage.sh random-uuid)
fi
export CLUSTER_ID
exec /etc/kafka/docker/run
