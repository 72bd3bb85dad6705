import { createSecureContext } from 'node:tls'

import { readText } from './secret-files.ts'

/** @throws Error whose message completes "NAME …" */
export function readCertificate(path: string): string {
  const pem = readText(path)
  try {
    createSecureContext({ cert: pem })
    return pem
  } catch (cause) {
    throw new Error('names a file without a certificate in PEM format', { cause })
  }
}

/** @throws Error whose message completes "NAME …" */
export function readKey(path: string, certificate: string | undefined): string {
  const key = readText(path)
  try {
    createSecureContext({ key, ...(certificate !== undefined && { cert: certificate }) })
    return key
  } catch (cause) {
    const needed = 'the key of the certificate, in PEM format and without a passphrase'
    throw new Error(`names a file that is not ${needed}`, { cause })
  }
}
