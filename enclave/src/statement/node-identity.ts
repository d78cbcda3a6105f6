import {
  aciKeysetDigest,
  bindingIdOf,
  canonicalJson,
  concatBytes,
  documentDigest,
  modelIdOf,
  toBareHex,
  toHex,
  type ContractDomain,
  type Hex,
  type JsonValue,
  type ModelDescriptor,
  type NodeStatement,
  type Posture,
} from '@jeju/verifier/protocol'
import type { NodeKeys } from '../keys/node-keys.ts'
import type { TlsKey } from '../tls/tls-key.ts'

/** Name of the receipt key in the keyset. */
export const RECEIPT_KEY_ID = 'receipt-1'

/** Who this node is: its statement, the documents it names, and what they are called on chain. */
export interface NodeIdentity {
  readonly statement: NodeStatement
  readonly bindingId: Hex
  readonly keyset: string
  /** `sha256:` and bare hex of the same digest that the statement names. */
  readonly aciKeysetDigest: string
  readonly catalog: string
  readonly posture: string
  readonly model: ModelDescriptor
  readonly modelId: Hex
}

/** What a statement is made of. */
export interface IdentityFacts {
  readonly registry: ContractDomain
  readonly agentId: bigint
  /** Owner of the agent, as recorded on chain. */
  readonly operator: Hex
  /** 20 bytes. */
  readonly instanceId: Uint8Array
  readonly keys: NodeKeys
  readonly model: ModelDescriptor
  /** Origins this node connects to. */
  readonly egress: readonly string[]
  /** Unix seconds after which nothing under the keyset is accepted. */
  readonly keysetNotAfter: number
  /** Digest over the devices of this machine; zero on a CPU-only node. */
  readonly gpuDevicesDigest: Hex
  /** Undefined where TLS ends elsewhere. */
  readonly tls: TlsKey | undefined
  /** Whether a prompt that is not sealed is taken. */
  readonly prompts: 'any' | 'sealed'
}

/** Builds statement and documents (docs/protocol.md §1, §3). Same facts, same bindingId. */
export function createIdentity(facts: IdentityFacts): NodeIdentity {
  const keyset = keysetDocument(facts)
  const catalog = canonicalJson({ models: [{ ...facts.model }], v: 1 })
  const posture = canonicalJson({
    content_logging: 'none',
    egress: [...facts.egress],
    request_confidentiality: confidentialityOf(facts),
    tools: 'none',
    v: 1,
  })
  const statement: NodeStatement = {
    agentId: facts.agentId,
    operator: facts.operator,
    signer: facts.keys.signer,
    keysetDigest: documentDigest(keyset),
    modelCatalogDigest: documentDigest(catalog),
    postureDigest: documentDigest(posture),
    gpuDevicesDigest: facts.gpuDevicesDigest,
    instanceId: toHex(concatBytes(new Uint8Array(12), facts.instanceId)),
  }
  return {
    statement,
    bindingId: bindingIdOf(statement, facts.registry),
    keyset,
    aciKeysetDigest: aciKeysetDigest(JSON.parse(keyset) as JsonValue),
    catalog,
    posture,
    model: facts.model,
    modelId: modelIdOf(facts.model),
  }
}

/** The weakest form in which this node takes a prompt. */
function confidentialityOf({ prompts, tls }: IdentityFacts): Posture['request_confidentiality'] {
  if (prompts === 'sealed') return 'sealed'
  return tls === undefined ? 'plaintext' : 'tls'
}

/** A key is listed only when it is served: a TLS key where TLS ends here. */
function keysetDocument({ keys, keysetNotAfter, tls }: IdentityFacts): string {
  return canonicalJson({
    e2ee_public_keys: keys.sealing.map(({ suite, keyId, publicKey }) => ({
      algo: suite.algo,
      key_id: keyId,
      public_key: toBareHex(publicKey),
    })),
    not_after: keysetNotAfter,
    receipt_signing_keys: [
      { algo: 'ed25519', key_id: RECEIPT_KEY_ID, public_key: toBareHex(keys.receiptPublicKey) },
    ],
    subject: null,
    tls_public_keys:
      tls === undefined ? [] : [{ domain: tls.domain, spki_sha256: toBareHex(tls.spkiSha256) }],
  })
}
