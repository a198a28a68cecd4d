/**
 * A Config → what decides which model serves: the followers that fill the rollout's slots from MLflow or from folders, and the split
 * of the traffic between them.
 */
import { join } from 'node:path'
import { loadBundle, loadBundleAside } from '../bundle/index.ts'
import type { Config, MlflowConfig } from '../config/index.ts'
import { createMlflowClient, type MlflowClient, type RequestPolicy } from '../mlflow/index.ts'
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

/** Without a champion there are no answers; without a challenger there are those of the champion. */
const START_WAIT_MS = { champion: 10_000, challenger: 1_000 }

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

  const clients = config.mlflow && clientsOf(config.mlflow)
  const cache = new BundleCache(join(config.dataDir, 'models'), now)
  const followerOf = (variant: Variant, source: BundleSource): Follower =>
    new Follower({
      variant,
      source,
      rollout,
      load: loadBundleAside,
      acceptedInputs: config.acceptedInputs,
      intervalMs: config.modelPollMs,
      startWaitMs: START_WAIT_MS[variant],
      random: Math.random,
      logger,
      onRefusal: (refusal) => log.recordModelEvent(refusedEvent(refusal, now())),
    })
  const sources = clients
    ? registrySources(clients, config.mlflow!, config.modelMaxBytes, cache)
    : folderSources(config)
  const champion = followerOf('champion', sources.champion)
  const challenger = sources.challenger && followerOf('challenger', sources.challenger)
  await Promise.all([champion.start(), challenger?.start()])
  const models: Models = {
    followers: () => ({ champion: champion.status(), challenger: challenger?.status() ?? null }),
    traffic,
    async close() {
      const stopped = [champion.stop(), challenger?.stop(), traffic.stop()]
      // What they wait for ends with it.
      await Promise.all([clients?.looks.close(), clients?.downloads.close()])
      await Promise.all(stopped)
    },
  }
  // What is wrong with a folder is an error of the one who starts the service; MLflow may be there later.
  if (!clients && !rollout.current())
    try {
      rollout.place('champion', await loadBundle(config.modelDir), config.modelDir)
    } catch (error) {
      await models.close()
      throw error
    }
  return models
}

type Sources = { readonly champion: BundleSource; readonly challenger: BundleSource | null }

function folderSources({ modelDir, challengerDir }: Config): Sources {
  return {
    champion: new FolderSource(modelDir),
    challenger: challengerDir === null ? null : new FolderSource(challengerDir),
  }
}

function registrySources(
  { looks, downloads }: Clients,
  { trackingUri, modelName }: MlflowConfig,
  maxBytes: number,
  cache: BundleCache,
): Sources {
  const { host, pathname } = new URL(trackingUri)
  const sourceOf = (variant: Variant): BundleSource =>
    new RegistrySource({
      registry: {
        pollAlias: (name, alias, previous) => looks.pollAlias(name, alias, previous),
        download: (version, folder, signal) =>
          downloadBundle(downloads, version, folder, { maxBytes, signal }),
      },
      server: `${host}${pathname}`,
      name: modelName,
      variant,
      cache,
    })
  return { champion: sourceOf('champion'), challenger: sourceOf('challenger') }
}

interface Clients {
  readonly looks: MlflowClient
  readonly downloads: MlflowClient
}

/** What fails is tried again at the next interval anyhow. A server that fetches a file from elsewhere first takes its time. */
const POLICIES = {
  looks: { retries: 0, headersTimeoutMs: 5_000, bodyTimeoutMs: 5_000, totalTimeoutMs: 10_000 },
  downloads: { retries: 0, headersTimeoutMs: 120_000, bodyTimeoutMs: 30_000 },
}

function clientsOf({ trackingUri, auth }: MlflowConfig): Clients {
  const open = (policy: Partial<RequestPolicy>) => createMlflowClient({ trackingUri, auth, policy })
  return { looks: open(POLICIES.looks), downloads: open(POLICIES.downloads) }
}
