/**
 * A version of a registered model → its bundle's files in a folder, with the hashes that the version's tags and the manifest give.
 * Nothing is trusted: files are named by the manifest alone, counted while they come, and hashed. Whether the bundle may be served is
 * decided when it is loaded.
 *
 * A version is refused for what it is, and never for what a download made of it: what is not as expected and may not be whole (a page in
 * its place, another size than the server lists, other bytes when it is asked for again) is an error that may pass.
 */
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { readManifest } from '../bundle/index.ts'
import type { MlflowClient, ModelVersion } from '../mlflow/index.ts'
import { BUNDLE_FOLDER, hashTag, MANIFEST } from './layout.ts'

export interface DownloadOptions {
  /** Of all files together. */
  readonly maxBytes: number
  readonly signal?: AbortSignal
}

/** To download again would bring the same. Any other error may pass. */
export class RefusedError extends Error {
  readonly code = 'BUNDLE_REFUSED'
  override readonly name = 'RefusedError'
}

/** A page in place of a file is a proxy's. */
export class NotAFileError extends Error {
  readonly code = 'BUNDLE_NOT_A_FILE'
  override readonly name = 'NotAFileError'
}

/** The download was damaged. */
export class NotWholeError extends Error {
  readonly code = 'BUNDLE_NOT_WHOLE'
  override readonly name = 'NotWholeError'
}

/** As it came. */
interface Downloaded {
  readonly sha256: string
  readonly bytes: number
  readonly isPage: boolean
}

const MAX_MANIFEST_BYTES = 2 ** 20
const MAX_FILES = 100
/** Errors of MLflow that come again with the same version. */
const FINAL_CODES = new Set(['MLFLOW_ANSWER_TOO_LARGE', 'RESOURCE_DOES_NOT_EXIST', 'INVALID_ARTIFACT_PATH'])

/**
 * @param folder an empty one
 * @throws RefusedError, MlflowError, NotAFileError, NotWholeError
 */
export async function downloadBundle(
  client: Downloads,
  { name, version, tags }: Pick<ModelVersion, 'name' | 'version' | 'tags'>,
  folder: string,
  { maxBytes, signal }: DownloadOptions,
): Promise<void> {
  let bytesLeft = Math.min(maxBytes, MAX_MANIFEST_BYTES)
  const files = await manifest()
  for (const [file, expected] of files) {
    expectHash(file, tags.get(hashTag(file)), expected, 'the version’s tag')
    const downloaded = await download(file)
    if (downloaded.sha256 !== expected) await expectWhole(file, downloaded)
    expectHash(file, expected, downloaded.sha256, 'the manifest')
    bytesLeft -= downloaded.bytes
  }

  async function manifest(): Promise<ReadonlyMap<string, string>> {
    const downloaded = await download(MANIFEST)
    const expected = tags.get(hashTag(MANIFEST))
    if (expected !== undefined && expected !== downloaded.sha256) await expectWhole(MANIFEST, downloaded)
    expectHash(MANIFEST, expected, downloaded.sha256, 'the version’s tag')
    bytesLeft = maxBytes - downloaded.bytes
    try {
      return filesOf(await readFile(join(folder, MANIFEST)))
    } catch (error) {
      if (expected === undefined) await expectWhole(MANIFEST, downloaded)
      throw error
    }
  }

  /** @throws NotAFileError, NotWholeError, MlflowError if what came may not be what the server has */
  async function expectWhole(file: string, { sha256, bytes, isPage }: Downloaded): Promise<void> {
    if (isPage) throw new NotAFileError(`${file}: expected a file, got a page`)
    const size = await sizeOf(file)
    if (size !== null && size !== bytes)
      throw new NotWholeError(`${file}: expected ${size} bytes as the server lists, got ${bytes}`)
    const again = await download(file)
    if (again.sha256 !== sha256)
      throw new NotWholeError(
        `${file}: expected the same each time, got sha256 ${sha256} and then ${again.sha256}`,
      )
  }

  /** @returns null where the server does not say: it need not pass on lists */
  async function sizeOf(file: string): Promise<number | null> {
    const listed = await client.listModelArtifacts(name, version, BUNDLE_FOLDER).catch(() => [])
    return listed.find(({ path }) => path === `${BUNDLE_FOLDER}/${file}`)?.sizeBytes ?? null
  }

  async function download(file: string): Promise<Downloaded> {
    const maxBytes = bytesLeft
    const options = { maxBytes, ...(signal && { signal }) }
    try {
      const path = `${BUNDLE_FOLDER}/${file}`
      const { body, contentType } = await client.downloadModelArtifact(name, version, path, options)
      if (contentType?.startsWith('text/html')) {
        body.destroy()
        throw new NotAFileError(`${file}: expected a file, got a page (${contentType})`)
      }
      return await write(body, join(folder, file))
    } catch (cause) {
      const { code } = cause as { code: string }
      if (!FINAL_CODES.has(code)) throw cause
      // The message names the server, and is for the log alone.
      throw new RefusedError(code === TOO_LARGE ? `${file}: ${tooLarge(maxBytes)}` : `${file}: ${code}`, {
        cause,
      })
    }
  }
}

/** What is asked of MLflow. */
export type Downloads = Pick<MlflowClient, 'downloadModelArtifact' | 'listModelArtifacts'>

const TOO_LARGE = 'MLFLOW_ANSWER_TOO_LARGE'
const tooLarge = (maxBytes: number): string =>
  `expected at most ${maxBytes} bytes, which is what is left of MODEL_MAX_BYTES, got more`

/** Of a page that a proxy sends as something else; no file of a bundle begins like this. */
const PAGE = /^(\uFEFF)?\s*<(!doctype|html|head|body|\?xml)/i
const BEGINNING_BYTES = 256

async function write(body: Readable, path: string): Promise<Downloaded> {
  const digest = createHash('sha256')
  let beginning = Buffer.alloc(0)
  let bytes = 0
  await pipeline(
    body,
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        digest.update(chunk)
        bytes += chunk.length
        if (beginning.length < BEGINNING_BYTES)
          beginning = Buffer.concat([beginning, chunk.subarray(0, BEGINNING_BYTES)])
        yield chunk
      }
    },
    createWriteStream(path),
  )
  return { sha256: digest.digest('hex'), bytes, isPage: PAGE.test(beginning.toString()) }
}

function filesOf(manifest: Buffer): ReadonlyMap<string, string> {
  try {
    const { files } = readManifest(JSON.parse(manifest.toString()))
    if (files.size > MAX_FILES) throw new TypeError(`expected at most ${MAX_FILES} files, got ${files.size}`)
    return files
  } catch (cause) {
    throw new RefusedError(`${MANIFEST}: ${(cause as Error).message}`, { cause })
  }
}

/** @param expected undefined: whoever registered the version said nothing of it */
function expectHash(file: string, expected: string | undefined, actual: string, by: string): void {
  if (expected !== undefined && expected !== actual)
    throw new RefusedError(`${file}: expected sha256 ${expected} as ${by} says, got ${actual}`)
}
