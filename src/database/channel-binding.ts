import { Client, type ClientConfig } from 'pg'

/** Authenticates only by SCRAM that is bound to the TLS connection, as libpq with channel_binding=require. */
export class BoundClient extends Client {
  constructor(config?: string | ClientConfig) {
    super(config)
    const { connection } = this
    let isBound = false
    const refuse = () => {
      // What has arrived is still read, but must not complete the connection.
      connection.removeAllListeners('readyForQuery')
      const error = new Error('the server did not authenticate itself with channel binding')
      connection.stream.destroy(Object.assign(error, { code: 'ERR_TLS_CHANNEL_BINDING' }))
    }
    // These are registered before those of pg, which send a password only on a stream that is open.
    connection.on('authenticationCleartextPassword', refuse)
    connection.on('authenticationMD5Password', refuse)
    connection.on('authenticationSASL', ({ mechanisms }: { mechanisms: string[] }) => {
      if (!mechanisms.includes('SCRAM-SHA-256-PLUS')) refuse()
    })
    connection.on('authenticationSASLFinal', () => (isBound = true))
    connection.on('authenticationOk', () => {
      if (!isBound) refuse()
    })
  }
}
