import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApiKey } from '@registratur/core/api-key'
import { setUp } from '@registratur/core/staff'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { launch } from '../browser.ts'
import { type Json, sha256 } from '../kit.ts'
import { pdfOf } from '../pdf.ts'
import { registratur } from '../server.ts'
import { serveArchive } from './serve.ts'

const [dynamodb, s3] = [inject('dynamodb'), inject('s3')]
const ANNA = 'anna@kunde-a.example'

describe.skipIf(!dynamodb || !s3)('on AWS’s protocols, from a folder of files to a contact who reads one', () => {
  let archive: Awaited<ReturnType<typeof serveArchive>>
  let browser: Browser
  let key: string
  let folder: string
  let document: Json
  const problems: string[] = []
  const papers = new Map<string, string>()

  beforeAll(async () => {
    if (!dynamodb || !s3) throw new Error('no engine')
    folder = await mkdtemp(join(tmpdir(), 'registratur-engines-'))
    ;[archive, browser] = await Promise.all([serveArchive({ dynamodb, s3 }), launch()])
    const { context } = archive.aws
    await setUp(context(), { name: 'Ada', email: 'ada@archive.example', company: 'Test GmbH', language: 'en' })
    key = (await createApiKey(context(), { name: 'journey', roles: ['administrator'] })).key
  })
  afterAll(async () => {
    await browser?.close()
    await archive?.close()
    await rm(folder, { recursive: true, force: true })
  })

  const api = async (method: string, path: string, body?: unknown): Promise<Json> => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    const init = { method, headers, body: body ? JSON.stringify(body) : null }
    const response = await fetch(`${archive.url}/api${path}`, init)
    const answer = await response.json()
    if (!response.ok) throw new Error(JSON.stringify(answer))
    return answer
  }

  it('imports with the command line', async () => {
    const source = join(folder, 'source')
    const target = join(source, 'Kunden AG', 'Invoices')
    await mkdir(target, { recursive: true })
    for (let n = 1; n <= 12; n++) {
      const bytes = await pdfOf(`Rechnung ${n}`)
      papers.set(sha256(bytes), `2026-01-${String(n).padStart(2, '0')} RE-${n}.pdf`)
      await writeFile(join(target, papers.get(sha256(bytes)) ?? ''), bytes)
    }
    for (const pass of ['first', 'again']) {
      const env = { REGISTRATUR_KEY: key, REGISTRATUR_URL: archive.url }
      const run = await registratur(['import', source], env).done
      expect(run.code, `${pass}: ${run.stderr}`).toBe(0)
    }
    const [customer] = (await api('GET', '/customers?search=Kunden')).items
    const { items } = await api('GET', `/customers/${customer.id}/documents?limit=100`)
    expect(items.map((each: Json) => each.sha256).toSorted()).toEqual([...papers.keys()].toSorted())
    document = items[0]
  })

  it('shares one of them', async () => {
    const path = `/customers/${document.customerId}`
    const anna = await api('POST', `${path}/contacts`, { firstName: 'Anna', lastName: 'A', email: ANNA })
    const grant = { contactId: anna.id, documentId: document.id, permission: 'download', confirm: true }
    await api('POST', `${path}/grants`, grant)
  })

  it('lets the contact see and download it', async () => {
    const context = await browser.newContext({ acceptDownloads: true, locale: 'en' })
    const page = await signIn(context, ANNA)
    await page.getByRole('link', { name: document.title }).first().click()
    await page.waitForURL(`**/documents/${document.id}`)
    await page.locator('canvas').first().waitFor({ state: 'visible' })
    const download = page.waitForEvent('download')
    await page
      .getByRole('link', { name: /download/i })
      .first()
      .click()
    expect(sha256(await readFile(await (await download).path()))).toBe(document.sha256)
    await context.close()
  })

  it('never broke the content security policy', () => {
    expect(problems).toEqual([])
  })

  async function signIn(context: BrowserContext, email: string): Promise<Page> {
    const page = await context.newPage()
    page.on('console', (message) => {
      if (/content security policy|CORS/i.test(message.text())) problems.push(message.text())
    })
    page.on('pageerror', (error) => problems.push(String(error)))
    const earlier = archive.sent.length
    await page.goto(`${archive.url}/sign-in`)
    await page.getByLabel(/e-mail/i).fill(email)
    await page.getByRole('button', { name: /send/i }).click()
    const code = await vi.waitFor(
      () => {
        const mail = archive.sent.slice(earlier).find(({ to, text }) => to === email && /^\d{8}$/m.test(text))
        if (!mail) throw new Error('no code yet')
        return mail.text.match(/^\d{8}$/m)?.[0] ?? ''
      },
      { timeout: 20_000 },
    )
    await page.locator('[autocomplete="one-time-code"]').fill(code)
    await page.getByRole('button', { name: /^sign in/i }).click()
    await page.waitForURL('**/portal**')
    return page
  }
})
