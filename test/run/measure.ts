/**
 * How long the tests take: `npm run test:measure` clones the last commit into a temporary folder and runs the README's test command there, with
 * empty caches, then again, and three times beside eight busy loops. Writes the table into CONTRIBUTING.md, and what each run printed
 * into docs/test-runs/. Takes an hour and wants the machine for itself.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'

const LOOPS = 8
const LOADED_RUNS = 3
const LOGS = 'docs/test-runs'
const PAGE = 'CONTRIBUTING.md'
const MARKS = ['<!-- test times -->', '<!-- end of test times -->'] as const

interface Run {
  readonly name: string
  readonly minutes: number
  readonly cpuMinutes: number
  readonly result: string
  readonly log: string
}

const home = mkdtempSync(join(tmpdir(), 'day7-measure-'))
const clone = join(home, 'clone')
spawnSync('git', ['clone', '--quiet', '.', clone], { stdio: 'inherit' })
mkdirSync(LOGS, { recursive: true })

/** What earlier runs on this machine have fetched is fetched again. */
const EMPTY_CACHES = {
  npm_config_cache: join(home, 'npm'),
  UV_CACHE_DIR: join(home, 'uv'),
  PIP_CACHE_DIR: join(home, 'pip'),
}
const OWN = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_|TAP|_TAPJS|DAY7_)/.test(name)),
)

const runs = [
  await measure('first run, idle', 'npm ci && npm test', 'first-idle'),
  await measure('second run, idle', 'npm test', 'second-idle'),
]
const loops = startLoops()
for (let at = 1; at <= LOADED_RUNS; at++)
  runs.push(await measure(`run ${at} beside ${LOOPS} busy loops`, 'npm test', `loaded-${at}`))
for (const loop of loops) loop.kill('SIGKILL')

const page = readFileSync(PAGE, 'utf8')
const [before, rest] = page.split(MARKS[0])
writeFileSync(PAGE, `${before}${MARKS[0]}\n\n${table()}\n\n${MARKS[1]}${rest!.split(MARKS[1])[1]}`)
rmSync(home, { recursive: true, force: true })
process.exitCode = runs.every(({ result }) => result.endsWith(' 0 failed')) ? 0 : 1

async function measure(name: string, command: string, file: string): Promise<Run> {
  const path = join(LOGS, `${file}.log`)
  const log = openSync(path, 'w')
  // Of bash's `time`, with the processor time of all descendants that ended.
  const timed = `TIMEFORMAT='day7-time %R %U %S'; time { ${command}; }`
  const child = spawn('bash', ['-c', timed], {
    cwd: clone,
    env: { ...OWN, ...EMPTY_CACHES },
    stdio: ['ignore', log, log],
  })
  await once(child, 'exit')
  const text = readFileSync(path, 'utf8')
  const [, real, user, system] = /day7-time ([\d.]+) ([\d.]+) ([\d.]+)/.exec(text)!.map(Number)
  const result = /\d+ passed, \d+ failed/.exec(text)?.[0] ?? 'no result'
  const run = { name, minutes: real! / 60, cpuMinutes: (user! + system!) / 60, result, log: path }
  writeFileSync(path, text.replaceAll(clone, '.').replace(/\nday7-time.*\n/, ''))
  console.log(rowOf(run))
  return run
}

function startLoops(): ChildProcess[] {
  return Array.from({ length: LOOPS }, () =>
    spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }),
  )
}

function rowOf({ name, minutes, cpuMinutes, result, log }: Run): string {
  return `| [${name}](${log}) | ${minutes.toFixed(1)} | ${cpuMinutes.toFixed(1)} | ${result} |`
}

function table(): string {
  const slowest = /The slowest files.*\n((?:.+\n)+)/.exec(readFileSync(runs[1]!.log, 'utf8'))?.[1] ?? ''
  const files = slowest
    .trimEnd()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
  return [
    `Measured by \`npm run test:measure\` on ${cpus()[0]!.model.trim()}, ${cpus().length} cores, Node ${process.versions.node}. The first run has empty caches and includes \`npm ci\`.`,
    '',
    '| run | minutes | minutes of CPU | result |',
    '| --- | ---: | ---: | --- |',
    ...runs.map(rowOf),
    '',
    'The ten slowest files of the second run, two running beside others:',
    '',
    '| file | seconds |',
    '| --- | ---: |',
    ...files.map(([seconds, file]) => `| \`${file}\` | ${seconds} |`),
  ].join('\n')
}
