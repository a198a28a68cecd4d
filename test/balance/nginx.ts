/**
 * nginx as it ships (docker/nginx/nginx.conf) before services on the loopback interface, in a folder of its own.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { freePort } from '../postgres-server.ts'
import { missing } from '../programs.ts'
import { killedWithUs } from '../run/reaper.ts'
import { until } from '../until.ts'

export interface Nginx {
  readonly url: string
  /** What it has said of each request. */
  requests(): LoggedRequest[]
  stop(): Promise<void>
}

export interface LoggedRequest {
  readonly id: string
  readonly path: string
  readonly status: number
  /** Those that it was passed to, between commas. */
  readonly upstream: string
  readonly upstream_status: string
}

/** A reason to skip a test, or false. */
export const NO_NGINX = missing('nginx')

const SHIPPED = 'docker/nginx/nginx.conf'

export async function startNginx(ports: readonly number[]): Promise<Nginx> {
  const home = await mkdtemp(join(tmpdir(), 'day7-nginx-'))
  await chmod(home, 0o755) // its workers are another user where we are root
  const port = await freePort()
  const [file, log] = [join(home, 'nginx.conf'), join(home, 'access.log')]
  const servers = ports.map((port, i) => ({ from: `api-${i + 1}:5001`, to: `127.0.0.1:${port}` }))
  const configuration = [
    ...servers,
    { from: '/tmp/', to: `${home}/` },
    { from: '/dev/stdout', to: log }, // a pipe of Node's is a socket, which cannot be opened
    { from: 'listen 8080;', to: `listen 127.0.0.1:${port};` },
  ].reduce(replaced, readFileSync(SHIPPED, 'utf8'))
  await writeFile(file, configuration)
  const nginx = spawn('nginx', ['-p', home, '-c', file, '-e', 'stderr', '-g', 'daemon off;'], {
    detached: true, // a group of its own, with its workers
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  killedWithUs(nginx, { group: true })
  const said: string[] = []
  createInterface(nginx.stderr).on('line', (line) => said.push(line))
  const url = `http://127.0.0.1:${port}`
  await until('nginx answers', () => {
    if (nginx.exitCode !== null) throw new Error(`nginx ended with ${nginx.exitCode}:\n${said.join('\n')}`)
    return fetch(`${url}/metrics`).catch(() => null)
  })
  return {
    url,
    requests: () =>
      readFileSync(log, 'utf8')
        .split('\n')
        .slice(0, -1) // the last one may just be written
        .map((line) => JSON.parse(line) as LoggedRequest),
    async stop() {
      nginx.kill('SIGTERM')
      if (nginx.exitCode === null) await once(nginx, 'exit')
      await rm(home, { recursive: true, force: true })
    },
  }
}

function replaced(text: string, { from, to }: { from: string; to: string }): string {
  if (!text.includes(from)) throw new Error(`${SHIPPED}: expected "${from}" somewhere`)
  return text.replaceAll(from, to)
}
