/** Names of the members in which two app-compose files differ, in order. */
export function differingMembers(one: Uint8Array, other: Uint8Array): readonly string[] {
  const [first, second] = [one, other].map((bytes) => {
    const members = JSON.parse(new TextDecoder().decode(bytes)) as Readonly<Record<string, unknown>>
    return new Map(Object.entries(members).map(([name, value]) => [name, JSON.stringify(value)]))
  })
  const names = new Set([...(first?.keys() ?? []), ...(second?.keys() ?? [])])
  return [...names].filter((name) => first?.get(name) !== second?.get(name)).toSorted()
}
