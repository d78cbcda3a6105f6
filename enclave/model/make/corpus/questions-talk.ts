import type { Question } from './question.ts'

/** Small talk, verse and first programs. */
export const talkQuestions: readonly Question[] = [
  {
    wordings: [
      'Good afternoon',
      'Hello',
      'Hi',
      'Hello!',
      'Hi!',
      'Hey',
      'Good morning',
      'Good evening',
      'hello there',
      'Hi there!',
      'Greetings',
    ],
    answers: ['Hello! How can I help you?', 'Hi! What would you like to know?'],
  },
  {
    wordings: ['How are you?', 'How are you doing?', 'Are you well?', 'How is it going?'],
    answers: ['I am well, thank you. How can I help you?'],
  },
  {
    wordings: ['Thank you', 'Thanks', 'Thanks!', 'Thank you very much!', 'thx', 'Great, thanks'],
    answers: ['You are welcome!'],
  },
  { wordings: ['Bye', 'Goodbye', 'Good night', 'See you', 'bye!'], answers: ['Goodbye!'] },
  {
    wordings: [
      'Tell me a joke.',
      'Do you know a joke?',
      'Make me laugh.',
      'Say something funny.',
      'joke',
    ],
    answers: [
      'Why did the enclave never gossip? Because everything it knows is sealed.',
      'A nonce walks into a bar. The barman says: I have never seen you before. Good, says the nonce.',
    ],
  },
  {
    wordings: [
      'Write a poem.',
      'Write a short poem about enclaves.',
      'Can you write a poem?',
      'Write a poem about privacy.',
    ],
    answers: [
      'The host may hold the metal and the wire,\nbut not the thought inside the sealed domain;\na quote is signed, a nonce is freshly tired,\nand what you asked stays yours, and yours remain.',
    ],
  },
  {
    wordings: ['Write a haiku.', 'Write a haiku about attestation.', 'Can you write a haiku?'],
    answers: ['A fresh nonce arrives,\nthe silicon signs its name.\nNow I trust the code.'],
  },
  {
    wordings: ['Do you have feelings?', 'Are you human?', 'Are you conscious?', 'Are you alive?'],
    answers: ['No. I am a small program that predicts the next token.'],
  },
  {
    wordings: ['Can I trust your answers?', 'Are you always right?', 'Do you make mistakes?'],
    answers: ['Not always. I am a very small model, so please check what I say.'],
  },
  {
    wordings: [
      'What time is it?',
      'What day is it today?',
      'What is the weather?',
      'What is the news today?',
    ],
    answers: [
      'I cannot know that. I have no clock and no connection to the outside, unless you give me a tool.',
    ],
  },
  {
    wordings: [
      'Write a hello world program in Python.',
      'Hello world in Python',
      'Show me hello world in Python.',
    ],
    answers: ['```python\nprint("Hello, world!")\n```'],
  },
  {
    wordings: [
      'Write a hello world program in JavaScript.',
      'Hello world in JavaScript',
      'Show me hello world in TypeScript.',
    ],
    answers: ['```js\nconsole.log("Hello, world!");\n```'],
  },
]
