import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  LINT_RULES,
  lintCompose,
  type LintFinding,
  type LintRule,
} from '@jeju/verifier/compose-lint'
import { sha256, toHex, utf8 } from '@jeju/verifier/protocol'
import { outcome } from '../outcome.ts'
import { appCompose, COMPOSE_TEXT, LINT_OPTIONS } from './compose-fixture.ts'

const lint = (members: object, options = LINT_OPTIONS): readonly LintFinding[] =>
  lintCompose(appCompose(members), options)
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
  expect(lintCompose(appCompose(), LINT_OPTIONS)).toEqual([])
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
    expect(lint({ pre_launch_script: script }, { ...LINT_OPTIONS, scripts })).toEqual([])
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
    expect(outcome(() => lintCompose(utf8(text), LINT_OPTIONS))).toBe('COMPOSE_INVALID')
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
