/**
 * Options → a client of one MLflow server, 2.22 or 3: experiments, runs, artifacts and the model registry. Knows nothing of what the
 * artifacts are. Errors are MlflowErrors; a call whose signal is aborted fails with the signal's reason.
 */
import type { Dispatcher } from 'undici'
import { addressOf, type Credentials } from './address.ts'
import { type AliasCalls, aliasCalls } from './aliases.ts'
import { type ArtifactCalls, artifactCalls } from './artifacts.ts'
import { ENDPOINTS } from './endpoints.ts'
import { type ExperimentCalls, experimentCalls } from './experiments.ts'
import { DEFAULT_POLICY, type RequestPolicy } from './policy.ts'
import { type RegistryCalls, registryCalls } from './registry.ts'
import { type RunCalls, runCalls } from './runs.ts'
import { Transport } from './transport.ts'

export interface MlflowClientOptions {
  /** http(s)://host[:port][/prefix] */
  readonly trackingUri: string
  /** If left out or null, what stands before the host in `trackingUri`, as a name and password. */
  readonly auth?: Credentials | null
  /** What sends the requests; it stays open when the client is closed. */
  readonly dispatcher?: Dispatcher
  /** What differs from DEFAULT_POLICY. */
  readonly policy?: Partial<RequestPolicy>
}

export interface MlflowClient extends ExperimentCalls, RunCalls, ArtifactCalls, RegistryCalls, AliasCalls {
  /** The server's, as `2.22.5`. */
  version(): Promise<string>
  /** @throws MlflowError if the server is not there or not well */
  health(): Promise<void>
  /** Ends what is under way with MLFLOW_CLOSED. */
  close(): Promise<void>
}

/** @throws MlflowError INVALID_TRACKING_URI, INVALID_CREDENTIALS */
export function createMlflowClient(options: MlflowClientOptions): MlflowClient {
  const { trackingUri, auth = null, dispatcher = null, policy } = options
  const address = addressOf(trackingUri, auth)
  const transport = new Transport(address, Object.freeze({ ...DEFAULT_POLICY, ...policy }), dispatcher)
  const registry = registryCalls(transport)
  return {
    ...experimentCalls(transport),
    ...runCalls(transport),
    ...artifactCalls(transport),
    ...registry,
    ...aliasCalls(transport, registry),
    version: () => plainText(transport, 'version', /^\d+\.\d+\S*$/),
    health: async () => void (await plainText(transport, 'health', /^OK$/)),
    close: () => transport.close(),
  }
}

/** Another text is a proxy's: a page to log in, say. */
function plainText(transport: Transport, name: 'version' | 'health', pattern: RegExp): Promise<string> {
  return transport.run({ endpoint: ENDPOINTS[name] }, async (answer) => {
    const text = (await answer.text(transport.policy.maxResponseBytes)).trim()
    if (!pattern.test(text)) throw answer.unexpected(`MLflow's ${name}`, text)
    return text
  })
}
