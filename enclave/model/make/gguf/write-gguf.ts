import { ByteWriter } from './byte-writer.ts'
import type { Metadata, MetadataValue } from './metadata.ts'
import { encodeTensor, TENSOR_TYPE, type Tensor } from './tensor.ts'

const MAGIC = Uint8Array.of(0x47, 0x47, 0x55, 0x46) // "GGUF"
const VERSION = 3
const ALIGNMENT_BYTES = 32
/** `gguf_metadata_value_type` of the GGUF specification. */
const VALUE_TYPE = { u32: 4, i32: 5, f32: 6, bool: 7, string: 8, array: 9 } as const

/** A GGUF v3 file: header, metadata, tensor descriptions, then the data of each tensor on a boundary. */
export function writeGguf(metadata: Metadata, tensors: readonly Tensor[]): Uint8Array {
  const out = new ByteWriter()
  out.bytes(MAGIC)
  out.u32(VERSION)
  out.u64(tensors.length)
  out.u64(Object.keys(metadata).length)
  for (const [key, value] of Object.entries(metadata)) {
    out.string(key)
    writeValue(out, value)
  }
  const encoded = tensors.map((tensor) => encodeTensor(tensor))
  let offset = 0
  for (const [index, tensor] of tensors.entries()) {
    describeTensor(out, tensor, offset)
    offset += aligned(encoded[index]?.length ?? 0)
  }
  out.align(ALIGNMENT_BYTES)
  for (const data of encoded) {
    out.bytes(data)
    out.align(ALIGNMENT_BYTES)
  }
  return out.concat()
}

function aligned(length: number): number {
  return Math.ceil(length / ALIGNMENT_BYTES) * ALIGNMENT_BYTES
}

function describeTensor(out: ByteWriter, { name, dims, encoding }: Tensor, offset: number): void {
  out.string(name)
  out.u32(dims.length)
  for (const length of dims) out.u64(length)
  out.u32(TENSOR_TYPE[encoding])
  out.u64(offset)
}

function writeValue(out: ByteWriter, entry: MetadataValue): void {
  switch (entry.type) {
    case 'u32':
      out.u32(VALUE_TYPE.u32)
      return out.u32(entry.value)
    case 'f32':
      out.u32(VALUE_TYPE.f32)
      return out.f32(entry.value)
    case 'bool':
      out.u32(VALUE_TYPE.bool)
      return out.u8(entry.value ? 1 : 0)
    case 'string':
      out.u32(VALUE_TYPE.string)
      return out.string(entry.value)
    case 'strings':
      arrayHeader(out, VALUE_TYPE.string, entry.value.length)
      return entry.value.forEach((value) => out.string(value))
    case 'i32s':
      arrayHeader(out, VALUE_TYPE.i32, entry.value.length)
      return entry.value.forEach((value) => out.i32(value))
  }
}

function arrayHeader(out: ByteWriter, elementType: number, length: number): void {
  out.u32(VALUE_TYPE.array)
  out.u32(elementType)
  out.u64(length)
}
