import { MeasureError } from '../measure-error.ts'

/** What stands in the holes of a compose text, by name. */
export type ComposeValues = Readonly<Record<string, string>>

const HOLE = /\{\{([A-Z0-9_]+)\}\}/g
/** A hole stands in single quotes: what it holds can end them nowhere, and compose substitutes nothing in it. */
const SAFE = /^[ -#%&(-[\]-~]*$/

/**
 * A compose text with its holes filled. Every value is used, and none can be anything else than one YAML string.
 * @throws MeasureError `COMPOSE_HOLES`
 */
export function fillComposeText(template: string, values: ComposeValues): string {
  const used = new Set<string>()
  const text = template.replaceAll(HOLE, (_, name: string) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined
    if (value === undefined) throw new MeasureError('COMPOSE_HOLES', `${name}: no value`)
    if (!SAFE.test(value)) {
      throw new MeasureError(
        'COMPOSE_HOLES',
        `${name}: a character that YAML or compose would read`,
      )
    }
    used.add(name)
    return value
  })
  const unused = Object.keys(values).find((name) => !used.has(name))
  if (unused !== undefined) throw new MeasureError('COMPOSE_HOLES', `${unused}: no such hole`)
  return text
}
