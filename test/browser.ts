import chromium from '@sparticuz/chromium'
import { type Browser, chromium as playwright } from 'playwright-core'

/** Chromium from npm: nothing to install, nothing it calls home to. */
export async function launch(): Promise<Browser> {
  // Made for Lambda, its arguments ask for a single process, which ends with the first context that closes.
  const args = chromium.args.filter((arg) => arg !== '--single-process' && arg !== '--no-zygote')
  return playwright.launch({
    executablePath: await chromium.executablePath(),
    args: [...args, '--no-sandbox', '--headless=shell', '--disable-gpu', '--disable-background-networking'],
  })
}
