/**
 * What keeps keys, and what is done with them there: make, replace with an overlap, revoke. Two stores are known: a file
 * (key-file.ts), and the table `api_keys` of the prediction log's database.
 */
import { type KeyRecord, makeKey, type NewKey, stateOf } from './keys.ts'

export interface KeyStore {
  /** All of them, those that are not taken any more too. Nothing kept is no error. */
  list(): Promise<readonly KeyRecord[]>
  /**
   * @param replaced a key that expires then, if not earlier, in favour of this one
   * @returns whether it was added; it was not if what it replaces is not there, is revoked, or was replaced before
   */
  add(key: KeyRecord, replaced: Replaced | null): Promise<boolean>
  /** Leaves a key that was revoked before as it is. @returns what is kept now; null: there is no such key */
  revoke(id: string, time: Date): Promise<KeyRecord | null>
}

export interface Replaced {
  readonly id: string
  readonly expires: Date
}

export class KeyStoreError extends Error {
  override readonly name = 'KeyStoreError'
  readonly code: 'KEY_NOT_FOUND' | 'KEY_NOT_ACTIVE' | 'KEY_FILE_LOCKED'

  constructor(code: KeyStoreError['code'], message: string) {
    super(message)
    this.code = code
  }
}

export async function createKey(
  store: KeyStore,
  about: Pick<KeyRecord, 'name' | 'scopes' | 'expires'>,
  now: Date,
): Promise<NewKey> {
  const key = makeKey({ ...about, created: now })
  await store.add(key.record, null)
  return key
}

/**
 * A key in another's place: with its name and scopes and as long a life, where nothing else is said. The old one is taken for the
 * overlap, so that its users have the time to change over.
 * @throws KeyStoreError if the old one is not active
 */
export async function replaceKey(
  store: KeyStore,
  id: string,
  about: Partial<Pick<KeyRecord, 'name' | 'scopes' | 'expires'>>,
  overlapMs: number,
  now: Date,
): Promise<NewKey> {
  const old = (await store.list()).find((record) => record.id === id)
  if (!old) throw new KeyStoreError('KEY_NOT_FOUND', `there is no key ${id}`)
  const state = stateOf(old, now)
  if (state !== 'active')
    throw new KeyStoreError('KEY_NOT_ACTIVE', `expected an active key to replace; ${id} is ${state}`)
  const { name, scopes, created, expires } = old
  const lifeMs = expires && expires.getTime() - created.getTime()
  const key = makeKey({
    name,
    scopes,
    expires: lifeMs === null ? null : new Date(now.getTime() + lifeMs),
    ...about,
    created: now,
  })
  const until = new Date(now.getTime() + overlapMs)
  if (!(await store.add(key.record, { id, expires: until })))
    throw new KeyStoreError('KEY_NOT_ACTIVE', `${id} was revoked or replaced by somebody else just now`)
  return key
}

/** @throws KeyStoreError if there is no such key */
export async function revokeKey(store: KeyStore, id: string, now: Date): Promise<KeyRecord> {
  const record = await store.revoke(id, now)
  if (!record) throw new KeyStoreError('KEY_NOT_FOUND', `there is no key ${id}`)
  return record
}
