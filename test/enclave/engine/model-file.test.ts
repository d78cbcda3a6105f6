import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { sha256, toHex, ZERO_DIGEST, type Hex } from '@jeju/verifier/protocol'
import { loadEmbeddedEngine } from '../../../enclave/src/engine/embedded-engine.ts'
import { embeddedModel } from '../../../enclave/src/engine/embedded-model.ts'
import { copyMeasured } from '../../../enclave/src/engine/measured-copy.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'engine-test-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function modelFile(name: string, bytes: Uint8Array): Promise<{ path: string; sha256: Hex }> {
  const path = join(folder, name)
  await writeFile(path, bytes)
  return { path, sha256: toHex(sha256(bytes)) }
}

test('E5 a model file with one byte changed is refused before it is loaded', async () => {
  const bytes = new Uint8Array(await readFile(embeddedModel.path))
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
  const { path, sha256: actual } = await modelFile('changed.gguf', bytes)
  await expect(loadEmbeddedEngine({ ...embeddedModel, path })).rejects.toMatchObject({
    code: 'MODEL_DIGEST_MISMATCH',
    message: `model file: expected sha256 ${embeddedModel.sha256}, actual ${actual}`,
  })
})

test('E6 weights_state_never_defaults: without a pinned digest nothing is loaded', async () => {
  for (const pinned of [ZERO_DIGEST, '0x', '0x00'] as const) {
    const loading = loadEmbeddedEngine({ ...embeddedModel, sha256: pinned })
    await expect(loading).rejects.toMatchObject({ code: 'MODEL_DIGEST_MISMATCH' })
  }
})

test('E5 what is loaded is the copy that was hashed, whatever becomes of the file', async () => {
  const { path, sha256: digest } = await modelFile('swapped.gguf', new Uint8Array([1, 2, 3]))
  const copy = await copyMeasured(path, digest)
  await writeFile(path, 'other weights')
  expect([...(await readFile(copy.path))]).toEqual([1, 2, 3])
  await copy.remove()
  await expect(readFile(copy.path)).rejects.toMatchObject({ code: 'ENOENT' })
})

test('N5 a file that cannot be served is refused with a code, and no copy of it stays', async () => {
  const scratch = await mkdtemp(join(folder, 'scratch-'))
  vi.stubEnv('TMPDIR', scratch)
  const missing = { ...embeddedModel, path: join(folder, 'none.gguf') }
  await expect(loadEmbeddedEngine(missing)).rejects.toMatchObject({ code: 'MODEL_UNREADABLE' })
  await expect(loadEmbeddedEngine({ ...embeddedModel, path: folder })).rejects.toMatchObject({
    code: 'MODEL_UNREADABLE',
  })
  const text = await modelFile('text.gguf', new TextEncoder().encode('no model'))
  await expect(loadEmbeddedEngine({ ...text, name: 'text' })).rejects.toMatchObject({
    code: 'MODEL_UNREADABLE',
  })
  expect(await readdir(scratch)).toEqual([])
  vi.unstubAllEnvs()
})
