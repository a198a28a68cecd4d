/**
 * A version of a registered model → a verified bundle in a folder of one's own, whole or not at all. Refuses to replace what is no
 * bundle.
 */
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { type Bundle, loadBundle, readManifest } from '../bundle/index.ts'
import type { ModelVersion } from '../mlflow/index.ts'
import { downloadBundle, type DownloadOptions, type Downloads } from './download.ts'
import { MANIFEST } from './layout.ts'

/**
 * @param out the folder; a bundle that lies there is replaced
 * @throws Error if something else lies there, and what `downloadBundle` and `loadBundle` throw
 */
export async function pullBundle(
  client: Downloads,
  version: ModelVersion,
  out: string,
  options: DownloadOptions,
): Promise<Bundle> {
  const target = resolve(out)
  await expectReplaceable(target)
  await mkdir(dirname(target), { recursive: true })
  const incoming = await mkdtemp(`${target}.incoming-`)
  try {
    const bundle = await fetchVerified(client, version, incoming, options)
    await replace(target, incoming)
    return bundle
  } finally {
    await rm(incoming, { recursive: true, force: true })
  }
}

/** Downloads into an empty folder and verifies what came. */
export async function fetchVerified(
  client: Downloads,
  version: ModelVersion,
  folder: string,
  options: DownloadOptions,
): Promise<Bundle> {
  await downloadBundle(client, version, folder, options)
  return loadBundle(folder)
}

/** A bundle has the files that its manifest names, and no others. */
async function expectReplaceable(target: string): Promise<void> {
  const names = await readdir(target).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  if (names.length === 0) return
  const known = await filesOf(target)
  const other = names.find((name) => !known.has(name))
  if (other !== undefined)
    throw new Error(`expected ${target} to be free or to hold a bundle and no more, got ${other} in it`)
}

async function filesOf(folder: string): Promise<ReadonlySet<string>> {
  try {
    const { files } = readManifest(JSON.parse(await readFile(join(folder, MANIFEST), 'utf8')))
    return new Set([MANIFEST, ...files.keys()])
  } catch {
    return new Set()
  }
}

/** What was there comes back if the new one cannot take its place. */
async function replace(target: string, incoming: string): Promise<void> {
  const old = `${incoming}.old`
  const isThere = existsSync(target)
  if (isThere) await rename(target, old)
  try {
    await rename(incoming, target)
  } catch (error) {
    if (isThere) await rename(old, target)
    throw error
  }
  await rm(old, { recursive: true, force: true })
}
