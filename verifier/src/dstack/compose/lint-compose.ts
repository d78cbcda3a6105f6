import { parseAppCompose } from './app-compose.ts'
import { parseComposeYaml } from './compose-yaml.ts'
import type { LintFinding, LintOptions } from './finding.ts'
import { lintMembers } from './lint-app-compose.ts'
import { lintComposeText } from './lint-compose-text.ts'

export { LINT_RULES, type LintFinding, type LintOptions, type LintRule } from './finding.ts'

/**
 * Everything in an app-compose file that could run other code than it says, or let the host look in; nothing found is
 * an empty list. It is a reading aid for those who accept files, not a check of a node: a policy lists what was read.
 * @throws VerifierError `COMPOSE_INVALID` for a file that readers could understand differently
 */
export function lintCompose(appCompose: Uint8Array, options: LintOptions): readonly LintFinding[] {
  const compose = parseAppCompose(appCompose)
  const members = lintMembers(compose, options)
  const text = compose.get('docker_compose_file')
  if (typeof text !== 'string') return members
  const allowed: unknown = compose.get('allowed_envs') ?? []
  const settable = options.allowedEnvs.filter(
    (name) => Array.isArray(allowed) && allowed.includes(name),
  )
  return [...members, ...lintComposeText(parseComposeYaml(text), settable, options)]
}
