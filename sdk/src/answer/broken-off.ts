/** Why an answer has no end. The transport's own message may name addresses; its kind does not. */
export function brokenOff(error: unknown): string {
  return `a connection that broke off (${error instanceof Error ? error.name : 'no reason given'})`
}
