import { chainOf, pem, type ForgedPki, type Forgery } from '@jeju/simulator/forge'
import { concatBytes, utf8 } from '@jeju/verifier/protocol'
import { accepted, refused, type CaseArea, type ForgeCase } from '../forge-case.ts'

/** The text of the PEM chain in the quote. */

const SHAPE = { 'pck-chain': 'PCK_CHAIN_INVALID' } as const

function texted(text: (pki: ForgedPki) => string): Forgery {
  return { chains: { pck: (pki) => utf8(text(pki)) } }
}

function usual(pki: ForgedPki): string {
  return chainOf(pki, 'leaf', 'intermediate', 'root')
}

export const pckChainText: CaseArea = {
  area: 'PCK chain: text',
  cases: texts(),
}

function texts(): readonly ForgeCase[] {
  const same = 'another spelling of the same certificates, as machines write it'
  const more = 'something that is neither certificate nor line break'
  const labelled = (label: string): Forgery =>
    texted(({ leaf, intermediate, root }) =>
      [leaf, intermediate, root].map(({ der }) => pem(der, label)).join(''),
    )
  return [
    accepted(
      'chain-crlf',
      same,
      texted((pki) => `${usual(pki).replaceAll('\n', '\r\n')}\0`),
    ),
    accepted('chain-without-nul', same, texted(usual)),
    accepted(
      'chain-without-last-break',
      same,
      texted((pki) => usual(pki).trimEnd()),
    ),
    accepted(
      'chain-empty-lines',
      same,
      texted((pki) => usual(pki).replaceAll('-----B', '\n-----B')),
    ),
    refused(
      'chain-two-nuls',
      more,
      texted((pki) => `${usual(pki)}\0\0`),
      SHAPE,
    ),
    refused(
      'chain-64-nuls',
      more,
      texted((pki) => usual(pki) + '\0'.repeat(64)),
      SHAPE,
    ),
    refused(
      'chain-nul-first',
      more,
      texted((pki) => `\0${usual(pki)}`),
      SHAPE,
    ),
    refused(
      'chain-text-between',
      more,
      texted((pki) => usual(pki).replaceAll('-----B', 'subject=/CN=x\n-----B')),
      SHAPE,
    ),
    refused(
      'chain-spaces',
      more,
      texted((pki) => ` ${usual(pki)}`),
      SHAPE,
    ),
    refused(
      'chain-latin1',
      more,
      { chains: { pck: (pki) => concatBytes(utf8(usual(pki)), Uint8Array.of(0xff)) } },
      SHAPE,
    ),
    refused(
      'chain-base64-spaces',
      'a space inside base64',
      texted((pki) => usual(pki).replace('MII', 'M II')),
      SHAPE,
    ),
    refused(
      'chain-base64-url',
      'base64 of another alphabet',
      texted((pki) => usual(pki).replaceAll('+', '-').replaceAll('/', '_')),
      SHAPE,
    ),
    refused(
      'chain-base64-tail',
      'a letter behind the base64 of the leaf',
      texted((pki) => usual(pki).replace('\n-----END', 'A\n-----END')),
      SHAPE,
    ),
    ...['X509 CERTIFICATE', 'TRUSTED CERTIFICATE', 'certificate', 'PKCS7'].map((label) =>
      refused(
        `chain-label-${label.toLowerCase().replaceAll(' ', '-')}${label === 'certificate' ? '-lower' : ''}`,
        'another label is another format',
        labelled(label),
        SHAPE,
      ),
    ),
    refused(
      'chain-in-der',
      'certificates without PEM around them',
      {
        chains: {
          pck: ({ leaf, intermediate, root }) => concatBytes(leaf.der, intermediate.der, root.der),
        },
      },
      SHAPE,
    ),
  ]
}
