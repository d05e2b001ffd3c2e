#!/usr/bin/env bash
# Brings a commit to a machine by SSH and releases it there, or goes back to the release before:
#
#   ops/deploy/deploy.sh deploy   USER@HOST [COMMIT]   # HEAD unless told
#   ops/deploy/deploy.sh rollback USER@HOST
#
# DEPLOY_DIR is the folder on the machine, /opt/brokerx unless set. What is sent is what is committed.
# The machine needs Docker with compose, and DEPLOY_DIR/.env (docs/operations/deployment.md).
set -euo pipefail

usage() {
  sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
  exit 2
}

action=${1-}
host=${2-}
dir=${DEPLOY_DIR:-/opt/brokerx}

case $action in deploy | rollback) ;; *) usage ;; esac
if [[ ! $host =~ ^[A-Za-z0-9_][A-Za-z0-9_.@:-]*$ ]]; then
  echo "deploy.sh: '$host' is no host; give one, such as deploy@broker.example.com" >&2
  usage
fi
if [[ ! $dir =~ ^/[A-Za-z0-9_./-]+$ ]]; then
  echo "deploy.sh: DEPLOY_DIR is '$dir'; it must be a full path of letters, digits and ._-/" >&2
  exit 2
fi

# Nobody can answer a question here, and a machine with another key is another machine.
on_host() {
  ssh -o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=10 \
    -o ServerAliveInterval=15 -o ServerAliveCountMax=4 "$host" "$@"
}

if [ "$action" = rollback ]; then
  on_host "'$dir/current/ops/deploy/release.sh' rollback '$dir'"
  exit
fi

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
tag=$(git rev-parse --verify "${3:-HEAD}^{commit}")
echo "Sending $tag to $host"
# Unpacked beside, then renamed: a release that is there is whole.
git archive --format=tar.gz "$tag" | on_host "set -e
  mkdir -p '$dir/releases'
  rm -rf '$dir/releases/.$tag'
  mkdir '$dir/releases/.$tag'
  tar -xzf - -C '$dir/releases/.$tag'
  if [ -e '$dir/releases/$tag' ]; then rm -rf '$dir/releases/.$tag'
  else mv '$dir/releases/.$tag' '$dir/releases/$tag'; fi"
on_host "'$dir/releases/$tag/ops/deploy/release.sh' deploy '$dir' '$tag'"
