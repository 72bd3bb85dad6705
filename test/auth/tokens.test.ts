import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'

import { openTokens } from '../../src/auth/tokens.ts'
import { Problem } from '../../src/problems.ts'

const algorithm = 'HS256'

test('a token of the previous secret is valid while that is set', async () => {
  const secret = 'the secret of a month ago, which is long enough'
  const next = 'the secret that replaces it, which is long enough'
  const manager = { id: randomUUID(), token_generation: 0 }
  const { token } = await openTokens({ secret, algorithm }).sign(manager)
  const header = `Bearer ${token}`

  const rotating = openTokens({ secret: next, algorithm, previousSecret: secret })
  assert.equal((await rotating.verify(header)).sub, manager.id)
  await assert.rejects(rotating.verify(`${header}x`), isInvalid)
  await assert.rejects(openTokens({ secret: next, algorithm }).verify(header), isInvalid)
})

function isInvalid(error: unknown): boolean {
  return error instanceof Problem && error.code === 'invalid_token'
}
