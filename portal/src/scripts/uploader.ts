import '@awesome.me/webawesome/dist/components/progress-bar/progress-bar.js'
import type WaProgressBar from '@awesome.me/webawesome/dist/components/progress-bar/progress-bar.js'
import type { RecordClass } from '@registratur/core/retention'
import { guess } from '../features/guess.ts'
import { ApiError, answer, api, file as fileUpload, type Progress, sha256Of, upload } from './transfer.ts'

interface Settings {
  customerId: string
  /** Where a filed document is looked at; `{id}` stands for its id. */
  documentPath?: string
  /** Staff are told of duplicates and may file final. */
  office: boolean
  messages: Record<string, string>
}

const AT_ONCE = 3
const SHARED = ['folderId', 'recordClass', 'documentDate'] as const

type State = 'ready' | 'active' | 'done' | 'failed' | 'duplicate'

function start(root: HTMLElement, settings: Settings) {
  const { messages } = settings
  const input = find<HTMLInputElement>(root, 'input[type=file]')
  const list = find<HTMLOListElement>(root, '.upload-rows')
  const template = find<HTMLTemplateElement>(root, 'template')
  const bar = find<HTMLElement>(root, '.upload-bar')
  const go = find<HTMLButtonElement>(root, '.upload-go')
  const summary = find<HTMLElement>(root, '.upload-summary')
  const defaults = find<HTMLElement>(root, '.upload-defaults')
  const rows: Row[] = []
  for (const element of root.querySelectorAll<HTMLElement>('[data-enhanced]')) element.hidden = false

  const refresh = () => {
    const of = (...states: State[]) => rows.filter(({ state }) => states.includes(state)).length
    const [waiting, active, done, failed] = [of('ready'), of('active'), of('done'), of('failed', 'duplicate')]
    bar.hidden = rows.length === 0
    defaults.hidden = rows.length === 0
    go.disabled = waiting === 0 || active > 0
    go.hidden = waiting === 0 && active === 0
    const counts: [string, number][] = [
      ['waiting', waiting],
      ['active', active],
      ['done', done],
      ['failed', failed],
    ]
    summary.textContent = counts
      .filter(([, n]) => n > 0)
      .map(([name, n]) => say(messages, `summary.${name}`, { n }))
      .join(' · ')
    const back = root.querySelector<HTMLElement>('.upload-back')
    if (back) back.hidden = done === 0 || active > 0
  }

  const add = (files: Iterable<File>) => {
    for (const file of files) {
      const row = new Row(file, template, settings, refresh)
      for (const name of SHARED) {
        const shared = find<HTMLInputElement | HTMLSelectElement>(defaults, `[name=${name}]`)
        if (shared.value && (shared.dataset.chosen || name === 'folderId')) row.set(name, shared.value)
      }
      rows.push(row)
      list.append(row.element)
      row.removed = () => {
        rows.splice(rows.indexOf(row), 1)
        refresh()
      }
    }
    refresh()
  }

  input.addEventListener('change', () => {
    add(input.files ?? [])
    input.value = ''
  })
  // What is chosen for all goes to every file that is not filed yet; each can still be changed.
  for (const name of SHARED) {
    const shared = find<HTMLInputElement | HTMLSelectElement>(defaults, `[name=${name}]`)
    shared.addEventListener('change', () => {
      shared.dataset.chosen = 'yes'
      for (const row of rows) if (row.open && shared.value) row.set(name, shared.value)
    })
  }
  go.addEventListener('click', async () => {
    const waiting = rows.filter(({ state }) => state === 'ready')
    // What is complete goes; the first row that is not gets the focus.
    const incomplete = waiting.filter((row) => !row.complete())
    for (const row of incomplete) waiting.splice(waiting.indexOf(row), 1)
    incomplete[0]?.valid()
    const final = root.querySelector<HTMLInputElement>('[name=final]')?.checked ?? false
    const work = async () => {
      for (let row = waiting.shift(); row; row = waiting.shift()) if (row.state === 'ready') await row.run(final)
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
  })

  for (const name of ['dragenter', 'dragover'] as const)
    window.addEventListener(name, (event) => {
      if (!event.dataTransfer?.types.includes('Files')) return
      event.preventDefault()
      root.classList.add('dragging')
    })
  window.addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) root.classList.remove('dragging')
  })
  window.addEventListener('drop', (event) => {
    event.preventDefault()
    root.classList.remove('dragging')
    add(event.dataTransfer?.files ?? [])
  })
  window.addEventListener('beforeunload', (event) => {
    if (rows.some(({ state }) => state === 'active')) event.preventDefault()
  })
  refresh()
}

