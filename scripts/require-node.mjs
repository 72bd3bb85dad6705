// Loaded with --import before anything else, so it has to run on whatever `node` it was given.
import module from 'node:module'
import { fileURLToPath } from 'node:url'

const needed = 24
const found = Number.parseInt(process.versions.node, 10)

if (found < needed) {
  console.error(
    `Stockroom needs Node ${needed} or newer, and this is ${process.version} (${process.execPath}).\n` +
      `npm 11 puts Node ${needed} into node_modules/.bin when the project is installed, and npm scripts use it.\n` +
      `  npm --version    is below 11: npm install --global npm@11\n` +
      `  then             npm ci && npm start\n` +
      `If that is done, the optional packages were left out (--omit=optional), or none exists for ` +
      `${process.platform}-${process.arch}: install Node ${needed} yourself.`,
  )
  process.exit(1)
}

// Stripped types and compiled code are kept, which makes a start about a fifth shorter. Coverage would be less exact with it.
if (!process.env.NODE_V8_COVERAGE) {
  module.enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/node', import.meta.url)))
}
