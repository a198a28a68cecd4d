/**
 * From an alias in MLflow to a bundle in service, over HTTP: what is good is served, and nothing that a server, a proxy or an
 * intruder can answer makes anything else serve.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { BundleError, loadBundle } from '../../src/bundle/index.ts'
import { downloadBundle } from '../../src/registry/index.ts'
import { BundleCache, Follower, RegistrySource, Rollout, type Variant } from '../../src/rollout/index.ts'
import { clientOf } from '../mlflow/fake-server.ts'
import { fakeRegistry, type FakeRegistry, versionOf, withManifest } from './fake-registry.ts'

const SHIPPED = 'artifacts/champion'
const MAX_BYTES = 2 ** 24

function temporaryFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'day7-cache-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** The same model under another version. */
const renamed = (version: string) =>
  versionOf(SHIPPED, (files) => withManifest(files, (manifest) => (manifest.version = version)))

interface Following {
  readonly follower: Follower
  readonly rollout: Rollout
  readonly home: string
  /** The version in service. */
  served(): string | null
}

function following(
  t: Test,
  registry: FakeRegistry,
  home = temporaryFolder(t),
  variant: Variant = 'champion',
  load = loadBundle,
): Following {
  const client = clientOf(t, registry.url, {
    policy: { retries: 0, headersTimeoutMs: 300, bodyTimeoutMs: 300 },
  })
  const now = () => new Date()
  const rollout = new Rollout({ traffic: { challengerShare: 0, salt: '', shadow: false }, now })
  const source = new RegistrySource({
    registry: {
      pollAlias: (name, alias, previous) => client.pollAlias(name, alias, previous),
      download: (version, folder, signal) =>
        downloadBundle(client, version, folder, { maxBytes: MAX_BYTES, signal }),
    },
    server: new URL(registry.url).host,
    name: 'm',
    variant,
    cache: new BundleCache(home, now),
  })
  const follower = new Follower({
    variant,
    source,
    rollout,
    load,
    acceptedInputs: new Set(),
    intervalMs: 3_600_000,
    startWaitMs: 10_000,
    random: () => 0.5,
    logger: { info: () => {}, warn: () => {}, error: () => {} },
    onRefusal: () => {},
  })
  t.teardown(() => follower.stop())
  const served = () => rollout.current()?.slots[variant]?.bundle.manifest.version ?? null
  return { follower, rollout, home, served }
}

async function started(t: Test): Promise<Following & { readonly registry: FakeRegistry }> {
  const registry = await fakeRegistry(t)
  registry.versions.set('1', renamed('one'))
  registry.aliases.set('champion', '1')
  const all = following(t, registry)
  await all.follower.start()
  t.equal(all.served(), 'one')
  registry.asked()
  return { ...all, registry }
}

t.test('an alias that moves, and one that does not', async (t) => {
  const { registry, follower, rollout, served } = await started(t)
  await follower.look()
  t.same(registry.asked(), ['alias champion'], 'an unchanged alias costs one small request')

  registry.versions.set('2', renamed('two'))
  registry.aliases.set('champion', '2')
  await follower.look()
  t.equal(served(), 'two')
  t.equal(rollout.current()!.slots.champion!.origin, 'models:/m/2')
  registry.aliases.set('champion', '1')
  await follower.look()
  t.equal(served(), 'one', 'and back')

  registry.versions.get('1')!.updatedMs++
  const since = rollout.current()!.slots.champion!.since
  await follower.look()
  t.equal(rollout.current()!.slots.champion!.since, since, 'a tag that changed swaps nothing')
})

