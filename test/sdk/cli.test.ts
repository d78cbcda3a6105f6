import { once } from 'node:events'
import { chmod, copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLedger } from '@jeju/sdk'
import { toHex } from '@jeju/verifier/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from '../../demo/network/process.ts'
import { startChain, type LocalChain } from '../../demo/network/chain.ts'
import { root } from '../../demo/network/root.ts'
import { networkReason } from '../../sdk/src/errors/network-reason.ts'
import { jeju } from '../e2e/setting/shell.ts'
import { offerService, walletOf } from '../offered-service.ts'

// What a user trips over: wrong words, files that are not there, services that are away. A real chain, no node.

const PROVIDER = 0
const USER = 1
const OPEN = 'channel open --agent 0 --service 0'
let chain: LocalChain
let folder = ''

beforeAll(async () => {
  chain = await startChain()
  folder = await mkdtemp(join(tmpdir(), 'jeju-cli-'))
  const dead = `http://127.0.0.1:${await freePort()}`
  await writeFile(join(folder, 'deployment.json'), JSON.stringify(chain.deployment))
  await writeFile(
    join(folder, 'network.json'),
    JSON.stringify({ rpc: chain.rpcUrl, gateway: dead, collateral: dead }),
  )
  await copyFile(join(root, 'measurements/policy.json'), join(folder, 'policy.json'))
  for (const index of [PROVIDER, USER]) {
    const key = toHex(chain.privateKey(index)).slice(2)
    await writeFile(join(folder, `key-${index}`), key, { mode: 0o600 })
  }
  await offerService(chain, PROVIDER, { inPerMTok: 10n, outPerMTok: 20n, maxOutputTokens: 256 })
}, 120_000)

afterAll(async () => {
  await chain.process.stop()
  await rm(folder, { recursive: true, force: true })
})

interface Ended {
  readonly exit: number
  readonly out: string
  readonly err: string
}

async function sh(
  line: string,
  key = USER,
  more: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const { exit, out, err } = jeju(line.split(' '), {
    JEJU_NETWORK: folder,
    JEJU_HOME: join(folder, 'home'),
    JEJU_KEY_FILE: join(folder, `key-${key}`),
    ...more,
  })
  return { exit: await exit, out: out.join('\n'), err: err.join('\n') }
}

test('--version is that of the package', async () => {
  const { version } = JSON.parse(await readFile(join(root, 'sdk/package.json'), 'utf8')) as {
    version: string
  }
  expect(await sh('--version')).toEqual({ exit: 0, out: version, err: '' })
  expect(JSON.parse((await sh('--version --json')).out)).toEqual({ version })
  expect(await sh('--version more')).toMatchObject({ exit: 2, out: '' })
})

test.each<[string, number, string]>([
  ['channel', 2, 'channel: expected one of open, topup, close, list, got nothing'],
  ['channel lst', 2, 'got "lst" (see: jeju channel --help)'],
  ['receipts prve', 2, 'unexpected operand "prve"'],
  ['providers --network /nowhere', 2, '--network /nowhere: expected a folder, found nothing'],
  ['channel list --key-file /nowhere', 2, '--key-file /nowhere: ENOENT'],
  ['channel list --keystore x', 2, 'expected one of --key-file, --keystore'],
  ['verify http://127.0.0.1:9', 20, 'http://127.0.0.1:9/health: no usable answer'],
  ['findings', 20, 'GATEWAY_UNAVAILABLE: gateway: ECONNREFUSED'],
  ['channel topup 0x12 1', 2, 'CHANNEL: expected 0x and 64 lowercase hex digits'],
  [`channel topup 0x${'12'.repeat(32)} 1`, 40, 'CHANNEL_UNKNOWN: channel 0x1212'],
  ['proxy --budget 0 --network /nowhere', 2, '--budget: expected ether such as 0.01, got "0"'],
  [`${OPEN} --model a --network /nowhere 1`, 2, 'expected one of --model and --service'],
  ['providers --rpc key.example/secret', 2, '--rpc: expected an http or https URL (see'],
  ['channel close --all', 0, 'the home folder knows no channel of this wallet'],
  ['proxy --channels cash', 2, '--channels: expected receipts or vouchers, got "cash"'],
  [`${OPEN} --channels vouchers 1`, 2, 'got none; a channel of vouchers is for one node'],
  [`${OPEN} --channels vouchers --binding 0x12 1`, 2, 'hex digits, got "0x12"'],
  [`${OPEN} --binding 0x12 1`, 2, '--binding: a channel of receipts is for every node'],
  [
    `${OPEN} --channels vouchers --binding 0x${'cd'.repeat(32)} 1`,
    10,
    'expected one of agent 0, got none that is valid',
  ],
])('%s: exit %i, %s', async (line, code, text) => {
  const { exit, out, err } = await sh(line)
  expect([exit, out]).toEqual([code, ''])
  expect(err).toContain(text)
})

test('help of a command is what its --help is', async () => {
  expect(await sh('help channel open')).toEqual(await sh('channel open --help'))
  expect(await sh('help')).toEqual(await sh('--help'))
})

