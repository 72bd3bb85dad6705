import { join } from 'node:path'

export interface Part {
  name: string
  title: string
  /** What has to be on PATH, besides Node. */
  programs: string[]
  needsRoot: boolean
  /** The first of these that was chosen has to end before: it makes the image. */
  after: string[]
  file: string
}

const part = (name: string, title: string, programs: string[] = [], needsRoot = false): Part => ({
  name,
  title,
  programs,
  needsRoot,
  after: [],
  file: join(import.meta.dirname, `${name}.test.ts`),
})

export const parts: Part[] = [
  part('image', 'builds the image, runs it without privileges, and looks into it', image(), true),
  part('edge', 'runs replicas behind HAProxy, nginx, and Caddy', ['haproxy', 'nginx', 'caddy', 'openssl', 'curl']),
  { ...part('drill', 'does what a new operator does, and writes the minutes down', drill(), true), after: ['image'] },
  { ...part('compose', 'starts compose.yaml on podman', compose(), true), after: ['image', 'drill'] },
  part('upgrade', 'replaces the previous version under load, and goes back', ['git']),
  part('backup', 'dumps, restores, and ends sessions, as docs/operations/backup.md says', ['pg_dump', 'psql'], true),
  part('commands', 'runs the commands of docs/operations on a new server', ['pg_dump', 'psql'], true),
  part('monitoring', 'asks Prometheus what the dashboard and the alerts ask', ['prometheus', 'promtool']),
  part('interrupt', 'ends runs in the middle, with all that they started', ['nginx', 'prometheus', 'pg_dump'], true),
  part('manifests', 'checks compose.yaml and the manifests of Kubernetes', ['docker-compose']),
  part('systemd', 'checks the unit', ['systemd-analyze']),
]

function drill(): string[] {
  return [...image(), 'caddy', 'openssl', 'prometheus', 'pg_dump']
}

function compose(): string[] {
  return [...image(), 'docker-compose', 'curl', 'ip', 'iptables', 'nsenter']
}

function image(): string[] {
  return ['buildah', 'podman', 'runc', 'mmdebstrap', 'npm']
}
