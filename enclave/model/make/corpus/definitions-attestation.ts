import type { Definition } from './definition.ts'

/** Enclaves, attestation and what is measured. */
export const attestationDefinitions: readonly Definition[] = [
  {
    names: ['confidential computing'],
    answer:
      'Confidential computing protects data while it is being used. The program runs inside a trusted execution environment, so the memory is encrypted and the owner of the machine cannot read it.',
  },
  {
    names: ['a TEE', 'a trusted execution environment', 'TEE'],
    answer:
      'A TEE, or trusted execution environment, is a part of a processor that runs code in isolation. Its memory is encrypted by the hardware, and it can prove to others which code it runs.',
  },
  {
    names: ['an enclave', 'enclave'],
    answer:
      'An enclave is a protected region in which code and data are kept apart from the operating system and the host. Only the code inside can read its memory.',
  },
  {
    names: ['remote attestation', 'attestation'],
    answer:
      'Remote attestation is a proof, signed by a key in the hardware, that says which code runs in the enclave. The client checks the proof before it sends any data.',
  },
  {
    names: ['a quote', 'an attestation quote', 'a TDX quote'],
    answer:
      'A quote is the signed statement that an enclave gives for attestation. It holds the measurements of the code, 64 bytes of report data, and a signature that chains up to the maker of the chip.',
  },
  {
    names: ['Intel TDX', 'TDX'],
    answer:
      'Intel TDX runs a whole virtual machine as a trust domain. The memory is encrypted with a key that the host does not know, and the quote covers the firmware, the kernel and the application.',
  },
  {
    names: ['Intel SGX', 'SGX'],
    answer:
      'Intel SGX is an older kind of enclave that protects a part of one process. Its identity is MRENCLAVE, a hash of the code that was loaded.',
  },
  {
    names: ['AMD SEV-SNP', 'SEV-SNP'],
    answer:
      'AMD SEV-SNP protects a whole virtual machine. The report is signed by a VCEK key of the chip, and it holds a launch measurement and 64 bytes of report data.',
  },
  {
    names: ['AWS Nitro Enclaves', 'a Nitro enclave', 'Nitro Enclaves'],
    answer:
      'A Nitro enclave is an isolated virtual machine on AWS without network or disk. Its attestation document is signed COSE data that holds PCR values.',
  },
  {
    names: ['NVIDIA confidential computing', 'GPU confidential computing'],
    answer:
      'On recent NVIDIA GPUs the memory of the card can be protected too. The GPU gives its own attestation report, and it must be checked together with the report of the CPU.',
  },
  {
    names: ['an RTMR', 'RTMR', 'runtime measurement registers'],
    answer:
      'An RTMR is a runtime measurement register of Intel TDX. Each event is hashed into it, so the final value proves the order and the content of everything that was loaded.',
  },
  {
    names: ['MRTD'],
    answer:
      'MRTD is the measurement of the initial memory of a TDX virtual machine. It identifies the virtual firmware that was loaded at start.',
  },
  {
    names: ['MRENCLAVE'],
    answer:
      'MRENCLAVE is the hash of an SGX enclave at load time. Two enclaves with the same MRENCLAVE run the same code.',
  },
  {
    names: ['report data', 'the report data field'],
    answer:
      'Report data is 64 free bytes inside a quote. We put the hash of the enclave public key and of the nonce there, so that the key is bound to the proof.',
  },
  {
    names: ['a nonce', 'nonce'],
    answer:
      'A nonce is a random number that is used once. The client sends it with the request for a quote, so an old quote cannot be replayed.',
  },
  {
    names: ['a replay attack', 'replay'],
    answer:
      'In a replay attack somebody sends an old message again. A fresh nonce and a short expiry time stop it.',
  },
  {
    names: ['a measurement', 'code measurement'],
    answer:
      'A measurement is a hash of the code and of the configuration. If one byte changes, the measurement changes too.',
  },
  {
    names: ['the TCB', 'a trusted computing base', 'TCB'],
    answer:
      'The TCB is everything that you have to trust: the chip, its firmware, and the code inside the enclave. The smaller it is, the better.',
  },
  {
    names: ['TCB status', 'an out of date TCB'],
    answer:
      'TCB status says whether the firmware of a machine has the newest security fixes. A strict client rejects a quote whose TCB is out of date or revoked.',
  },
  {
    names: ['DCAP'],
    answer:
      'DCAP is the way of Intel to verify quotes without asking Intel each time. The certificates and the TCB data are fetched once and kept.',
  },
  {
    names: ['a PCK certificate', 'PCK'],
    answer:
      'A PCK certificate belongs to one Intel processor. It signs the key of the quoting enclave, and it chains up to the Intel SGX root certificate.',
  },
]
