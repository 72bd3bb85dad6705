import type { Case } from './bench.ts'
import { besideListingCase } from './cases/beside-listing.ts'
import { catalogueCases } from './cases/catalogue.ts'
import { growthCases } from './cases/growth.ts'
import { importCase } from './cases/import.ts'
import { listingCase } from './cases/listing.ts'
import { loginCase } from './cases/login.ts'
import { overloadCase } from './cases/overload.ts'
import { readCases } from './cases/read.ts'
import { processesCase, startCase } from './cases/service.ts'
import { writeCases } from './cases/write.ts'

/** All cases, in the order in which they are measured. */
export const cases: Case[] = [
  ...readCases,
  ...writeCases,
  loginCase,
  listingCase,
  besideListingCase,
  ...catalogueCases,
  importCase,
  processesCase,
  startCase,
  overloadCase,
  ...growthCases,
]
