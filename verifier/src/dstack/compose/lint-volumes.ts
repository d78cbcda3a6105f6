import type { YamlValue } from './compose-yaml.ts'
import { finding, type LintFinding } from './finding.ts'

/** Sockets of dstack's guest agent, of 0.3 to 0.6. */
const AGENT_SOCKETS = [
  '/var/run/dstack.sock',
  '/run/dstack.sock',
  '/var/run/tappd.sock',
  '/run/tappd.sock',
]
const RUNTIME_SOCKET = /(?:docker|containerd|podman|crio|buildkitd?)[^/]*\.sock/
const VOLUME_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/
const MODES = ['ro', 'rw']
const LONG_KEYS = ['type', 'source', 'target', 'read_only']

/** What a service mounts: findings, and whether the guest agent's socket is among it. */
export interface Mounts {
  readonly findings: readonly LintFinding[]
  readonly agentSocket: boolean
}

/** Judges the volumes of a service: named ones of this file, and the guest agent's socket. */
export function lintVolumes(value: YamlValue, place: string, declared: readonly string[]): Mounts {
  if (value === null) return { findings: [], agentSocket: false }
  if (!Array.isArray(value)) {
    return { findings: [finding('mount', place, 'a list', value)], agentSocket: false }
  }
  const volumes = value.map((item: YamlValue, index) =>
    lintVolume(item, `${place}[${index}]`, declared),
  )
  return {
    findings: volumes.flatMap(({ findings }) => findings),
    agentSocket: volumes.some(({ agentSocket }) => agentSocket),
  }
}

function lintVolume(item: YamlValue, place: string, declared: readonly string[]): Mounts {
  const source = sourceOf(item)
  if (source === undefined) return objection('mount', place, item)
  if (RUNTIME_SOCKET.test(JSON.stringify(source))) return objection('docker-socket', place, item)
  if (AGENT_SOCKETS.includes(source)) return { findings: [], agentSocket: true }
  const named = VOLUME_NAME.test(source) && declared.includes(source)
  return named ? { findings: [], agentSocket: false } : objection('mount', place, item)
}

function objection(rule: 'mount' | 'docker-socket', place: string, item: YamlValue): Mounts {
  const expected = 'a volume of this file, or the socket of the guest agent'
  const actual = item instanceof Map ? Object.fromEntries(item) : item
  return { findings: [finding(rule, place, expected, actual)], agentSocket: false }
}

/** What is mounted; undefined for a form that is not known. */
function sourceOf(item: YamlValue): string | undefined {
  if (item instanceof Map) return longSource(item)
  if (typeof item !== 'string') return undefined
  const [source, target, mode, ...rest] = item.split(':')
  if (target === undefined || rest.length > 0) return undefined
  return mode === undefined || MODES.includes(mode) ? source : undefined
}

function longSource(item: ReadonlyMap<string, YamlValue>): string | undefined {
  if ([...item.keys()].some((key) => !LONG_KEYS.includes(key))) return undefined
  const type = item.get('type')
  const source = item.get('source')
  if (typeof source !== 'string') return undefined
  // A path is no volume and a name no bind: docker would make one of the other.
  const fitting =
    type === 'bind' ? source.startsWith('/') : type === 'volume' && VOLUME_NAME.test(source)
  return fitting ? source : undefined
}
