import { CollateralFetchError } from './collateral-fetch-error.ts'

const MAX_CHAIN_CHARACTERS = 64 * 1024
/** What is left of PEM in URL encoding; a header that came twice is joined with a comma and a space. */
const URL_ENCODED = /^[A-Za-z0-9%._~+/=-]+$/
const PEM = /^-----BEGIN CERTIFICATE-----\n[\r\n -~]*-----END CERTIFICATE-----\n?$/

/**
 * PEM of the chain that an answer carries in a header, URL-encoded (Intel PCS API v4). `names` are those the header
 * has had: exactly one of them, once.
 * @throws CollateralFetchError `FETCH_CHAIN_INVALID`
 */
export function readIssuerChain(headers: Headers, names: readonly string[], place: string): string {
  const values = names.map((name) => headers.get(name)).filter((value) => value !== null)
  const [value] = values
  if (value === undefined || values.length > 1) {
    throw invalid(place, `expected one ${names.join(' or ')}, got ${values.length}`)
  }
  if (value.length > 3 * MAX_CHAIN_CHARACTERS || !URL_ENCODED.test(value)) {
    throw invalid(place, 'expected one chain in URL encoding')
  }
  const chain = decode(value, place)
  if (chain.length > MAX_CHAIN_CHARACTERS || !PEM.test(chain)) {
    throw invalid(place, `expected PEM of at most ${MAX_CHAIN_CHARACTERS} characters`)
  }
  return chain
}

function decode(value: string, place: string): string {
  try {
    return decodeURIComponent(value)
  } catch (cause) {
    throw invalid(place, 'expected URL encoding', cause)
  }
}

function invalid(place: string, problem: string, cause?: unknown): CollateralFetchError {
  const message = `${place}: issuer chain: ${problem}`
  return new CollateralFetchError('FETCH_CHAIN_INVALID', message, { cause })
}