test('an RPC that is away is told why, and not by its address', async () => {
  const { exit, err } = await sh(`providers --rpc http://127.0.0.1:${await freePort()}/v2/secret`)
  expect([exit, err]).toEqual([20, 'CHAIN_READ: listProviders: the RPC: ECONNREFUSED'])
  const busy = createHttpServer((_, response) => response.writeHead(429).end('secret')).listen(0)
  await once(busy, 'listening')
  const { port } = busy.address() as AddressInfo
  const refused = await sh(`providers --rpc http://127.0.0.1:${port}/v2/secret`)
  busy.close()
  expect(refused.err).toBe('CHAIN_READ: listProviders: the RPC: status 429')
})

test('channels that do not close are JSON, too, and keep no other open', async () => {
  const ids = ['34', '56'].map((byte) => `0x${byte.repeat(32)}`)
  const { exit, out } = await sh(`channel close ${ids.join(' ')} --json`)
  expect(exit).toBe(40)
  // Each is told when it is over: they are closed side by side.
  const told = out
    .split('\n')
    .toSorted()
    .map((line): unknown => JSON.parse(line))
  expect(told).toMatchObject(
    ids.map((channelId) => ({ channelId, error: { code: 'CHANNEL_UNKNOWN' } })),
  )
})

test('a file that is no list of findings is the file’s fault', async () => {
  const file = join(folder, 'findings.json')
  await writeFile(file, '{')
  const { exit, err } = await sh(`findings --file ${file}`)
  expect(exit).toBe(30)
  expect(err).toContain('RECORD_INVALID')
})

test('nobody bonds for another’s agent by a wrong number', async () => {
  const other = await sh('stake --agent 0 add 0.1')
  expect(other.exit).toBe(2)
  expect(other.err).toContain(
    `CONFIG_WALLET: agent 0: expected the wallet of its owner ${walletOf(chain, PROVIDER).account.address.toLowerCase()}`,
  )
  expect((await sh('stake --agent 0')).out).toContain('bonded     0 ether')
  const own = await sh('stake --agent 0 add 0.05', PROVIDER)
  expect([own.exit, own.out.includes('bonded     0.15 ether')]).toEqual([0, true])
})

test('a key that others can read is used, and told', async () => {
  const path = join(folder, `key-${USER}`)
  await chmod(path, 0o644)
  const { exit, err } = await sh('channel list')
  await chmod(path, 0o600)
  expect(exit).toBe(0)
  expect(err).toContain('others on this machine can read it')
  expect((await sh('channel list')).err).not.toContain('others on this machine')
})

test('why a channel is refunded and not released is told', async () => {
  const opened = await sh('channel open --agent 0 --model enclave-mini --json 0.001')
  expect(opened.exit).toBe(0)
  const { channelId }: { channelId: `0x${string}` } = JSON.parse(opened.out)
  const closed = await sh(`channel close ${channelId}`)
  expect(closed.exit).toBe(0)
  expect(closed.out).toContain('closing, refundable from')
  expect(closed.err).toContain('agent 0: release: expected 200, got the agent has no registration')
  const ledger = createLedger({ wallet: walletOf(chain, USER), deployment: chain.deployment })
  expect((await ledger.channelOf(channelId)).state).toBe('CLOSING')
})

test('a proxy says at its start who is away, and serves all the same', async () => {
  const { out, err, exit, interrupt } = jeju(['proxy', '--port', '0'], {
    JEJU_NETWORK: folder,
    JEJU_HOME: join(folder, 'home'),
    JEJU_KEY_FILE: join(folder, `key-${USER}`),
  })
  await expect
    .poll(() => err.join('\n'))
    .toContain('GATEWAY_UNAVAILABLE: gateway: ECONNREFUSED; prompts')
  expect(err.join('\n')).not.toContain('CHAIN_READ')
  const answer = await fetch(`${out[0]}/models`)
  expect(answer.status).toBe(502)
  interrupt()
  expect(await exit).toBe(0)
})

test('a port that somebody else has is the command line’s fault', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const { port } = taken.address() as AddressInfo
  const { exit, err } = await sh(`proxy --port ${port}`)
  taken.close()
  expect(exit).toBe(2)
  expect(err).toContain(`USAGE: --port ${port}: EADDRINUSE`)
})

test('an empty JEJU_PRIVATE_KEY is none', async () => {
  expect((await sh('channel list', USER, { JEJU_PRIVATE_KEY: '' })).exit).toBe(0)
})

test('providers: all of them, whatever their number', async () => {
  const { exit, out } = await sh('providers --json')
  expect(exit).toBe(0)
  expect(JSON.parse(out)).toMatchObject({ agentId: '0', admitted: null })
})

test('a reason is the connection’s own code, or at least no internal name', () => {
  const refused = new TypeError('fetch failed', {
    cause: Object.assign(new Error('connect http://key@host'), { code: 'ECONNREFUSED' }),
  })
  expect(networkReason(refused)).toBe('ECONNREFUSED')
  expect(networkReason(new TypeError('Failed to fetch'))).toBe('no usable answer')
  expect(networkReason(new DOMException('late', 'TimeoutError'))).toBe('TimeoutError')
  expect(networkReason('x')).toBe('no answer')
})
