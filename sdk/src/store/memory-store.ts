import { checkName, type Store } from './store.ts'

/** A store that ends with the process. */
export function createMemoryStore(): Store {
  const texts = new Map<string, string>()
  return {
    read: async (name) => texts.get(checkName(name)),
    write: async (name, text) => void texts.set(checkName(name), text),
    list: async (folder) => {
      const start = `${checkName(folder)}/`
      return [...texts.keys()].filter((name) => name.startsWith(start)).toSorted()
    },
    remove: async (name) => void texts.delete(checkName(name)),
  }
}
