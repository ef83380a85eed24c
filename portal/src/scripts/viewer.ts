import {
  GlobalWorkerOptions,
  getDocument,
  type PDFDocumentProxy,
  type PDFPageProxy,
  type RenderTask,
  TextLayer,
  version,
} from 'pdfjs-dist'
import worker from 'pdfjs-dist/build/pdf.worker.min.mjs?url'

GlobalWorkerOptions.workerSrc = worker
const RESOURCES = `/_astro/pdfjs-${version}/`
/** Phones refuse larger canvases. */
const MOST_PIXELS = 16_000_000
const ZOOMS = [0.5, 0.67, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 1.75, 2, 2.5, 3]

async function open(root: HTMLElement, url: string, messages: Record<string, string>) {
  const loading = getDocument({
    url,
    // Only the pages that are looked at are fetched, each range by a request that is checked anew.
    disableAutoFetch: true,
    disableStream: true,
    rangeChunkSize: 256 * 1024,
    cMapUrl: `${RESOURCES}cmaps/`,
    standardFontDataUrl: `${RESOURCES}standard_fonts/`,
    iccUrl: `${RESOURCES}iccs/`,
    wasmUrl: `${RESOURCES}wasm/`,
    // WebAssembly would need a weaker content security policy.
    useWasm: false,
  })
  const pdf = await loading.promise
  const viewer = new Viewer(root, pdf, messages)
  await viewer.start()
}

class Viewer {
  readonly #pdf: PDFDocumentProxy
  readonly #messages: Record<string, string>
  readonly #pages: HTMLElement
  readonly #number: HTMLInputElement
  readonly #zoomText: HTMLOutputElement
  readonly #find: HTMLInputElement
  readonly #views: PageView[] = []
  /** Relative to the width of the window it is shown in. */
  #zoom = 1
  #width = 0
  #at = 1

  constructor(root: HTMLElement, pdf: PDFDocumentProxy, messages: Record<string, string>) {
    const find = <T extends HTMLElement>(selector: string) => root.querySelector(selector) as T
    this.#pdf = pdf
    this.#messages = messages
    this.#pages = find('.viewer-pages')
    this.#number = find('.page-number')
    this.#zoomText = find('.zoom')
    this.#find = find('.find input')
    find('.viewer-fallback').hidden = true
    find('.viewer-bar').hidden = false
    this.#pages.hidden = false
    find('.page-count').textContent = String(pdf.numPages)
    this.#number.max = String(pdf.numPages)
    this.#number.addEventListener('change', () => this.#show(Number(this.#number.value)))
    find('.zoom-in').addEventListener('click', () => this.#step(1))
    find('.zoom-out').addEventListener('click', () => this.#step(-1))
    this.#find.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter') return
      event.preventDefault()
      void this.#search(this.#find.value, event.shiftKey ? -1 : 1)
    })
    this.#find.addEventListener('input', () => this.#highlight())
    this.#pages.addEventListener('keydown', (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return
      if (event.key === '+') this.#step(1)
      if (event.key === '-') this.#step(-1)
      if (event.key === 'Home') this.#show(1)
      if (event.key === 'End') this.#show(pdf.numPages)
    })
    this.#pages.addEventListener('scroll', () => this.#follow(), { passive: true })
  }

  async start() {
    const first = await this.#pdf.getPage(1)
    const { width, height } = first.getViewport({ scale: 1 })
    for (let n = 1; n <= this.#pdf.numPages; n++) {
      const label = `${this.#messages.page} ${n}`
      const view = new PageView(this.#pdf, n, label, { width, height }, () => this.#highlight())
      this.#views.push(view)
      this.#pages.append(view.element)
    }
    const seen = new IntersectionObserver(
      (entries) => {
        for (const { target, isIntersecting } of entries) {
          const view = this.#views[Number((target as HTMLElement).dataset.page) - 1]
          if (isIntersecting) void view?.render()
          else view?.clear()
        }
      },
      { root: this.#pages, rootMargin: '120% 0px' },
    )
    for (const { element } of this.#views) seen.observe(element)
    new ResizeObserver(() => this.#resize()).observe(this.#pages)
    this.#resize()
  }

  #resize() {
    const width = this.#pages.clientWidth
    if (width === 0 || width === this.#width) return
    this.#width = width
    this.#apply()
  }

  #apply() {
    const at = this.#at
    for (const view of this.#views) view.fit((this.#width - 24) * this.#zoom)
    this.#zoomText.textContent = `${Math.round(this.#zoom * 100)} %`
    this.#show(at)
  }

  #step(by: 1 | -1) {
    const next = by > 0 ? ZOOMS.find((zoom) => zoom > this.#zoom) : ZOOMS.findLast((zoom) => zoom < this.#zoom)
    if (!next) return
    this.#zoom = next
    this.#apply()
  }

  #show(n: number) {
    const view = this.#views[Math.min(Math.max(1, n || 1), this.#views.length) - 1]
    if (view) this.#pages.scrollTop = view.element.offsetTop - this.#pages.offsetTop - 12
    this.#follow()
  }

  #current(): number {
    const middle = this.#pages.scrollTop + this.#pages.clientHeight / 3 + this.#pages.offsetTop
    const after = this.#views.findIndex(({ element }) => element.offsetTop > middle)
    return after === -1 ? this.#views.length : Math.max(1, after)
  }

  #follow() {
    this.#at = this.#current()
    if (document.activeElement !== this.#number) this.#number.value = String(this.#at)
  }

  /** Go to the next page that contains the text. */
  async #search(text: string, by: 1 | -1) {
    const wanted = text.trim().toLowerCase()
    this.#find.setCustomValidity('')
    if (!wanted) return
    const count = this.#views.length
    const here = this.#at
    for (let i = 1; i <= count; i++) {
      const n = ((((here - 1 + by * i) % count) + count) % count) + 1
      if (!(await this.#views[n - 1]?.text())?.includes(wanted)) continue
      this.#show(n)
      return
    }
    this.#find.setCustomValidity(this.#messages.noMatch ?? '')
    this.#find.reportValidity()
  }

  #highlight() {
    if (!('highlights' in CSS)) return
    const wanted = this.#find.value.trim().toLowerCase()
    const ranges: Range[] = []
    const walker = document.createTreeWalker(this.#pages, NodeFilter.SHOW_TEXT)
    while (wanted && walker.nextNode()) {
      const text = walker.currentNode.nodeValue?.toLowerCase() ?? ''
      for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + wanted.length)) {
        const range = new Range()
        range.setStart(walker.currentNode, at)
        range.setEnd(walker.currentNode, at + wanted.length)
        ranges.push(range)
      }
    }
    CSS.highlights.set('found', new Highlight(...ranges))
  }
}

