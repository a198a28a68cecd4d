/**
 * Takes the records of users out of the quarantine, as far as lines there can be told apart.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fieldOf } from './line.ts'
import { QUARANTINE } from './owner.ts'

export async function eraseFromQuarantine(spoolFolder: string, userIds: readonly string[]): Promise<void> {
  const folder = join(spoolFolder, QUARANTINE)
  const fields = userIds.map((userId) => Buffer.from(`\t${fieldOf(userId)}\t`))
  const isOfThem = (bytes: Buffer): boolean => fields.some((field) => bytes.includes(field))
  for (const name of await namesIn(folder)) {
    const bytes = await readFile(join(folder, name))
    if (!isOfThem(bytes)) continue
    const kept: Buffer[] = []
    for (let start = 0, end; start < bytes.length; start = end) {
      end = bytes.indexOf('\n', start) + 1 || bytes.length
      const line = bytes.subarray(start, end)
      if (!isOfThem(line)) kept.push(line)
    }
    await writeFile(join(folder, name), kept)
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
