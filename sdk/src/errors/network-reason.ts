/**
 * Why nothing came, for a message: the connection's own code where the platform tells one. Never the error's text, which
 * may quote an address with a key in it.
 */
export function networkReason(error: unknown): string {
  if (!(error instanceof Error)) return 'no answer'
  const { cause } = error
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return cause.code
  // Node's own words; no redirect is followed anywhere here.
  if (cause instanceof Error && cause.message === 'unexpected redirect') return 'a redirect'
  // What fetch rejects with, whatever the reason was.
  return error.name === 'TypeError' ? 'no usable answer' : error.name
}
