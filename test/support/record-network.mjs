// Loaded into a service with --import: writes a line for each name that it looks up and each host that it dials.

import dgram from 'node:dgram'
import dns from 'node:dns'
import { syncBuiltinESMExports } from 'node:module'
import net from 'node:net'

const say = (what, target) => process.stdout.write(`network: ${what} ${target}\n`)

const { connect } = net.Socket.prototype
net.Socket.prototype.connect = function (...given) {
  const [first, second] = Array.isArray(given[0]) ? given[0] : given
  const { path, host, port } = first instanceof Object ? first : { port: first, host: second }
  say('dials', path ?? (host === undefined ? port : `${host}:${port}`))
  return connect.apply(this, given)
}

for (const module of [dns, dns.promises]) {
  for (const [name, original] of Object.entries(module)) {
    if (!/^(lookup|resolve|reverse)/.test(name)) continue
    module[name] = (...given) => {
      say('looks up', given[0])
      return original.apply(module, given)
    }
  }
}

const { createSocket } = dgram
dgram.createSocket = (...given) => {
  say('opens', 'a datagram socket')
  return createSocket(...given)
}

syncBuiltinESMExports()
