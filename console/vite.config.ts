import { glob, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'

import type { Plugin, UserConfig } from 'vite'

const service = process.env['STOCKROOM_URL'] ?? 'http://localhost:8000'
const root = import.meta.dirname

/** Modules that are one file, with what they import; the first group that contains a module has it. */
const groups = [
  { name: 'main', test: /src\/main\.tsx$/, priority: 1 },
  { name: 'dialogs', test: /src\/(?:ui\/|items\/values)/ },
  { name: 'account', test: /src\/(?:account|sign-in|session-dialog)/ },
  { name: 'samples', test: /src\/items\/(?:sample|empty-store)/ },
]

/** Vite bundles only modules, but this script must run before the first paint, which modules never do. */
const blockingTheme: Plugin = {
  name: 'blocking-theme',
  apply: 'build',
  transformIndexHtml: {
    order: 'post',
    handler: (html, { bundle }) => {
      const theme = Object.values(bundle ?? {}).find(({ fileName }) => /^assets\/theme-.*\.js$/.test(fileName))
      return theme ? html.replace('./theme.js', `./${theme.fileName}`) : html
    },
  },
  async buildStart() {
    const source = await readFile(join(root, 'theme.js'), 'utf8')
    this.emitFile({ type: 'asset', name: 'theme.js', source })
  },
}

/** All styles are one file, so Vite's code that loads those of a screen has nothing to do. It would be 3 KB of the first screen. */
const withoutPreload: Plugin = {
  name: 'without-preload',
  apply: 'build',
  enforce: 'pre',
  load: (id) => (id.endsWith('vite/preload-helper.js') ? 'export const __vitePreload = (load) => load()' : null),
}

/** The highest quality would take 0.3 s, a third of the build, to save 6 %. */
const brotliOptions = { params: { [constants.BROTLI_PARAM_QUALITY]: 8 } }

/** The service keeps both forms in memory, and compresses nothing itself. */
const compressed: Plugin = {
  name: 'compressed',
  apply: 'build',
  async writeBundle({ dir = '' }) {
    const names = await Array.fromAsync(glob('assets/*', { cwd: dir }))
    await Promise.all(names.map((name) => compress(join(dir, name))))
  },
}

async function compress(path: string): Promise<void> {
  const content = await readFile(path)
  const [br, gz] = await Promise.all([
    promisify(brotliCompress)(content, brotliOptions),
    promisify(gzip)(content, { level: 9 }),
  ])
  await Promise.all([writeFile(`${path}.br`, br), writeFile(`${path}.gz`, gz)])
}

export default {
  root,
  // The service replaces `./` in index.html with its own address, which may have a prefix.
  base: process.argv.includes('build') ? './' : '/console/',
  plugins: [blockingTheme, withoutPreload, compressed],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    // Older than the popover attribute and light-dark(), which the console needs anyway.
    target: 'es2023',
    assetsInlineLimit: 0,
    modulePreload: false,
    cssCodeSplit: false,
    emptyOutDir: true,
    reportCompressedSize: false,
    // Many small files compress less well, and take more round trips.
    rolldownOptions: { output: { codeSplitting: { groups } } },
  },
  server: {
    proxy: {
      '/console/api': { target: service },
      '/console/session': { target: service },
    },
  },
} satisfies UserConfig
