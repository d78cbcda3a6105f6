import { describe, expect, test } from 'vitest'
import { writeRim, type RimLies, type RimRequest } from '@jeju/simulator/gpu'
import { readRimContent } from '../../../verifier/src/gpu/rim/rim-content.ts'
import { readXml } from '../../../verifier/src/gpu/xml/read-xml.ts'
import { hopper } from './lies.ts'
import { codeOf, decode, verified } from './rim-text.ts'

describe('what a signer signed is read strictly all the same', () => {
  const [, request] = [...hopper.rimRequests][1] ?? []
  const signed = (draft: RimLies['draft'], more: Partial<RimRequest> = {}): string => {
    if (request === undefined) throw new Error('no RIM')
    const lies = draft === undefined ? {} : { draft }
    return decode(writeRim({ ...request, ...more }, hopper.rimPki, lies))
  }
  const edit = (from: string | RegExp, to: string) => (text: string) => text.replace(from, to)

  test('as it is', async () => {
    const { content } = await verified(signed(undefined))
    expect(content.golden.size).toBe(12)
    // An entry that is not active says nothing, whatever its digest.
    const other = edit(/active="False"([^>]*)Hash0="0000/, 'active="False"$1Hash0="ffff')
    expect((await verified(signed(other))).content).toEqual(content)
    // Capitals are digits too.
    const capitals = (text: string): string =>
      text.replaceAll(
        /Hash(\d)="([0-9a-f]+)"/g,
        (_, n: string, hex: string) => `Hash${n}="${hex.toUpperCase()}"`,
      )
    expect((await verified(signed(capitals))).content).toEqual(content)
  })

  test.each<readonly [string, (text: string) => string]>([
    ['active in small letters', edit('active="True"', 'active="true"')],
    ['active neither way', edit('active="False"', 'active=""')],
    ['no active', edit('active="False" ', '')],
    ['an index twice', edit('index="1"', 'index="0"')],
    ['an index with a sign', edit('index="1"', 'index="+1"')],
    ['an index with a zero before it', edit('index="1"', 'index="01"')],
    ['an index out of range', edit('index="63"', 'index="65536"')],
    ['another size', edit('size="48"', 'size="32"')],
    ['another type', edit('type="Measurement"', 'type="File"')],
    ['no alternative', edit('alternatives="1"', 'alternatives="0"')],
    ['an alternative less than stated', edit('alternatives="1"', 'alternatives="2"')],
    ['an alternative more than stated', edit('alternatives="4"', 'alternatives="3"')],
    ['alternatives with a gap', edit('ns2:Hash3=', 'ns2:Hash9=')],
    ['a digest cut short', edit(/Hash0="../, 'Hash0="')],
    ['a digest that is no hex', edit(/Hash0="../, 'Hash0="zz')],
    [
      'a digest in no namespace',
      edit(
        /<ns0:Resource active="True" ([^>]*) ns2:Hash0/,
        '<ns0:Resource Hash0="" active="True" $1 ns2:Hash1',
      ),
    ],
    [
      'another element in the payload',
      edit('    </ns0:Payload>', '    <ns0:Directory></ns0:Directory></ns0:Payload>'),
    ],
    ['text in the payload', edit('    </ns0:Payload>', 'a</ns0:Payload>')],
    ['two payloads', edit(/(<ns0:Payload[^]*<\/ns0:Payload>)/, '$1$1')],
    ['two descriptions', edit(/(<ns0:Meta[^]*<\/ns0:Meta>)/, '$1$1')],
    ['no description', edit(/<ns0:Meta[^]*<\/ns0:Meta>/, '')],
    ['no product', edit(/ product="[^"]*"/, '')],
    ['no edition', edit(/ edition="[^"]*"/, '')],
    ['no version', edit(/ colloquialVersion="[^"]*"/, '')],
    [
      'a resource of another namespace',
      edit(/<ns0:Resource ([^>]*)><\/ns0:Resource>/, '<ns2:Resource $1></ns2:Resource>'),
    ],
  ])('%s', async (_, draft) => {
    expect(await codeOf(signed(draft))).toBe('RIM_INVALID')
  })

  test('a tag of software and nothing else', () => {
    const text = signed(undefined)
    for (const other of [
      text.replaceAll('SoftwareIdentity', 'Software'),
      text.replace('xmlns="http://standards.iso.org/', 'xmlns="http://standards.example/'),
    ]) {
      expect(() => readRimContent(readXml(other))).toThrow('expected SoftwareIdentity')
    }
    expect(readRimContent(readXml(text)).golden.size).toBe(12)
  })

  test.each<readonly [string, (text: string) => string]>([
    ['without a floor', edit(/ ns3:minSvn="[^"]*"/, '')],
    ['with a floor that is no number', edit('ns3:minSvn="5"', 'ns3:minSvn="5a"')],
    [
      'with a digest',
      edit(' ns3:includeInResult', ` ns2:Hash0="${'00'.repeat(48)}" ns3:includeInResult`),
    ],
    ['with a statement that nobody knows', edit('ns3:minSvn="5"', 'ns3:maxSvn="9" ns3:minSvn="5"')],
    ['twice', edit(/(<ns0:Resource index="4133"[^>]*><\/ns0:Resource>)/, '$1$1')],
  ])('a record of opaque data %s', async (_, draft) => {
    const minSvns = new Map([[37, 5]])
    expect((await verified(signed(undefined, { minSvns }))).content.minSvns).toEqual(minSvns)
    expect(await codeOf(signed(draft, { minSvns }))).toBe('RIM_INVALID')
  })
})
