/**
 * Bundles of several ensembles: trained by Python, loaded, compared to the last bit, spoilt, and answered over HTTP.
 */
import { createHash } from 'node:crypto'
import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import t from 'tap'
import { Bundle, loadBundle, loadBundleAside, type PartExplanation } from '../../src/bundle/index.ts'
import { ulpsBetween } from '../../src/bundle/golden.ts'
import { readManifest } from '../../src/bundle/manifest.ts'
import { verifyBundle } from '../../src/bundle/verify.ts'
import { compileModel } from '../../src/ensemble/index.ts'
import { EXAMPLE, EXAMPLE_ROW, type Install, rowOf } from '../example.ts'
import { appWith, rolloutOf, send } from '../http/app.ts'
import { csvLinesOf, score } from '../scoring/files.ts'
import { trained } from '../training.ts'

const GOLDEN_ROWS = 1000

const folder = t.testdir()
const bundles = await trained('combinations', (folder) => {
  const data = join(folder, 'installs.csv')
  const train = ['train', '--no-mlflow', '--data', data, '--golden-rows', String(GOLDEN_ROWS)]
  const few = [...train, '--max-trees', '20']
  return [
    ['synthesize', '--rows', '1500', '--seed', '11', '--out', data],
    [...few, '--two-part', '--with-interval', '--out', join(folder, 'two-part')],
    [...few, '--mean-of', '2', '--out', join(folder, 'mean')],
  ]
})
const TWO_PART = join(bundles, 'two-part')
const MEAN = join(bundles, 'mean')

interface Score {
  readonly raw_score: number
  readonly output: number
}
interface Golden extends Score {
  readonly install: Install
  readonly features: readonly (number | null)[]
  readonly ensembles: readonly Score[]
  readonly interval?: { readonly p10: Score; readonly p90: Score }
}

const read = (from: string, file: string) => readFile(join(from, file), 'utf8')
const goldenOf = async (from: string) =>
  (await read(from, 'golden.ndjson'))
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Golden)
const manifestOf = async (from: string) => JSON.parse(await read(from, 'manifest.json'))

t.test('what Python trained is loaded, and says of itself what it is', async (t) => {
  const twoPart = await loadBundle(TWO_PART)
  t.equal(twoPart.goldenCount, GOLDEN_ROWS)
  t.match(twoPart.manifest.prediction, {
    combine: 'hurdle',
    ensembles: [
      { role: 'payer', file: 'payer.json', objective: 'binary', offset: false },
      { role: 'amount', file: 'amount.json', objective: 'tweedie', offset: true },
    ],
    interval: {
      p10: { file: 'p10.json', objective: 'quantile', offset: false },
      p90: { file: 'p90.json', objective: 'quantile', offset: false },
    },
  })
  const { num_iterations: trees } = twoPart.manifest.parameters
  t.equal(twoPart.treeCount, trees)
  t.ok(twoPart.ensemble.treeCount < twoPart.treeCount)
  const mean = await loadBundle(MEAN)
  t.equal(mean.goldenCount, GOLDEN_ROWS)
  t.equal(mean.manifest.prediction.combine, 'mean')
  t.equal(mean.manifest.prediction.interval, null)
  t.equal(mean.predict(EXAMPLE_ROW).interval, null)
})

t.test('a thousand dirty installs: revenue and interval are those of Python', async (t) => {
  for (const [from, ulps] of [
    // A product of what differs by two units and what differs by one.
    [TWO_PART, 4],
    [MEAN, 1],
  ] as const) {
    const bundle = await loadBundle(from)
    const aside = await loadBundleAside(from)
    for (const { install, output, interval } of await goldenOf(from)) {
      const prediction = bundle.predict(rowOf(install))
      if (!(ulpsBetween(prediction.revenue, Math.max(0, output)) <= ulps))
        t.fail(`expected ${output}, got ${prediction.revenue} for ${JSON.stringify(install)}`)
      // Above, one unit in the last place is more than the wire's last decimal.
      if (output < 1e6 && prediction.revenue.toFixed(6) !== Math.max(0, output).toFixed(6))
        t.fail(`${output} on the wire`)
      if (Math.max(0, prediction.rawScore) !== prediction.revenue)
        t.fail('the raw score is what they make together')
      const expected =
        interval && [interval.p10.output, interval.p90.output].map((value) => Math.max(0, value))
      const sorted = expected?.toSorted((a, b) => a - b)
      t.same(prediction.interval, sorted ? { p10: sorted[0], p90: sorted[1] } : null)
      t.same(aside.predict(rowOf(install)), prediction, 'and the same where it was verified in a thread')
    }
  }
})

