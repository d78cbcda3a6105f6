/** Why an engine refuses; the text names place, expected and actual, never what was asked or answered. */
export type EngineErrorCode =
  | 'MODEL_DIGEST_MISMATCH' // the file is not the one that the configuration pins: do not start
  | 'MODEL_UNREADABLE' // the file is missing, or nothing that can be served
  | 'PROMPT_TOO_LONG' // the caller shortens the prompt
  | 'PROMPT_REFUSED' // the model's template cannot write this conversation
  | 'FORM_UNSUPPORTED' // the caller asks for a simpler schema
  | 'ENGINE_BUSY' // every place in the waiting queue is taken: try again later
  | 'UPSTREAM_MISMATCH' // the upstream serves another model than the configuration names: do not start
  | 'ENGINE_FAILED'

/** A refusal of the engine, with a stable code. */
export class EngineError extends Error {
  override readonly name = 'EngineError'
  readonly code: EngineErrorCode

  constructor(code: EngineErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
