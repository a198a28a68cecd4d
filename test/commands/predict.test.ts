/**
 * `day7 predict` as a process: files, codes of exit, what it says and what it leaves behind.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { predict as predictHere } from '../../src/commands/predict.ts'
import { loadBundle } from '../../src/bundle/index.ts'
import { EXAMPLE, EXAMPLE_ROW } from '../example.ts'
import { until } from '../until.ts'

const folder = t.testdir()
const path = (name: string): string => join(folder, name)
const FIELDS = Object.keys(EXAMPLE) as (keyof typeof EXAMPLE)[]
const HEADER = FIELDS.join()
const ROW = FIELDS.map((field) => EXAMPLE[field]).join()
const { revenue } = (await loadBundle('artifacts/champion')).predict(EXAMPLE_ROW)
const ANSWER = `${ROW},${Number(revenue.toFixed(6))}`
writeFileSync(path('good.csv'), `${HEADER}\n${ROW}\n${ROW}\n`)
writeFileSync(path('bad.csv'), `${HEADER}\n${ROW}\nes\n${ROW}\n`)

const MODEL = ['--model', 'artifacts/champion']
const noConfig = (): never => {
  throw new Error('expected no look at the settings')
}

const COMMAND = ['src/cli.ts', 'predict']

function predict(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...COMMAND, ...args], { encoding: 'utf8' })
  return { status, stdout, stderr }
}

/** Nothing half-written is in the folder. */
function expectClean(t: Test): void {
  t.same(
    readdirSync(folder).filter((name) => name.endsWith('.partial')),
    [],
  )
}

t.test('to a file: a summary, and the rows that failed in a file of their own', (t) => {
  const done = predict(path('bad.csv'), '--out', path('out.csv'), '--json')
  t.equal(done.status, 3)
  t.match(JSON.parse(done.stdout), {
    input: path('bad.csv'),
    output: path('out.csv'),
    errors: path('out.csv.errors.csv'),
    rows: 3,
    predicted: 2,
    failed: 1,
    seconds: Number,
    rows_per_second: Number,
    threads: 1,
    model: { name: 'day7-revenue' },
  })
  t.equal(done.stderr, '', 'no progress where there is no terminal')
  t.equal(readFileSync(path('out.csv'), 'utf8'), `${HEADER},predicted_revenue\n${ANSWER}\n${ANSWER}\n`)
  t.equal(
    readFileSync(path('out.csv.errors.csv'), 'utf8'),
    `line,error,row\n3,"expected 9 cells as in the header, got 1",es\n`,
  )

  // Through a link, in place of what was there; the errors of the run before are gone.
  symlinkSync('out.csv', path('link.csv'))
  writeFileSync(path('link.csv.errors.csv'), 'old')
  const again = predict(path('good.csv'), '--out', path('link.csv'))
  t.match(again, {
    status: 0,
    stdout: '',
    stderr: /^2 of 2 rows predicted by day7-revenue \S+ in \S+ s, \d+ rows\/s: /,
  })
  t.equal(readFileSync(path('out.csv'), 'utf8').split('\n').length, 4)
  t.notOk(existsSync(path('link.csv.errors.csv')))
  expectClean(t)
  t.end()
})

t.test('what a killed run left is in nobody’s way', async (t) => {
  // Process 1 of a container is process 1 of the next one, too.
  const left = path(`.next.csv.${process.pid}.partial`)
  writeFileSync(left, 'half')
  t.notOk(await predictHere([path('good.csv'), '--out', path('next.csv'), ...MODEL], noConfig))
  t.equal(readFileSync(path('next.csv'), 'utf8'), `${HEADER},predicted_revenue\n${ANSWER}\n${ANSWER}\n`)
  rmSync(left)
  expectClean(t)
})

t.test('compressed, and in place of the errors of an earlier run', (t) => {
  for (const [name, unpack] of [
    ['packed.csv.gz', gunzipSync],
    ['packed.csv.zst', zstdDecompressSync],
  ] as const) {
    writeFileSync(path('errors.csv'), 'of an earlier run')
    const { status } = predict(path('good.csv'), '--out', path(name), '--errors', path('errors.csv'))
    t.equal(status, 0)
    t.equal(
      unpack(readFileSync(path(name))).toString(),
      `${HEADER},predicted_revenue\n${ANSWER}\n${ANSWER}\n`,
    )
    t.notOk(existsSync(path('errors.csv')))
  }
  const failed = predict(path('bad.csv'), '--out', path('packed.csv.gz'), '--errors', path('errors.csv.gz'))
  t.equal(failed.status, 3)
  t.match(gunzipSync(readFileSync(path('errors.csv.gz'))).toString(), /^line,error,row\n3,/)
  expectClean(t)
  t.end()
})

