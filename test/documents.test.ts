/**
 * What documents say is there: links, commands, scripts, settings, routes. Blocks of commands are run here where that takes a service and no
 * more; README.md, quickstart.md, protocols.md and model-lifecycle.md have tests of their own, and api.md is made by running it.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { parse } from 'yaml'
import { COMMANDS } from '../src/commands/index.ts'
import { SETTINGS } from '../src/config/index.ts'
import { makeVenv, PYTHON } from '../training/venv.ts'
import { blockOf, blocksOf, shell } from './document.ts'
import { EXAMPLE } from './example.ts'
import { dataFolder, startService, untilReady } from './service.ts'
import { logSettings } from './shared-postgres.ts'
import { PYTHON_ENVIRONMENT } from './training.ts'

makeVenv('mlflow') // its commands, and `requests`
const DOCUMENTS = [
  'README.md',
  'README.es.md',
  'CONTRIBUTING.md',
  ...readdirSync('docs').flatMap((file) => (file.endsWith('.md') ? `docs/${file}` : [])),
]
const DECISIONS = readdirSync('docs/decisions').map((file) => `docs/decisions/${file}`)
const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'))
const settings = new Set<string>(SETTINGS.map(({ name }) => name))
/** Of other programs, or of compose.yaml. */
const OTHERS = /^(MLFLOW_DISABLE_TELEMETRY|MLFLOW_TRACKING_TOKEN_FILE|TOKEN|REVISION|[A-Z]+_PORT)$/