const broken: Record<string, { change: (registry: FakeRegistry) => void; reason: RegExp }> = {
  'a file that is not what its hash says': {
    change: ({ versions }) => void versions.get('2')!.files.set('model.json', Buffer.from('{}')),
    reason: /model\.json: expected sha256 [0-9a-f]{64} as the manifest says, got [0-9a-f]{64}/,
  },
  'a manifest that is not what its tag says': {
    change: ({ versions }) => void versions.get('2')!.tags.set('sha256.manifest.json', 'f'.repeat(64)),
    reason: /manifest\.json: expected sha256 f{64} as the version’s tag says, got/,
  },
  'hashes that were changed with the files, but not in the tags': {
    change({ versions }) {
      const { files, tags } = versions.get('2')!
      files.set('profile.json', Buffer.from('{}'))
      withManifest(files)
      tags.delete('sha256.manifest.json')
    },
    reason: /profile\.json: expected sha256 .* as the version’s tag says/,
  },
  'a path with ..': {
    change: ({ versions }) =>
      void versions.set(
        '2',
        versionOf(SHIPPED, (files) =>
          withManifest(files, (manifest) => (manifest.files['../../evil.json'] = 'a'.repeat(64))),
        ),
      ),
    reason: /manifest\.json: expected a plain file name in "files", got "\.\.\/\.\.\/evil\.json"/,
  },
  'a manifest that is no JSON': {
    change({ versions }) {
      const { files, tags } = versions.get('2')!
      files.set('manifest.json', Buffer.from('{"name"'))
      tags.clear()
    },
    reason: /manifest\.json: /,
  },
  'a file that is not there': {
    change: ({ versions }) => void versions.get('2')!.files.delete('golden.ndjson'),
    reason: /golden\.ndjson: .*RESOURCE_DOES_NOT_EXIST/,
  },
  'files without end': {
    change: ({ versions }) =>
      void versions.set(
        '2',
        versionOf(SHIPPED, (files) =>
          withManifest(files, (manifest) => {
            for (let i = 0; i < 100; i++) manifest.files[`more-${i}.json`] = 'a'.repeat(64)
          }),
        ),
      ),
    reason: /manifest\.json: expected at most 100 files, got 106/,
  },
  'a version that was deleted': {
    change: ({ versions }) => void versions.delete('2'),
    reason: /manifest\.json: .*RESOURCE_DOES_NOT_EXIST/,
  },
  'golden predictions that are not reproduced': {
    change: ({ versions }) =>
      void versions.set(
        '2',
        versionOf(SHIPPED, (files) => {
          const text = files.get('golden.ndjson')!.toString()
          files.set('golden.ndjson', Buffer.from(text.replace(/"raw_score": ?-?\d/, '"raw_score":7')))
          withManifest(files)
        }),
      ),
    reason: /golden\.ndjson: line 1: raw score differs/,
  },
  'an artifact of 2 GB that says so': {
    change: (registry) =>
      (registry.fault = (url, response) =>
        url.search.includes('model.json') &&
        sends(response, { 'content-length': String(2 ** 31) }, Buffer.alloc(1000))),
    reason: /model\.json: expected at most \d+ bytes, which is what is left of MODEL_MAX_BYTES, got more/,
  },
  'an artifact of 2 GB that does not': {
    change: (registry) =>
      (registry.fault = (url, response) => url.search.includes('model.json') && sendsForEver(response)),
    reason: /model\.json: expected at most \d+ bytes/,
  },
}

for (const [what, { change, reason }] of Object.entries(broken))
  t.test(`refused: ${what}`, async (t) => {
    const { registry, follower, served, home } = await started(t)
    registry.versions.set('2', renamed('two'))
    registry.aliases.set('champion', '2')
    change(registry)
    await follower.look()
    t.equal(served(), 'one', 'the one in service stays')
    t.match(follower.status(), { state: 'refused', wanted: 'models:/m/2', reason })
    t.same(
      readdirSync(home).filter((name) => name.startsWith('incoming')),
      [],
      'nothing is left behind',
    )
    registry.asked()
    await follower.look()
    t.same(registry.asked(), ['alias champion'], 'it is not fetched again')

    registry.fault = null
    const good = renamed('two')
    good.updatedMs = 2
    registry.versions.set('2', good)
    await follower.look()
    t.equal(served(), 'two', 'until it has changed')
  })

let times = 0
const random = (): string => String(++times)
const sizeOf = (file: string): number => readFileSync(join(SHIPPED, file)).length

