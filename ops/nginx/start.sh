#!/bin/sh
# Runs nginx on the replicas of the API that Docker's DNS names, and follows them as they come and go.
# A name in an upstream block is asked for only when nginx starts; newer versions can do it (`resolve`),
# but not every nginx has them.
set -eu

SERVICE=web
SERVICE_PORT=3000
LOOK_EVERY_S=2
# A replica that restarts is missed for a moment: nginx finds out by itself, and skips it until it is back.
KEEP_FOR_S=30
CONFIG=/etc/nginx/brokerx/nginx.conf
SEEN=/tmp/replicas.seen # lines: address, when it was last seen

addresses() {
  nslookup "$SERVICE" 127.0.0.11 2>/dev/null |
    awk '/^Name:/ { found = 1 }
         found && /^Address/ && match($0, /[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+/) {
           print substr($0, RSTART, RLENGTH)
         }' | sort -u
}

# Notes who is there, and forgets who has been away for long.
note() {
  now=$(date +%s)
  touch "$SEEN"
  { for address in $1; do echo "$address $now"; done; cat "$SEEN"; } |
    awk -v now="$now" -v keep="$KEEP_FOR_S" '!known[$1]++ && now - $2 <= keep' >"$SEEN.new"
  mv "$SEEN.new" "$SEEN"
}

pool() {
  echo "upstream $1 {"
  echo "  zone $1 256k;"
  echo '  least_conn;'
  cut -d' ' -f1 "$SEEN" | sort -u |
    while read -r address; do
      echo "  server $address:$SERVICE_PORT max_fails=3 fail_timeout=2s;"
    done
  [ -z "${2:-}" ] || echo "  $2"
  echo '}'
}

# Node hangs up after 65 s, so nginx does before.
pools() {
  pool web 'keepalive 64; keepalive_requests 100000; keepalive_timeout 60s;'
  pool web_fresh
}

follow() {
  while sleep "$LOOK_EVERY_S"; do
    found=$(addresses) || true
    [ -n "$found" ] || continue # none answers: there is nothing better than the list that there is
    note "$found"
    pools >/tmp/replicas.new
    cmp -s /tmp/replicas.new /tmp/replicas.conf && continue
    mv /tmp/replicas.new /tmp/replicas.conf
    echo "start.sh: replicas are now $(cut -d' ' -f1 "$SEEN" | sort -u | tr '\n' ' ')" >&2
    nginx -c "$CONFIG" -s reload || true
  done
}

case "${NGINX_SERVER:=http}" in
  http | https) echo "include /etc/nginx/brokerx/$NGINX_SERVER.conf;" >/tmp/server.conf ;;
  *) echo "NGINX_SERVER was \"$NGINX_SERVER\": allowed are http and https" >&2; exit 1 ;;
esac
until found=$(addresses) && [ -n "$found" ]; do
  echo "start.sh: waiting for $SERVICE" >&2
  sleep 1
done
note "$found"
pools >/tmp/replicas.conf
follow &
exec nginx -c "$CONFIG" -g 'daemon off;'
