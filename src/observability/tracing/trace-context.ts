/** The span of the caller, as its request names it. */
export interface RemoteSpan {
  traceId: string
  spanId: string
  isSampled: boolean
}

const format = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
const zeros = /^0+$/
const sampledFlag = 1

/** Parses `traceparent` (W3C Trace Context, https://www.w3.org/TR/trace-context/). @returns undefined if it is malformed */
export function parseTraceparent(header: unknown): RemoteSpan | undefined {
  const [, version, traceId = '', spanId = '', flags = '', more] = format.exec(String(header)) ?? []
  if (version === undefined || version === 'ff' || (version === '00' && more !== undefined)) return undefined
  if (zeros.test(traceId) || zeros.test(spanId)) return undefined
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & sampledFlag) !== 0 }
}

const maxStateLength = 512
const maxMembers = 32
const member = /^([a-z0-9][a-z0-9_\-*/@]{0,255})=[ -+\--<>-~]{0,255}[!-+\--<>-~]$/

/** Parses `tracestate`. @returns '' if it is malformed or longer than a service must pass on */
export function parseTracestate(header: unknown): string {
  if (typeof header !== 'string' || header.length > maxStateLength) return ''
  const members = header
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')
  const names = new Set(members.map((each) => member.exec(each)?.[1]))
  const isValid = members.length <= maxMembers && names.size === members.length && !names.has(undefined)
  return isValid ? members.join() : ''
}
