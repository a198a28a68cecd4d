/**
 * Each Dockerfile, built, and its image run as it is meant to be: on a root file system that nobody writes to, without capabilities, as
 * the user that it names.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '../postgres-server.ts'
import { productionPackages } from '../supply-chain/licences.ts'
import { EXAMPLE } from '../example.ts'
import { build, makeStandIn, podman, prepareContainers } from './containers.ts'
import { readStages } from './dockerfile.ts'
import { readCompose } from './files.ts'
import type { Check } from './run.ts'

const CONFINED = [
  '--read-only',
  '--read-only-tmpfs=false',
  '--cap-drop=all',
  '--security-opt=no-new-privileges',
]
const START_MS = 120_000

export const IMAGES = { service: 'api', training: 'training', mlflow: 'mlflow' } as const
export type Image = keyof typeof IMAGES

const DOCKERFILES: Readonly<Record<Image, readonly [string, string]>> = {
  service: ['docker/Dockerfile', 'node'],
  training: ['docker/training.Dockerfile', 'python'],
  mlflow: ['docker/mlflow.Dockerfile', 'python'],
}

/** As compose.yaml calls it, in the storage's way of writing it. */
export const tagOf = (image: Image): string =>
  `docker.io/library/${readCompose().services[IMAGES[image]]!.image.replace(/\$\{\w+:-([^}]*)\}/, '$1')}`

export async function buildImage(image: Image): Promise<void> {
  const [dockerfile, standIn] = DOCKERFILES[image]
  await makeStandIn(readStages(dockerfile)[0]!.base, standIn)
  await build('.', dockerfile, tagOf(image))
}

export async function testImages(check: Check): Promise<void> {
  await prepareContainers()
  for (const image of Object.keys(IMAGES) as Image[])
    await check(`build ${DOCKERFILES[image][0]}`, async () => {
      await buildImage(image)
      return sizeOf(image)
    })
  await testService(check)
  await testMlflow(check)
  await testTraining(check)
}

async function testService(check: Check): Promise<void> {
  const image = tagOf('service')
  const shell = (script: string) =>
    podman('run', '--rm', '--no-healthcheck', '--entrypoint=sh', image, '-c', script)

  await check(
    'service: no dev dependency, no package manager, nothing that its user could change',
    async () => {
      const names = (await shell('cd node_modules && ls -d [!@.]* @*/*')).trim().split('\n')
      const wanted = new Set(productionPackages().map(({ name }) => name))
      const surplus = names.filter((name) => !wanted.has(name))
      expect(surplus.join(), '')
      expect(await shell('command -v npm npx yarn corepack || echo none'), 'none\n')
      expect(
        await shell('find /opt/day7 \\( ! -user root -o -perm /022 \\) ! -type l | head -3; id -u'),
        '1000\n',
      )
      return `${names.length} packages`
    },
  )

  await check('service: labels, user, health check and bill of materials', async () => {
    const [{ Config: config, Healthcheck: healthCheck }] = JSON.parse(
      await podman('image', 'inspect', image),
    ) as [
      {
        Config: { User: string; Labels: Record<string, string>; Volumes: object }
        Healthcheck: { Test: string[] }
      },
    ]
    expect(config.User, '1000:1000')
    expect(`day7:${config.Labels['org.opencontainers.image.version']}`, image.split('/').at(-1)!)
    expect(Object.keys(config.Volumes).join(), '/data')
    expect(healthCheck.Test[0], 'CMD')
    const sbom = JSON.parse(await shell('cat sbom.json')) as {
      bomFormat: string
      components: { purl: string }[]
    }
    const missing = productionPackages().filter(
      ({ name, version }) =>
        !sbom.components.some(({ purl }) => purl === `pkg:npm/${name.replace('@', '%40')}@${version}`),
    )
    expect(missing.map(({ name }) => name).join(), '')
    return `${sbom.bomFormat}, ${sbom.components.length} components`
  })

  await withContainer('service', [], ['--env=AUTH=off'], 5001, async ({ name, url, restart }) => {
    await check('service: answers as a user without rights, on a read-only root', async () => {
      await untilOk(`${url}/health/ready`)
      const answer = await predict(url)
      expect(answer.predicted_revenue > 0, true)
      await confined(name)
      return `predicted_revenue ${answer.predicted_revenue}`
    })
    await check(
      'service: its health check passes',
      async () => void (await podman('healthcheck', 'run', name)),
    )
    await check('service: nothing is written outside of /data', () => onlyData(name))
    await check(
      'service: SIGTERM ends it in good order, and its volume keeps what was predicted',
      async () => {
        await untilCounted(url, 1)
        await podman('stop', '--time=20', name)
        expect(await exitCode(name), '0')
        await restart()
        await untilOk(`${url}/health/ready`)
        await predict(url)
        await untilCounted(url, 2)
      },
    )
  })

  await check('service: SIGTERM ends it while it starts, as process 1', async () => {
    const name = containerName('early')
    await podman('run', '--detach', '--name', name, '--no-healthcheck', '--env=AUTH=off', image)
    try {
      // Node's own handler, which is there before ours, ends no process 1.
      await until(async () => (await podman('logs', name)) !== '', 'its first line in the log')
      // As long as Kubernetes waits: a new embedded database is made first, seconds of a core.
      await podman('stop', '--time=30', name)
      const code = await exitCode(name)
      if (!['0', '143'].includes(code)) throw new Error(`expected exit code 143 or 0, got ${code}`)
      return `exit code ${code}`
    } finally {
      await remove(name)
    }
  })
}

