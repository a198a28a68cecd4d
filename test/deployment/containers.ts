/**
 * Containers without a Docker engine: podman builds and runs them, in a storage of its own below `FOLDER`, and speaks Docker's API where
 * Docker Compose wants that. Needs root; what is missing on the machine is said with the command that installs it.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { FOLDER, isThere, run } from './tools.ts'

const HOME = join(FOLDER, 'containers')
/** The path of a Unix socket is short. */
const SOCKET = `/tmp/day7-podman-${process.pid}.sock`

const FILES: Readonly<Record<string, string>> = {
  // A machine may not allow itself more open files than it has been given.
  'containers.conf': `[containers]
default_ulimits = ["nofile=8192:8192", "nproc=8192:8192"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
`,
  'storage.conf': `[storage]
driver = "overlay"
graphroot = "${HOME}/storage"
runroot = "${HOME}/run"
`,
  // No registry: what is not built here is not to be had.
  'registries.conf': 'unqualified-search-registries = []\n',
}

export const ENVIRONMENT = {
  CONTAINERS_CONF: join(HOME, 'containers.conf'),
  CONTAINERS_STORAGE_CONF: join(HOME, 'storage.conf'),
  CONTAINERS_REGISTRIES_CONF: join(HOME, 'registries.conf'),
  DOCKER_HOST: `unix://${SOCKET}`,
}

const PROGRAMS = ['podman', 'runc', 'catatonit', 'debootstrap', 'iptables']
const PACKAGES = 'podman runc catatonit debootstrap iptables netavark aardvark-dns'

/** @throws Error that says what is missing */
export async function prepareContainers(): Promise<void> {
  const missing: string[] = []
  for (const program of PROGRAMS) if (!(await isThere(program))) missing.push(program)
  if (process.platform !== 'linux' || process.getuid!() !== 0 || missing.length > 0)
    throw new Error(
      `expected Linux, root, and: apt-get install -y --no-install-recommends ${PACKAGES}; missing: ${missing.join(', ') || 'root'}`,
    )
  mkdirSync(HOME, { recursive: true })
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(HOME, name), text)
}

export const podman = (...args: string[]): Promise<string> => run('podman', args, { env: ENVIRONMENT })

export async function hasImage(name: string): Promise<boolean> {
  return podman('image', 'exists', name).then(
    () => true,
    () => false,
  )
}

/** A Dockerfile, as it stands. Its steps reach the registries that this machine is set up for, and no base image is fetched. */
export async function build(context: string, dockerfile: string, tag: string): Promise<void> {
  await buildWith(await registries(), context, dockerfile, tag)
}

async function buildWith(
  options: readonly string[],
  context: string,
  dockerfile: string,
  tag: string,
): Promise<void> {
  const fixed = [
    'build',
    '--quiet',
    '--isolation',
    'chroot',
    '--format',
    'docker',
    '--pull-never',
    '--layers',
  ]
  await podman(...fixed, ...options, '--file', dockerfile, '--tag', tag, context)
}

/** What this machine's npm and pip know of registries, as the secrets that the Dockerfiles take. */
async function registries(): Promise<string[]> {
  const authority = process.env['NODE_EXTRA_CA_CERTS'] ?? process.env['SSL_CERT_FILE']
  const npmrc = join(HOME, 'npmrc')
  writeFileSync(
    npmrc,
    `registry=${(await run('npm', ['config', 'get', 'registry'])).trim()}\n${authority ? `cafile=${authority}\n` : ''}`,
    { mode: 0o600 },
  )
  const pip = join(HOME, 'pip.conf')
  const index = (
    await run('python3', ['-m', 'pip', 'config', 'get', 'global.index-url']).catch(() => '')
  ).trim()
  writeFileSync(
    pip,
    `[global]\ntimeout = 180\n${index ? `index-url = ${index}\n` : ''}${authority ? `cert = ${authority}\n` : ''}`,
    { mode: 0o600 },
  )
  const authorities = ['/etc/ssl/certs', '/usr/share/ca-certificates', '/usr/local/share/ca-certificates']
  return [
    ...['--secret', `id=npmrc,src=${npmrc}`, '--secret', `id=pip,src=${pip}`],
    ...(authority
      ? authorities.flatMap((path) => (existsSync(path) ? ['--volume', `${path}:${path}:ro`] : []))
      : []),
  ]
}

