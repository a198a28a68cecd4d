-- API keys. No row is ever deleted by the service: a key that was revoked stays to be told from one that never was.
create table api_keys (
  key_id      text primary key check (key_id ~ '^[0-9a-f]{12}$'),
  name        text not null check (length(name) between 1 and 100),
  scopes      text[] not null check (cardinality(scopes) > 0 and scopes <@ array['predict', 'read', 'outcomes', 'admin']),
  salt        text not null check (salt ~ '^[0-9a-f]{32}$'),
  -- SHA-256 of salt and secret; the secret itself is nowhere.
  hash        text not null check (hash ~ '^[0-9a-f]{64}$'),
  created_at  timestamptz not null,
  expires_at  timestamptz,
  revoked_at  timestamptz,
  -- The key that came in its place.
  replaced_by text references api_keys deferrable initially deferred
);
