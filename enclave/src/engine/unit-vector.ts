/** A vector of length 1 in the same direction; one of zeros stays. */
export function unitVector(vector: readonly number[]): readonly number[] {
  const length = Math.hypot(...vector)
  return length === 0 ? vector : vector.map((value) => value / length)
}
