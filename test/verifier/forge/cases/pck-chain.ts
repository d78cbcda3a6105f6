import { chainOf, type Forgery } from '@jeju/simulator/forge'
import { utf8 } from '@jeju/verifier/protocol'
import { accepted, refused, type CaseArea, type ForgeCase } from '../forge-case.ts'

/** The PEM chain in the quote: order and number, and whose root it ends in. */

type Name = 'root' | 'intermediate' | 'leaf' | 'signer'

const SHAPE = { 'pck-chain': 'PCK_CHAIN_INVALID' } as const
const UNTRUSTED = { 'pck-chain': 'PCK_CHAIN_UNTRUSTED' } as const
const CERTIFICATE = { 'pck-chain': 'PCK_CERT_INVALID' } as const

function ordered(...names: readonly Name[]): Forgery {
  return { chains: { pck: (pki) => utf8(`${chainOf(pki, ...names)}\0`) } }
}

export const pckChain: CaseArea = {
  area: 'PCK chain: order and root',
  cases: [...orders(), ...roots()],
}

function orders(): readonly ForgeCase[] {
  const order = 'the field is leaf, intermediate, root; the last must be the anchor'
  const count = 'three certificates, no more and no fewer'
  const role = 'each place has its name'
  return [
    refused('order-root-first', order, ordered('root', 'intermediate', 'leaf'), UNTRUSTED),
    refused('order-leaf-root', order, ordered('leaf', 'root', 'intermediate'), UNTRUSTED),
    refused('order-intermediate-last', order, ordered('root', 'leaf', 'intermediate'), UNTRUSTED),
    refused('order-leaf-last', order, ordered('intermediate', 'root', 'leaf'), UNTRUSTED),
    refused('order-intermediate-first', role, ordered('intermediate', 'leaf', 'root'), CERTIFICATE),
    refused('leaf-for-intermediate', role, ordered('leaf', 'leaf', 'root'), CERTIFICATE),
    refused(
      'intermediate-for-leaf',
      role,
      ordered('intermediate', 'intermediate', 'root'),
      CERTIFICATE,
    ),
    refused('signer-for-leaf', role, ordered('signer', 'root', 'root'), CERTIFICATE),
    refused('root-for-all', role, ordered('root', 'root', 'root'), CERTIFICATE),
    refused('leaf-alone', count, ordered('leaf'), SHAPE),
    refused('without-root', count, ordered('leaf', 'intermediate'), SHAPE),
    refused('without-intermediate', count, ordered('leaf', 'root'), SHAPE),
    refused('leaf-twice', count, ordered('leaf', 'leaf', 'intermediate', 'root'), SHAPE),
    refused('root-twice', count, ordered('leaf', 'intermediate', 'root', 'root'), SHAPE),
    refused('unrelated-fourth', count, ordered('leaf', 'intermediate', 'root', 'signer'), SHAPE),
    refused('unrelated-first', count, ordered('signer', 'leaf', 'intermediate', 'root'), SHAPE),
    refused('chain-empty', count, { chains: { pck: () => new Uint8Array(0) } }, SHAPE),
    refused('chain-nul', count, { chains: { pck: () => Uint8Array.of(0) } }, SHAPE),
  ]
}

function roots(): readonly ForgeCase[] {
  return [
    refused(
      'root-of-attacker',
      'the same names under another key (attack B12)',
      { certificates: { root: { key: 'attacker' } } },
      UNTRUSTED,
      { anchor: 'usual' },
    ),
    refused(
      'root-reissued',
      'the same key and names in another certificate: the anchor is bytes',
      {
        certificates: {
          root: { fields: (fields) => ({ ...fields, serial: Uint8Array.of(0x11) }) },
        },
      },
      UNTRUSTED,
      { anchor: 'usual' },
    ),
    refused(
      'root-low-s-twin',
      'the same certificate with the other form of its signature',
      { certificates: { root: { signature: 'low-s' } } },
      UNTRUSTED,
      { anchor: 'usual' },
    ),
    accepted('root-low-s-anchor', 'the twin, pinned as such', {
      certificates: { root: { signature: 'low-s' } },
    }),
  ]
}
