/**
 * A Config → what decides which model serves: the followers that fill the rollout's slots from MLflow or from folders, and the split
 * of the traffic between them.
 */
import { join } from 'node:path'
import { loadBundle, loadBundleAside } from '../bundle/index.ts'
import type { Config, MlflowConfig } from '../config.ts'
import { createMlflowClient, type MlflowClient } from '../mlflow/index.ts'
import type { LogLogger, PredictionLog } from '../prediction-log/index.ts'
import { downloadBundle } from '../registry/index.ts'
import {
  BundleCache,
  type BundleSource,
  FolderSource,
  Follower,
  type FollowerStatus,
  RegistrySource,
  type Rollout,
  TrafficControl,
  type Variant,
} from '../rollout/index.ts'
import { refusedEvent } from './events.ts'

export interface Models {
  /** Null: nothing is followed there. */
  followers(): Readonly<Record<Variant, FollowerStatus | null>>
  readonly traffic: TrafficControl
  close(): Promise<void>
}

/** That a change of the split takes to be in force in all processes. */
const TRAFFIC_POLL_MS = 2_000

/**
 * Resolves when there is a champion, or when one may come later from MLflow.
 * @throws BundleError if the folder that is to be served holds no bundle
 */
export async function openModels(
  config: Config,
  rollout: Rollout,
  log: PredictionLog,
  now: () => Date,
  logger: LogLogger,
): Promise<Models> {
  const traffic = new TrafficControl({
    settings: config.rollout,
    store: log.splits,
    file: join(config.dataDir, 'rollout.json'),
    rollout,
    pollMs: TRAFFIC_POLL_MS,
    logger,
  })
  await traffic.start()

  const client = config.mlflow && clientOf(config.mlflow)
  const cache = new BundleCache(join(config.dataDir, 'models'), now)
  const followerOf = (variant: Variant, source: BundleSource): Follower =>
    new Follower({
      variant,
      source,
      rollout,
      load: loadBundleAside,
      intervalMs: config.modelPollMs,
      random: Math.random,
      logger,
      onRefusal: (refusal) => log.recordModelEvent(refusedEvent(refusal, now())),
    })
  const sources = client
    ? registrySources(client, config.mlflow!, config.modelMaxBytes, cache)
    : folderSources(config)
  const champion = followerOf('champion', sources.champion)
  const challenger = sources.challenger && followerOf('challenger', sources.challenger)
  await Promise.all([champion.start(), challenger?.start()])
  // What is wrong with a folder is an error of the one who starts the service; MLflow may be there later.
  if (!client && !rollout.current())
    rollout.place('champion', await loadBundle(config.modelDir), config.modelDir)

  return {
    followers: () => ({ champion: champion.status(), challenger: challenger?.status() ?? null }),
    traffic,
    async close() {
      const stopped = [champion.stop(), challenger?.stop(), traffic.stop()]
      // What they wait for ends with it.
      await client?.close()
      await Promise.all(stopped)
    },
  }
}

type Sources = { readonly champion: BundleSource; readonly challenger: BundleSource | null }

function folderSources({ modelDir, challengerDir }: Config): Sources {
  return {
    champion: new FolderSource(modelDir),
    challenger: challengerDir === null ? null : new FolderSource(challengerDir),
  }
}

function registrySources(
  client: MlflowClient,
  { trackingUri, modelName }: MlflowConfig,
  maxBytes: number,
  cache: BundleCache,
): Sources {
  const { host, pathname } = new URL(trackingUri)
  const sourceOf = (variant: Variant): BundleSource =>
    new RegistrySource({
      registry: {
        pollAlias: (name, alias, previous) => client.pollAlias(name, alias, previous),
        download: (version, folder, signal) => downloadBundle(client, version, folder, { maxBytes, signal }),
      },
      server: `${host}${pathname}`,
      name: modelName,
      variant,
      cache,
    })
  return { champion: sourceOf('champion'), challenger: sourceOf('challenger') }
}

/** A look that finds nobody is repeated at the next interval anyhow. */
const POLICY = { retries: 0, headersTimeoutMs: 10_000, totalTimeoutMs: 20_000 }

const clientOf = ({ trackingUri, auth }: MlflowConfig): MlflowClient =>
  createMlflowClient({ trackingUri, auth, policy: POLICY })
