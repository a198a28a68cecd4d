/**
 * docs/api.md: what stands between its markers is made from the OpenAPI document, and from real requests to a running service and what
 * it answered.
 *
 *   node test/api/page.ts      writes the page
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { format, resolveConfig } from 'prettier'
import { untilShipped } from '../bench/service-process.ts'
import { spawnService, untilReady } from '../service.ts'
import { type Example, examplesOf } from './examples.ts'

export const PAGE = 'docs/api.md'
const MARKERS = ['<!-- routes -->', '<!-- /routes -->'] as const
/** Where the page says that the service is. */
const SHOWN_URL = 'http://127.0.0.1:5001'
const SHOWN_HOST = 'api-1'
/** Of an answer. */
const MOST_LINES = 40
const WIDTH = 110
const HEADERS_SHOWN = ['content-type', 'idempotency-replayed', 'retry-after']

interface Operation {
  readonly tags: readonly string[]
  readonly summary: string
  readonly description?: string
  readonly parameters?: readonly { name: string; in: string; required?: boolean; description?: string }[]
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[]
  readonly responses: Readonly<Record<string, { description: string }>>
}

interface Document {
  readonly tags: readonly { name: string; description: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}

/** The page as it is for the service at this address. */
export async function makePage(url: string): Promise<string> {
  await untilReady(url)
  const [document, model] = (await Promise.all(
    ['/docs/json', '/model/info'].map(async (path) => (await fetch(url + path)).json()),
  )) as [Document, { name: string; version: string }]
  const examples = examplesOf(model)
  const shown = new Map<Example, string>()
  let wasRead = false
  for (const example of examples) {
    const isRead = example.route.startsWith('GET')
    // What was written is found by what reads it.
    if (isRead && !wasRead) await untilShipped(url)
    wasRead = isRead
    shown.set(example, await show(example, url))
  }

  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      route: `${method.toUpperCase()} ${path}`,
      operation,
    })),
  )
  const unknown = examples.filter(({ route }) => !operations.some((known) => known.route === route))
  if (unknown.length > 0) throw new Error(`no such route: ${unknown.map(({ route }) => route).join()}`)
  const parts = document.tags.flatMap(({ name, description }) => [
    `## ${name[0]!.toUpperCase()}${name.slice(1)}`,
    description,
    ...operations
      .filter(({ operation }) => operation.tags[0] === name)
      .map(({ route, operation }) => {
        const own = examples.filter((example) => example.route === route)
        if (own.length === 0) throw new Error(`${route} has no example`)
        return describe(route, operation, own.map((example) => shown.get(example)!).join('\n\n'))
      }),
  ])
  const page = readFileSync(PAGE, 'utf8')
  const [start, end] = MARKERS.map((marker) => page.indexOf(marker)) as [number, number]
  if (start < 0 || end < start) throw new Error(`expected ${MARKERS.join(' … ')} in ${PAGE}`)
  const text = `${page.slice(0, start)}${MARKERS[0]}\n\n${parts.join('\n\n')}\n\n${page.slice(end)}`
  return format(text, { ...(await resolveConfig(PAGE)), parser: 'markdown' })
}

function describe(route: string, operation: Operation, examples: string): string {
  const { summary, description, parameters = [], responses } = operation
  const list = parameters.map(
    (parameter) =>
      `- \`${parameter.name}\` (${parameter.in}${parameter.required ? ', needed' : ''})${parameter.description ? `: ${parameter.description}` : ''}`,
  )
  return [
    `### ${route}`,
    `${/[.?]$/.test(summary) ? summary : `${summary}.`} ${neededOf(operation)}`,
    ...(description ? [description] : []),
    ...(list.length > 0 ? [list.join('\n')] : []),
    examples,
    `Answers: ${Object.keys(responses).join(', ')}.`,
  ].join('\n\n')
}

function neededOf({ security = [] }: Operation): string {
  const scope = security.flatMap((either) => Object.values(either).flat())[0]
  if (scope === undefined) return 'Needs no key.'
  const isOptional = security.some((either) => Object.keys(either).length === 0)
  return isOptional ? `Scope \`${scope}\`, where \`METRICS_AUTH=on\`.` : `Scope \`${scope}\`.`
}

/** Asks → Markdown of what was asked and answered. */
async function show(example: Example, url: string): Promise<string> {
  const { route, note, events, status = 200 } = example
  const [method, routePath] = route.split(' ') as [string, string]
  const path = example.path ?? routePath
  const { body } = example
  const text = typeof body === 'object' ? await laidOut(JSON.stringify(body)) : body
  const headers = {
    ...(typeof body === 'object' && { 'content-type': 'application/json' }),
    ...example.headers,
  }
  const ask = () => fetch(url + path, { method, headers, ...(text !== undefined && { body: text }) })
  if (example.again) await (await ask()).text()
  const answer = await ask()
  const whole = events === undefined ? await answer.text() : await readEvents(answer, events)
  const answered = (example.lines ? linesOf(whole, example.lines) : whole)
    .trimEnd()
    .replaceAll(`"host":${JSON.stringify(hostname())}`, `"host":"${SHOWN_HOST}"`)
  if (answer.status !== status)
    throw new Error(`${route}: expected ${status}, got ${answer.status}: ${answered}`)
  const curl = [
    `curl ${method === 'GET' ? '' : `-X ${method} `}${events ? '-N ' : ''}'${SHOWN_URL}${path}'`,
    ...Object.entries(headers).map(([name, value]) => `  -H '${name}: ${value}'`),
    ...(text === undefined ? [] : [`  --data-binary '${text.trimEnd().replaceAll("'", String.raw`'\''`)}'`]),
  ]
  const head = [
    `${answer.status} ${answer.statusText}`,
    ...HEADERS_SHOWN.flatMap((name) =>
      answer.headers.has(name) ? `${name}: ${answer.headers.get(name)}` : [],
    ),
  ]
  const isJson = answer.headers.get('content-type')?.includes('json') === true
  const pretty = isJson && !answered.includes('\n') ? await laidOut(answered) : answered
  return [
    ...(note ? [note] : []),
    `\`\`\`sh\n${curl.join(' \\\n')}\n\`\`\``,
    `\`\`\`http\nHTTP/1.1 ${head.join('\n')}\n\n${shorten(pretty)}`.trimEnd() + '\n```',
  ].join('\n\n')
}

async function laidOut(json: string): Promise<string> {
  return (await format(json, { parser: 'json', objectWrap: 'collapse', printWidth: WIDTH })).trimEnd()
}

const linesOf = (text: string, of: string): string =>
  text
    .split('\n')
    .filter((line) => line.includes(of))
    .join('\n')

function shorten(text: string): string {
  const lines = text.split('\n')
  return lines.length <= MOST_LINES ? text : [...lines.slice(0, MOST_LINES), '…'].join('\n')
}

async function readEvents(answer: Response, count: number): Promise<string> {
  let text = ''
  for await (const chunk of answer.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk
    if (text.split('\n\n').length > count) break
  }
  return text
}

if (import.meta.main) {
  const folder = mkdtempSync(join(tmpdir(), 'day7-api-'))
  const service = await spawnService({ DATA_DIR: folder }, () => {})
  try {
    writeFileSync(PAGE, await makePage(service.url))
  } finally {
    await service.stop()
    rmSync(folder, { recursive: true })
  }
}
