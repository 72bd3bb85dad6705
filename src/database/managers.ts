// SQL expressions of store_managers. Indexes use exactly these: a change requires a migration.

/** Uses Unicode's root locale, because a database in a Turkish locale would distinguish INFO@ from info@. */
export const foldedEmail = 'lower(email collate "und-x-icu")'

export const costOfHash = `"substring"(password_hash, '^\\$2[abxy]\\$(\\d\\d)\\$')`