t.test('quantiles that cross are put in order, and none is below 0', async (t) => {
  const parts = await verifyBundle(TWO_PART)
  const { prediction } = parts.manifest
  const { p10, p90 } = prediction.interval!
  const exchanged = { ...prediction, interval: { p10: p90, p90: p10 } }
  const crossed = new Bundle({ ...parts, manifest: { ...parts.manifest, prediction: exchanged } })
  const bundle = new Bundle(parts)
  let wide = 0
  for (const { install } of await goldenOf(TWO_PART)) {
    const { interval } = bundle.predict(rowOf(install))
    t.same(crossed.predict(rowOf(install)).interval, interval)
    t.ok(0 <= interval!.p10 && interval!.p10 <= interval!.p90)
    if (interval!.p10 < interval!.p90) wide++
  }
  t.ok(wide > GOLDEN_ROWS / 2, `${wide} are not points`)

  const low = JSON.parse(
    (await read(TWO_PART, 'p10.json')).replaceAll(/"leaf_value":[^,}]+/g, '"leaf_value":-1'),
  )
  const models = new Map(parts.models).set('p10.json', compileModel(low))
  t.equal(new Bundle({ ...parts, models }).predict(EXAMPLE_ROW).interval!.p10, 0)
})

t.test('an ensemble without a finite answer is named', async (t) => {
  for (const [from, file, answer, where] of [
    [TWO_PART, 'amount.json', 'Infinity', ' in amount.json'],
    [TWO_PART, 'p90.json', 'Infinity', ' in p90.json'],
    [MEAN, 'model-2.json', 'Infinity', ' in model-2.json'],
  ] as const) {
    const parts = await verifyBundle(from)
    const text = (await read(from, file)).replaceAll(/"leaf_value":[^,}]+/g, '"leaf_value":1e308')
    const broken = new Bundle({
      ...parts,
      models: new Map(parts.models).set(file, compileModel(JSON.parse(text))),
    })
    const { name, version } = parts.manifest
    const message = `model ${name} ${version} answered ${answer}${where}, not a finite number`
    t.throws(() => broken.predict(EXAMPLE_ROW), { name: 'RangeError', message })
  }
  // What is expected of it has no logarithm. No such install comes through the validation.
  const below = { ...EXAMPLE, event_1: -1e9 }
  const twoPart = await loadBundle(TWO_PART)
  t.throws(() => twoPart.predict(rowOf(below)), {
    name: 'RangeError',
    message: / answered NaN in amount.json, /,
  })

  const parts = await verifyBundle(MEAN)
  // exp(709.7) is finite, and twice as much is not.
  const huge = async (file: string) => {
    const dump = JSON.parse(await read(MEAN, file))
    const tree = { ...dump.tree_info[0], num_leaves: 1, num_cat: 0, tree_structure: { leaf_value: 709.7 } }
    return [file, compileModel({ ...dump, tree_info: [tree] })] as const
  }
  const models = new Map(await Promise.all(['model-1.json', 'model-2.json'].map(huge)))
  const { prediction } = parts.manifest
  const ensembles = prediction.ensembles.map((each) => ({ ...each, offset: false }))
  const manifest = { ...parts.manifest, prediction: { ...prediction, ensembles } }
  t.throws(() => new Bundle({ ...parts, manifest, models }).predict(EXAMPLE_ROW), {
    name: 'RangeError',
    message: / answered Infinity, not a finite number$/,
  })
})

interface Change {
  readonly prediction?: (prediction: any) => unknown
  readonly manifest?: Record<string, unknown>
  readonly remove?: string
  readonly golden?: (first: Golden) => unknown
  /** Another content, and its right hash. */
  readonly file?: readonly [string, (text: string) => string]
}

async function spoil(into: string, { prediction, manifest, remove, golden, file }: Change): Promise<void> {
  const path = join(into, 'manifest.json')
  const update = async (changes: object) =>
    writeFile(path, JSON.stringify({ ...(await manifestOf(into)), ...changes }))
  if (prediction) await update({ prediction: prediction((await manifestOf(into)).prediction) })
  if (manifest) await update(manifest)
  if (remove) await rm(join(into, remove))
  const [name, change] = golden
    ? ([
        'golden.ndjson',
        (text: string) => `${JSON.stringify(golden(JSON.parse(text.split('\n')[0]!)))}\n`,
      ] as const)
    : (file ?? [])
  if (!name || !change) return
  const text = change(await read(into, name))
  await writeFile(join(into, name), text)
  const hash = createHash('sha256').update(text).digest('hex')
  await update({ files: { ...(await manifestOf(into)).files, [name]: hash } })
}

