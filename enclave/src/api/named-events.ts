import type { JsonValue } from '@jeju/verifier/protocol'

/** A frame whose event has the name that its document repeats as `type`. */
export function namedEvent(type: string, members: { readonly [name: string]: JsonValue }): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...members })}\n\n`
}
