// Makes Baileys check signatures. Loaded before anything else: `node -r ./strict.cjs client.mjs`.
//
// Baileys ignores what libsignal's `verifySignature` returns and goes on unless it throws, so a forged
// certificate or device identity would pass. And for keys fetched from the server, libsignal asks itself, by a
// fourth argument, not to look at all.
'use strict'

const { createRequire } = require('node:module')

// The copy that Baileys loads, wherever npm has put it.
const requireOfBaileys = createRequire(require.resolve('@whiskeysockets/baileys'))
const curve = requireOfBaileys('libsignal/src/curve.js')
const verify = curve.verifySignature

curve.verifySignature = (key, message, signature) => {
  if (verify(key, message, signature) !== true) throw new Error('a signature is not valid')
  return true
}
