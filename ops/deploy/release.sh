#!/usr/bin/env bash
# On the machine that runs the product: releases what deploy.sh has sent, or goes back one release.
#
#   release.sh deploy   FOLDER TAG    # FOLDER/releases/TAG becomes FOLDER/current
#   release.sh rollback FOLDER
#
# A release is built, migrated, started, waited for and asked. What fails before the start leaves the
# running release alone; what fails after it brings the release before back. The schema never goes back:
# the older code runs on the newer one (expand, then contract: docs/operations/deployment.md#upgrades).
set -euo pipefail

READY_WITHIN_S=${READY_WITHIN_S:-180}
STILL_READY_AFTER_S=${STILL_READY_AFTER_S:-10}
ASKED_AGAIN=${ASKED_AGAIN:-5} # times, every two seconds
RELEASES_KEPT=5

say() { printf '%s %s\n' "$(date -u +%FT%TZ)" "$*"; }
fail() {
  say "FAILED: $*" >&2
  exit 1
}

action=${1-} dir=${2-} tag=${3-}
case $action in
  deploy) [ -n "$tag" ] || fail 'usage: release.sh deploy FOLDER TAG' ;;
  rollback) [ -n "$dir" ] || fail 'usage: release.sh rollback FOLDER' ;;
  *) fail "'$action' is no action; it may be deploy or rollback" ;;
esac
[ -f "$dir/.env" ] || fail "$dir/.env is missing: the settings and secrets of this machine"

current() { basename "$(readlink "$dir/current" || true)"; } # nothing before the first release
# The path of `current` never changes, so that a release alone changes no service's mounts.
compose() { (cd "$dir/current" && docker compose "$@"); }

# The tag stands in .env, so that compose commands typed by hand mean the same images.
point_to() {
  (umask 077 && { grep -v '^BROKERX_TAG=' "$dir/.env" || true; } >"$dir/.env.new")
  echo "BROKERX_TAG=$1" >>"$dir/.env.new"
  mv "$dir/.env.new" "$dir/.env"
  ln -sfn ../../.env "$dir/releases/$1/.env"
  ln -sfn "releases/$1" "$dir/current.new"
  mv -T "$dir/current.new" "$dir/current"
}

# A line for each container that is neither up (and healthy, if it has a check) nor done.
not_ready() {
  compose ps --all --format '{{.Service}} {{.State}} {{.Health}} {{.ExitCode}}' | awk '
    $2 == "running" && (NF == 3 || $3 == "healthy") { next }
    $2 == "exited" && $NF == 0 { next }
    { print }
    END { if (NR == 0) print "there are no containers" }'
}

wait_until_ready() {
  local until=$((SECONDS + READY_WITHIN_S)) waiting
  while true; do
    waiting=$(not_ready) || waiting='docker compose ps failed'
    [ -n "$waiting" ] || return 0
    if [ "$SECONDS" -ge "$until" ]; then
      say "not ready after $READY_WITHIN_S s: $waiting" >&2
      return 1
    fi
    sleep 2
  done
}

setting() { sed -n "s/^$1=//p" "$dir/.env" | tail -n 1; }

