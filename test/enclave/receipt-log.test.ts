import { readdir, readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { verifyInclusion, type InclusionReport } from '@jeju/verifier'
import {
  AUTHORIZATION_HEADER,
  decodeEvidence,
  decodeUtf8,
  encodeAuthorization,
  encodeComputeReceipt,
  epochRoot,
  parseEpochDocument,
  parseInclusionProof,
  proveInclusion,
  receiptCommitment,
  receiptSalt,
  sha256,
  toHex,
  utf8,
  ZERO_DIGEST,
  type ComputeReceipt,
  type Hex,
  type SignedRequestAuth,
} from '@jeju/verifier/protocol'
import { failedChecks } from '../check-names.ts'
import { deployment } from './setting/deployment.ts'
import { cleanUp, startNode, until, type NodeSetting, type Running } from './setting/start-node.ts'
import {
  authHashOf,
  chatBody,
  errorOf,
  readJsonAnswer,
  readStreamAnswer,
} from './setting/test-client.ts'

afterAll(cleanUp)

const HOUR_S = 3_600
const roots = { chainId: 31337n, verifyingContract: deployment.receiptRoots } as const

interface Answered {
  readonly signed: SignedRequestAuth
  readonly receipt: ComputeReceipt
}

async function ask({ client, fetch }: Running, stream = false): Promise<Answered> {
  const body = chatBody({ stream })
  const signed = client.sign(body)
  const response = await fetch(client.request(body, signed))
  const read = stream ? readStreamAnswer : readJsonAnswer
  if (!response.ok) throw new Error(await response.text())
  const { receipt } = await read(response, signed.salt)
  return { signed, receipt }
}

function inclusion(
  { fetch }: Running,
  { signed }: Answered,
  headers: Record<string, string> = { [AUTHORIZATION_HEADER]: encodeAuthorization(signed) },
): Promise<Response> {
  const url = `http://node.test/v1/receipts/${authHashOf(signed)}/inclusion`
  return fetch(new Request(url, { headers }))
}

async function anchored(running: Running, count: number): Promise<void> {
  await until(() => (running.logChain.epochs.get(running.node.bindingId)?.length ?? 0) >= count)
}

async function proven(running: Running, answered: Answered): Promise<InclusionReport> {
  await until(async () => (await inclusion(running, answered)).status === 200)
  const text = await (await inclusion(running, answered)).text()
  const proof = parseInclusionProof(text)
  const found = running.logChain.epochs.get(proof.bindingId)?.[proof.epoch]
  if (found === undefined) throw new Error('not anchored')
  const { root, size, digest, anchoredAt } = found
  const place = { roots, bindingId: found.bindingId, epoch: found.epoch }
  return verifyInclusion({
    receipt: encodeComputeReceipt(answered.receipt),
    proof,
    anchored: { ...place, root, size, digest, anchoredAt },
    roots,
  })
}

describe('GET /v1/receipts/{id}/inclusion', () => {
  test('says that the epoch is open, and proves the receipt when it is anchored', async () => {
    const running = await startNode()
    const answers = [await ask(running), await ask(running, true), await ask(running)]
    const [first] = answers
    if (first === undefined) throw new Error('no answer')
    const pending = await inclusion(running, first)
    expect(pending.headers.get('retry-after')).toMatch(/^3[56]\d\d$/)
    expect(await errorOf(pending)).toMatchObject({ status: 404, code: 'inclusion_pending' })

    running.clock.pass(HOUR_S)
    for (const answered of answers) {
      const report = await proven(running, answered)
      expect(failedChecks(report)).toEqual([])
      expect(report.verdict.outcome).toBe('verified')
    }
    expect(running.logChain.epochs.get(running.node.bindingId)).toHaveLength(1)
  })

  test('E11 receipt_needs_owner: nobody else is told anything', async () => {
    const running = await startNode()
    const [mine, other] = [await ask(running), await ask(running)]
    running.clock.pass(HOUR_S)
    await proven(running, mine)
    const stranger = { [AUTHORIZATION_HEADER]: encodeAuthorization(other.signed) }
    expect(await errorOf(await inclusion(running, mine, stranger))).toMatchObject({
      status: 404,
      code: 'not_found',
    })
    expect(await errorOf(await inclusion(running, mine, {}))).toMatchObject({
      status: 401,
      code: 'unauthorized',
    })
    const bearer = { authorization: `Bearer ${encodeAuthorization(mine.signed)}` }
    expect((await inclusion(running, mine, bearer)).status).toBe(200)
  })

  test('E4 abort_has_receipt: one that was cut off stands in the log too', async () => {
    const running = await startNode()
    running.engine.holdAt = 1
    const body = chatBody({ stream: true })
    const signed = running.client.sign(body)
    const response = await running.fetch(running.client.request(body, signed))
    const reader = response.body?.getReader()
    await reader?.read()
    await reader?.cancel()
    running.engine.release()
    await until(async () => (await inclusion(running, { signed } as Answered)).status === 404)
    running.clock.pass(HOUR_S)
    await anchored(running, 1)
    await until(async () => (await inclusion(running, { signed } as Answered)).status === 200)
  })
})

describe('the log', () => {
  test('closes at the end of a node, and goes on after a restart where it stopped', async () => {
    const first = await startNode()
    await ask(first)
    await first.node.drain()
    const log = first.logChain.epochs.get(first.node.bindingId) ?? []
    expect(log.map(({ epoch, previous }) => ({ epoch, previous }))).toEqual([
      { epoch: 0, previous: ZERO_DIGEST },
    ])
    const second = await first.restart()
    // What was signed before may have been taken in the earlier life.
    second.clock.pass(HOUR_S)
    expect(second.node.bindingId).toBe(first.node.bindingId)
    const answered = await ask(second)
    await second.node.drain()
    const [one, two] = second.logChain.epochs.get(second.node.bindingId) ?? []
    expect(two).toMatchObject({ epoch: 1, previous: one?.root })
    expect(answered.receipt.bindingId).toBe(second.node.bindingId)
  })

  test('receipt_survives_restart: what was not anchored when the node died is anchored by the next', async () => {
    const first = await startNode()
    const answered = await ask(first)
    first.logChain.down = true
    await first.node.drain()
    expect(first.logChain.epochs.size).toBe(0)
    first.logChain.down = false
    const second = await first.restart()
    second.clock.pass(HOUR_S)
    expect(failedChecks(await proven(second, answered))).toEqual([])
  })

  test('chain_down_never_stops_serving', async () => {
    const running = await startNode()
    running.logChain.down = true
    const answered = await ask(running)
    running.clock.pass(HOUR_S)
    const later = await ask(running)
    expect(await errorOf(await inclusion(running, answered))).toMatchObject({
      code: 'inclusion_pending',
    })
    running.logChain.down = false
    running.clock.pass(HOUR_S)
    expect(failedChecks(await proven(running, answered))).toEqual([])
    expect(failedChecks(await proven(running, later))).toEqual([])
  })

  test('a number that the chain gave away is not taken again: a disk that was put back', async () => {
    const running = await startNode()
    const { bindingId } = running.node
    const forgotten = { root: toHex(sha256(utf8('forgotten'))), size: 1, digest: ZERO_DIGEST }
    const place = { bindingId, previous: ZERO_DIGEST, locator: '' }
    await running.logChain.anchor({ ...place, ...forgotten, epoch: 0 })
    const answered = await ask(running)
    running.clock.pass(HOUR_S)
    expect(failedChecks(await proven(running, answered))).toEqual([])
    const [, second] = running.logChain.epochs.get(bindingId) ?? []
    expect(second).toMatchObject({ epoch: 1, previous: forgotten.root })
  })

  test('is sent once while it is in no block', async () => {
    const running = await startNode()
    running.logChain.losesTransactions = true
    await ask(running)
    running.clock.pass(HOUR_S)
    await until(() => running.logChain.sent === 1)
    running.clock.pass(60)
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    expect(running.logChain.sent).toBe(1)
    running.logChain.losesTransactions = false
    running.clock.pass(120)
    await anchored(running, 1)
  })

  test('the salt is out of the authorisation’s, so a client can find its receipt by itself', async () => {
    const running = await startNode()
    const answered = await ask(running)
    running.clock.pass(HOUR_S)
    await proven(running, answered)
    const { salt } = parseInclusionProof(await (await inclusion(running, answered)).text())
    expect(salt).toBe(receiptSalt(answered.signed.salt))
  })
})

const REGISTRATION = JSON.stringify({ name: 'a node' })

async function archivedRun(setting: NodeSetting = {}): Promise<Running> {
  const running = await startNode(setting)
  running.logChain.uri = `data:application/json;base64,${Buffer.from(REGISTRATION).toString('base64')}`
  return running
}

describe('the archive of a node', () => {
  test('has everything that a receipt needs when the node is gone', async () => {
    const folder = join((await startNode()).stateDir, 'archive')
    const running = await archivedRun({ config: { archive: { kind: 'file', folder } } })
    const answered = await ask(running)
    await running.node.drain()
    expect(await readdir(folder)).toHaveLength(3)

    const [epoch] = running.logChain.epochs.get(running.node.bindingId) ?? []
    const read = async (digest: Hex): Promise<Uint8Array> => readFile(join(folder, digest.slice(2)))
    expect(epoch?.locator).toBe(`file:${epoch?.digest.slice(2)}`)
    const document = parseEpochDocument(decodeUtf8(await read(epoch?.digest ?? '0x')))
    expect(epochRoot(document)).toBe(epoch?.root)
    expect(document.agentId).toBe(0n)
    const receipt = encodeComputeReceipt(answered.receipt)
    const salt = receiptSalt(answered.signed.salt)
    expect(document.commitments).toEqual([receiptCommitment(salt, receipt)])
    expect(proveInclusion(document, salt, receipt)?.index).toBe(0)
    const [evidence] = document.evidence
    const bundle = decodeEvidence(await read(evidence?.digest ?? '0x'))
    expect(bundle.statement.signer).toBe(document.signer)
    const registration = await read(document.registration?.digest ?? '0x')
    expect(new TextDecoder().decode(registration)).toBe(REGISTRATION)
  })

  test('archive_down_never_stops_serving, and says so in figures', async () => {
    const running = await archivedRun({
      config: {
        archive: {
          kind: 'arweave',
          uploadUrl: 'http://127.0.0.1:1/v1/tx',
          gateways: ['http://127.0.0.1:1'],
        },
      },
    })
    const answered = await ask(running)
    running.clock.pass(HOUR_S)
    expect(failedChecks(await proven(running, answered))).toEqual([])
    const [epoch] = running.logChain.epochs.get(running.node.bindingId) ?? []
    expect(epoch?.locator).toMatch(/^ar:[\w-]{43}$/)
    await until(async () => {
      const text = await (await running.node.figures.request('/metrics')).text()
      return /jeju_log_waiting\{of="archive"\} [1-9]/.test(text)
    })
    const attestation = await running.get(`/v1/attestation?nonce=${'ab'.repeat(32)}`)
    const { posture } = decodeEvidence(new Uint8Array(await attestation.arrayBuffer()))
    expect((JSON.parse(posture) as { egress: readonly string[] }).egress).toContain(
      'http://127.0.0.1:1',
    )
  })

  test('archive_that_hangs_never_stops_a_node: it ends, and the next one goes on', async () => {
    const server = createServer(() => undefined)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const archive = { kind: 'arweave', uploadUrl: url, gateways: [url] } as const
    const running = await archivedRun({ config: { archive } })
    await ask(running)
    await running.node.drain()
    expect(running.logChain.epochs.get(running.node.bindingId)).toHaveLength(1)
    server.closeAllConnections()
    server.close()
  })

  test('without one there is a digest and no locator', async () => {
    const running = await startNode()
    await ask(running)
    await running.node.drain()
    const [epoch] = running.logChain.epochs.get(running.node.bindingId) ?? []
    expect(epoch?.locator).toBe('')
  })
})
