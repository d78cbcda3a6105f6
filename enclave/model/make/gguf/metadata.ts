/** A metadata value with the GGUF type it is stored as. */
export type MetadataValue =
  | { readonly type: 'u32'; readonly value: number }
  | { readonly type: 'f32'; readonly value: number }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'strings'; readonly value: readonly string[] }
  | { readonly type: 'i32s'; readonly value: readonly number[] }

/** Metadata in the order it is written. */
export type Metadata = Readonly<Record<string, MetadataValue>>

/** An unsigned 32-bit integer. */
export const u32 = (value: number): MetadataValue => ({ type: 'u32', value })
/** A binary32 number. */
export const f32 = (value: number): MetadataValue => ({ type: 'f32', value })
/** A boolean. */
export const bool = (value: boolean): MetadataValue => ({ type: 'bool', value })
/** A text. */
export const string = (value: string): MetadataValue => ({ type: 'string', value })
/** A list of texts. */
export const strings = (value: readonly string[]): MetadataValue => ({ type: 'strings', value })
/** A list of signed 32-bit integers. */
export const i32s = (value: readonly number[]): MetadataValue => ({ type: 'i32s', value })
