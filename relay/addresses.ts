import { BlockList, isIP, isIPv6 } from 'node:net'

/** An IPv4 address in the clothes of IPv6 is that IPv4 address; a zone is no part of it. */
export function plainIp(address: string): string {
  const bare = address.split('%')[0] ?? ''
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.[1] ?? bare
}

/** What limits go by: the IPv4 address, or the /64 of an IPv6 one. */
export function limitKey(address: string): string {
  if (!isIPv6(address)) return address
  const [head = '', tail] = address.split('::')
  const groups = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const missing = tail === undefined ? 0 : 8 - groups.length - after.length
  const all = [...groups, ...Array.from({ length: Math.max(0, missing) }, () => '0'), ...after]
  return `${all
    .slice(0, 4)
    .map(group => parseInt(group, 16).toString(16))
    .join(':')}::/64`
}

/** The proxies that are believed, or `undefined` when one of the texts is no IP address or subnet. */
export function parseTrusted(texts: readonly string[]): BlockList | undefined {
  const list = new BlockList()
  for (const text of texts) {
    const [address = '', bits, rest] = text.split('/')
    const family = isIP(address)
    if (family === 0 || rest !== undefined) return undefined
    const type = family === 4 ? 'ipv4' : 'ipv6'
    if (bits === undefined) list.addAddress(address, type)
    else if (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128))
      list.addSubnet(address, Number(bits), type)
    else return undefined
  }
  return list
}

export const trusts = (list: BlockList, address: string): boolean =>
  list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')

/**
 * Who is at the other end: the address of the socket, or, when that is a proxy that is believed, the last one of
 * X-Forwarded-For which is no such proxy. What stands before it was written by the client and proves nothing.
 */
export function clientIp(socketAddress: string | undefined, forwarded: string | undefined, trusted: BlockList): string {
  let ip = plainIp(socketAddress ?? '0.0.0.0')
  if (!trusts(trusted, ip)) return ip
  for (const entry of (forwarded ?? '').split(',').reverse()) {
    const text = entry
      .trim()
      .replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1')
      .replace(/^\[(.*)\](:\d+)?$/, '$1')
    if (isIP(text) === 0) return ip
    ip = plainIp(text)
    if (!trusts(trusted, ip)) return ip
  }
  return ip
}
