import { describe, expect, test } from 'vitest'
import { gatherAnswers, readFlags } from '../../deploy/provider-init/answers.ts'
import { planProvider, type ReleaseFacts } from '../../deploy/provider-init/provider-plan.ts'
import { composeHash } from '../../measurements/src/compose/app-compose.ts'
import { deployment } from './deployment.ts'

const RELEASE: ReleaseFacts = {
  image: `ghcr.io/test/node@sha256:${'ab'.repeat(32)}`,
  model: { name: 'tiny', sha256: `0x${'cd'.repeat(32)}`, id: `0x${'ef'.repeat(32)}` },
  network: { rpcUrl: 'https://rpc.test', deployment, archive: 'arweave' },
  kmsCa: `0x${'30'.repeat(91)}`,
  composeHashes: [],
}
const FLAGS = ['--name', 'Node', '--url', 'https://node.test', '--agent', '0', '--service', '2']
const unasked = (question: string): Promise<string> => Promise.reject(new Error(question))
const byDefault = (_: string, value: string): Promise<string> => Promise.resolve(value)

/** Types of dstack's struct AppCompose, of the members that we write. */
const APP_COMPOSE: Readonly<Record<string, (value: unknown) => boolean>> = {
  allowed_envs: (value) => Array.isArray(value) && value.every((name) => typeof name === 'string'),
  docker_compose_file: (value) => typeof value === 'string',
  gateway_enabled: (value) => typeof value === 'boolean',
  key_provider_id: (value) => typeof value === 'string' && /^[0-9a-f]+$/.test(value),
  kms_enabled: (value) => value === true,
  local_key_provider_enabled: (value) => value === false,
  manifest_version: (value) => value === 2,
  name: (value) => typeof value === 'string',
  no_instance_id: (value) => value === false,
  public_logs: (value) => value === false,
  public_sysinfo: (value) => value === false,
  public_tcbinfo: (value) => value === true,
  runner: (value) => value === 'docker-compose',
  secure_time: (value) => typeof value === 'boolean',
}

async function plan(args: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const answers = await gatherAnswers(readFlags(args), byDefault)
  const files = await planProvider(answers, RELEASE)
  return new Map(
    files.map(({ name, content }) => [
      name,
      typeof content === 'string' ? content : new TextDecoder().decode(content),
    ]),
  )
}

describe.each(['bare-metal', 'phala-cloud'])('provider:init for %s', (platform) => {
  test('the compose file fits dstack’s schema, and is what the other files say it is', async () => {
    const files = await plan([...FLAGS, '--platform', platform])
    const text = files.get('app-compose.json') ?? ''
    const compose = JSON.parse(text) as Readonly<Record<string, unknown>>
    expect(Object.keys(compose).toSorted()).toEqual(Object.keys(APP_COMPOSE))
    for (const [name, holds] of Object.entries(APP_COMPOSE)) {
      expect(holds(compose[name]), name).toBe(true)
    }
    expect(Buffer.byteLength(text)).toBeLessThan(256 * 1024)
    expect(files.get('docker-compose.yaml')).toBe(compose['docker_compose_file'])
    const hash = composeHash(new TextEncoder().encode(text))
    expect(files.get('app-compose.json.sha256')).toBe(`${hash.slice(2)}  app-compose.json\n`)
    const settings = (files.get('node.env') ?? '').trim().split('\n')
    expect(settings).toEqual(['AGENT_ID=0', 'PUBLIC_URL=https://node.test', 'SERVICE_ID=2'])
    expect(settings.map((line) => line.split('=')[0])).toEqual(compose['allowed_envs'])
    expect(files.get('CHECKLIST.md')).toContain('not in the published policy')
  })

  test('the registration file is the one that clients check', async () => {
    const files = await plan([...FLAGS, '--platform', platform])
    expect(files.get('agent-uri.txt')).toMatch(/^data:application\/json;base64,/)
    expect(JSON.parse(files.get('registration.json') ?? '')).toMatchObject({
      type: 'https://eips.ethereum.org/EIPS/eip-8004#registration-v1',
      services: expect.arrayContaining([{ name: 'inference', endpoint: 'https://node.test' }]),
      registrations: [{ agentId: 0, agentRegistry: `eip155:31337:${deployment.identityRegistry}` }],
    })
  })
})

describe('the archive of a provider', () => {
  test.each([
    [[], 'arweave', 'go to Arweave'],
    [['--archive', 'file'], 'file', 'a folder of the node’s volume'],
    [['--archive', 'off'], 'off', 'can be proven by nobody'],
  ])('%j is measured, and the checklist says what follows', async (flags, kind, text) => {
    const files = await plan([...FLAGS, '--platform', 'bare-metal', ...flags])
    expect(files.get('docker-compose.yaml')).toContain(`ARCHIVE: '${kind}'`)
    expect(files.get('CHECKLIST.md')).toContain(text)
  })
})

describe('answers', () => {
  test('what no flag says is asked, and nothing else', async () => {
    const all = [...FLAGS, '--platform', 'bare-metal', '--description', 'd']
    await expect(gatherAnswers(readFlags(all), unasked)).resolves.toMatchObject({ agentId: 0n })
    await expect(gatherAnswers(readFlags(FLAGS), unasked)).rejects.toThrow('platform')
  })

  test.each([
    ['--url', 'http://node.test'],
    ['--url', 'https://node.test/path'],
    ['--url', 'https://user@node.test'],
    ['--agent', '-1'],
    ['--agent', '0x1'],
    ['--service', '4294967296'],
    ['--platform', 'other'],
    ['--file', 'other.yaml'],
    ['--archive', 'ipfs'],
  ])('%s %s is refused', async (flag, value) => {
    const code = { code: 'MEASURE_USAGE' }
    await expect(plan([...FLAGS, `${flag}=${value}`])).rejects.toMatchObject(code)
  })
})
