import '@awesome.me/webawesome/dist/components/progress-bar/progress-bar.js'
import type WaProgressBar from '@awesome.me/webawesome/dist/components/progress-bar/progress-bar.js'
import { ApiError, api, file as fileUpload, type Progress, sha256Of, upload } from './transfer.ts'

for (const form of document.querySelectorAll<HTMLFormElement>('form.new-version')) {
  const messages = JSON.parse(form.dataset.messages ?? '{}') as Record<string, string>
  const status = form.querySelector<HTMLElement>('.upload-status')
  const bar = form.querySelector<WaProgressBar>('wa-progress-bar')
  const button = form.querySelector<HTMLButtonElement>('button[type=submit]')
  if (!status || !bar || !button) continue
  button.disabled = false
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    const data = new FormData(form)
    const file = data.get('file') as File
    const reason = String(data.get('reason') ?? '').trim()
    const { signal } = new AbortController()
    const onProgress = ({ phase, fraction }: Progress) => {
      bar.indeterminate = phase === 'filing'
      bar.value = Math.round(fraction * 100)
      status.textContent = messages[`phase.${phase}`] ?? phase
    }
    button.disabled = true
    bar.hidden = false
    try {
      if (file.size === 0) throw new ApiError('empty-file', '')
      onProgress({ phase: 'hashing', fraction: 0 })
      const sha256 = await sha256Of(file, { signal, onProgress })
      const uploadId = await upload(file, sha256, { signal, onProgress })
      const param = { customer: form.dataset.customer ?? '', document: form.dataset.document ?? '' }
      const json = { uploadId, reason: reason || undefined }
      const { versions } = api.customers[':customer'].documents[':document']
      await fileUpload(() => versions.$post({ param, header: {}, json }), { signal, onProgress })
      location.assign(form.dataset.next ?? location.pathname)
    } catch (error) {
      const { code, message } = error instanceof ApiError ? error : { code: 'network', message: String(error) }
      status.textContent = messages[`problem.${code}`] ?? (message || code)
      bar.hidden = true
      button.disabled = false
    }
  })
}
