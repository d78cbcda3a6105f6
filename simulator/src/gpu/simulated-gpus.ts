import type { GpuDeviceEvidence, GpuEvidence } from '@jeju/verifier/protocol'
import { seededRandom, systemRandom, type RandomSource } from '../pki/random-source.ts'
import { BLACKWELL, HOPPER, LS10, type Chip } from './chip.ts'
import { createDevicePki, issueDevice } from './device-pki.ts'
import { createNrasSigner, type Claims, type NrasLies, type NrasSigner } from './nras-signer.ts'
import { certIdOf, writeOcsp, type OcspRequest } from './ocsp-writer.ts'
import type { P384Identity } from './p384-certificate.ts'
import {
  BOARD,
  contentOf,
  DRIVER_INDEXES,
  DRIVER_VERSION,
  goldenOf,
  GPU_VBIOS,
  SEVERAL_INDEX,
  ALTERNATIVES,
  SWITCH_BIOS,
  SWITCH_INDEXES,
  VBIOS_INDEXES,
  type SimulatedDevice,
  type SimulatedMode,
} from './simulated-device.ts'
import { createRimPki, writeRim, type RimLies, type RimPki, type RimRequest } from './rim-writer.ts'
import { writeSpdmReport, type SpdmContent } from './spdm-writer.ts'

/** Machines there are: one architecture and mode each. */
export type GpuMachine = 'hopper' | 'blackwell' | 'hopper-ppcie'

/** Settings of simulated GPUs. */
export interface GpuOptions {
  /** Certificates are valid around this time. */
  readonly at: Date
  readonly machine?: GpuMachine
  /** GPUs; a machine in PPCIE mode has eight and four switches. One unless given. */
  readonly count?: number
  readonly format?: SpdmContent['format']
  /** Number of the first device: with another one a seed gives other devices under the same roots. */
  readonly first?: number
  /** The same keys and devices every time. Fresh ones without it. */
  readonly seed?: string
}

/** How evidence lies, each in one way; by index of the device. */
export interface GpuLies {
  /** Answered instead of the nonce asked for. */
  readonly nonce?: Uint8Array
  /** Changes what is signed. */
  readonly content?: (content: SpdmContent, index: number) => SpdmContent
  /** Changes a report after it was signed. */
  readonly report?: (report: Uint8Array, index: number) => Uint8Array
  readonly certificates?: (pem: string, index: number) => string
  /** Drops, repeats, reorders or renames devices. */
  readonly devices?: (devices: readonly GpuDeviceEvidence[]) => readonly GpuDeviceEvidence[]
}

/** GPUs and switches of a machine that has none, with everything NVIDIA signs about real ones. */
export interface SimulatedGpus {
  /** What a verifier must be given by name. */
  readonly roots: { readonly deviceRoot: Uint8Array; readonly rimRoot: Uint8Array }
  readonly devices: readonly SimulatedDevice[]
  readonly nras: NrasSigner
  readonly rimPki: RimPki
  /** What each RIM says, by id. */
  readonly rimRequests: ReadonlyMap<string, RimRequest>
  /** Reports over a nonce, RIMs beside them. */
  evidence(nonce: Uint8Array, lies?: GpuLies): GpuEvidence
  rims(lies?: RimLies): ReadonlyMap<string, Uint8Array>
  /** Answers about every certificate that has a status; a change makes one of them another. */
  ocsp(at: Date, change?: (request: OcspRequest) => OcspRequest): readonly Uint8Array[]
  /** The answer to an OCSP request in DER; undefined where it is about no certificate of these. */
  ocspAnswer(
    request: Uint8Array,
    at: Date,
    change?: (request: OcspRequest) => OcspRequest,
  ): Uint8Array | undefined
  /** What NVIDIA's service would answer; a change makes a submodule's claims others, or leaves it out. */
  nrasAnswers(
    nonce: Uint8Array,
    at: Date,
    lies?: NrasLies,
    change?: (claims: Claims, name: string) => Claims | undefined,
  ): readonly string[]
}

const MACHINES: Readonly<
  Record<GpuMachine, { readonly chip: Chip; readonly mode: SimulatedMode }>
