import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { NODE_ERRORS } from '@jeju/enclave'
import { GATEWAY_ERRORS } from '@jeju/gateway'
import { SDK_ERROR_CODES } from '@jeju/sdk'
import { PROXY_ERROR_CODES } from '@jeju/sdk/node'
import { CHECK_FAILURE_CODES, VERIFIER_ERROR_CODES } from '@jeju/verifier'
import { ARCHIVE_ERROR_CODES } from '@jeju/verifier/archive'
import { COLLATERAL_FETCH_ERROR_CODES } from '@jeju/verifier/collateral'
import { PROTOCOL_ERROR_CODES } from '@jeju/verifier/protocol'
import { SEALING_ERROR_CODES } from '@jeju/verifier/sealing'
import { MEASURE_ERROR_CODES } from '../../measurements/src/measure-error.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Codes of one section of docs/errors.md. */
function documented(section: string): readonly string[] {
  const page = readFileSync(join(root, 'docs/errors.md'), 'utf8')
  const text = page.split(/^## /m).find((part) => part.startsWith(`${section}\n`)) ?? ''
  return [...text.matchAll(/^\| `([A-Za-z0-9_]+)`/gm)].map(([, code = '']) => code)
}

/** Codes that process errors carry, as the sources write them. */
function processCodes(): readonly string[] {
  const files = ['enclave/src', 'gateway/src', 'contracts/abi'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.includes('generated'))
      .map((file) => join(root, folder, file)),
  )
  const codes = files.flatMap((file) => {
    const source = readFileSync(file, 'utf8')
    const constants = source.matchAll(/readonly code = '([A-Z0-9_]+)'/g)
    const unions = source.matchAll(/^ {2}\| '([A-Z]+_[A-Z_]+)'/gm)
    return [...constants, ...unions].map(([, code = '']) => code)
  })
  return [...new Set(codes)]
}

describe('docs/errors.md names exactly the codes there are', () => {
  test.each([
    ['Protocol', PROTOCOL_ERROR_CODES],
    ['Verifier', VERIFIER_ERROR_CODES],
    ['Failed checks', CHECK_FAILURE_CODES],
    ['Collateral client', COLLATERAL_FETCH_ERROR_CODES],
    ['Archive', ARCHIVE_ERROR_CODES],
    ['Sealing', SEALING_ERROR_CODES],
    ['SDK', SDK_ERROR_CODES],
    ['Local proxy', PROXY_ERROR_CODES],
    ['Node', Object.keys(NODE_ERRORS)],
    ['Gateway', Object.keys(GATEWAY_ERRORS)],
    ['Measurements', MEASURE_ERROR_CODES],
    ['Processes', processCodes()],
  ])('%s', (section, codes) => {
    expect(documented(section).toSorted()).toEqual([...codes].toSorted())
  })
})
