import { isBackdoorEnv } from './backdoor-env.ts'
import type { YamlValue } from './compose-yaml.ts'
import { finding, type LintFinding } from './finding.ts'

/** Findings of `$` in any text below a place: docker compose replaces it, and the hash was taken before. */
export function lintInterpolation(value: YamlValue, place: string): readonly LintFinding[] {
  if (typeof value === 'string') {
    return interpolates(value) ? [finding('interpolation', place, 'no $', value)] : []
  }
  if (value instanceof Map) {
    const map: ReadonlyMap<string, YamlValue> = value
    return [...map].flatMap(([key, item]) => [
      ...lintInterpolation(key, `${place}.${key}`),
      ...lintInterpolation(item, `${place}.${key}`),
    ])
  }
  return Array.isArray(value)
    ? value.flatMap((item: YamlValue, index) => lintInterpolation(item, `${place}[${index}]`))
    : []
}

/** `$$` is a plain dollar sign (compose specification, "Interpolation"). */
function interpolates(text: string): boolean {
  return text.replaceAll('$$', '').includes('$')
}

/**
 * Findings in a service's environment. A value of the host may enter as `NAME: ${NAME}` alone, of a name that may be
 * set: so it cannot reach a variable that nobody judged.
 */
export function lintEnvironment(
  value: YamlValue,
  place: string,
  settable: readonly string[],
): readonly LintFinding[] {
  return variables(value).flatMap(([name, content]) => {
    const at = `${place}.${name}`
    if (typeof content === 'object' && content !== null) {
      return [finding('key', at, 'one value', content)]
    }
    const passes = content === null || content === `\${${name}}`
    if (!passes) return [...lintInterpolation(name, at), ...lintInterpolation(content, at)]
    if (isBackdoorEnv(name)) return [finding('backdoor-env', at, 'no value of the host', content)]
    return settable.includes(name)
      ? []
      : [finding('allowed-env', at, 'a name in allowed_envs that is accepted', content)]
  })
}

/** Names and values of both forms, a map and a list of `NAME=value`. A name alone takes the host's value. */
function variables(value: YamlValue): readonly (readonly [string, YamlValue])[] {
  if (value instanceof Map) return [...(value as ReadonlyMap<string, YamlValue>)]
  const items: readonly YamlValue[] = Array.isArray(value) ? value : [value]
  return items.map((item) => {
    if (typeof item !== 'string') return ['[]', [item]]
    const at = item.indexOf('=')
    return at === -1 ? [item, null] : [item.slice(0, at), item.slice(at + 1)]
  })
}
