/**
 * Bundles of format 3: the input schema is theirs, whatever its fields are called; and what does not fit it is refused.
 */
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadBundle, loadBundleAside, type RawScoreExplanation } from '../../src/bundle/index.ts'
import { NINE_FIELDS } from '../../src/inputs/index.ts'
import { commandLines } from '../command-lines.ts'
import { FIVE_FIELDS, type FiveFieldsOptions, PLAN, PLAYER, writeFiveFields } from '../five-fields.ts'

const folder = t.testdir({})
const five = writeFiveFields(join(folder, 'five'))

t.test('the shipped champion has the nine fields', async (t) => {
  const { inputs, horizonDays } = await loadBundle('artifacts/champion')
  t.equal(inputs.id, NINE_FIELDS.id)
  t.equal(horizonDays, 7)
})

t.test('inputs, horizon and rows are those of the bundle', async (t) => {
  const bundle = await loadBundle(five)
  t.equal(bundle.horizonDays, 14)
  t.same(
    bundle.inputs.fields.map(({ name }) => name),
    Object.keys(PLAYER),
  )
  t.same(bundle.rowOf(PLAYER), ['PE', 2.5, 1, Date.UTC(2026, 11, 31, 23, 30), 12])
  const { sessions: _, ...short } = PLAYER
  t.same(bundle.rowOf({ ...short, 'Country Code': ' N/A ' }), [
    null,
    2.5,
    1,
    Date.UTC(2026, 11, 31, 23, 30),
    null,
  ])
  t.throws(() => bundle.rowOf({ ...PLAYER, '💰 spend': null }), {
    name: 'TypeError',
    message: '💰 spend: expected number, got null',
  })
  t.same([...bundle.categories.keys()], ['Country Code'])
  t.same(bundle.manifest.training.negative, { rows: 1, treatment: 'clip' })
})

t.test('features, offset and calibration, worked out here', async (t) => {
  const bundle = await loadBundle(five)
  const features = new Float64Array(PLAN.features.length)
  bundle.encode(bundle.rowOf(PLAYER), features)
  // 2026-12-31 is a Thursday.
  t.same([...features], [2.5, 0.4, 1, 23, 3, 10, 2])
  const raw = 0.75 + 0.3 + 0.0625 + Math.log(1.25)
  const close = (actual: number, expected: number) => t.ok(Math.abs(actual - expected) < 1e-12, `${actual}`)
  close(bundle.predict(bundle.rowOf(PLAYER)).rawScore, 0.3125 + 0.9375 * raw)
  const german = 0.125 + 0.3 + 0.0625 + Math.log(1.25)
  close(bundle.predict(bundle.rowOf({ ...PLAYER, 'Country Code': 'De' })).rawScore, -0.01 + 1.1 * german)
  close(bundle.predict(bundle.rowOf({ ...PLAYER, 'Country Code': '' })).rawScore, 0.3125 + 0.9375 * german)
  const plain = await loadBundle(writeFiveFields(join(folder, 'plain'), { calibration: null }))
  close(plain.predict(plain.rowOf(PLAYER)).rawScore, raw)
})

t.test(
  'the explanation is by the fields of the bundle, and sums up to the calibrated raw score',
  async (t) => {
    const bundle = await loadBundle(five)
    for (const install of [
      PLAYER,
      { ...PLAYER, 'Country Code': 'de', 'is "new", or not': false, sessions: null },
    ]) {
      const { raw_score, base_value, contributions, features } = bundle.explain(
        bundle.rowOf(install),
      ) as RawScoreExplanation
      t.equal(raw_score, bundle.predict(bundle.rowOf(install)).rawScore)
      for (const list of [contributions, features]) {
        const sum = list.reduce((sum, { contribution }) => sum + contribution, base_value)
        t.ok(Math.abs(sum - raw_score) < 1e-12, `${sum}`)
      }
      t.same(Object.fromEntries(contributions.map(({ feature, value }) => [feature, value])), {
        ...install,
        'installed at': '2026-12-31T23:30:00.000Z',
      })
    }
  },
)

t.test('verified in a thread, it is the same', async (t) => {
  const [here, aside] = [await loadBundle(five), await loadBundleAside(five)]
  t.equal(aside.inputs.id, here.inputs.id)
  const row = here.rowOf(PLAYER)
  t.same(aside.predict(row), here.predict(row))
  t.same(aside.explain(row), here.explain(row))
})

