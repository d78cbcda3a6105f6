import {
  decodeUtf8,
  fromBareHex,
  fromHex,
  randomBytes32,
  signingReportData,
  toBareHex,
  type JsonValue,
} from '@jeju/verifier/protocol'
import type { Gpus } from '../../gpu/gpus.ts'
import type { NodeKeys } from '../../keys/node-keys.ts'
import { NodeError } from '../../http/node-error.ts'
import type { NodeIdentity } from '../../statement/node-identity.ts'
import type { TlsKey } from '../../tls/tls-key.ts'
import { cachedReport, type CachedReport } from '../cached-report.ts'
import { collectItems, nvidiaPayloads } from '../device-evidence.ts'
import { fillEventLog } from '../fill-event-log.ts'
import type { Quotes } from '../quotes.ts'

/** Algorithms that this node signs exchanges with in the vllm-proxy dialect. */
export type SigningAlgo = 'ecdsa' | 'ed25519'

/** What is asked of a report of that dialect. */
export interface SigningQuestion {
  readonly algo: SigningAlgo
  /** Bare hex, 32 bytes; undefined leaves it to the node, and the report proves no freshness. */
  readonly nonce: string | undefined
  /** Ask for the layout that binds the TLS key. */
  readonly tls: boolean
  /** Refuse unless this is the signing identity. */
  readonly signingAddress: string | undefined
}

/** Makes reports of the vllm-proxy dialect. */
export interface SigningReporter {
  report(question: SigningQuestion): Promise<JsonValue>
}

/** Collaborators of {@link createSigningReporter}. */
export interface SigningReporterParts {
  readonly quotes: Quotes
  readonly gpus: Gpus | undefined
  readonly identity: NodeIdentity
  readonly keys: NodeKeys
  readonly appCompose: Uint8Array
  readonly tls: TlsKey | undefined
  readonly now: () => Date
}

/** Who signs, in each algorithm's own words. */
export interface SigningIdentity {
  readonly bytes: Uint8Array
  readonly address: string
  readonly publicKey: string
}

/**
 * A reporter over quotes of its own: identity and raw nonce, as that dialect has it. Its report data is half chosen by
 * whoever asks, so nothing else accepts such a quote (attack C3).
 */
export function createSigningReporter(parts: SigningReporterParts): SigningReporter {
  const cache = new Map<string, CachedReport<JsonValue>>()
  return {
    report: (question) => {
      const { algo, nonce, tls, signingAddress } = question
      const identity = signingIdentity(parts.keys, algo)
      if (signingAddress !== undefined && signingAddress.toLowerCase() !== identity.address) {
        return Promise.reject(new NodeError('not_found', 'signing_address: not of this node'))
      }
      // There is no falling back to the layout without the key (attack C10).
      if (tls && parts.tls === undefined) {
        const message = 'TLS does not end in this node: its key cannot be bound'
        return Promise.reject(new NodeError('tls_not_bound', message, 'include_tls_fingerprint'))
      }
      const bound = tls ? parts.tls : undefined
      if (nonce !== undefined) return makeReport(parts, algo, nonce, bound)
      const name = `${algo}/${tls}`
      const kept =
        cache.get(name) ??
        cachedReport(
          () => makeReport(parts, algo, toBareHex(randomBytes32()), bound),
          () => parts.now().getTime(),
        )
      cache.set(name, kept)
      return kept.get()
    },
  }
}

/** The signing identity of an algorithm. */
export function signingIdentity(keys: NodeKeys, algo: SigningAlgo): SigningIdentity {
  if (algo === 'ed25519') {
    const publicKey = toBareHex(keys.receiptPublicKey)
    return { bytes: keys.receiptPublicKey, address: publicKey, publicKey }
  }
  // Without the `04` before it, as most servers of the dialect send it.
  const publicKey = toBareHex(keys.signerPublicKey.subarray(1))
  return { bytes: fromHex(keys.signer, 20), address: keys.signer, publicKey }
}

async function makeReport(
  { quotes, gpus, identity, keys, appCompose }: SigningReporterParts,
  algo: SigningAlgo,
  nonce: string,
  tls: TlsKey | undefined,
): Promise<JsonValue> {
  const signer = signingIdentity(keys, algo)
  const challenge = fromBareHex(nonce)
  // This dialect's GPU nonce is the caller's own: nothing in the quote names what the GPUs answered.
  const devices = await collectItems(gpus, challenge)
  const data = signingReportData({
    identity: signer.bytes,
    nonce: challenge,
    spkiSha256: tls?.spkiSha256,
  })
  const { quote, eventLog, vmConfig } = await quotes.quote(data, 'challenge')
  const log = fillEventLog(eventLog)
  const report = {
    model_name: identity.model.id,
    signing_address: signer.address,
    signing_algo: algo,
    signing_public_key: signer.publicKey,
    request_nonce: nonce,
    intel_quote: toBareHex(quote),
    quote: toBareHex(quote),
    ...nvidiaPayloads(devices, challenge),
    event_log: log,
    info: {
      tcb_info: {
        app_compose: decodeUtf8(appCompose, 'app_compose'),
        event_log: JSON.parse(log) as JsonValue,
      },
    },
    vm_config: vmConfig,
    ...(tls === undefined ? {} : { tls_cert_fingerprint: toBareHex(tls.spkiSha256) }),
  }
  return { ...report, all_attestations: [report], model_attestations: [report] }
}
