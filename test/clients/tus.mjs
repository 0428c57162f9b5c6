// Uploads a file with tus-js-client in one of several ways, and prints what came
// of it as JSON: node tus.mjs SCENARIO ENDPOINT FILE
import { createReadStream, statSync } from 'node:fs'
import { Agent } from 'node:http'
import { PassThrough } from 'node:stream'
import * as tus from 'tus-js-client'

const [scenario, endpoint, file] = process.argv.slice(2)
const size = statSync(file).size
let retries = 0

// Every connection that breaks is tried again at once; after 400 in a row
// without progress it is given up.
const common = {
  endpoint,
  retryDelays: Array.from({ length: 400 }, () => 5),
  onShouldRetry: () => { retries++; return true },
  metadata: { filename: `${scenario}.bin`, filetype: 'application/octet-stream', path: '/tus' },
  httpStack: new tus.DefaultHttpStack({ agent: new Agent({ keepAlive: false }) }),
}

// run uploads until it is done, or until stop says so; then it resolves with
// the upload as it is.
function run(options, stop, input = createReadStream(file)) {
  return new Promise((resolve, reject) => {
    const upload = new tus.Upload(input, {
      ...common,
      ...options,
      onError: reject,
      onSuccess: () => resolve(upload),
      onProgress: (sent) => {
        if (stop && sent >= stop) {
          stop = 0
          upload.abort().then(() => resolve(upload), reject)
        }
      },
    })
    upload.start()
  })
}

// resume goes on with the same object, as a user who paused does.
function resume(upload) {
  return new Promise((resolve, reject) => {
    upload.options.onSuccess = () => resolve(upload)
    upload.options.onError = reject
    upload.options.onProgress = null
    upload.start()
  })
}

const scenarios = {
  whole: () => run({}),
  chunks: () => run({ chunkSize: 300_000 }),
  creation: () => run({ uploadDataDuringCreation: true, chunkSize: 700_000 }),
  // A stream, whose length is not known; of a file this client believes that
  // every chunk of unknown length is a full one.
  deferred: () => run({ uploadLengthDeferred: true, chunkSize: 500_000 }, 0, createReadStream(file).pipe(new PassThrough())),
  override: () => run({ overridePatchMethod: true, chunkSize: 400_000 }),
  ietf: () => run({ protocol: 'ietf-draft-05', chunkSize: 900_000 }),
  parallel: () => run({ parallelUploads: 4 }),
  pause: async () => {
    let upload = await run({}, size / 4)
    for (let part = 2; part < 4; part++) upload = await resume(upload)
    return upload
  },
  // Another run of the program goes on with what the first one has begun.
  anew: async () => {
    const first = await run({}, size / 3)
    return run({ uploadUrl: first.url })
  },
  cancel: async () => {
    const upload = await run({}, size / 3)
    await tus.Upload.terminate(upload.url, { ...common, retryDelays: [] }).catch(async (e) => {
      // Its answer may have been lost: then there is nothing any more.
      const status = (await fetch(upload.url, { method: 'HEAD', headers: { 'Tus-Resumable': '1.0.0' } })).status
      if (status !== 404 && status !== 410) throw e
    })
    return upload
  },
}

try {
  const upload = await scenarios[scenario]()
  console.log(JSON.stringify({ url: upload.url, retries }))
  process.exit(0)
} catch (e) {
  console.error(String(e))
  process.exit(1)
}
