import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  LINT_RULES,
  lintCompose,
  type LintFinding,
  type LintOptions,
  type LintRule,
} from '@jeju/verifier/compose-lint'
import { sha256, toHex, utf8 } from '@jeju/verifier/protocol'
import { outcome } from '../outcome.ts'
import { appCompose, COMPOSE_TEXT, DIGEST } from './compose-fixture.ts'

const OPTIONS: LintOptions = { allowedEnvs: ['AGENT_ID'], ports: ['8443:8443'], scripts: [] }
const lint = (members: object, options = OPTIONS): readonly LintFinding[] =>
  lintCompose(appCompose(members), options)
/** Rules that object to the fixture with another compose text. */
const ruled = (text: string): readonly LintRule[] =>
  lint({ docker_compose_file: text }).map(({ rule }) => rule)
/** The compose text with lines added to the first service. */
const added = (lines: string): string =>
  COMPOSE_TEXT.replace('    user:', () => `${lines.replace(/^/gm, '    ')}\n    user:`)

const MEMBERS = [
  'allowed_envs',
  'docker_compose_file',
  'init_script',
  'requirements',
  'key_provider_id',
  'public_logs',
  'runner',
  '__proto__',
  'verity_volumes',
]

test('a file without a fault has no finding', () => {
  expect(lintCompose(appCompose(), OPTIONS)).toEqual([])
})

test('a finding says where, what was expected and what is there', () => {
  expect(lint({ docker_compose_file: added('privileged: true') })).toEqual([
    {
      rule: 'privileged',
      place: 'docker_compose_file.services.node.privileged',
      expected: 'false',
      actual: 'true',
    },
  ])
})

describe('the app-compose file', () => {
  test.each<[string, object, LintRule]>([
    ['logs for everyone', { public_logs: true }, 'public-logs'],
    ['logs not said to be closed', { public_logs: undefined }, 'public-logs'],
    ['system information for everyone', { public_sysinfo: true }, 'public-sysinfo'],
    ['no KMS', { kms_enabled: false }, 'key-provider'],
    ['keys of the host', { local_key_provider_enabled: true }, 'key-provider'],
    ['another key provider', { key_provider: 'tpm' }, 'key-provider'],
    [
      'A6 compose_backdoor_env_rejected',
      { allowed_envs: ['DSTACK_ROOT_PUBLIC_KEY'] },
      'backdoor-env',
    ],
    ['A6 a linker variable', { allowed_envs: ['LD_PRELOAD'] }, 'backdoor-env'],
    ['A6 keys of a shell', { allowed_envs: ['ssh_authorized_keys'] }, 'backdoor-env'],
    [
      'A7 config_outside_measurement_rejected',
      { allowed_envs: ['AGENT_ID', 'MODEL'] },
      'allowed-env',
    ],
    ['names that are no list', { allowed_envs: 'AGENT_ID' }, 'allowed-env'],
    ['a script', { pre_launch_script: 'docker run --privileged x' }, 'script'],
    ['one of many scripts', { init_script: ['', 'true'] }, 'script'],
    ['a script that is no text', { init_script: { a: 1 } }, 'script'],
    ['another runner', { runner: 'bash' }, 'member'],
    ['a script for the other runner', { bash_script: 'true' }, 'member'],
    ['an unknown member', { docker_config: {} }, 'member'],
    ['a shared disk key', { no_instance_id: true }, 'member'],
    ['text for a flag', { secure_time: 'no' }, 'member'],
    ['a name of Object.prototype', { constructor: 1 }, 'member'],
    [
      'debugging of GPUs',
      { requirements: { gpu_policy: { attest_gpu: true, allow_debug: true } } },
      'gpu-policy',
    ],
    [
      'no attestation of GPUs',
      { requirements: { gpu_policy: { attest_gpu: false } } },
      'gpu-policy',
    ],
    ['a policy of its own for GPUs', { requirements: { gpu_policy: { rego: '' } } }, 'gpu-policy'],
  ])('%s', (_, members, rule) => {
    expect(lint({ docker_compose_file: COMPOSE_TEXT, ...members }).map((f) => f.rule)).toContain(
      rule,
    )
  })

  test('a reviewed script', () => {
    const script = 'echo reviewed'
    const scripts = [toHex(sha256(utf8(script)))]
    expect(lint({ pre_launch_script: script }, { ...OPTIONS, scripts })).toEqual([])
  })

  test('A7 a name in the policy counts only where the file has it too', () => {
    const found = lint({ allowed_envs: [] }).map(({ rule, place }) => [rule, place])
    expect(found).toEqual([
      ['allowed-env', 'docker_compose_file.services.node.environment.AGENT_ID'],
    ])
  })

  test.each([
    ['not JSON', '{'],
    ['not an object', '[]'],
    ['a doubled member', '{"name":"a","name":"b"}'],
    ['too deep', `{"a":${'['.repeat(40)}${']'.repeat(40)}}`],
    ['too large', `{"a":"${'x'.repeat(300_000)}"}`],
  ])('%s', (_, text) => {
    expect(outcome(() => lintCompose(utf8(text), OPTIONS))).toBe('COMPOSE_INVALID')
  })
})

