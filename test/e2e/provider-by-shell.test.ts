import { rm } from 'node:fs/promises'
import { createProvider } from '@jeju/sdk'
import { formatEther, publicActions } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Machine } from '../../demo/network/machine.ts'
import { startNetwork, type Network } from '../../demo/network/network.ts'
import { waitFor, type RunningProcess } from '../../demo/network/process.ts'
import { jeju } from './setting/shell.ts'
import { makeUser } from './setting/user-folder.ts'

// Somebody who becomes a provider with nothing but a shell and a machine. Tests run in order.

const OWNER = 4
const PRICE = ['--in', '0.002', '--out', '0.006', '--max-output', '64']

let network: Network
let machine: Machine
let node: RunningProcess
let folder = ''
let env: Record<string, string>
let agent = ''
let binding = ''

beforeAll(async () => {
  network = await startNetwork()
  machine = await network.launchMachine('node of the shell')
  ;({ folder, env } = await makeUser(
    network,
    { url: 'http://127.0.0.1:9' },
    { key: OWNER, password: 'no word of a list' },
  ))
}, 120_000)

afterAll(async () => {
  await network.stop()
  if (folder !== '') await rm(folder, { recursive: true, force: true })
}, 60_000)

async function sh(...args: string[]): Promise<{ exit: number; out: string; err: string }> {
  const ran = jeju(args, env)
  return { exit: await ran.exit, out: ran.out.join('\n'), err: ran.err.join('\n') }
}

/** What a command says as JSON, which has to end well. */
async function told(...args: string[]): Promise<Record<string, unknown>> {
  const { exit, out, err } = await sh(...args, '--json')
  expect([exit, err]).toEqual([0, expect.not.stringContaining('CHAIN_')])
  return JSON.parse(out) as Record<string, unknown>
}

test('mints an agent, bonds for it, lists it and offers a model', async () => {
  agent = String((await told('agent', 'mint'))['agentId'])
  const early = await sh('agent', 'register', '--agent', agent, machine.url)
  expect([early.exit, early.err]).toEqual([40, expect.stringContaining('CHAIN_REVERT')])
  const { minimumNow } = await told('stake', '--agent', agent)
  await told('stake', '--agent', agent, 'add', formatEther(BigInt(String(minimumNow))))
  for (const url of ['http://node.example', 'node.example', 'https://u:p@node.example']) {
    const refused = await sh('agent', 'register', '--agent', agent, url)
    expect(refused.err).toContain('CONFIG_ENDPOINT')
  }
  expect(await told('agent', 'register', '--agent', agent, machine.url)).toMatchObject({
    agentId: agent,
    endpoint: machine.url,
  })
  expect(await told('agent', 'publish', '--agent', agent, '--name', 'By hand')).toMatchObject({
    name: 'By hand',
    services: expect.arrayContaining([{ name: 'inference', endpoint: machine.url }]),
  })
  const { id, descriptor } = network.model
  const model = ['--model', descriptor.id, '--model-id', id]
  const service = await told('agent', 'service', '--agent', agent, ...model, ...PRICE)
  expect(service).toMatchObject({ serviceId: 0, inPerMTok: '2000000000000000' })
  const next = ['--in', '0', '--out', '0.004', '--max-output', '64']
  const announced = await told('agent', 'price', '--agent', agent, '--service', '0', ...next)
  expect(announced).toMatchObject({ version: 2, inPerMTok: '0' })
  const noticeMs = Date.parse(String(announced['effectiveFrom'])) - Date.now()
  expect(noticeMs).toBeGreaterThan(3_600_000)
  expect(noticeMs).toBeLessThan(2 * 3_600_000)
})

test('approves the node that is reached there, and no other', async () => {
  // N15 self_check_before_register: nothing listens at the registered address yet.
  const nobody = await sh('agent', 'approve', '--agent', agent)
  expect([nobody.exit, nobody.err]).toEqual([20, expect.stringContaining('PROVIDER_UNAVAILABLE')])
  node = await machine.boot({ agentId: BigInt(agent), serviceId: 0 })
  const approved = await told('agent', 'approve', '--agent', agent)
  binding = String(approved['bindingId'])
  const { binding_id, signer } = await machine.health()
  expect(approved).toMatchObject({ bindingId: binding_id, signer, tier: 'simulated' })
  const wallet = network.wallet(OWNER)
  const hash = await wallet.sendTransaction({ to: signer, value: 10n ** 17n })
  await wallet.extend(publicActions).waitForTransactionReceipt({ hash })
  await waitFor(
    'the node to be registered',
    async () => ((await machine.health()).registered ? true : undefined),
    { timeoutMs: 60_000, running: node },
  )
  expect((await sh('verify', '--agent', agent, machine.url)).exit).toBe(0)
})

test('is paid nothing before anything was served, and ends the binding', async () => {
  expect(await told('agent', 'claim')).toEqual({ claimed: '0' })
  const { deployment } = network.chain
  const stranger = createProvider({ wallet: network.wallet(OWNER + 1), deployment })
  await expect(stranger.revokeBinding(`0x${binding.slice(2)}`)).rejects.toMatchObject({
    code: 'CHAIN_REVERT',
  })
  expect(await told('agent', 'revoke', binding)).toMatchObject({ bindingId: binding })
  expect((await sh('verify', '--agent', agent, machine.url)).exit).toBe(10)
})

test('is told what is missing or wrong before anything is sent', async () => {
  const wrong: readonly (readonly [string[], string])[] = [
    [['agent'], 'expected one of mint, register, publish, service, price, approve, revoke, claim'],
    [['agent', 'mint', 'more'], 'more'],
    [['agent', 'register', machine.url], '--agent'],
    [['agent', 'register', '--agent', '1'], 'expected one URL'],
    [['agent', 'publish', '--agent', '1'], '--name: missing'],
    [['agent', 'service', '--agent', '1', '--model', 'm', '--model-id', '0x12'], '64 lowercase'],
    [['agent', 'service', '--agent', '1', '--model', 'm'], '--model-id: missing'],
    [['agent', 'price', '--agent', '1', '--service', 'x'], '--service: expected 0 to'],
    [['agent', 'price', '--agent', '1', '--service', '0', '--max-output', '1'], '--in: missing'],
    [['agent', 'approve', '--agent', '-1'], '--agent'],
    [['agent', 'revoke', 'it'], 'BINDING: expected 0x'],
  ]
  for (const [args, words] of wrong) {
    const { exit, err } = await sh(...args)
    expect([args, exit, err]).toEqual([args, 2, expect.stringContaining(words)])
  }
})
