/**
 * compose.yaml, started by Docker Compose itself, with the images of this checkout and stand-ins for those of others; the engine behind
 * it is podman. Its ports are free ones, its volumes go with it.
 */
import { existsSync } from 'node:fs'
import { freePort } from '../postgres-server.ts'
import { EXAMPLE } from '../example.ts'
import { ENVIRONMENT, makeStandIn, podman, prepareContainers, startEngine } from './containers.ts'
import { readCompose } from './files.ts'
import { buildImage, expect, untilOk } from './images.ts'
import type { Check } from './run.ts'
import { goTool, run } from './tools.ts'

/** There is no Debian package of Grafana. */
const STAND_INS: Readonly<Record<string, string>> = {
  db: 'postgres',
  nginx: 'nginx',
  redis: 'redis',
  prometheus: 'prometheus',
}
const PROJECT = `day7-test-${process.pid}`

export async function testCompose(check: Check): Promise<void> {
  await prepareContainers()
  const { services } = readCompose()
  await check('images', async () => {
    for (const image of ['service', 'mlflow'] as const) await buildImage(image)
    for (const [service, standIn] of Object.entries(STAND_INS))
      await makeStandIn(services[service]!.image, standIn)
  })
  const compose = await composeProgram()
  const ports = {
    DAY7_PORT: String(await freePort()),
    MLFLOW_PORT: String(await freePort()),
    BALANCED_PORT: String(await freePort()),
    PROMETHEUS_PORT: String(await freePort()),
  }
  const docker = (...args: string[]) =>
    run(compose[0]!, [...compose.slice(1), '--project-name', PROJECT, ...args], {
      env: { ...ENVIRONMENT, ...ports, COMPOSE_MENU: 'false', COMPOSE_PROGRESS: 'plain' },
      timeoutMs: 400_000,
    })
  const up = (...args: string[]) =>
    docker(...args, 'up', '--detach', '--no-build', '--pull=never', '--wait', '--wait-timeout=300')
  const running = async () =>
    (await docker('ps', '--services', '--status=running')).trim().split('\n').toSorted().join(', ')
  const service = `http://127.0.0.1:${ports.DAY7_PORT}`

  const engine = await startEngine()
  try {
    await check('docker compose config', async () => {
      const profiles = Object.values(services).flatMap((one) => one.profiles ?? [])
      for (const profile of new Set(profiles)) await docker('--profile', profile, 'config', '--quiet')
    })
    await check('docker compose up: api, db and mlflow, each when what it waits for is healthy', async () => {
      await up()
      expect(await running(), 'api, db, mlflow')
      await untilOk(`${service}/health/ready`)
    })
    await check('a prediction is in PostgreSQL', async () => {
      await predict(service)
      await counted(docker, 1)
    })
    await check(
      'what the image ships becomes the champion in MLflow, and the service follows it',
      async () => {
        // Compose does not see that what it runs in the foreground has ended where the engine is podman.
        const publisher = `${PROJECT}-publisher`
        await docker(
          ...['run', '--detach', '--name', publisher, '--no-deps'],
          ...['--env=MLFLOW_TRACKING_URI=http://mlflow:5005', 'api'],
          'publish',
          '--bundle',
          'artifacts/champion',
          '--alias',
          'champion',
        )
        const code = (await podman('wait', publisher)).trim()
        const said = await podman('logs', publisher)
        await podman('rm', '--force', publisher)
        if (code !== '0') throw new Error(`publish: exit code ${code}: ${said}`)
        Object.assign(ports, { MLFLOW_TRACKING_URI: 'http://mlflow:5005' })
        await up()
        await untilOk(`${service}/health/ready`)
        const { model } = (await (await fetch(`${service}/health`)).json()) as {
          model: { origin: string } | null
        }
        if (!/mlflow|models:/.test(model?.origin ?? ''))
          throw new Error(`expected a model from MLflow, got ${JSON.stringify(model)}`)
        return said.trim().split('\n').at(-1)
      },
    )
    await check('a service that is killed comes back with its volume', async () => {
      await docker('kill', 'api')
      await up()
      await untilOk(`${service}/health/ready`)
      await predict(service)
      await counted(docker, 2)
    })
    if (existsSync('docker/nginx/nginx.conf'))
      await check(
        'profiles balanced and shared: two services behind nginx, one of which is killed',
        async () => {
          Object.assign(ports, { REDIS_URL: 'redis://redis:6379' })
          await up('--profile', 'balanced', '--profile', 'shared')
          expect(await running(), 'api, api-2, db, mlflow, nginx, redis')
          const balanced = `http://127.0.0.1:${ports.BALANCED_PORT}`
          for (let i = 0; i < 10; i++) await predict(balanced)
          await docker('--profile', 'balanced', 'kill', 'api-2')
          for (let i = 0; i < 10; i++) await predict(balanced)
          await counted(docker, 22)
        },
      )
    else console.log('skipped: nginx; there is no docker/nginx/nginx.conf')
    if (existsSync('docker/prometheus/prometheus.yml'))
      await check('Prometheus scrapes the service', async () => {
        await docker(
          '--profile',
          'observed',
          'up',
          '--detach',
          '--no-build',
          '--pull=never',
          '--wait',
          'prometheus',
        )
        const up = `http://127.0.0.1:${ports.PROMETHEUS_PORT}/api/v1/query?query=sum(up)`
        await untilOk(up)
        for (let tries = 0; tries < 60; tries++) {
          const { data } = (await (await fetch(up)).json()) as {
            data: { result: { value: [number, string] }[] }
          }
          if (Number(data.result[0]?.value[1] ?? 0) > 0) return
          await new Promise((resolve) => setTimeout(resolve, 1_000))
        }
        throw new Error('expected a target that is up')
      })
    else console.log('skipped: Prometheus; there is no docker/prometheus/prometheus.yml')
    await check('docker compose down', async () => {
      await docker('--profile=*', 'down', '--volumes')
    })
  } finally {
    await docker('--profile=*', 'down', '--volumes', '--timeout=5').catch(() => '')
    await engine.stop()
  }
}

/** The plugin of this machine's docker, or one that is built: that takes some minutes. */
async function composeProgram(): Promise<string[]> {
  const isPlugin = await run('docker', ['compose', 'version']).then(
    () => true,
    () => false,
  )
  return isPlugin ? ['docker', 'compose'] : [await goTool('docker-compose')]
}

async function predict(url: string): Promise<void> {
  const response = await fetch(`${url}/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(EXAMPLE),
    signal: AbortSignal.timeout(15_000),
  })
  expect(response.status, 200)
}

/** PostgreSQL's own word. What a service that is gone has left is taken over within half a minute. */
async function counted(docker: (...args: string[]) => Promise<string>, predictions: number): Promise<void> {
  const psql = ['psql', '-h', '/tmp', '-U', 'day7', '-d', 'day7', '-Atc', 'select count(*) from predictions']
  let got = ''
  for (let tries = 0; tries < 150; tries++) {
    got = (await docker('exec', '-T', '--user=postgres', 'db', ...psql)).trim()
    if (got === String(predictions)) return
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
  throw new Error(`expected ${predictions} rows in predictions, got ${got}`)
}
