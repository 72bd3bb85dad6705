import { execFileSync } from 'node:child_process'
import { cp, rm, writeFile } from 'node:fs/promises'
import { extname, join } from 'node:path'

import packageJson from '../package.json' with { type: 'json' }
import { findVite, runVite } from '../src/console/build.ts'

// What `npm pack` puts into the packages: JavaScript, for Node strips no types from packages.

const root = join(import.meta.dirname, '..')
const built = join(root, 'dist')
/** A package of its own: the client is built for browsers and older versions of Node, too, and with declarations. */
const client = join(root, 'dist-client')

for (const folder of [built, client]) await rm(folder, { recursive: true, force: true })
for (const project of ['tsconfig.build.json', 'tsconfig.client.json']) {
  execFileSync('tsc', ['--project', project], { cwd: root, stdio: 'inherit' })
}
// What is read at run time in addition to the code.
await cp(join(root, 'src'), join(built, 'src'), { recursive: true, filter: (path) => extname(path) !== '.ts' })
await runVite(findVite(), join(built, 'console'))
await writeFile(join(client, 'package.json'), `${JSON.stringify(describeClient(), null, 2)}\n`)
await cp(join(root, 'docs/reference/client.md'), join(client, 'README.md'))
await cp(join(root, 'LICENSE'), join(client, 'LICENSE'))

function describeClient() {
  const { version, license } = packageJson
  return {
    name: '@stockroom-catalog/client',
    version,
    description: 'A typed client of Stockroom, the catalog service of a store, for browsers and Node.',
    license,
    type: 'module',
    sideEffects: false,
    exports: { '.': { types: './client.d.ts', default: './client.js' }, './package.json': './package.json' },
    engines: { node: '>=20.3' },
  }
}
