import type { ConnectionOptions } from 'node:tls'

/** In the words of libpq. `require` without `ca` does not verify the server; with it, it is `verify-ca`. Files are PEM text. */
export interface Tls {
  mode: 'require' | 'verify-ca' | 'verify-full'
  /** Unset: the certificate authorities of Node. */
  ca?: string | undefined
  cert?: string | undefined
  key?: string | undefined
}

export function tlsOptions({ mode, ca, cert, key }: Tls): ConnectionOptions {
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    // Unset, NODE_TLS_REJECT_UNAUTHORIZED would decide.
    rejectUnauthorized: mode !== 'require' || ca !== undefined,
    ...(mode !== 'verify-full' && { checkServerIdentity: () => undefined }),
  }
}

/** Whether the certificates, the host name, or the protocol are wrong, which retries do not change. */
export function isTlsFailure(error: Error & { code?: string }): boolean {
  return codes.test(error.code ?? '') || error.message === 'The server does not support SSL connections'
}

const codes =
  /^(?:ERR_(?:TLS|SSL|OSSL)_|EPROTO$|CERT_|CRL_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|HOSTNAME_|INVALID_|PATH_LENGTH_)/