/** Docker's API, and what the timers of Docker's engine do: the health checks, over and over. */
export async function startEngine(): Promise<{ stop(): Promise<void> }> {
  const engine: ChildProcess = spawn(
    'podman',
    ['system', 'service', '--time', '0', ENVIRONMENT.DOCKER_HOST],
    {
      env: { ...process.env, ...ENVIRONMENT },
      stdio: 'ignore',
    },
  )
  const ended = new Promise((resolve) => engine.once('exit', resolve))
  for (let tries = 0; !existsSync(SOCKET) && tries < 300; tries++) await delay(100)
  const off = new AbortController()
  const beat = (async () => {
    while (!off.signal.aborted) {
      const running = await podman('ps', '--quiet').catch(() => '')
      for (const id of running.split('\n').filter(Boolean))
        // That of a container which is killed meanwhile would never end.
        await run('podman', ['healthcheck', 'run', id], { env: ENVIRONMENT, timeoutMs: 10_000 }).catch(
          () => {},
        )
      // Without systemd podman does not do this by itself, and Compose waits for ever for a container that is "stopped".
      const ended = await podman('ps', '--all', '--quiet', '--filter=status=exited').catch(() => '')
      for (const id of ended.split('\n').filter(Boolean))
        await podman('container', 'cleanup', id).catch(() => {})
      await delay(2_000)
    }
  })()
  return {
    async stop() {
      off.abort()
      await beat
      engine.kill('SIGTERM')
      await ended
    },
  }
}

/** The Debian below all stand-ins: made by debootstrap from the mirror that this machine uses. */
export async function makeDebian(): Promise<void> {
  const name = 'localhost/day7-debian:bookworm'
  if (await hasImage(name)) return
  const root = join(HOME, 'debian')
  await run('rm', ['-rf', root])
  const sources = await run('sh', [
    '-c',
    'cat /etc/apt/sources.list /etc/apt/sources.list.d/*.sources 2>/dev/null || true',
  ])
  const mirror = /^(?:URIs:|deb(?: \[[^\]]*\])?) +(https?:\S+)/m.exec(sources)?.[1]
  if (mirror === undefined) throw new Error('expected the address of a Debian mirror in /etc/apt')
  await run('debootstrap', ['--variant=minbase', '--include=ca-certificates', 'bookworm', root, mirror])
  const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
  await run('sh', ['-c', `tar -C ${root} -c . | podman import --quiet --change 'ENV ${path}' - ${name}`], {
    env: ENVIRONMENT,
  })
  await run('rm', ['-rf', root])
}

/** @param name as the file that uses it has it @param standIn a folder below stand-ins */
export async function makeStandIn(name: string, standIn: string): Promise<void> {
  const image = `docker.io/${name.includes('/') ? '' : 'library/'}${name}`
  if (await hasImage(image)) return
  await makeDebian()
  const context = join(HOME, 'contexts', standIn)
  cpSync(join('test/deployment/stand-ins', standIn), context, { recursive: true })
  if (standIn === 'node') {
    cpSync('node_modules/node/bin/node', join(context, 'node'))
    const npm = realpathSync((await run('sh', ['-c', 'command -v npm'])).trim()) // …/npm/bin/npm-cli.js
    cpSync(join(npm, '../..'), join(context, 'npm'), { recursive: true, dereference: true })
  }
  await buildWith([], context, join(context, 'Dockerfile'), image)
}
