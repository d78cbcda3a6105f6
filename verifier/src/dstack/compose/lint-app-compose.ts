import { utf8 } from '../../bytes/bytes.ts'
import { sha256 } from '../../bytes/hash.ts'
import { toHex } from '../../bytes/hex.ts'
import type { AppCompose } from './app-compose.ts'
import { isBackdoorEnv } from './backdoor-env.ts'
import { finding, type LintFinding, type LintOptions } from './finding.ts'

type Expectation = readonly [expected: string, holds: (value: unknown) => boolean]

const isFlag = (value: unknown): boolean => typeof value === 'boolean'
const isText = (value: unknown): boolean => typeof value === 'string'
const isObject = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const optional = (holds: (value: unknown) => boolean) => (value: unknown) =>
  value === undefined || value === null || holds(value)

/** Members with nothing else to say than their type, or the one value an inference node may have. */
const MEMBERS: Readonly<Record<string, Expectation>> = {
  manifest_version: [
    '1, 2 or "3"',
    (value) => [1, 2, '1', '2', '3'].some((known) => known === value),
  ],
  name: ['text', isText],
  runner: ['docker-compose', (value) => value === 'docker-compose'],
  docker_compose_file: ['text', isText],
  public_tcbinfo: ['true or false', optional(isFlag)],
  gateway_enabled: ['true or false', optional(isFlag)],
  tproxy_enabled: ['true or false', optional(isFlag)],
  no_instance_id: ['false', optional((value) => value === false)],
  secure_time: ['true or false', optional(isFlag)],
  storage_fs: ['zfs or ext4', optional((value) => value === 'zfs' || value === 'ext4')],
  storage_discard: ['true or false', optional(isFlag)],
  swap_size: ['bytes', optional((value) => typeof value === 'number')],
  event_log_version: ['1 or 2', optional((value) => value === 1 || value === 2)],
  port_policy: ['an object', optional(isObject)],
  requirements: ['an object', optional(isObject)],
  verity_volumes: ['a list', optional(Array.isArray)],
}
/** Members with rules of their own. */
const JUDGED = [
  'public_logs',
  'public_sysinfo',
  'kms_enabled',
  'local_key_provider_enabled',
  'key_provider',
  'key_provider_id',
  'allowed_envs',
  'pre_launch_script',
  'init_script',
]

/** Findings in the app-compose file itself, the compose text excepted (dstack struct AppCompose). */
export function lintMembers(compose: AppCompose, options: LintOptions): readonly LintFinding[] {
  const unknown = [...compose.keys()]
    .filter((name) => !Object.hasOwn(MEMBERS, name) && !JUDGED.includes(name))
    .map((name) => finding('member', name, 'no such member', compose.get(name)))
  const wrong = Object.entries(MEMBERS)
    .filter(([name, [, holds]]) => !holds(compose.get(name)))
    .map(([name, [expected]]) => finding('member', name, expected, compose.get(name)))
  return [
    ...unknown,
    ...wrong,
    ...lintPublic(compose),
    ...lintKeyProvider(compose),
    ...lintAllowedEnvs(compose.get('allowed_envs'), options),
    ...lintScripts(compose, options),
    ...lintGpuPolicy(compose.get('requirements')),
  ]
}

/** Not set is not false: what a guest takes for absent members has changed between versions. */
function lintPublic(compose: AppCompose): readonly LintFinding[] {
  const rules = [
    ['public-logs', 'public_logs'],
    ['public-sysinfo', 'public_sysinfo'],
  ] as const
  return rules
    .filter(([, name]) => compose.get(name) !== false)
    .map(([rule, name]) => finding(rule, name, 'false', compose.get(name)))
}

function lintKeyProvider(compose: AppCompose): readonly LintFinding[] {
  const rules: readonly (readonly [string, ...Expectation])[] = [
    ['kms_enabled', 'true', (value) => value === true],
    ['local_key_provider_enabled', 'false', optional((value) => value === false)],
    ['key_provider', 'kms', optional((value) => value === 'kms')],
    [
      'key_provider_id',
      'hex',
      optional((value) => typeof value === 'string' && /^(?:[0-9a-fA-F]{2})*$/.test(value)),
    ],
  ]
  return rules
    .filter(([name, , holds]) => !holds(compose.get(name)))
    .map(([name, expected]) => finding('key-provider', name, expected, compose.get(name)))
}

function lintAllowedEnvs(value: unknown, { allowedEnvs }: LintOptions): readonly LintFinding[] {
  const place = 'allowed_envs'
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) return [finding('allowed-env', place, 'a list of names', value)]
  return value.flatMap((name: unknown) => {
    if (typeof name !== 'string') return [finding('allowed-env', place, 'a name', name)]
    if (isBackdoorEnv(name)) return [finding('backdoor-env', place, 'no such name', name)]
    return allowedEnvs.includes(name)
      ? []
      : [finding('allowed-env', place, `one of ${allowedEnvs.join(', ') || 'none'}`, name)]
  })
}

function lintScripts(compose: AppCompose, { scripts }: LintOptions): readonly LintFinding[] {
  return ['pre_launch_script', 'init_script'].flatMap((place) => {
    const value = compose.get(place) ?? []
    const listed: readonly unknown[] = Array.isArray(value) ? value : [value]
    return listed.flatMap((script) => {
      if (script === '') return []
      const digest =
        typeof script === 'string' && script.isWellFormed() && toHex(sha256(utf8(script)))
      const reviewed = digest !== false && scripts.includes(digest)
      return reviewed ? [] : [finding('script', place, 'a reviewed script', digest || script)]
    })
  })
}

/** The default of dstack is strict; whatever the file says about a GPU can only weaken it. */
function lintGpuPolicy(requirements: unknown): readonly LintFinding[] {
  if (!isObject(requirements)) return []
  const { gpu_policy: policy } = requirements as Readonly<Record<string, unknown>>
  if (policy === undefined || policy === null) return []
  const place = 'requirements.gpu_policy'
  if (!isObject(policy)) return [finding('gpu-policy', place, 'an object', policy)]
  return Object.entries(policy as Readonly<Record<string, unknown>>)
    .filter(([name, value]) => (name === 'attest_gpu' ? value !== true : value !== false))
    .map(([name, value]) =>
      finding('gpu-policy', `${place}.${name}`, name === 'attest_gpu' ? 'true' : 'false', value),
    )
}
