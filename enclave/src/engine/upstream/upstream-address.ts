import { lookup as resolve } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'

/** A single label: a service of the same compose network, or `localhost`. */
const SERVICE_NAME = /^[a-z][a-z0-9-]{0,62}$/

const INSIDE = new BlockList()
INSIDE.addSubnet('127.0.0.0', 8)
INSIDE.addSubnet('10.0.0.0', 8)
INSIDE.addSubnet('172.16.0.0', 12)
INSIDE.addSubnet('192.168.0.0', 16)
INSIDE.addAddress('::1', 'ipv6')
INSIDE.addSubnet('fc00::', 7, 'ipv6')

/**
 * Whether an upstream is named as one inside the same CVM can be: loopback or a service of the compose network, plain
 * HTTP with a port. Names with a dot could be anybody's (attack E7).
 */
export function isInsideUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const url = new URL(text)
  // The URL as it is read must be the URL as it is written: no credentials, path, or second spelling of a host.
  if (url.protocol !== 'http:' || url.origin !== text || url.port === '') return false
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  if (isIP(host) !== 0) return isLoopback(host)
  return SERVICE_NAME.test(host)
}

/** A lookup for connections that refuses names which lead out of the CVM. */
export const lookupInside: LookupFunction = (name, options, callback) => {
  resolve(name, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, '', 0)
    const outside = addresses.some(({ address }) => !isInside(address))
    const [first] = addresses
    if (outside || first === undefined) {
      return callback(new Error('upstream: not an address inside this machine'), '', 0)
    }
    if (options.all === true) callback(null, addresses)
    else callback(null, first.address, first.family)
  })
}

function isInside(address: string): boolean {
  return INSIDE.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.')
}
