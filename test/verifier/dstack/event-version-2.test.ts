import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RUNTIME_EVENT_TYPE, sha384, toBareHex, utf8 } from '@jeju/verifier/protocol'
import { checkEventLog } from '../../../verifier/src/dstack/check-event-log.ts'
import { replayRtmr3 } from '../../../verifier/src/dstack/replay.ts'
import { digestOf, type RuntimeEvent } from '../../../verifier/src/dstack/runtime-events.ts'
import { haveVectors, vectorJson } from '../vectors.ts'

const appId = new Uint8Array(20).fill(0xab)
const event = (name: string, payload: Uint8Array, version: 1 | 2): RuntimeEvent => ({
  name,
  payload,
  version,
})
const ready = event('system-ready', new Uint8Array(0), 2)

/** The canonical text, spelled out here and not by the code under test. */
const textOf = ({ name, payload }: RuntimeEvent): string =>
  `{"name":${JSON.stringify(name)},"payload":"${toBareHex(payload)}","type":134217729}`

const entry = (runtime: RuntimeEvent, changes: object = {}): object => ({
  imr: 3,
  event_type: RUNTIME_EVENT_TYPE,
  digest: '',
  event: runtime.name,
  event_payload: toBareHex(runtime.payload),
  ...(runtime.version === 2 ? { version: 2 } : {}),
  ...changes,
})

const verdict = (served: readonly object[], events: readonly RuntimeEvent[]): string => {
  const { check } = checkEventLog(JSON.stringify(served), replayRtmr3(events))
  return check.status === 'failed' ? check.actual : check.status
}

describe('version 2 digests', () => {
  test('SHA-384 of the canonical text of name, payload and type', () => {
    fc.assert(
      fc.property(fc.string(), fc.uint8Array({ maxLength: 60 }), (name, payload) => {
        const runtime = event(name, payload, 2)
        expect(digestOf(runtime)).toEqual(sha384(utf8(textOf(runtime))))
        expect(digestOf(runtime)).not.toEqual(digestOf({ ...runtime, version: 1 }))
      }),
    )
  })

  test('quotes, control characters and other scripts as RFC 8785 writes them', () => {
    const runtime = event('a"b\\c\n\u0001 测试🦀', Uint8Array.of(0xff), 2)
    const text = '{"name":"a\\"b\\\\c\\n\\u0001 测试🦀","payload":"ff","type":134217729}'
    expect(digestOf(runtime)).toEqual(sha384(utf8(text)))
  })

  test('a log may mix both versions', () => {
    const events = [event('app-id', appId, 1), event('boot-mr-done', new Uint8Array(0), 2), ready]
    expect(
      verdict(
        events.map((runtime) => entry(runtime)),
        events,
      ),
    ).toBe('passed')
  })

  test('A1 eventlog_payload_swap_rejected, and no version is read as the other', () => {
    const events = [event('app-id', appId, 2), ready]
    const served = (changes: object): readonly object[] => [
      entry(event('app-id', appId, 2), changes),
      entry(ready),
    ]
    expect(verdict(served({}), events)).toBe('passed')
    expect(verdict(served({ event_payload: `${toBareHex(appId)}00` }), events)).toContain(
      'replayed',
    )
    expect(verdict(served({ event: 'app_id' }), events)).toContain('replayed')
    expect(verdict(served({ version: 1 }), events)).toContain('replayed')
    expect(verdict(served({ version: undefined }), events)).toContain('replayed')
  })

  test('A3 a version nobody knows is refused', () => {
    for (const version of [0, 3, 1.5, -1, '2', null, true]) {
      const served = [entry(event('app-id', appId, 2), { version }), entry(ready)]
      expect(verdict(served, [event('app-id', appId, 2), ready]), String(version)).toContain(
        'version',
      )
    }
  })
})

describe('A3 eventlog_v2_preimage_mismatch', () => {
  const events = [event('app-id', appId, 2), ready]
  const [first = ready] = events
  const withPreimage = (preimage: unknown, runtime = first): readonly object[] => [
    entry(runtime, { preimage }),
    entry(ready),
  ]

  test('the pre-image of name and payload passes, in both versions', () => {
    expect(verdict(withPreimage(toBareHex(utf8(textOf(first)))), events)).toBe('passed')
    const one = event('app-id', appId, 1)
    const binary = `01000008${toBareHex(utf8(':app-id:'))}${toBareHex(appId)}`
    expect(verdict(withPreimage(binary, one), [one, ready])).toBe('passed')
  })

  test.each([
    ['of another payload', textOf({ ...first, payload: new Uint8Array(20) })],
    ['with white space', `${textOf(first)} `],
    [
      'with another order of members',
      `{"payload":"${toBareHex(appId)}","name":"app-id","type":134217729}`,
    ],
    ['of version 1', `\u0001\0\0\u0008:app-id:`],
    ['of nothing', ''],
  ])('a pre-image %s', (_, text) => {
    expect(verdict(withPreimage(toBareHex(utf8(text))), events)).toContain('pre-image')
  })

  test('a pre-image that is not hex text', () => {
    for (const preimage of ['zz', '0', 7, null, []]) {
      expect(verdict(withPreimage(preimage), events)).toContain('pre-image')
    }
  })
})

interface DigestVectors {
  readonly runtime_event_digests: {
    readonly v1: Readonly<Record<string, string>>
    readonly v2: Readonly<Record<string, { readonly preimage: string; readonly digest: string }>>
  }
}

describe.runIf(haveVectors)('recorded digests', () => {
  const vectors = (): DigestVectors['runtime_event_digests'] =>
    (vectorJson('dstack', 'dstack-vectors.json') as DigestVectors).runtime_event_digests

  test('version 1', () => {
    const { v1 } = vectors()
    for (const [label, digest] of Object.entries(v1)) {
      const [, name = '', argument = ''] = /^([a-z-]+)\((.*)\)$/.exec(label) ?? []
      const payload = argument.includes('..')
        ? Uint8Array.from(Buffer.from('06768e6df639ce3be65e9e5321f8b2d82dbffb01', 'hex'))
        : utf8(argument)
      expect(toBareHex(digestOf(event(name, payload, 1))), label).toBe(digest)
    }
  })

  test('version 2', () => {
    for (const { preimage, digest } of Object.values(vectors().v2)) {
      const { name, payload } = JSON.parse(preimage) as { name: string; payload: string }
      const runtime = event(name, Uint8Array.from(Buffer.from(payload, 'hex')), 2)
      expect(toBareHex(digestOf(runtime))).toBe(digest)
    }
  })
})
