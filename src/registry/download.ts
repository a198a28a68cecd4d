/**
 * A version of a registered model → its bundle's files in a folder, with the hashes that the version's tags and the manifest give.
 * Nothing is trusted: files are named by the manifest alone, counted while they come, and hashed. Whether the bundle may be served is
 * decided when it is loaded.
 */
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
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

const MAX_MANIFEST_BYTES = 2 ** 20
const MAX_FILES = 100
/** Errors of MLflow that come again with the same version. */
const FINAL_CODES = new Set(['MLFLOW_ANSWER_TOO_LARGE', 'RESOURCE_DOES_NOT_EXIST', 'INVALID_ARTIFACT_PATH'])

/**
 * @param folder an empty one
 * @throws RefusedError, MlflowError, NotAFileError
 */
export async function downloadBundle(
  client: Pick<MlflowClient, 'downloadModelArtifact'>,
  { name, version, tags }: Pick<ModelVersion, 'name' | 'version' | 'tags'>,
  folder: string,
  { maxBytes, signal }: DownloadOptions,
): Promise<void> {
  const manifest = await download(MANIFEST, Math.min(maxBytes, MAX_MANIFEST_BYTES), async (body) =>
    Buffer.concat(await body.toArray()),
  )
  expectHash(MANIFEST, tags.get(hashTag(MANIFEST)), sha256(manifest), 'the version’s tag')
  await writeFile(join(folder, MANIFEST), manifest)
  let bytesLeft = maxBytes - manifest.length
  for (const [file, expected] of filesOf(manifest)) {
    expectHash(file, tags.get(hashTag(file)), expected, 'the version’s tag')
    const { sha256, bytes } = await download(file, bytesLeft, (body) => write(body, join(folder, file)))
    expectHash(file, expected, sha256, 'the manifest')
    bytesLeft -= bytes
  }

  async function download<T>(
    file: string,
    maxBytes: number,
    use: (body: Readable) => Promise<T>,
  ): Promise<T> {
    const path = `${BUNDLE_FOLDER}/${file}`
    const options = { maxBytes, ...(signal && { signal }) }
    try {
      const { body, contentType } = await client.downloadModelArtifact(name, version, path, options)
      if (contentType?.startsWith('text/html')) {
        body.destroy()
        throw new NotAFileError(`${file}: expected a file, got a page (${contentType})`)
      }
      return await use(body)
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

const TOO_LARGE = 'MLFLOW_ANSWER_TOO_LARGE'
const tooLarge = (maxBytes: number): string =>
  `expected at most ${maxBytes} bytes, which is what is left of MODEL_MAX_BYTES, got more`

async function write(body: Readable, path: string): Promise<{ sha256: string; bytes: number }> {
  const digest = createHash('sha256')
  let bytes = 0
  await pipeline(
    body,
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        digest.update(chunk)
        bytes += chunk.length
        yield chunk
      }
    },
    createWriteStream(path),
  )
  return { sha256: digest.digest('hex'), bytes }
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

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
