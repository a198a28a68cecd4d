/**
 * The command line, as a process.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
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
  t.match(cli('constructor'), { status: 2, stderr: /no such command: constructor/ })
  t.end()
})
