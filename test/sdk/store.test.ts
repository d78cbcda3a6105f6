import { chmod, mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMemoryStore, type Store } from '@jeju/sdk'
import { openFolderStore } from '@jeju/sdk/node'
import { afterAll, describe, expect, test } from 'vitest'

const folder = await mkdtemp(join(tmpdir(), 'jeju-store-'))
afterAll(() => rm(folder, { recursive: true }))
const home = join(folder, 'home')

const stores: readonly (readonly [string, () => Promise<Store>])[] = [
  ['in memory', async () => createMemoryStore()],
  ['in a folder', () => openFolderStore(home)],
]

describe.each(stores)('a store %s', (_, open) => {
  test('gives back what was written last, lists a folder in order, and forgets', async () => {
    const store = await open()
    expect(await store.read('receipts/a')).toBeUndefined()
    expect(await store.list('receipts')).toEqual([])
    await store.write('receipts/b/2', 'two')
    await store.write('receipts/a', 'one')
    await store.write('receipts/a', 'Grüße')
    await store.write('receipts-of-others', 'x')
    expect(await store.read('receipts/a')).toBe('Grüße')
    expect(await store.list('receipts')).toEqual(['receipts/a', 'receipts/b/2'])
    expect(await store.list('receipts/b')).toEqual(['receipts/b/2'])
    await store.remove('receipts/a')
    await store.remove('receipts/a')
    expect(await store.list('receipts')).toEqual(['receipts/b/2'])
  })

  test.each(['../x', 'a/../b', '/a', 'a//b', 'A', 'a.json', '', 'a/', '-a', 'a\0'])(
    'a name that could lead elsewhere is none: %j',
    async (name) => {
      const store = await open()
      const calls = [() => store.read(name), () => store.write(name, ''), () => store.remove(name)]
      for (const call of calls) await expect((async () => call())()).rejects.toThrow(RangeError)
    },
  )
})

describe('a folder', () => {
  test('is for its owner alone, and so are its files; no draft is left', async () => {
    const store = await openFolderStore(home)
    await Promise.all(Array.from({ length: 20 }, (_, at) => store.write('same', `text ${at}`)))
    expect(await store.read('same')).toMatch(/^text \d+$/)
    expect((await stat(home)).mode & 0o777).toBe(0o700)
    expect((await stat(join(home, 'same.json'))).mode & 0o777).toBe(0o600)
    expect((await readdir(home)).filter((name) => name.startsWith('same'))).toEqual(['same.json'])
  })

  test('a write that fails is a coded error and leaves no draft', async () => {
    const store = await openFolderStore(home)
    // Its place is taken, so that the last step fails: a full disk fails at any of them.
    await mkdir(join(home, 'taken.json'))
    await expect(store.write('taken', 'text')).rejects.toMatchObject({ code: 'STORE_FAILED' })
    expect((await readdir(home)).filter((name) => name.startsWith('taken'))).toEqual(['taken.json'])
  })

  test('that others may enter is refused: it holds session keys', async () => {
    const open = join(folder, 'open')
    await openFolderStore(open)
    await chmod(open, 0o750)
    await expect(openFolderStore(open)).rejects.toMatchObject({ code: 'STORE_FAILED' })
  })

  test('that cannot be made is a coded error', async () => {
    await openFolderStore(home)
    await expect(openFolderStore(join(home, 'same.json', 'x'))).rejects.toMatchObject({
      code: 'STORE_FAILED',
    })
  })
})
