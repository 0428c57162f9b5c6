// Opens a shared folder with a headless Chromium, first with a wrong password:
// node share.mjs CHROMIUM URL PASSWORD
import { chromium } from 'playwright-core'

const [executablePath, url, password] = process.argv.slice(2)
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'], timeout: 180_000 })
try {
  const tab = await browser.newPage()
  tab.setDefaultTimeout(180_000)
  const statuses = []
  // What the browser is shown, by way of the form, at each step.
  const note = (response) => statuses.push(response.status())
  const submit = async (text) => {
    await tab.fill('input[name=password]', text)
    const navigated = tab.waitForResponse((r) => r.request().isNavigationRequest() && r.status() !== 303)
    await tab.click('button')
    note(await navigated)
    await tab.waitForLoadState()
  }
  note(await tab.goto(url))
  await submit('not ' + password)
  const told = /not the password/.test(await tab.textContent('body'))
  if (told) await submit(password)
  console.log(JSON.stringify({ statuses, told, names: await tab.locator('li a').allTextContents() }))
} finally {
  await browser.close()
}
