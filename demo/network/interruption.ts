import { once } from 'node:events'

/** Resolves when this process is asked to end: by Ctrl-C, by its parent, or with its terminal. */
export async function interruption(): Promise<void> {
  await Promise.race(['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => once(process, signal)))
}
