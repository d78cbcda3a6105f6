import type { Definition } from './definition.ts'

/** Language models and how they are served. */
export const modelDefinitions: readonly Definition[] = [
  {
    names: ['a large language model', 'an LLM', 'LLM'],
    answer:
      'A large language model is a neural network that predicts the next token of a text. With enough data it can answer questions and write text.',
  },
  {
    names: ['a token', 'tokens', 'a token in a language model'],
    answer:
      'A token is a piece of text, such as a word or a part of a word. A model reads tokens and writes tokens, and usage is counted in tokens.',
  },
  {
    names: ['tokenization', 'a tokenizer'],
    answer:
      'A tokenizer splits a text into tokens and gives each one a number. The model only sees these numbers.',
  },
  {
    names: ['temperature', 'sampling temperature'],
    answer:
      'Temperature controls how random the answer is. With temperature 0 the model always takes the most likely token.',
  },
  {
    names: ['top p', 'nucleus sampling'],
    answer:
      'With top p the model only samples from the smallest set of tokens whose probability sums up to p.',
  },
  {
    names: ['a seed'],
    answer:
      'A seed fixes the random choices of sampling. The same prompt, the same model and the same seed give the same answer on the same machine.',
  },
  {
    names: ['a context window', 'the context length'],
    answer:
      'The context window is the number of tokens that the model can see at once. Older text has to be removed or shortened.',
  },
  {
    names: ['an embedding', 'embeddings'],
    answer:
      'An embedding is a list of numbers that stands for the meaning of a text. Texts with similar meaning have similar embeddings.',
  },
  {
    names: ['GGUF', 'a GGUF file'],
    answer:
      'GGUF is the file format of llama.cpp. One file holds the weights, the tokenizer and the settings of a model.',
  },
  {
    names: ['quantization'],
    answer:
      'Quantization stores the weights with fewer bits. The model gets smaller and faster and loses only a little quality.',
  },
  {
    names: ['llama.cpp'],
    answer:
      'llama.cpp is a program in C++ that runs language models on ordinary processors and on GPUs. This node uses it through node-llama-cpp.',
  },
  {
    names: ['vLLM'],
    answer:
      'vLLM is a fast inference server for GPUs. The node can use it as a backend and add attestation, signatures and payment in front of it.',
  },
  {
    names: ['streaming', 'SSE', 'server-sent events'],
    answer:
      'With streaming the answer arrives token by token. The server sends small events, and the last one says DONE.',
  },
  {
    names: ['function calling', 'tool calling', 'a tool call'],
    answer:
      'With tool calling the model answers with the name of a function and its arguments. Your program runs the function and sends the result back.',
  },
  {
    names: ['structured output', 'a JSON schema'],
    answer:
      'With structured output the answer must follow a JSON schema. The server only allows tokens that keep the output valid.',
  },
  {
    names: ['a KV cache'],
    answer:
      'The KV cache keeps the keys and values of earlier tokens, so the model does not compute them again for each new token.',
  },
  {
    names: ['attention', 'the attention mechanism'],
    answer: 'Attention lets each token look at earlier tokens and take what it needs from them.',
  },
  {
    names: ['a transformer'],
    answer:
      'A transformer is a neural network made of layers of attention and feed forward blocks. Almost all language models use it.',
  },
  {
    names: ['a neural network'],
    answer:
      'A neural network is a function with many weights. Training changes the weights step by step until the output is right.',
  },
]