async function testMlflow(check: Check): Promise<void> {
  await withContainer('mlflow', ['--tmpfs=/tmp'], [], 5005, async ({ name, url, port }) => {
    await check('mlflow: answers as a user without rights, on a read-only root', async () => {
      await untilOk(`${url}/health`, 'localhost:5005')
      const experiment = await get(`${url}/api/2.0/mlflow/experiments/get?experiment_id=0`, 'mlflow:5005')
      expect(experiment.status, 200)
      await confined(name)
    })
    await check('mlflow: answers to its own names only', async () => {
      const refused = await get(
        `http://127.0.0.1:${port}/api/2.0/mlflow/experiments/get?experiment_id=0`,
        'example.com',
      )
      expect(refused.status, 403)
    })
    await check(
      'mlflow: its health check passes',
      async () => void (await podman('healthcheck', 'run', name)),
    )
    await check('mlflow: nothing is written outside of /data', () => onlyData(name))
  })
}

async function testTraining(check: Check): Promise<void> {
  const volume = containerName('training')
  const train = (...args: string[]) =>
    podman('run', '--rm', ...CONFINED, '--tmpfs=/tmp', `--volume=${volume}:/data`, tagOf('training'), ...args)
  try {
    await check(
      'training: a model from made-up installs, as a user without rights, on a read-only root',
      async () => {
        await train('synthesize', '--rows', '2000', '--seed', '1', '--out', '/data/installs.csv')
        const said = await train(
          'train',
          '--data',
          '/data/installs.csv',
          '--out',
          '/data/bundle',
          '--no-mlflow',
        )
        return /normalisedGini.*/.exec(said)?.[0]
      },
    )
    await check('training: the service takes the bundle', async () => {
      const args = ['--rm', ...CONFINED, '--no-healthcheck', `--volume=${volume}:/data:ro`]
      return (await podman('run', ...args, tagOf('service'), 'verify', '/data/bundle')).trim()
    })
    await check('training: without a server, runs are logged beside the data', async () => {
      await train('train', '--data', '/data/installs.csv', '--out', '/data/logged')
    })
  } finally {
    await podman('volume', 'rm', '--force', volume)
  }
}

interface Running {
  readonly name: string
  readonly url: string
  readonly port: number
  restart(): Promise<void>
}

