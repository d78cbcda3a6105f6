import { fromHex, type Hex } from '../../bytes/hex.ts'
import { ProtocolError } from '../../protocol/protocol-error.ts'
import { asObject } from '../../protocol/shape.ts'
import { checkTree } from '../output/check-tree.ts'
import { leaf, type Tree } from '../output/tree.ts'
import { verdictSpan } from '../output/verdict-span.ts'
import { parseJson } from '../../protocol/json-object.ts'
import { quoteFacts } from '../tdx/case-tree.ts'
import type { CaptureResult } from './judge-capture.ts'
import type { ReadableEvent } from './readable-event.ts'

/** A capture for people: checks, registers, and what the machine measured of itself. */
export function captureTree(file: string, result: CaptureResult): Tree {
  const { verdict, code, checks } = result
  return {
    label: [
      [`${file}: `, 'plain'],
      verdictSpan(verdict),
      [code === null ? '' : `  ${code}`, 'bad'],
    ],
    below: [
      ...checks.map(checkTree),
      ...quoteFacts(result),
      registersTree(result),
      ...eventTrees(result),
      ...(result.vmConfig === null ? [] : [vmConfigTree(result.vmConfig)]),
    ],
  }
}

function registersTree({ registers }: CaptureResult): Tree {
  const text = plainText(registers.reportData)
  return {
    label: [['registers of the quote', 'plain']],
    below: [
      ...Object.entries(registers).map(([name, value]) => leaf(`${name.padEnd(10)}  ${value}`)),
      ...(text === undefined ? [] : [leaf(`reportData as text: ${text}`)]),
    ],
  }
}

function eventTrees({ events }: CaptureResult): readonly Tree[] {
  if (events === null) {
    return [leaf('events: not shown, since the quote does not cover them', 'warning')]
  }
  const list = (title: string, tone: 'plain' | 'quiet', of: readonly ReadableEvent[]): Tree => ({
    label: [[title, tone]],
    below: of.map(({ name, text, payload }) =>
      leaf(`${name.padEnd(18)}  ${text ?? (payload === '' ? '(empty)' : payload)}`, tone),
    ),
  })
  const { platform, application } = events
  return [
    list('events of the platform, in RTMR3', 'plain', platform),
    ...(application.length === 0
      ? []
      : [
          list(
            'events behind system-ready: of the application, proving nothing',
            'quiet',
            application,
          ),
        ]),
  ]
}

const MAX_SHOWN_CHARACTERS = 80

function vmConfigTree(vmConfig: string): Tree {
  return {
    label: [['vm_config: as the host states it, not judged here', 'quiet']],
    below: membersOf(vmConfig).map(([name, value]) => {
      const isLong = value.length > MAX_SHOWN_CHARACTERS
      const shown = isLong ? `${value.slice(0, MAX_SHOWN_CHARACTERS)}…` : value
      return leaf(`${name}  ${shown}`, 'quiet')
    }),
  }
}

/** Members of an object's JSON text; any other text is one unnamed member. */
function membersOf(text: string): readonly (readonly [string, string])[] {
  try {
    const object = asObject(parseJson(text, 'vm_config'), 'vm_config')
    return Object.entries(object).map(([name, value]) => [name, JSON.stringify(value)])
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return [['not JSON', text]]
  }
}

/** ASCII text padded with zeros, as applications put it into report data. */
function plainText(hex: Hex): string | undefined {
  const text = new TextDecoder('latin1').decode(fromHex(hex)).replace(/\0+$/, '')
  return /^[\x20-\x7e]{2,}$/.test(text) ? text : undefined
}
