/** Reads what nodes archived, from whoever has it: the digest decides (docs/protocol.md §12). */
export { ARCHIVE_ERROR_CODES, ArchiveError, type ArchiveErrorCode } from './archive-error.ts'
export { arweaveId, arweaveLocator, digestInLocator, digestLocator } from './locator.ts'
export {
  ARWEAVE_GATEWAYS,
  readArweave,
  requireDigest,
  type ArweaveReadOptions,
} from './read-archive.ts'
