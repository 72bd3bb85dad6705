import { readFileSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import { test, type TestContext } from 'node:test'
import { runInNewContext } from 'node:vm'

import ts from 'typescript'

import snapshot from './openapi/snapshot.json' with { type: 'json' }

/** What they match is written by the operator or by the service itself, or runs in the command. */
const trusted = /^src\/(?:cli|client|config|database|lifecycle|openapi|operator|redis)/

/** Texts as long as a row of an import, which repeat a part and end otherwise. */
const length = 64 * 1024
const starts = ['', '"', '[', '1', ';', 'a=']
const repeated = Array.from(' \t\n01a=.,-:;/\\"[')
const pairs = ['1.', '1,', 'a.', 'a-', '""', '\\"', '; ', 'a=']
const texts = starts.flatMap((start) =>
  [...repeated, ...pairs].map((part) => `${start}${part.repeat(length / part.length)}\x01`),
)

/** A linear expression takes milliseconds for all texts, a quadratic one far longer than this for one of them. */
const timeout = 10_000

test('no regular expression for input of clients is quadratic', async (t: TestContext) => {
  const expressions = [...(await literals()), ...patterns(snapshot)]
  t.assert.ok(expressions.length > 50, `only ${expressions.length} were found`)
  const slow = expressions.filter(({ expression }) => !isFast(expression))
  t.assert.deepStrictEqual(slow, [])
})

function isFast(expression: RegExp): boolean {
  const matchAll = () => texts.forEach((text) => text.search(expression))
  try {
    runInNewContext('matchAll()', { matchAll }, { timeout })
    return true
  } catch {
    return false
  }
}

interface Expression {
  where: string
  expression: RegExp
}

async function literals(): Promise<Expression[]> {
  const found: Expression[] = []
  for await (const path of glob('src/**/*.ts')) {
    if (trusted.test(path)) continue
    const visit = (node: ts.Node): void => {
      if (ts.isRegularExpressionLiteral(node)) {
        const [, source = '', flags] = /^\/(.*)\/([a-z]*)$/s.exec(node.text) ?? []
        found.push({ where: path, expression: new RegExp(source, flags) })
      }
      ts.forEachChild(node, visit)
    }
    visit(ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest))
  }
  return found
}

/** Those of the schemas. */
function patterns(value: unknown): Expression[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, each]) =>
    key === 'pattern' && typeof each === 'string'
      ? [{ where: 'the document', expression: new RegExp(each, 'u') }]
      : patterns(each),
  )
}
