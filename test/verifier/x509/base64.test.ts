import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fromBase64 } from '../../../verifier/src/x509/pem.ts'

/** What the platform reads, where writing it again gives the same text. */
function platformReads(text: string): Uint8Array | undefined {
  const base64 = text.replaceAll(/[\r\n]/g, '')
  try {
    const binary = atob(base64)
    if (btoa(binary) !== base64) return undefined
    return Uint8Array.from(binary, (character) => character.charCodeAt(0))
  } catch {
    return undefined
  }
}

function reads(text: string): Uint8Array | undefined {
  try {
    return fromBase64(text)
  } catch (error) {
    expect(error).toBeInstanceOf(RangeError)
    return undefined
  }
}

test('B14 one spelling: canonical base64 with line breaks is read as the platform reads it', () => {
  const encoded = fc
    .uint8Array({ maxLength: 64 })
    .map((bytes) => btoa(String.fromCharCode(...bytes)).replaceAll(/(.{7})/g, '$1\r\n'))
  fc.assert(
    fc.property(
      encoded,
      fc.nat(),
      fc.constantFrom('A', 'b', '0', '9', '+', '/', '=', '-', '_', ' ', 'é', '\n', '\0', ''),
      (text, at, put) => {
        expect(reads(text)).toEqual(platformReads(text))
        const place = at % (text.length + 1)
        for (const changed of [
          text.slice(0, place) + put + text.slice(place),
          text.slice(0, place) + put + text.slice(place + 1),
        ]) {
          expect(reads(changed)).toEqual(platformReads(changed))
        }
      },
    ),
    { numRuns: 500 },
  )
})

test.each(['A', 'AA', 'AB==', 'AAB=', 'AA=', 'AA===', '=', 'AAAA=', 'AA==AA==', 'AA= =', 'ÀAAA'])(
  'B14 %s is refused',
  (text) => {
    expect(reads(text)).toBeUndefined()
  },
)
