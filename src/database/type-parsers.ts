import { types } from 'pg'

const numeric: number = types.builtins.NUMERIC

/** How pg reads values. A price went in as a double's shortest decimal text, so it comes back as that double. */
export function getTypeParser(oid: number, format?: 'text' | 'binary'): (text: string) => unknown {
  return oid === numeric ? Number : types.getTypeParser(oid, format)
}
