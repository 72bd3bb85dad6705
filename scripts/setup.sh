#!/usr/bin/env bash
# Installs what the tests and CI need in addition to Node, if it is missing: redis-server, PgBouncer,
# Prometheus, Chromium, curl, openssl, ps, and mmdebstrap. For the fault injection: Patroni, etcd, HAProxy, Redis Sentinel,
# and Debian's PostgreSQL. With --deploy, also what `npm run deploy:test` needs.
set -euo pipefail

policy=/usr/sbin/policy-rc.d
kept=$policy.before-stockroom
deploy=()
[[ ${1:-} != --deploy ]] || deploy=(buildah podman runc nginx caddy docker-compose iptables)

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
  as_root apt-get update --quiet=2 || say 'that failed: continuing with the package lists that are there'
  say "apt-get install ${missing[*]}"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -o DPkg::Lock::Timeout=600 --yes --quiet=2 --no-install-recommends "${missing[@]}" ||
    fail "apt-get could not install ${missing[*]}: see above"
  local service
  for service in redis-server redis-sentinel pgbouncer prometheus patroni etcd-server haproxy postgresql nginx caddy; do
    if [[ " ${missing[*]} " == *" $service "* ]]; then
      say "keeping the system from starting $service at boot, for the tests start their own"
      keep_from_boot "${service/etcd-server/etcd}"
    fi
  done
  mapfile -t missing < <(missing_packages)
  ((${#missing[@]} == 0)) || fail "installed, but not on PATH: ${missing[*]}"
  say 'done'
}

missing_packages() {
  local program
  for program in redis-server redis-sentinel curl mmdebstrap openssl pgbouncer prometheus patroni haproxy "${deploy[@]}"; do
    command -v "$program" >/dev/null || echo "$program"
  done
  command -v etcd >/dev/null || echo etcd-server
  if ((${#deploy[@]} > 0)); then
    command -v ip >/dev/null || echo iproute2
    [[ -x /usr/lib/podman/aardvark-dns ]] || printf '%s\n' netavark aardvark-dns
  fi
  compgen -G '/usr/lib/postgresql/*/bin/pg_basebackup' >/dev/null || echo postgresql
  command -v ps >/dev/null || echo procps
  [[ -x ${CHROMIUM_PATH:-} ]] || command -v chromium chromium-browser google-chrome >/dev/null || echo chromium
}

# systemd alone starts a service that has no init script.
keep_from_boot() {
  if [[ -e /etc/init.d/$1 ]]; then
    as_root update-rc.d "$1" disable
  elif command -v systemctl >/dev/null; then
    as_root systemctl disable "$1"
  fi
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
