import { errors, jwtVerify, type JWTPayload } from 'jose'
import { CheckFailure, type CheckFailureCode } from '../../report/check-failure.ts'
import type { NrasService } from './nras-service.ts'

/** Clocks of the service and of who asks may differ by as much. */
const MAX_SKEW_S = 60
/** Tokens are for an hour; an older one is not an answer to anything. */
const MAX_AGE_S = 3600

/** Claims of a token whose signature, issuer and dates hold: ES384 by a key of the set, and nothing else. @throws CheckFailure */
export async function verifyToken(
  token: string,
  what: string,
  { keys, issuer }: NrasService,
  at: Date,
): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, keys, {
      algorithms: ['ES384'],
      issuer,
      currentDate: at,
      clockTolerance: MAX_SKEW_S,
      maxTokenAge: MAX_AGE_S,
      requiredClaims: ['iss', 'iat', 'nbf', 'exp', 'eat_nonce'],
    })
    return payload
  } catch (error) {
    if (!(error instanceof errors.JOSEError)) throw error
    const expected = `${what}: signed by ${issuer}, in date`
    throw new CheckFailure(codeOf(error), expected, `${error.code}: ${error.message}`)
  }
}

/** What jose calls it where nothing signed the token that may. */
const NOT_SIGNED: readonly string[] = [
  'ERR_JOSE_ALG_NOT_ALLOWED',
  'ERR_JOSE_NOT_SUPPORTED',
  'ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
  'ERR_JWKS_NO_MATCHING_KEY',
  'ERR_JWKS_MULTIPLE_MATCHING_KEYS',
]

function codeOf(error: errors.JOSEError): CheckFailureCode {
  if (NOT_SIGNED.includes(error.code)) return 'NRAS_SIGNATURE_INVALID'
  if (error instanceof errors.JWTExpired) return 'NRAS_EXPIRED'
  if (error instanceof errors.JWTClaimValidationFailed) return claimCode(error.claim)
  return 'NRAS_TOKEN_INVALID'
}

function claimCode(claim: string): CheckFailureCode {
  if (claim === 'iss') return 'NRAS_ISSUER_INVALID'
  if (claim === 'eat_nonce') return 'NRAS_NONCE_MISMATCH'
  return 'NRAS_EXPIRED'
}
