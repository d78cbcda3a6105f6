import { JsonError, parseStrictJson } from '../bytes/strict-json.ts'
import { membersOf, type Member } from './body-members.ts'
import { RoutingError } from './routing-error.ts'

/** Members of a plain body that are about routing, and of no API. */
export const BODY_MEMBERS: readonly string[] = ['provider', 'models', 'min_tier']

const MAX_DEPTH = 8

/** A plain body with what it says of routing taken out. */
export interface RoutedBody {
  /** Every other member, byte by byte as it came. */
  readonly own: string
  /** The same with this model. */
  forModel(model: string): string
  /** Whether it names a model itself. */
  readonly namesModel: boolean
  /** What was taken out and is not null. */
  readonly stated: Readonly<Record<string, unknown>>
}

/**
 * Takes out what a node would refuse, and leaves every byte of what it reads: a parser would round its numbers. A name
 * that stands twice means two things to two readers.
 * @param text a JSON object; of anything else the answer means nothing
 * @throws RoutingError
 */
export function takeRouting(text: string): RoutedBody {
  const members = membersOf(text)
  for (const name of [...BODY_MEMBERS, 'model']) {
    if (members.filter((one) => one.name === name).length > 1) {
      throw new RoutingError(name, 'stated twice')
    }
  }
  const own = members.filter(({ name }) => !BODY_MEMBERS.includes(name))
  const namesModel = own.some(({ name }) => name === 'model')
  return {
    own: bodyOf(own),
    forModel: (model) => {
      const named = { name: 'model', text: `"model":${JSON.stringify(model)}` }
      return bodyOf(
        namesModel ? own.map((one) => (one.name === 'model' ? named : one)) : [named, ...own],
      )
    },
    namesModel,
    stated: Object.fromEntries(
      members
        .filter(({ name }) => BODY_MEMBERS.includes(name))
        .map((member): [string, unknown] => [member.name, valueOf(member)])
        .filter(([, value]) => value !== null),
    ),
  }
}

function valueOf({ name, text }: Member): unknown {
  try {
    const [value] = Object.values(Object(parseStrictJson(`{${text}}`, { maxDepth: MAX_DEPTH })))
    return value
  } catch (error) {
    if (!(error instanceof JsonError)) throw error
    throw new RoutingError(name, `not JSON of one meaning, ${MAX_DEPTH} levels deep at most`)
  }
}

function bodyOf(members: readonly Member[]): string {
  return `{${members.map(({ text }) => text).join(',')}}`
}
