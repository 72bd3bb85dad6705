import { createRevision } from '../src/database/migrator.ts'

const message = process.argv.slice(2).join(' ').trim()
if (message === '') {
  console.error('A revision needs a message: npm run db:revision -- "add a barcode"')
  process.exitCode = 1
} else {
  const path = await createRevision(message)
  console.log(path ? `Wrote ${path}. Review it before you commit it.` : 'The entities have not changed.')
}
