#!/usr/bin/env bash
# Installs what the tests need beside Node and a bare Debian lacks: redis-server and Chromium.
set -euo pipefail

policy=/usr/sbin/policy-rc.d
kept=$policy.before-stockroom

main() {
  local missing=()
  command -v redis-server >/dev/null || missing+=(redis-server)
  has_chromium || missing+=(chromium)
  if ((${#missing[@]} == 0)); then
    say 'redis-server and Chromium are there already'
    return
  fi

  command -v apt-get >/dev/null || fail "this is no Debian: install ${missing[*]} yourself"
  ((EUID == 0)) || command -v sudo >/dev/null || fail "as root or with sudo only: apt-get install ${missing[*]}"
  trap release_services EXIT
  hold_services
  say "apt-get update"
  as_root apt-get update --quiet=2 || say 'that failed: going on with the package lists that are there'
  say "apt-get install ${missing[*]}"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet=2 --no-install-recommends "${missing[@]}" ||
    fail "apt-get could not install ${missing[*]}: see above"
  if [[ " ${missing[*]} " == *' redis-server '* ]]; then
    say 'keeping the system from starting Redis at boot, for the tests start their own'
    as_root update-rc.d redis-server disable
  fi
  command -v redis-server >/dev/null && has_chromium || fail "installed, but not on PATH: ${missing[*]}"
  say 'done'
}

has_chromium() {
  [[ -x ${CHROMIUM_PATH:-} ]] || command -v chromium chromium-browser google-chrome >/dev/null
}

# Debian starts a service as soon as it is installed, unless this file says no.
hold_services() {
  [[ ! -e $policy || -e $kept ]] || as_root mv "$policy" "$kept"
  printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
  as_root chmod 755 "$policy"
}

release_services() {
  as_root rm -f "$policy"
  [[ ! -e $kept ]] || as_root mv "$kept" "$policy"
}

as_root() {
  if ((EUID == 0)); then "$@"; else sudo "$@"; fi
}

say() {
  printf 'setup: %s\n' "$*"
}

fail() {
  say "$*" >&2
  exit 1
}

main
