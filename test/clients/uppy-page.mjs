// The page that a browser test uploads from: Uppy with its tus plugin.
import Uppy from '@uppy/core'
import Tus from '@uppy/tus'

const hex = (buffer) => [...new Uint8Array(buffer)].map((b) => b.toString(16).padStart(2, '0')).join('')

function contents(size) {
  const bytes = new Uint8Array(size)
  for (let at = 0; at < size; at += 65536) crypto.getRandomValues(bytes.subarray(at, Math.min(size, at + 65536)))
  return bytes
}

// upload uploads random bytes as a file and returns what came of it.
window.upload = async ({ name, size, endpoint, scenario }) => {
  const bytes = contents(size)
  const sha256 = hex(await crypto.subtle.digest('SHA-256', bytes))
  const uppy = new Uppy({ autoProceed: false }).use(Tus, {
    endpoint,
    chunkSize: scenario === 'chunks' ? 300_000 : Infinity,
    parallelUploads: scenario === 'parallel' ? 3 : 1,
    retryDelays: Array.from({ length: 400 }, () => 10),
    onShouldRetry: () => true,
  })
  const id = uppy.addFile({ name, type: 'application/octet-stream', data: new File([bytes], name), meta: { path: '/uppy' } })
  let paused = 0
  uppy.on('upload-progress', (file, progress) => {
    const reached = progress.bytesUploaded / size
    if (scenario === 'pause' && paused < 2 && reached > (paused + 1) / 4) {
      paused++
      uppy.pauseResume(id)
      setTimeout(() => uppy.pauseResume(id), 100)
    }
    if (scenario === 'cancel' && reached > 0.3 && !paused) {
      paused++
      const url = file.tus?.uploadUrl ?? uppy.getFile(id)?.tus?.uploadUrl
      uppy.cancelAll()
      window.cancelled = url ?? 'unknown'
    }
  })
  const result = await uppy.upload()
  const done = result?.successful?.[0]
  return { sha256, paused, url: done?.uploadURL ?? '', failed: result?.failed?.map((f) => String(f.error)) ?? [] }
}
window.ready = true
