// aedes as a broker on one port: node broker.js ADDRESS PORT. What it has to keep, it keeps in memory.

'use strict'

const net = require('node:net')
const aedes = require('aedes')()
const [address, port] = process.argv.slice(2)

net.createServer((stream) => {
  stream.setNoDelay(true)
  aedes.handle(stream)
}).listen(Number(port), address)
