// SQL expressions of store_managers. Indexes are on these very expressions: a change of one needs a revision.

/** Lower case by Unicode's root locale, or a database in a Turkish locale would tell INFO@ from info@. */
export const foldedEmail = 'lower(email collate "und-x-icu")'

/** The cost of a bcrypt hash, as two digits; null for other hashes. */
export const costOfHash = `"substring"(password_hash, '^\\$2[abxy]\\$(\\d\\d)\\$')`
