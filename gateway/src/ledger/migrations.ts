/** What made the ledger's schema, in order; an entry is never changed once it was released. */
export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE jeju_receipts (
     auth_hash text PRIMARY KEY CHECK (auth_hash ~ '^0x[0-9a-f]{64}$'),
     at timestamptz NOT NULL,
     agent_id numeric(78) NOT NULL,
     binding_id text NOT NULL,
     wallet text NOT NULL,
     channel_id text NOT NULL,
     model_id text NOT NULL,
     price_version bigint NOT NULL,
     input_tokens bigint NOT NULL,
     output_tokens bigint NOT NULL,
     fee_wei numeric(39) NOT NULL,
     receipt text NOT NULL
   );
   CREATE INDEX jeju_receipts_wallet ON jeju_receipts (wallet, at);
   CREATE INDEX jeju_receipts_agent ON jeju_receipts (agent_id, at);
   CREATE FUNCTION jeju_receipts_only_grow() RETURNS trigger LANGUAGE plpgsql AS
     $$ BEGIN RAISE EXCEPTION 'jeju_receipts only grows'; END $$;
   CREATE TRIGGER jeju_receipts_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON jeju_receipts
     FOR EACH STATEMENT EXECUTE FUNCTION jeju_receipts_only_grow();`,
]
