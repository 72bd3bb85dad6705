import { readFile, writeFile } from 'node:fs/promises'
import { test, type TestContext } from 'node:test'

import { descriptions } from '../../src/openapi/problem-descriptions.ts'
import { type Code, problems } from '../../src/problems.ts'
import { openApp } from '../support/app.ts'

const reference = new URL('../../docs/reference/errors.md', import.meta.url)

test('the type of a problem links to a page that explains it', async (t: TestContext) => {
  const app = await openApp(t)
  const { type } = (await app.send({ url: '/items' })).json()
  t.assert.strictEqual(type, '/problems/missing_token')
  const page = await app.send({ url: type })
  t.assert.strictEqual(page.statusCode, 200)
  t.assert.match(String(page.headers['content-type']), /^text\/html/)
  t.assert.match(String(page.headers['content-security-policy']), /^default-src 'none';/)
  t.assert.match(page.body, /<code>Authorization: Bearer &lt;token&gt;<\/code>/)
})

test('every error code has a page', async (t: TestContext) => {
  const app = await openApp(t)
  for (const code of Object.keys(problems)) {
    t.assert.strictEqual((await app.send({ url: `/problems/${code}` })).statusCode, 200, code)
  }
  for (const code of ['nothing', 'constructor', '__proto__']) {
    t.assert.strictEqual((await app.send({ url: `/problems/${code}` })).statusCode, 404, code)
  }
})

test('docs/reference/errors.md lists every error code', async (t: TestContext) => {
  const current = describeErrors()
  if (process.env['UPDATE_SNAPSHOT']) await writeFile(reference, current)
  t.assert.strictEqual(await readFile(reference, 'utf8'), current)
})

function describeErrors(): string {
  const sections = (Object.keys(problems) as Code[]).map((code) => {
    const [status, title] = problems[code]
    const { meaning, action } = descriptions[code]
    return `## \`${code}\`\n\n${status}, ${title}. ${meaning}\n\nWhat to do: ${action}\n`
  })
  return `# Error codes

Every error is \`application/problem+json\` (RFC 9457). Its \`code\` is one of the codes below. Its \`type\` links to the
same text, which the service serves at \`/problems/{code}\`. \`detail\` explains the specific error, and \`request_id\` identifies
the request in the log.

${sections.join('\n')}`
}
