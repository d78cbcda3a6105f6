import { p384 } from '@noble/curves/nist.js'
import { describe, expect, test } from 'vitest'
import { nvidiaTrustAnchor } from '@jeju/verifier/gpu'
import { haveGpuVectors, vectorText } from '../vectors.ts'
import { hopper } from './lies.ts'
import { codeOf, decode, simulatedRoot, verified } from './rim-text.ts'

/** Other forms of the documents that were recorded: what means the same holds, and nothing else does. */

const C14N11 = 'http://www.w3.org/2006/12/xml-c14n11'
const RECORDED = 'NV_GPU_VBIOS_1010_0200_882_96009F0001.xml'
const DRIVER = 'NV_GPU_DRIVER_GH100_550.144.03.xml'
const recorded = haveGpuVectors ? [RECORDED, DRIVER] : []
const documents = [
  ...recorded.map(
    (file) => [file, vectorText('nvidia', 'rims', file), nvidiaTrustAnchor().rimRoot] as const,
  ),
  ...[...hopper.rims()].map(([id, document]) => [id, decode(document), simulatedRoot] as const),
]

type Edit = readonly [string, (text: string) => string]

/** Indents every line of base64. */
const indented = (text: string): string =>
  text.replaceAll(
    /(<ds:(?:X509Certificate|SignatureValue)>)([^<]*)/g,
    (_, open: string, base64: string) =>
      `${open}\n\t  ${base64.trim().replaceAll('\n', '\n\t  ')}\n`,
  )
/** Another signature of the same key over the same: (r, n − s). */
const otherSignature = (text: string): string =>
  text.replace(/<ds:SignatureValue>([^<]*)/, (_, base64: string) => {
    const bytes = Buffer.from(base64.replaceAll(/\s/g, ''), 'base64')
    const s = p384.CURVE.n - BigInt(`0x${bytes.subarray(48).toString('hex')}`)
    bytes.set(Buffer.from(s.toString(16).padStart(96, '0'), 'hex'), 48)
    return `<ds:SignatureValue>${bytes.toString('base64')}`
  })

