import { execFile, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { launchTd } from '@jeju/simulator'
import { utf8 } from '@jeju/verifier/protocol'
import { afterAll, describe, expect, test } from 'vitest'
import { ConfigError, SETTING_NAMES } from '../../enclave/src/config.ts'
import { environmentProblems } from '../../enclave/src/settings/environment.ts'
import { HOST_SETTINGS, requireMeasuredSettings } from '../../enclave/src/settings/host-settings.ts'
import {
  COMPOSE_FILES,
  HOST_SETTINGS as RELEASED,
} from '../../measurements/src/compose/node-compose.ts'
import { buildNode, cleanUp, thePlatform } from './setting/start-node.ts'

afterAll(cleanUp)

const root = fileURLToPath(new URL('../..', import.meta.url))
const FLAGS = ['--conditions=@jeju/source', '--import', 'tsx']
const { PATH = '', HOME = '' } = process.env

/** Names of the tables of settings in the node's README, with their mark. */
function documented(): readonly { readonly name: string; readonly isMarked: boolean }[] {
  const page = readFileSync(join(root, 'enclave/README.md'), 'utf8')
  const sections = page.split(/^## /m)
  return ['Environment', 'GPUs', 'Engines']
    .map((title) => sections.find((section) => section.startsWith(`${title}\n`)) ?? '')
    .flatMap((section) => [...section.matchAll(/^\| ((?:`[A-Z0-9_]+`(?:, )?)+)( ◦)? /gm)])
    .flatMap(([, names = '', mark]) =>
      [...names.matchAll(/`([A-Z0-9_]+)`/g)].map(([, name = '']) => ({
        name,
        isMarked: mark !== undefined,
      })),
    )
}

describe('settings', () => {
  test('the README lists those that there are, and no other', () => {
    const names = documented().map(({ name }) => name)
    expect([...new Set(names)].toSorted()).toEqual([...SETTING_NAMES].toSorted())
  })

  test('A6 unmeasured_setting_changes_nothing: docs, code and compose files list the same ones of the host', () => {
    const marked = documented().filter(({ isMarked }) => isMarked)
    expect(marked.map(({ name }) => name).toSorted()).toEqual([...HOST_SETTINGS])
    for (const file of COMPOSE_FILES) {
      const text = readFileSync(join(root, file), 'utf8')
      const passed = [...text.matchAll(/\$\{?([A-Z_]+)/g)].map(([, name = '']) => name)
      expect(passed.toSorted()).toEqual([...RELEASED].toSorted())
    }
    expect(HOST_SETTINGS).toEqual(expect.arrayContaining([...RELEASED]))
  })
})

describe('A6 unmeasured_setting_changes_nothing: what a measured compose file lets the host choose', () => {
  const compose = (names: unknown): Uint8Array<ArrayBuffer> =>
    utf8(JSON.stringify({ allowed_envs: names, docker_compose_file: '', name: 'n' }))

  test('is what the docs mark, or nothing of this node', () => {
    for (const names of [undefined, null, [], [...HOST_SETTINGS], ['DOMAIN', 'HF_TOKEN']]) {
      expect(() => requireMeasuredSettings(compose(names))).not.toThrow()
    }
  })

  test.each([
    ...SETTING_NAMES.filter((name) => !HOST_SETTINGS.some((known) => known === name)),
    'NODE_OPTIONS',
    'LD_PRELOAD',
    'DSTACK_SIMULATOR_ENDPOINT',
  ])('%s is refused', (name) => {
    expect(() => requireMeasuredSettings(compose(['AGENT_ID', name]))).toThrow(
      `allowed_envs: ${name} has to be measured`,
    )
  })

  test('what cannot be read is refused', () => {
    for (const bytes of [compose('AGENT_ID'), compose([1]), utf8('{'), utf8('null'), utf8('')]) {
      expect(() => requireMeasuredSettings(bytes)).toThrow(ConfigError)
    }
  })

  test('a list that stands twice is refused, whichever of the two somebody reads', () => {
    for (const name of ['"allowed_envs"', '"allowed_\\u0065nvs"']) {
      const twice = utf8(`{"allowed_envs":["RPC_URL"],${name}:[]}`)
      expect(() => requireMeasuredSettings(twice)).toThrow('not JSON of one meaning')
    }
  })

  test('refuses the start of a node, before it derives a key', async () => {
    const td = launchTd(await thePlatform(), {
      appCompose: utf8('{"allowed_envs":["RPC_URL"],"docker_compose_file":"","name":"node"}'),
      profile: '0.5.11',
    })
    const asked: string[] = []
    const start = buildNode({
      td,
      agent: (real) => ({
        ...real,
        getKey: (...to) => {
          asked.push(to[0])
          return real.getKey(...to)
        },
      }),
    })
    await expect(start).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    expect(asked).toEqual([])
  })
})

describe('A6 unmeasured_setting_changes_nothing: the environment of the process', () => {
  test.each([
    'NODE_OPTIONS',
    'NODE_EXTRA_CA_CERTS',
    'NODE_TLS_REJECT_UNAUTHORIZED',
    'NODE_DEBUG',
    'NODE_PATH',
    'NODE_V8_COVERAGE',
    'NODE_USE_ENV_PROXY',
    'NODE_LLAMA_CPP_GPU',
    'LD_PRELOAD',
    'LD_LIBRARY_PATH',
    'SSL_CERT_FILE',
    'SSL_CERT_DIR',
    'SSLKEYLOGFILE',
    'OPENSSL_CONF',
    'GLIBC_TUNABLES',
    'MALLOC_PERTURB_',
    'UV_THREADPOOL_SIZE',
    'HOSTALIASES',
    'RES_OPTIONS',
    'RESOLV_HOST_CONF',
    'LOCALDOMAIN',
    'GCONV_PATH',
    'DSTACK_SIMULATOR_ENDPOINT',
    'TAPPD_SIMULATOR_ENDPOINT',
  ])('%s refuses the start, whatever it says', (name) => {
    for (const value of ['', '0', '/secret']) {
      const [problem, ...more] = environmentProblems({ [name]: value })
      expect(problem?.startsWith(`${name}: must not be set`)).toBe(true)
      expect(problem).not.toContain('/secret')
      expect(more).toEqual([])
    }
  })

  test('what changes nothing does not', () => {
    const harmless = { PATH: '/bin', HOME: '/', NODE_ENV: 'production', HOSTNAME: 'x', LANG: 'C' }
    expect(environmentProblems({ ...harmless, NODE_VERSION: '20.20.2' })).toEqual([])
  })

  test('the node’s process says so and ends', () => {
    const started = spawnSync(process.execPath, [...FLAGS, 'enclave/src/main.ts'], {
      cwd: root,
      env: { PATH, HOME, NODE_EXTRA_CA_CERTS: '/nowhere', UV_THREADPOOL_SIZE: '4' },
      encoding: 'utf8',
    })
    expect(started.status).toBe(1)
    expect(started.stderr).toContain('  NODE_EXTRA_CA_CERTS: must not be set')
    expect(started.stderr).toContain('  UV_THREADPOOL_SIZE: must not be set')
  })

  test('what it is not told by a setting, it and its libraries do not see', async () => {
    const module = join(root, 'enclave/src/settings/own-environment.ts')
    const program = `
      const { ownEnvironment } = await import(${JSON.stringify(module)})
      const { spawnSync } = await import('node:child_process')
      // What the C library has, and a native library would be told.
      const seen = spawnSync('/usr/bin/env', { encoding: 'utf8' }).stdout
      console.log(JSON.stringify({ seen, own: ownEnvironment.GGML_CUDA }))`
    const secrets = {
      GGML_CUDA: '1',
      LLAMA_ARG: '1',
      HTTPS_PROXY: 'http://p',
      HF_TOKEN: 'x',
      CI: '1',
    }
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [...FLAGS, '--input-type=module', '--eval', program],
      { cwd: root, env: { PATH, HOME, NODE_ENV: 'production', PORT: '1', ...secrets } },
    )
    const { seen, own } = JSON.parse(stdout) as { seen: string; own: string }
    const names = seen
      .trim()
      .split('\n')
      .map((line) => line.split('=')[0])
    expect(new Set(names)).toEqual(new Set(['HOME', 'NODE_ENV', 'PATH']))
    expect(own).toBe('1')
  })

  test('it is taken before any library is loaded', () => {
    const main = readFileSync(join(root, 'enclave/src/main.ts'), 'utf8')
    expect(main.match(/^import .*$/m)?.[0]).toBe(
      "import { ownEnvironment } from './settings/own-environment.ts'",
    )
  })
})
