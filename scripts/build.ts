import { execFileSync } from 'node:child_process'
import { cp, rm } from 'node:fs/promises'
import { extname, join } from 'node:path'

// What `npm pack` puts into the package: JavaScript, for Node strips no types from packages.

const root = join(import.meta.dirname, '..')
const built = join(root, 'dist')

await rm(built, { recursive: true, force: true })
// The client comes last: it is built for browsers and older versions of Node, too, and with declarations.
for (const project of ['tsconfig.build.json', 'tsconfig.client.json']) {
  execFileSync('tsc', ['--project', project], { cwd: root, stdio: 'inherit' })
}
// What is read at run time beside the code.
await cp(join(root, 'src'), join(built, 'src'), { recursive: true, filter: (path) => extname(path) !== '.ts' })
