export const hasCitus = Boolean(process.env['TEST_CITUS_URL'])

/** Why a test of Citus is skipped, if it is. */
export const withoutCitus = hasCitus ? false : 'TEST_CITUS_URL is not set'

/** Why a test of plain PostgreSQL is skipped, if it is. @param difference of Citus */
export function onlyPlain(difference: string): string | false {
  return hasCitus ? `only on plain PostgreSQL: ${difference}` : false
}