async function withContainer(
  image: Image,
  options: readonly string[],
  environment: readonly string[],
  port: number,
  work: (running: Running) => Promise<void>,
): Promise<void> {
  const name = containerName(image)
  const published = await freePort()
  const publish = `--publish=127.0.0.1:${published}:${port}`
  const run = ['run', '--detach', '--name', name, ...CONFINED, `--volume=${name}:/data`, publish]
  await podman(...run, ...options, ...environment, tagOf(image))
  try {
    await work({
      name,
      port: published,
      url: `http://127.0.0.1:${published}`,
      restart: async () => void (await podman('start', name)),
    })
  } finally {
    await remove(name)
    await podman('volume', 'rm', '--force', name)
  }
}

const containerName = (of: string): string => `day7-test-${of}-${process.pid}`

/** Twice: the first may meet a container that has just ended by itself. */
const remove = async (name: string): Promise<void> => {
  const force = () => podman('rm', '--force', '--volumes', '--time=10', name)
  await force().catch(force)
}

const exitCode = async (name: string): Promise<string> =>
  (await podman('inspect', '--format', '{{.State.ExitCode}}', name)).trim()

const sizeOf = async (image: Image): Promise<string> => {
  const bytes = Number(await podman('image', 'inspect', '--format', '{{.Size}}', tagOf(image)))
  return `${Math.round(bytes / 1e6)} MB with its base`
}

/** What the kernel says of process 1. */
const status = (name: string): Promise<string> => podman('exec', name, 'cat', '/proc/1/status')

const fieldOf = (text: string, field: string): string =>
  new RegExp(`^${field}:\\s+(\\S+)`, 'm').exec(text)![1]!

async function confined(name: string): Promise<void> {
  const text = await status(name)
  const of = (field: string): string => fieldOf(text, field)
  expect(of('Uid'), '1000')
  expect(of('CapEff'), '0000000000000000')
  expect(of('CapBnd'), '0000000000000000')
  expect(of('NoNewPrivs'), '1')
  expect(of('Seccomp'), '2')
  for (const file of ['/opt/x', '/etc/x', '/usr/x'])
    expect(await podman('exec', name, 'sh', '-c', `touch ${file} 2>/dev/null && echo written || true`), '')
}

/** podman makes files that it mounts over. */
async function onlyData(name: string): Promise<string> {
  const changes = (await podman('diff', name)).trim().split('\n').filter(Boolean)
  const others = changes.filter(
    (line) =>
      !/^[AC] \/(etc(\/(hosts|hostname|resolv\.conf|mtab))?|run(\/.*)?|proc|sys|dev|data|tmp)$/.test(line),
  )
  expect(others.join(', '), '')
  return `podman diff: ${changes.join(', ') || 'nothing'}`
}

async function predict(url: string): Promise<{ predicted_revenue: number }> {
  const response = await fetch(`${url}/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(EXAMPLE),
  })
  expect(response.status, 200)
  return (await response.json()) as { predicted_revenue: number }
}

async function untilCounted(url: string, predictions: number): Promise<void> {
  await until(async () => {
    const response = await fetch(`${url}/stats`)
    return (
      response.ok &&
      ((await response.json()) as { total_predictions: number }).total_predictions === predictions
    )
  }, `${predictions} predictions in ${url}/stats`)
}

export async function untilOk(url: string, host?: string): Promise<void> {
  await until(async () => (await get(url, host)).status === 200, `200 from ${url}`)
}

async function until(isSo: () => Promise<boolean>, what: string): Promise<void> {
  const latestMs = performance.now() + START_MS
  while (performance.now() < latestMs) {
    if (await isSo().catch(() => false)) return
    await delay(250)
  }
  throw new Error(`expected ${what} within ${START_MS / 1000} s`)
}

/** fetch sends no other Host than the URL's. */
async function get(url: string, host?: string): Promise<{ status: number; body: string }> {
  const { request } = await import('node:http')
  return new Promise((resolve, reject) => {
    const sent = request(url, { headers: host ? { host } : {}, timeout: 5_000 }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (text) => (body += text))
      response.on('end', () => resolve({ status: response.statusCode!, body }))
    })
    sent.once('error', reject).once('timeout', () => sent.destroy(new Error('no answer in time')))
    sent.end()
  })
}

export function expect(got: unknown, expected: unknown): void {
  if (got !== expected) throw new Error(`expected ${JSON.stringify(expected)}, got ${JSON.stringify(got)}`)
}
