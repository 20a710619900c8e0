#!/bin/sh
# record.sh FILE COMMAND…: writes down which process this is, then becomes COMMAND.
# FILE gets the id of the boot and the line of /proc that holds pid and start time: whoever ends the program later, even
# after supervisord was killed, can tell it from a stranger that was given the same pid.
set -e
record=$1
shift
cat /proc/sys/kernel/random/boot_id "/proc/$$/stat" > "$record.new"
mv "$record.new" "$record"
exec "$@"