const passing: Record<string, (url: URL, response: ServerResponse) => boolean> = {
  'status 500': (_, response) => sends(response, {}, Buffer.from('oops'), 500),
  'a page of a proxy': (_, response) =>
    sends(response, { 'content-type': 'text/html' }, Buffer.from('<html>Log in</html>')),
  'a page of a proxy in place of a file': (url, response) =>
    url.search.includes('manifest') &&
    sends(response, { 'content-type': 'text/html; charset=utf-8' }, Buffer.from('<html>Log in</html>')),
  'a page of a proxy that is sent as a file': (url, response) =>
    url.search.includes('model.json') &&
    sends(response, { 'content-type': 'application/octet-stream' }, Buffer.from('\n<!DOCTYPE html>Log in')),
  'a file that ends early, and does not say so': (url, response) =>
    // In chunks: without a length.
    url.search.includes('model.json') && (response.writeHead(200).write('{"'), response.end(), true),
  'a manifest that ends early, and lists that are not passed on': (url, response) =>
    url.pathname.endsWith('/get-download-uri')
      ? sends(response, {}, Buffer.from('{}'), 404)
      : url.search.includes('manifest') && sends(response, {}, Buffer.from(`{"name"${random()}`)),
  'a file with other bytes each time': (url, response) =>
    url.search.includes('profile') &&
    sends(response, {}, Buffer.from(random().padEnd(sizeOf('profile.json')))),
  'a server that hangs': () => true,
  'a file that hangs': (url, response) =>
    url.search.includes('golden') && (response.writeHead(200).write('{'), true),
  'a file that breaks off': (url, response) => {
    if (!url.search.includes('model.json')) return false
    response.writeHead(200, { 'content-length': '1000' }).write('{"')
    setTimeout(() => response.destroy(), 10)
    return true
  },
  'a connection that breaks': (_, response) => (response.destroy(), true),
}

for (const [what, fault] of Object.entries(passing))
  t.test(`out of reach: ${what}`, async (t) => {
    const { registry, follower, served } = await started(t)
    registry.versions.set('2', renamed('two'))
    registry.aliases.set('champion', '2')
    registry.fault = fault
    await follower.look()
    t.equal(served(), 'one')
    t.match(follower.status(), { state: 'unreachable', refusals: 0 })
    registry.fault = null
    await follower.look()
    t.equal(served(), 'two', 'once it is back')
    t.match(follower.status(), { state: 'following', reason: null })
  })

t.test('the last good one is kept on disk, for a start without MLflow', async (t) => {
  const { registry, follower, home } = await started(t)
  await follower.stop()
  registry.fault = () => true // it hangs
  const second = following(t, registry, home)
  await second.follower.start()
  t.equal(second.served(), 'one')

  const stranger = following(t, await fakeRegistry(t), home)
  await stranger.follower.start()
  t.equal(stranger.served(), null, 'what another server had is not meant')
})

t.test('what was kept is verified again', async (t) => {
  const { registry, follower, home } = await started(t)
  await follower.stop()
  const kept = (await readdir(home)).find((name) => !name.endsWith('.json'))
  writeFileSync(join(home, kept!, 'model.json'), '{}')
  const second = following(t, registry, home)
  await second.follower.start()
  t.equal(second.served(), 'one', 'it is fetched again')
  await second.follower.stop()
  registry.fault = (_, response) => sends(response, {}, Buffer.from(''), 503)
  const third = following(t, registry, home)
  await third.follower.start()
  t.equal(third.served(), 'one', 'and kept again')
})

t.test('two that share a cache, and a model: what one finds damaged stays the other’s', async (t) => {
  const { registry, follower, rollout, home } = await started(t)
  registry.aliases.set('challenger', '1')
  const challenger = following(t, registry, home, 'challenger')
  challenger.rollout.place('champion', rollout.current()!.slots.champion!.bundle, 'here')
  await challenger.follower.start()
  t.equal(challenger.served(), null, 'it is the same model')
  t.ok((await readdir(home)).includes('challenger.json'))
  await Promise.all([follower.stop(), challenger.follower.stop()])
  const folder = (await readdir(home)).find((name) => !name.endsWith('.json'))

  registry.fault = (_, response) => sends(response, {}, Buffer.from(''), 503)
  const unlucky = following(t, registry, home, 'challenger', async () => {
    throw Object.assign(new Error('too many open files'), { code: 'EMFILE' })
  })
  await unlucky.follower.start()
  t.ok((await readdir(home)).includes(folder!), 'a fault of the machine spoils nothing')
  const mistaken = following(t, registry, home, 'challenger', async (folder) => {
    throw new BundleError(folder, 'model.json', 'expected sha256 a, got b')
  })
  await mistaken.follower.start()
  t.notOk((await readdir(home)).includes('challenger.json'))
  t.ok((await readdir(home)).includes(folder!), 'the champion names it too')
  const again = following(t, registry, home)
  await again.follower.start()
  t.equal(again.served(), 'one')
})

