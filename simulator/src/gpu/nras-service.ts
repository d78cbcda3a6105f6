import { createServer } from 'node:http'
import { sha256, utf8 } from '@jeju/verifier/protocol'
import { bodyOf, listenOnLoopback, type LoopbackService } from '../loopback-service.ts'
import { systemRandom } from '../pki/random-source.ts'
import { createNrasSigner } from './nras-signer.ts'
import type { SimulatedGpus } from './simulated-gpus.ts'

/** Ways in which a service can lie. */
export const NRAS_LIES = [
  'alg-none', // tokens that say nobody signed them
  'other-keys', // a key set with the same name for another key
  'wrong-issuer',
  'staging-issuer', // NVIDIA's service for tests
  'other-nonce', // tokens about another nonce
  'other-submodule', // a token that the overall one does not name
  'missing-device', // nothing about the last device
  'expired', // tokens of hours ago
] as const

/** One of {@link NRAS_LIES}. */
export type NrasLie = (typeof NRAS_LIES)[number]

/** A service like NVIDIA's that appraises devices. Its issuer is its address. */
export interface NrasService extends LoopbackService {
  /** Bodies of the questions so far, parsed. */
  readonly asked: readonly unknown[]
}

interface Question {
  readonly nonce: string
  readonly evidence_list: readonly { readonly evidence: string; readonly certificate: string }[]
}

const STAGING_ISSUER = 'https://nras.attestation-stg.nvidia.com'
const OLD_MS = 3 * 3600 * 1000

/** Appraises simulated GPUs over HTTP on loopback, as `/v4/attest` of NVIDIA's service does, and serves its keys. */
export async function serveNras(
  gpus: Pick<SimulatedGpus, 'devices' | 'nras' | 'nrasAnswers'>,
  {
    now = () => new Date(),
    lie,
  }: { readonly now?: () => Date; readonly lie?: NrasLie | undefined } = {},
): Promise<NrasService> {
  const asked: unknown[] = []
  const keys = lie === 'other-keys' ? createNrasSigner(systemRandom).jwks : gpus.nras.jwks
  let issuer = ''
  const server = createServer((request, response) => {
    const answer = async (): Promise<void> => {
      const { method, url } = request
      response.setHeader('Content-Type', 'application/json')
      if (method === 'GET' && url === '/.well-known/jwks.json') {
        response.end(JSON.stringify(keys))
        return
      }
      const kind = method === 'POST' && /^\/v4\/attest\/(gpu|switch)$/.exec(url ?? '')?.[1]
      if (kind !== 'gpu' && kind !== 'switch') {
        response.writeHead(404).end('{}')
        return
      }
      const question = JSON.parse(Buffer.from(await bodyOf(request)).toString()) as Question
      asked.push(question)
      const own = gpus.devices.filter(({ chip }) => chip.kind === kind)
      const isAboutThese =
        question.evidence_list.length === own.length &&
        question.evidence_list.every(({ evidence }) => answers(evidence, question.nonce))
      if (isAboutThese) response.end(answerAbout(gpus, kind, question.nonce, now(), issuer, lie))
      else response.writeHead(400).end('{"errorCode":4005}')
    }
    answer().catch(() => response.destroy())
  })
  const service = await listenOnLoopback(server)
  issuer = service.url
  return { ...service, asked }
}

/** Whether a report answers that nonce. */
function answers(evidence: string, nonce: string): boolean {
  return Buffer.from(evidence, 'base64').subarray(4, 36).toString('hex') === nonce
}

function answerAbout(
  gpus: Pick<SimulatedGpus, 'devices' | 'nrasAnswers'>,
  kind: 'gpu' | 'switch',
  nonceHex: string,
  now: Date,
  honestIssuer: string,
  lie: NrasLie | undefined,
): string {
  const nonce = new Uint8Array(Buffer.from(nonceHex, 'hex'))
  const named = { 'wrong-issuer': 'https://nras.example', 'staging-issuer': STAGING_ISSUER }
  const issuer = lie === 'wrong-issuer' || lie === 'staging-issuer' ? named[lie] : honestIssuer
  const last = gpus.devices.filter(({ chip }) => chip.kind === kind).length - 1
  const tokensOf = (at: Date): Readonly<Record<string, string>> =>
    (JSON.parse(answer(at)) as [unknown, Record<string, string>])[1]
  const answer = (at: Date, swaps = false): string => {
    const all = gpus.nrasAnswers(
      lie === 'other-nonce' ? sha256(utf8('another nonce')) : nonce,
      at,
      {
        issuer,
        ...(lie === 'alg-none' && { header: { alg: 'none' } }),
        ...(swaps && {
          swapSubmodules: (tokens) => ({ ...tokens, ...tokensOf(new Date(at.getTime() - 1000)) }),
        }),
      },
      (claims, name) =>
        lie === 'missing-device' && name.endsWith(`-${last}`) ? undefined : claims,
    )
    const index = kind === 'gpu' ? 0 : all.length - 1
    return all[index] ?? ''
  }
  return answer(
    lie === 'expired' ? new Date(now.getTime() - OLD_MS) : now,
    lie === 'other-submodule',
  )
}
