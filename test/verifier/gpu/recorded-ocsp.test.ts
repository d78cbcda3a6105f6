import { gpuTrust, parseOcspResponse } from '@jeju/verifier/gpu'
import { encodeGpuEvidence } from '@jeju/verifier/protocol'
import { describe, expect, test } from 'vitest'
import { evidenceOf, machine } from '../evidence/fixture.ts'
import { haveGpuVectors, vectorBytes } from '../vectors.ts'
import { devicesOf, expectations, recordedVerifier, rimsOf } from './recorded.ts'

/** Requests about recorded devices and documents name certificates as NVIDIA's own recorded answers do. */
describe.runIf(haveGpuVectors)('recorded OCSP answers', () => {
  test('each is about a certificate that we would ask about', async () => {
    const { td } = await machine()
    const files = expectations('rims').map(([file]) => file)
    const rims = rimsOf(Object.fromEntries(files.map((file) => [file, file])))
    const requests: Buffer[] = []
    const trust = gpuTrust({
      verifier: recordedVerifier,
      rims: { rimsFor: () => Promise.resolve(rims) },
      ocsp: {
        answersTo: (asked) => {
          requests.push(...asked.map((request) => Buffer.from(request)))
          return Promise.resolve([])
        },
      },
    })
    for (const [file] of expectations('evidence')) {
      const devices = devicesOf(file.replace(/\.json$/, ''))
      const gpuEvidence = encodeGpuEvidence({ devices })
      await trust.judgementFor(await evidenceOf(td, { bundle: { gpuEvidence } }))
    }
    const answers = expectations('ocsp').map(([file]) =>
      parseOcspResponse(vectorBytes('nvidia', 'ocsp', file)),
    )
    expect(answers).toHaveLength(6)
    for (const { certId } of answers) {
      const parts = [
        certId.issuerNameHash,
        certId.issuerKeyHash,
        Buffer.from(certId.serial.padStart(2 * Math.ceil(certId.serial.length / 2), '0'), 'hex'),
      ]
      const isAsked = requests.some((request) =>
        parts.every((part) => request.includes(Buffer.from(part))),
      )
      expect(isAsked, certId.serial).toBe(true)
    }
  })
})
