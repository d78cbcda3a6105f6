import { execFile } from 'node:child_process'
import { appendFile, cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { applicationEntries } from '../../measurements/src/image/application-files.ts'
import { buildImage, type BuiltImage } from '../../measurements/src/image/build-image.ts'
import { fetchMissingRuntime } from '../../measurements/src/image/fetch-missing.ts'
import { imageLayers, imagePackages } from '../../measurements/src/image/image-layers.ts'
import { writeLayer } from '../../measurements/src/image/layer.ts'
import { writeOciLayout } from '../../measurements/src/image/oci-layout.ts'
import { memberOfTar } from '../../measurements/src/image/read-tar.ts'
import { writeRootFilesystem } from '../../measurements/src/image/root-filesystem.ts'
import { sha256Hex } from '../../measurements/src/image/runtime-files.ts'
import { sourceDigest } from '../../measurements/src/image/source-digest.ts'
import { root } from '../../measurements/src/root.ts'

const run = promisify(execFile)
const COPIED = ['LICENSE', 'contracts', 'enclave', 'measurements', 'package-lock.json', 'verifier']
const LEFT = ['node_modules', 'dist', 'out', 'cache', '.cache', 'lib']

let folder: string
let tree: string
let image: BuiltImage

/** A second clone: other place, other times, the same bytes. */
async function clone(name: string): Promise<string> {
  const copy = join(folder, name)
  for (const each of [...COPIED, 'tsconfig.base.json']) {
    const filter = (path: string): boolean => !LEFT.includes(basename(path))
    await cp(join(root, each), join(copy, each), { recursive: true, filter })
  }
  return copy
}

beforeAll(async () => {
  await fetchMissingRuntime()
  folder = await mkdtemp(join(tmpdir(), 'jeju-image-'))
  tree = await clone('first')
  image = await buildImage({ tree: root, variant: 'cpu' })
})

afterAll(() => rm(folder, { recursive: true, force: true }))

// Hundreds of files and megabytes, read and hashed several times, beside other tests.
describe('image', { timeout: 240_000 }, () => {
  test('A10 measurements_reproduce: another clone gives the same image, and its layout is what the digests say', async () => {
    const layout = join(folder, 'layout')
    const other = await writeOciLayout({ tree, variant: 'cpu', installed: root }, layout)
    expect(other.digest).toBe(image.digest)
    expect(other.layers).toEqual(image.layers)
    const blob = (digest: string): Promise<Buffer> =>
      readFile(join(layout, 'blobs/sha256', digest.slice('sha256:'.length)))
    const index = JSON.parse(await readFile(join(layout, 'index.json'), 'utf8'))
    const manifest = JSON.parse((await blob(index.manifests[0].digest)).toString('utf8'))
    const config = JSON.parse((await blob(manifest.config.digest)).toString('utf8'))
    for (const [at, { digest, size }] of manifest.layers.entries()) {
      const bytes = await blob(digest)
      expect(`sha256:${sha256Hex(bytes)}`).toBe(digest)
      expect(bytes.length).toBe(size)
      expect(`sha256:${sha256Hex(gunzipSync(bytes))}`).toBe(config.rootfs.diff_ids[at])
    }
    const application = gunzipSync(await blob(manifest.layers[2].digest))
    const path = 'app/enclave/package.json'
    expect(memberOfTar(application, path)).toEqual(
      await readFile(join(root, 'enclave/package.json')),
    )
  })

  test.each([
    'enclave/src/main.ts',
    'enclave/README.md',
    'enclave/model/make/random.ts',
    'verifier/src/protocol/fee.ts',
    'contracts/abi/index.ts',
    'package-lock.json',
    'tsconfig.base.json',
    'measurements/runtime.json',
    'measurements/src/image/pruning.ts',
  ])('A10 a byte more in %s is another image', async (file) => {
    const before = await sourceDigest(tree)
    expect(image.sourceDigest).toBe(before)
    const path = join(tree, file)
    const content = await readFile(path)
    await appendFile(path, '\n')
    expect(await sourceDigest(tree)).not.toBe(before)
    await rm(path)
    await cp(join(root, file), path)
    expect(await readFile(path)).toEqual(content)
    expect(await sourceDigest(tree)).toBe(before)
  })

  test('A10 a changed comment in the node is another application layer', async () => {
    const path = join(tree, 'enclave/src/node.ts')
    await appendFile(path, '\n// changed\n')
    const { digest } = writeLayer('application', await applicationEntries(tree))
    expect(digest).not.toBe(image.layers[2]?.digest)
    await cp(join(root, 'enclave/src/node.ts'), path)
  })

  test('packages are those that npm would install for the node, less binaries of other machines', async () => {
    const cpu = (await imagePackages(root, 'cpu')).map(({ name }) => name)
    const cuda = (await imagePackages(root, 'cuda')).map(({ name }) => name)
    expect(cpu).toContain('@node-llama-cpp/linux-x64')
    expect(cpu.filter((name) => name.startsWith('@node-llama-cpp/'))).toHaveLength(1)
    expect(cuda.filter((name) => !cpu.includes(name)).toSorted()).toEqual([
      '@node-llama-cpp/linux-x64-cuda',
      '@node-llama-cpp/linux-x64-cuda-ext',
    ])
    for (const development of ['vitest', 'typescript', '@jeju/simulator', '@jeju/gateway', 'npm']) {
      expect(cpu).not.toContain(development)
    }
  })

  test('the files run: configuration is judged, and the engine’s library loads', async () => {
    const rootfs = join(folder, 'rootfs')
    const layers = await imageLayers(tree, 'cpu', root)
    const entries = layers.flatMap((layer) => layer.entries)
    await writeRootFilesystem(entries, rootfs)
    const paths = entries.map(({ path }) => path)
    expect(paths.filter((path) => /(^|\/)(sh|bash|busybox|npm|curl)$/.test(path))).toEqual([])
    expect(
      entries.filter((entry) => entry.kind === 'file' && entry.executable === true),
    ).toHaveLength(2)
    // The image's own loader, C library and Node; nothing of this machine but its kernel.
    const inside = (...args: readonly string[]): ReturnType<typeof run> =>
      run(
        join(rootfs, 'lib64/ld-linux-x86-64.so.2'),
        [
          '--library-path',
          join(rootfs, 'usr/lib/x86_64-linux-gnu'),
          join(rootfs, 'usr/local/bin/node'),
          ...args,
        ],
        { env: {} },
      )
    await expect(inside(join(rootfs, 'app/enclave/dist/main.js'))).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('RPC_URL') as string,
    })
    await expect(inside(join(rootfs, 'app/enclave/dist/healthcheck.js'))).rejects.toMatchObject({
      code: 1,
      stderr: '',
    })
    const modules = join(rootfs, 'app/node_modules')
    const script = `const llama = await import('${modules}/node-llama-cpp/dist/index.js')
      process.stdout.write(typeof llama.getLlama)`
    const { stdout } = await inside('--input-type=module', '-e', script)
    expect(stdout).toBe('function')
  })
})
