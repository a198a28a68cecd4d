/**
 * What the page asks of the service. A key, where one is needed, is asked for once and stays in the tab.
 */

const KEY = 'day7-key'

export class Refusal extends Error {
  /**
   * @param {number} status
   * @param {string} message
   */
  constructor(status, message) {
    super(message)
    this.status = status
  }
}

/**
 * @param {string} path from the root of the API
 * @param {RequestInit} [options]
 * @returns {Promise<any>}
 */
export async function ask(path, options = {}) {
  const response = await send(path, options)
  return response.json()
}

/**
 * Server-sent events, for as long as they come. (EventSource cannot send a key.)
 * @param {string} path
 * @param {(event: any) => void} onEvent
 */
export async function follow(path, onEvent) {
  const response = await send(path, { headers: { accept: 'text/event-stream' } })
  let text = ''
  for await (const part of /** @type {any} */ (response.body).pipeThrough(new TextDecoderStream())) {
    const events = (text + part).split('\n\n')
    text = /** @type {string} */ (events.pop())
    for (const event of events) if (event.startsWith('data: ')) onEvent(JSON.parse(event.slice(6)))
  }
}

/**
 * @param {string} path
 * @param {RequestInit} options
 * @returns {Promise<Response>}
 */
async function send(path, options) {
  for (;;) {
    const key = sessionStorage.getItem(KEY)
    const headers = { ...options.headers, ...(key && { authorization: `Bearer ${key}` }) }
    // The API is beside the page, wherever a proxy has put the two.
    const response = await fetch(new URL(`..${path}`, location.href), { ...options, headers })
    if (response.status === 401) {
      // Meanwhile another call may have asked for it.
      if (sessionStorage.getItem(KEY) === key) await askForKey()
      continue
    }
    if (response.ok) return response
    const failure = await response.json().catch(() => ({}))
    throw new Refusal(response.status, failure.message ?? response.statusText)
  }
}

/** @type {Promise<void> | undefined} */
let asking

function askForKey() {
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById('key-dialog'))
  const input = /** @type {HTMLInputElement} */ (document.getElementById('key'))
  asking ??= new Promise((resolve) => {
    dialog.showModal()
    dialog.addEventListener(
      'close',
      () => {
        sessionStorage.setItem(KEY, input.value.trim())
        input.value = ''
        asking = undefined
        resolve()
      },
      { once: true },
    )
  })
  return asking
}