# Through nginx, as a client: the process answers, and has its database. With TLS by its public name, on
# this machine; the certificate is not what is asked about.
answers() {
  local url path connect=()
  url=$(setting PUBLIC_URL)
  if [[ $url == https://* ]]; then connect=(--connect-to ::127.0.0.1: --insecure); else
    url=$(setting PORT)
    url=http://127.0.0.1:${url:-3000}
  fi
  for path in /health /ready; do
    curl --silent --show-error --fail --output /dev/null --max-time 5 --retry "$ASKED_AGAIN" \
      --retry-all-errors --retry-delay 2 "${connect[@]}" "${url%/}$path" || return 1
  done
}

# Configuration that is mounted is read at the start: compose sees no change in it.
reload_configuration() {
  local service
  for service in nginx prometheus alertmanager grafana; do
    [ -d "$dir/current/ops/$service" ] || continue
    [ -n "$(compose ps --quiet "$service" 2>/dev/null)" ] || continue # in a profile that is off
    diff -rq "$dir/releases/$1/ops/$service" "$dir/current/ops/$service" >/dev/null && continue
    compose up --detach --no-deps --force-recreate "$service" || return 1
  done
}

# New containers of the API beside the old ones, which go when those are ready: nginx has some to ask
# all the time. Left alone are those that are of this release already.
replace_web() {
  local old container
  old=$(compose ps --quiet web) || return 1
  for container in $old; do
    [ "$(docker inspect --format '{{.Config.Image}}' "$container")" = "brokerx-plus:$(current)" ] || break
    container=
  done
  [ -n "${container-}" ] || return 0
  if ! compose up --detach --no-build --no-deps --no-recreate --scale "web=$(($(wc -w <<<"$old") * 2))" web ||
    ! wait_until_ready; then
    compose ps --all --quiet web | grep -vxF "$old" | xargs --no-run-if-empty docker rm --force >/dev/null
    return 1
  fi
  for container in $old; do
    docker stop --time 30 "$container" >/dev/null && docker rm "$container" >/dev/null || return 1
  done
}

# $1: the release that ran before, or nothing
start() {
  replace_web || return 1
  compose up --detach --no-build --remove-orphans || return 1
  if [ -n "$1" ]; then reload_configuration "$1" || return 1; fi
  wait_until_ready || return 1
  answers || return 1
  sleep "$STILL_READY_AFTER_S" # one that falls over again and again is up now and then
  wait_until_ready && answers
}

go_back_to() {
  local from
  from=$(current)
  point_to "$1"
  start "$from" || fail "$1 does not run either; look at 'docker compose ps' in $dir/current"
}

forget_old_releases() {
  local old
  # shellcheck disable=SC2012 # names are commits; by time of release, the newest first
  ls -1t "$dir/releases" | tail -n "+$((RELEASES_KEPT + 1))" | while read -r old; do
    if [ "$old" = "$(current)" ] || [ "$old" = "$(cat "$dir/previous" 2>/dev/null)" ]; then
      continue
    fi
    docker image rm "brokerx-plus:$old" "brokerx-plus-backup:$old" >/dev/null 2>&1 || true
    rm -rf "${dir:?}/releases/$old"
  done
}

# Nothing that runs was touched yet: only commands typed by hand would mean the new release.
leave_alone() {
  [ -z "$before" ] || point_to "$before"
  fail "$1; ${before:-nothing} runs as before"
}

deploy() {
  local before
  before=$(current)
  [ -d "$dir/releases/$tag" ] || fail "$dir/releases/$tag is missing: deploy.sh sends it"
  say "building $tag (running: ${before:-nothing})"
  trap 'leave_alone "interrupted"' INT TERM HUP
  point_to "$tag"
  BUILD_COMMIT=$tag compose build || leave_alone 'the image was not built'
  say 'migrating'
  compose run --rm --no-TTY migrate || leave_alone 'the migration failed'
  trap - INT TERM HUP
  touch "$dir/releases/$tag"
  say 'starting'
  if ! start "$before"; then
    if [ -z "$before" ] || [ "$before" = "$tag" ]; then
      fail "$tag does not run, and there is none to go back to"
    fi
    say "going back to $before" >&2
    go_back_to "$before"
    fail "$tag does not run; $before runs again"
  fi
  if [ -n "$before" ] && [ "$before" != "$tag" ]; then echo "$before" >"$dir/previous"; fi
  forget_old_releases
  say "$tag runs"
}

rollback() {
  local to from
  to=$(cat "$dir/previous" 2>/dev/null || true)
  from=$(current)
  if [ -z "$to" ] || [ ! -d "$dir/releases/$to" ]; then fail "there is no release before $from"; fi
  say "going back from $from to $to"
  go_back_to "$to"
  echo "$from" >"$dir/previous"
  say "$to runs"
}

exec 9>"$dir/.lock"
flock --nonblock 9 || fail 'another deployment is under way'
case $action in
  deploy) deploy ;;
  rollback) rollback ;;
esac
