/**
 * The table `api_keys` for a command that needs no log: opens the database, which migrates it, and closes it again.
 */
import { Database } from './database.ts'
import type { StoredKey } from './tables/api-keys.ts'

export interface KeyTable {
  list(): Promise<StoredKey[]>
  /** @returns whether it was added; it was not if what it replaces is not there, is revoked, or was replaced before */
  add(key: StoredKey, replaced: { readonly id: string; readonly expires: Date } | null): Promise<boolean>
  /** @returns null: there is no such key */
  revoke(id: string, time: Date): Promise<StoredKey | null>
  close(): Promise<void>
}

const CLOSING_MS = 2_000

export function openKeyTable(location: { readonly url: string }): KeyTable {
  const database = new Database(location)
  return {
    list: () => database.listKeys(),
    add: (key, replaced) => database.addKey(key, replaced),
    revoke: (id, time) => database.revokeKey(id, time),
    close: () => database.close(CLOSING_MS),
  }
}
