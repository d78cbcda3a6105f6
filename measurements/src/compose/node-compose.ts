import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { PinnedModel } from '@jeju/enclave'
import type { Hex } from '@jeju/verifier/protocol'
import { lintCompose, type LintOptions } from '@jeju/verifier/compose-lint'
import { MeasureError } from '../measure-error.ts'
import { root } from '../root.ts'
import { appComposeBytes, type Platform } from './app-compose.ts'
import { fillComposeText } from './compose-text.ts'
import type { Network } from './network.ts'

/** What the host may set: who the provider is. Nothing of it changes code, model, chain or contracts. */
export const HOST_SETTINGS = ['AGENT_ID', 'PUBLIC_URL', 'SERVICE_ID'] as const

/** Compose texts at the root of the repository. */
export const COMPOSE_FILES = ['app-compose.yaml', 'app-compose.vllm.yaml'] as const

/** What a node's compose file says that its text leaves open. */
export interface NodeComposeFacts {
  /** Image reference with its digest. */
  readonly image: string
  readonly network: Network
  readonly model: Pick<PinnedModel, 'name' | 'sha256'> & {
    /** Of the template that a server beside the node is started with; only such a compose file has it. */
    readonly chatTemplateSha256?: Hex
  }
  readonly platform: Platform
  readonly kmsCa?: Hex
  readonly file?: (typeof COMPOSE_FILES)[number]
}

/** What the lint of our own compose files takes for granted: the three settings, one port, no script. */
export const LINT_OPTIONS: LintOptions = {
  allowedEnvs: HOST_SETTINGS,
  ports: ['8443:8443'],
  scripts: [],
}

/**
 * The app-compose.json of a node, exact bytes; nothing that the verifier's lint objects to leaves here.
 * @throws MeasureError `COMPOSE_HOLES`, `COMPOSE_REFUSED`
 */
export async function nodeAppCompose(facts: NodeComposeFacts): Promise<Uint8Array<ArrayBuffer>> {
  const { image, network, model, platform, kmsCa, file = 'app-compose.yaml' } = facts
  const composeText = fillComposeText(await readFile(join(root, file), 'utf8'), {
    ...(model.chatTemplateSha256 === undefined
      ? {}
      : { CHAT_TEMPLATE_SHA256: model.chatTemplateSha256 }),
    ARCHIVE: network.archive,
    CHAIN_ID: String(network.deployment.chainId),
    DEPLOYMENT: JSON.stringify(network.deployment),
    MODEL_NAME: model.name,
    MODEL_SHA256: model.sha256,
    NODE_IMAGE: image,
    RPC_URL: network.rpcUrl,
  })
  const bytes = appComposeBytes({
    composeText,
    allowedEnvs: HOST_SETTINGS,
    gateway: platform === 'phala-cloud',
    secureTime: true,
    ...(kmsCa === undefined ? {} : { kmsCa }),
  })
  requireClean(bytes)
  return bytes
}

/** @throws MeasureError `COMPOSE_REFUSED` with everything the lint found */
function requireClean(appCompose: Uint8Array): void {
  const findings = lintCompose(appCompose, LINT_OPTIONS)
  if (findings.length === 0) return
  const lines = findings.map(
    ({ rule, place, expected, actual }) => `  ${rule} ${place}: expected ${expected}, is ${actual}`,
  )
  throw new MeasureError('COMPOSE_REFUSED', `app-compose:\n${lines.join('\n')}`)
}
