import { CborMap } from './cbor-map.ts'
import { decodeCbor, encodeCbor, type CborValue } from './deterministic-cbor.ts'
import { ProtocolError } from './protocol-error.ts'

/** Evidence of one GPU or switch, as its driver handed it out. What it says of itself counts, not what is said of it. */
export interface GpuDeviceEvidence {
  readonly kind: 'gpu' | 'switch'
  readonly architecture: 'HOPPER' | 'BLACKWELL' | 'LS10'
  /** SPDM 1.1 GET_MEASUREMENTS request and response. */
  readonly report: Uint8Array
  /** PEM, leaf first: the exact text. */
  readonly certificates: string
}

/** What `gpuEvidence` of a bundle holds (docs/protocol.md §4.1): every device of the machine, and what judges them. */
export interface GpuEvidence {
  readonly devices: readonly GpuDeviceEvidence[]
  /** RIM documents by id. */
  readonly rims?: ReadonlyMap<string, Uint8Array>
  /** OCSP answers, DER. */
  readonly ocsp?: readonly Uint8Array[]
  /** Answers of NVIDIA's attestation service: the exact JSON text of each. */
  readonly nras?: readonly string[]
}

const MAX_DEVICES = 64
const MAX_RIMS = 64
const MAX_OCSP = 256
const MAX_NRAS = 8

/** Encodes GPU evidence as deterministic CBOR; its SHA-256 is the `gpuEvidenceDigest` of report data. */
export function encodeGpuEvidence(evidence: GpuEvidence): Uint8Array<ArrayBuffer> {
  const map = new Map<string, CborValue>([
    ['v', 1],
    [
      'devices',
      evidence.devices.map(
        ({ kind, architecture, report, certificates }) =>
          new Map<string, CborValue>([
            ['kind', kind],
            ['architecture', architecture],
            ['report', report],
            ['certificates', certificates],
          ]),
      ),
    ],
  ])
  if (evidence.rims !== undefined) map.set('rims', new Map(evidence.rims))
  if (evidence.ocsp !== undefined) map.set('ocsp', evidence.ocsp)
  if (evidence.nras !== undefined) map.set('nras', evidence.nras)
  return encodeCbor(map)
}

/** Reads GPU evidence. @throws ProtocolError `INPUT_CBOR`, `INPUT_FIELD` */
export function decodeGpuEvidence(bytes: Uint8Array): GpuEvidence {
  const map = new CborMap(decodeCbor(bytes, 'gpuEvidence'), 'gpuEvidence')
  map.only(['v', 'devices', 'rims', 'ocsp', 'nras'])
  map.constant('v', 1)
  const devices = map.list('devices', MAX_DEVICES, readDevice)
  if (devices.length === 0) {
    throw new ProtocolError('INPUT_FIELD', 'gpuEvidence.devices: expected at least one')
  }
  return {
    devices,
    ...(map.has('rims') ? { rims: map.bytesByName('rims', MAX_RIMS) } : {}),
    ...(map.has('ocsp') ? { ocsp: map.list('ocsp', MAX_OCSP, asBytes) } : {}),
    ...(map.has('nras') ? { nras: map.list('nras', MAX_NRAS, asText) } : {}),
  }
}

function readDevice(value: CborValue, place: string): GpuDeviceEvidence {
  const map = new CborMap(value, place)
  map.only(['kind', 'architecture', 'report', 'certificates'])
  return {
    kind: map.oneOf('kind', ['gpu', 'switch']),
    architecture: map.oneOf('architecture', ['HOPPER', 'BLACKWELL', 'LS10']),
    report: map.bytes('report'),
    certificates: map.text('certificates'),
  }
}

function asBytes(value: CborValue, place: string): Uint8Array {
  if (value instanceof Uint8Array) return value
  throw new ProtocolError('INPUT_FIELD', `${place}: expected a byte string`)
}

function asText(value: CborValue, place: string): string {
  if (typeof value === 'string') return value
  throw new ProtocolError('INPUT_FIELD', `${place}: expected text`)
}