t.test('two processes on one cache that fetch the same at once', async (t) => {
  const registry = await fakeRegistry(t)
  registry.versions.set('1', renamed('one'))
  registry.aliases.set('champion', '1')
  const home = temporaryFolder(t)
  const both = [following(t, registry, home), following(t, registry, home)]
  await Promise.all(both.map(({ follower }) => follower.start()))
  registry.versions.set('2', renamed('two'))
  registry.aliases.set('champion', '2')
  await Promise.all(both.map(({ follower }) => follower.look()))
  t.same(
    both.map(({ served }) => served()),
    ['two', 'two'],
  )
  await Promise.all(both.map(({ follower }) => follower.stop()))
  registry.fault = () => true
  const later = following(t, registry, home)
  await later.follower.start()
  t.equal(later.served(), 'two')
})

t.test('a damaged copy does not keep its place when a good one comes', async (t) => {
  const { registry, follower, home } = await started(t)
  const folder = (await readdir(home)).find((name) => !name.endsWith('.json'))
  writeFileSync(join(home, folder!, 'model.json'), '{}')
  registry.versions.get('1')!.updatedMs++
  await follower.look()
  await follower.stop()
  registry.fault = () => true
  const later = following(t, registry, home)
  await later.follower.start()
  t.equal(later.served(), 'one')
})

t.test('a fetch that takes its time is told of', async (t) => {
  const { registry, follower } = await started(t)
  registry.versions.set('2', renamed('two'))
  registry.aliases.set('champion', '2')
  let isAsked = (): void => {}
  const asked = new Promise<void>((resolve) => (isAsked = resolve))
  registry.fault = (url) => url.search.includes('model.json') && (isAsked(), true)
  const looked = follower.look()
  await asked
  t.match(follower.status(), { state: 'fetching', wanted: 'models:/m/2', reason: null })
  await looked
  t.match(follower.status(), { state: 'unreachable', reason: 'MLFLOW_TIMEOUT' })
})

t.test('a cache that cannot be written does not keep a model from serving', async (t) => {
  const { registry, follower, served, home } = await started(t)
  registry.versions.set('2', renamed('two'))
  registry.aliases.set('champion', '2')
  await rm(home, { recursive: true })
  await follower.look()
  t.equal(served(), 'two', 'a folder that is gone is made again')
})

t.test('a challenger whose alias is gone does not come back with a new start', async (t) => {
  const { registry, rollout, home } = await started(t)
  registry.versions.set('2', renamed('two'))
  registry.aliases.set('challenger', '2')
  const challenger = following(t, registry, home, 'challenger')
  challenger.rollout.place('champion', rollout.current()!.slots.champion!.bundle, 'here')
  await challenger.follower.start()
  t.equal(challenger.served(), 'two')
  registry.aliases.delete('challenger')
  await challenger.follower.look()
  t.equal(challenger.served(), null)
  await challenger.follower.stop()
  registry.fault = (_, response) => sends(response, {}, Buffer.from(''), 503)
  const again = following(t, registry, home, 'challenger')
  await again.follower.start()
  t.equal(again.served(), null)
})

function sends(response: ServerResponse, headers: Record<string, string>, body: Buffer, status = 200): true {
  response.writeHead(status, headers).end(body)
  return true
}

function sendsForEver(response: ServerResponse): true {
  response.writeHead(200)
  const chunk = Buffer.alloc(2 ** 20, 32)
  const more = (): void => {
    while (!response.destroyed && response.write(chunk));
  }
  response.on('drain', more)
  more()
  return true
}
