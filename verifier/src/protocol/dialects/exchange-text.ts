/**
 * The text that the vllm-proxy dialect signs of one exchange: `<model>:<request>:<response>`, both bare hex SHA-256
 * over exact bytes. Clients split it at colons, so a model whose name has one is left out.
 */
export function exchangeText(
  model: string | null,
  requestSha256: string,
  responseSha256: string,
): string {
  const hashes = `${requestSha256}:${responseSha256}`
  return model === null || model.includes(':') ? hashes : `${model}:${hashes}`
}
