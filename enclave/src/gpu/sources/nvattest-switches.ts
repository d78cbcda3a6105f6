import { execFile } from 'node:child_process'
import { toBareHex } from '@jeju/verifier/protocol'
import { z } from 'zod'
import type { DeviceSource } from '../device-source.ts'
import { GpuError } from '../gpu-error.ts'
import { parseJson, readEvidenceItems } from './evidence-items.ts'

/** Where the measured image has NVIDIA's program; nothing outside names another. */
export const NVATTEST = '/usr/bin/nvattest'
const MAX_OUTPUT_BYTES = 4 * 1024 * 1024

const output = z.looseObject({ result_code: z.literal(0), evidences: z.unknown() })

/**
 * NVSwitches through NVIDIA's `nvattest`, since no library call gives their reports in a form that is fit to bind. No
 * shell, no environment, bounded output, and what it prints is as untrusted as any input.
 */
export function nvattestSwitches(program: string, timeoutMs: number): DeviceSource {
  return {
    name: 'nvattest',
    collect: async (nonce) => {
      const text = await run(program, toBareHex(nonce), timeoutMs)
      const parsed = output.safeParse(parseJson(text, 'nvattest'))
      if (!parsed.success) throw new GpuError('GPU_ANSWER', 'nvattest: expected result_code 0')
      return readEvidenceItems(parsed.data.evidences, 'nvattest.evidences')
    },
  }
}

function run(program: string, nonce: string, timeoutMs: number): Promise<string> {
  const args = ['collect-evidence', '--device', 'nvswitch', '--nonce', nonce, '--format', 'json']
  const options = {
    timeout: timeoutMs,
    maxBuffer: MAX_OUTPUT_BYTES,
    env: {},
    shell: false,
  } as const
  return new Promise((resolve, reject) => {
    execFile(program, args, options, (error, stdout) => {
      if (error === null) return resolve(stdout)
      if (error.killed === true) {
        return reject(new GpuError('GPU_TIMEOUT', `nvattest: no answer in ${timeoutMs} ms`))
      }
      reject(new GpuError('GPU_SWITCHES', `nvattest: ${String(error.code ?? 'failed')}`))
    })
  })
}
