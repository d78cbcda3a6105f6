import { EXIT_CODES_HELP } from './common-flags.ts'

/** Text of `jeju-verify --help`. */
export const OVERVIEW: string = `jeju-verify: judges Intel TDX evidence, and receipts of confidential inference nodes

  jeju-verify tdx FILE…|-     quotes with their collateral
  jeju-verify dstack FILE…    what a dstack guest agent answers: quote, event log, compose
  jeju-verify url URL         a running node, with a fresh nonce
  jeju-verify evidence FILE   a node's evidence that was kept, such as an archived registration
  jeju-verify receipt FILE    one answer by its signed receipt

Each has its own --help with flags and examples.
Output is a tree of checks for people, or with --json one line a case for programs.

${EXIT_CODES_HELP}`
