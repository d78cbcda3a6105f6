/** Endpoints that take a prompt. Each seals and is receipted alike; none falls back to plaintext (attack E8). */
export const PROMPT_PATHS: ReadonlySet<string> = new Set([
  '/v1/chat/completions',
  '/v1/completions',
  '/v1/embeddings',
  '/v1/messages',
  '/v1/responses',
])
