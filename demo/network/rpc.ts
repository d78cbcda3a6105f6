import { createPublicClient, http, type HttpTransport, type PublicClient } from 'viem'

/** How this network's own scripts ask its chain, as its nodes, gateways and clients do: no redirect is followed. */
export function rpc(rpcUrl: string): HttpTransport {
  return http(rpcUrl, { fetchOptions: { redirect: 'error' } })
}

/** Reads the chain; no contract has another server asked (EIP-3668). */
export function chainReader(rpcUrl: string): PublicClient<HttpTransport> {
  return createPublicClient({ transport: rpc(rpcUrl), ccipRead: false })
}