const next = (value: number): number => {
  const bits = new BigInt64Array(Float64Array.of(value).buffer)
  bits[0]! += 1n
  return new Float64Array(bits.buffer)[0]!
}
const [first] = await goldenOf(TWO_PART)
const without = (key: string) => (golden: Golden) =>
  Object.fromEntries(Object.entries(golden).filter(([name]) => name !== key))
const ensemble = (at: number, score: Partial<Score>) => (golden: Golden) => ({
  ...golden,
  ensembles: golden.ensembles.map((each, place) => (place === at ? { ...each, ...score } : each)),
})

t.test('a spoilt one is refused, with file and reason', async (t) => {
  const spoilt: [string, RegExp, Change, from?: string][] = [
    ['no prediction', /expected prediction to be an object/, { prediction: () => undefined }],
    [
      'another combination',
      /expected prediction.combine to be one of single, mean, hurdle, got "median"/,
      { prediction: (prediction) => ({ ...prediction, combine: 'median' }) },
    ],
    [
      'a combination of the prototype',
      /to be one of .* got "constructor"/,
      { prediction: (prediction) => ({ ...prediction, combine: 'constructor' }) },
    ],
    [
      'swapped roles',
      /"hurdle" to be two ensembles, payer and then amount, got amount, payer/,
      { prediction: (prediction) => ({ ...prediction, ensembles: prediction.ensembles.toReversed() }) },
    ],
    [
      'swapped files',
      /prediction.ensembles\[0\].objective to be binary, got "tweedie"/,
      {
        prediction: (prediction) => ({
          ...prediction,
          ensembles: prediction.ensembles.map((each: object, at: number) => ({
            ...prediction.ensembles[1 - at],
            role: (each as { role: string }).role,
          })),
        }),
      },
    ],
    [
      'swapped quantiles',
      /golden.ndjson: line \d+: p90.json: raw score differs/,
      {
        prediction: (prediction) => ({
          ...prediction,
          interval: { p10: prediction.interval.p90, p90: prediction.interval.p10 },
        }),
      },
    ],
    [
      'an objective that the trees do not have',
      /amount.json: objective: the manifest has gamma, the file tweedie/,
      {
        prediction: ({ ensembles: [payer, amount], ...rest }) => ({
          ...rest,
          ensembles: [payer, { ...amount, objective: 'gamma' }],
        }),
      },
    ],
    [
      'an offset on a chance',
      /prediction.ensembles\[0\].offset to be false for the objective binary/,
      {
        prediction: ({ ensembles: [payer, amount], ...rest }) => ({
          ...rest,
          ensembles: [{ ...payer, offset: true }, amount],
        }),
      },
    ],
    [
      'an offset that is left out',
      /golden.ndjson: line 1: amount.json: raw score differs/,
      {
        prediction: ({ ensembles: [payer, amount], ...rest }) => ({
          ...rest,
          ensembles: [payer, { ...amount, offset: false }],
        }),
      },
    ],
    [
      'an offset that the plan does not have',
      /prediction.ensembles\[1\].offset to be false, since "offset" is null/,
      { manifest: { offset: null } },
    ],
    [
      'one ensemble too few',
      /"hurdle" to be two ensembles, payer and then amount, got payer$/,
      { prediction: ({ ensembles: [payer], ...rest }) => ({ ...rest, ensembles: [payer] }) },
    ],
    [
      'a mean of one',
      /"mean" to be two ensembles or more, each revenue, got revenue$/,
      { prediction: ({ ensembles: [one], ...rest }) => ({ ...rest, ensembles: [one] }) },
      MEAN,
    ],
    [
      'the same file twice',
      /a file of its own for prediction.ensembles\[1\], got model-1.json again/,
      { prediction: ({ ensembles: [one], ...rest }) => ({ ...rest, ensembles: [one, one] }) },
      MEAN,
    ],
    [
      'a file that is not listed',
      /expected "files" to list other.json, which prediction.interval.p10 names/,
      {
        prediction: ({ interval, ...rest }) => ({
          ...rest,
          interval: { ...interval, p10: { ...interval.p10, file: 'other.json' } },
        }),
      },
    ],
    [
      'half an interval',
      /expected prediction.interval.p90 to be an object/,
      { prediction: ({ interval: { p10 }, ...rest }) => ({ ...rest, interval: { p10 } }) },
    ],
    [
      'no interval where Python has one',
      /line 1: expected no interval, got \{"p10":/,
      { prediction: (prediction) => ({ ...prediction, interval: null }) },
    ],
    [
      'the older format',
      /expected the format "day7-bundle\/2" of a bundle with the key "prediction"/,
      {
        manifest: {
          format: 'day7-bundle/1',
          files: {
            ...Object.fromEntries(
              ['features.json', 'golden.ndjson', 'profile.json', 'model.json'].map((name) => [
                name,
                'a'.repeat(64),
              ]),
            ),
          },
        },
      },
    ],
    ['a missing file', /amount.json: ENOENT/, { remove: 'amount.json' }],
    [
      'a changed leaf of an interval',
      /line 1: p90.json: raw score differs/,
      { file: ['p90.json', (text) => text.replaceAll(/"leaf_value":[^,}]+/g, '"leaf_value":0.5')] },
    ],
    [
      'trees of other features',
      /p10.json: feature names: /,
      { file: ['p10.json', (text) => text.replace('"event_1"', '"event_9"')] },
    ],
    [
      'a combined output, off by one bit',
      /line 1: combined output differs/,
      { golden: (golden) => ({ ...golden, output: next(golden.output) }) },
    ],
    [
      'a combined raw score, off by one bit',
      /line 1: combined raw score differs/,
      { golden: (golden) => ({ ...golden, raw_score: next(golden.raw_score) }) },
    ],
    [
      'a raw score, off by one bit',
      /line 1: amount.json: raw score differs/,
      { golden: ensemble(1, { raw_score: next(first!.ensembles[1]!.raw_score) }) },
    ],
    [
      'one score too few',
      /line 1: expected scores of 2 ensembles, got 1/,
      { golden: ({ ensembles: [one], ...rest }) => ({ ...rest, ensembles: [one] }) },
    ],
    ['no scores', /line 1: expected scores of 2 ensembles, got 0/, { golden: without('ensembles') }],
    [
      'no scores of the interval',
      /line 1: expected scores of p10 and p90, got undefined/,
      { golden: without('interval') },
    ],
  ]
  for (const [name, message, change, from = TWO_PART] of spoilt) {
    const into = join(t.testdir(), 'bundle')
    await cp(from, into, { recursive: true })
    await spoil(into, change)
    await t.rejects(loadBundle(into), { name: 'BundleError', code: 'BUNDLE_INVALID', message }, name)
  }
})

