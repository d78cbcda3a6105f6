import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { makeDataItem, type Tag } from '../../../enclave/src/archive/data-item.ts'

interface RecordedItem {
  readonly tags: readonly Tag[]
  /** Hex, or an octet and how often. */
  readonly data: string | { readonly repeat: string; readonly count: number }
  readonly id: string
  readonly item: string | { readonly sha256: string }
}

const { privateKey, items } = JSON.parse(
  readFileSync(new URL('../../vectors/ans104/items.json', import.meta.url), 'utf8'),
) as { readonly privateKey: string; readonly items: readonly RecordedItem[] }
const key = Buffer.from(privateKey, 'hex')

function bytesOf(data: RecordedItem['data']): Uint8Array {
  return typeof data === 'string'
    ? Buffer.from(data, 'hex')
    : Buffer.alloc(data.count, Buffer.from(data.repeat, 'hex'))
}

describe('ANS-104 data items', () => {
  test.each(items.map((item, index) => [index, item] as const))(
    'recorded item %i is made byte for byte',
    (_, { tags, data, id, item }) => {
      const made = makeDataItem(bytesOf(data), tags, key)
      expect(Buffer.from(made.id).toString('base64url')).toBe(id)
      const bytes = Buffer.from(made.bytes)
      if (typeof item === 'string') expect(bytes.toString('hex')).toBe(item)
      else expect(createHash('sha256').update(bytes).digest('hex')).toBe(item.sha256)
    },
  )

  test.each([
    ['none', []],
    ['an empty name', [{ name: '', value: 'a' }]],
    ['an empty value', [{ name: 'a', value: '' }]],
    ['too many', Array.from({ length: 129 }, () => ({ name: 'a', value: 'b' }))],
    ['too long', [{ name: 'a', value: 'b'.repeat(4096) }]],
  ])('tags that no bundler takes: %s', (_, tags) => {
    expect(() => makeDataItem(new Uint8Array(), tags, key)).toThrow(RangeError)
  })
})
