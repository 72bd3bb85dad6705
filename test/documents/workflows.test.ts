import { readdir, readFile } from 'node:fs/promises'
import { test, type TestContext } from 'node:test'

import { parse } from 'yaml'

interface Workflow {
  permissions: Record<string, string>
  jobs: Record<
    string,
    {
      container?: object
      needs?: string
      permissions?: Record<string, string>
      'timeout-minutes': number
      steps: Step[]
    }
  >
}

interface Step {
  uses?: string
  run?: string
  with?: Record<string, unknown>
}

const folder = '.github/workflows'
const workflows = await Promise.all(
  (await readdir(folder)).map(async (name) => ({
    name,
    workflow: parse(await readFile(`${folder}/${name}`, 'utf8')) as Workflow,
  })),
)
const jobs = workflows.flatMap(({ name, workflow }) =>
  Object.entries(workflow.jobs).map(
    ([job, { container, needs, permissions, steps: list, 'timeout-minutes': minutes }]) => ({
      name: `${name}: ${job}`,
      container,
      needs,
      permissions,
      minutes,
      steps: list,
    }),
  ),
)
const steps = jobs.flatMap((job) => job.steps)

test('workflows use actions by the hash of their commit', (t: TestContext) => {
  const used = steps.flatMap(({ uses }) => uses ?? [])
  t.assert.ok(used.length > 5)
  t.assert.deepStrictEqual(
    used.filter((action) => !/@[0-9a-f]{40}$/.test(action)),
    [],
  )
})

// There, another user owns the checkout, which git reads only if it is a safe directory. The action sets that for itself alone.
test('git may read the checkout of a job in a container', (t: TestContext) => {
  const inContainers = jobs.filter(({ container }) => container !== undefined)
  t.assert.ok(inContainers.length > 2)
  for (const { name, steps: list } of inContainers) {
    const trusts = list.findIndex(({ run }) => run?.includes('--add safe.directory "$GITHUB_WORKSPACE"'))
    const uses = list.findIndex(({ uses: action }) => action?.startsWith('actions/checkout@'))
    t.assert.ok(uses >= 0 && trusts > uses, name)
  }
})

test('workflows may write only what a release makes', (t: TestContext) => {
  for (const { name, workflow } of workflows) {
    const isRelease = name === 'release.yml'
    t.assert.deepStrictEqual(workflow.permissions, isRelease ? {} : { contents: 'read' }, name)
  }
  const granted = jobs.flatMap(({ name, permissions = {} }) =>
    Object.entries(permissions).flatMap(([scope, access]) => (access === 'write' ? [`${name}: ${scope}`] : [])),
  )
  t.assert.deepStrictEqual(granted.toSorted(), [
    'release.yml: image: attestations',
    'release.yml: image: id-token',
    'release.yml: image: packages',
    'release.yml: packages: attestations',
    'release.yml: packages: contents',
    'release.yml: packages: id-token',
  ])
})

test('no dependency runs in a job that may sign', (t: TestContext) => {
  const signing = jobs.filter(({ permissions }) => permissions?.['id-token'] === 'write')
  t.assert.deepStrictEqual(
    signing.map(({ name }) => name),
    ['release.yml: packages', 'release.yml: image'],
  )
  for (const { name, needs, steps: list } of signing) {
    t.assert.strictEqual(needs, 'build', name)
    t.assert.deepStrictEqual(
      list.filter(({ run }) => run !== undefined && /\bnp[mx]\b/.test(run)),
      [],
      name,
    )
  }
})

test('workflows keep no credentials, insert no text, and end', (t: TestContext) => {
  const checkouts = steps.filter(({ uses }) => uses?.startsWith('actions/checkout@'))
  t.assert.deepStrictEqual(
    checkouts.filter((step) => step.with?.['persist-credentials'] !== false),
    [],
  )
  t.assert.deepStrictEqual(
    steps.filter(({ run = '' }) => run.includes('${{')),
    [],
  )
  for (const job of jobs) t.assert.ok(job.minutes <= 60, job.name)
})