t.test('a chance may be two units in the last place off, and not three', async (t) => {
  const [payer] = (await loadBundle(TWO_PART)).parts.ensembles
  const own = payer!.outputOf(first!.ensembles[0]!.raw_score)
  const [, amount] = first!.ensembles
  const said = async (chance: number) => {
    const into = join(t.testdir(), 'bundle')
    await cp(TWO_PART, into, { recursive: true })
    const output = chance * amount!.output
    const changed = ensemble(0, { output: chance })
    await spoil(into, { golden: (golden) => ({ ...changed(golden), output, raw_score: output }) })
    return loadBundle(into).then(
      ({ goldenCount }) => goldenCount,
      (error: Error) => error.message,
    )
  }
  t.equal(await said(next(next(own))), 1)
  t.match(await said(next(next(next(own)))), /line 1: payer.json: output differs/)
})

t.test('a plain bundle has the same shape', async (t) => {
  const { prediction } = readManifest(await manifestOf('artifacts/champion'))
  t.same(prediction, {
    combine: 'single',
    ensembles: [{ role: 'revenue', file: 'model.json', objective: 'tweedie', offset: true }],
    interval: null,
  })
})

t.test('each ensemble is explained by itself', async (t) => {
  for (const from of [TWO_PART, MEAN]) {
    const bundle = await loadBundle(from)
    for (const { install, ensembles } of (await goldenOf(from)).slice(0, 100)) {
      const explanation = bundle.explain(rowOf(install))
      if (!('parts' in explanation)) return t.fail('expected parts')
      t.equal(explanation.parts.length, bundle.parts.ensembles.length)
      for (const [at, part] of explanation.parts.entries()) {
        const { contributions, features, base_value, raw_score } = part
        if (raw_score !== ensembles[at]!.raw_score) t.fail('expected the raw score of Python')
        for (const list of [contributions, features]) {
          const sum = list.reduce((total, { contribution }) => total + contribution, base_value)
          if (!(Math.abs(sum - raw_score) < 1e-9)) t.fail(`${sum} is not ${raw_score}`)
        }
      }
    }
  }
  const { parts } = (await loadBundle(TWO_PART)).explain(EXAMPLE_ROW) as { readonly parts: PartExplanation[] }
  t.match(parts, [
    { name: 'payer', role: 'payer', objective: 'binary' },
    { name: 'amount', role: 'amount', objective: 'tweedie' },
  ])
  const offset = (await manifestOf(TWO_PART)).offset
  t.same(
    parts.map(({ features }) => features.some(({ feature }) => feature === offset)),
    [false, true],
    'the offset belongs to one of them',
  )
  const { app } = await appWith({ rollout: rolloutOf(await loadBundle(TWO_PART)) })
  const answer = await send(app, { method: 'POST', url: '/predict?explain=true', payload: EXAMPLE })
  t.same(answer.body.explanation, { parts })
  await app.close()
})

