#!/usr/bin/env node
// The same for `forge coverage`, which counts in unoptimised code: only there has every statement instructions of its own.
// Without any optimiser solc stops with "stack too deep" in inline assembly. So one step of it is on, which moves variables
// of assembly on the stack and nothing of Solidity; each step that merges, moves or drops code stays off.
const answer = require('./solc.cjs')

const OFF = {
  peephole: false,
  inliner: false,
  jumpdestRemover: false,
  orderLiterals: false,
  deduplicate: false,
  cse: false,
  constantOptimizer: false,
}

answer((settings) => ({
  ...settings,
  viaIR: false,
  optimizer: {
    enabled: false,
    details: {
      ...OFF,
      yul: true,
      // `u:` runs nothing but the pruner, as solc does by itself without an optimiser.
      yulDetails: { stackAllocation: true, optimizerSteps: 'u:' },
    },
  },
}))
