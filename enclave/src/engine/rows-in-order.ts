import { EngineError } from './engine-error.ts'

/** What the library calls of its native context, as far as the order of rows depends on it. */
interface NativeContext {
  readonly decodeBatch: NativeCall
  readonly sampleToken: NativeCall
}

type NativeCall = (this: NativeContext, ...given: unknown[]) => Promise<unknown>

/**
 * Keeps parallel answers from reading each other's rows. After a batch the library draws the next token of every
 * sequence in threads of their own, at once; llama.cpp puts the rows of a batch in the order of their sequences when the
 * first of them is read, which is not safe for threads: where a prompt was evaluated beside steps of other answers,
 * several threads moved rows at a time, and a token was drawn from what the model said to somebody else. So the first
 * row of a batch is read alone, and the others after it.
 *
 * @throws {EngineError} `ENGINE_FAILED` where the library is not as this knows it: it must not be used then
 */
export function readRowsInOrder(context: object): void {
  const native: unknown = Reflect.get(context, '_ctx')
  if (!isNative(native)) {
    throw new EngineError('ENGINE_FAILED', 'node-llama-cpp: expected another native context')
  }
  const { decodeBatch, sampleToken } = native
  /** Settles when the rows of the last batch are in order; undefined before the first is read. */
  let first: Promise<unknown> | undefined
  replace(native, 'decodeBatch', (...given) => {
    first = undefined
    return decodeBatch.apply(native, given)
  })
  const sampleInOrder: NativeCall = (...given) => {
    const sample = (): Promise<unknown> => sampleToken.apply(native, given)
    // What failed may have ordered nothing: then the next one is the first.
    if (first !== undefined) return first.then(sample, () => sampleInOrder.apply(native, given))
    const own = sample()
    first = own
    own.catch(() => (first = undefined))
    return own
  }
  replace(native, 'sampleToken', sampleInOrder)
}

function isNative(value: unknown): value is NativeContext {
  return (
    typeof value === 'object' &&
    value !== null &&
    ['decodeBatch', 'sampleToken'].every((name) => typeof Reflect.get(value, name) === 'function')
  )
}

function replace(native: NativeContext, name: keyof NativeContext, call: NativeCall): void {
  Object.defineProperty(native, name, { value: call })
}
