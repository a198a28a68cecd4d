/**
 * The command line.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { settingsAsEnv, settingsAsMarkdown } from '../src/config/index.ts'
import { commandLines, type Ran } from './command-lines.ts'

const folder = t.testdir()
const broken = join(folder, 'broken')
cpSync('artifacts/champion', broken, { recursive: true })
// One byte is another.
writeFileSync(join(broken, 'model.json'), `${readFileSync(join(broken, 'model.json'), 'utf8')} `)

const LINES = [
  'verify nowhere',
  'verify',
  'verify artifacts/champion --json',
  'inspect artifacts/champion',
  `inspect ${broken} --json`,
  'inspect nowhere',
  'openapi',
  'settings env',
  'settings markdown',
  'settings',
  '',
  '--help',
  'predict --help',
  'help verify',
  '--version',
  'constructor',
  'predit',
]
const results = commandLines(...LINES.map((line) => line.split(' ').filter(Boolean)))
const cli = (...args: string[]): Ran => results[LINES.indexOf(args.join(' '))]!

t.test('as a process', (t) => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, ['src/cli.ts', ...args], { encoding: 'utf8' })
  t.match(run('verify', 'artifacts/champion'), {
    status: 0,
    stdout: /^day7-revenue .* 400 of 400 golden predictions equal\n$/,
  })
  t.match(run('constructor'), { status: 2, stderr: /no such command: constructor\n/ })
  t.end()
})

t.test('verify', (t) => {
  t.match(cli('verify', 'nowhere'), { status: 1, stderr: /^bundle nowhere, manifest.json: ENOENT/ })
  t.match(cli('verify'), { status: 2, stderr: /expected the folder of a bundle/ })
  t.end()
})

t.test('verify and inspect, as JSON and for people', (t) => {
  t.match(JSON.parse(cli('verify', 'artifacts/champion', '--json').stdout), {
    name: 'day7-revenue',
    hashes: 6,
    trees: 100,
    golden_predictions: 400,
  })
  const text = cli('inspect', 'artifacts/champion')
  t.equal(text.status, 0)
  for (const shown of [
    /^day7-revenue [0-9a-f]{12}\n\nstate +verified: every hash is right, 400 of 400 golden predictions equal\n/,
    /\ntrained on +20,000 rows, SYNTHETIC/,
    /\nmodel.json +revenue +tweedie +added +100 +1,500\n/,
    /\nnormalisedGini +0\.\d{4}\n/,
    /\ntotal_events +\d+\.\d % +event_1, event_2, event_3\n/,
    /\nplatform_code \(categories\) /,
    /\nmodel.json +535,469 +[0-9a-f]{64}\n/,
  ])
    t.match(text.stdout, shown)

  const faulty = cli('inspect', broken, '--json')
  t.equal(faulty.status, 1)
  t.match(JSON.parse(faulty.stdout), {
    state: 'broken',
    problem: /^model.json: expected sha256 ed56.* as the manifest says, got /,
    name: 'day7-revenue',
    golden_predictions: null,
    ensembles: [{ file: 'model.json', role: 'revenue', trees: null }],
    features: null,
  })
  t.match(cli('inspect', 'nowhere'), { status: 1, stderr: /^bundle nowhere, manifest.json: ENOENT/ })
  t.end()
})

t.test('openapi.yaml is what the routes’ schemas say', (t) => {
  t.equal(cli('openapi').stdout, readFileSync('openapi.yaml', 'utf8'), 'npm run openapi writes it')
  t.end()
})

t.test('settings', (t) => {
  t.equal(cli('settings', 'env').stdout, settingsAsEnv())
  t.equal(cli('settings', 'markdown').stdout, settingsAsMarkdown())
  t.match(cli('settings'), { status: 2, stderr: /expected env or markdown/ })
  t.end()
})

t.test('help', (t) => {
  t.match(cli('--help'), { status: 0, stdout: /^Usage:/ })
  t.match(cli(), { status: 0, stdout: /^Usage:/ })
  t.match(cli('predict', '--help'), {
    status: 0,
    stdout: /^Usage: day7 predict FILE.*\nOptions:\n {2}--out FILE /s,
  })
  t.match(cli('help', 'verify'), { status: 0, stdout: /^Usage: day7 verify DIR/ })
  t.match(cli('--version'), { status: 0, stdout: /^\d+\.\d+\.\d+\n$/ })
  t.match(cli('constructor'), { status: 2, stderr: /no such command: constructor\n/ })
  t.match(cli('predit'), { status: 2, stderr: /^no such command: predit; did you mean predict\?\n/ })
  t.end()
})
