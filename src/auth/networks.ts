import { isIPv6, SocketAddress } from 'node:net'

/** What one person holds of the internet: an IPv4 address, or the /64 of an IPv6 one. */
export function network(address: string): string {
  const [plain = ''] = address.split('%')
  if (!isIPv6(plain)) return address
  const { address: canonical } = new SocketAddress({ address: plain, family: 'ipv6' })
  // A socket that takes both versions shows IPv4 addresses like this.
  if (canonical.startsWith('::ffff:')) return canonical.slice('::ffff:'.length)
  const [left = [], right] = canonical.split('::').map((part) => (part ? part.split(':') : []))
  const zeros = right ? Array<string>(8 - left.length - right.length).fill('0') : []
  return [...left, ...zeros, ...(right ?? [])].slice(0, 4).join(':')
}

/** Which proxies are believed about whom they send a request for: the last so many, or those of these addresses and networks. */
export function trusts(proxies: number | string[]) {
  if (typeof proxies === 'number') return proxies > 0 && ((_address: string, hop: number) => hop < proxies)
  return proxies
}
