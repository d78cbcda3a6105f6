/** The command line, or a file it names, is not one that can be run. The message is one line for people. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
