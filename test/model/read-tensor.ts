import { GgmlType, type GgufFileInfo } from 'node-llama-cpp'

/** The value of binary16 bits. */
export function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >>> 10) & 31
  const mantissa = bits & 1023
  if (exponent === 0) return sign * mantissa * 2 ** -24
  if (exponent === 31) return mantissa ? Number.NaN : sign * Infinity
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15)
}

/** The numbers of a tensor, read at the place that the parsed header gives. */
export function readTensor(file: Uint8Array, info: GgufFileInfo, name: string): Float32Array {
  const tensor = info.tensorInfo?.find((entry) => entry.name === name)
  if (!tensor || info.infoEndOffset === undefined) throw new Error(`no tensor ${name}`)
  const start = info.infoEndOffset + Number(tensor.offset)
  const view = new DataView(file.buffer, file.byteOffset + start)
  const count = tensor.dimensions.reduce<number>((size, length) => size * Number(length), 1)
  return Float32Array.from({ length: count }, (_, at) => readNumber(view, tensor.ggmlType, at))
}

function readNumber(view: DataView, type: GgmlType, at: number): number {
  if (type === GgmlType.F32) return view.getFloat32(at * 4, true)
  if (type === GgmlType.F16) return fromHalf(view.getUint16(at * 2, true))
  if (type !== GgmlType.Q8_0) throw new Error(`no reader for type ${type}`)
  const block = Math.floor(at / 32) * 34
  return fromHalf(view.getUint16(block, true)) * view.getInt8(block + 2 + (at % 32))
}
