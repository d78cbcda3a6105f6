import { join } from 'node:path'
import { MAX_KEYSET_LIFE_S } from '@jeju/verifier/protocol'
import { readIfPresent, writeDurably } from '../storage/durable-file.ts'

const DAY_S = 24 * 3600
/** A keyset is made anew when less than this is left of it. */
const MIN_REMAINING_S: number = 30 * DAY_S

/**
 * `not_after` of this node's keyset, Unix seconds. It is part of the statement, so a restart must find the same
 * value: it is kept in the state folder and moves only when little of it is left.
 */
export async function keysetNotAfter(stateDir: string, now: Date): Promise<number> {
  const file = join(stateDir, 'keyset-not-after')
  const nowS = Math.floor(now.getTime() / 1000)
  const text = (await readIfPresent(file))?.toString('utf8').trim() ?? ''
  const kept = /^[0-9]{1,12}$/.test(text) ? Number(text) : 0
  const longest = nowS + MAX_KEYSET_LIFE_S
  if (kept > nowS + MIN_REMAINING_S && kept <= longest) return kept
  const fresh = longest - DAY_S
  await writeDurably(file, `${fresh}\n`)
  return fresh
}
