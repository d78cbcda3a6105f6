import {
  openRequest,
  parseEncapsulatedKey,
  SealingError,
  type OpenedRequest,
} from '@jeju/verifier/sealing'
import { NodeError } from '../http/node-error.ts'
import type { SealingKeyPair } from '../keys/node-keys.ts'
import { createReplayGuard } from './replay-guard.ts'
import { createResponseSealer, type ResponseSealer } from './response-sealer.ts'

/** A request that was opened, and what seals its answer. */
export interface Unsealed {
  readonly body: Uint8Array<ArrayBuffer>
  readonly algo: string
  /** Starts an answer: another one has another nonce, and with it other keys. */
  readonly startAnswer: () => ResponseSealer
}

/** Opens what was sealed to this node. */
export interface Unsealer {
  /**
   * @param header value of the encapsulated-key header
   * @throws NodeError `sealed_body_invalid`, `sealed_key_mismatch`, `sealed_replay`
   */
  open(header: string, body: Uint8Array): Promise<Unsealed>
}

/** An unsealer with this node's keys. The suite is the one whose key was encapsulated to, and never another. */
export function createUnsealer(keys: readonly SealingKeyPair[]): Unsealer {
  const guard = createReplayGuard()
  return {
    open: async (header, body) => {
      const { suite, encapsulated } = coded(() => parseEncapsulatedKey(header))
      const key = keys.find((candidate) => candidate.suite === suite)
      if (key === undefined) throw mismatch()
      if (body.length === 0) throw invalid()
      let opened: OpenedRequest
      try {
        opened = await openRequest(suite, key.privateKey, encapsulated, body)
      } catch (error) {
        throw refusalOf(error)
      }
      // After it opened: what does not open must not use up the memory of what did.
      if (!guard.admit(encapsulated)) {
        throw new NodeError('sealed_replay', 'this sealed body was sent before')
      }
      const { responseSecret } = opened
      const startAnswer = (): ResponseSealer => createResponseSealer(responseSecret, encapsulated)
      return { body: opened.body, algo: suite.algo, startAnswer }
    },
  }
}

function coded<Value>(read: () => Value): Value {
  try {
    return read()
  } catch (error) {
    throw refusalOf(error)
  }
}

/** Which step failed is nobody's business; that the key is another one a client has to know, to fetch it again. */
function refusalOf(error: unknown): unknown {
  if (!(error instanceof SealingError)) return error
  return error.code === 'SEALED_OPEN' ? mismatch() : invalid()
}

function invalid(): NodeError {
  return new NodeError('sealed_body_invalid', 'body: not sealed as EHBP has it')
}

function mismatch(): NodeError {
  return new NodeError('sealed_key_mismatch', 'body: not sealed to a key of this node')
}
