/**
 * API keys, one row each: salted hashes of secrets, and what they are good for. Whether a key is taken is not decided here.
 */
import type { Sql } from 'postgres'
import { transact } from '../../database/index.ts'

export interface StoredKey {
  readonly id: string
  readonly name: string
  readonly scopes: readonly ('predict' | 'read' | 'outcomes' | 'admin')[]
  readonly salt: string
  readonly hash: string
  readonly created: Date
  readonly expires: Date | null
  readonly revoked: Date | null
  readonly replacedBy: string | null
}

/** In the order in which they were made. */
export async function listKeys(sql: Sql): Promise<StoredKey[]> {
  return [
    ...(await sql<StoredKey[]>`
      select key_id as id, name, scopes, salt, hash, created_at as created, expires_at as expires,
        revoked_at as revoked, replaced_by as "replacedBy"
      from api_keys order by created_at, key_id`),
  ]
}

/**
 * @param replaced a key that expires then, if not earlier
 * @returns whether it was added; it was not if what it replaces is not there, is revoked, or was replaced before
 */
export function addKey(
  sql: Sql,
  key: StoredKey,
  replaced: { readonly id: string; readonly expires: Date } | null,
): Promise<boolean> {
  return transact(sql, async (transaction) => {
    if (replaced) {
      const { count } = await transaction`
        update api_keys set replaced_by = ${key.id}, expires_at = least(expires_at, ${replaced.expires})
        where key_id = ${replaced.id} and revoked_at is null and replaced_by is null`
      if (count === 0) return false
    }
    await transaction`
      insert into api_keys (key_id, name, scopes, salt, hash, created_at, expires_at, revoked_at, replaced_by)
      values (${key.id}, ${key.name}, ${[...key.scopes]}, ${key.salt}, ${key.hash}, ${key.created}, ${key.expires},
        ${key.revoked}, ${key.replacedBy})`
    return true
  })
}

/** @returns the key; null: there is none */
export async function revokeKey(sql: Sql, id: string, time: Date): Promise<StoredKey | null> {
  await sql`update api_keys set revoked_at = ${time} where key_id = ${id} and revoked_at is null`
  return (await listKeys(sql)).find((key) => key.id === id) ?? null
}
