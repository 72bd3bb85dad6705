#!/usr/bin/env node
import { existsSync } from 'node:fs'

// First, for what follows needs a modern Node.
await import('../scripts/require-node.mjs')

// In the repository Node runs the source; it does not strip types from packages, so those bring what was built from it.
const source = new URL('../src/cli/main.ts', import.meta.url)
await import(existsSync(source) ? source : new URL('../dist/src/cli/main.js', import.meta.url))
