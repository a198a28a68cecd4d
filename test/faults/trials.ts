/**
 * Load while what the log stands on fails in other ways: a pooler, clocks, locks, connections that fall silent, and kills of the embedded database.
 * Every answered prediction must be in the database, once.
 */
import { type ChildProcess, execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import postgres, { type Sql } from 'postgres'
import { spawnPooler } from '../pgbouncer.ts'
import { createPostgresServer, freePort } from '../postgres-server.ts'
import { missing } from '../programs.ts'
import { type ServiceProcess, spawnService } from '../service.ts'
import { startSilentProxy } from '../silent-proxy.ts'
import { until } from '../until.ts'
import { type Load, startLoad } from './load.ts'
import { compare, type StormResult, untilShipped } from './storm.ts'

export interface TrialResult extends StormResult {
  /** Connections of the services that the server had at once. */
  readonly connections: number
}

export interface Trial {
  readonly title: string
  readonly skip: string | false
  /** Of the long form. */
  readonly rounds: number
  /** @param rounds of the fault */
  run(rounds: number): Promise<TrialResult>
}

const PER_SECOND = 500

/** Services under load, each with a port that it keeps. */
class Party {
  readonly folder = mkdtempSync(join(tmpdir(), 'day7-trial-'))
  readonly loads: Load[] = []
  readonly services: ServiceProcess[] = []
  readonly #children = new Set<ChildProcess>()
  readonly #starts: (() => Promise<ServiceProcess>)[] = []

  /** @param url of its database; null: the embedded one */
  async join(url: string | null, more: Readonly<Record<string, string>> = {}): Promise<void> {
    const number = this.#starts.length
    const port = await freePort()
    const environment = {
      DATA_DIR: join(this.folder, String(number)),
      PORT: String(port),
      AUTH: 'off',
      ...(url !== null && { DATABASE_URL: url }),
      ...more,
    }
    this.#starts.push(() => spawnService(environment, (child) => this.#children.add(child)))
    this.services.push(await this.#starts[number]!())
    this.loads.push(startLoad(() => `http://127.0.0.1:${port}`, PER_SECOND))
  }

  async kill(number: number): Promise<void> {
    await this.services[number]!.stop('SIGKILL')
    this.services[number] = await this.#starts[number]!()
  }

  /** So many more answers, of each. */
  async answers(count: number): Promise<void> {
    const wanted = this.loads.map(({ answered }) => answered.length + count)
    await until('answers', () => this.loads.every(({ answered }, i) => answered.length >= wanted[i]!))
  }

  /** @returns the ids that were answered, all of which should be in the database now */
  async end(): Promise<string[]> {
    for (const load of this.loads) await load.stop()
    for (const service of this.services) await untilShipped(service)
    return this.loads.flatMap(({ answered }) => answered)
  }

  remove(): void {
    for (const child of this.#children) child.kill('SIGKILL')
    rmSync(this.folder, { recursive: true, force: true })
  }
}

async function onServer(
  faults: (party: Party, url: string, sql: Sql) => Promise<void>,
): Promise<TrialResult> {
  const server = await createPostgresServer()
  const sql = postgres(server.url, { max: 3, onnotice: () => {}, connection: { application_name: 'trial' } })
  const party = new Party()
  let connections = 0
  const watch = setInterval(
    () =>
      void sql<[{ count: number }]>`
        select count(*)::integer as count from pg_stat_activity where application_name like 'day7%'`
        .then(([{ count }]) => (connections = Math.max(connections, count)))
        .catch(() => {}),
    200,
  )
  try {
    await faults(party, server.url, sql)
    const answered = await party.end()
    clearInterval(watch)
    return { ...(await compare(sql, answered)), connections }
  } finally {
    clearInterval(watch)
    party.remove()
    await server.remove()
  }
}

/** What `faketime` sets, without it between the service and us. */
function clockAt(offset: string): Record<string, string> {
  const set = execFileSync('faketime', ['-f', offset, 'env'], { encoding: 'utf8' })
  return Object.fromEntries(
    set.split('\n').flatMap((line) => {
      const [, name, value] = /^(LD_PRELOAD|FAKETIME)=(.*)$/.exec(line) ?? []
      return name === undefined ? [] : [[name, value!]]
    }),
  )
}

/** So many answers before a fault, and while it lasts. */
const SOME = PER_SECOND / 2

export const TRIALS: readonly Trial[] = [
  {
    title: 'two services behind PgBouncer, which is frozen and killed; the services are killed',
    skip: missing('pgbouncer'),
    rounds: 4,
    run: (rounds) =>
      onServer(async (party, url) => {
        const port = await freePort()
        let pooler = await spawnPooler(url, port)
        try {
          for (const _ of [0, 1]) await party.join(pooler.url)
          for (let round = 0; round < rounds; round++) {
            await party.answers(SOME)
            pooler.freeze()
            await party.answers(SOME)
            pooler.thaw()
            await party.answers(SOME)
            await pooler.kill()
            await party.answers(SOME)
            pooler = await spawnPooler(url, port)
            await party.answers(SOME)
            await party.kill(round % 2)
          }
          await party.end()
        } finally {
          await pooler.kill()
        }
      }),
  },
  {
    title: 'three services, of which one is 401 days ahead and one a day behind; they are killed',
    skip: missing('faketime'),
    rounds: 4,
    run: (rounds) =>
      onServer(async (party, url) => {
        await party.join(url)
        await party.join(url, clockAt('+401d'))
        await party.join(url, clockAt('-1d'))
        for (let round = 0; round < rounds; round++) {
          await party.answers(SOME)
          await party.kill(round % 3)
        }
      }),
  },
  {
    title: 'the table is locked, as by VACUUM FULL, while reports are asked for',
    skip: false,
    rounds: 4,
    run: (rounds) =>
      onServer(async (party, url, sql) => {
        await party.join(url)
        for (let round = 0; round < rounds; round++) {
          await party.answers(SOME)
          await sql.begin(async (transaction) => {
            await transaction`lock table predictions in access exclusive mode`
            const asked = ['/accuracy', '/stats/recent', '/accuracy?by=country', '/stats'].flatMap((path) =>
              Array.from({ length: 10 }, () => fetch(party.services[0]!.url + path)),
            )
            await party.answers(4 * SOME)
            void Promise.allSettled(asked)
          })
        }
      }),
  },
  {
    title: 'the way to the database falls silent, at the start and later',
    skip: false,
    rounds: 4,
    run: (rounds) =>
      onServer(async (party, url) => {
        const proxy = await startSilentProxy(url)
        try {
          proxy.silence()
          await party.join(proxy.url)
          for (let round = 0; round < rounds; round++) {
            await party.answers(SOME)
            proxy.speak()
            await until('it ships again', async () => {
              const health = await fetch(`${party.services[0]!.url}/health`)
              return ((await health.json()) as any).prediction_log.state === 'shipping'
            })
            await party.answers(SOME)
            proxy.silence()
          }
          proxy.speak()
          await party.end()
        } finally {
          proxy.close()
        }
      }),
  },
  {
    title: 'the embedded database is killed with its service',
    skip: false,
    rounds: 20,
    async run(rounds) {
      const party = new Party()
      try {
        await party.join(null)
        for (let round = 0; round < rounds; round++) {
          await party.answers(SOME)
          // At any moment: of a start, of a shipment, of a recovery.
          await delay(Math.random() * 1_000)
          await party.kill(0)
        }
        const answered = await party.end()
        const path = join(party.folder, '0/postgres/socket/.s.PGSQL.5432')
        const sql = postgres({ path, user: 'postgres', database: 'postgres', max: 1, onnotice: () => {} })
        const [{ count }] = await sql<[{ count: number }]>`
          select count(*)::integer as count from pg_stat_activity where application_name like 'day7%'`
        return { ...(await compare(sql, answered)), connections: count }
      } finally {
        party.remove()
      }
    },
  },
]
