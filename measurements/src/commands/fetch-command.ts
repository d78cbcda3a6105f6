import { fetchMissingRuntime } from '../image/fetch-missing.ts'
import { print, type Command } from './command.ts'

/** Fetches runtime files that are not at hand. */
export const fetchCommand: Command = {
  summary: 'fetch the pinned runtime files (Node, C library) that this machine has not',
  usage: 'fetch',
  run: async () => {
    await fetchMissingRuntime(({ path, source }) => print(`${path}  from ${source}`))
    return 0
  },
}
