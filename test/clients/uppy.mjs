// Drives a headless Chromium through the page: node uppy.mjs CHROMIUM PAGE JSON
import { chromium } from 'playwright-core'

const [executablePath, page, task] = process.argv.slice(2)
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'], timeout: 180_000 })
try {
  const tab = await browser.newPage()
  tab.setDefaultTimeout(180_000)
  tab.on('pageerror', (e) => console.error(String(e)))
  tab.on('console', (m) => { if (m.type() === 'error' && !/net::ERR/.test(m.text())) console.error(m.text()) })
  await tab.goto(page)
  await tab.waitForFunction(() => window.ready)
  console.log(JSON.stringify(await tab.evaluate((t) => window.upload(t), JSON.parse(task))))
} finally {
  await browser.close()
}
