import type { SqliteConnection } from './sqlite.ts'

/** Why a database is not opened. */
type StoreErrorCode =
  | 'STORE_CORRUPT' // not what this program wrote
  | 'STORE_TOO_NEW' // a newer version's

/** The database is not what this program wrote: serving on would risk answering an authorisation twice. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code: StoreErrorCode

  constructor(code: StoreErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

/**
 * Each step brings the file from the version of its index to the next. Steps that were released never change.
 * Digests, signatures and addresses are lowercase hex with 0x; wei and 256-bit numbers are decimal text; times are Unix
 * seconds unless a name says milliseconds.
 */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE authorisations (
    auth_hash TEXT NOT NULL PRIMARY KEY,
    channel_id TEXT NOT NULL,
    nonce TEXT NOT NULL,
    binding_id TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    max_fee TEXT NOT NULL,
    valid_until INTEGER NOT NULL,
    -- of a fee: started | waiting | sent | included | closed
    state TEXT NOT NULL,
    -- why it is closed
    status TEXT,
    UNIQUE (channel_id, nonce)
  ) STRICT;
  CREATE INDEX authorisations_by_end ON authorisations (valid_until);
  CREATE TABLE receipts (
    auth_hash TEXT NOT NULL PRIMARY KEY REFERENCES authorisations ON DELETE CASCADE,
    auth_sig TEXT NOT NULL,
    response_hash TEXT NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    finish INTEGER NOT NULL,
    issued_at INTEGER NOT NULL,
    receipt_sig TEXT NOT NULL,
    fee TEXT NOT NULL,
    settlement INTEGER REFERENCES settlements
  ) STRICT;
  CREATE INDEX receipts_by_settlement ON receipts (settlement);
  CREATE TABLE settlements (
    id INTEGER PRIMARY KEY,
    account_nonce INTEGER NOT NULL,
    gas INTEGER NOT NULL,
    -- sent | included | final | void
    state TEXT NOT NULL,
    made_at INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE transactions (
    hash TEXT NOT NULL PRIMARY KEY,
    settlement INTEGER NOT NULL REFERENCES settlements ON DELETE CASCADE,
    raw TEXT NOT NULL,
    max_fee_per_gas TEXT NOT NULL,
    max_priority_fee_per_gas TEXT NOT NULL,
    sent_at_ms INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX transactions_by_settlement ON transactions (settlement);
  CREATE TABLE evidence (
    digest TEXT NOT NULL PRIMARY KEY,
    content BLOB NOT NULL,
    -- what the chain records it under
    named TEXT NOT NULL,
    stored_at_ms INTEGER NOT NULL,
    confirmed INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE exchanges (
    receipt_id TEXT NOT NULL PRIMARY KEY,
    chat_id TEXT,
    served_at INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    record TEXT NOT NULL
  ) STRICT;
  CREATE INDEX exchanges_by_chat ON exchanges (chat_id);
  CREATE INDEX exchanges_by_age ON exchanges (refused, served_at);
  `,
  `
  CREATE TABLE archived (
    locator TEXT NOT NULL PRIMARY KEY,
    digest TEXT NOT NULL,
    -- until it was read back twice, hours apart
    payload BLOB,
    -- waiting | stored | seen | kept
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    due_at_ms INTEGER NOT NULL,
    stored_at_ms INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX archived_by_digest ON archived (digest);
  CREATE INDEX archived_by_due ON archived (state, due_at_ms);
  CREATE TABLE log_receipts (
    -- order in the log
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    receipt_id TEXT NOT NULL UNIQUE,
    binding_id TEXT NOT NULL,
    commitment TEXT NOT NULL,
    salt TEXT NOT NULL,
    credential TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    -- null while its epoch is open
    epoch INTEGER
  ) STRICT;
  CREATE INDEX log_receipts_by_epoch ON log_receipts (epoch, binding_id);
  CREATE TABLE log_epochs (
    binding_id TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    previous TEXT NOT NULL,
    root TEXT NOT NULL,
    size INTEGER NOT NULL,
    digest TEXT NOT NULL,
    locator TEXT NOT NULL,
    closed_at INTEGER NOT NULL,
    -- of a block that is no longer in doubt; null before
    anchored_at INTEGER,
    PRIMARY KEY (binding_id, epoch)
  ) STRICT;
  -- of an epoch, the one that was sent last
  CREATE TABLE log_transactions (
    binding_id TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    hash TEXT NOT NULL,
    nonce INTEGER NOT NULL,
    max_fee_per_gas TEXT NOT NULL,
    max_priority_fee_per_gas TEXT NOT NULL,
    sent_at_ms INTEGER NOT NULL,
    PRIMARY KEY (binding_id, epoch),
    FOREIGN KEY (binding_id, epoch) REFERENCES log_epochs ON DELETE CASCADE
  ) STRICT;
  `,
  `
  CREATE TABLE release_holds (
    channel_id TEXT NOT NULL PRIMARY KEY,
    -- nothing is taken of the channel as long
    until INTEGER NOT NULL
  ) STRICT;
  `,
  `
  CREATE TABLE voucher_channels (
    channel_id TEXT NOT NULL PRIMARY KEY,
    -- whose vouchers are held
    signer TEXT NOT NULL,
    -- wei that this node has charged, and of them those that its settlements have brought
    fees TEXT NOT NULL,
    settled TEXT NOT NULL,
    used_at INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE vouchers (
    channel_id TEXT NOT NULL REFERENCES voucher_channels ON DELETE CASCADE,
    cumulative TEXT NOT NULL,
    signature TEXT NOT NULL,
    PRIMARY KEY (channel_id, cumulative)
  ) STRICT;
  -- of a settlement of a voucher, which has no receipts
  ALTER TABLE settlements ADD COLUMN channel_id TEXT;
  ALTER TABLE settlements ADD COLUMN cumulative TEXT;
  ALTER TABLE settlements ADD COLUMN signature TEXT;
  -- wei that it brings
  ALTER TABLE settlements ADD COLUMN brings TEXT;
  `,
]

/**
 * Checks the file and brings it to this program's version.
 * @throws StoreError `STORE_CORRUPT`, `STORE_TOO_NEW`
 */
export async function migrate(connection: SqliteConnection): Promise<void> {
  await assertSound(connection)
  const [row] = await connection.all('PRAGMA user_version')
  const version = Number(row?.['user_version'])
  if (version > MIGRATIONS.length) {
    const text = `database: expected version ${MIGRATIONS.length} at most, got ${version}`
    throw new StoreError('STORE_TOO_NEW', text)
  }
  for (const [index, step] of MIGRATIONS.entries()) {
    if (index < version) continue
    // One transaction, the number of the version with it: a crash leaves the old file.
    await connection.execute(
      `BEGIN IMMEDIATE; ${step}; PRAGMA user_version = ${index + 1}; COMMIT;`,
    )
  }
}

async function assertSound(connection: SqliteConnection): Promise<void> {
  const corrupt = (text: string): StoreError => new StoreError('STORE_CORRUPT', `database: ${text}`)
  let rows
  try {
    rows = await connection.all('PRAGMA quick_check(1)')
  } catch {
    throw corrupt('not a database')
  }
  const [result] = rows
  if (result?.['quick_check'] !== 'ok') throw corrupt('damaged')
}
