// Opens an event stream as a browser's page does, and prints a line for each thing that comes.
import { EventSource } from 'eventsource'

const say = (line) => console.log(JSON.stringify(line))
const source = new EventSource(process.argv[2])
source.onopen = () => say({ open: true })
source.onerror = (error) => say({ error: String(error.message ?? error.code ?? 'lost'), readyState: source.readyState })
for (const type of ['message.received', 'device.status', 'qr.generated', 'gap']) {
  source.addEventListener(type, (event) => say({ type: event.type, id: event.lastEventId, data: JSON.parse(event.data) }))
}
// The test holds the other end.
process.stdin.on('end', () => process.exit(0)).resume()
