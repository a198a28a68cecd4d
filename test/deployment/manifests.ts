/**
 * The overlays, rendered by kustomize and held against Kubernetes' own schemas by kubeconform, of the newest version and of the oldest
 * that the manifests are for; and once more with the component that keeps the spool.
 */
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { KUBERNETES, type Manifest, OVERLAYS } from './files.ts'
import type { Check } from './run.ts'
import { FOLDER, goTool, pythonTools, run } from './tools.ts'

const VERSIONS = ['1.33.0', '1.37.0']
const RENDERED = join(FOLDER, 'rendered')

export async function testManifests(check: Check): Promise<void> {
  const kubeconform = await goTool('kubeconform')
  const kustomize = await goTool('kustomize')
  const venv = join(await pythonTools(), '..')
  rmSync(RENDERED, { recursive: true, force: true })
  mkdirSync(RENDERED, { recursive: true })

  const files: string[] = []
  const render = async (folder: string, name: string): Promise<Manifest[]> => {
    const path = join(RENDERED, `${name}.yaml`)
    writeFileSync(path, await run(kustomize, ['build', folder]))
    files.push(path)
    return parseAllDocuments(readFileSync(path, 'utf8')).map((document) => document.toJS())
  }
  for (const overlay of OVERLAYS)
    await check(`kustomize ${overlay}`, async () =>
      summary(await render(join(KUBERNETES, overlay), overlay.replaceAll('/', '-'))),
    )

  await check('kustomize overlays/production with components/kept-spool', async () => {
    const copy = join(RENDERED, 'kubernetes')
    cpSync(KUBERNETES, copy, { recursive: true })
    const file = join(copy, 'overlays/production/kustomization.yaml')
    const text = readFileSync(file, 'utf8')
    const switchedOn = text.replace(/^# (components:)\n# ( {2}- .*)$/m, '$1\n$2')
    if (switchedOn === text) throw new Error('expected the lines that switch it on, as comments')
    writeFileSync(file, switchedOn)
    const objects = await render(join(copy, 'overlays/production'), 'kept-spool')
    const set = objects.find(({ kind }) => kind === 'StatefulSet')
    if (!set || objects.some(({ kind }) => kind === 'Deployment'))
      throw new Error('expected a StatefulSet in the Deployment’s place')
    if (set.spec.template.spec.volumes.some(({ name }: Manifest) => name === 'data'))
      throw new Error('expected no emptyDir')
    return summary(objects)
  })

  const secret = join(RENDERED, 'secret.yaml')
  cpSync(join(KUBERNETES, 'secret.example.yaml'), secret)
  files.push(secret)

  for (const version of VERSIONS) {
    const schemas = standaloneSchemas(venv, version)
    const judge = (...paths: string[]) =>
      run(kubeconform, [
        ...[
          '-strict',
          '-summary',
          '-schema-location',
          join(schemas, '{{ .ResourceKind }}{{ .KindSuffix }}.json'),
        ],
        ...paths,
      ])
    await check(`kubeconform, Kubernetes ${version}`, async () => (await judge(...files)).trim())
    await check(`kubeconform, Kubernetes ${version}, refuses what is not in its schemas`, async () => {
      const wrong = join(RENDERED, 'wrong.yaml')
      writeFileSync(wrong, readFileSync(files[0]!, 'utf8').replace('readinessProbe:', 'readynessProbe:'))
      const said = await judge(wrong).catch((error: Error) => error.message)
      if (!said.includes('readynessProbe'))
        throw new Error(`expected it to refuse readynessProbe, got: ${said}`)
    })
  }
}

const summary = (objects: readonly Manifest[]): string => objects.map(({ kind }) => kind).join(', ')

/** The package keeps the definitions in a file beside the schemas, under an address that only it resolves. */
function standaloneSchemas(venv: string, version: string): string {
  const [from] = globSync(
    `${venv}/lib/python3*/site-packages/kubernetes_validate/kubernetes-json-schema/v${version}-local-strict`,
  )
  if (from === undefined) throw new Error(`expected the schemas of Kubernetes ${version}`)
  const folder = join(FOLDER, 'schemas', version)
  mkdirSync(folder, { recursive: true })
  const read = (file: string): Manifest =>
    JSON.parse(
      readFileSync(join(from, file), 'utf8').replaceAll(
        /"(\/api\/_definitions\.json)?#\/\$defs\//g,
        '"#/definitions/',
      ),
    )
  const definitions = read('_definitions.json').$defs
  const kinds = globSync(`${RENDERED}/*.yaml`).flatMap((file) => kindsIn(readFileSync(file, 'utf8')))
  for (const kind of new Set(kinds))
    writeFileSync(join(folder, `${kind}.json`), JSON.stringify({ ...read(`${kind}.json`), definitions }))
  return folder
}

/** As kubeconform names the files: `deployment-apps-v1`. */
function kindsIn(text: string): string[] {
  return parseAllDocuments(text).map((document) => {
    const { kind, apiVersion } = document.toJS() as { kind: string; apiVersion: string }
    const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : [apiVersion]
    return [kind, group!.split('.')[0], ...(version ? [version] : [])].join('-').toLowerCase()
  })
}
