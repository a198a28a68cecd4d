/**
 * Secrets that stand in files: for every setting that is one, in the service and in the commands.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { ConfigError, fileSettingOf, readConfig, SETTINGS } from '../src/config/index.ts'
import { PASSED_ON } from './service.ts'

const FILES: Readonly<Record<string, string>> = {
  '/url': '\n postgres://day7:p@ss@db/day7 \n\n',
  '/token': 'token',
  '/password': 'pass word\n',
  '/empty': ' \n',
}

function readText(path: string): string {
  const text = FILES[path]
  if (text === undefined) throw new Error(`ENOENT: no such file or directory, open '${path}'`)
  return text
}

function faultsOf(...given: Parameters<typeof readConfig>): readonly string[] {
  try {
    readConfig(...given)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
}

const MLFLOW = { MLFLOW_TRACKING_URI: 'http://mlflow:5005' }

t.test('which settings are secrets', (t) => {
  const secret = SETTINGS.map(fileSettingOf).filter((name) => name !== null)
  for (const name of ['DATABASE_URL_FILE', 'MLFLOW_TRACKING_TOKEN_FILE', 'MLFLOW_TRACKING_PASSWORD_FILE'])
    t.ok(secret.includes(name), name)
  const names = new Set(SETTINGS.map(({ name }) => name))
  for (const name of secret) t.notOk(names.has(name), `${name} is not a setting of its own`)
  t.end()
})

t.test('the text of the file is the value, without the white space around it', (t) => {
  t.same(readConfig({ DATABASE_URL_FILE: '/url' }, readText).database, {
    url: 'postgres://day7:p@ss@db/day7',
  })
  t.same(readConfig({ ...MLFLOW, MLFLOW_TRACKING_TOKEN_FILE: '/token' }, readText).mlflow!.auth, {
    token: 'token',
  })
  t.same(
    readConfig(
      { ...MLFLOW, MLFLOW_TRACKING_USERNAME: 'u', MLFLOW_TRACKING_PASSWORD_FILE: '/password' },
      readText,
    ).mlflow!.auth,
    { username: 'u', password: 'pass word' },
  )
  t.equal(readConfig({ DATABASE_URL: 'off', DATABASE_URL_FILE: '' }, readText).database, 'off')
  t.equal(readConfig({ PORT_FILE: '/nowhere' }, readText).port, 5001, 'no secret, no file')
  t.end()
})

t.test('refused: no file, an empty one, two values', (t) => {
  const environment = {
    DATABASE_URL: 'postgres://u:secret@h/d',
    DATABASE_URL_FILE: '/url',
    MLFLOW_TRACKING_TOKEN_FILE: '/nowhere',
    MLFLOW_TRACKING_PASSWORD_FILE: '/empty',
    PORT: 'x',
  }
  t.same(faultsOf(environment, readText).toSorted(), [
    'DATABASE_URL_FILE: expected it or DATABASE_URL, got both',
    'MLFLOW_TRACKING_PASSWORD_FILE: expected the value in /empty, got an empty file',
    "MLFLOW_TRACKING_TOKEN_FILE: ENOENT: no such file or directory, open '/nowhere'",
    'PORT: expected a whole number from 0 to 65535, got "x"',
  ])
  t.same(faultsOf({ DATABASE_URL_FILE: '/url' }), ['DATABASE_URL_FILE: expected no file here, got /url'])
  t.end()
})

t.test('what a wrong file says is not repeated', (t) => {
  t.same(
    faultsOf({ DATABASE_URL_FILE: '/url' }, () => 'mysql://u:secret@h/d'),
    ['DATABASE_URL: expected postgres://user:password@host:5432/database, or off, got no such address'],
  )
  t.end()
})

t.test('the service and the commands read such files', (t) => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, args, {
      encoding: 'utf8',
      env: { ...PASSED_ON, DATABASE_URL_FILE: '/nowhere/database_url' },
    })
  const said = /^ {2}DATABASE_URL_FILE: ENOENT: .*'\/nowhere\/database_url'\n$/m
  t.match(run('src/server.ts'), { status: 2, stderr: said })
  t.match(run('src/cli.ts', 'migrate'), { status: 2, stderr: said })
  t.end()
})

t.test('.env.example names the files', (t) => {
  t.match(
    readFileSync('.env.example', 'utf8'),
    /`DATABASE_URL_FILE` may name a file with it\.\n#DATABASE_URL=\n/,
  )
  t.end()
})
