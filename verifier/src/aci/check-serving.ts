import { failed, passed, type Check } from '../report/check.ts'
import type { AciReceipt } from './receipt.ts'
import type { AciSession } from './session.ts'

/**
 * `receipt-serving`: a direct service names no upstream; an aggregator names one that was verified, as was demanded,
 * in a session the client pinned and that was in force (ACI, verification procedure, response 5 and 6).
 */
export function checkServing(
  receipt: AciReceipt,
  serving: 'direct' | { readonly sessions: readonly AciSession[] },
): Check<'receipt-serving'> {
  const name = 'receipt-serving'
  const upstreams = receipt.events.filter(({ type }) => type === 'upstream.verified')
  if (serving === 'direct') {
    return upstreams.length === 0
      ? passed(name, { serving: 'direct' })
      : failed(name, 'a service that infers itself', 'one that names an upstream')
  }
  const served = upstreams.filter(({ members }) => members['result'] === 'verified')
  const [last] = served.slice(-1)
  if (last === undefined || upstreams.at(-1) !== last || last.members['required'] !== true) {
    return failed(name, 'a verified upstream, as demanded', 'none that served')
  }
  const id = last.members['session_id']
  const session = serving.sessions.find((candidate) => candidate.id === id)
  if (session === undefined) return failed(name, 'a pinned session', String(id).slice(0, 64))
  const { establishedAt, expiresAt } = session
  const { servedAt } = receipt
  return establishedAt <= servedAt && servedAt <= expiresAt
    ? passed(name, { session: session.id })
    : failed(name, `served between ${establishedAt} and ${expiresAt}`, String(servedAt))
}
