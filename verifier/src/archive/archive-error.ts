/** Codes of content that could not be had from an archive. None of them falls back to something weaker. */
export const ARCHIVE_ERROR_CODES = [
  'ARCHIVE_LOCATOR', // not a locator of a kind that can be read here
  'ARCHIVE_UNAVAILABLE', // no place gave an answer with the content in it
  'ARCHIVE_DIGEST', // what was given has another digest
  'ARCHIVE_TOO_LARGE', // beyond the limit
] as const

/** One of {@link ARCHIVE_ERROR_CODES}. */
export type ArchiveErrorCode = (typeof ARCHIVE_ERROR_CODES)[number]

/** There is no such content. The message says what was asked of whom and what came. */
export class ArchiveError extends Error {
  override readonly name = 'ArchiveError'
  readonly code: ArchiveErrorCode

  constructor(code: ArchiveErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
