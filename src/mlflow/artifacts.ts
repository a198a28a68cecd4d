/**
 * Artifacts: the files of a run, and of a version of a model. Bytes pass through the MLflow server in both directions, so nothing is
 * known here of S3 and the like; a server that does not pass them on is refused with an error that says how to start it.
 */
import { Readable } from 'node:stream'
import type { Download } from './answer.ts'
import { encoded, proxiedFolderOf, segmentsOf } from './artifact-path.ts'
import { type Endpoint, ENDPOINTS } from './endpoints.ts'
import { MlflowError } from './errors.ts'
import type { Fields } from './fields.ts'
import { pagesOf } from './pages.ts'
import type { Call, Transport } from './transport.ts'

export interface ArtifactFile {
  /** From the root of the run or of the model version. */
  readonly path: string
  readonly isFolder: boolean
  /** Null of folders, and of empty files: MLflow leaves out a zero. */
  readonly sizeBytes: number | null
}

export interface DownloadOptions {
  readonly maxBytes: number
  /** Ends it, in the middle of the body too. */
  readonly signal?: AbortSignal
}

/**
 * A download throws MlflowError RESOURCE_DOES_NOT_EXIST if the run or version does not exist, and if the file does not, where the
 * server is MLflow 3; MLflow 2 answers a missing file with a bare 500: MLFLOW_UNEXPECTED_ANSWER with `status` 500. A body of more than
 * `maxBytes` is MLFLOW_ANSWER_TOO_LARGE, one that ends early MLFLOW_TRUNCATED: thrown where content-length tells, by the stream
 * otherwise. No page of a proxy that says 200 can be told from a file: compare hashes.
 */
export interface ArtifactCalls {
  /**
   * @param run the run, or what else has an `artifactUri`
   * @param body a stream is sent once; a buffer is sent again after a fault that may pass
   * @param size bytes of the stream, if known: proxies like to be told
   * @throws MlflowError INVALID_ARTIFACT_URI if the server does not pass artifacts on, INVALID_ARTIFACT_PATH, MLFLOW_UPLOAD_FAILED if
   * the stream fails or is not of that size
   */
  uploadArtifact(
    run: { readonly artifactUri: string },
    path: string,
    body: Buffer | Readable,
    size?: number,
    signal?: AbortSignal,
  ): Promise<void>

  /** One folder of a run, all pages. Empty where there is no such folder. */
  listRunArtifacts(runId: string, path?: string): Promise<ArtifactFile[]>

  downloadRunArtifact(runId: string, path: string, options: DownloadOptions): Promise<Download>

  /**
   * One folder of a model version. MLflow has no call for it: it is asked where the version's files are, and then for the list of
   * that folder. So it works where the server passes artifacts on.
   * @throws MlflowError INVALID_ARTIFACT_URI where it does not: then the caller has to know the names
   */
  listModelArtifacts(name: string, version: string, path?: string): Promise<ArtifactFile[]>

  /** The server finds the files itself, wherever they are. */
  downloadModelArtifact(
    name: string,
    version: string,
    path: string,
    options: DownloadOptions,
  ): Promise<Download>

  /** A small file as a whole; tried again if it ends early. */
  downloadModelFile(name: string, version: string, path: string, options: DownloadOptions): Promise<Buffer>
}

export function artifactCalls(transport: Transport): ArtifactCalls {
  const modelFile = (name: string, version: string, path: string, signal?: AbortSignal): Call => ({
    endpoint: ENDPOINTS.downloadModelArtifact,
    parameters: { name, version, path: segmentsOf(path).join('/') },
    signal,
  })

  return {
    async uploadArtifact(run, path, body, size, signal) {
      if (Buffer.isBuffer(body)) return upload(run.artifactUri, path, body, body.length, true, signal)
      const source = watched(body)
      try {
        await upload(run.artifactUri, path, source.body, size ?? null, false, signal)
      } catch (error) {
        throw source.failure() ?? error
      } finally {
        body.destroy()
      }
    },

    async listRunArtifacts(runId, path) {
      const folder = path === undefined ? undefined : segmentsOf(path).join('/')
      const files: ArtifactFile[] = []
      const pages = pagesOf((page_token) =>
        transport.json(ENDPOINTS.listRunArtifacts, { run_id: runId, path: folder, page_token }),
      )
      for await (const page of pages) files.push(...page.objects('files').map((file) => readFile(file)))
      return files
    },

    async downloadRunArtifact(runId, path, { maxBytes, signal }) {
      const parameters = { run_id: runId, path: segmentsOf(path).join('/') }
      const endpoint = ENDPOINTS.downloadRunArtifact
      return transport.run({ endpoint, parameters, signal }, async (answer) => answer.download(maxBytes))
    },

    async listModelArtifacts(name, version, path) {
      const below = path === undefined ? [] : segmentsOf(path)
      const answer = await transport.json(ENDPOINTS.getModelDownloadUri, { name, version })
      const { origin, segments } = proxied(answer.text('artifact_uri'))
      const endpoint = ENDPOINTS.proxiedArtifacts
      const parameters = { path: [...segments, ...below].join('/') }
      const list = await transport.run({ endpoint, origin, parameters }, (answer) =>
        answer.json(transport.policy.maxResponseBytes),
      )
      return list.objects('files').map((file) => readFile(file, below))
    },

    async downloadModelArtifact(name, version, path, { maxBytes, signal }) {
      return transport.run(modelFile(name, version, path, signal), async (answer) =>
        answer.download(maxBytes),
      )
    },

    async downloadModelFile(name, version, path, { maxBytes, signal }) {
      return transport.run(modelFile(name, version, path, signal), (answer) => answer.bytes(maxBytes))
    },
  }

  async function upload(
    artifactUri: string,
    path: string,
    body: Buffer | Readable,
    sizeBytes: number | null,
    repeatable: boolean,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { origin, segments } = proxied(artifactUri)
    const below = encoded([...segments, ...segmentsOf(path)])
    const endpoint: Endpoint = { ...ENDPOINTS.proxiedArtifacts, method: 'PUT', repeatable }
    const content = { body, sizeBytes }
    // MLflow 2 answers {}, MLflow 3 nothing at all.
    await transport.run({ endpoint, below, origin, content, signal }, (answer) => answer.discard())
  }

  /** A server of its own is spoken to as the tracking server is (mlflow/store/artifact/mlflow_artifacts_repo.py, resolve_uri). */
  function proxied(artifactUri: string): { origin: string; segments: readonly string[] } {
    const { host, segments } = proxiedFolderOf(artifactUri)
    const { origin } = transport.address
    return {
      origin: host === null ? origin : new URL(`${new URL(origin).protocol}//${host}`).origin,
      segments,
    }
  }
}

/** A stream as undici takes it, and whether it was the stream that failed and not the connection. */
function watched(stream: Readable): { body: Readable; failure: () => MlflowError | null } {
  let failure: MlflowError | null = null
  async function* bytes(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of stream) yield chunk as Uint8Array
    } catch (error) {
      const message = `expected to read the bytes to be uploaded, got ${(error as Error).message}`
      throw (failure = MlflowError.of('MLFLOW_UPLOAD_FAILED', message, { cause: error }))
    }
  }
  return { body: Readable.from(bytes(), { objectMode: false }), failure: () => failure }
}

/** @param folder what paths in the answer are relative to */
const readFile = (file: Fields, folder: readonly string[] = []): ArtifactFile => ({
  path: [...folder, file.text('path')].join('/'),
  isFolder: file.isTrue('is_dir'),
  sizeBytes: file.numberOrNull('file_size'),
})
