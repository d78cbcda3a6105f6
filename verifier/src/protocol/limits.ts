/** Limits that client, node and contracts share (attack T10). */

/** A `RequestAuth` lives at most this long; also the contracts' MAX_AUTH_LIFE. */
export const MAX_AUTH_LIFE_S = 3600n

/** How long after `validUntil` a receipt may still be settled; also the contracts' SETTLE_WINDOW. */
export const SETTLE_WINDOW_S: bigint = 12n * 3600n

/** Items of one settlement; also the contracts' MAX_BATCH. */
export const MAX_SETTLE_BATCH = 50

/** Largest request body a node reads. */
export const MAX_REQUEST_BYTES: number = 1024 * 1024

/** Largest answer a client or gateway holds. */
export const MAX_RESPONSE_BYTES: number = 16 * 1024 * 1024

/** Largest `Compute-Authorization` or `Compute-Receipt` header. */
export const MAX_HEADER_BYTES = 8192

/** A keyset may be valid this far ahead (attack C11). */
export const MAX_KEYSET_LIFE_S: number = 400 * 24 * 3600
