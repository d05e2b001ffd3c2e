#!/bin/bash
# Whether a process of the product answers 200 here: healthy.sh PORT PATH. The image has no curl, and a
# node for every question would cost more than the answer.
set -e
exec 3<>"/dev/tcp/127.0.0.1/$1"
printf 'GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n' "$2" >&3
read -r _ status _ <&3
[ "$status" = 200 ]