describe('a service', () => {
  test.each<[string, string, LintRule]>([
    ['A6 compose_privileged_rejected', added('privileged: true'), 'privileged'],
    ['A6 privileged in quotes', added('privileged: "true"'), 'privileged'],
    ['A6 privileged by the host', added('privileged: ${AGENT_ID}'), 'privileged'],
    [
      'no seccomp',
      added('security_opt: ["seccomp:unconfined"]').replace(/^.*no-new.*\n/m, ''),
      'privileged',
    ],
    [
      'A6 compose_unpinned_sidecar_rejected',
      COMPOSE_TEXT.replace(/sidecar:1.2@\S+/, 'sidecar:1.2'),
      'image',
    ],
    ['a short digest', COMPOSE_TEXT.replace(`node@sha256:${DIGEST}`, 'node@sha256:abcd'), 'image'],
    ['no image', COMPOSE_TEXT.replace(/^.*node@.*\n/m, ''), 'image'],
    [
      'A6 compose_env_in_image_rejected',
      COMPOSE_TEXT.replace('registry.example', '${REGISTRY}'),
      'interpolation',
    ],
    ['A6 a variable without braces', COMPOSE_TEXT.replace('owner', '$OWNER'), 'interpolation'],
    ['A6 a variable in a command', added('command: ["node", "${AGENT_ID}"]'), 'interpolation'],
    ['A6 a variable in an entrypoint', added('entrypoint: sh -c $AGENT_ID'), 'interpolation'],
    [
      'A6 a variable in a health check',
      COMPOSE_TEXT.replace('/app/healthcheck.js', '$X'),
      'interpolation',
    ],
    ['A6 a variable in a key', added('labels: {"$X": a}'), 'interpolation'],
    ['A6 three dollar signs', added('command: $$$X'), 'interpolation'],
    [
      'A6 a default beside the value',
      COMPOSE_TEXT.replace('${AGENT_ID}', '${AGENT_ID:-1}'),
      'interpolation',
    ],
    [
      'A7 a value under another name',
      COMPOSE_TEXT.replace('MODEL: "small"', 'MODEL: ${AGENT_ID}'),
      'interpolation',
    ],
    [
      'A7 a value nobody allowed',
      COMPOSE_TEXT.replace('MODEL: "small"', 'MODEL: ${MODEL}'),
      'allowed-env',
    ],
    ['A7 a name alone', COMPOSE_TEXT.replace('MODEL: "small"', 'MODEL:'), 'allowed-env'],
    ['A7 a file of variables', added('env_file: .env'), 'key'],
    [
      'A6 a linker variable of the host',
      COMPOSE_TEXT.replace('MODEL: "small"', 'LD_PRELOAD:'),
      'backdoor-env',
    ],
    ['a list as a value', COMPOSE_TEXT.replace('MODEL: "small"', 'MODEL: [a]'), 'key'],
    [
      'the runtime’s socket',
      COMPOSE_TEXT.replace('node-data:/data', '/var/run/docker.sock:/x'),
      'docker-socket',
    ],
    ['a path of the guest', COMPOSE_TEXT.replace('node-data:/data', '/:/host'), 'mount'],
    ['the folder of the sockets', COMPOSE_TEXT.replace('node-data:/data', '/var/run:/x'), 'mount'],
    ['a relative path', COMPOSE_TEXT.replace('node-data:/data', './x:/x'), 'mount'],
    [
      'a volume of another project',
      COMPOSE_TEXT.replace('node-data:/data', 'other:/data'),
      'mount',
    ],
    [
      'a mount mode of SELinux',
      COMPOSE_TEXT.replace('node-data:/data', 'node-data:/data:z'),
      'mount',
    ],
    [
      'a volume that binds',
      COMPOSE_TEXT.replace('node-data: {}', 'node-data: {driver_opts: {device: /}}'),
      'mount',
    ],
    [
      'a volume from outside',
      COMPOSE_TEXT.replace('node-data: {}', 'node-data: {external: true}'),
      'mount',
    ],
    ['host processes', added('pid: host'), 'key'],
    ['host network', added('network_mode: host'), 'key'],
    ['devices', added('devices: ["/dev/mem"]'), 'key'],
    ['capabilities', added('cap_add: [SYS_ADMIN]'), 'key'],
    ['a build', added('build: .'), 'key'],
    ['another service’s keys', added('extends: {file: x}'), 'key'],
    ['another runtime', added('runtime: runc'), 'key'],
    ['a device of another driver', COMPOSE_TEXT.replace('driver: nvidia', 'driver: cdi'), 'key'],
    ['a port nobody expects', COMPOSE_TEXT.replace('8443:8443', '22:22'), 'port'],
    ['a port in the long form', COMPOSE_TEXT.replace('["8443:8443"]', '[{target: 1}]'), 'port'],
    ['another top member', `${COMPOSE_TEXT}include: [x]\n`, 'key'],
    ['a secret of the host', `${COMPOSE_TEXT}secrets: {a: {file: /x}}\n`, 'key'],
    ['a network of the host', `${COMPOSE_TEXT}networks: {a: {external: true}}\n`, 'key'],
    ['no services', 'volumes: {}', 'key'],
    ['a list', '[]', 'key'],
    ['nothing', '', 'key'],
    ['a service that is none', 'services: {a: 1}', 'key'],
  ])('%s', (_, text, rule) => {
    expect(ruled(text)).toContain(rule)
  })

  test('the guest agent’s socket in one service only', () => {
    const both = COMPOSE_TEXT.replace(
      'volumes:\n  node-data',
      '    volumes: ["/run/tappd.sock:/run/tappd.sock:ro"]\nvolumes:\n  node-data',
    )
    expect(lint({ docker_compose_file: both })).toEqual([
      {
        rule: 'agent-socket',
        place: 'docker_compose_file.services',
        expected: 'one service with the socket',
        actual: '["node","sidecar"]',
      },
    ])
  })

  test.each([
    [
      'environment as a list',
      COMPOSE_TEXT.replace(/ {6}(MODEL|PRICE|AGENT_ID): "?([^"\n]*)"?/g, '      - $1=$2'),
    ],
    [
      'a name alone in a list',
      COMPOSE_TEXT.replace(/environment:\n(?: {6}.*\n)+/, 'environment: [AGENT_ID]\n'),
    ],
    [
      'volumes in the long form',
      COMPOSE_TEXT.replace(
        '- node-data:/data',
        '- {type: volume, source: node-data, target: /data}',
      ),
    ],
    [
      'the socket in the long form',
      COMPOSE_TEXT.replace(
        '- /var/run/dstack.sock:/var/run/dstack.sock',
        '- {type: bind, source: /var/run/dstack.sock, target: /var/run/dstack.sock}',
      ),
    ],
    ['privileged: false', added('privileged: false')],
    ['no sidecar', COMPOSE_TEXT.replace(/ {2}sidecar:\n.*\n/, '')],
  ])('%s is no finding', (_, text) => {
    expect(lint({ docker_compose_file: text })).toEqual([])
  })
})

describe('whatever the file says', () => {
  test('a list of named findings, or a code', () => {
    const values = fc.oneof(fc.jsonValue(), fc.constantFrom<unknown>(COMPOSE_TEXT, 'a', null))
    const names = fc.constantFrom(...MEMBERS)
    fc.assert(
      fc.property(names, values, (name, value) => {
        let findings: readonly LintFinding[] = []
        const code = outcome(() => {
          findings = lint(Object.fromEntries([[name, value]]))
        })
        expect(['passed', 'COMPOSE_INVALID']).toContain(code)
        for (const { rule } of findings) expect(LINT_RULES).toContain(rule)
      }),
      { numRuns: 500 },
    )
  })

  test('lines of the compose text swapped, doubled or cut', () => {
    const lines = COMPOSE_TEXT.split('\n')
    const place = fc.nat(lines.length - 1)
    fc.assert(
      fc.property(place, place, fc.nat(60), (from, to, length) => {
        const changed = [...lines]
        changed[to] = (lines[from] ?? '').slice(0, length)
        const text = changed.join('\n')
        expect(['passed', 'COMPOSE_INVALID']).toContain(
          outcome(() => lint({ docker_compose_file: text })),
        )
      }),
      { numRuns: 500 },
    )
  })
})
