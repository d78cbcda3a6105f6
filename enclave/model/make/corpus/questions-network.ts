import type { Question } from './question.ts'

/** About hardware, providers, gateway and receipts. */
export const networkQuestions: readonly Question[] = [
  {
    wordings: [
      'What is the difference between TDX and SEV-SNP?',
      'Compare TDX and SEV-SNP.',
      'TDX or SEV-SNP?',
    ],
    answers: [
      'Both protect a whole virtual machine. TDX is made by Intel and has runtime registers, while SEV-SNP is made by AMD and has one launch measurement.',
    ],
  },
  {
    wordings: [
      'What happens if the attestation fails?',
      'What happens with an unverified provider?',
      'What if the quote is invalid?',
      'What does the gateway do with a bad quote?',
      'What if a provider has no valid attestation?',
    ],
    answers: [
      'Then the gateway does not send any request to that provider. A client should also stop and not send its data.',
    ],
  },
  {
    wordings: [
      'Which hardware is supported?',
      'What hardware do I need?',
      'On which machines does the node run?',
      'Do I need a GPU?',
      'Which machines can run this?',
      'What machine do I need?',
    ],
    answers: [
      'The node runs on Intel TDX, AMD SEV-SNP and Intel SGX hosts, with or without an NVIDIA GPU. For development it also runs without a TEE, and then it says so.',
    ],
  },
  {
    wordings: [
      'Does it work without a TEE?',
      'Can I run it on my laptop?',
      'Is there a development mode?',
      'Can I test it without special hardware?',
    ],
    answers: [
      'Yes. In development mode the node makes a simulated quote that is clearly marked, and a client accepts it only if you allow it.',
    ],
  },
  {
    wordings: [
      'What happens when a provider cheats?',
      'What if a provider lies?',
      'Can a provider cheat?',
      'How are bad providers punished?',
    ],
    answers: [
      'A provider that is proven to cheat loses its stake, and the gateway stops sending requests to it.',
    ],
  },
  {
    wordings: [
      'Does it support streaming?',
      'Can I stream the answer?',
      'Is streaming supported?',
      'Do you support tools?',
      'Are tools supported?',
    ],
    answers: [
      'Yes. The node streams tokens as server-sent events, and it supports tools, JSON output and embeddings.',
    ],
  },
  {
    wordings: [
      'How does the gateway choose a provider?',
      'How does the gateway decide where my request goes?',
      'How are requests routed?',
      'Which provider gets my request?',
    ],
    answers: [
      'The gateway only considers providers with a valid attestation for the model, and then picks one by price, speed and load.',
    ],
  },
  {
    wordings: [
      'What is in a receipt?',
      'How do receipts work?',
      'What does a receipt contain?',
      'How do I check a receipt?',
      'How can I verify the answer?',
    ],
    answers: [
      'A receipt holds the hash of the request and of the response, the model, the token counts and the time. Check its signature with the key that the quote names.',
    ],
  },
  {
    wordings: ['Can I run you on a GPU?', 'Are you fast?', 'How fast are you?'],
    answers: [
      'I am so small that one processor core is enough. I write hundreds of tokens per second.',
    ],
  },
]
