/**
 * A bundle loads only if it is whole: every way to spoil one, and what the refusal says.
 */
import { createHash } from 'node:crypto'
import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { Bundle, BundleError, loadBundle, loadBundleAside } from '../../src/bundle/index.ts'
import { readManifest } from '../../src/bundle/manifest.ts'
import { EXAMPLE_ROW, rowOf } from '../example.ts'

const CHAMPION = 'artifacts/champion'

t.test('the champion that ships', async (t) => {
  const bundle = await loadBundle(CHAMPION)
  t.equal(bundle.goldenCount, 400)
  t.equal(bundle.manifest.training.synthetic, true)
  const { revenue, rawScore } = bundle.predict(EXAMPLE_ROW)
  t.equal(revenue, Math.exp(rawScore))
})

t.test('verified in a thread of its own, it is the same model', async (t) => {
  const here = await loadBundle(CHAMPION)
  const aside = await loadBundleAside(CHAMPION)
  t.same(aside.manifest, here.manifest)
  t.equal(aside.goldenCount, here.goldenCount)
  t.equal(aside.ensemble.kernel, here.ensemble.kernel)
  const golden = (await readFile(join(CHAMPION, 'golden.ndjson'), 'utf8')).split('\n').filter(Boolean)
  for (const line of golden) {
    const { install } = JSON.parse(line)
    t.same(aside.predict(rowOf(install)), here.predict(rowOf(install)))
  }
  // Its trees came as bytes.
  const row = here.ensemble.rowOf({ [here.manifest.features[0]!]: 3 })
  t.same(aside.ensemble.predictContributions(row), here.ensemble.predictContributions(row))
})

t.test('it is warmed up before it is given away', async (t) => {
  const { predict } = Bundle.prototype
  t.teardown(() => (Bundle.prototype.predict = predict))
  const predicted = new Set<Bundle>()
  let predictions = 0
  Bundle.prototype.predict = function (install) {
    predicted.add(this)
    predictions++
    return predict.call(this, install)
  }
  for (const load of [loadBundle, loadBundleAside]) {
    predictions = 0
    const bundle = await load(CHAMPION)
    t.ok(predicted.has(bundle) && predictions >= 200, `${predictions} predictions`)
  }
})

