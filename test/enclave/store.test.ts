import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { openJournal } from '../../enclave/src/payment/journal.ts'
import { openSettlementLog } from '../../enclave/src/settlement/settlement-log.ts'
import { openStore } from '../../enclave/src/storage/store.ts'
import { cleanUp, temporaryFolder } from './setting/start-node.ts'

afterAll(cleanUp)

const insert = (digest: string) => ({
  sql: `INSERT INTO evidence (digest, content, named, stored_at_ms, confirmed) VALUES (?, ?, ?, 0, 0)`,
  values: [digest, Uint8Array.of(1, 2, 3), digest],
})

describe('the database of a node', () => {
  test('of a version before vouchers is taken over, with its settlements', async () => {
    const folder = await temporaryFolder()
    const now = await openStore(folder)
    const settle = `INSERT INTO settlements (account_nonce, gas, state, made_at) VALUES (7, 9, 'sent', 1)`
    const back = [
      settle,
      'DROP TABLE vouchers',
      'DROP TABLE voucher_channels',
      ...['channel_id', 'cumulative', 'signature', 'brings'].map(
        (column) => `ALTER TABLE settlements DROP COLUMN ${column}`,
      ),
      'PRAGMA user_version = 3',
    ]
    for (const sql of back) await now.write([{ sql, values: [] }])
    await now.close()
    const again = await openStore(folder)
    expect(await again.all('SELECT * FROM settlements')).toMatchObject([
      { account_nonce: 7, state: 'sent', channel_id: null },
    ])
    const { vouchers } = await openJournal(again, () => new Date())
    expect(vouchers.due()).toEqual([])
    const log = await openSettlementLog(again)
    expect(await log.open()).toMatchObject([{ accountNonce: 7, items: [], claim: undefined }])
    await again.close()
  })

  test('keeps what it said it kept, bytes too, and says what each change did', async () => {
    const folder = await temporaryFolder()
    const store = await openStore(folder)
    const writes = Array.from({ length: 20 }, (_, index) => store.write([insert(String(index))]))
    expect(await Promise.all(writes)).toEqual(Array.from({ length: 20 }, () => [1]))
    await store.close()
    const again = await openStore(folder)
    expect(await again.all('SELECT content FROM evidence WHERE digest = ?', ['7'])).toEqual([
      { content: Uint8Array.of(1, 2, 3) },
    ])
    expect(await again.write([{ sql: 'DELETE FROM evidence', values: [] }])).toEqual([20])
    await again.close()
  })

  test('what nobody waits for goes with what somebody waits for, by itself, or at the end', async () => {
    const folder = await temporaryFolder()
    const store = await openStore(folder)
    const digests = async (): Promise<readonly unknown[]> =>
      (await store.all('SELECT digest FROM evidence ORDER BY digest')).map(({ digest }) => digest)
    const soon = store.writeSoon([insert('1')])
    await store.write([insert('2')])
    expect(await digests()).toEqual(['1', '2'])
    expect(await soon).toEqual([1])
    expect(await store.writeSoon([insert('3')])).toEqual([1])
    expect(await digests()).toEqual(['1', '2', '3'])
    const last = store.writeSoon([insert('4')])
    await store.close()
    expect(await last).toEqual([1])
  })

  test('N9 after one failure nothing is written any more', async () => {
    const store = await openStore(await temporaryFolder())
    await store.write([insert('one')])
    await expect(store.write([insert('two'), insert('one')])).rejects.toThrow()
    await expect(store.write([insert('three')])).rejects.toThrow()
    expect(() => store.assertWorking()).toThrow()
    const rows = await store.all('SELECT digest FROM evidence')
    expect(rows.map(({ digest }) => digest)).toEqual(['one'])
    await store.close()
  })

  test('S5 tampered_store_detected: a file that is damaged, none of ours or a newer one is not opened', async () => {
    const folder = await temporaryFolder()
    const file = join(folder, 'node.db')
    await writeFile(file, 'hello, this is no database at all '.repeat(100))
    await expect(openStore(folder)).rejects.toMatchObject({ code: 'STORE_CORRUPT' })

    const damaged = await temporaryFolder()
    const first = await openStore(damaged)
    for (let index = 0; index < 200; index++) await first.write([insert(`row ${index}`)])
    await first.all('PRAGMA wal_checkpoint(TRUNCATE)')
    await first.close()
    const path = join(damaged, 'node.db')
    const bytes = await readFile(path)
    bytes.fill(0xff, 8_192, bytes.length)
    await writeFile(path, bytes)
    await expect(openStore(damaged)).rejects.toMatchObject({ code: 'STORE_CORRUPT' })

    const newer = await temporaryFolder()
    const second = await openStore(newer)
    await second.write([{ sql: 'PRAGMA user_version = 99', values: [] }])
    await second.close()
    await expect(openStore(newer)).rejects.toMatchObject({ code: 'STORE_TOO_NEW' })
  })
})
