import { registrationFile, type Deployment } from '@jeju/contracts'
import type { Hex } from '@jeju/verifier/protocol'
import { composeHash, type Platform } from '../../measurements/src/compose/app-compose.ts'
import type { Network } from '../../measurements/src/compose/network.ts'
import { nodeAppCompose, type COMPOSE_FILES } from '../../measurements/src/compose/node-compose.ts'
import { checklist } from './checklist.ts'

/** What a provider decides. */
export interface ProviderAnswers {
  readonly platform: Platform
  readonly name: string
  readonly description: string
  /** Public https origin of the node. */
  readonly publicUrl: string
  /** Known once the agent is minted and the service added. */
  readonly agentId: bigint | undefined
  readonly serviceId: number | undefined
  readonly file: (typeof COMPOSE_FILES)[number]
  /** Where the node archives what must outlive it; undefined where the network says. */
  readonly archive: Network['archive'] | undefined
}

/** What the release says, which a provider does not decide. */
export interface ReleaseFacts {
  readonly image: string
  readonly model: { readonly name: string; readonly sha256: Hex; readonly id: Hex }
  readonly network: Network
  readonly kmsCa: Hex | undefined
  /** Compose hashes that published policies accept. */
  readonly composeHashes: readonly Hex[]
}

/** A file of the folder that a provider deploys from. */
export interface PlannedFile {
  readonly name: string
  readonly content: string | Uint8Array
}

/**
 * The folder of a provider: compose file, environment, registration file, checklist.
 * @throws MeasureError, SdkError
 */
export async function planProvider(
  answers: ProviderAnswers,
  release: ReleaseFacts,
): Promise<readonly PlannedFile[]> {
  const { platform, file, agentId, archive = release.network.archive } = answers
  const { image, model, kmsCa } = release
  const network = { ...release.network, archive }
  const appCompose = await nodeAppCompose({
    image,
    network,
    model,
    platform,
    file,
    ...(kmsCa === undefined ? {} : { kmsCa }),
  })
  const hash = composeHash(appCompose)
  const { docker_compose_file: composeText } = JSON.parse(new TextDecoder().decode(appCompose)) as {
    readonly docker_compose_file: string
  }
  return [
    { name: 'app-compose.json', content: appCompose },
    { name: 'app-compose.json.sha256', content: `${hash.slice(2)}  app-compose.json\n` },
    // What Phala Cloud's own tool takes; the text inside app-compose.json.
    { name: 'docker-compose.yaml', content: composeText },
    { name: 'node.env', content: environment(answers) },
    ...(agentId === undefined ? [] : registrationFiles(agentId, answers, network.deployment)),
    { name: 'CHECKLIST.md', content: checklist(answers, { ...release, network }, hash) },
  ]
}

/** The three values that the host sets, and no secret among them. */
function environment({ agentId, serviceId, publicUrl }: ProviderAnswers): string {
  return [
    `AGENT_ID=${agentId ?? ''}`,
    `PUBLIC_URL=${publicUrl}`,
    `SERVICE_ID=${serviceId ?? ''}`,
    '',
  ].join('\n')
}

/** The document inside a `data:application/json;base64,` URI, for people. */
/** The registration file names its agent, so there is none before there is an agent. */
function registrationFiles(
  agentId: bigint,
  { name, description, publicUrl }: ProviderAnswers,
  { chainId, identityRegistry, computeRegistry }: Deployment,
): readonly PlannedFile[] {
  const place = { endpoint: publicUrl, chainId, identityRegistry, computeRegistry, agentId }
  const uri = registrationFile({ name, description }, place)
  return [
    { name: 'registration.json', content: `${registrationJson(uri)}\n` },
    { name: 'agent-uri.txt', content: `${uri}\n` },
  ]
}

function registrationJson(uri: string): string {
  const base64 = uri.slice(uri.indexOf(',') + 1)
  const document: unknown = JSON.parse(Buffer.from(base64, 'base64').toString('utf8'))
  return JSON.stringify(document, null, 2)
}
