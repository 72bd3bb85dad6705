import { readFile, writeFile } from 'node:fs/promises'

// Adds to src/auth/common-passwords.txt what a list of @zxcvbn-ts/language-common has: those that the service would take.
// npm pack @zxcvbn-ts/language-common, unpack it, and give its package/src/passwords.json as the argument.

const target = new URL('../src/auth/common-passwords.txt', import.meta.url)
const added = JSON.parse(await readFile(process.argv[2] ?? '', 'utf8')) as string[]
const known = (await readFile(target, 'utf8')).split('\n')
const folded = [...known, ...added].map((each) => each.normalize('NFKC').toLowerCase().replaceAll(/\s/g, ''))
const fitting = folded.filter((each) => Array.from(each).length >= 8 && new Set(each).size > 1)
await writeFile(target, `${[...new Set(fitting)].toSorted().join('\n')}\n`)
