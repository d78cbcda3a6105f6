const single = new Float32Array(1)
const bits = new Uint32Array(single.buffer)

/** An IEEE 754 binary32 number as the bits of binary16, rounded to nearest, ties to even. */
export function toHalf(value: number): number {
  single[0] = value
  const word = bits[0] ?? 0
  const sign = (word >>> 16) & 0x8000
  const exponent = (word >>> 23) & 0xff
  const mantissa = word & 0x7fffff
  if (exponent === 0xff) return sign | 0x7c00 | (mantissa ? 0x200 : 0)
  const halfExponent = exponent - 112
  if (halfExponent >= 31) return sign | 0x7c00
  if (halfExponent < -10) return sign
  // Rounding may carry into the exponent, which is the right result.
  if (halfExponent <= 0) return sign | shiftRounding(mantissa | 0x800000, 14 - halfExponent)
  return sign | ((halfExponent << 10) + shiftRounding(mantissa, 13))
}

/** `value >> shift`, rounded to nearest, ties to even. */
function shiftRounding(value: number, shift: number): number {
  const kept = value >>> shift
  const rest = value & ((1 << shift) - 1)
  const tie = 1 << (shift - 1)
  const up = rest > tie || (rest === tie && (kept & 1) === 1)
  return up ? kept + 1 : kept
}