t.test('a folder of part files', async (t) => {
  const folder = path('parts')
  const own = FIELDS.filter((field) => field !== 'country')
  const row = own.map((field) => EXAMPLE[field]).join()
  for (const [name, rows] of [
    ['country=es/part-2.csv', [row]],
    ['country=es/part-1.csv', [row, 'x']],
  ] as const) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), `${[own.join(), ...rows].join('\n')}\n`)
  }
  const { status, stdout, stderr } = predict(folder)
  const answer = `${row},es,${Number(revenue.toFixed(6))}\n`
  t.equal(stdout, `${own.join()},country,predicted_revenue\n${answer}${answer}`)
  t.equal(status, 3)
  t.match(stderr, `file,line,error,row\n${folder}/country=es/part-1.csv,3,"expected 8 cells`)
  await t.rejects(predictHere([folder, '--out', join(folder, 'x.csv')], noConfig), {
    message: `predict: expected --out outside of the folder ${folder}, got ${join(folder, 'x.csv')}`,
  })
  writeFileSync(join(folder, 'country=es', 'part-3.ndjson'), '{}')
  await t.rejects(predictHere([folder], noConfig), {
    message: /^predict: expected files of one format, got /,
  })
})

t.test('to standard output', (t) => {
  const { status, stdout, stderr } = predict(path('bad.csv'))
  t.equal(status, 3)
  t.equal(stdout, `${HEADER},predicted_revenue\n${ANSWER}\n${ANSWER}\n`)
  t.match(
    stderr,
    /^line,error,row\n3,"expected 9 cells .*\n.*2 of 3 rows predicted.*\n1 could not be predicted\ncountry_region: 2 of 2 rows have .* saw, most often "Madrid"\n(event_1: 2 of 2 rows have .*\n)?$/,
  )
  t.end()
})

t.test('what is not understood', async (t) => {
  mkdirSync(path('folder.csv'))
  linkSync(path('good.csv'), path('same.csv'))
  const good = path('good.csv')
  for (const [args, message] of [
    [[], 'predict: expected a file of installs'],
    [[good, '--json'], 'predict: expected --out FILE with --json'],
    [[good, '--oot', 'x'], 'predict: unknown option --oot; did you mean --out?'],
    [[good, '--threads', '0'], 'predict: expected --threads to be a whole number from 1 to 256, got "0"'],
    [[good, '--format', 'cvs'], 'predict: expected --format to be csv, ndjson, parquet, got "cvs"'],
    [
      [good, '--out', 'x.ndjson'],
      'predict: expected --out to end with .csv, as the input does, got x.ndjson',
    ],
    [[path('folder.csv')], `predict: expected part files in the folder ${path('folder.csv')}, found none`],
    [[path('*.tsv')], `predict: expected files that match ${path('*.tsv')}, found none`],
    [['x.xlsx'], 'predict: x.xlsx is an Excel workbook: save the sheet as CSV (UTF-8)'],
    [['x.csv.zip'], 'predict: x.csv.zip is a zip archive: unpack it first'],
    [
      ['x.gz'],
      'predict: expected a file that ends with .csv, .tsv, .ndjson or .parquet, or --format, got x.gz',
    ],
    [['-'], /or --format, got standard input$/],
    [['-', '--format', 'parquet'], /expected a file, since its metadata is at its end, got standard input/],
    [[good, '--out', path('same.csv')], /expected --out to be another file than the input/],
    [[good, '--out', path('x.csv'), '--errors', good], /expected --errors to be another file than the input/],
    [
      [good, '--out', path('x.csv'), '--errors', path('x.csv')],
      /expected --errors to be another file than --out/,
    ],
  ] as const)
    await t.rejects(predictHere(args, noConfig), { name: 'UsageError', message })
  const { status, stderr } = predict(good, '--expalin')
  t.same(
    [status, stderr],
    [
      2,
      'predict: unknown option --expalin; did you mean --explain?\nUsage: day7 predict FILE|- [--out FILE]\n',
    ],
  )
  expectClean(t)
})