t.test('a spoilt bundle is refused, with file and reason', async (t) => {
  const golden = await readFile(join(CHAMPION, 'golden.ndjson'), 'utf8')
  const first = JSON.parse(golden.split('\n', 1)[0]!)
  const next = (value: number) => value + Math.abs(value) * Number.EPSILON
  const goldenLine = (changes: object) => `${JSON.stringify({ ...first, ...changes })}\n`

  const spoilt: [string, RegExp, Change][] = [
    ['no manifest', /manifest.json: ENOENT/, { remove: 'manifest.json' }],
    ['no JSON', /manifest.json: .*JSON/, { file: 'manifest.json', text: () => '{' }],
    [
      'a version that no database takes',
      /manifest.json: expected version to be a text that is not empty, got "x\\u0000y"/,
      { manifest: { version: 'x\0y' } },
    ],
    ['a list', /manifest.json: expected an object/, { file: 'manifest.json', text: () => '[]' }],
    [
      'another format',
      /expected format "day7-bundle\/1" or "day7-bundle\/2" or "day7-bundle\/3", got "day7-bundle\/9"/,
      { manifest: { format: 'day7-bundle/9' } },
    ],
    [
      'no version',
      /expected version to be a text that is not empty, got undefined/,
      { manifest: { version: undefined } },
    ],
    ['wrong features', /expected features to be a list of texts/, { manifest: { features: [1] } }],
    ['no rows', /expected training.rows to be a number/, { manifest: { training: { dataSha256: 'x' } } }],
    ['no hashes', /expected "files" to list features.json/, { manifest: { files: {} } }],
    [
      'a path',
      /plain file name .* got "..\/secret"/,
      { manifest: { files: { '../secret': 'a'.repeat(64) } } },
    ],
    ['a wrong hash', /sha256 in hex, got "abc"/, { manifest: { files: { 'model.json': 'abc' } } }],
    ['a missing file', /profile.json: ENOENT/, { remove: 'profile.json' }],
    [
      'a changed file',
      /model.json: expected sha256 .* as the manifest says/,
      { file: 'model.json', text: (text) => `${text} ` },
    ],
    [
      'a plan not understood',
      /features.json: feature plan, format/,
      { file: 'features.json', text: () => '{}', rehash: true },
    ],
    [
      'a model not understood',
      /model.json: model file, feature_names/,
      { file: 'model.json', text: () => '{}', rehash: true },
    ],
    [
      'other features',
      /features.json: features: the manifest has .*, the file /,
      { manifest: { features: ['a'] } },
    ],
    [
      'a profile not understood',
      /profile.json: expected format to be a text that is not empty, got undefined/,
      { file: 'profile.json', text: () => '{}', rehash: true },
    ],
    ['another offset', /features.json: offset: /, { manifest: { offset: 'event_1' } }],
    [
      'a model of other features',
      /model.json: feature names: /,
      { file: 'model.json', text: (text) => text.replace('"event_1"', '"event_9"'), rehash: true },
    ],
    [
      'a model of several classes',
      /model.json: expected one class, got 2/,
      {
        file: 'model.json',
        text: (text) => text.replace('"num_tree_per_iteration":1', '"num_tree_per_iteration":2'),
        rehash: true,
      },
    ],
    [
      'no golden predictions',
      /golden.ndjson: expected at least one/,
      { file: 'golden.ndjson', text: () => '\n', rehash: true },
    ],
    [
      'another feature',
      /golden.ndjson: line 1: feature platform_code differs: Python has 2.5, this evaluator 1/,
      {
        file: 'golden.ndjson',
        text: () => goldenLine({ features: [2.5, ...first.features.slice(1)] }),
        rehash: true,
      },
    ],
    [
      'a raw score, off by one bit',
      /golden.ndjson: line 1: raw score differs: Python has /,
      { file: 'golden.ndjson', text: () => goldenLine({ raw_score: next(first.raw_score) }), rehash: true },
    ],
    [
      'an output, off by two bits',
      /golden.ndjson: line 1: output differs: Python has /,
      { file: 'golden.ndjson', text: () => goldenLine({ output: next(next(first.output)) }), rehash: true },
    ],
    [
      'a changed leaf',
      /golden.ndjson: line 1: raw score differs/,
      {
        file: 'model.json',
        text: (text) => text.replaceAll(/"leaf_value":-?0\.0/g, '"leaf_value":0.1'),
        rehash: true,
      },
    ],
  ]
  for (const [name, message, change] of spoilt) {
    const folder = join(t.testdir(), 'bundle')
    await cp(CHAMPION, folder, { recursive: true })
    await spoil(folder, change)
    await t.rejects(loadBundle(folder), { name: 'BundleError', code: 'BUNDLE_INVALID', message }, name)
    await t.rejects(loadBundle(folder), BundleError)
    const said = (load: typeof loadBundle) => load(folder).catch((error: BundleError) => error.message)
    t.equal(await said(loadBundleAside), await said(loadBundle), 'a thread says the same')
  }
})

t.test('the manifest names groups in another unit', async (t) => {
  const manifest = JSON.parse(await readFile(join(CHAMPION, 'manifest.json'), 'utf8'))
  const withFlagged = (flagged: unknown) =>
    readManifest({ ...manifest, training: { ...manifest.training, flagged, flaggedDropped: true } }).training
  const group = { field: 'country', value: 'zz', rows: 9, revenue_share: 0.5, ratio: 1e5 }
  t.match(withFlagged([group]), {
    flagged: [{ field: 'country', value: 'zz', rows: 9, revenueShare: 0.5, ratio: 1e5 }],
    flaggedDropped: true,
  })
  t.throws(() => withFlagged('zz'), { message: 'expected training.flagged to be a list, got "zz"' })
  t.throws(() => withFlagged([group, { ...group, rows: '9' }]), {
    message: 'expected training.flagged[1].rows to be a number, got "9"',
  })
})

interface Change {
  readonly remove?: string
  readonly manifest?: Record<string, unknown>
  readonly file?: string
  readonly text?: (text: string) => string
  /** Give the changed file its right hash, so that only its content is wrong. */
  readonly rehash?: boolean
}

async function spoil(folder: string, { remove, manifest, file, text, rehash }: Change): Promise<void> {
  if (remove) await rm(join(folder, remove))
  const path = join(folder, 'manifest.json')
  const update = async (changes: object) =>
    writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, 'utf8')), ...changes }))
  if (manifest) await update(manifest)
  if (!file || !text) return
  const changed = text(await readFile(join(folder, file), 'utf8'))
  await writeFile(join(folder, file), changed)
  if (!rehash) return
  const { files } = JSON.parse(await readFile(path, 'utf8'))
  await update({ files: { ...files, [file]: createHash('sha256').update(changed).digest('hex') } })
}
