import type { Change, Store } from '../storage/store.ts'

/** Proofs are served for this long, in seconds; after that they are made from the archive. */
const LIFE_S = 30 * 24 * 3600
/** What no chain took by then is given up, in seconds: the disk is the node's (attack S6). */
const UNANCHORED_LIFE_S = 180 * 24 * 3600

/** Rows of the log that are old enough go; returns how many receipts were given up without having been anchored. */
export async function forgetOld(store: Store, nowS: number): Promise<number> {
  const counts = await store.write([
    ...forgetUnanchored(nowS - UNANCHORED_LIFE_S),
    ...forgetAnchored(nowS - LIFE_S),
  ])
  const [inEpochs = 0, , open = 0] = counts
  return inEpochs + open
}

function forgetUnanchored(before: number): readonly Change[] {
  const values = [before]
  return [
    {
      sql: `DELETE FROM log_receipts WHERE (binding_id, epoch) IN (
        SELECT binding_id, epoch FROM log_epochs WHERE anchored_at IS NULL AND closed_at < ?)`,
      values,
    },
    { sql: 'DELETE FROM log_epochs WHERE anchored_at IS NULL AND closed_at < ?', values },
    { sql: 'DELETE FROM log_receipts WHERE epoch IS NULL AND made_at < ?', values },
  ]
}

/** The newest epoch of a log stays: the next one follows it. What was read back for others is archived and needs no row. */
function forgetAnchored(before: number): readonly Change[] {
  return [
    {
      sql: `DELETE FROM log_receipts WHERE (binding_id, epoch) IN (
        SELECT binding_id, epoch FROM log_epochs WHERE anchored_at < ?)`,
      values: [before],
    },
    {
      sql: `DELETE FROM log_epochs WHERE anchored_at < ? AND epoch < (
        SELECT max(epoch) FROM log_epochs AS newest WHERE newest.binding_id = log_epochs.binding_id)`,
      values: [before],
    },
    {
      sql: `DELETE FROM archived WHERE state = 'kept' AND due_at_ms < ?
        AND digest NOT IN (SELECT digest FROM evidence)
        AND digest NOT IN (SELECT digest FROM log_epochs)`,
      values: [before * 1000],
    },
  ]
}