> = {
  hopper: { chip: HOPPER, mode: 'SPT' },
  blackwell: { chip: BLACKWELL, mode: 'MPT' },
  'hopper-ppcie': { chip: HOPPER, mode: 'PPCIE' },
}
const PPCIE_GPUS = 8
const PPCIE_SWITCHES = 4

/** Makes the devices of a machine. */
export function createSimulatedGpus(options: GpuOptions): SimulatedGpus {
  const { at, machine = 'hopper', format = 'tlv', first = 0, seed } = options
  const random = seed === undefined ? remembering(systemRandom) : seededRandom(seed)
  const { chip, mode } = MACHINES[machine]
  const isPpcie = mode === 'PPCIE'
  const count = isPpcie ? PPCIE_GPUS : (options.count ?? 1)
  const pki = createDevicePki(at, random)
  const device = (of: Chip, index: number): SimulatedDevice => {
    const label = `${of.name}/${first + index}`
    const pdi = random(`${label}/pdi`, 8)
    const fwid = random(`${of.product}/fwid`, 48)
    return { chip: of, pdi, certificates: issueDevice(pki, of, { label, pdi, fwid }) }
  }
  const devices = [
    ...Array.from({ length: count }, (_, index) => device(chip, index)),
    ...Array.from({ length: isPpcie ? PPCIE_SWITCHES : 0 }, (_, index) => device(LS10, index)),
  ]
  const rimPki = createRimPki(at, random)
  const rimRequests = requestsOf(chip, isPpcie, random)
  const rims = (lies: RimLies = {}): ReadonlyMap<string, Uint8Array> =>
    new Map([...rimRequests].map(([id, request]) => [id, writeRim(request, rimPki, lies)] as const))
  const honestRims = rims()
  const links = [...linksOf(devices), ...chainLinks(rimPki.chain, 0)]
  const nras = createNrasSigner(random)
  return {
    roots: { deviceRoot: pki.root.der, rimRoot: rimPki.root.der },
    devices,
    nras,
    rimPki,
    rimRequests,
    evidence: (nonce, lies = {}) => {
      const reported = devices.map((one, index) => {
        const asked = lies.nonce ?? nonce
        const honest = contentOf(one, devices, asked, { mode, format }, random)
        const content = lies.content?.(honest, index) ?? honest
        const report = writeSpdmReport(content, one.certificates.leaf.key)
        const pem = one.certificates.chain.map((certificate) => certificate.pem).join('')
        return {
          kind: one.chip.kind,
          architecture: one.chip.architecture,
          report: lies.report?.(report, index) ?? report,
          certificates: lies.certificates?.(pem, index) ?? pem,
        }
      })
      return { devices: lies.devices?.(reported) ?? reported, rims: honestRims }
    },
    rims,
    ocsp: (now, change = (request) => request) =>
      links.map(([certificate, issuer]) =>
        writeOcsp(change({ certificate, issuer, at: now }), random),
      ),
    ocspAnswer: (request, now, change = (asked) => asked) => {
      const bytes = Buffer.from(request)
      const link = links.find(([certificate, issuer]) =>
        bytes.includes(Buffer.from(certIdOf({ certificate, issuer }))),
      )
      if (link === undefined) return undefined
      const [certificate, issuer] = link
      return writeOcsp(change({ certificate, issuer, at: now }), random)
    },
    nrasAnswers: (nonce, now, lies = {}, change = (claims) => claims) =>
      (['gpu', 'switch'] as const).flatMap((kind) => {
        const own = devices.filter((one) => one.chip.kind === kind)
        if (own.length === 0) return []
        const submodules = Object.fromEntries(
          own.flatMap((one, index) => {
            const name = `${kind === 'gpu' ? 'GPU' : 'SWITCH'}-${index}`
            const claims = change(claimsOf(one), name)
            return claims === undefined ? [] : [[name, claims] as const]
          }),
        )
        return [nras.answer({ nonce, at: now, submodules }, lies)]
      }),
  }
}

/** Fresh bytes, the same for the same label. */
function remembering(source: RandomSource): RandomSource {
  const known = new Map<string, Uint8Array<ArrayBuffer>>()
  return (label, length) => {
    const bytes = known.get(label) ?? source(label, length)
    known.set(label, bytes)
    return bytes.slice()
  }
}

