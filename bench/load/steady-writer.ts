import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

// Creates items at a steady rate, over few connections, one request at a time on each. Sends bytes that were prepared, so that it
// takes little of the processor from what is measured. Prints how many were created.

const [host = '', port = '', token = '', rate = '', seconds = ''] = process.argv.slice(2)
const connections = 16
/** Milliseconds. */
const tick = 10

const body = '{"name":"Tea","category":"Grocery","price_usd":4.99,"in_stock":true}'
const request = [
  'POST /items HTTP/1.1',
  `host: ${host}:${port}`,
  `authorization: Bearer ${token}`,
  'content-type: application/json',
  `content-length: ${body.length}`,
  '',
  body,
].join('\r\n')

const idle: Socket[] = []
let created = 0
let due = 0

function open(): void {
  const socket = connect(Number(port), host)
  socket.setNoDelay()
  socket.on('connect', () => idle.push(socket))
  // A response of this size arrives in one piece.
  socket.on('data', (data) => {
    if (data.toString('latin1', 9, 12) === '201') created++
    idle.push(socket)
    send()
  })
}

function send(): void {
  while (due > 0 && idle.length > 0) {
    due--
    idle.pop()?.write(request)
  }
}

for (let opened = 0; opened < connections; opened++) open()
const begun = performance.now()
let asked = 0
for (;;) {
  const passed = Math.min((performance.now() - begun) / 1000, Number(seconds))
  due += Math.floor(passed * Number(rate)) - asked
  asked = Math.floor(passed * Number(rate))
  send()
  if (passed >= Number(seconds) && (due === 0 || performance.now() - begun > 2_000 * Number(seconds))) break
  await sleep(tick)
}
process.stdout.write(`${JSON.stringify({ created })}\n`)
process.exit()
