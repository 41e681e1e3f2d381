import { box, el } from './dom.ts'

/** ms between two pictures that are searched for a code. */
const EVERY = 150
/** The longer side of the picture that is searched, in pixels. More takes longer and finds no more. */
const SIDE = 800

/** Whether this browser can show the camera to the page: only over https or on this machine. */
export const canScan = (): boolean => navigator.mediaDevices?.getUserMedia !== undefined

/**
 * Shows the camera and searches its pictures for a QR code. Resolves with the text of the first one
 * that `wanted` accepts, or with null when the user closes the camera. Rejects if there is no camera
 * or the user does not allow it.
 */
export async function scan(wanted: (text: string) => boolean): Promise<string | null> {
  const { decodeQR } = await import('qr/decode.js')
  const video = el('camera', HTMLVideoElement)
  const camera = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } })
  box('scanner').hidden = false
  video.srcObject = camera
  try {
    await video.play()
    return await search(video, (picture) => {
      try {
        const text = decodeQR(picture)
        return wanted(text) ? text : null
      } catch {
        // There is no code in this picture.
        return null
      }
    })
  } finally {
    for (const track of camera.getTracks()) track.stop()
    video.srcObject = null
    box('scanner').hidden = true
  }
}

/** Takes a picture again and again, until `read` finds something or the user presses the button. */
function search(
  video: HTMLVideoElement,
  read: (picture: ImageData) => string | null,
): Promise<string | null> {
  const canvas = document.createElement('canvas')
  const context = canvas.getContext('2d', { willReadFrequently: true })
  return new Promise((resolve) => {
    const end = (found: string | null) => {
      clearInterval(timer)
      resolve(found)
    }
    const timer = setInterval(() => {
      const { videoWidth: width, videoHeight: height } = video
      if (context === null || width === 0) return
      const scale = Math.min(1, SIDE / Math.max(width, height))
      canvas.width = Math.round(width * scale)
      canvas.height = Math.round(height * scale)
      context.drawImage(video, 0, 0, canvas.width, canvas.height)
      const found = read(context.getImageData(0, 0, canvas.width, canvas.height))
      if (found !== null) end(found)
    }, EVERY)
    el('scan-stop', HTMLButtonElement).onclick = () => end(null)
  })
}
