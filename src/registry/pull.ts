/**
 * A version of a registered model → a verified bundle in a folder of one's own, whole or not at all. Refuses to replace what is no
 * bundle.
 */
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { type Bundle, loadBundle } from '../bundle/index.ts'
import type { MlflowClient, ModelVersion } from '../mlflow/index.ts'
import { downloadBundle, type DownloadOptions } from './download.ts'
import { MANIFEST } from './layout.ts'

/**
 * @param out the folder; a bundle that lies there is replaced
 * @throws Error if something else lies there, and what `downloadBundle` and `loadBundle` throw
 */
export async function pullBundle(
  client: Pick<MlflowClient, 'downloadModelArtifact'>,
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
  client: Pick<MlflowClient, 'downloadModelArtifact'>,
  version: ModelVersion,
  folder: string,
  options: DownloadOptions,
): Promise<Bundle> {
  await downloadBundle(client, version, folder, options)
  return loadBundle(folder)
}

async function expectReplaceable(target: string): Promise<void> {
  const names = await readdir(target).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  if (names.length > 0 && !names.includes(MANIFEST))
    throw new Error(`expected ${target} to be free or to hold a bundle, got a folder with other files`)
}

async function replace(target: string, incoming: string): Promise<void> {
  const old = `${incoming}.old`
  if (existsSync(target)) await rename(target, old)
  await rename(incoming, target)
  await rm(old, { recursive: true, force: true })
}