t.test('what fails', async (t) => {
  await t.rejects(predictHere([path('nowhere.csv')], noConfig), { code: 'ENOENT' })
  const model = ['--model', path('nowhere')]
  await t.rejects(predictHere([path('good.csv'), ...model], noConfig), { name: 'BundleError' })
  if (existsSync('/dev/full'))
    await t.rejects(predictHere([path('good.csv'), '--out', '/dev/full', ...MODEL], noConfig), {
      message: /^\/dev\/full: ENOSPC/,
    })
  writeFileSync(path('workbook.csv'), 'PK\x03\x04[Content_Types].xml')
  const { status, stderr } = predict(path('workbook.csv'), '--out', path('none.csv'))
  t.same(
    [status, stderr],
    [
      1,
      `${path('workbook.csv')}: expected CSV, got an Excel workbook (.xlsx); save the sheet as CSV (UTF-8)\n`,
    ],
  )
  t.notOk(existsSync(path('none.csv')))
  expectClean(t)
})

t.test('| head ends quietly', (t) => {
  writeFileSync(path('long.csv'), `${HEADER}\n${`${ROW}\n`.repeat(30_000)}`)
  const script = `"${process.execPath}" ${COMMAND.join(' ')} "${path('long.csv')}" | head -2; echo "\${PIPESTATUS[0]}"`
  const { stdout, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8' })
  t.same([stdout, stderr], [`${HEADER},predicted_revenue\n${ANSWER}\n0\n`, ''])
  t.end()
})

t.test('broken off by a signal, nothing is left behind', async (t) => {
  const child = spawn(process.execPath, [...COMMAND, '-', '--format', 'csv', '--out', path('off.csv')], {
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  child.stdin.on('error', () => {}) // it ends before it has read all
  // More than is waited for at the beginning, and no end.
  child.stdin.write(`${HEADER}\n${`${ROW}\n`.repeat(30_000)}`)
  await until('it has begun to write', () => readdirSync(folder).some((name) => name.startsWith('.off.csv')))
  const [code] = await ended(child, 'SIGINT')
  t.equal(code, 130)
  t.notOk(existsSync(path('off.csv')))
  expectClean(t)
})

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<[number | null]> {
  const exited = once(child, 'exit') as Promise<[number | null]>
  child.kill(signal)
  return exited
}

t.test('values that the model does not know are summed up', (t) => {
  const country = FIELDS.indexOf('country')
  // The example's region is one that training never saw, and its first event is more frequent than any there.
  const known = ROW.replace('Madrid', 'belville').split(',').with(FIELDS.indexOf('event_1'), '1').join()
  const rowWith = (text: string) => known.split(',').with(country, text).join()
  const rows = ['us ', 'us ', ' us', 'us', 'atlantis'].map(rowWith)
  writeFileSync(path('unknown.csv'), [HEADER, ...rows, ''].join('\n'))
  const said = [
    'country: 3 of 5 rows have a text with blanks around it, which the model does not know, most often "us "',
    'country: 1 of 5 rows have a text that training never saw, most often "atlantis"',
  ]
  const plain = predict(path('unknown.csv'), ...MODEL, '--out', path('unknown.out.csv'))
  t.equal(plain.status, 0)
  t.same(plain.stderr.trimEnd().split('\n').slice(1), said)
  t.equal(predict(path('unknown.csv'), ...MODEL).stderr, `${said.join('\n')}\n`, 'beside standard output')
  const json = predict(path('unknown.csv'), ...MODEL, '--out', path('unknown.out.csv'), '--json')
  t.equal(json.stderr, '')
  t.same(JSON.parse(json.stdout).unknown, [
    { field: 'country', reason: 'blanks', rows: 3, most_often: { text: 'us ', rows: 2 } },
    { field: 'country', reason: 'unseen', rows: 1, most_often: { text: 'atlantis', rows: 1 } },
  ])
  writeFileSync(path('known.csv'), `${HEADER}\n${known}\n`)
  t.equal(predict(path('known.csv'), ...MODEL).stderr, '', 'nothing where all is known')
  t.end()
})
