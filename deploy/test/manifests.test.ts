import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { promisify } from 'node:util'

import { parse, parseAllDocuments } from 'yaml'

import { describeSettings } from '../../src/config/settings.ts'

const root = join(import.meta.dirname, '../..')
const folder = join(root, 'deploy/kubernetes')

interface Manifest {
  apiVersion: string
  kind: string
  spec: Record<string, unknown>
}

/** Those of Kubernetes itself; the others belong to kustomize and to the Prometheus operator. */
const ownKinds = /^(apps|batch|policy|autoscaling|networking\.k8s\.io|)\/?v\d/

test('manifests fit the types of Kubernetes, without unknown fields', async (t: TestContext) => {
  const manifests = (await readManifests('base')).filter(({ apiVersion }) => ownKinds.test(apiVersion))
  t.assert.deepStrictEqual(manifests.map(({ kind }) => kind).toSorted(), [
    'Deployment',
    'HorizontalPodAutoscaler',
    'Ingress',
    'Job',
    'NetworkPolicy',
    'PodDisruptionBudget',
    'Service',
  ])
  t.assert.strictEqual(await typeErrors(manifests), '')
  const [first] = manifests
  const mistaken = { ...first, spec: { ...first?.spec, replicsa: 3 } } as Manifest
  t.assert.match(await typeErrors([mistaken]), /replicsa.* does not exist/)
  const specOf = (kind: string) => manifests.find((manifest) => manifest.kind === kind)?.spec
  t.assert.strictEqual(specOf('Deployment')?.['replicas'], undefined)
  t.assert.strictEqual(specOf('HorizontalPodAutoscaler')?.['minReplicas'], 3)
  for (const manifest of manifests) {
    const module = (await import(`kubernetes-models/${manifest.apiVersion}/${manifest.kind}`)) as Record<string, Model>
    const Kind = module[manifest.kind]
    t.assert.ok(Kind, manifest.kind)
    new Kind(manifest).validate()
  }
})

type Model = new (manifest: Manifest) => { validate(): void }

test('settings in manifests and in compose.yaml exist', async (t: TestContext) => {
  const known = new Set(
    describeSettings()
      .match(/^ {2}[A-Z_]+/gm)
      ?.map((name) => name.trim()),
  )
  const kustomization = parse(await readFile(join(folder, 'base/kustomization.yaml'), 'utf8')) as {
    configMapGenerator: { literals: string[] }[]
    resources: string[]
  }
  const literals = kustomization.configMapGenerator.flatMap((map) =>
    map.literals.map((each) => each.split('=')[0] ?? ''),
  )
  const compose = await readCompose()
  const composed = Object.keys(compose.services['stockroom-1']?.environment ?? {})
  t.assert.ok(literals.length > 5 && composed.length > 5)
  t.assert.deepStrictEqual(
    [...literals, ...composed].filter((name) => !known.has(name)),
    [],
  )
  const files = (await readdir(join(folder, 'base'))).filter((name) => name !== 'kustomization.yaml')
  t.assert.deepStrictEqual(kustomization.resources.toSorted(), files.toSorted())
})

test('services of compose.yaml are confined and start after migration', async (t: TestContext) => {
  const { services, secrets } = await readCompose()
  for (const name of ['migrate', 'stockroom-1', 'stockroom-2']) {
    const service = services[name]
    t.assert.strictEqual(service?.read_only, true)
    t.assert.deepStrictEqual(service?.cap_drop, ['ALL'])
    for (const secret of service?.secrets ?? []) t.assert.ok(secrets[secret], secret)
    for (const needed of Object.keys(service?.depends_on ?? {})) t.assert.ok(services[needed], needed)
  }
  const condition = services['stockroom-1']?.depends_on['migrate']?.condition
  t.assert.strictEqual(condition, 'service_completed_successfully')
  const caddyfile = await readFile(join(root, 'deploy/Caddyfile'), 'utf8')
  const upstreams = [...caddyfile.matchAll(/\b(stockroom-\d):8000/g)].map(([, name = '']) => name)
  t.assert.deepStrictEqual(upstreams, ['stockroom-1', 'stockroom-2'])
})

test('docker-compose accepts compose.yaml, and needs a domain', async (t: TestContext) => {
  const text = await readFile(join(root, 'compose.yaml'), 'utf8')
  const check = (compose: string, domain: string) => {
    const env = { ...process.env, STOCKROOM_DOMAIN: domain }
    const args = ['--file', '-', '--project-directory', root, 'config', '--quiet']
    return spawnSync('docker-compose', args, { env, input: compose, encoding: 'utf8' })
  }
  const { status, stderr } = check(text, 'shop.example')
  t.assert.strictEqual(status, 0, stderr)
  t.assert.match(check(text, '').stderr, /set it to the name that clients use/)
  t.assert.match(check(text.replace('read_only:', 'readonly:'), 'shop.example').stderr, /'readonly'/)
})

interface Compose {
  services: Record<
    string,
    {
      read_only?: boolean
      cap_drop?: string[]
      secrets: string[]
      environment: Record<string, string>
      depends_on: Record<string, { condition: string }>
    }
  >
  secrets: Record<string, unknown>
}

async function readCompose(): Promise<Compose> {
  return parse(await readFile(join(root, 'compose.yaml'), 'utf8'), { merge: true }) as Compose
}

async function readManifests(name: string): Promise<Manifest[]> {
  const names = await readdir(join(folder, name))
  const texts = await Promise.all(names.map((file) => readFile(join(folder, name, file), 'utf8')))
  return texts.flatMap((text) => parseAllDocuments(text).map((document) => document.toJS() as Manifest))
}

/** What TypeScript says about them as literals: only there, unknown fields are errors. */
async function typeErrors(manifests: Manifest[]): Promise<string> {
  const place = await mkdtemp(join(root, 'node_modules/.cache-manifests-'))
  try {
    const lines = manifests.flatMap((manifest, index) => [
      `import type { I${manifest.kind} as Kind${index} } from 'kubernetes-models/${manifest.apiVersion}/${manifest.kind}'`,
      `export const manifest${index}: Kind${index} = ${JSON.stringify(manifest)}`,
    ])
    await writeFile(join(place, 'manifests.ts'), lines.join('\n'))
    const options = [
      '--noEmit',
      '--strict',
      '--skipLibCheck',
      '--ignoreConfig',
      '--module',
      'nodenext',
      '--target',
      'esnext',
    ]
    const tsc = join(root, 'node_modules/.bin/tsc')
    return await promisify(execFile)(tsc, [...options, join(place, 'manifests.ts')]).then(
      () => '',
      ({ stdout }: { stdout: string }) => stdout,
    )
  } finally {
    await rm(place, { recursive: true })
  }
}
