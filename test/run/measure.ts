/**
 * How long the tests take: `npm run test:measure -- idle` clones the last commit into a temporary folder and runs the README's test command there,
 * with empty caches, and then once more; `-- loaded` runs it three times beside eight busy loops; without an argument, both. What each run
 * printed goes to docs/test-runs/, and a table of all of them into CONTRIBUTING.md. Wants the machine for itself.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'

const LOOPS = 8
const LOGS = 'docs/test-runs'
const PAGE = 'CONTRIBUTING.md'
const MARKS = ['<!-- test times -->', '<!-- end of test times -->'] as const

interface Run {
  readonly name: string
  readonly kind: 'idle' | 'loaded'
  readonly command: string
  readonly log: string
}

const RUNS: readonly Run[] = [
  { name: 'first run, idle', kind: 'idle', command: 'npm ci && npm test', log: 'first-idle' },
  { name: 'second run, idle', kind: 'idle', command: 'npm test', log: 'second-idle' },
  ...[1, 2, 3].map((at) => ({
    name: `run ${at} beside ${LOOPS} busy loops`,
    kind: 'loaded' as const,
    command: at === 1 ? 'npm ci && npm test' : 'npm test',
    log: `loaded-${at}`,
  })),
]

async function measure(kind: Run['kind']): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'day7-measure-'))
  chmodSync(home, 0o755) // PostgreSQL runs as a user of its own where we are root
  spawnSync('git', ['clone', '--quiet', '.', join(home, 'clone')], { stdio: 'inherit' })
  const loops = kind === 'loaded' ? startLoops() : []
  for (const run of RUNS.filter((run) => run.kind === kind)) await runTests(run, home)
  for (const loop of loops) loop.kill('SIGKILL')
  rmSync(home, { recursive: true, force: true })
}

function startLoops(): ChildProcess[] {
  return Array.from({ length: LOOPS }, () =>
    spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }),
  )
}

async function runTests({ name, command, log }: Run, home: string): Promise<void> {
  const file = pathOf(log)
  const output = openSync(file, 'w')
  // bash's own `time` counts the processor time of all descendants that ended.
  const timed = `TIMEFORMAT='seconds: %R real, %U user, %S system'; time { ${command}; }`
  const child = spawn('bash', ['-c', timed], {
    cwd: join(home, 'clone'),
    env: { ...OWN, ...cachesIn(home) },
    stdio: ['ignore', output, output],
  })
  await once(child, 'exit')
  const text = readFileSync(file, 'utf8')
  writeFileSync(file, text.replaceAll(join(home, 'clone'), '.'))
  console.log(`${name}: ${resultIn(text)}`)
}

/** Without what npm and tap have added; settings of proxies and certificates stay. */
const OWN = {
  ...Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(npm_(lifecycle|package|command|execpath|node)|TAP|_TAPJS|DAY7_|INIT_CWD)/.test(name),
    ),
  ),
  PATH: process.env['PATH']!.split(':')
    .filter((folder) => !folder.includes('node_modules'))
    .join(':'),
}

/** Packages that this machine has fetched before are fetched again. */
const cachesIn = (home: string) => ({
  npm_config_cache: join(home, 'npm'),
  UV_CACHE_DIR: join(home, 'uv'),
  PIP_CACHE_DIR: join(home, 'pip'),
})

const pathOf = (log: string): string => join(LOGS, `${log}.log`)

const resultIn = (text: string): string => text.match(/\d+ passed, \d+ failed/g)?.at(-1) ?? 'no result'

function writeTable(): void {
  const [before, rest] = readFileSync(PAGE, 'utf8').split(MARKS[0])
  writeFileSync(PAGE, `${before}${MARKS[0]}\n\n${table()}\n\n${MARKS[1]}${rest!.split(MARKS[1])[1]}`)
  spawnSync('prettier', ['--write', '--log-level', 'warn', PAGE], { stdio: 'inherit' })
}

function table(): string {
  const measured = RUNS.filter(({ log }) => existsSync(pathOf(log)))
  const rows = measured.map(({ name, log }) => {
    const text = readFileSync(pathOf(log), 'utf8')
    const [, real, user, system] = (
      /seconds: ([\d.]+) real, ([\d.]+) user, ([\d.]+) system/.exec(text) ?? []
    ).map(Number)
    return `| [${name}](${pathOf(log)}) | ${minutes(real!)} | ${minutes(user! + system!)} | ${resultIn(text)} |`
  })
  const second = existsSync(pathOf('second-idle')) ? readFileSync(pathOf('second-idle'), 'utf8') : ''
  const slowest = /The slowest files.*\n((?:.+\n)+)/.exec(second)?.[1] ?? ''
  const files = slowest.split('\n').flatMap((line) => {
    const [seconds, file] = line.trim().split(/\s+/)
    return file ? [`| \`${file}\` | ${seconds} |`] : []
  })
  return [
    `Measured by \`npm run test:measure\` on ${cpus()[0]!.model.trim()}, ${cpus().length} cores. The first run has empty caches and includes \`npm ci\`, as does the first one beside busy loops.`,
    '',
    '| run | minutes | minutes of CPU | result |',
    '| --- | ---: | ---: | --- |',
    ...rows,
    '',
    'The ten slowest files of the second run, of whose time others had a part:',
    '',
    '| file | seconds |',
    '| --- | ---: |',
    ...files,
  ].join('\n')
}

function minutes(seconds: number): string {
  return (seconds / 60).toFixed(1)
}

const asked = process.argv[2]
mkdirSync(LOGS, { recursive: true })
for (const kind of ['idle', 'loaded'] as const) if (!asked || asked === kind) await measure(kind)
writeTable()
