/**
 * Keys in a JSON file, which only its owner can read. A change is written beside it and put in its place at once; a lock keeps two
 * changes from undoing each other.
 */
import { randomUUID } from 'node:crypto'
import { chmod, chown, mkdir, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { KeyRecord } from './keys.ts'
import { type KeyStore, KeyStoreError, type Replaced } from './key-store.ts'
import { readKeys, writeKeys } from './key-text.ts'

export interface KeyFileOptions {
  /** Whether there must be one; otherwise a missing file is one without keys, until there has been one. */
  readonly isRequired: boolean
  /** How long a change waits for another one. */
  readonly lockWaitMs?: number
}

const LOCK_WAIT_MS = 5_000
const LOCK_LOOK_MS = 50
const OWNER_ONLY = 0o600

export class KeyFile implements KeyStore {
  readonly #path: string
  readonly #lockWaitMs: number
  #isRequired: boolean
  #last: { readonly text: string; readonly records: readonly KeyRecord[] } | undefined

  constructor(path: string, { isRequired, lockWaitMs = LOCK_WAIT_MS }: KeyFileOptions) {
    this.#path = path
    this.#lockWaitMs = lockWaitMs
    this.#isRequired = isRequired
  }

  /** Whether others than its owner may write to it, and so add keys. */
  async isOpenToOthers(): Promise<boolean> {
    const file = await stat(this.#path).catch(() => null)
    return file !== null && (file.mode & 0o022) !== 0
  }

  /** @throws Error with what is wrong in the file, and where. The same array as before if the file is the same */
  async list(): Promise<readonly KeyRecord[]> {
    const text = await this.#read()
    if (text === null) return []
    this.#isRequired = true
    if (this.#last?.text !== text) this.#last = { text, records: this.#parse(text) }
    return this.#last.records
  }

  async add(key: KeyRecord, replaced: Replaced | null): Promise<boolean> {
    const changed = await this.#change((records) => {
      if (!replaced) return [...records, key]
      const old = records.find(({ id }) => id === replaced.id)
      if (!old || old.revoked || old.replacedBy !== null) return null
      const expires = old.expires && old.expires < replaced.expires ? old.expires : replaced.expires
      return [...records.with(records.indexOf(old), { ...old, expires, replacedBy: key.id }), key]
    })
    return changed !== null
  }

  async revoke(id: string, time: Date): Promise<KeyRecord | null> {
    const changed = await this.#change((records) => {
      const old = records.find((record) => record.id === id)
      return old ? records.with(records.indexOf(old), { ...old, revoked: old.revoked ?? time }) : null
    })
    return changed?.find((record) => record.id === id) ?? null
  }

  async #read(): Promise<string | null> {
    try {
      return await readFile(this.#path, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      if (!this.#isRequired) return null
      throw new Error(
        `${this.#path}: expected a file with keys, there is none; \`day7 keys create\` makes it`,
        {
          cause: error,
        },
      )
    }
  }

  #parse(text: string): KeyRecord[] {
    try {
      return readKeys(text)
    } catch (cause) {
      throw new Error(`${this.#path}, ${(cause as Error).message}`, { cause })
    }
  }

  /** @param change null: nothing is to change */
  async #change<T extends readonly KeyRecord[] | null>(
    change: (records: readonly KeyRecord[]) => T,
  ): Promise<T> {
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 })
    // What is replaced is the file, not a link to it.
    const path = await realpath(this.#path).catch(() => this.#path)
    const lock = `${path}.lock`
    await this.#lock(lock)
    try {
      const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return null
        throw error
      })
      const changed = change(text === null ? [] : this.#parse(text))
      if (changed) await replaceFile(path, writeKeys(changed))
      return changed
    } finally {
      await rm(lock, { force: true })
    }
  }

  async #lock(path: string): Promise<void> {
    const deadline = performance.now() + this.#lockWaitMs
    for (;;) {
      try {
        await (await open(path, 'wx', OWNER_ONLY)).close()
        return
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
        if (performance.now() > deadline)
          throw new KeyStoreError(
            'KEY_FILE_LOCKED',
            `${path} is there, so somebody else is changing the keys; remove it if nobody is`,
          )
        await delay(LOCK_LOOK_MS)
      }
    }
  }
}

/** All of the text or nothing of it, whatever happens; mode and owner stay those of the file that was there. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const before = await stat(path).catch(() => null)
  const written = `${path}.${randomUUID()}`
  try {
    const file = await open(written, 'wx', OWNER_ONLY)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    if (before) {
      await chmod(written, before.mode & 0o777)
      // Only root can give a file away, and only root's would otherwise change hands.
      await chown(written, before.uid, before.gid).catch(() => {})
    }
    await rename(written, path)
  } catch (error) {
    await rm(written, { force: true })
    throw error
  }
}