t.test('what does not fit the inputs is refused, with file and place', async (t) => {
  const column = (change: object) => ({
    ...PLAN,
    columns: [{ ...PLAN.columns[0], ...change }, ...PLAN.columns.slice(1)],
  })
  const without = (name: string) => ({
    ...FIVE_FIELDS,
    fields: FIVE_FIELDS.fields.filter((field) => field.name !== name),
  })
  const wrong: [string, FiveFieldsOptions, RegExp][] = [
    [
      'a field that the schema lacks',
      { inputs: without('💰 spend') },
      /, features.json: feature plan, columns\[0\]\.field: expected one of .*sessions \(of kind number or boolean or time\), got "💰 spend"$/,
    ],
    [
      'an operator on the wrong kind',
      { plan: column({ field: 'Country Code' }) },
      /, features.json: feature plan, columns\[0\]\.field: expected one of 💰 spend, .*, got "Country Code"$/,
    ],
    [
      'a field that the calibration reads',
      { calibration: { intercept: 0, slope: 1, field: 'sessions', fold: 'none', groups: {} } },
      /, manifest.json: expected prediction.calibration.field to be a text field of the inputs, got "sessions"$/,
    ],
    [
      'a slope',
      { calibration: { intercept: 0, slope: 0, field: null, fold: null, groups: {} } },
      /expected prediction\.calibration\.intercept and prediction\.calibration\.slope to be finite and the slope above 0, got 0 and 0$/,
    ],
    [
      'groups without a field',
      {
        calibration: {
          intercept: 0,
          slope: 1,
          field: null,
          fold: null,
          groups: { de: { intercept: 0, slope: 1 } },
        },
      },
      /expected prediction\.calibration\.fold to be null and prediction\.calibration\.groups to be {}/,
    ],
    [
      'an operator of another format',
      { plan: { ...PLAN, format: 'day7-feature-plan/1' } },
      /columns\[3\]\.op: expected one of number, is_missing, .*, got "time_part"$/,
    ],
    [
      'a horizon',
      { inputs: { ...FIVE_FIELDS, target: { ...FIVE_FIELDS.target, horizonDays: 7 } } },
      /, inputs.json: target.horizonDays: the manifest has 14, the file 7$/,
    ],
    [
      'a key of the schema',
      { inputs: { ...FIVE_FIELDS, more: 1 } },
      /, inputs.json: input schema: expected /,
    ],
  ]
  for (const [name, options, message] of wrong)
    await t.rejects(
      loadBundle(writeFiveFields(join(folder, 'wrong'), options)),
      { name: 'BundleError', code: 'BUNDLE_INVALID', message },
      name,
    )

  const broken = writeFiveFields(join(folder, 'unlisted'))
  const manifest = JSON.parse(readFileSync(join(broken, 'manifest.json'), 'utf8'))
  delete manifest.files['inputs.json']
  writeFileSync(join(broken, 'manifest.json'), JSON.stringify(manifest))
  await t.rejects(loadBundle(broken), { message: /, manifest.json: expected "files" to list inputs.json$/ })
})

t.test('a bad schema of a bundle is refused, with file and place', async (t) => {
  const changed = (at: number, change: object) => ({
    ...FIVE_FIELDS,
    fields: FIVE_FIELDS.fields.map((field, i) => (i === at ? { ...field, ...change } : field)),
  })
  const facets = Array.from({ length: 9 }, (_, i) => ({ name: `f${i}`, kind: 'text', roles: ['facet'] }))
  const wrong: [object, string][] = [
    [
      changed(4, { kind: 'money' }),
      'fields[4].kind: expected text, number, boolean or time, got string "money"',
    ],
    [
      changed(4, { name: '💰 spend' }),
      'fields[4].name: expected another name than that of fields[1], got string "💰 spend"',
    ],
    [
      changed(4, { roles: ['facet'] }),
      'fields[4].roles[0]: expected a role of kind number: personal, event, amount, got string "facet"',
    ],
    [
      { ...FIVE_FIELDS, target: { ...FIVE_FIELDS.target, name: 'sessions' } },
      'target.name: expected another name than that of fields[4], got string "sessions"',
    ],
    [
      { ...FIVE_FIELDS, fields: [...FIVE_FIELDS.fields, ...facets.slice(2)] },
      'fields: expected at most 8 fields with the role facet, got 9',
    ],
    [
      changed(4, { name: '__proto__' }),
      'fields[4].name: expected a name other than __proto__, got string "__proto__"',
    ],
  ]
  const bad = join(folder, 'bad')
  for (const [inputs, message] of wrong)
    await t.rejects(loadBundle(writeFiveFields(bad, { inputs })), {
      message: `bundle ${bad}, inputs.json: input schema, ${message}`,
    })
  writeFileSync(join(folder, 'one.csv'), 'country_code\npe\n')
  const [predict, verify] = commandLines(
    ['predict', join(folder, 'one.csv'), '--model', bad],
    ['verify', bad],
  )
  for (const ran of [predict, verify])
    t.match(ran, { status: 1, stderr: `bundle ${bad}, inputs.json: input schema, ${wrong.at(-1)![1]}\n` })
})

t.test('golden predictions are read through the schema', async (t) => {
  const broken = writeFiveFields(join(folder, 'golden'))
  const read = (file: string) => readFileSync(join(broken, file), 'utf8')
  const golden = read('golden.ndjson').replace('"💰 spend":2.5', '"💰 spend":-1')
  const manifest = JSON.parse(read('manifest.json'))
  manifest.files['golden.ndjson'] = createHash('sha256').update(golden).digest('hex')
  writeFileSync(join(broken, 'golden.ndjson'), golden)
  writeFileSync(join(broken, 'manifest.json'), JSON.stringify(manifest))
  await t.rejects(loadBundle(broken), {
    message: /golden.ndjson: line 1: install: 💰 spend: expected a number ≥ 0, got -1$/,
  })
})
