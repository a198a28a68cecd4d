/**
 * An MLflow server's part that the rollout asks, over HTTP, with whatever can be wrong with it.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import type { Test } from 'tap'
import { fakeServer } from '../mlflow/fake-server.ts'

export interface FakeVersion {
  readonly files: Map<string, Buffer>
  readonly tags: Map<string, string>
  updatedMs: number
}

export interface FakeRegistry {
  readonly url: string
  /** By number. */
  readonly versions: Map<string, FakeVersion>
  /** Alias → version. */
  readonly aliases: Map<string, string>
  /** Answers every request, or those it answers `true` for, in place of the server. */
  fault: ((url: URL, response: ServerResponse) => boolean) | null
  /** Of requests, those since the last call. */
  asked(): string[]
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

/** A version with the files of a bundle's folder and the tags that go with them. */
export function versionOf(
  folder: string,
  change: (files: Map<string, Buffer>) => void = () => {},
): FakeVersion {
  const files = new Map(readdirSync(folder).map((file) => [file, readFileSync(join(folder, file))]))
  change(files)
  const tags = new Map([...files].map(([file, bytes]) => [`sha256.${file}`, sha256(bytes)]))
  return { files, tags, updatedMs: 1 }
}

/** The manifest's hashes follow its files. */
export function withManifest(files: Map<string, Buffer>, change: (manifest: any) => void = () => {}): void {
  const manifest = JSON.parse(files.get('manifest.json')!.toString())
  for (const file of Object.keys(manifest.files))
    if (files.has(file)) manifest.files[file] = sha256(files.get(file)!)
  change(manifest)
  files.set('manifest.json', Buffer.from(JSON.stringify(manifest)))
}

export async function fakeRegistry(t: Test): Promise<FakeRegistry> {
  const versions = new Map<string, FakeVersion>()
  const aliases = new Map<string, string>()
  let asked: string[] = []
  const missing = (response: ServerResponse, status: number, error_code: string, message: string): void => {
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ error_code, message }))
  }
  const json = (response: ServerResponse, body: object): void =>
    void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  const registry: FakeRegistry = {
    url: '',
    versions,
    aliases,
    fault: null,
    asked: () => asked.splice(0),
  }
  const server = await fakeServer(t, (request, response) => {
    const url = new URL(request.url!, 'http://registry')
    const parameter = (name: string): string => url.searchParams.get(name) ?? ''
    asked.push(`${url.pathname.split('/').at(-1)} ${parameter('alias') || parameter('path')}`)
    if (registry.fault?.(url, response)) return
    if (url.pathname.endsWith('/registered-models/alias')) {
      const alias = parameter('alias')
      const number = aliases.get(alias)
      // A deleted version keeps its aliases for a moment in some servers.
      const version = versions.get(number ?? '') ?? { tags: new Map(), updatedMs: 0 }
      if (number === undefined)
        return missing(
          response,
          400,
          'INVALID_PARAMETER_VALUE',
          `INVALID_PARAMETER_VALUE: Registered model alias ${alias} not found.`,
        )
      const model_version = {
        name: parameter('name'),
        version: number,
        status: 'READY',
        last_updated_timestamp: version.updatedMs,
        tags: [...version.tags].map(([key, value]) => ({ key, value })),
      }
      const body = JSON.stringify({ model_version })
      const etag = `"${sha256(Buffer.from(body)).slice(0, 16)}"`
      if (request.headers['if-none-match'] === etag) return void response.writeHead(304, { etag }).end()
      return void response.writeHead(200, { 'content-type': 'application/json', etag }).end(body)
    }
    if (url.pathname.endsWith('/get-download-uri'))
      return json(response, { artifact_uri: `mlflow-artifacts:/${parameter('version')}` })
    if (url.pathname.endsWith('/mlflow-artifacts/artifacts')) {
      const [number = '', ...folder] = parameter('path').split('/')
      const files = folder.join('/') === 'data/bundle' ? (versions.get(number)?.files ?? []) : []
      return json(response, {
        files: [...files].map(([path, { length }]) => ({ path, is_dir: false, file_size: length })),
      })
    }
    const file = versions.get(parameter('version'))?.files.get(parameter('path').replace('data/bundle/', ''))
    if (!file) return missing(response, 404, 'RESOURCE_DOES_NOT_EXIST', 'no such model version or file')
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': file.length })
    response.end(file)
  })
  return Object.assign(registry, { url: server.url })
}
