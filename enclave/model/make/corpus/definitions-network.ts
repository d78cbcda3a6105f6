import type { Definition } from './definition.ts'

/** Builds, keys, payment and the roles of the network. */
export const networkDefinitions: readonly Definition[] = [
  {
    names: ['a reproducible build', 'reproducible builds'],
    answer:
      'A reproducible build gives the same bytes for everyone who builds the same source. An auditor can build it again and compare the measurement with the quote.',
  },
  {
    names: ['end-to-end encryption', 'prompt encryption'],
    answer:
      'The client encrypts the prompt to the public key of the enclave. The gateway and the host only see ciphertext, and only the enclave can decrypt it.',
  },
  {
    names: ['HPKE'],
    answer:
      'HPKE means hybrid public key encryption. It uses a key exchange such as X25519 to make a fresh key, and then encrypts the message with AES-GCM or ChaCha20.',
  },
  {
    names: ['X25519'],
    answer:
      'X25519 is a key exchange on an elliptic curve. Two sides exchange 32 byte public keys and both compute the same secret.',
  },
  {
    names: ['AES-GCM'],
    answer:
      'AES-GCM is a cipher that encrypts and also detects any change of the message. A nonce must never be used twice with the same key.',
  },
  {
    names: ['a digital signature', 'signing'],
    answer:
      'A digital signature proves that the holder of a private key approved a message. Anyone with the public key can check it.',
  },
  {
    names: ['a signed receipt', 'a receipt', 'an inference receipt'],
    answer:
      'A receipt is signed inside the enclave after each answer. It holds the hash of the request, the hash of the response, the model, the token counts and the time.',
  },
  {
    names: ['EIP-712'],
    answer:
      'EIP-712 is the Ethereum standard for signing typed data. The wallet shows the fields to the user, and the signature is bound to one domain and one chain.',
  },
  {
    names: ['a wallet', 'wallet'],
    answer:
      'A wallet holds a private key. Its address is your account, and you sign requests with it instead of using a password.',
  },
  {
    names: ['x402'],
    answer:
      'x402 is a way to pay for a web request. The server answers 402 Payment Required with a price, and the client sends the request again with a signed payment.',
  },
  {
    names: ['Arweave'],
    answer:
      'Arweave stores data permanently. We can write model manifests and batches of receipts to it, so anyone can check them later.',
  },
  {
    names: ['a Merkle tree', 'a Merkle root'],
    answer:
      'A Merkle tree hashes many records into one root. With a short path of hashes you can prove that one record is part of the tree.',
  },
  {
    names: ['the gateway', 'a gateway'],
    answer:
      'The gateway takes requests from clients, checks the attestation of each provider, and sends the request to a provider that passed. It cannot read encrypted prompts.',
  },
  {
    names: ['a provider', 'an inference provider'],
    answer:
      'A provider is someone who runs a node with a model. To join the network the provider must show a valid attestation.',
  },
  {
    names: ['the node', 'an inference node', 'this node'],
    answer:
      'The node is a server that runs inside the enclave. It loads a model, serves the OpenAI API, and signs every answer with a key that never leaves the enclave.',
  },
  {
    names: ['a stake', 'staking'],
    answer:
      'A stake is money that a provider locks as a guarantee. It can be taken away if the provider breaks the rules.',
  },
  {
    names: ['slashing'],
    answer: 'Slashing takes a part of the stake of a provider that was proven to cheat.',
  },
  {
    names: ['a side channel', 'a side channel attack'],
    answer:
      'A side channel leaks secrets through time, power or cache use. A TEE makes such attacks harder, but it does not remove all of them.',
  },
  {
    names: ['a threat model'],
    answer:
      'A threat model says who may attack, what they can do, and what we protect. For this node the host and the network are not trusted.',
  },
  {
    names: ['TLS'],
    answer:
      'TLS encrypts the connection between two machines. It does not say which code runs at the other end, so we bind the TLS key to a quote.',
  },
  {
    names: ['RA-TLS', 'attested TLS'],
    answer:
      'Attested TLS binds the certificate of a server to its quote. If the hash of the key is in the report data, the connection ends inside the enclave.',
  },
]
