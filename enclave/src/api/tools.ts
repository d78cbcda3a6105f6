import type { JsonValue } from '@jeju/verifier/protocol'
import { NodeError } from '../http/node-error.ts'
import type { Tool, ToolChoice } from '../engine/prompt.ts'

/** A function as a request names it. */
interface NamedTool {
  readonly name: string
  readonly description?: string | null | undefined
  readonly parameters?: Readonly<Record<string, JsonValue>> | null | undefined
  readonly strict?: boolean | null | undefined
}

/** A tool without what was left out. */
export function toolOf({ name, description, parameters, strict }: NamedTool): Tool {
  return {
    name,
    ...(typeof description === 'string' ? { description } : {}),
    ...(parameters === null || parameters === undefined ? {} : { parameters }),
    ...(strict === true ? { strict } : {}),
  }
}

/**
 * Refuses names given twice, and a choice among tools that are not offered.
 * @throws NodeError `invalid_request`
 */
export function checkTools(tools: readonly Tool[], choice: ToolChoice): void {
  const names = new Set(tools.map(({ name }) => name))
  if (names.size < tools.length) {
    throw new NodeError('invalid_request', 'tools: a name given twice', 'tools')
  }
  if (choice === 'auto' || choice === 'none') return
  const isOffered = choice === 'required' ? tools.length > 0 : names.has(choice.name)
  if (!isOffered) {
    throw new NodeError('invalid_request', 'tool_choice: no such tool is offered', 'tool_choice')
  }
}