function requestsOf(
  chip: Chip,
  isPpcie: boolean,
  random: RandomSource,
): ReadonlyMap<string, RimRequest> {
  const golden = (of: Chip, indexes: readonly number[]): RimRequest['golden'] =>
    new Map(
      indexes.map((index) => {
        const value = goldenOf(random, of, index)
        const others = Array.from(
          { length: index === SEVERAL_INDEX ? ALTERNATIVES - 1 : 0 },
          (_, n) => random(`alternative/${index}/${n}`, 48),
        )
        return [index, [...others, value]] as const
      }),
    )
  const { product } = chip
  const driver = product === 'GH100' ? 'NV_GPU_DRIVER_GH100' : 'NV_GPU_CC_DRIVER_GB100'
  const board = `${BOARD.project}_${BOARD.projectSku}_${BOARD.chipSku}`
  const common = { product, edition: 'GPU' } as const
  const requests = new Map<string, RimRequest>([
    [
      `${driver}_${DRIVER_VERSION}`,
      { ...common, version: DRIVER_VERSION, golden: golden(chip, DRIVER_INDEXES) },
    ],
    [
      `NV_GPU_VBIOS_${board}_${GPU_VBIOS.replaceAll('.', '')}`,
      { ...common, version: GPU_VBIOS, golden: golden(chip, VBIOS_INDEXES) },
    ],
  ])
  if (isPpcie) {
    requests.set(`NV_SWITCH_BIOS_5612_0002_890_${SWITCH_BIOS.replaceAll('.', '')}`, {
      product: LS10.product,
      edition: 'SWITCH',
      version: SWITCH_BIOS,
      golden: golden(LS10, SWITCH_INDEXES),
    })
  }
  return requests
}

type Link = readonly [certificate: P384Identity, issuer: P384Identity]

/** BROM and what is above it, each authority once. */
function linksOf(devices: readonly SimulatedDevice[]): readonly Link[] {
  const links = devices.flatMap(({ certificates }) => chainLinks(certificates.chain, 1))
  return links.filter(([one], index) => links.findIndex(([other]) => other === one) === index)
}

function chainLinks(chain: readonly P384Identity[], first: number): readonly Link[] {
  return chain.slice(first, -1).flatMap((certificate, index) => {
    const issuer = chain[first + index + 1]
    return issuer === undefined ? [] : [[certificate, issuer] as const]
  })
}

/** Claims of version 3 about a device that passed everything. */
function claimsOf({ chip, certificates }: SimulatedDevice): Claims {
  const isGpu = chip.kind === 'gpu'
  const prefix = `x-nvidia-${chip.kind}`
  const rims = isGpu ? ['driver-rim', 'vbios-rim'] : ['bios-rim']
  const good = { 'x-nvidia-cert-status': 'valid', 'x-nvidia-cert-ocsp-status': 'good' }
  const facts = ['fetched', 'schema-validated', 'signature-verified', 'version-match']
  const rimClaims = rims.flatMap((rim) => [
    ...[...facts, 'measurements-available'].map(
      (fact) => [`${prefix}-${rim}-${fact}`, true] as const,
    ),
    [`${prefix}-${rim}-cert-chain`, good] as const,
  ])
  const ueid = BigInt(`0x${Buffer.from(certificates.leaf.serial).toString('hex')}`).toString()
  return {
    ueid,
    hwmodel: `${chip.name} A01 ${chip.processor} BROM`,
    measres: 'success',
    secboot: true,
    dbgstat: 'disabled',
    oemid: '5703',
    [`${prefix}-arch-check`]: true,
    [`${prefix}-attestation-report-parsed`]: true,
    [`${prefix}-attestation-report-nonce-match`]: true,
    [`${prefix}-attestation-report-signature-verified`]: true,
    [`${prefix}-attestation-report-cert-chain`]: good,
    [`${prefix}-attestation-report-cert-chain-fwid-match`]: true,
    'x-nvidia-attestation-warning': null,
    ...(isGpu
      ? {
          'x-nvidia-gpu-vbios-index-no-conflict': true,
          'x-nvidia-gpu-driver-version': DRIVER_VERSION,
          'x-nvidia-gpu-vbios-version': GPU_VBIOS,
        }
      : { 'x-nvidia-switch-bios-version': SWITCH_BIOS }),
    ...Object.fromEntries(rimClaims),
  }
}
