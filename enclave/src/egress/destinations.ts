import { collateralOrigins } from '@jeju/verifier/collateral'
import { archiveEgress } from '../archive/open-archive.ts'
import type { Config } from '../config.ts'

/** Every place a node connects to. What is stated and what is enforced are read from the same value. */
export interface Destinations {
  /** Origins outside the machine: the posture's `egress`. */
  readonly outside: readonly string[]
  /** Origins of services beside this process in the same machine. */
  readonly inside: readonly string[]
  /** Paths of Unix sockets. */
  readonly sockets: readonly string[]
}

/**
 * The places that these settings make a node connect to: the chain, the archive, and where quotes are judged there, a
 * service of collateral; within the machine its guest agent, and the server that answers, if one does.
 */
export function destinationsOf(config: Config): Destinations {
  const { rpcUrls, deployment, collateralUrl, archive, upstream, guestAgentSocket } = config
  const urls = [
    ...rpcUrls,
    ...(deployment.tdx === undefined ? [] : collateralOrigins(collateralUrl)),
    ...archiveEgress(archive),
  ]
  return {
    outside: [...new Set(urls.map((url) => new URL(url).origin))],
    inside: upstream === undefined ? [] : [upstream.url],
    sockets: [guestAgentSocket],
  }
}
