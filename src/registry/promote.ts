/**
 * A version becomes the champion: its bundle is fetched and verified first, so that an alias never points at what no service would
 * take. The way back is to promote the version before.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { MlflowClient, ModelVersion } from '../mlflow/index.ts'
import type { DownloadOptions } from './download.ts'
import { CHALLENGER, CHAMPION } from './layout.ts'
import { fetchVerified } from './pull.ts'

export interface Promotion {
  readonly name: string
  readonly version: string
  /** As its manifest has it. */
  readonly bundleVersion: string
  /** The champion before; null if there was none. */
  readonly previous: string | null
  /** It was the challenger, and is no longer: a model is not compared with itself. */
  readonly wasChallenger: boolean
}

/** @throws RefusedError, BundleError, MlflowError: the alias stays as it is; an Error that says so if it has moved */
export async function promoteVersion(
  client: MlflowClient,
  name: string,
  version: string,
  options: DownloadOptions,
): Promise<Promotion> {
  const registered = await client.getModelVersion(name, version)
  const folder = await mkdtemp(join(tmpdir(), 'day7-promote-'))
  try {
    const { manifest } = await fetchVerified(client, registered, folder, options)
    const previous = await client.getAlias(name, CHAMPION)
    await client.setAlias(name, CHAMPION, registered.version)
    const wasChallenger = await clearChallenger(client, registered).catch((cause: unknown) => {
      const what = `${name} version ${registered.version} is champion, but may still be challenger too`
      throw new Error(`${what}: ${(cause as Error).message}`, { cause })
    })
    return {
      name,
      version: registered.version,
      bundleVersion: manifest.version,
      previous: previous?.version ?? null,
      wasChallenger,
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function clearChallenger(client: MlflowClient, { name, version }: ModelVersion): Promise<boolean> {
  const challenger = await client.getAlias(name, CHALLENGER)
  if (challenger?.version !== version) return false
  await client.deleteAlias(name, CHALLENGER)
  return true
}
