import type { Definition } from './definition.ts'

/** Hashes, chains, containers and the rest. */
export const generalDefinitions: readonly Definition[] = [
  {
    names: ['prompt injection'],
    answer:
      'Prompt injection hides commands in a text that the model reads. Treat text from others as data, and check what a tool is asked to do.',
  },
  {
    names: ['a hash', 'a hash function'],
    answer:
      'A hash function turns any data into a short fixed number of bytes. It is not possible to find two inputs with the same hash in practice.',
  },
  {
    names: ['SHA-256'],
    answer:
      'SHA-256 is a hash function with an output of 32 bytes. It is used in certificates, in quotes and in many file formats.',
  },
  {
    names: ['keccak256'],
    answer: 'Keccak256 is the hash function of Ethereum. Addresses and EIP-712 messages use it.',
  },
  {
    names: ['a blockchain'],
    answer:
      'A blockchain is a shared log of transactions. Many computers keep a copy and agree on the order.',
  },
  {
    names: ['a smart contract'],
    answer:
      'A smart contract is a program on a blockchain. It runs the same way for everyone and can hold money.',
  },
  {
    names: ['open source'],
    answer:
      'Open source means that everyone can read, change and share the code. For an enclave it also means that you can check what runs.',
  },
  {
    names: ['a container', 'a container image'],
    answer:
      'A container image packs a program with everything it needs. Its digest is a hash, so it names exactly one content.',
  },
  {
    names: ['sealing', 'sealed storage'],
    answer:
      'Sealing encrypts data with a key that only the same enclave can get again. The host can keep the file but cannot read it.',
  },
  {
    names: ['a root of trust'],
    answer:
      'A root of trust is the part that you accept without further proof, for example the root key of the chip maker.',
  },
  {
    names: ['an API key'],
    answer:
      'An API key is a secret text that names you to a server. Keep it private and change it if it leaks.',
  },
  {
    names: ['rate limiting'],
    answer:
      'Rate limiting allows each client only so many requests per minute. It protects the node from overload.',
  },
  {
    names: ['Apple Secure Enclave', 'the Secure Enclave'],
    answer:
      'The Secure Enclave is a small separate processor in Apple devices that keeps keys. It does not run your model, so a Mac cannot attest inference in the way a TDX machine can.',
  },
  {
    names: ['MLX'],
    answer:
      'MLX is the array library of Apple for machine learning. On a Mac it runs models on the GPU of Apple chips.',
  },
]
