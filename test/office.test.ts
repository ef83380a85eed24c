import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launch } from './browser.ts'
import { pdfOf } from './pdf.ts'
import { type Server, startServer } from './server.ts'

describe('a day in the back office, in a real browser', () => {
  let folder: string
  let server: Server
  let browser: Browser
  let page: Page
  const problems: string[] = []

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'registratur-office-'))
    ;[server, browser] = await Promise.all([startServer({ dataDir: join(folder, 'data') }), launch()])
    page = await (await browser.newContext({ locale: 'en', viewport: { width: 1280, height: 900 } })).newPage()
    page.on('console', (message) => {
      if (/content security policy/i.test(message.text())) problems.push(message.text())
    })
    page.on('pageerror', (error) => problems.push(String(error)))
  })

  afterAll(async () => {
    await browser?.close()
    await server?.kill()
    await rm(folder, { recursive: true, force: true })
  })

  it('begins with the link on the console', async () => {
    const [link] = server.output().match(/http:\/\/\S+\/setup\?token=\S+/) ?? []
    expect((await page.goto(`${server.url}/setup?token=guessed`))?.status()).toBe(403)
    await page.goto(link ?? '')
    await page.getByLabel('Company').fill('Havel Service GmbH')
    await page.getByLabel('Your name').fill('Ada Admin')
    await page.getByLabel('E-mail address').fill('ada@havel.example')
    await page.getByRole('button', { name: 'Set up' }).click()
    await page.waitForURL('**/customers')
    expect(await page.textContent('body')).toContain('Ada Admin')
    expect((await page.goto(link ?? ''))?.url()).not.toContain('/setup')
  })

  it('opens a customer’s file and finds it again by another spelling', async () => {
    await page.goto(`${server.url}/customers/new`)
    await page.getByLabel('Name', { exact: true }).fill('Café Müller OHG')
    await page.getByLabel('VAT id').fill('DE12')
    await page.getByRole('button', { name: /create|save|open/i }).click()
    // What is wrong is said, and what was typed is kept.
    await page.getByText('is not a VAT id').first().waitFor()
    expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('Café Müller OHG')
    await page.getByLabel('VAT id').fill('DE 123 456 789')
    await page.getByRole('button', { name: /create|save|open/i }).click()
    await page.waitForURL('**/customers/CUS-0001')

    await page.goto(`${server.url}/customers`)
    await page.getByRole('searchbox').fill('cafe mueller')
    await page.keyboard.press('Enter')
    await page.getByRole('link', { name: 'Café Müller OHG' }).click()
    await page.waitForURL('**/customers/CUS-0001')
  })

  it('files several documents at once and is told of one that is there already', async () => {
    const file = async (name: string, text: string) => ({
      name,
      mimeType: 'application/pdf',
      buffer: await pdfOf(text),
    })
    const papers = await Promise.all([1, 2, 3].map((n) => file(`2026-03-0${n} Rechnung RE-${n}.pdf`, `Rechnung ${n}`)))
    await page.goto(`${server.url}/customers/CUS-0001/upload`)
    await page.locator('input[type=file]').setInputFiles(papers)
    await page.locator('#all-class').selectOption('invoice')
    await page.locator('#all-folder').selectOption({ label: 'Invoices' })
    await page.getByRole('button', { name: 'File all' }).click()
    await page.getByText('3 filed').waitFor()

    await page.goto(`${server.url}/customers/CUS-0001/upload`)
    await drop(page, papers[0]?.name ?? '', papers[0]?.buffer ?? Buffer.alloc(0))
    await page.locator('#all-class').selectOption('invoice')
    await page.getByRole('button', { name: 'File all' }).click()
    await page.getByText('in this customer file already').waitFor()
  })

  it('finalises one, corrects it with a reason, and sees both in the journal', async () => {
    await page.goto(`${server.url}/customers/CUS-0001`)
    await page.getByRole('link', { name: /RE-2/ }).first().click()
    await page.locator('summary, button', { hasText: 'Finalise' }).first().click()
    await page.getByRole('button', { name: 'Finalise' }).last().click()
    await page.getByText('The version is final.').waitFor()
    expect(await page.textContent('body')).toContain('31 Dec 2034')

    await page.locator('summary, button', { hasText: 'New version' }).first().click()
    const correction = { name: 'RE-2b.pdf', mimeType: 'application/pdf', buffer: await pdfOf('Rechnung 2, korrigiert') }
    await page.locator('input[type=file]').first().setInputFiles(correction)
    await page.locator('form.new-version [name=reason]').fill('Falscher Steuersatz')
    await page
      .getByRole('button', { name: /add version/i })
      .last()
      .click()
    await page.getByText('Falscher Steuersatz').first().waitFor()
    expect(await page.getByText('Version 2', { exact: false }).count()).toBeGreaterThan(0)
  })

  it('gives a contact a tree, shares a folder after seeing who will see what, and takes it back', async () => {
    await page.goto(`${server.url}/customers/CUS-0001/contacts`)
    await page.locator('summary, button', { hasText: 'Add contact' }).first().click()
    await page.getByLabel('First name').first().fill('Klara')
    await page.getByLabel('Last name').first().fill('Kunde')
    await page.getByLabel('E-mail address').first().fill('klara@mueller.example')
    await page.getByRole('button', { name: 'Add contact' }).last().click()
    await page.getByText('Klara Kunde was added').waitFor()

    await page.goto(`${server.url}/customers/CUS-0001`)
    await page.locator('summary, button', { hasText: 'New folder' }).first().click()
    await page.getByLabel('Name').first().fill('Vollmachten')
    await page.getByLabel('In', { exact: true }).first().selectOption({ label: 'Tree of Klara Kunde' })
    await page.getByRole('button', { name: 'New folder' }).last().click()
    await page.getByText('The folder “Vollmachten” was created.').waitFor()
    expect(await page.locator('nav.tree').textContent()).toContain('Klara Kunde')

    await page.goto(`${server.url}/customers/CUS-0001/shares`)
    await page.locator('select[name=object]').selectOption({ label: 'Invoices' })
    await page.getByRole('button', { name: 'Share', exact: true }).click()
    await page.getByText('Somebody will see more than before').waitFor()
    expect(await page.textContent('main')).toContain('Klara Kunde gets “Download” for the folder “Invoices”')
    await page.getByRole('button', { name: 'Yes, go on' }).click()
    await page.getByText('“Invoices” is shared.').waitFor()
    await page.getByRole('button', { name: 'Take back' }).click()
    await page.getByText('The share was taken back.').waitFor()
  })

  it('reaches everything by keyboard', async () => {
    await page.goto(`${server.url}/customers`)
    await page.keyboard.press('Tab')
    expect(await page.evaluate(() => document.activeElement?.textContent?.trim())).toBe('Skip to content')
    const reached = new Set<string>()
    for (let i = 0; i < 40; i++) {
      await page.keyboard.press('Tab')
      reached.add(await page.evaluate(() => document.activeElement?.textContent?.trim() ?? ''))
    }
    for (const name of ['Customers', 'Staff', 'Sign out', 'New customer', 'Café Müller OHG'])
      expect(reached).toContain(name)
  })

  it('fits a phone: nothing is wider than the screen', async () => {
    await page.setViewportSize({ width: 360, height: 780 })
    const paths = [
      '',
      '/CUS-0001',
      '/CUS-0001/upload',
      '/CUS-0001/contacts',
      '/CUS-0001/shares',
      '/CUS-0001/journal',
      '/new',
    ]
    for (const path of paths) {
      await page.goto(`${server.url}/customers${path}`)
      const width = await page.evaluate(() => document.documentElement.scrollWidth)
      expect(width, path).toBeLessThanOrEqual(360)
    }
    await page.setViewportSize({ width: 1280, height: 900 })
  })

  it('signs out', async () => {
    await page.goto(`${server.url}/customers`)
    await page.getByRole('button', { name: 'Sign out' }).first().click()
    await page.waitForURL('**/sign-in**')
    await page.goto(`${server.url}/customers`)
    expect(page.url()).toContain('/sign-in')
  })

  it('never broke the content security policy', () => {
    expect(problems).toEqual([])
  })
})

/** What the browser does when somebody drops a file on the page. */
async function drop(page: Page, name: string, bytes: Buffer): Promise<void> {
  await page.evaluate(
    ({ name, base64 }) => {
      const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))
      const dataTransfer = new DataTransfer()
      dataTransfer.items.add(new File([bytes], name, { type: 'application/pdf' }))
      for (const type of ['dragenter', 'dragover', 'drop']) {
        document.body.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }))
      }
    },
    { name, base64: bytes.toString('base64') },
  )
}
