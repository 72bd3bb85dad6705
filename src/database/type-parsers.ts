import { types } from 'pg'

const numeric: number = types.builtins.NUMERIC

/** A price was stored as the shortest decimal text of a double, so parsing it returns that double. */
export function getTypeParser(oid: number, format?: 'text' | 'binary'): (text: string) => unknown {
  return oid === numeric ? Number : types.getTypeParser(oid, format)
}
