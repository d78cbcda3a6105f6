import { utf8, type Hex } from '@jeju/verifier/protocol'
import { SdkError } from '../errors/sdk-error.ts'

/** A service of an agent, as ERC-8004 lists it. */
export interface AgentService {
  /** `inference` for an OpenAI-compatible node; others as ERC-8004 names them. */
  readonly name: string
  readonly endpoint: string
  readonly version?: string
}

/** What an agent says of itself. */
export interface RegistrationContent {
  readonly name: string
  readonly description: string
  readonly image?: string
  readonly services: readonly AgentService[]
  /** Where the agent is registered; its id is known once it is minted. */
  readonly registration?: {
    readonly agentId: bigint
    readonly chainId: number
    readonly identityRegistry: Hex
  }
  readonly active?: boolean
}

const REGISTRATION_TYPE = 'https://eips.ethereum.org/EIPS/eip-8004#registration-v1'

/**
 * An ERC-8004 registration file as an `agentURI` of its own (`data:application/json;base64,…`), so that nobody can
 * exchange it afterwards without a transaction. It is advertising: what a node is, its evidence says.
 */
export function registrationFile(content: RegistrationContent): string {
  const { name, description, image, services, registration, active = true } = content
  const file = {
    type: REGISTRATION_TYPE,
    name,
    description,
    ...(image === undefined ? {} : { image }),
    services,
    x402Support: false,
    active,
    registrations: registration === undefined ? [] : [registrationEntry(registration)],
    supportedTrust: ['reputation', 'crypto-economic', 'tee-attestation'],
  }
  return `data:application/json;base64,${toBase64(utf8(JSON.stringify(file)))}`
}

/** ERC-8004 writes agent ids as JSON numbers, which end at 2^53 (attack T3). */
function registrationEntry(entry: NonNullable<RegistrationContent['registration']>): object {
  const { agentId, chainId, identityRegistry } = entry
  if (agentId > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new SdkError('CONFIG_AMOUNT', `agentId: expected at most 2^53 - 1, got ${agentId}`)
  }
  return { agentId: Number(agentId), agentRegistry: `eip155:${chainId}:${identityRegistry}` }
}

function toBase64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
}
