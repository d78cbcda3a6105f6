import { SdkError } from '../errors/sdk-error.ts'

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])

/**
 * The base address of a gateway or node, without a trailing slash. Prompts and authorisations travel to it, so it is
 * https, or http on this machine. Throws `CONFIG_GATEWAY`.
 */
export function parseBaseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined) throw wrong('an absolute URL')
  const secure =
    url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.has(url.hostname))
  if (!secure) throw wrong('https, or http on loopback')
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw wrong('no credentials, query or fragment')
  }
  return url.origin + url.pathname.replace(/\/+$/, '')
}

/** Whether a parsed base address is on this machine. */
export function isLoopback(base: string): boolean {
  return LOOPBACK.has(new URL(base).hostname)
}

function wrong(expected: string): SdkError {
  return new SdkError('CONFIG_GATEWAY', `base address: expected ${expected}`)
}