const headingsOf = (file: string): string[] =>
  [...readFileSync(file, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading!)

/** As GitHub makes it. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')

t.test('links lead somewhere', (t) => {
  const anchors = new Map<string, Set<string>>()
  const anchorsOf = (file: string): Set<string> => {
    const known = anchors.get(file) ?? new Set(headingsOf(file).map(anchorOf))
    anchors.set(file, known)
    return known
  }
  let inner = 0
  for (const file of [...DOCUMENTS, 'CHANGELOG.md', ...DECISIONS])
    for (const [, target = '', anchor] of readFileSync(file, 'utf8').matchAll(
      /\]\((?!https?:)([^)#\s]*)(?:#([^)]+))?\)/g,
    )) {
      const path = target === '' ? file : join(dirname(file), target)
      t.ok(existsSync(path), `${file} → ${target}`)
      if (anchor === undefined || !path.endsWith('.md')) continue
      t.ok(anchorsOf(path).has(anchor), `${file} → ${target}#${anchor}`)
      inner++
    }
  t.ok(inner > 20, `${inner} to a heading`)
  t.end()
})

t.test('commands, scripts, settings and routes exist', (t) => {
  const commands = new Set([...Object.keys(COMMANDS), 'serve', 'openapi', 'settings'])
  const training = execFileSync(PYTHON, ['-m', 'day7_training', '--help'], {
    cwd: 'training',
    env: { ...process.env, ...PYTHON_ENVIRONMENT },
  }).toString()
  const { paths } = parse(readFileSync('openapi.yaml', 'utf8')) as { paths: Record<string, object> }
  const routes = Object.entries(paths).map(([path, methods]) => ({
    path: new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`),
    methods: Object.keys(methods),
  }))
  const counts = { scripts: 0, commands: 0, training: 0, settings: 0, routes: 0, files: 0 }
  for (const file of DOCUMENTS) {
    const text = readFileSync(file, 'utf8')
    for (const [, script] of text.matchAll(/\bnpm run (?:-s )?([\w:]+)/g)) {
      t.ok(scripts[script!], `${file}: npm run ${script}`)
      counts.scripts++
    }
    for (const { language, text } of blocksOf(file)) {
      if (language !== 'sh') continue
      // `… day7 -- predict`, or `… | day7 predict`; not a container of that name that runs `node`.
      for (const [, command] of text.matchAll(/(?:\bday7 --(?! node)|(?<=\| )day7(?! node)) ([a-z]+)\b/g)) {
        t.ok(commands.has(command!), `${file}: day7 ${command}`)
        counts.commands++
      }
      for (const [, command] of text.matchAll(/-m day7_training ([a-z]+)/g)) {
        t.match(training, new RegExp(`\\b${command}\\b`), `${file}: day7_training ${command}`)
        counts.training++
      }
      for (const [, name] of text.matchAll(/(?:^|\s)([A-Z][A-Z0-9_]+)=/gm)) {
        t.ok(settings.has(name!) || OTHERS.test(name!), `${file}: ${name}`)
        counts.settings++
      }
      for (const [, path] of text.matchAll(/\s((?:docker|test|artifacts)\/[\w./-]+)/g)) {
        if (path!.startsWith('artifacts/mine')) continue
        t.ok(existsSync(path!), `${file}: ${path}`)
        counts.files++
      }
      for (const [line] of text.replaceAll('\\\n', '').matchAll(/^.*\bcurl\b.*$/gm)) {
        const url = /127\.0\.0\.1:5001(\/[^\s'"|?)]*)/.exec(line)
        if (!url) continue
        const method =
          /-s?X ?([A-Z]+)/.exec(line)?.[1]?.toLowerCase() ?? (/\s(-d|--data)/.test(line) ? 'post' : 'get')
        const known = routes.some(({ path, methods }) => path.test(url[1]!) && methods.includes(method))
        t.ok(known, `${file}: ${method} ${url[1]}`)
        counts.routes++
      }
    }
    for (const [, name] of text.matchAll(/`([A-Z]+_[A-Z_]+|HOST|PORT)=[^`]*`/g))
      t.ok(settings.has(name!) || OTHERS.test(name!), `${file}: ${name}`)
  }
  for (const [what, count] of Object.entries(counts)) t.ok(count > 3, `${count} ${what}`)
  t.end()
})

t.test('the command line', async (t) => {
  const file = 'docs/command-line.md'
  t.ok(
    blocksOf(file).some(
      ({ text }) => text === execFileSync(process.execPath, ['src/cli.ts', '--help']).toString(),
    ),
    'its help is what it prints',
  )
  const folder = dataFolder(t)
  const csv = `${Object.keys(EXAMPLE).join()}\n${Object.values(EXAMPLE).join()}\n`
  writeFileSync(join(folder, 'installs.csv'), csv)
  writeFileSync(join(folder, 'installs.csv.gz'), gzipSync(csv))
  const here = (script: string) =>
    `day7() { node src/cli.ts "$@"; }\n${script.replaceAll('/tmp/', `${folder}/`).replace('zcat ', `zcat ${folder}/`)}`
  await shell(here(blockOf(file, 'day7 -- predict')))
  const predicted = readFileSync(join(folder, 'predictions.csv'), 'utf8')
  t.equal(await shell(here(blockOf(file, 'zcat'))), predicted, 'from standard input as from a file')
})

t.test('against a service', async (t) => {
  const service = await startService(t, await logSettings(t))
  await untilReady(service.url)
  const run = (script: string) => shell(script.replaceAll('http://127.0.0.1:5001', service.url))
  t.match(JSON.parse(await run(blockOf('docs/explanations.md', '?explain=true'))), {
    explanation: { raw_score: Number },
  })
  t.match(await run(blockOf('docs/observability.md', '/metrics')), 'day7_predictions_total')
  t.match(JSON.parse(await run(blockOf('docs/operations.md', '/users/erase'))), {
    users: [{ user_id: 'player 1' }, { user_id: 'player 2' }],
  })

  const python = blocksOf('docs/clients.md').find(({ language }) => language === 'python')!.text
  const printed = execFileSync(PYTHON, ['-c', python.replace('http://127.0.0.1:5001', service.url)], {
    env: { ...process.env, ...PYTHON_ENVIRONMENT },
  })
  t.equal(Number(printed.toString()), 311.295091, 'the client in Python')
  await service.stop()
})