t.test('in a file: the interval, and each ensemble’s explanation', async (t) => {
  const bundle = await loadBundle(TWO_PART)
  const { revenue, interval } = bundle.predict(EXAMPLE_ROW)
  const { parts } = bundle.explain(EXAMPLE_ROW) as { readonly parts: PartExplanation[] }
  const file = join(folder, 'one.csv')
  await writeFile(file, `${csvLinesOf([EXAMPLE]).join('\n')}\n`)
  const { output } = await score(file, { parts: await verifyBundle(TWO_PART), explain: true })
  const [row] = parse(output, { columns: true }) as Record<string, string>[]
  const numbers = Object.entries(row!).slice(-1 - 2 - 2 * 11)
  t.same(
    numbers.map(([name, value]) => [name, Number(value)]),
    [
      ['predicted_revenue', Number(revenue.toFixed(6))],
      ['interval_p10', Number(interval!.p10.toFixed(6))],
      ['interval_p90', Number(interval!.p90.toFixed(6))],
      ...parts.flatMap(({ name, raw_score, base_value, contributions }) => [
        [`${name}_raw_score`, raw_score],
        [`${name}_base_value`, base_value],
        ...Object.keys(EXAMPLE).map((field) => [
          `${name}_contribution_${field}`,
          contributions.find(({ feature }) => feature === field)!.contribution,
        ]),
      ]),
    ],
  )
})

t.test('over HTTP: an interval where the model has one', async (t) => {
  const twoPart = await loadBundle(TWO_PART)
  const { revenue, interval } = twoPart.predict(EXAMPLE_ROW)
  const shown = { p10: Number(interval!.p10.toFixed(6)), p90: Number(interval!.p90.toFixed(6)) }
  const { app } = await appWith({ rollout: rolloutOf(twoPart) })
  const one = await send(app, { method: 'POST', url: '/predict', payload: EXAMPLE })
  t.equal(one.body.predicted_revenue, Number(revenue.toFixed(6)))
  t.same(one.body.interval, shown)
  const many = await send(app, { method: 'POST', url: '/batch_predict', payload: { users: [EXAMPLE, null] } })
  t.same(many.body.predictions[0].interval, shown)
  t.notOk('interval' in many.body.predictions[1])
  const { body } = await send(app, '/model/info')
  t.equal(body.trees, twoPart.treeCount)
  const [payer, amount] = twoPart.parts.ensembles.map((part) => part.ensemble.treeCount)
  t.match(body.prediction, {
    combine: 'hurdle',
    ensembles: [
      { role: 'payer', objective: 'binary', offset: false, trees: payer },
      { role: 'amount', objective: 'tweedie', offset: true, trees: amount },
    ],
    interval: {
      p10: { objective: 'quantile', offset: false },
      p90: { objective: 'quantile', offset: false },
    },
  })
  await app.close()

  const plain = await appWith({ rollout: rolloutOf(await loadBundle(MEAN)) })
  const answer = await send(plain.app, { method: 'POST', url: '/predict', payload: EXAMPLE })
  t.notOk('interval' in answer.body)
  const info = await send(plain.app, '/model/info')
  t.equal(info.body.prediction.interval, null)
  await plain.app.close()
})
