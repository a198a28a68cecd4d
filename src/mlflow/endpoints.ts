/**
 * The calls of MLflow's REST API that we make, as data. Parameters of a GET go into the query, all others into a JSON body:
 * MLflow reads the query of a GET only (mlflow/server/handlers.py, _get_request_message), so a DELETE has a body too.
 */

export interface Endpoint {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly path: string
  /** Sent twice it does no more than sent once, so it may be sent again when no answer came. */
  readonly repeatable: boolean
  /** Statuses that are an answer here and no passing fault, whatever the policy says. */
  readonly finalStatuses?: readonly number[]
}

const API = '/api/2.0/mlflow'
const get = (path: string): Endpoint => ({ method: 'GET', path, repeatable: true })
/** A POST that reads, or that sets something to a value. */
const set = (path: string): Endpoint => ({ method: 'POST', path, repeatable: true })
/** A POST that makes another one each time. */
const create = (path: string): Endpoint => ({ method: 'POST', path, repeatable: false })
/** MLflow 2 answers 500 when the file is not there: trying again only wastes time. */
const file = (path: string): Endpoint => ({ ...get(path), finalStatuses: [500] })

export const ENDPOINTS = {
  health: get('/health'),
  version: get('/version'),

  getExperimentByName: get(`${API}/experiments/get-by-name`),
  createExperiment: create(`${API}/experiments/create`),

  createRun: create(`${API}/runs/create`),
  getRun: get(`${API}/runs/get`),
  updateRun: set(`${API}/runs/update`),
  searchRuns: set(`${API}/runs/search`),
  // The same value of a metric, of the same time and step, is kept once; the same value of a param is taken again.
  logBatch: set(`${API}/runs/log-batch`),
  setRunTag: set(`${API}/runs/set-tag`),

  listRunArtifacts: get(`${API}/artifacts/list`),
  downloadRunArtifact: file('/get-artifact'),
  /** Below it the path of one artifact, or `path` in the query to list a folder. */
  proxiedArtifacts: get('/api/2.0/mlflow-artifacts/artifacts'),

  // A second one is refused, which we take for success.
  createRegisteredModel: set(`${API}/registered-models/create`),
  getRegisteredModel: get(`${API}/registered-models/get`),
  getAlias: get(`${API}/registered-models/alias`),
  setAlias: set(`${API}/registered-models/alias`),
  deleteAlias: { method: 'DELETE', path: `${API}/registered-models/alias`, repeatable: true },
  createModelVersion: create(`${API}/model-versions/create`),
  getModelVersion: get(`${API}/model-versions/get`),
  searchModelVersions: get(`${API}/model-versions/search`),
  setModelVersionTag: set(`${API}/model-versions/set-tag`),
  getModelDownloadUri: get(`${API}/model-versions/get-download-uri`),
  downloadModelArtifact: file('/model-versions/get-artifact'),
} satisfies Record<string, Endpoint>
