#!/bin/sh
# Follow every event with kcat: envelope, key and value on one line. KCAT_OPTIONS takes more options, such as
# -X auto.offset.reset=earliest to begin with the oldest event kept, or -c 10 to stop after ten.
# shellcheck disable=SC2086 # KCAT_OPTIONS holds several words
exec kcat -b "${BOOTSTRAP:-127.0.0.1:9092}" -f '%h %k %s\n' ${KCAT_OPTIONS:-} -G "${GROUP:-my-group}" \
  "${PREFIX:-}complaints.intake" "${PREFIX:-}complaints.routing" \
  "${PREFIX:-}complaints.resolution" "${PREFIX:-}complaints.followup"
