#!/usr/bin/env bash
# Runs the two commands of the README in a bare Debian: minimal packages, a clone, and the Node and npm of this machine.
#
#   scripts/try-bare-root.sh trixie                                  another Debian than bookworm
#   scripts/try-bare-root.sh noble http://archive.ubuntu.com/ubuntu  Ubuntu, where its keyring is installed
#
# All tests would take ten minutes for each user, so `npm test` gets a few files.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

suite=${1:-bookworm}
mirror=${2:-}
archive=${XDG_CACHE_HOME:-$HOME/.cache}/stockroom/bare-$suite.tar
tests=(test/items/items.test.ts test/e2e/revocations.test.ts test/openapi/reference-page.test.ts)
# For one command, on a busy machine: on an idle one it takes about half a minute.
limit_s=600
job=

main() {
  ((EUID == 0)) || skip 'it takes root to make and enter a root file system'
  command -v mmdebstrap >/dev/null || skip 'mmdebstrap is missing: scripts/setup.sh installs it'
  unshare --mount --pid --fork true || skip 'this machine allows no mount and process namespaces'
  folder=$(mktemp -d)
  trap clean_up EXIT
  root=$folder/root
  make_root
  local user
  for user in newcomer root; do
    try_start "$user"
    try_tests "$user"
  done
  say "both commands work in a bare $suite, as an ordinary user and as root"
}

# The archive is kept for a week, so that the packages are up to date. Every package of Node brings libstdc++6.
make_root() {
  if [[ ! -e $archive || -n $(find "$archive" -mtime +7) ]]; then
    say "making a bare $suite"
    mkdir -p "$(dirname "$archive")"
    mmdebstrap --quiet --format=tar --variant=minbase --include=libstdc++6 "$suite" "$archive.new" ${mirror:+"$mirror"}
    mv "$archive.new" "$archive"
  fi
  mkdir "$root"
  tar -xf "$archive" -C "$root"
  cp /etc/resolv.conf /etc/hosts "$root/etc/"
  install_node
  chroot "$root" useradd --create-home --shell /bin/sh newcomer
  clone root
  clone newcomer
}

# As the newcomer has it: of the system, whatever the project brings. The settings of npm may name a registry, and hold secrets.
install_node() {
  local modules config
  modules=$(npm root --global)
  mkdir -p "$root/usr/etc" "$root/usr/lib/node_modules"
  cp "$(node -p process.execPath)" "$root/usr/bin/node"
  cp -R "$modules/npm" "$root/usr/lib/node_modules/"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/bin/npm"
  ln -s ../lib/node_modules/npm/bin/npx-cli.js "$root/usr/bin/npx"
  for config in globalconfig userconfig; do
    cat "$(npm config get "$config")" >>"$root/usr/etc/npmrc" 2>/dev/null || true
  done
  chmod 644 "$root/usr/etc/npmrc"
  config=$(npm config get cafile)
  [[ ! -e $config ]] || install -D --mode=644 "$config" "$root$config"
}

clone() {
  git clone --quiet . "$root$(home_of "$1")/stockroom"
  chroot "$root" chown -R "$1:" "$(home_of "$1")/stockroom"
}

try_start() {
  local port
  port=$(free_port)
  say "npm ci && npm start, as $1"
  begin_in_root "$1" "npm ci && PORT=$port npm start"
  wait_for is_healthy "$port" || fail "the service did not come up, as $1"
  say "the clone takes $(du --summarize --human-readable "$root$(home_of "$1")/stockroom" | cut -f1)"
  end_job
}

try_tests() {
  say "npm ci && npm test -- ${tests[*]}, as $1"
  begin_in_root "$1" "npm ci && npm test -- ${tests[*]}"
  wait_for false || { [[ -n $job ]] && wait "$job"; } || fail "the tests failed, as $1"
  grep -E '^ℹ (pass|fail|skipped)' "$folder/log"
}

# Runs a command in the clone of a user. All that it starts ends with the job.
begin_in_root() {
  local proxies
  mapfile -t proxies < <(env | grep -iE '^(https?_proxy|no_proxy)=')
  # shellcheck disable=SC2016
  unshare --mount --pid --fork --kill-child bash -ec '
    mount --bind "$1" "$1"
    mount -t proc proc "$1/proc"
    mount -t tmpfs -o mode=1777 tmpfs "$1/dev/shm"
    mount -t devpts -o newinstance,ptmxmode=666 devpts "$1/dev/pts"
    cd "$1"
    pivot_root . .
    umount --lazy .
    exec chroot --userspec="$2" . env --ignore-environment "${@:5}" HOME="$3" \
      PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin sh -c "cd ~/stockroom && $4"' \
    bash "$root" "$1" "$(home_of "$1")" "$2" "${proxies[@]}" >"$folder/log" 2>&1 </dev/null &
  job=$!
}

# Waits until a command succeeds. Returns 1 if the job ends before, and ends it at the limit.
wait_for() {
  local deadline=$((SECONDS + limit_s))
  until "$@"; do
    kill -0 "$job" 2>/dev/null || return 1
    ((SECONDS < deadline)) || end_job
    sleep 1
  done
}

end_job() {
  [[ -n $job ]] || return 0
  kill -KILL "$job" 2>/dev/null || true
  wait "$job" 2>/dev/null || true
  job=
}

is_healthy() {
  [[ $(curl --silent --max-time 5 "http://localhost:$1/healthz") == ok ]]
}

home_of() {
  if [[ $1 == root ]]; then echo /root; else echo "/home/$1"; fi
}

free_port() {
  node -p "const server = require('net').createServer().listen(0); server.unref(); server.address().port"
}

clean_up() {
  end_job
  # Processes that are being killed may still write.
  rm -rf --one-file-system "$folder" 2>/dev/null || { sleep 2 && rm -rf --one-file-system "$folder"; }
}

# As a test would: skipped here, but not in CI.
skip() {
  if [[ -n ${CI:-} ]]; then
    say "CI is set, so this may not be skipped: $*" >&2
    exit 1
  fi
  say "SKIPPED: $*" >&2
  exit
}

say() {
  printf 'bare root: %s\n' "$*"
}

fail() {
  cat "$folder/log" >&2
  say "$*" >&2
  exit 1
}

main
