import type { JWTPayload } from 'jose'
import { utf8 } from '../../bytes/bytes.ts'
import { sha256 } from '../../bytes/hash.ts'
import { toBareHex } from '../../bytes/hex.ts'
import { CheckFailure } from '../../report/check-failure.ts'
import type { KnownDevice } from '../device/known-device.ts'
import { parseNrasAnswer, type NrasAnswer } from './nras-answer.ts'
import type { NrasService } from './nras-service.ts'
import { verifyToken } from './verify-token.ts'

/** Claims of each device, in the order of the devices. */
export type DeviceClaims = readonly JWTPayload[]

/**
 * Verifies answers of the service about exactly these devices: overall tokens with a good result, submodules by their
 * digests, every token on its own, and each device once, whatever order the service has.
 * @throws CheckFailure
 */
export async function verifyAnswers(
  texts: readonly string[],
  devices: readonly KnownDevice[],
  nonce: string,
  service: NrasService,
  at: Date,
): Promise<DeviceClaims> {
  const answers = texts.map(parseNrasAnswer)
  const verified = await Promise.all(
    answers.map((answer) => verifyAnswer(answer, nonce, service, at)),
  )
  const claims = verified.flat()
  if (claims.length !== devices.length) {
    const expected = `${devices.length} submodules, one for each device`
    throw new CheckFailure('NRAS_SUBMODULE_MISMATCH', expected, String(claims.length))
  }
  return devices.map((known) => claimsOf(known, claims))
}

async function verifyAnswer(
  { overall, submodules }: NrasAnswer,
  nonce: string,
  service: NrasService,
  at: Date,
): Promise<DeviceClaims> {
  const whole = await verifyToken(overall, 'overall token', service, at)
  requireNonce(whole, 'overall token', nonce)
  if (whole['x-nvidia-overall-att-result'] !== true) {
    throw new CheckFailure('NRAS_RESULT_FAILED', 'x-nvidia-overall-att-result true', 'not')
  }
  requireDigests(whole['submods'], submodules)
  return Promise.all(
    [...submodules].map(async ([name, token]) => {
      const claims = await verifyToken(token, name, service, at)
      requireNonce(claims, name, nonce)
      if ((claims['x-nvidia-error-details'] ?? null) !== null) {
        throw new CheckFailure('NRAS_RESULT_FAILED', `${name}: no error details`, 'some')
      }
      if ((claims['x-nvidia-attestation-warning'] ?? null) !== null) {
        throw new CheckFailure('NRAS_RESULT_FAILED', `${name}: no warning`, 'one')
      }
      return claims
    }),
  )
}

function requireNonce(claims: JWTPayload, what: string, nonce: string): void {
  const found = claims['eat_nonce']
  if (typeof found === 'string' && found.toLowerCase() === nonce) return
  const actual = typeof found === 'string' ? found : 'none'
  throw new CheckFailure('NRAS_NONCE_MISMATCH', `${what}: eat_nonce ${nonce}`, actual)
}

/** `{"GPU-0": ["DIGEST", ["SHA-256", hex]]}` of exactly the tokens that came along. */
function requireDigests(submods: unknown, tokens: ReadonlyMap<string, string>): void {
  const stated = typeof submods === 'object' && submods !== null ? Object.entries(submods) : []
  if (stated.length !== tokens.size) {
    const expected = `${tokens.size} digests in submods`
    throw new CheckFailure('NRAS_SUBMODULE_MISMATCH', expected, String(stated.length))
  }
  for (const [name, digest] of stated) {
    const token = tokens.get(name)
    const actual = token === undefined ? 'no token' : toBareHex(sha256(utf8(token)))
    if (JSON.stringify(digest) !== JSON.stringify(['DIGEST', ['SHA-256', actual]])) {
      throw new CheckFailure('NRAS_SUBMODULE_MISMATCH', `${name}: the digest in submods`, actual)
    }
  }
}

/** The claims about a device, by the serial of its leaf; versions must be those of its report. */
function claimsOf({ device }: KnownDevice, all: DeviceClaims): JWTPayload {
  const { ueid, hwmodel, kind, driverVersion, vbiosVersion } = device
  const [found, ...more] = all.filter((claims) => claims['ueid'] === ueid)
  if (found === undefined || more.length > 0) {
    const expected = `one submodule with ueid ${ueid}`
    throw new CheckFailure('NRAS_SUBMODULE_MISMATCH', expected, String(more.length))
  }
  const wanted: Readonly<Record<string, string | undefined>> =
    kind === 'gpu'
      ? {
          hwmodel,
          'x-nvidia-gpu-driver-version': driverVersion,
          'x-nvidia-gpu-vbios-version': vbiosVersion,
        }
      : { hwmodel, 'x-nvidia-switch-bios-version': vbiosVersion }
  for (const [claim, value = ''] of Object.entries(wanted)) {
    const actual = String(found[claim])
    // Claims of version 2 name the chip alone.
    const isChip = claim === 'hwmodel' && value.startsWith(`${actual} `)
    if (actual.toUpperCase() !== value.toUpperCase() && !isChip) {
      throw new CheckFailure('NRAS_SUBMODULE_MISMATCH', `${claim} ${value}`, actual)
    }
  }
  return found
}
