import { PROMPT_ENDPOINTS } from '@jeju/verifier/protocol'

/** Endpoints that take a prompt. Each seals and is receipted alike; none falls back to plaintext (attack E8). */
export const PROMPT_PATHS: ReadonlySet<string> = new Set(Object.keys(PROMPT_ENDPOINTS))
