#!/bin/sh
# Runs a command that is silent for long, with a line every 15 seconds that
# tells how long it has taken.
#   scripts/with-progress.sh LABEL CMD ARG...
set -u
label=$1
shift

begin=$(date +%s)
"$@" &
command=$!
(
    trap 'kill "$nap" 2>/dev/null; exit 0' TERM
    while :; do
        sleep 15 &
        nap=$!
        wait "$nap"
        elapsed=$(($(date +%s) - begin))
        printf '%s: %d min %02d s so far\n' "$label" $((elapsed / 60)) $((elapsed % 60)) >&2
    done
) &
progress=$!
trap 'kill "$command" "$progress" 2>/dev/null; exit 130' INT TERM HUP

wait "$command"
code=$?
kill "$progress" 2>/dev/null
elapsed=$(($(date +%s) - begin))
if [ "$code" -eq 0 ]; then
    printf '%s: done in %d min %02d s\n' "$label" $((elapsed / 60)) $((elapsed % 60)) >&2
else
    printf '%s: FAILED (exit code %d) after %d min %02d s\n' "$label" "$code" $((elapsed / 60)) $((elapsed % 60)) >&2
fi
exit "$code"
