// What the official Node.js client for EventStoreDB finds at Daybook's endpoint, a line of JSON each, for the test that
// runs it: node client.mjs WHAT URL
import {
  ANY, BACKWARDS, binaryEvent, END, EventStoreDBClient, eventTypeFilter, excludeSystemEvents, FORWARDS, jsonEvent, NO_STREAM,
  START, streamNameFilter,
} from "@eventstore/db-client"

const [what, url] = process.argv.slice(2)
const client = EventStoreDBClient.connectionString(url)

const say = (finding) =>
  console.log(JSON.stringify(finding, (_, value) => (typeof value === "bigint" ? value.toString() : value)))

const seen = ({ event }) => ({
  stream: event.streamId, revision: event.revision, id: event.id, type: event.type, json: event.isJson,
  data: event.isJson ? event.data : Buffer.from(event.data).toString("hex"), metadata: event.metadata,
  created: event.created, commit: event.position.commit, prepare: event.position.prepare,
})

// all says each event of a reading, and how it ended.
async function all(reading, name) {
  try {
    for await (const event of reading) say({ name, event: seen(event) })
    say({ name, ended: "" })
  } catch (error) {
    say({ name, ended: error.type ?? String(error) })
  }
}

// followed says what a subscription brings until it has had so many events.
async function followed(subscription, name, count) {
  subscription.on("caughtUp", () => say({ name, caughtUp: true }))
  let left = count
  for await (const event of subscription) {
    say({ name, event: seen(event) })
    if (--left === 0) break
  }
  say({ name, ended: "" })
}

async function outcome(name, call) {
  try {
    const result = await call()
    say({ name, ended: "", result })
  } catch (error) {
    say({ name, ended: error.type ?? String(error), actual: error.actualVersion })
  }
}

const checkpoints = (name) => (_, position) => say({ name, checkpoint: position.commit })

const scenarios = {
  async read() {
    const stream = "ledger-a"
    await all(client.readStream(stream, { fromRevision: START, direction: FORWARDS }), "stream")
    await all(client.readStream(stream, { fromRevision: END, direction: BACKWARDS, maxCount: 3 }), "stream backwards")
    await all(client.readStream(stream, { fromRevision: 2n, maxCount: 2 }), "stream from 2")
    await all(client.readStream("ledger-none"), "no stream")
    await all(client.readAll({ fromPosition: START }), "all")
    await all(client.readAll({ fromPosition: END, direction: BACKWARDS, maxCount: 3 }), "all backwards")
    let third
    for await (const event of client.readAll({ maxCount: 3 })) third = event.event.position
    await all(client.readAll({ fromPosition: third, maxCount: 2 }), "all from the third")
    await all(client.readAll({ fromPosition: third, direction: BACKWARDS }), "all back from the third")
    await outcome("metadata", () => client.getStreamMetadata(stream))
  },
  // Each of these goes on until it has had one event more than was there, which the test appends when all have caught up.
  async follow([type, ...counts]) {
    const [inStream, inAll, ofType, ofStream] = counts.map(Number)
    await Promise.all([
      followed(client.subscribeToStream("ledger-a", { fromRevision: START }), "stream", inStream + 1),
      followed(client.subscribeToAll({ fromPosition: START }), "all", inAll + 1),
      followed(client.subscribeToAll({ fromPosition: END }), "all live", 1),
      followed(client.subscribeToAll({ filter: excludeSystemEvents() }), "no system events", inAll + 1),
      followed(client.subscribeToAll({ filter: eventTypeFilter({ prefixes: [type] }) }), "types", ofType + 1),
      followed(client.subscribeToAll({
        filter: streamNameFilter({
          regex: "^ledger-a$", maxSearchWindow: 4, checkpointInterval: 2, checkpointReached: checkpoints("streams"),
        }),
      }), "streams", ofStream + 1),
    ])
  },
  async write() {
    const one = () => jsonEvent({ type: "Type1", data: { n: 1 }, metadata: { by: "me" } })
    await outcome("append", () => client.appendToStream("ledger-a", one()))
    await outcome("append many", () => client.appendToStream("ledger-a", Array.from({ length: 50 }, one)))
    await outcome("metadata", () => client.setStreamMetadata("ledger-a", { maxCount: 1 }))
    await outcome("delete", () => client.deleteStream("ledger-a"))
    await outcome("tombstone", () => client.tombstoneStream("ledger-a"))
  },
  async append() {
    const id = "0198f6a0-0000-7000-8000-000000000001"
    const first = jsonEvent({ id, type: "First", data: { n: 1 }, metadata: { by: "me" } })
    const second = binaryEvent({ type: "Second", data: Uint8Array.from([0xff, 0]) })
    await outcome("first", () => client.appendToStream("ledger-new", [first, second], { expectedRevision: NO_STREAM }))
    await outcome("again", () => client.appendToStream("ledger-new", first, { expectedRevision: NO_STREAM }))
    const third = jsonEvent({ type: "Third", data: {} })
    await outcome("conflict", () => client.appendToStream("ledger-new", third, { expectedRevision: 0n }))
    const big = () => binaryEvent({ type: "Big", data: new Uint8Array(600 << 10) })
    await outcome("too large", () => client.appendToStream("ledger-new", [big(), big()], { expectedRevision: ANY }))
    await all(client.readStream("ledger-new"), "read")
  },
}

await scenarios[what](process.argv.slice(4))
await client.dispose()
