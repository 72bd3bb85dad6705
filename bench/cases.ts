import type { Case } from './bench.ts'
import { catalogCases } from './cases/catalog.ts'
import { citusCases } from './cases/citus.ts'
import { consoleCase } from './cases/console.ts'
import { duringListingCase } from './cases/during-listing.ts'
import { feedCase } from './cases/feed.ts'
import { growthCases } from './cases/growth.ts'
import { historyCases } from './cases/history.ts'
import { importCase } from './cases/import.ts'
import { largeChangesCase } from './cases/large-changes.ts'
import { listingCase } from './cases/listing.ts'
import { loginCase } from './cases/login.ts'
import { metricsCase, tracesCase } from './cases/observability.ts'
import { overloadCase } from './cases/overload.ts'
import { pagesCase } from './cases/pages.ts'
import { profileCase } from './cases/profile.ts'
import { readCase } from './cases/read.ts'
import { processesCase, startCase } from './cases/service.ts'
import { writeCases } from './cases/write.ts'

/** In the order of measurement. */
export const cases: Case[] = [
  readCase,
  profileCase,
  ...writeCases,
  loginCase,
  listingCase,
  duringListingCase,
  ...catalogCases,
  pagesCase,
  importCase,
  ...historyCases,
  largeChangesCase,
  processesCase,
  startCase,
  feedCase,
  metricsCase,
  tracesCase,
  consoleCase,
  overloadCase,
  ...growthCases,
  ...citusCases,
]
