import { BlockList, isIP } from 'node:net'
import { addressesOf, type HostAddress } from './host-addresses.ts'

/** Why a provider's endpoint is not fetched from. */
export class EndpointError extends Error {
  override readonly name = 'EndpointError'
  readonly code = 'ENDPOINT_REFUSED'
}

/** Addresses that are nobody's public server (IANA special-purpose registries). */
const NOT_PUBLIC = new BlockList()
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const) {
  NOT_PUBLIC.addSubnet(network, prefix, 'ipv4')
}

/** IPv6 global unicast; of it, 2001::/23, 2001:db8::/32, 2002::/16 and 3fff::/20 are special or carry IPv4 inside. */
const GLOBAL_IPV6 = new BlockList()
GLOBAL_IPV6.addSubnet('2000::', 3, 'ipv6')
const SPECIAL_IPV6 = new BlockList()
SPECIAL_IPV6.addSubnet('2001::', 23, 'ipv6')
SPECIAL_IPV6.addSubnet('2001:db8::', 32, 'ipv6')
SPECIAL_IPV6.addSubnet('2002::', 16, 'ipv6')
SPECIAL_IPV6.addSubnet('3fff::', 20, 'ipv6')

/** Whether an address may be a provider's. */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 4) return !NOT_PUBLIC.check(address, 'ipv4')
  return GLOBAL_IPV6.check(address, 'ipv6') && !SPECIAL_IPV6.check(address, 'ipv6')
}

/** An endpoint that may be connected to, and the address to connect to: looked up once (attack F5). */
export interface ResolvedEndpoint extends HostAddress {
  readonly origin: URL
}

/**
 * Reads a provider-written URL: an origin without user or path.
 * @throws EndpointError
 */
export function parseEndpoint(text: string): URL {
  if (!URL.canParse(text)) throw new EndpointError('endpoint: not a URL')
  const origin = new URL(text)
  const bare = origin.username === '' && origin.pathname === '/' && origin.search === ''
  if (!bare || origin.password !== '' || origin.hash !== '') {
    throw new EndpointError('endpoint: expected an origin without user, path or query')
  }
  return origin
}

/** Whether an endpoint names an address: no name server is asked for it. */
export function isLiteral(origin: URL): boolean {
  return isIP(hostOf(origin)) !== 0
}

/**
 * Reads a provider-written URL: https, a host that is public whatever it resolves to, no user, no path.
 * @throws EndpointError
 */
export async function resolveEndpoint(
  text: string,
  allowLoopback: boolean,
): Promise<ResolvedEndpoint> {
  const origin = parseEndpoint(text)
  const host = hostOf(origin)
  const addresses = await addressesOf(host)
  const [first] = addresses
  if (first === undefined) throw new EndpointError('endpoint: host not found')
  const loopback = addresses.every(({ address }) => isLoopback(address))
  if (allowLoopback && loopback && /^https?:$/.test(origin.protocol)) {
    return { origin, ...first }
  }
  if (origin.protocol !== 'https:') throw new EndpointError('endpoint: expected https')
  if (!addresses.every(({ address }) => isPublicAddress(address))) {
    throw new EndpointError('endpoint: host is not public')
  }
  return { origin, ...first }
}

function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '')
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.')
}
