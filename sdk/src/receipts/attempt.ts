import { ArchiveError } from '@jeju/verifier/archive'
import { ProtocolError } from '@jeju/verifier/protocol'
import { BodyTooLarge } from '../gateway/read-body.ts'

/** What a place does not give, or gives malformed, is a reason and no failure of the caller. */
export async function attempt<Value>(
  reasons: string[],
  ask: () => Promise<Value | undefined>,
): Promise<Value | undefined> {
  try {
    return await ask()
  } catch (error) {
    const known = error instanceof ArchiveError || error instanceof ProtocolError
    const isNetwork = error instanceof TypeError || error instanceof DOMException
    if (!known && !isNetwork && !(error instanceof BodyTooLarge)) throw error
    reasons.push(error instanceof Error ? error.message : 'no answer')
    return undefined
  }
}
