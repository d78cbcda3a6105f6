import { createRequire } from 'node:module'
import { keccak256, recoverAddress, toBytes, toHex, type Hex } from '@jeju/verifier/protocol'
