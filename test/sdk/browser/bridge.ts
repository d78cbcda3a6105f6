/** Calls between page and test: text only, integers beyond 2^53 as `{"big":"…"}`. */

/** JSON of a value with bigints and bytes of hex strings. */
export function encode(value: unknown): string {
  return JSON.stringify({ value }, (_, member: unknown) =>
    typeof member === 'bigint' ? { big: member.toString() } : member,
  )
}

/** The value of {@link encode}. */
export function decode(text: string): unknown {
  const { value }: { value?: unknown } = JSON.parse(text, (_, member: unknown) =>
    isBig(member) ? BigInt(member.big) : member,
  )
  return value
}

function isBig(member: unknown): member is { readonly big: string } {
  return typeof member === 'object' && member !== null && Object.keys(member).join() === 'big'
}
