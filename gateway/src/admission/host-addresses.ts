import { Resolver } from 'node:dns/promises'
import { isIP } from 'node:net'

/** An IP address of a host. */
export interface HostAddress {
  readonly address: string
  readonly family: 4 | 6
}

/** The first wait for a name server; c-ares doubles it for the second try. */
const RESOLVER: HostResolver = new Resolver({ timeout: 2_000, tries: 2 })

type HostResolver = Pick<Resolver, 'resolve4' | 'resolve6'>

/**
 * Every address of a host, none when it has none. Asks name servers without `getaddrinfo`, which has four threads for
 * the whole process: providers whose name servers never answer would take them from everybody else (attack F5).
 */
export async function addressesOf(
  host: string,
  resolver: HostResolver = RESOLVER,
): Promise<readonly HostAddress[]> {
  const literal = isIP(host)
  if (literal !== 0) return [{ address: host, family: literal === 6 ? 6 : 4 }]
  // Never a question for name servers (RFC 6761 §6.3).
  if (host === 'localhost') return [{ address: '127.0.0.1', family: 4 }]
  const none = (): readonly string[] => []
  const [four, six] = await Promise.all([
    resolver.resolve4(host).catch(none),
    resolver.resolve6(host).catch(none),
  ])
  return [
    ...four.map((address): HostAddress => ({ address, family: 4 })),
    ...six.map((address): HostAddress => ({ address, family: 6 })),
  ]
}
