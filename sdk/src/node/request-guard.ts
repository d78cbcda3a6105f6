import type { IncomingHttpHeaders } from 'node:http'

/** Why a request to the local proxy is refused before it is read. */
export interface GuardRefusal {
  readonly status: 403 | 415
  readonly code: 'cross_origin_request' | 'host_not_allowed' | 'content_type_unsupported'
  readonly message: string
}

/**
 * The proxy pays with the user's wallet, so web pages must not reach it: a page names its origin, a rebound DNS name
 * stands in the Host header, and only a JSON body makes a browser ask before it sends one.
 */
export function guardRequest(
  headers: IncomingHttpHeaders,
  method: string,
  allowedHosts: ReadonlySet<string>,
): GuardRefusal | undefined {
  const site = headers['sec-fetch-site']
  if (headers.origin !== undefined || (site !== undefined && site !== 'none')) {
    const message = 'requests of web pages are not served'
    return { status: 403, code: 'cross_origin_request', message }
  }
  if (headers.host === undefined || !allowedHosts.has(headers.host.toLowerCase())) {
    return { status: 403, code: 'host_not_allowed', message: 'Host: expected this proxy' }
  }
  const mediaType = headers['content-type']?.split(';')[0]?.trim().toLowerCase()
  if (method === 'POST' && mediaType !== 'application/json') {
    const message = 'Content-Type: expected application/json'
    return { status: 415, code: 'content_type_unsupported', message }
  }
  return undefined
}

/** Host headers under which a proxy on this address and port is reached. */
export function hostsOf(host: string, port: number, others: readonly string[]): Set<string> {
  const names = ['127.0.0.1', 'localhost', '[::1]', host.includes(':') ? `[${host}]` : host]
  return new Set(
    [...names.map((name) => `${name}:${port}`), ...others].map((name) => name.toLowerCase()),
  )
}
