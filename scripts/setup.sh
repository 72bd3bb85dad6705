#!/usr/bin/env bash
# Installs what the tests and CI need beside Node, if it is missing: redis-server, PgBouncer, Chromium, curl, ps, and mmdebstrap.
set -euo pipefail

policy=/usr/sbin/policy-rc.d
kept=$policy.before-stockroom

main() {
  local missing
  mapfile -t missing < <(missing_packages)
  if ((${#missing[@]} == 0)); then
    say 'all of it is installed already'
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
  local service
  for service in redis-server pgbouncer; do
    if [[ " ${missing[*]} " == *" $service "* ]]; then
      say "keeping the system from starting $service at boot, for the tests start their own"
      as_root update-rc.d "$service" disable
    fi
  done
  mapfile -t missing < <(missing_packages)
  ((${#missing[@]} == 0)) || fail "installed, but not on PATH: ${missing[*]}"
  say 'done'
}

missing_packages() {
  local program
  for program in redis-server curl mmdebstrap pgbouncer; do
    command -v "$program" >/dev/null || echo "$program"
  done
  command -v ps >/dev/null || echo procps
  [[ -x ${CHROMIUM_PATH:-} ]] || command -v chromium chromium-browser google-chrome >/dev/null || echo chromium
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
