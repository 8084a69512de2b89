// Reads `count` messages of a queue or stream with amqplib and prints [{key, id, user, type, content}], then tries what
// it may not do and prints the codes of the refusals.
import { readFileSync } from "node:fs";
import amqp from "amqplib";

const { uri, queue, count, offset, forbidden } = JSON.parse(readFileSync(0, "utf8"));

async function read() {
  const connection = await amqp.connect(uri);
  const channel = await connection.createChannel();
  await channel.prefetch(50);
  const messages = [];
  await new Promise((resolve, reject) => {
    channel.on("error", reject);
    const take = (message) => {
      messages.push({ key: message.fields.routingKey, id: message.properties.messageId, user: message.properties.userId,
        type: message.properties.contentType, content: message.content.toString("utf8") });
      channel.ack(message);
      if (messages.length === count) resolve();
    };
    channel.consume(queue, take, offset === undefined ? {} : { arguments: { "x-stream-offset": offset } }).catch(reject);
  });
  await channel.close();
  await connection.close();
  return messages;
}

const attempts = {
  "read another queue": (channel) => channel.get("gateway.event_store"),
  "publish": (channel) => channel.publish("events", "crm_sales.order.placed", Buffer.from("{}")),
  "publish to a queue": (channel) => channel.publish("", queue, Buffer.from("{}")),
  "declare": (channel) => channel.assertQueue("mine"),
  "bind": (channel) => channel.bindQueue(queue, "events", "#"),
  "purge another queue": (channel) => channel.purgeQueue("gateway.event_store"),
  "delete its queue": (channel) => channel.deleteQueue(queue),
};

async function refusal(attempt) {
  const connection = await amqp.connect(uri);
  connection.on("error", () => {});
  const channel = await connection.createConfirmChannel();
  const closed = new Promise((resolve) => channel.on("error", (error) => resolve(error.code)));
  const tried = (async () => {
    await attempt(channel);
    await channel.waitForConfirms();
    return "allowed";
  })().catch((error) => error.code ?? closed);
  const code = await Promise.race([closed, tried]);
  await connection.close().catch(() => {});
  return code;
}

const messages = count ? await read() : [];
const refusals = {};
for (const [name, attempt] of forbidden ? Object.entries(attempts) : []) refusals[name] = await refusal(attempt);
console.log(JSON.stringify({ messages, refusals }));
