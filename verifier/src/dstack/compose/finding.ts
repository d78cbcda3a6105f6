/** Rules of the lint. Each belongs to a way in which a compose file can be measured and still not say what runs. */
export const LINT_RULES = [
  'member', // an app-compose member that is unknown, of a wrong type, or has no place in an inference node
  'public-logs', // prompts would be readable by anyone
  'public-sysinfo',
  'key-provider', // keys that do not come from a KMS
  'allowed-env', // a value the host may set and nobody judged
  'backdoor-env', // a value that opens the machine or replaces code
  'script', // a script that nobody reviewed
  'gpu-policy', // weaker than the default
  'key', // a compose key that is not known to be harmless
  'image', // not pinned by digest
  'interpolation', // `$` where the host's value would be measured before it is known
  'privileged',
  'docker-socket',
  'agent-socket', // the guest agent's socket in more than one service
  'mount', // a path of the guest's own file system
  'port',
] as const

/** One of {@link LINT_RULES}. */
export type LintRule = (typeof LINT_RULES)[number]

/** What the lint objects to. */
export interface LintFinding {
  readonly rule: LintRule
  /** Member of the app-compose file, and behind `docker_compose_file` the path in the compose text. */
  readonly place: string
  readonly expected: string
  readonly actual: string
}

/** What a relying party has judged itself. Three empty lists accept the least. */
export interface LintOptions {
  /** Names that the host may set, since none of them changes code, model, policy, chain or contracts. */
  readonly allowedEnvs: readonly string[]
  /** Published ports as the compose file writes them, for example `8443:8443`. */
  readonly ports: readonly string[]
  /** SHA-256 of reviewed pre-launch and init scripts, 32 bytes in hex with `0x`. */
  readonly scripts: readonly string[]
}

const MAX_SHOWN = 120

/** A finding; what was found is cut to a line. */
export function finding(
  rule: LintRule,
  place: string,
  expected: string,
  actual: unknown,
): LintFinding {
  return { rule, place, expected, actual: shown(actual) }
}

function shown(value: unknown): string {
  if (value === undefined) return 'none'
  const text = value instanceof Map ? 'a map' : (JSON.stringify(value) ?? 'none')
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text
}