/** One file on its way into the archive. */
class Row {
  /** The row that brought these bytes first: the same file twice in one go is pointed out, too. */
  static readonly #byHash = new Map<string, Row>()
  readonly element: HTMLElement
  state: State = 'ready'
  removed: () => void = () => {}
  readonly #file: File
  readonly #settings: Settings
  readonly #changed: () => void
  #abort = new AbortController()
  #sha256: string | undefined
  #uploadId: string | undefined
  #duplicateAccepted = false

  constructor(file: File, template: HTMLTemplateElement, settings: Settings, changed: () => void) {
    this.#file = file
    this.#settings = settings
    this.#changed = changed
    const content = template.content.cloneNode(true) as DocumentFragment
    this.element = find(content, 'li')
    for (const name of ['.upload-name', '.upload-legend']) find(this.element, name).textContent = file.name
    find(this.element, '.upload-size').textContent = sizeText(file.size)
    const guessed = guess(file.name)
    for (const [name, value] of Object.entries(guessed)) if (value) this.set(name, value)
    this.#on('.upload-remove', () => {
      this.element.remove()
      this.removed()
    })
    this.#on('.upload-cancel', () => this.#abort.abort())
    this.#on('.upload-retry', () => {
      this.#duplicateAccepted ||= this.state === 'duplicate'
      void this.run(document.querySelector<HTMLInputElement>('#uploader [name=final]')?.checked ?? false)
    })
    this.#show('ready')
  }

  get open(): boolean {
    return this.state !== 'done' && this.state !== 'active'
  }

  set(name: string, value: string) {
    const control = this.element.querySelector<HTMLInputElement>(`[name=${name}]`)
    if (control) control.value = value
  }

  #value(name: string): string {
    return this.element.querySelector<HTMLInputElement>(`[name=${name}]`)?.value.trim() ?? ''
  }

  complete(): boolean {
    return [...this.element.querySelectorAll<HTMLInputElement>('input, select')].every((control) =>
      control.checkValidity(),
    )
  }

  /** Like `complete`, and shows what is missing. */
  valid(): boolean {
    return [...this.element.querySelectorAll<HTMLInputElement>('input, select')].every((control) =>
      control.reportValidity(),
    )
  }

  async run(final: boolean): Promise<void> {
    if (!this.valid()) return
    const { customerId, office, documentPath } = this.#settings
    this.#abort = new AbortController()
    const transfer = { signal: this.#abort.signal, onProgress: (progress: Progress) => this.#progress(progress) }
    this.#show('active', 'phase.hashing')
    try {
      if (this.#file.size === 0) throw new ApiError('empty-file', '')
      this.#sha256 ??= await sha256Of(this.#file, transfer)
      if (office && !this.#duplicateAccepted && (await this.#showDuplicate(this.#sha256))) return
      this.#uploadId ??= await upload(this.#file, this.#sha256, transfer)
      const json = {
        uploadId: this.#uploadId,
        folderId: this.#value('folderId'),
        recordClass: this.#value('recordClass') as RecordClass,
        title: this.#value('title'),
        number: this.#value('number') || undefined,
        documentDate: this.#value('documentDate'),
        final: final || undefined,
      }
      const document = await fileUpload(
        () =>
          api.customers[':customer'].documents.$post(
            { param: { customer: customerId }, json },
            { init: { signal: transfer.signal } },
          ),
        transfer,
      )
      this.#show('done', 'phase.done')
      this.#link(documentPath?.replace('{id}', document.id), this.#value('title'))
    } catch (error) {
      // A new attempt begins with the bytes unless only the filing itself was refused.
      if (!(error instanceof ApiError) || /^upload-|network/.test(error.code)) this.#uploadId = undefined
      if (this.#abort.signal.aborted) this.#show('ready')
      else this.#fail(error)
    }
  }

  async #showDuplicate(sha256: string): Promise<boolean> {
    const { customerId, documentPath } = this.#settings
    const twin = Row.#byHash.get(sha256)
    if (twin && twin !== this && (twin.state === 'active' || twin.state === 'done')) {
      this.#show('duplicate', 'duplicate')
      this.#link(undefined, twin.#value('title'))
      return true
    }
    Row.#byHash.set(sha256, this)
    const { items } = await answer(
      api.customers[':customer'].documents.$get(
        { param: { customer: customerId }, query: { sha256 } },
        { init: { signal: this.#abort.signal } },
      ),
    )
    const [first] = items
    if (!first) return false
    this.#show('duplicate', 'duplicate')
    this.#link(documentPath?.replace('{id}', first.id), first.title)
    return true
  }

  #fail(error: unknown) {
    const { messages } = this.#settings
    this.#show('failed')
    const { code, message } = error instanceof ApiError ? error : { code: 'network', message: String(error) }
    find(this.element, '.upload-status').textContent =
      messages[`problem.${code}`] ?? (message || say(messages, 'failed', { code }))
  }

  #progress({ phase, fraction }: Progress) {
    const bar = find<WaProgressBar>(this.element, 'wa-progress-bar')
    bar.indeterminate = phase === 'filing' || (phase === 'hashing' && fraction === 0)
    bar.value = Math.round(fraction * 100)
    find(this.element, '.upload-status').textContent = this.#settings.messages[`phase.${phase}`] ?? phase
  }

  #show(state: State, message?: string) {
    this.state = state
    this.element.dataset.state = state
    find(this.element, '.upload-status').textContent = message ? (this.#settings.messages[message] ?? '') : ''
    find(this.element, '.upload-link').replaceChildren()
    const bar = find<WaProgressBar>(this.element, 'wa-progress-bar')
    bar.hidden = state !== 'active'
    bar.value = 0
    for (const control of this.element.querySelectorAll<HTMLInputElement>('input, select'))
      control.disabled = !this.open
    find(this.element, '.upload-remove').hidden = !this.open
    find(this.element, '.upload-cancel').hidden = state !== 'active'
    const retry = find(this.element, '.upload-retry')
    retry.hidden = state !== 'failed' && state !== 'duplicate'
    find(retry, 'span').textContent = this.#settings.messages[state === 'duplicate' ? 'fileAnyway' : 'retry'] ?? ''
    find(this.element, 'fieldset').hidden = state === 'done'
    this.#changed()
  }

  #link(href: string | undefined, text: string) {
    const link = document.createElement(href ? 'a' : 'span')
    if (link instanceof HTMLAnchorElement && href) link.href = href
    link.textContent = text
    find(this.element, '.upload-link').replaceChildren(link)
  }

  #on(selector: string, listener: () => void) {
    find(this.element, selector).addEventListener('click', listener)
  }
}

function find<T extends HTMLElement>(within: ParentNode, selector: string): T {
  const element = within.querySelector<T>(selector)
  if (!element) throw new Error(`${selector} is missing`)
  return element
}

function say(messages: Record<string, string>, key: string, params: Record<string, string | number>): string {
  const [one = '', other = one] = (messages[key] ?? key).split('|')
  return (params.n === 1 ? one : other).replace(/\{(\w+)\}/g, (_, name: string) => String(params[name] ?? ''))
}

function sizeText(bytes: number): string {
  const power = bytes < 1000 ? 0 : Math.min(3, Math.floor(Math.log10(bytes) / 3))
  const unit = ['byte', 'kilobyte', 'megabyte', 'gigabyte'][power]
  const options = { style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits: power < 2 ? 0 : 1 } as const
  return new Intl.NumberFormat(document.documentElement.lang, options).format(bytes / 1000 ** power)
}

const root = document.querySelector<HTMLElement>('#uploader')
if (root) start(root, JSON.parse(root.dataset.settings ?? '{}') as Settings)
