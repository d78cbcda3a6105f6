/**
 * Where a client keeps what outlives a process: channels with their session keys, receipts, evidence. A text for each
 * name; several processes may share one. What is in it signs for locked money, so nobody else may read it.
 */
export interface Store {
  /** Undefined where nothing was written. */
  read(name: string): Promise<string | undefined>
  /** All of the text or nothing; kept when it resolves. */
  write(name: string, text: string): Promise<void>
  /** Names that begin with `folder` and a slash, in ascending order. */
  list(folder: string): Promise<readonly string[]>
  /** Nothing happens where nothing was written. */
  remove(name: string): Promise<void>
}

/** Words of lower-case letters, digits and dashes between slashes: nothing that leads out of a folder. */
const NAME = /^[a-z0-9][a-z0-9-]*(\/[a-z0-9][a-z0-9-]*)*$/

/** The name itself. Throws a RangeError for any other text. */
export function checkName(name: string): string {
  if (!NAME.test(name) || name.length > 512) {
    throw new RangeError('store: expected lower-case words between slashes as a name')
  }
  return name
}
