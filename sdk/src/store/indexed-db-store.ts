import { SdkError } from '../errors/sdk-error.ts'
import { checkName, type Store } from './store.ts'

const TEXTS = 'texts'

/**
 * A store in a browser's IndexedDB, of this origin: every script of the page can read it, session keys too. Throws
 * `STORE_FAILED`.
 */
export async function openIndexedDbStore(databaseName: string): Promise<Store> {
  const opening = indexedDB.open(databaseName, 1)
  opening.onupgradeneeded = () => void opening.result.createObjectStore(TEXTS)
  const database = await settled(opening)
  const texts = (mode: IDBTransactionMode): IDBObjectStore =>
    database.transaction(TEXTS, mode, { durability: 'strict' }).objectStore(TEXTS)
  const change = async (make: (store: IDBObjectStore) => IDBRequest): Promise<void> => {
    const store = texts('readwrite')
    const done = committed(store.transaction)
    make(store)
    await done
  }
  return {
    read: async (name) => {
      const found: unknown = await settled(texts('readonly').get(checkName(name)))
      return typeof found === 'string' ? found : undefined
    },
    write: (name, text) => change((store) => store.put(text, checkName(name))),
    list: async (folder) => {
      // '0' is the character behind the slash: everything between is in the folder.
      const inFolder = IDBKeyRange.bound(`${checkName(folder)}/`, `${folder}0`, false, true)
      return (await settled(texts('readonly').getAllKeys(inFolder))).map(String)
    },
    remove: (name) => change((store) => store.delete(checkName(name))),
  }
}

function settled<Value>(request: IDBRequest<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(failed(request.error))
  })
}

function committed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve()
    transaction.onabort = () => reject(failed(transaction.error))
  })
}

function failed(cause: DOMException | null): SdkError {
  return new SdkError('STORE_FAILED', `store: ${cause?.name ?? 'no reason given'}`, { cause })
}