/** One page: a placeholder of its size until it comes near, then a canvas with selectable text above it. */
class PageView {
  readonly element = document.createElement('div')
  readonly #pdf: PDFDocumentProxy
  readonly #n: number
  readonly #rendered: () => void
  #size: { width: number; height: number }
  #scale = 1
  #page: PDFPageProxy | undefined
  #task: RenderTask | undefined
  #drawnAt = 0
  #near = false
  #text: Promise<string> | undefined

  constructor(
    pdf: PDFDocumentProxy,
    n: number,
    label: string,
    size: { width: number; height: number },
    rendered: () => void,
  ) {
    this.#pdf = pdf
    this.#n = n
    this.#size = size
    this.#rendered = rendered
    this.element.className = 'viewer-page'
    this.element.dataset.page = String(n)
    this.element.role = 'region'
    this.element.ariaLabel = label
  }

  fit(width: number) {
    this.#scale = width / this.#size.width
    this.element.style.width = `${Math.floor(width)}px`
    this.element.style.height = `${Math.floor(this.#size.height * this.#scale)}px`
    this.element.style.setProperty('--total-scale-factor', String(this.#scale))
    if (this.#near) void this.render()
  }

  text(): Promise<string> {
    this.#text ??= this.#load().then(async (page) => {
      const { items } = await page.getTextContent()
      return items
        .map((item) => ('str' in item ? item.str + (item.hasEOL ? ' ' : '') : ''))
        .join('')
        .toLowerCase()
    })
    return this.#text
  }

  async #load(): Promise<PDFPageProxy> {
    this.#page ??= await this.#pdf.getPage(this.#n)
    return this.#page
  }

  async render() {
    this.#near = true
    if (this.#drawnAt === this.#scale) return
    const scale = this.#scale
    this.#drawnAt = scale
    this.#task?.cancel()
    const page = await this.#load()
    const natural = page.getViewport({ scale: 1 })
    if (natural.width !== this.#size.width || natural.height !== this.#size.height) {
      const width = this.#size.width * scale
      this.#size = { width: natural.width, height: natural.height }
      this.#drawnAt = 0
      return this.fit(width)
    }
    const viewport = page.getViewport({ scale })
    const sharp = Math.min(devicePixelRatio, 2, Math.sqrt(MOST_PIXELS / (viewport.width * viewport.height)))
    const canvas = document.createElement('canvas')
    canvas.width = Math.floor(viewport.width * sharp)
    canvas.height = Math.floor(viewport.height * sharp)
    const text = document.createElement('div')
    text.className = 'textLayer'
    try {
      this.#task = page.render({ canvas, viewport, transform: [sharp, 0, 0, sharp, 0, 0] })
      await this.#task.promise
      if (scale !== this.#scale || !this.#near) return
      this.element.replaceChildren(canvas, text)
      await new TextLayer({ textContentSource: page.streamTextContent(), container: text, viewport }).render()
      this.#rendered()
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'RenderingCancelledException') throw error
    }
  }

  /** Far away: give the memory back. */
  clear() {
    this.#near = false
    this.#drawnAt = 0
    this.#task?.cancel()
    const canvas = this.element.querySelector('canvas')
    if (canvas) canvas.width = canvas.height = 0
    this.element.replaceChildren()
  }
}

for (const root of document.querySelectorAll<HTMLElement>('.viewer[data-src]')) {
  const messages = JSON.parse(root.dataset.messages ?? '{}') as Record<string, string>
  open(root, root.dataset.src ?? '', messages).catch((error) => {
    console.warn(error)
    const message = root.querySelector('.viewer-message')
    if (message) message.textContent = messages.failed ?? ''
  })
}
