import type { YamlValue } from './compose-yaml.ts'
import { finding, type LintFinding, type LintOptions } from './finding.ts'
import { isPinnedImage } from './image-reference.ts'
import { lintEnvironment, lintInterpolation } from './lint-interpolation.ts'
import { lintVolumes } from './lint-volumes.ts'
import { HARMLESS_KEYS, JUDGED_KEYS } from './service-keys.ts'

/** A service of the compose text. */
export type Service = ReadonlyMap<string, YamlValue>

/** What the rest of the file says that services depend on. */
export interface ServiceContext {
  /** Names that the file lets the host set and the relying party accepts. */
  readonly settable: readonly string[]
  /** Volumes that the file declares. */
  readonly volumes: readonly string[]
  readonly options: LintOptions
}

/** A service's findings, and whether it has the guest agent's socket. */
export interface ServiceJudgement {
  readonly findings: readonly LintFinding[]
  readonly agentSocket: boolean
}

const SECURITY_OPTIONS = ['no-new-privileges', 'no-new-privileges:true']

/** Judges one service. What is not known to be harmless is a finding (attacks A6 and A7). */
export function lintService(
  service: Service,
  place: string,
  { settable, volumes, options }: ServiceContext,
): ServiceJudgement {
  const mounts = lintVolumes(service.get('volumes') ?? null, `${place}.volumes`, volumes)
  const environment = service.get('environment') ?? new Map<string, YamlValue>()
  const texts = [...service].filter(([key]) => key !== 'environment')
  return {
    agentSocket: mounts.agentSocket,
    findings: [
      ...[...service.keys()]
        .filter((key) => !HARMLESS_KEYS.includes(key) && !JUDGED_KEYS.includes(key))
        .map((key) => finding('key', `${place}.${key}`, 'no such key', service.get(key))),
      ...texts.flatMap(([key, value]) => lintInterpolation(value, `${place}.${key}`)),
      ...lintEnvironment(environment, `${place}.environment`, settable),
      ...lintImage(service.get('image'), `${place}.image`),
      ...lintRights(service, place),
      ...lintPorts(service.get('ports') ?? null, `${place}.ports`, options.ports),
      ...lintDeploy(service.get('deploy') ?? null, `${place}.deploy`),
      ...mounts.findings,
    ],
  }
}

function lintImage(image: YamlValue | undefined, place: string): readonly LintFinding[] {
  return typeof image === 'string' && isPinnedImage(image)
    ? []
    : [finding('image', place, 'a reference with @sha256: and 64 hex digits', image)]
}

function lintRights(service: Service, place: string): readonly LintFinding[] {
  const findings: LintFinding[] = []
  const privileged = service.get('privileged') ?? false
  if (privileged !== false) {
    findings.push(finding('privileged', `${place}.privileged`, 'false', privileged))
  }
  for (const option of listOf(service.get('security_opt') ?? null)) {
    if (typeof option === 'string' && SECURITY_OPTIONS.includes(option)) continue
    findings.push(finding('privileged', `${place}.security_opt`, 'no-new-privileges', option))
  }
  const runtime = service.get('runtime') ?? 'nvidia'
  if (runtime !== 'nvidia') findings.push(finding('key', `${place}.runtime`, 'nvidia', runtime))
  return findings
}

function lintPorts(
  value: YamlValue,
  place: string,
  expected: readonly string[],
): readonly LintFinding[] {
  return listOf(value)
    .filter((port) => typeof port === 'object' || !expected.includes(String(port)))
    .map((port) => finding('port', place, `one of ${expected.join(', ') || 'none'}`, port))
}

/** Of `deploy`, limits and NVIDIA devices. */
function lintDeploy(value: YamlValue, place: string): readonly LintFinding[] {
  if (value === null) return []
  if (!isMap(value)) return [finding('key', place, 'a map', value)]
  const other = [...value.keys()].filter((key) => key !== 'resources')
  const resources = value.get('resources') ?? null
  const reservations = isMap(resources) ? (resources.get('reservations') ?? null) : null
  const devices = isMap(reservations) ? listOf(reservations.get('devices') ?? null) : []
  return [
    ...other.map((key) => finding('key', `${place}.${key}`, 'no such key', value.get(key))),
    ...devices
      .filter((device) => !isMap(device) || device.get('driver') !== 'nvidia')
      .map((device) =>
        finding('key', `${place}.resources.reservations.devices`, 'driver nvidia', device),
      ),
  ]
}

function isMap(value: YamlValue): value is ReadonlyMap<string, YamlValue> {
  return value instanceof Map
}

/** A list, or the one value that stands for it. */
function listOf(value: YamlValue): readonly YamlValue[] {
  if (value === null) return []
  return Array.isArray(value) ? (value as readonly YamlValue[]) : [value]
}
