import { fromHex, type Hex } from '../../bytes/hex.ts'
import { checkTree } from '../output/check-tree.ts'
import { leaf, type Tree } from '../output/tree.ts'
import { verdictSpan } from '../output/verdict-span.ts'
import { quoteBranches } from '../tdx/case-tree.ts'
import type { CaptureResult } from './judge-capture.ts'
import type { ReadableEvent } from './readable-event.ts'

/** A capture for people: checks, registers, and what the machine measured of itself. */
export function captureTree(file: string, result: CaptureResult): Tree {
  const { verdict, code, checks } = result
  const [...branches] = quoteBranches({ ...result, verdict: 'rejected', checks: [] })
  return {
    label: [
      [`${file}: `, 'plain'],
      verdictSpan(verdict),
      [code === null ? '' : `  ${code}`, 'bad'],
    ],
    below: [
      ...checks.map(checkTree),
      ...branches,
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

const MAX_VM_CONFIG_CHARACTERS = 2000

function vmConfigTree(vmConfig: string): Tree {
  const isLong = vmConfig.length > MAX_VM_CONFIG_CHARACTERS
  const shown = isLong ? `${vmConfig.slice(0, MAX_VM_CONFIG_CHARACTERS)} and more` : vmConfig
  return {
    label: [['vm_config: as the host states it, not judged here', 'quiet']],
    below: [leaf(shown, 'quiet')],
  }
}

/** ASCII text padded with zeros, as applications put it into report data. */
function plainText(hex: Hex): string | undefined {
  const text = new TextDecoder('latin1').decode(fromHex(hex)).replace(/\0+$/, '')
  return /^[\x20-\x7e]{2,}$/.test(text) ? text : undefined
}
