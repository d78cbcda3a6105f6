import type { YamlValue } from './compose-yaml.ts'
import { finding, type LintFinding, type LintOptions } from './finding.ts'
import { lintInterpolation } from './lint-interpolation.ts'
import { lintService } from './lint-service.ts'

type YamlMap = ReadonlyMap<string, YamlValue>

const PLACE = 'docker_compose_file'
const TOP = ['name', 'networks', 'services', 'version', 'volumes']
/** A network may be cut off from outside; everything else would name something of the host's. */
const NETWORK_KEYS = ['internal']

/** Findings in the compose text; `settable` are the names of allowed_envs that are accepted. */
export function lintComposeText(
  compose: YamlValue,
  settable: readonly string[],
  options: LintOptions,
): readonly LintFinding[] {
  if (!isMap(compose)) return [finding('key', PLACE, 'a map', compose)]
  const services = compose.get('services') ?? null
  if (!isMap(services) || services.size === 0) {
    return [finding('key', `${PLACE}.services`, 'services', services)]
  }
  const volumes = declared(compose.get('volumes') ?? null)
  const others = [...compose].filter(([key]) => key !== 'services')
  const judged = [...services].map(([name, service]) => {
    const place = `${PLACE}.services.${name}`
    return isMap(service)
      ? lintService(service, place, { settable, volumes: [...volumes.keys()], options })
      : { findings: [finding('key', place, 'a map', service)], agentSocket: false }
  })
  const holders = [...services.keys()].filter((_, index) => judged[index]?.agentSocket === true)
  return [
    ...others
      .filter(([key]) => !TOP.includes(key))
      .map(([key, value]) => finding('key', `${PLACE}.${key}`, 'no such key', value)),
    ...others.flatMap(([key, value]) => lintInterpolation(value, `${PLACE}.${key}`)),
    ...lintDeclared(compose.get('volumes') ?? null, `${PLACE}.volumes`, [], 'mount'),
    ...lintDeclared(compose.get('networks') ?? null, `${PLACE}.networks`, NETWORK_KEYS, 'key'),
    ...judged.flatMap(({ findings }) => findings),
    ...(holders.length > 1
      ? [finding('agent-socket', `${PLACE}.services`, 'one service with the socket', holders)]
      : []),
  ]
}

function isMap(value: YamlValue | undefined): value is YamlMap {
  return value instanceof Map
}

function declared(value: YamlValue): YamlMap {
  return isMap(value) ? value : new Map()
}

/** Volumes and networks of this file alone: a driver or its options could bind any path of the guest. */
function lintDeclared(
  value: YamlValue,
  place: string,
  keys: readonly string[],
  rule: 'mount' | 'key',
): readonly LintFinding[] {
  if (value !== null && !isMap(value)) return [finding(rule, place, 'a map', value)]
  return [...declared(value)].flatMap(([name, options]) => {
    if (options === null) return []
    if (!isMap(options)) return [finding(rule, `${place}.${name}`, 'nothing, or a map', options)]
    return [...options]
      .filter(([key]) => !keys.includes(key))
      .map(([key, option]) => finding(rule, `${place}.${name}.${key}`, 'no such key', option))
  })
}
