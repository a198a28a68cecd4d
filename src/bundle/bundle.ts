/**
 * A bundle's folder → a verified model, ready to predict. It loads only if every file has its hash, plan, trees and manifest
 * name the same features, and every golden prediction is reproduced; otherwise a BundleError says what differs and where.
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Ensemble, parseModel } from '../ensemble/index.ts'
import { type FeaturePlan, type Install, parseFeaturePlan } from '../features/index.ts'
import { BundleError } from './errors.ts'
import { checkGolden } from './golden.ts'
import { type Manifest, readManifest } from './manifest.ts'

export interface Prediction {
  /** Seven-day revenue, in the unit of the training data's revenue; ≥ 0. */
  readonly revenue: number
  /** The sum of the leaves and the offset, before the objective's transform. */
  readonly rawScore: number
}

export class Bundle {
  readonly manifest: Manifest
  readonly ensemble: Ensemble
  /** Golden predictions that were reproduced when it was loaded. */
  readonly goldenCount: number
  readonly #plan: FeaturePlan
  readonly #row: Float64Array

  constructor(manifest: Manifest, plan: FeaturePlan, ensemble: Ensemble, goldenCount: number) {
    this.manifest = manifest
    this.ensemble = ensemble
    this.goldenCount = goldenCount
    this.#plan = plan
    this.#row = new Float64Array(plan.features.length)
  }

  /** @throws RangeError if the model's answer is not a finite number */
  predict(install: Install): Prediction {
    const offset = this.#plan.encode(install, this.#row)
    const rawScore = (this.ensemble.predictRaw(this.#row) as number) + offset
    const output = this.ensemble.outputOf(rawScore)
    if (!Number.isFinite(output))
      throw new RangeError(
        `model ${this.manifest.name} ${this.manifest.version} answered ${output}, not a finite number`,
      )
    return { revenue: Math.max(0, output), rawScore }
  }
}

/** @throws BundleError */
export async function loadBundle(directory: string): Promise<Bundle> {
  const read = (file: string): Promise<Buffer> =>
    within(directory, file, () => readFile(join(directory, file)))

  const manifestText = await read('manifest.json')
  const manifest = await within(directory, 'manifest.json', () =>
    readManifest(JSON.parse(manifestText.toString())),
  )
  const files = new Map<string, string>()
  for (const [file, expected] of manifest.files) {
    const bytes = await read(file)
    const actual = createHash('sha256').update(bytes).digest('hex')
    if (actual !== expected)
      throw new BundleError(
        directory,
        file,
        `expected sha256 ${expected} as the manifest says, got ${actual}`,
      )
    files.set(file, bytes.toString())
  }

  const parse = <T>(file: string, use: (text: string) => T): Promise<T> =>
    within(directory, file, () => use(files.get(file)!))
  const plan = await parse('features.json', (text) => parseFeaturePlan(JSON.parse(text)))
  const ensemble = await parse('model.json', (text) => parseModel(JSON.parse(text)))
  if (ensemble.classCount !== 1)
    throw new BundleError(directory, 'model.json', `expected one class, got ${ensemble.classCount}`)
  expectSame('features.json', 'features', plan.features, manifest.features)
  expectSame('features.json', 'offset', [plan.offset], [manifest.offset])
  expectSame('model.json', 'feature names', ensemble.featureNames, manifest.features)
  const goldenCount = await parse('golden.ndjson', (text) => checkGolden(text, plan, ensemble))
  return new Bundle(manifest, plan, ensemble, goldenCount)

  function expectSame(
    file: string,
    what: string,
    actual: readonly unknown[],
    expected: readonly unknown[],
  ): void {
    if (JSON.stringify(actual) !== JSON.stringify(expected))
      throw new BundleError(
        directory,
        file,
        `${what}: the manifest has ${expected.join(', ')}, the file ${actual.join(', ')}`,
      )
  }
}

/** Runs one step and says in which file it failed. */
async function within<T>(directory: string, file: string, step: () => T | Promise<T>): Promise<T> {
  try {
    return await step()
  } catch (cause) {
    throw new BundleError(directory, file, cause instanceof Error ? cause.message : String(cause), cause)
  }
}
