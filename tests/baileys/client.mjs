// Baileys as a process that talks in lines of JSON: commands come on standard input, events go to standard
// output, the log to standard error.
//
//   {"do": "send", "to": jid, "text": …}   → {"event": "sent", "id"}
//   {"do": "read", "keys": [key, …]}       → {"event": "receipts-sent"}
//   {"do": "receipt", "to": jid, "ids": […], "type": …} → the same, for whatever ids
//   {"do": "pair", "number": digits}       → {"event": "code", "code"}
//   {"do": "stop"}, or the end of input    → the process ends
//
//   {"event": "qr", "qr"}                  a code to scan; a new one when the old one is too old
//   {"event": "open", "jid", "lid"}        logged in
//   {"event": "close", "code", "reason"}   the connection is over; the process ends
//   {"event": "message", "key", "text"}    a text, received or sent by this account
//   {"event": "status", "id", "status"}    what became of a message: sent, delivered, read
//   {"event": "error", "reason"}           a command failed
//
// Environment: WA_URL, the server; WA_ROOT_KEY, in hex, the key that signs its certificates; AUTH_FOLDER, where
// keys are kept; LOG_LEVEL, of Baileys' own log.

import { createInterface } from 'node:readline'
import makeWASocket, {
  Browsers,
  Curve,
  DisconnectReason,
  WA_CERT_DETAILS,
  proto,
  useMultiFileAuthState,
} from '@whiskeysockets/baileys'
import pino from 'pino'

const { WA_URL, WA_ROOT_KEY, AUTH_FOLDER, LOG_LEVEL = 'silent' } = process.env

// libsignal chats on standard output, which is for events.
console.log = console.info = console.error

const tell = event => process.stdout.write(JSON.stringify(event) + '\n')

/** Whether signatures count, which they only do after strict.cjs. */
function signaturesCount() {
  const pair = Curve.generateKeyPair()
  const signature = Curve.sign(pair.private, Buffer.from('signed'))
  const good = Curve.verify(pair.public, Buffer.from('signed'), signature)
  return good && !Curve.verify(pair.public, Buffer.from('forged'), signature)
}

if (!signaturesCount()) {
  console.error('Baileys takes forged signatures: start it with `node -r ./strict.cjs`')
  process.exit(1)
}

const STATUS = proto.WebMessageInfo.Status
const STATUS_NAMES = {
  [STATUS.ERROR]: 'failed',
  [STATUS.SERVER_ACK]: 'sent',
  [STATUS.DELIVERY_ACK]: 'delivered',
  [STATUS.READ]: 'read',
}

WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(WA_ROOT_KEY, 'hex')
const { state, saveCreds } = await useMultiFileAuthState(AUTH_FOLDER)
const logger = pino({ level: LOG_LEVEL }, pino.destination(2))
/** What was sent, for devices that ask for it again. */
const sent = new Map()
let socket

function connect() {
  socket = makeWASocket({
    auth: state,
    browser: Browsers.ubuntu('Chrome'),
    getMessage: async key => sent.get(key.id),
    logger,
    shouldSyncHistoryMessage: () => false,
    syncFullHistory: false,
    waWebSocketUrl: WA_URL,
  })
  socket.ev.on('creds.update', saveCreds)
  socket.ev.on('connection.update', onConnection)
  socket.ev.on('messages.upsert', ({ messages }) => messages.forEach(onMessage))
  socket.ev.on('messages.update', updates => updates.forEach(onUpdate))
}

function onConnection({ connection, lastDisconnect, qr }) {
  if (qr) tell({ event: 'qr', qr })
  if (connection === 'open') tell({ event: 'open', jid: socket.user.id, lid: socket.user.lid })
  if (connection !== 'close') return
  const code = lastDisconnect?.error?.output?.statusCode
  // After linking, the server asks every client to come again.
  if (code === DisconnectReason.restartRequired) return connect()
  tell({ event: 'close', code, reason: lastDisconnect?.error?.message })
  process.exit(0)
}

function onMessage({ key, message, status }) {
  const text = message?.conversation || message?.extendedTextMessage?.text
  if (text) tell({ event: 'message', key, text })
  // A quick receipt becomes part of the event of the message itself.
  if (key.fromMe) onUpdate({ key, update: { status } })
}

function onUpdate({ key, update }) {
  const status = STATUS_NAMES[update.status]
  if (status) tell({ event: 'status', id: key.id, status })
}

const COMMANDS = {
  async send({ to, text }) {
    const { key, message } = await socket.sendMessage(to, { text })
    sent.set(key.id, message)
    tell({ event: 'sent', id: key.id })
  },
  async read({ keys }) {
    await socket.readMessages(keys)
    tell({ event: 'receipts-sent' })
  },
  async receipt({ to, ids, type }) {
    await socket.sendReceipt(to, undefined, ids, type)
    tell({ event: 'receipts-sent' })
  },
  async pair({ number }) {
    tell({ event: 'code', code: await socket.requestPairingCode(number) })
  },
  stop: async () => process.exit(0),
}

connect()

/** Does what a line says, and tells when that fails. */
async function obey(line) {
  try {
    const command = JSON.parse(line)
    await COMMANDS[command.do](command)
  } catch (error) {
    tell({ event: 'error', reason: error.message })
  }
}

// Not awaited: one command may wait for what a later one brings about.
for await (const line of createInterface({ input: process.stdin })) obey(line)
process.exit(0)
