export interface Setting<T> {
  help: string
  default: string | undefined
  /** @throws Error whose message completes "NAME …" */
  parse: (text: string) => T
}

export function optional(help: string): Setting<string | undefined> {
  return { help, default: undefined, parse: (given) => given }
}

export function text(help: string, standard: string): Setting<string> {
  return { help, default: standard, parse: (given) => given }
}

export function identifier(help: string, standard: string): Setting<string> {
  return {
    help,
    default: standard,
    parse(given) {
      if (!/^[a-z_][a-z0-9_]{0,62}$/.test(given)) {
        throw new Error('must be a lowercase SQL identifier of at most 63 characters')
      }
      return given
    },
  }
}

export function integer(help: string, standard: number, min: number, max: number): Setting<number> {
  return {
    help,
    default: String(standard),
    parse(given) {
      const value = Number(given)
      if (!/^\d+$/.test(given) || value < min || value > max) {
        throw new Error(`must be a whole number from ${min} to ${max}`)
      }
      return value
    },
  }
}

export function ratio(help: string, standard: number): Setting<number> {
  return {
    help,
    default: String(standard),
    parse(given) {
      const value = Number(given)
      if (!/^\d*\.?\d+$/.test(given) || value > 1) throw new Error('must be a number from 0 to 1')
      return value
    },
  }
}

/** `name=value`, separated by commas, each percent-encoded where it has to be (as in the W3C header Baggage). */
export function pairs(help: string): Setting<Record<string, string> | undefined> {
  return {
    help,
    default: undefined,
    parse(given) {
      const members = given.split(',').filter((each) => each.trim() !== '')
      return Object.fromEntries(members.map(parsePair))
    },
  }
}

function parsePair(given: string): [string, string] {
  const [, name, encoded = ''] = /^\s*([\w.!#$&'*+^`|~-]+)\s*=\s*([!-~]*)\s*$/.exec(given) ?? []
  const value = decode(encoded)
  if (name === undefined || value === undefined) throw new Error('must be comma-separated name=value pairs')
  return [name, value]
}

function decode(encoded: string): string | undefined {
  try {
    const value = decodeURIComponent(encoded)
    return /^[ -~]*$/.test(value) ? value : undefined
  } catch {
    return undefined
  }
}

export function integerOrAuto(help: string, standard: number, min: number, max: number): Setting<number | 'auto'> {
  const number = integer(help, standard, min, max)
  return {
    ...number,
    parse(given) {
      if (given === 'auto') return given
      try {
        return number.parse(given)
      } catch (error) {
        throw new Error(`${(error as Error).message}, or auto`, { cause: error })
      }
    },
  }
}

export function flag(help: string, standard: boolean): Setting<boolean> {
  const values: Record<string, boolean> = {
    true: true,
    1: true,
    yes: true,
    on: true,
    false: false,
    0: false,
    no: false,
    off: false,
  }
  return {
    help,
    default: String(standard),
    parse(given) {
      const value = values[given.toLowerCase()]
      if (value === undefined) throw new Error('must be true or false')
      return value
    },
  }
}

export function oneOf<const T extends string>(help: string, values: readonly [T, ...T[]]): Setting<T> {
  return {
    help,
    default: values[0],
    parse(given) {
      const value = values.find((candidate) => candidate === given)
      if (value === undefined) throw new Error(`must be one of ${values.join(', ')}`)
      return value
    },
  }
}
