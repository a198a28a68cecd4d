/**
 * The run of the tests itself: what it says where something is missing, which tests it takes, and that nothing of it stays behind.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t from 'tap'
import { groupsOf, selectTests } from './selection.ts'
import { until } from '../until.ts'

const RUN = ['test/preflight.cjs', 'test/run.ts']

/** A run of its own, and no part of this one. */
const OWN = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(TAP|_TAPJS|DAY7_)/.test(name)),
)
const OLD_NODE = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.1.0' } })`

interface RunOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string | undefined>>
}

function runTests(args: readonly string[], { cwd = '.', env }: RunOptions = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd,
    env: { ...OWN, ...env },
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}

t.test('what is missing is said in one sentence', async (t) => {
  const folder = t.testdir({ test: {}, training: {}, 'old.cjs': OLD_NODE })
  cpSync('test/preflight.cjs', join(folder, 'test/preflight.cjs'))

  t.match(runTests(RUN, { cwd: folder }), {
    status: 1,
    stdout: '',
    stderr: /^The packages are not installed: run "npm ci" in .+ first\.\n$/,
  })

  const old = runTests(['--require', join(folder, 'old.cjs'), ...RUN])
  t.match(old, { status: 1, stdout: '', stderr: /^Node 24 is needed, and this is Node 20\.1\.0: .+\n$/ })

  for (const file of ['venv.ts', 'groups.ts', 'prune.ts', 'requirements.lock'])
    cpSync(join('training', file), join(folder, 'training', file))
  const without = runTests([join(folder, 'training/venv.ts')], { env: { PATH: '' } })
  t.match(without, { status: 1, stdout: '', stderr: /^Python 3\.11 or later was not found .+\n$/ })
})

t.test('a path that is no test, and an option that is none', async (t) => {
  for (const [argument, expected] of [
    [
      'test/nothing.test.ts',
      /^Expected the path of a test file or folder, got test\/nothing\.test\.ts: there is no such file\.\n$/,
    ],
    ['README.md', /^Expected tests, .+, got README\.md\.\n$/],
    ['--fast', /^Expected --long or paths of tests, got --fast\.\n$/],
  ] as const)
    t.match(runTests([...RUN, argument]), { status: 1, stdout: '', stderr: expected })
})

t.test('which tests, and what they need of Python', async (t) => {
  t.match(selectTests(['test/config.test.ts', 'training/tests/test_metrics.py']), {
    long: false,
    typescript: ['test/config.test.ts'],
    python: ['training/tests/test_metrics.py'],
  })
  const all = selectTests([])
  t.ok(all.typescript.includes('test/run/run.test.ts') && all.python.includes('training/tests/test_train.py'))
  t.notOk(selectTests(['--long']).typescript.includes('test/config.test.ts'), 'it has no long form')
  t.same(groupsOf(selectTests(['test/config.test.ts'])), [])
  t.same(groupsOf(selectTests(['test/mlflow/real-servers.test.ts'])), ['mlflow'])
  t.same(groupsOf(selectTests(['training/tests'])), ['mlflow', 'dask'])
  t.same(groupsOf(selectTests(['training/tests/test_notebook_run.py'])), [], 'all of it is long')
})

t.test('nothing stays behind', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'day7-run-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'test'))
  symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'))
  const file = join(folder, 'test/hang.test.ts')
  const pids = join(folder, 'pids')
  // A process in a session of its own, with none of the test's environment; only its folder tells whose it is.
  writeFileSync(
    file,
    `import { spawn } from 'node:child_process'
    import { appendFileSync } from 'node:fs'
    import { tmpdir } from 'node:os'
    import t from 'tap'
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', tmpdir()], { detached: true, env: {}, stdio: 'ignore' })
    child.unref()
    appendFileSync(${JSON.stringify(pids)}, child.pid + '\\n')
    if (process.env.HANG) await t.test('hangs', { timeout: 0 }, () => new Promise((resolve) => setTimeout(resolve, 1e9)))
    else t.pass('leaves a process behind')`,
  )
  /** A zombie is dead; whether it is buried is its parent's business. */
  const isAlive = (pid: number): boolean =>
    /^[^Z]/.test(spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).stdout)
  const started = (): number[] => readFileSync(pids, 'utf8').trim().split('\n').map(Number)

  await t.test('a process that outlives its test fails the run, and is ended', async (t) => {
    const { status, stdout } = runTests([...RUN, file], { env: { TEST_GRACE_MS: '500' } })
    t.match(
      { status, stdout },
      { status: 1, stdout: /Failed:\n  left behind by its test: .+\n\n1 passed, 1 failed\n$/ },
    )
    await until('all are gone', () => !started().some(isAlive))
  })

  await t.test('nor after a signal', async (t) => {
    rmSync(pids)
    const child = spawn(process.execPath, [...RUN, file], {
      env: { ...OWN, HANG: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    createInterface(child.stdout).on('line', (line) => t.comment(line))
    while (!isWritten(pids)) await new Promise((resolve) => setTimeout(resolve, 20))
    child.kill('SIGINT')
    const [code] = await once(child, 'exit')
    t.equal(code, 130)
    // What was killed is there until it is reaped.
    await until('all are gone', () => !started().some(isAlive))
  })
})

function isWritten(file: string): boolean {
  try {
    return readFileSync(file, 'utf8').endsWith('\n')
  } catch {
    return false
  }
}
