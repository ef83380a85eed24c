import { client } from '@registratur/functions/client'
import type { HashMessage } from './hash.worker.ts'

/** What the API answered when it refused. */
export class ApiError extends Error {
  readonly code: string
  readonly retryAfter: number

  constructor(code: string, message: string, retryAfter = 0) {
    super(message)
    this.code = code
    this.retryAfter = retryAfter
  }
}

export interface Progress {
  phase: 'hashing' | 'sending' | 'filing'
  /** 0 … 1 */
  fraction: number
}

export interface Transfer {
  signal: AbortSignal
  onProgress(progress: Progress): void
}

export const api = client(location.origin)

interface Reply {
  ok: boolean
  status: number
  headers: Headers
  json(): Promise<unknown>
}

/** What the API answers. @throws {ApiError} with the problem's code, when it refuses */
export async function answer<R extends Reply>(request: Promise<R>): Promise<Awaited<ReturnType<R['json']>>> {
  const reply = await request
  if (reply.ok) return reply.json() as Promise<Awaited<ReturnType<R['json']>>>
  const problem = (await reply.json().catch(() => ({}))) as { code?: string; detail?: string; title?: string }
  const retryAfter = Number(reply.headers.get('retry-after')) || 0
  throw new ApiError(problem.code ?? `http-${reply.status}`, problem.detail ?? problem.title ?? '', retryAfter)
}

/** SHA-256 of a file as hex, computed beside the page. */
export function sha256Of(file: File, { signal, onProgress }: Transfer): Promise<string> {
  const worker = new Worker(new URL('./hash.worker.ts', import.meta.url), { type: 'module' })
  return new Promise<string>((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    worker.onerror = () => reject(new ApiError('read-failed', ''))
    worker.onmessage = ({ data }: MessageEvent<HashMessage>) => {
      if ('sha256' in data) resolve(data.sha256)
      else if ('error' in data) reject(new ApiError('read-failed', data.error))
      else onProgress({ phase: 'hashing', fraction: data.done / file.size })
    }
    worker.postMessage(file)
  }).finally(() => worker.terminate())
}

/** Announce a file and put its bytes where the archive says. Returns the upload's id. */
export async function upload(file: File, sha256: string, transfer: Transfer): Promise<string> {
  const { name: fileName, size } = file
  const contentType = file.type || 'application/octet-stream'
  const announced = await answer(
    api.uploads.$post({ json: { fileName, size, contentType, sha256 } }, { init: { signal: transfer.signal } }),
  )
  await put(file, announced, transfer)
  return announced.uploadId
}

function put(
  file: File,
  { url, method, headers }: { url: string; method: string; headers: Record<string, string> },
  { signal, onProgress }: Transfer,
): Promise<void> {
  return new Promise((resolve, reject) => {
    // fetch tells nothing of the progress of a request's body.
    const request = new XMLHttpRequest()
    request.open(method, url)
    for (const [name, value] of Object.entries(headers))
      if (!/^(content-length|host)$/i.test(name)) request.setRequestHeader(name, value)
    request.upload.onprogress = ({ loaded, total }) => onProgress({ phase: 'sending', fraction: loaded / (total || 1) })
    request.onload = () =>
      request.status < 300
        ? resolve()
        : reject(new ApiError('upload-failed', `${request.status} ${request.statusText}`))
    request.onerror = () => reject(new ApiError('network', ''))
    request.onabort = () => reject(signal.reason)
    signal.addEventListener('abort', () => request.abort(), { once: true })
    if (signal.aborted) reject(signal.reason)
    else request.send(file)
  })
}

/** File what was uploaded. While the archive still checks the bytes of a large file, ask again. */
export async function file<R extends Reply>(request: () => Promise<R>, { signal, onProgress }: Transfer) {
  onProgress({ phase: 'filing', fraction: 1 })
  for (;;) {
    try {
      return await answer(request())
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== 'upload-not-verified') throw error
      await new Promise((resolve) => setTimeout(resolve, (error.retryAfter || 2) * 1000))
      signal.throwIfAborted()
    }
  }
}
