import { toHalf } from './half-float.ts'

/** `ggml_type` numbers of the encodings that are written here. */
export const TENSOR_TYPE: Readonly<Record<TensorEncoding, number>> = { F32: 0, F16: 1, Q8_0: 8 }

/** How the numbers of a tensor are stored. */
export type TensorEncoding = 'F32' | 'F16' | 'Q8_0'

/** A tensor to write; `dims[0]` is the length of a row, the contiguous dimension. */
export interface Tensor {
  readonly name: string
  readonly dims: readonly number[]
  readonly data: Float32Array
  readonly encoding: TensorEncoding
}

/** Numbers that share one scale in Q8_0. */
const BLOCK_VALUES = 32
/** The scale as binary16, then 32 signed bytes. */
const BLOCK_BYTES = 2 + BLOCK_VALUES

/** The data of a tensor as GGUF stores it. */
export function encodeTensor(tensor: Tensor): Uint8Array {
  const size = tensor.dims.reduce((product, length) => product * length, 1)
  if (tensor.data.length !== size) {
    throw new RangeError(`${tensor.name}: expected ${size} numbers, actual ${tensor.data.length}`)
  }
  switch (tensor.encoding) {
    case 'F32':
      return encodeEach(tensor.data, 4, (view, at, value) => view.setFloat32(at, value, true))
    case 'F16':
      return encodeEach(tensor.data, 2, (view, at, value) =>
        view.setUint16(at, toHalf(value), true),
      )
    case 'Q8_0':
      return encodeBlocks(tensor)
  }
}

function encodeEach(
  data: Float32Array,
  bytesEach: number,
  write: (view: DataView, at: number, value: number) => void,
): Uint8Array {
  const view = new DataView(new ArrayBuffer(data.length * bytesEach))
  for (const [index, value] of data.entries()) write(view, index * bytesEach, value)
  return new Uint8Array(view.buffer)
}

function encodeBlocks({ name, dims, data }: Tensor): Uint8Array {
  const row = dims[0] ?? 0
  if (row % BLOCK_VALUES !== 0) {
    throw new RangeError(`${name}: row of ${row}, expected a multiple of ${BLOCK_VALUES}`)
  }
  const blocks = data.length / BLOCK_VALUES
  const view = new DataView(new ArrayBuffer(blocks * BLOCK_BYTES))
  for (let block = 0; block < blocks; block++) {
    const values = data.subarray(block * BLOCK_VALUES, (block + 1) * BLOCK_VALUES)
    writeBlock(view, block * BLOCK_BYTES, values)
  }
  return new Uint8Array(view.buffer)
}

function writeBlock(view: DataView, at: number, values: Float32Array): void {
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  const scale = largest / 127
  const inverse = scale === 0 ? 0 : 1 / scale
  view.setUint16(at, toHalf(scale), true)
  for (const [index, value] of values.entries()) {
    const quantised = value * inverse
    // Away from zero at .5, as ggml rounds.
    view.setInt8(at + 2 + index, Math.sign(quantised) * Math.round(Math.abs(quantised)))
  }
}