const same: readonly Edit[] = [
  ['as it was', (text) => text],
  ['a byte-order mark', (text) => `\ufeff${text}`],
  ['a declaration', (text) => `<?xml version="1.0" encoding="UTF-8"?>\n${text}`],
  ['a declaration in other quotes', (text) => `<?xml version='1.0' encoding='utf-8'?>\n${text}`],
  ['a declaration of ASCII', (text) => `<?xml version='1.0' encoding='US-ASCII'?>${text}`],
  ['a declaration with standalone', (text) => `<?xml version="1.0" standalone="no" ?>\n${text}`],
  ['line ends of other machines', (text) => text.replaceAll('\n', '\r\n')],
  ['white space behind it', (text) => `${text}\n\n`],
  [
    'attributes in another order',
    (text) => text.replaceAll(/( active="[^"]*")((?: [^ >/]+="[^"]*")+)/g, '$2$1'),
  ],
  ['attributes on lines of their own', (text) => text.replaceAll(/ (\w+)="/g, '\n\t$1="')],
  [
    'empty elements as one tag',
    (text) => text.replaceAll(/><\/ns0:(Resource|Meta|Entity)>/g, '/>'),
  ],
  [
    'empty elements as two tags',
    (text) => text.replaceAll(/<([^\s<>]+)( [^<>]*)\/>/g, '<$1$2></$1>'),
  ],
  [
    'characters by number',
    (text) => text.replace(' name="Measurement_', ' name="M&#101;asurement_'),
  ],
  [
    'a namespace declared once more',
    (text) =>
      text.replace(
        '<ns0:Meta ',
        '<ns0:Meta xmlns="http://standards.iso.org/iso/19770/-2/2015/schema.xsd" ',
      ),
  ],
  ['base64 that is indented', indented],
  [
    'white space around the parts of the signature',
    (text) => text.replaceAll(/(<\/?ds:(?:SignatureValue|KeyInfo|X509Data)>)(?=<)/g, '$1\n '),
  ],
  ['the other signature of two that are valid', otherSignature],
]

const changed: readonly (readonly [...Edit, string])[] = [
  [
    'another prefix',
    (text) => text.replaceAll('ns0:', 'tag:').replaceAll('xmlns:ns0', 'xmlns:tag'),
    'RIM_SIGNATURE_INVALID',
  ],
  [
    'another prefix of the signature',
    (text) => text.replaceAll('ds:', 'sig:').replaceAll('xmlns:ds', 'xmlns:sig'),
    'RIM_SIGNATURE_INVALID',
  ],
  [
    'white space between elements',
    (text) => text.replace('<ns0:Payload', ' <ns0:Payload'),
    'RIM_SIGNATURE_INVALID',
  ],
  [
    'white space in a value',
    (text) => text.replace('edition="', 'edition=" '),
    'RIM_SIGNATURE_INVALID',
  ],
  [
    'white space in what was signed',
    (text) => text.replace('<ds:Reference', ' <ds:Reference'),
    'RIM_SIGNATURE_INVALID',
  ],
  ['a carriage return by number', (text) => text.replace('\n', '&#13;\n'), 'RIM_SIGNATURE_INVALID'],
  [
    'a namespace that nobody uses',
    (text) => text.replace('<ns0:Meta ', '<ns0:Meta xmlns:u="urn:u" '),
    'RIM_SIGNATURE_INVALID',
  ],
  [
    'an attribute without its namespace',
    (text) => text.replaceAll('ns2:Hash', 'Hash'),
    'RIM_SIGNATURE_INVALID',
  ],
  [
    'a comment in a value of base64',
    (text) => text.replace('<ds:DigestValue>', '<ds:DigestValue><!---->'),
    'RIM_INVALID',
  ],
  ['CDATA', (text) => text.replace('</ns0:Payload>', '<![CDATA[ ]]></ns0:Payload>'), 'RIM_INVALID'],
  ['an entity', (text) => `<!DOCTYPE a [<!ENTITY e "x">]>${text}`, 'RIM_INVALID'],
  [
    'a processing instruction',
    (text) => text.replace('<ns0:Meta', '<?a?><ns0:Meta'),
    'RIM_INVALID',
  ],
  [
    'a declaration of another encoding',
    (text) => `<?xml version="1.0" encoding="ISO-8859-1"?>${text}`,
    'RIM_INVALID',
  ],
  [
    'a declaration in two kinds of quotes',
    (text) => `<?xml version="1.0' ?>${text}`,
    'RIM_INVALID',
  ],
  ['a reference without URI', (text) => text.replace(' URI=""', ''), 'RIM_INVALID'],
  [
    'a reference to an id',
    (text) => text.replace('URI=""', 'URI="#a"').replace(' tagId=', ' Id="a" tagId='),
    'RIM_INVALID',
  ],
  [
    'two references',
    (text) => text.replace(/(<ds:Reference[^]*<\/ds:Reference>)/, '$1$1'),
    'RIM_INVALID',
  ],
  [
    'two SignedInfo',
    (text) => text.replace(/(<ds:SignedInfo[^]*<\/ds:SignedInfo>)/, '$1$1'),
    'RIM_INVALID',
  ],
  [
    'two values of a signature',
    (text) => text.replace(/(<ds:SignatureValue[^]*<\/ds:SignatureValue>)/, '$1$1'),
    'RIM_INVALID',
  ],
  ['two KeyInfo', (text) => text.replace(/(<ds:KeyInfo[^]*<\/ds:KeyInfo>)/, '$1$1'), 'RIM_INVALID'],
  [
    'a bare key beside the certificates',
    (text) => text.replace('<ds:X509Data>', '<ds:KeyValue/><ds:X509Data>'),
    'RIM_INVALID',
  ],
  [
    'a name beside the certificates',
    (text) => text.replace('<ds:X509Certificate>', '<ds:X509SubjectName/><ds:X509Certificate>'),
    'RIM_INVALID',
  ],
  [
    'an id on the signature',
    (text) => text.replace('<ds:SignedInfo', '<ds:SignedInfo Id="a"'),
    'RIM_INVALID',
  ],
  ['SHA-512', (text) => text.replace('xmldsig-more#sha384', 'xmlenc#sha512'), 'RIM_INVALID'],
  ['ECDSA with SHA-512', (text) => text.replace('ecdsa-sha384', 'ecdsa-sha512'), 'RIM_INVALID'],
  [
    'canonical XML 1.0',
    (text) =>
      text.replaceAll(
        'http://www.w3.org/2006/12/xml-c14n11',
        'http://www.w3.org/TR/2001/REC-xml-c14n-20010315',
      ),
    'RIM_INVALID',
  ],
  [
    'canonical XML 1.0 for what is signed alone',
    (text) =>
      text.replace(
        'http://www.w3.org/2006/12/xml-c14n11',
        'http://www.w3.org/2001/10/xml-exc-c14n#',
      ),
    'RIM_INVALID',
  ],
  [
    'another second transform',
    (text) => {
      const at = text.lastIndexOf(C14N11)
      return `${text.slice(0, at)}http://www.w3.org/2001/10/xml-exc-c14n#${text.slice(at + C14N11.length)}`
    },
    'RIM_INVALID',
  ],
  [
    'another first transform',
    (text) => text.replace('http://www.w3.org/2000/09/xmldsig#enveloped-signature', C14N11),
    'RIM_INVALID',
  ],
  [
    'transforms in another order',
    (text) =>
      text.replace(
        /(<ds:Transform Algorithm="[^"]*enveloped-signature"(?:\/>|><\/ds:Transform>))(<ds:Transform (?:[^>]*\/>|[^>]*><\/ds:Transform>))/,
        '$2$1',
      ),
    'RIM_INVALID',
  ],
  [
    'one transform',
    (text) =>
      text.replace(
        /<ds:Transform Algorithm="[^"]*enveloped-signature"(?:\/>|><\/ds:Transform>)/,
        '',
      ),
    'RIM_INVALID',
  ],
  ['wrapped in another document', (text) => `<w>${text}</w>`, 'RIM_INVALID'],
  [
    'wrapped, with the signature outside',
    (text) => {
      const [signature = ''] = /<ds:Signature [^]*<\/ds:Signature>/.exec(text) ?? []
      return `<w>${text.replace(signature, '')}${signature}</w>`
    },
    'RIM_SIGNATURE_INVALID',
  ],
  [
    'the original moved into the signature',
    (text) => {
      const [signature = ''] = /<ds:Signature [^]*<\/ds:Signature>/.exec(text) ?? []
      const original = text.replace(signature, '')
      const object = `<ds:Object>${original}</ds:Object></ds:Signature>`
      return text.replaceAll('active="False"', 'active="True"').replace('</ds:Signature>', object)
    },
    'RIM_INVALID',
  ],
  [
    'a signature of zeros',
    (text) =>
      text.replace(
        /<ds:SignatureValue>[^<]*/,
        `<ds:SignatureValue>${Buffer.alloc(96).toString('base64')}`,
      ),
    'RIM_SIGNATURE_INVALID',
  ],
  [
    'a signature in DER',
    (text) =>
      text.replace(
        /<ds:SignatureValue>[^<]*/,
        `<ds:SignatureValue>${Buffer.alloc(102).toString('base64')}`,
      ),
    'RIM_INVALID',
  ],
  [
    'certificates turned around',
    (text) => {
      const all = text.match(/<ds:X509Certificate>[^<]*<\/ds:X509Certificate>/g) ?? []
      return text.replace(all.join(''), all.toReversed().join(''))
    },
    'RIM_CHAIN_UNTRUSTED',
  ],
  [
    'one certificate more',
    (text) =>
      text.replace(/(<ds:X509Certificate>[^<]*<\/ds:X509Certificate>)(<\/ds:X509Data>)/, '$1$1$2'),
    'RIM_CHAIN_INVALID',
  ],
  [
    'one certificate less',
    (text) =>
      text.replace(/<ds:X509Certificate>[^<]*<\/ds:X509Certificate>(<\/ds:X509Data>)/, '$1'),
    'RIM_CHAIN_INVALID',
  ],
  [
    'a certificate that is none',
    (text) => text.replace(/<ds:X509Certificate>[^<]*/, '<ds:X509Certificate>AAAA'),
    'RIM_CERT_INVALID',
  ],
  ['nothing', () => '', 'RIM_INVALID'],
]

describe.each(documents)('%s', (_, text, root) => {
  test.each(same)('%s', async (_name, edit) => {
    const honest = await verified(text, root)
    const { content } = await verified(edit(text), root)
    expect(content).toEqual(honest.content)
  })

  test.each(changed)('%s is refused', async (_name, edit, code) => {
    expect(edit(text)).not.toBe(text)
    expect(await codeOf(edit(text), root)).toBe(code)
  })
})
