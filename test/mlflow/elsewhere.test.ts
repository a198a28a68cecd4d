/**
 * What an MLflow server, or whoever registers a model in it, may write to make us ask another server: redirects, locations, names. That
 * other server is there, and is never asked; nobody gets the credentials but the tracking server.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { downloadBundle } from '../../src/registry/index.ts'
import { fakeRegistry, versionOf, withManifest } from '../rollout/fake-registry.ts'
import { clientOf, failure, fakeServer } from './fake-server.ts'

const withSecret = (url: string): string => url.replace('//', '//me:s3cret@')

t.test('redirects are not followed', async (t) => {
  for (const status of [301, 302, 303, 307, 308]) {
    const other = await fakeServer(t, { body: { model_version: { name: 'm', version: '1' } } })
    for (const location of [`${other.url}/x`, withSecret(other.url), other.url.replace('http:', '')]) {
      const tracking = await fakeServer(t, { status, headers: { location }, body: 'moved' })
      const client = clientOf(t, withSecret(tracking.url))
      const calls = [
        () => client.getModelVersion('m', '1'),
        () => client.pollAlias('m', 'champion'),
        () => client.setModelVersionTag('m', '1', 'k', 'v'),
        () => client.downloadModelArtifact('m', '1', 'data/f', { maxBytes: 100 }),
        () => client.downloadRunArtifact('r', 'f', { maxBytes: 100 }),
        () => client.uploadArtifact({ artifactUri: 'mlflow-artifacts:/1/r' }, 'f', Buffer.from('x')),
        () => client.version(),
      ]
      for (const call of calls) {
        const error = await failure(call())
        t.match(error, { code: 'MLFLOW_UNEXPECTED_ANSWER', status, message: /a redirect to/ })
        t.notMatch(error.message, /s3cret/)
      }
      t.equal(tracking.asked.length, calls.length)
      t.same(other.asked, [])
    }
  }
})

t.test('a version’s source is nothing that we ask for', async (t) => {
  const other = await fakeServer(t, {})
  const sources = [
    `${other.url}/bundle`,
    'http://169.254.169.254/latest/meta-data',
    'file:///etc',
    's3://bucket/x',
    `mlflow-artifacts://${new URL(other.url).host}/x`,
    '../../..',
  ]
  for (const source of sources) {
    const registry = await fakeRegistry(t)
    registry.versions.set('1', versionOf('artifacts/champion'))
    const client = clientOf(t, withSecret(registry.url))
    const folder = mkdtempSync(join(tmpdir(), 'day7-elsewhere-'))
    t.teardown(() => rmSync(folder, { recursive: true, force: true }))
    const version = { name: 'm', version: '1', source, tags: new Map<string, string>() }
    await downloadBundle(client, version, folder, { maxBytes: 2 ** 28 })
    t.ok(
      registry.asked().every((asked) => asked.startsWith('get-artifact data/bundle/')),
      source,
    )
  }
  t.same(other.asked, [])
})

t.test('names of models and versions are parameters, whatever they look like', async (t) => {
  const tracking = await fakeServer(t, { body: { model_version: { name: 'm', version: '1' } } })
  const other = await fakeServer(t, {})
  const client = clientOf(t, withSecret(tracking.url))
  const names = [
    `${other.url}/x`,
    '../../../admin',
    '..%2f..%2fadmin',
    '?x=1&y=2',
    '#x',
    '@127.0.0.1',
    '\\\\host\\x',
    'a\r\nhost: other',
  ]
  for (const name of names) {
    await client.getModelVersion(name, name)
    const { method, url } = tracking.asked.at(-1)!
    const { pathname, searchParams } = new URL(url, tracking.url)
    t.same([method, pathname], ['GET', '/api/2.0/mlflow/model-versions/get'])
    t.same(
      [...searchParams],
      [
        ['name', name],
        ['version', name],
      ],
    )
  }
  t.equal(tracking.asked.length, names.length)
  t.same(other.asked, [])
})

t.test('files that a manifest names elsewhere are not asked for, and nothing is written', async (t) => {
  const names = [
    '../evil',
    '/etc/evil',
    'a/b',
    '..',
    '.',
    '.evil',
    'C:\\evil',
    '..\\evil',
    'a\0b',
    '%2e%2e%2fevil',
    'a b',
    '',
    'a?b',
    'é',
  ]
  for (const name of names) {
    const registry = await fakeRegistry(t)
    registry.versions.set(
      '1',
      versionOf('artifacts/champion', (files) =>
        withManifest(files, (manifest) => (manifest.files[name] = 'a'.repeat(64))),
      ),
    )
    const home = mkdtempSync(join(tmpdir(), 'day7-elsewhere-'))
    t.teardown(() => rmSync(home, { recursive: true, force: true }))
    const version = { name: 'm', version: '1', tags: new Map<string, string>() }
    const folder = mkdtempSync(join(home, 'incoming-'))
    const error = await failure(
      downloadBundle(clientOf(t, registry.url), version, folder, { maxBytes: 2 ** 28 }),
    )
    t.match(
      error,
      { code: 'BUNDLE_REFUSED', message: /expected a plain file name in "files"/ },
      JSON.stringify(name),
    )
    // A second time, and beside the list of files: the manifest came whole.
    t.same(registry.asked(), [
      'get-artifact data/bundle/manifest.json',
      'get-download-uri ',
      'artifacts 1/data/bundle',
      'get-artifact data/bundle/manifest.json',
    ])
    t.same(
      [readdirSync(home).length, readdirSync(folder).filter((file) => file !== 'manifest.json')],
      [1, []],
    )
  }
})
