/**
 * `day7 client-type`: a service with a studio's model → a type, which tsc compiles, and with which the client asks that service.
 */
import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { loadBundle } from '../../src/bundle/index.ts'
import { clientType } from '../../src/commands/client-type.ts'
import { FIVE_FIELDS, PLAYER, writeFiveFields } from '../five-fields.ts'
import { appWith, rolloutOf } from '../http/app.ts'

const folder = t.testdir({})
const UGLY = {
  ...FIVE_FIELDS,
  fields: [
    ...FIVE_FIELDS.fields,
    {
      name: String.raw`it's "a" \ b, c`,
      kind: 'text',
      required: false,
      description: 'Ends */ here\nand goes on.',
      example: '*/',
    },
    { name: '2024', kind: 'number', required: false, unit: 'USD', maximum: 5 },
    { name: 'constructor', kind: 'boolean', required: false },
    { name: 'ünï ${x} `y` </script>', kind: 'time', required: false, format: 'month_first' },
  ],
}
const bundle = await loadBundle(writeFiveFields(join(folder, 'ugly'), { inputs: UGLY }))
const { app } = await appWith({ rollout: rolloutOf(bundle) })
t.teardown(() => app.close())
const url = await app.listen({ host: '127.0.0.1', port: 0 })
const out = join(folder, 'install.ts')

t.test('a type of the fields of the model in service', async (t) => {
  await clientType([`${url}/`, '--out', out])
  const text = readFileSync(out, 'utf8')
  t.match(
    text,
    `// Made by day7 client-type, of five-fields 5, which predicts LTV 14 of the first 14 days, in EUR.\n// Input schema ${bundle.inputs.id}.\n`,
  )
  for (const lines of [
    '  /** Where the player is. For example: "pe" */\n  "Country Code": string | null\n',
    '  /** ≥ 0, ≤ 1000000. For example: 2.5 */\n  "💰 spend": number\n',
    '  "is \\"new\\", or not": boolean | null\n',
    '  /** Day/month/year, ISO 8601 or an epoch. For example: "31/12/2026 23:30" */\n  "installed at": string | number | null\n',
    '  /** ≥ 0. */\n  sessions?: number | null\n',
    '  /** Ends *\\/ here and goes on. For example: "*\\/" */\n  "it\'s \\"a\\" \\\\ b, c"?: string | null\n',
    '  /** Unit: USD. ≤ 5. */\n  "2024"?: number | null\n',
    '  constructor: boolean | null\n',
  ])
    t.ok(text.includes(lines), lines)
})

t.test('compiled, it refuses what the service refuses; run, it is answered', async (t) => {
  const client = resolve('src/client/index.ts')
  const program = join(folder, 'program.ts')
  writeFileSync(
    program,
    `import { createClient, type Day7Client, type Install as Shipped } from ${JSON.stringify(client)}
import type { Install } from './install.ts'
const player: Install = ${JSON.stringify({ ...PLAYER, constructor: null })}
const day7 = createClient<Install>({ url: ${JSON.stringify(url)} })
const { predicted_revenue } = await day7.predict({ ...player, "it's \\"a\\" \\\\ b, c": 'x', '2024': 4, constructor: true, user_id: 'me' })
const batch = await day7.predictBatch([player, { ...player, '2024': 6 }])
console.log(JSON.stringify([predicted_revenue, ...batch.predictions.map(({ predicted_revenue, error }) => predicted_revenue ?? error)]))
export function wrong(shipped: Shipped, plain: Day7Client): unknown[] {
  return [
    // @ts-expect-error null where it is not nullable
    day7.predict({ ...player, '💰 spend': null }),
    // @ts-expect-error another kind
    day7.predict({ ...player, 'is "new", or not': 1 }),
    // @ts-expect-error a field that is no field
    day7.predict({ ...player, country: 'es' }),
    // @ts-expect-error an install of another model
    day7.predict(shipped),
    // @ts-expect-error an install of this model, by a client of the one that ships
    plain.predict(player),
    plain.predict(shipped),
  ]
}
`,
  )
  // As this repository is compiled, with the types of the web in place of Node's.
  const options = {
    extends: resolve('tsconfig.json'),
    compilerOptions: {
      types: [],
      lib: ['es2025', 'dom'],
      noEmit: true,
      allowImportingTsExtensions: true,
      rewriteRelativeImportExtensions: false,
    },
    files: [program],
    include: [],
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(options))
  const compiled = spawnSync('tsc', ['-p', folder, '--pretty', 'false'], { encoding: 'utf8' })
  t.same([compiled.stdout, compiled.status], ['', 0])
  // In another process, since it is this one that answers it.
  const { stdout } = await promisify(execFile)(process.execPath, [program])
  const answer = await app.inject({ method: 'POST', url: '/predict', payload: PLAYER })
  t.equal(answer.statusCode, 200, 'a field that every object inherits is absent where it is not its own')
  const revenue = Number(bundle.predict(bundle.rowOf(PLAYER)).revenue.toFixed(6))
  t.same(JSON.parse(stdout), [revenue, revenue, '2024: expected a number ≤ 5, got 6'])
})

t.test('the type of the model that ships is that of the client', async (t) => {
  const { app } = await appWith()
  t.teardown(() => app.close())
  const shipped = join(folder, 'shipped.ts')
  await clientType([await app.listen({ host: '127.0.0.1', port: 0 }), '--out', shipped])
  const check = join(folder, 'check.ts')
  writeFileSync(
    check,
    `import type { Install } from ${JSON.stringify(resolve('src/client/index.ts'))}
import type { Install as Written } from './shipped.ts'
export const one = (install: Install): Written => install
export const other = (install: Written): Install => install
`,
  )
  const options = JSON.parse(readFileSync(join(folder, 'tsconfig.json'), 'utf8'))
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ ...options, files: [check] }))
  t.equal(execFileSync('tsc', ['-p', folder, '--pretty', 'false'], { encoding: 'utf8' }), '')
})

t.test('what is no service of Day7', async (t) => {
  const answers: [number, string][] = []
  const server = createServer((request, response) => {
    const [status, body] = answers.shift()!
    response.writeHead(status, { 'x-key': request.headers.authorization ?? '' }).end(body)
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const other = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const refused = (answer: [number, string], message: string) => {
    answers.push(answer)
    return t.rejects(clientType([other]), {
      message: `${other}/model/inputs: expected the inputs of a model${message}`,
    })
  }
  await refused([401, '{"message":"no key"}'], ', got status 401: no key')
  await refused([404, '<html>'], ', got status 404')
  await refused([200, '{"inputs":3}'], ' of Day7, got another answer')
  await new Promise((closed) => server.close(closed))
  await t.rejects(clientType([other]), {
    message: /: expected the inputs of a model, got no answer: ./,
  })
  await t.rejects(clientType(['localhost:5001']), {
    name: 'UsageError',
    message: 'client-type: expected a URL such as http://127.0.0.1:5001, got localhost:5001',
  })
  await t.rejects(clientType([]), { name: 'UsageError' })
})
