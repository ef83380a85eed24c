import { existsSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { launch } from './browser.ts'
import { type Json, sha256 } from './kit.ts'
import { pdfOf } from './pdf.ts'
import { registratur, type Server, startServer } from './server.ts'

const CORPUS = fileURLToPath(new URL('../../shared/corpus/e-invoices/FX/', import.meta.url))
const ANNA = 'anna@kunde-a.example'
const BERT = 'bert@kunde-b.example'

describe('from a folder of files to a contact who reads one of them', () => {
  let folder: string
  let dataDir: string
  let server: Server
  let browser: Browser
  let key: string
  let document: Json
  const problems: string[] = []

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'registratur-journey-'))
    dataDir = join(folder, 'data')
    ;[server, browser] = await Promise.all([startServer({ dataDir }), launch()])
    const made = await registratur(['key', 'create', '--role', 'administrator', '--name', 'journey', '--data', dataDir])
      .done
    expect(made.code, made.stderr).toBe(0)
    key = made.stdout.trim()
  })

  afterAll(async () => {
    await browser?.close()
    await server?.kill()
    await rm(folder, { recursive: true, force: true })
  })

  const api = async (method: string, path: string, body?: unknown): Promise<Json> => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    const response = await fetch(`${server.url}/api${path}`, {
      method,
      headers,
      body: body && JSON.stringify(body),
    } as RequestInit)
    const answer = await response.json()
    if (!response.ok) throw new Error(JSON.stringify(answer))
    return answer
  }

  it('imports real invoices with the command line', async () => {
    const source = join(folder, 'source')
    const papers = await collect(join(source, 'Kunden AG Mitte', 'Invoices'))
    await mkdir(join(source, 'Andere GmbH', 'Invoices'), { recursive: true })
    await writeFile(join(source, 'Andere GmbH', 'Invoices', '2026-01-02 RE-1.pdf'), await pdfOf('Andere'))

    const run = await registratur(['import', source], { REGISTRATUR_KEY: key, REGISTRATUR_URL: server.url }).done
    expect(run.code, run.stderr).toBe(0)

    const { items } = await api('GET', '/customers?search=Kunden')
    const found = await api('GET', `/customers/${items[0].id}/documents?limit=100`)
    expect(new Set(found.items.map((each: Json) => each.sha256))).toEqual(new Set(papers.values()))
    expect(found.items.every((each: Json) => each.status === 'final')).toBe(true)
    document = found.items.find((each: Json) => each.size > 10_000) ?? found.items[0]
  })

  it('shares one of them', async () => {
    const mine = document.customerId
    const other = (await api('GET', '/customers?search=Andere')).items[0].id
    const anna = await api('POST', `/customers/${mine}/contacts`, { firstName: 'Anna', lastName: 'A', email: ANNA })
    await api('POST', `/customers/${other}/contacts`, { firstName: 'Bert', lastName: 'B', email: BERT })
    const grant = { contactId: anna.id, documentId: document.id, permission: 'download' }
    await expect(api('POST', `/customers/${mine}/grants`, grant)).rejects.toThrow('widens-access')
    await api('POST', `/customers/${mine}/grants`, { ...grant, confirm: true })
  })

  for (const javaScriptEnabled of [true, false]) {
    it(`lets the contact find and download it, JavaScript ${javaScriptEnabled ? 'on' : 'off'}`, async () => {
      const context = await browser.newContext({ javaScriptEnabled, acceptDownloads: true, locale: 'en' })
      const page = await signIn(context, ANNA)
      await page.getByRole('link', { name: document.title }).first().click()
      await page.waitForURL(`**/documents/${document.id}`)
      const download = page.waitForEvent('download')
      await page
        .getByRole('link', { name: /download/i })
        .first()
        .click()
      const path = await (await download).path()
      expect(sha256(await readFile(path))).toBe(document.sha256)
      await context.close()
    })
  }

  it('shows it in the page', async () => {
    const context = await browser.newContext({ locale: 'en' })
    const page = await signIn(context, ANNA)
    await page.getByRole('link', { name: document.title }).first().click()
    const canvas = page.locator('canvas').first()
    await canvas.waitFor({ state: 'visible' })
    await vi.waitFor(async () => expect(await inkOn(page)).toBeGreaterThan(100), { timeout: 20_000, interval: 200 })
    await context.close()
  })

  it('answers a contact of another customer as if it did not exist', async () => {
    const context = await browser.newContext({ locale: 'en' })
    const page = await signIn(context, BERT)
    const here = `/api/customers/${document.customerId}/documents/${document.id}`
    for (const path of [here, `${here}/versions`, `${here}/versions/1/content`]) {
      const response = await context.request.get(`${server.url}${path}`, { maxRedirects: 0 })
      expect(response.status(), path).toBe(404)
    }
    const shown = await page.goto(`${server.url}/portal/${document.customerId}/documents/${document.id}`)
    expect(shown?.status()).toBe(404)
    await context.close()
  })

  it('never broke the content security policy', () => {
    expect(problems).toEqual([])
  })

  async function signIn(context: BrowserContext, email: string): Promise<Page> {
    const page = await context.newPage()
    page.on('console', (message) => {
      if (/content security policy/i.test(message.text())) problems.push(message.text())
    })
    page.on('pageerror', (error) => problems.push(String(error)))
    const before = new Set(await mails())
    await page.goto(`${server.url}/sign-in`)
    await page.getByLabel(/e-mail/i).fill(email)
    await page.getByRole('button', { name: /send/i }).click()
    const code = await vi.waitFor(async () => {
      for (const name of (await mails()).filter((each) => !before.has(each))) {
        const mail = await readFile(join(dataDir, 'outbox', name), 'utf8')
        const found = mail.includes(email) ? mail.match(/^\d{8}\r?$/m)?.[0] : undefined
        if (found) return found.trim()
      }
      throw new Error('no code yet')
    })
    await page.locator('[autocomplete="one-time-code"]').fill(code)
    await page.getByRole('button', { name: /^sign in/i }).click()
    await page.waitForURL('**/portal**')
    return page
  }

  const mails = () => readdir(join(dataDir, 'outbox')).catch(() => [] as string[])
})

/** How many pixels of the first canvas are dark. */
function inkOn(page: Page): Promise<number> {
  return page.evaluate(() => {
    const canvas = globalThis.document.querySelector('canvas')
    const pixels = canvas?.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? []
    let dark = 0
    for (let i = 0; i < pixels.length; i += 4) if ((pixels[i] ?? 255) < 128 && (pixels[i + 3] ?? 0) > 128) dark++
    return dark
  })
}

/** Real invoices where the corpus is at hand, else as many of our own; file name → SHA-256. */
async function collect(target: string): Promise<Map<string, string>> {
  await mkdir(target, { recursive: true })
  const papers = new Map<string, string>()
  if (existsSync(CORPUS)) {
    for (const name of await readdir(CORPUS)) await copyFile(join(CORPUS, name), join(target, name))
  } else {
    for (let i = 1; i <= 26; i++) await writeFile(join(target, `RE-${i}.pdf`), await pdfOf(`Rechnung ${i}`))
  }
  for (const name of await readdir(target)) papers.set(name, sha256(await readFile(join(target, name))))
  return papers
}
