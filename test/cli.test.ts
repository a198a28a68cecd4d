/**
 * The command line, as a process.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { settingsAsEnv, settingsAsMarkdown } from '../src/config/index.ts'

function cli(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['src/cli.ts', ...args], {
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}

t.test('verify', (t) => {
  t.match(cli('verify', 'artifacts/champion'), {
    status: 0,
    stdout: /^day7-revenue .* 400 of 400 golden predictions equal\n$/,
  })
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

  // One byte is another.
  const folder = t.testdir()
  cpSync('artifacts/champion', folder, { recursive: true })
  writeFileSync(join(folder, 'model.json'), `${readFileSync(join(folder, 'model.json'), 'utf8')} `)
  const broken = cli('inspect', folder, '--json')
  t.equal(broken.status, 1)
  t.match(JSON.parse(broken.stdout), {
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
