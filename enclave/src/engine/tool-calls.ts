import { randomUUID } from 'node:crypto'
import { TOOL_CALL_END, TOOL_CALL_START } from './chat-template.ts'
import { StopStrings } from './stop-strings.ts'

/** A call as the model wrote it. */
export interface WrittenCall {
  readonly id: string
  readonly name: string
  /** JSON text of an object. */
  readonly arguments: string
}

/** What became of some text: text that goes on, or a call. */
export type ToolText = { readonly text: string } | { readonly call: WrittenCall }

/** Finds the calls of offered tools in a growing text. What only looks like a call stays text. */
export class ToolCalls {
  readonly #offered: ReadonlySet<string>
  #start = new StopStrings([TOOL_CALL_START])
  /** Text behind {@link TOOL_CALL_START}, while its end has not come. */
  #open: string | undefined
  #found = 0

  constructor(offered: readonly string[]) {
    this.#offered = new Set(offered)
  }

  /** Calls found so far. */
  get found(): number {
    return this.#found
  }

  /** Adds text, and returns what is decided by now. */
  push(piece: string): readonly ToolText[] {
    const decided: ToolText[] = []
    let rest = piece
    while (rest !== '') {
      if (this.#open === undefined) {
        const whole = this.#start.heldText + rest
        const { text, stopped } = this.#start.push(rest)
        decided.push(...this.#plain(text))
        if (!stopped) break
        rest = whole.slice(text.length + TOOL_CALL_START.length)
        this.#open = ''
      }
      this.#open += rest
      const end = this.#open.indexOf(TOOL_CALL_END)
      if (end < 0) break
      const written = this.#open.slice(0, end)
      rest = this.#open.slice(end + TOOL_CALL_END.length)
      decided.push(this.#close(written))
    }
    return decided
  }

  /** The rest, when no more text comes: a call that was not finished is text. */
  end(): readonly ToolText[] {
    const rest = this.#open === undefined ? this.#start.end() : TOOL_CALL_START + this.#open
    this.#open = undefined
    return rest === '' ? [] : [{ text: rest }]
  }

  #close(written: string): ToolText {
    this.#open = undefined
    this.#start = new StopStrings([TOOL_CALL_START])
    const call = readCall(written, this.#offered)
    if (call === undefined) return { text: TOOL_CALL_START + written + TOOL_CALL_END }
    this.#found++
    return { call }
  }

  /** Space between calls belongs to none of them. */
  #plain(text: string): readonly ToolText[] {
    return text === '' || (this.#found > 0 && text.trim() === '') ? [] : [{ text }]
  }
}

/** Reads `{"name": …, "arguments": {…}}`; undefined for anything else and for a tool that was not offered. */
export function readCall(written: string, offered: ReadonlySet<string>): WrittenCall | undefined {
  let value: { name?: unknown; arguments?: unknown } | null
  try {
    value = JSON.parse(written)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { name, arguments: args = {} } = value
  if (typeof name !== 'string' || !offered.has(name)) return undefined
  if (typeof args !== 'object' || args === null || Array.isArray(args)) return undefined
  return { id: `call_${randomUUID().replaceAll('-', '')}`, name, arguments: JSON.stringify(args) }
}
