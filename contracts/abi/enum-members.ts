/** Members of a contract's enum, of those that are exported here, as TypeScript writes them. */
export type MemberOf<Names extends readonly string[]> = Lowercase<Names[number]>

/** A member by its number on chain; undefined for a number that no member has. */
export function memberAt<Names extends readonly string[]>(
  names: Names,
  at: number,
): MemberOf<Names> | undefined {
  return names[at]?.toLowerCase() as MemberOf<Names> | undefined
}
