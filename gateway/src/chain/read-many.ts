/** How one thing is read: in few requests together with others, or on its own. */
export interface Readings<Key, Value> {
  readonly together: (key: Key) => Promise<Value>
  readonly alone: (key: Key) => Promise<Value>
}

/** Reads under way at once: some requests of several calls each, which an RPC service takes at a time. */
const AT_ONCE = 100
/** So many that failed are read once more: as many as can have been in one call, so that it may be one's fault. */
const MAX_ALONE = 32

/**
 * Reads many things, in the order of their keys. What failed is read once more on its own, so that one that cannot be
 * read takes nobody with it; it is undefined where that fails too.
 *
 * Rejects when of so many as are read at once nothing could be read: then it is the service that fails, and it is not
 * asked for the others.
 */
export async function readMany<Key, Value>(
  keys: readonly Key[],
  readings: Readings<Key, Value>,
): Promise<readonly (Value | undefined)[]> {
  const values: (Value | undefined)[] = []
  // In parts of about one size: of a small last one everything could fail for one's sake.
  const parts = Math.ceil(keys.length / AT_ONCE)
  const size = Math.ceil(keys.length / Math.max(parts, 1))
  for (let at = 0; at < keys.length; at += size) {
    values.push(...(await readPart(keys.slice(at, at + size), readings)))
  }
  return values
}

/** What was read, or what reading it failed with. */
type Outcome<Value> = { readonly value: Value } | { readonly error: unknown }

async function readPart<Key, Value>(
  keys: readonly Key[],
  { together, alone }: Readings<Key, Value>,
): Promise<readonly (Value | undefined)[]> {
  const first = await Promise.all(keys.map((key) => outcomeOf(together(key))))
  const failed = first.filter((outcome) => 'error' in outcome).length
  const isRepeated = failed > 0 && failed <= MAX_ALONE
  const outcomes = isRepeated
    ? await Promise.all(
        keys.map(async (key, at) => {
          const outcome = first[at]
          return outcome !== undefined && 'value' in outcome ? outcome : outcomeOf(alone(key))
        }),
      )
    : first
  const [outcome] = outcomes
  if (outcome !== undefined && 'error' in outcome && outcomes.every((one) => 'error' in one)) {
    throw outcome.error
  }
  return outcomes.map((one) => ('value' in one ? one.value : undefined))
}

async function outcomeOf<Value>(reading: Promise<Value>): Promise<Outcome<Value>> {
  try {
    return { value: await reading }
  } catch (error) {
    return { error }
  }
}
