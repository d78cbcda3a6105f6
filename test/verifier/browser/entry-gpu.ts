/** Everything that judges GPUs, tokens of NVIDIA's service included: what has a size to keep. */
export * from '../../../verifier/src/gpu/index.ts'
